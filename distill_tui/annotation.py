"""What a person writes beside a run or a model: another name, a note, tags. Kept in small JSON files of their own.

The training never reads them, an export does not carry them, and a run or model without them is as good.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.text import printable

MOST_NOTE, MOST_NAME, MOST_TAG, MOST_TAGS = 2000, 80, 32, 20
"""Characters of a note, a name and a tag, and the number of tags of one run or model."""

S = TypeVar("S", bound=Struct)


class Annotation(Struct, frozen=True, omit_defaults=True):
    """A name in place of the one it was given first ('' for that one), a note of one line or more, and tags."""

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()


def read(path: Path, kind: type[S], most: int = SMALL_FILE) -> S:
    """The contents of a file of annotations of at most `most` bytes; the defaults where there is no usable one."""
    try:
        return decode(read_bytes(path, most), kind)
    except (OSError, MalformedError):
        return kind()


def change(path: Path, kind: type[S], edit: Callable[[S], S], most: int = SMALL_FILE) -> S:
    """Replace the contents of a file by `edit` of them; the caller holds a lock that all who change it take.

    Raises:
        DistillError: it is damaged, and would be lost if it was replaced; or it cannot be written.
    """
    try:
        before = decode(read_bytes(path, most), kind)
    except FileNotFoundError:
        before = kind()
    except (OSError, MalformedError) as error:
        raise DistillError(
            f"{printable(str(path))}: notes cannot be read: {error}", "Move it away: notes then start anew."
        ) from None
    after = edit(before)
    if after != before:
        atomic_write(path, msgspec.json.encode(after))
    return after


def clean_note(text: str) -> str:
    """A note as it is kept.

    Raises:
        RequestError: it is too long.
    """
    text = printable_lines(text)
    if len(text) > MOST_NOTE:
        raise RequestError(f"a note of {len(text):,} characters is too long", f"At most {MOST_NOTE:,}.")
    return text


def printable_lines(text: str) -> str:
    """`text` without what drives a terminal, its lines kept, spaces around it taken away."""
    return "\n".join(printable(line.rstrip()) for line in text.split("\n")).strip()


def as_tags(words: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: lower case, each once, in order.

    Raises:
        RequestError: a word cannot be a tag, or there are too many.
    """
    found = tuple(dict.fromkeys(_tag(word) for word in words))
    if len(found) > MOST_TAGS:
        raise RequestError(f"{len(found)} tags are too many", f"At most {MOST_TAGS}.")
    return found


def _tag(word: str) -> str:
    tag = printable(word.strip().lower())
    if not re.fullmatch(rf"[\w.:/#@][\w.:/#@+-]{{0,{MOST_TAG - 1}}}", tag):
        raise RequestError(f"'{tag}' cannot be a tag", f"A word of letters, digits and .:/#@+-, at most {MOST_TAG}.")
    return tag


def split_tags(text: str) -> list[str]:
    """The words of a field of tags, separated by spaces or commas."""
    return re.split(r"[\s,]+", text.strip()) if text.strip() else []


def changed_tags(tags: Sequence[str], changes: Iterable[str]) -> tuple[str, ...]:
    """Tags after changes such as `+good` (or `good`) and `-old`.

    Raises:
        RequestError: a word cannot be a tag.
    """
    found = list(tags)
    for word in changes:
        tag = _tag(word.removeprefix("-").removeprefix("+"))
        if word.startswith("-"):
            found = [other for other in found if other != tag]
        else:
            found.append(tag)
    return as_tags(found)
