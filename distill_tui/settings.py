"""A person's own settings: settings.toml in the home folder. Whoever needs one reads it here.

    theme = "distill-light"
    on_finish = "ntfy publish my-topic \\"$DISTILL_TEXT\\""    # ready-made ones: distill-tui doctor --example
    on_warning = "ntfy publish my-topic \\"$DISTILL_TEXT\\""
    cache_limit = "200 GB" # the most that decoded sounds may take; else four fifths of what the disk has room for

    notify = "osc9"        # desktop notifications by the terminal: osc9, osc777 or off; else auto, where it is known to

    [machine]
    price = 2.49           # of an hour: a run then says what it costs
    currency = "$"
    max_price = 10         # of a run, which stops there; train --max-price wins over it

    [folders]              # runs, models and cache lie in the home folder if nothing else is said
    data = "~/sounds"      # what `train` takes and the app begins with
    models = "/big/models"

    [sounds]
    format = "flac"        # of previews, takes and reconstructions; else wav
    limit = "2 GB"         # the most that the previews of a run may take: older ones are thinned out; and the takes
                           # of a folder: of more, those that were thrown away are deleted

    [keys]
    "app.library" = "l"

    [defaults]             # of a recipe: a preset, a recipe file and flags win over them
    train.device = "cuda:1"
    rvq_levels = 4

A file with mistakes is used as far as it is good; each mistake is told with file, line and key.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.files import atomic_write
from distill_tui.paths import MOVABLE, Home, is_usable_text, parse_bytes, placed, read_document
from distill_tui.privacy import why_not_trusted
from distill_tui.text import printable

TABLES = {
    "folders": ("data", *MOVABLE),
    "machine": ("price", "currency", "max_price"),
    "sounds": ("format", "limit"),
    "keys": None,
    "defaults": None,
}
"""The tables, and their keys where those are fixed."""
FORMATS = ("wav", "flac")
COMMANDS = ("on_finish", "on_warning")
TEXTS = ("theme", "cache_limit", "notify", *COMMANDS)
NOTIFY = ("auto", "osc9", "osc777", "off")
MOST_CURRENCY = 8
"""Characters of the currency's sign or name."""
MOST_PRICE = 1e6
MOST_PROBLEMS = 20
"""How many mistakes of a file are told."""
MOST_OF_LINE = 1000
"""How much of a line is looked at for its key."""


@dataclass
class Settings:
    """The valid settings of the file, and the problems of the rest.

    Attributes:
        theme: its name; '' for the usual one. Whether there is such a theme, or such an action, only the app knows.
        on_finish: a command for the shell, started when a run has ended, however it did.
        on_warning: another, started when a run needs attention.
        cache_limit: as it is written; `paths.Home.cache_limit` holds it in bytes.
        notify: how a terminal is asked to notify; one of `NOTIFY`.
        price: of an hour of this machine, in `currency`; 0 if it is not known.
        data: the folder of sounds to begin with, in full; ''.
        sound_format: wav or flac, of sound files that are written; '' for the usual one.
        sound_limit: bytes that the previews of a run, or the takes of a folder, may take; 0 for any number.
        keys: keys by the ids of the app's actions.
        defaults: checked values of a recipe by key.
        problems: `settings.toml line 3: key: what is wrong`.
    """

    theme: str = ""
    on_finish: str = ""
    on_warning: str = ""
    cache_limit: str = ""
    notify: str = "auto"
    price: float = 0.0
    currency: str = "$"
    data: str = ""
    sound_format: str = ""
    sound_limit: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _file: str = field(default="", repr=False, compare=False)
    _text: str = field(default="", repr=False, compare=False)

    def problem(self, key: str, what: str) -> str:
        """Something that is wrong with what the file says of a dotted key, told with file, line and key."""
        line = line_of(self._text, key)
        return f"{self._file}{f' line {line}' if line else ''}: {key}: {what}"


def read_settings(home: Home) -> Settings:
    """The settings of a home; all as usual when there is no file. Never fails."""
    text, document, problem = read_document(home.settings)
    name = printable(str(home.settings))
    settings = Settings(_file=name, _text=text)
    if problem:
        settings.problems.append(f"{name} {problem}")
    wrong = _take(document, settings, home)
    if (commands := [key for key in COMMANDS if getattr(settings, key)]) and (why := why_not_trusted(home.settings)):
        for key in commands:
            setattr(settings, key, "")
            wrong.append((key, f"{key}: is not run: {why}"))
    if len(wrong) > MOST_PROBLEMS:
        settings.problems.append(f"{name}: {len(wrong):,} mistakes; the first {MOST_PROBLEMS} are told")
    for key, what in wrong[:MOST_PROBLEMS]:
        line = line_of(text, key)
        settings.problems.append(f"{name}{f' line {line}' if line else ''}: {what[:MOST_OF_LINE]}")
    return settings


