"""The recipe as a flat list of fields, from which flags, forms, files and help are generated.

A key is the dotted path of a field (`model.rvq_levels`). Where a person writes one, its last word alone will do.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from distill_tui.errors import RequestError, did_you_mean
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.upgrade import RENAMED

SECTIONS = ("data", "model", "loss", "train", "prior")
GROUPS = {
    "data": "Data",
    "net": "Net",
    "quantizer": "Quantizer",
    "loss": "Loss",
    "optimizer": "Optimizer and schedule",
    "previews": "Previews and checkpoints",
    "device": "Device",
}
"""The parts of the form and their headings, in the order in which they are shown."""
GROUP_OF_SECTION = {"model": "net", "train": "optimizer"}
MOST_LETTERS = 100
"""No key is this long: for longer words no suggestion is searched."""


@dataclass(frozen=True)
class Field:
    """One setting: its key, type, default, bounds and words."""

    key: str
    hint: Any
    default: Any
    title: str
    help: str
    ge: float | None
    le: float | None
    extra: Mapping[str, Any]

    @property
    def word(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def is_own(self) -> bool:
        """True if it belongs to one run: it has no default, and is no difference between models."""
        return bool(self.extra.get("own"))

    @property
    def is_hidden(self) -> bool:
        """True if the form does not show it: the format's own, and the sounds, which have a place of their own."""
        return bool(self.extra.get("hidden"))

    @property
    def group(self) -> str:
        """The part of the form that shows it, one of `GROUPS`: as declared, or its section's."""
        section = self.key.rpartition(".")[0]
        return str(self.extra.get("group") or GROUP_OF_SECTION.get(section, section))

    @property
    def is_share(self) -> bool:
        """True for a fraction that the form shows in percent."""
        return bool(self.extra.get("share"))

    @property
    def brief(self) -> str:
        """The beginning of its help, up to the first stop: `Length of a training crop`."""
        return re.split(r"\. |[:;] | \(", self.help)[0].rstrip(".")

    @property
    def allows_auto(self) -> bool:
        return "auto" in self.choices

    @property
    def choices(self) -> tuple[str, ...]:
        """The fixed words that it takes, `auto` among them; empty for a free field."""
        found: list[str] = []
        for part in _parts(self.hint):
            if get_origin(part) is Literal:
                found += get_args(part)
        return tuple(found)

    @property
    def kind(self) -> type:
        """bool, int, float, str or list: what its values are, apart from `auto`."""
        for part in _parts(self.hint):
            if part in (bool, int, float, str):
                chosen: type = part
                return chosen
            if get_origin(part) is list:
                return list
        return str

    @property
    def bounds(self) -> str:
        """The allowed values in words: `2 to 65536 or auto`."""
        words = []
        if self.ge is not None and self.le is not None:
            words.append(f"{self.ge:.12g} to {self.le:.12g}")
        elif self.ge is not None:
            words.append(f"{self.ge:.12g} or more")
        elif self.kind is bool:
            words.append("true or false")
        words += self.choices
        return " or ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + f" or {words[-1]}"


def _parts(kind: Any) -> Iterable[Any]:
    return get_args(kind) if get_origin(kind) in (Union, type(int | str)) else (kind,)


@functools.cache
def fields() -> dict[str, Field]:
    """Every field of the recipe by key, in the order of the declaration."""
    found: dict[str, Field] = {}

    def visit(struct: type[msgspec.Struct], prefix: str) -> None:
        hints = get_type_hints(struct, include_extras=True)
        for declared in msgspec.structs.fields(struct):
            hint = hints[declared.name]
            if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
                visit(hint, f"{declared.name}.")
                continue
            assert get_origin(hint) is Annotated, declared.name
            kind, meta = get_args(hint)
            default = declared.default if declared.default is not msgspec.NODEFAULT else declared.default_factory()
            key = prefix + declared.name
            found[key] = Field(
                key, kind, default, meta.title, meta.description, meta.extra["ge"], meta.extra["le"], meta.extra
            )

    visit(Recipe, "")
    return found


def shape_keys() -> list[str]:
    """The keys that must be equal for one net to take the weights of another, and to hear the same in a sound."""
    return [key for key in fields() if key.startswith("model.") and key != "model.dropout"]


def live_keys() -> list[str]:
    """The keys that can be changed while a run trains."""
    return [f.key for f in fields().values() if f.extra.get("live")]


def find_key(word: str) -> str:
    """The key that `word` names: a key, or the last word of one, with `-` for `_` if one likes.

    Keys of earlier versions of the recipe mean what they are called now, so that scripts go on working.

    Raises:
        RequestError: there is none; the message names the nearest.
    """
    wanted = word.strip().replace("-", "_").lower()
    if wanted in fields():
        return wanted
    matches = [f.key for f in fields().values() if f.word == wanted] or [
        new for old, new in RENAMED.items() if wanted in (old, old.partition(".")[2])
    ]
    if len(matches) == 1:
        return matches[0]
    raise RequestError(unknown_key(word))


