"""What only the app can know of settings.toml: whether there is such an action, such a key and such a theme."""

import contextlib
import difflib
import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys
from textual.theme import BUILTIN_THEMES

from distill_tui import ui
from distill_tui.paths import Home
from distill_tui.settings import Settings, read_settings
from distill_tui.ui.contrast import contrast_problems
from distill_tui.ui.theming import load_themes, own_themes

MODIFIERS = frozenset(("ctrl", "shift", "alt", "super", "hyper", "meta"))


def all_problems(home: Home) -> list[str]:
    """What is wrong with settings.toml and with the themes: all that the app would tell at its start."""
    settings = read_settings(home)
    themes, problems = load_themes([own_themes(), home.root / "themes"])
    own, _ = load_themes([home.root / "themes"])
    poor = [f"theme {name}: {problem}" for name, theme in own.items() for problem in contrast_problems(theme)]
    return [
        *settings.problems,
        *problems,
        *poor,
        *theme_problems(settings, {**BUILTIN_THEMES, **themes}),
        *key_problems(settings),
    ]


def key_problems(settings: Settings) -> list[str]:
    """What is wrong with `[keys]`: `settings.toml line 3: keys.app.libary: ...`."""
    if not settings.keys:
        return []
    problems, known = [], action_ids()
    for action, keys in settings.keys.items():
        where = f"keys.{action}"
        if action not in known:
            near = difflib.get_close_matches(action, known, 1)
            problems.append(settings.problem(where, f"no such action{f' (did you mean {near[0]!r}?)' if near else ''}"))
        for key in map(str.strip, keys.split(",")):
            if not is_key(key):
                problems.append(settings.problem(where, f"{key!r} is not a key; keys are called l, ctrl+l, f6, slash"))
    return problems


def theme_problems(settings: Settings, names: Iterable[str]) -> list[str]:
    """What is wrong with `theme`, where these are all the themes that there are."""
    if not settings.theme or settings.theme in names:
        return []
    return [settings.problem("theme", f"there is no {settings.theme!r}; there are {', '.join(sorted(names))}")]


def action_ids() -> frozenset[str]:
    """The id of every action that a key can be given to. Imports all of the app: not for its first screen."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        importlib.import_module(module.name)
    ours = (node for node in _below(DOMNode) if node.__module__.startswith(ui.__name__))
    bindings = (given for node in ours for given in node.__dict__.get("BINDINGS", ()))
    return frozenset(given.id for given in bindings if isinstance(given, Binding) and given.id)


def _below(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _below(inner)


def is_key(name: str) -> bool:
    """Whether a terminal could send a key of this name, with or without modifiers before it."""
    *before, last = name.split("+") if len(name) > 1 else [name]
    if not MODIFIERS.issuperset(before):
        return False
    if len(last) == 1 or last in KEY_NAME_REPLACEMENTS.values() or last in {key.value for key in Keys}:
        return True
    with contextlib.suppress(KeyError):
        return bool(unicodedata.lookup(KEY_TO_UNICODE_NAME.get(last, last.replace("_", " "))))
    return False
