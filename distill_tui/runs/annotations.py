"""The name, note and tags that a person gave a run, in `notes.json` in its folder.

The folder keeps its name, which is the run's id: a worker, a path in a model's card and a link from elsewhere go by it.
"""

from collections.abc import Callable, Sequence

import msgspec

from distill_tui import annotation
from distill_tui.annotation import MOST_NAME, Annotation
from distill_tui.errors import RequestError
from distill_tui.files import locked
from distill_tui.runs.folder import RunFolder, check_there
from distill_tui.text import clean_name, printable

Stamp = tuple[int, int]


def annotation_of(run: RunFolder) -> Annotation:
    """The name, note and tags of a run; empty ones where none were given or the file is unusable."""
    return annotation.read(run.annotations, Annotation)


def title_of(run: RunFolder) -> str:
    """A run in a list of ids: its id, behind the name that a person gave it: `kicks, 20260225-061320-drums`."""
    name = annotation_of(run).name
    return f"{name}, {run.id}" if name else run.id


def stamp_of(run: RunFolder) -> Stamp:
    """Time and inode of the file: another one whenever it was changed; (0, 0) where there is none."""
    try:
        found = run.annotations.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def annotate(run: RunFolder, edit: Callable[[Annotation], Annotation]) -> Annotation:
    """Change the name, note and tags of a run. It waits for the disk and for other programs.

    Raises:
        DistillError: the run was removed, its notes are damaged, or they cannot be written.
    """
    check_there(run)
    with locked(run.annotations.with_suffix(".lock")):
        return annotation.change(run.annotations, Annotation, edit)


def set_annotation(run: RunFolder, name: str, note: str, tags: Sequence[str]) -> Annotation:
    """Give a run this name, note and tags, all checked first.

    Raises:
        RequestError: one of them cannot be.
        DistillError: as `annotate`.
    """
    wanted = Annotation(given_name(run, name), annotation.clean_note(note), annotation.as_tags(tags))
    return annotate(run, lambda _: wanted)


def rename(run: RunFolder, name: str) -> Annotation:
    """Give a run another name; its folder keeps its own.

    Raises:
        RequestError: nothing is left of the name.
        DistillError: as `annotate`.
    """
    given = given_name(run, name)
    return annotate(run, lambda before: msgspec.structs.replace(before, name=given))


def given_name(run: RunFolder, name: str) -> str:
    """`name` as it is kept: '' if the run is called so by its folder.

    Raises:
        RequestError: nothing is left of it.
    """
    given = clean_name(name, fallback="")[:MOST_NAME]
    if not given:
        raise RequestError(f"'{printable(name)}' cannot be the name of a run")
    return "" if given == run.first_name else given