def _take(document: Mapping[str, Any], settings: Settings, home: Home) -> list[tuple[str, str]]:
    """Put what is good into `settings`; the rest as (key, what is wrong)."""
    wrong: list[tuple[str, str]] = []
    for key, value in document.items():
        if key in TEXTS:
            if key == "cache_limit" and parse_bytes(value) is None:
                wrong.append((key, f'{key}: {value!r} is no size like "200 GB" or "1.5 TB"'))
            elif key == "notify" and value not in NOTIFY:
                wrong.append((key, f"{key}: {value!r} is none of {', '.join(NOTIFY)}"))
            elif is_usable_text(value):
                setattr(settings, key, value)
            else:
                wrong.append((key, f"{key}: {value!r} is not text"))
        elif key not in TABLES:
            wrong.append((key, _unknown(key, (*TEXTS, *TABLES))))
        elif not isinstance(value, Mapping):
            wrong.append((key, f"{key}: is a table, [{key}], not a value"))
        elif key == "defaults":
            wrong += _take_defaults(value, settings)
        elif key == "machine":
            wrong += _take_machine(value, settings)
        else:
            for word, inner in (_dotted(value) if key == "keys" else value).items():
                allowed = TABLES[key]
                if allowed and word not in allowed:
                    wrong.append((f"{key}.{word}", _unknown(f"{key}.{word}", [f"{key}.{name}" for name in allowed])))
                elif not is_usable_text(inner) or not inner:
                    wrong.append((f"{key}.{word}", f"{key}.{word}: {inner!r} is not text"))
                elif key == "keys":
                    settings.keys[word] = inner
                elif key == "sounds":
                    wrong += _take_sounds(word, inner, settings)
                elif word == "data":
                    settings.data = str(placed(home.root, inner))
    return wrong


def _take_machine(table: Mapping[str, Any], settings: Settings) -> list[tuple[str, str]]:
    wrong = []
    for word, value in table.items():
        key = f"machine.{word}"
        if word not in (TABLES["machine"] or ()):
            wrong.append((key, _unknown(key, [f"machine.{name}" for name in TABLES["machine"] or ()])))
        elif word == "currency":
            if is_usable_text(value) and value and len(value) <= MOST_CURRENCY and value == printable(value):
                settings.currency = value
            else:
                wrong.append((key, f"{key}: {value!r} is no sign like $ or EUR"))
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST_PRICE:
            wrong.append((key, f"{key}: {value!r} is no price, 0 to {MOST_PRICE:,.0f}"))
        elif word == "price":
            settings.price = float(value)
        else:
            settings.defaults["train.max_price"] = float(value)
    if settings.defaults.get("train.max_price") and not settings.price:
        del settings.defaults["train.max_price"]
        wrong.append(("machine.max_price", "machine.max_price: needs machine.price, the price of an hour"))
    return wrong


def _take_sounds(word: str, value: str, settings: Settings) -> list[tuple[str, str]]:
    """Take a value of [sounds]; what is wrong with it."""
    key = f"sounds.{word}"
    if word == "format":
        if value not in FORMATS:
            return [(key, f"{key}: {value!r} is not {' or '.join(FORMATS)}")]
        settings.sound_format = value
        return []
    limit = parse_bytes(value)
    if limit is None:
        return [(key, f'{key}: {value!r} is no size like "500 MB" or "2 GB"')]
    settings.sound_limit = limit
    return []


def _unknown(key: str, known: Iterable[str]) -> str:
    # what knows recipes is imported by those who need it: the app's first screen must come at once
    from distill_tui.recipe.fields import unknown_key

    return unknown_key(key, known)


def _dotted(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table whose keys may have been written without quotes: `app.library = "l"` is a table in a table."""
    flat: dict[str, Any] = {}
    for word, value in table.items():
        inner = _dotted(value) if isinstance(value, Mapping) else None
        flat |= {word: value} if inner is None else {f"{word}.{rest}": one for rest, one in inner.items()}
    return flat


def _take_defaults(table: Mapping[str, Any], settings: Settings) -> list[tuple[str, str]]:
    from distill_tui.recipe.fields import SECTIONS, check, fields, find_key
    from distill_tui.recipe.upgrade import merge_quantizer

    flat: dict[str, Any] = {}
    for key, value in table.items():
        if key in SECTIONS and isinstance(value, Mapping):
            flat |= {f"{key}.{word}": inner for word, inner in value.items()}
        else:
            flat[key] = value
    wrong = []
    for word, value in merge_quantizer(flat).items():
        try:
            key = find_key(word)
        except RequestError as error:
            wrong.append((f"defaults.{word}", f"defaults: {error.message}"))
            continue
        checked, problem = check(fields()[key], value)
        if fields()[key].is_own:
            problem = f"{key}: belongs to one run, and has no default"
        if problem:
            wrong.append((f"defaults.{word}", f"defaults: {problem}"))
        else:
            settings.defaults[key] = checked
    return wrong


def line_of(text: str, key: str) -> int:
    """The line, from 1, on which a TOML text sets `key` (dotted, with its tables) or opens it; 0 if it is not found."""
    table = ""
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole[:MOST_OF_LINE]
        if header := re.match(r"\s*\[\s*([^\[\]#]+?)\s*\]", line):
            table = _plain(header[1]) + "."
            if table == f"{key}.":
                return number
        elif (setting := re.match(r"\s*([^=#]+?)\s*=", line)) and table + _plain(setting[1]) == key:
            return number
    # inside an inline table, or of a key that is one
    return line_of(text, key.rpartition(".")[0]) if "." in key else 0


def _plain(key: str) -> str:
    """A TOML key without its quotes and spaces."""
    return "".join(
        part[1:-1] if part[:1] in "\"'" else part.strip() for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^\"']+", key)
    )


def keep_theme(home: Home, name: str) -> None:
    """Write the theme into the file; every other line stays as it is. A file that is not TOML is left alone.

    Raises:
        DistillError: it cannot be written.
    """
    text, document, problem = read_document(home.settings)
    if problem:
        return
    if document.get("theme") == name:
        return
    import tomli_w

    lines, line = text.splitlines(), tomli_w.dumps({"theme": name}).rstrip("\n")
    if "theme" in document:
        lines[line_of(text, "theme") - 1] = line
    else:
        lines.insert(0, line)
    atomic_write(home.settings, ("\n".join(lines) + "\n").encode())