def unknown_key(word: str, known: Iterable[str] | None = None) -> str:
    """`unknown key 'x' (did you mean 'y'?)`."""
    if len(word) > MOST_LETTERS:
        return f"unknown key '{word[:MOST_LETTERS]}...'"
    names = list(fields() if known is None else known)
    by_word = {name.rpartition(".")[2]: name for name in names}
    plain = word.replace("-", "_")
    # here, as only a mistake needs it
    import difflib

    near = difflib.get_close_matches(plain, names, 1, 0.6) or [
        by_word[w] for w in difflib.get_close_matches(plain.rpartition(".")[2], by_word, 1, 0.6)
    ]
    return f"unknown key '{word}'" + (f" (did you mean '{near[0]}'?)" if near else "")


def check(field: Field, value: Any) -> tuple[Any, str]:
    """`value` as the field's type, and what is wrong with it ('' when nothing is)."""
    try:
        if field.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        value = msgspec.convert(value, field.hint, strict=True)
    except (msgspec.ValidationError, OverflowError):
        return value, f"{field.key}: {_show(value)} is not {_wanted(field)}{_nearest(field, value)}"
    if not _is_text(value):
        return value, f"{field.key}: {_show(value)} holds bytes that are not UTF-8 text"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = field.ge, field.le
        # `not (a <= x)` rather than `x < a`: NaN must be refused too
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            return value, f"{field.key}: {_show(value)} is outside {field.bounds}"
    pattern = field.extra.get("pattern")
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value):
        return value, f"{field.key}: {_show(value)} is not {_wanted(field)}{_nearest(field, value)}"
    return value, ""


def parse(field: Field, text: str) -> tuple[Any, str]:
    """`text`, as one types it in a form or after `--set key=`, as a value, and what is wrong with it."""
    text = text.strip()
    if field.kind is list:
        return check(field, [text] if text else [])
    if text in field.choices or field.kind is str:
        return check(field, text)
    if field.kind is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        return check(field, words.get(text.lower(), text))
    try:
        return check(field, int(text))
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text, f"{field.key}: {_show(text)} is not {_wanted(field)}{_nearest(field, text)}"
    if field.kind is int and number.is_integer():
        return check(field, int(number))
    return check(field, number)


def _is_text(value: Any) -> bool:
    """Check that every text of a value can be encoded as UTF-8."""
    try:
        "".join([value] if isinstance(value, str) else value if isinstance(value, list) else []).encode()
    except UnicodeEncodeError:
        return False
    return True


def _show(value: Any) -> str:
    shown = f"'{value}'" if isinstance(value, str) else str(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}..."


def _nearest(field: Field, value: Any) -> str:
    """The word of the field that was probably meant, as a question."""
    if not isinstance(value, str) or len(value) > MOST_LETTERS:
        return ""
    # a field with a pattern names its words in its help
    words = field.help.rstrip(".").replace(",", " ").split() if field.extra.get("pattern") else field.choices
    return did_you_mean(value, words)


def _wanted(field: Field) -> str:
    if field.extra.get("pattern"):
        return "one of: " + field.help.rstrip(".")
    if not field.bounds:
        return "a list of texts" if field.kind is list else "text"
    if field.kind in (int, float):
        return f"a {'whole ' if field.kind is int else ''}number, {field.bounds}"
    return f"one of: {field.bounds}"


def get(recipe: Recipe, key: str) -> Any:
    """The value at `key`."""
    section, _, word = key.rpartition(".")
    return getattr(getattr(recipe, section) if section else recipe, word)


def flatten(recipe: Recipe) -> dict[str, Any]:
    """Every value by its key."""
    return {key: get(recipe, key) for key in fields()}


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """A copy of `recipe` with these values, checked; keys set so leave the `automatic` list, unless that is set too.

    Raises:
        RequestError: with every problem of `values`, one a line.
    """
    new = msgspec.convert(msgspec.to_builtins(recipe), Recipe)
    problems = []
    for key, value in values.items():
        field = fields().get(key)
        if field is None:
            problems.append(unknown_key(key))
            continue
        checked, problem = check(field, value)
        if problem:
            problems.append(problem)
            continue
        section, _, word = key.rpartition(".")
        setattr(getattr(new, section) if section else new, word, checked)
        if "automatic" not in values:
            new.automatic = [k for k in new.automatic if k != key]
    if problems:
        raise RequestError("\n".join(problems))
    return new
