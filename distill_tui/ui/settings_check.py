"""Checks of settings.toml that need the app: whether its actions, keys and themes exist."""

import contextlib
import difflib
import importlib
import json
import os
import pkgutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys
from textual.theme import BUILTIN_THEMES

from distill_tui import ui
from distill_tui.paths import Home, find_home
from distill_tui.settings import Settings, read_settings
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.terminal.contrast import contrast_problems
from distill_tui.ui.themes import load_themes, own_themes

MODIFIERS = frozenset(("ctrl", "shift", "alt", "super", "hyper", "meta"))


def all_problems(home: Home) -> list[str]:
    """Problems of settings.toml and of the themes: all that the app tells when it starts."""
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
        *folder_problems(settings),
    ]


def key_problems(settings: Settings) -> list[str]:
    """Problems of `[keys]`: `settings.toml line 3: keys.app.libary: ...`."""
    if not settings.keys:
        return []
    problems, bound = [], actions()
    known = bound.keys()
    for action, keys in settings.keys.items():
        where = f"keys.{action}"
        if action not in known:
            near = difflib.get_close_matches(action, known, 1)
            problems.append(settings.problem(where, f"no such action{f' (did you mean {near[0]!r}?)' if near else ''}"))
        for key in map(str.strip, keys.split(",")):
            if not is_key(key):
                problems.append(settings.problem(where, f"{key!r} is not a key; keys are called l, ctrl+l, f6, slash"))
            elif taken := _taken_by(action, key, bound, settings.keys):
                problems.append(settings.problem(where, f"{key!r} is taken by {taken}"))
    return problems


def folder_problems(settings: Settings) -> list[str]:
    """Problems of `[folders] data`; the other folders are made when they are needed."""
    if not settings.data or os.path.exists(settings.data):  # noqa: PTH110 - `Path.exists` fails for names too long
        return []
    return [settings.problem("folders.data", f"there is no {settings.data!r}")]


def theme_problems(settings: Settings, names: Iterable[str]) -> list[str]:
    """Problems of `theme`, where `names` are all themes."""
    if not settings.theme or settings.theme in names:
        return []
    return [settings.problem("theme", f"there is no {settings.theme!r}; there are {', '.join(sorted(names))}")]


def action_ids() -> frozenset[str]:
    """Ids of every action that a key can be given to. Imports the whole app."""
    return frozenset(actions())


@dataclass
class BoundAction:
    """Classes that bind an action, and its default keys."""

    owners: list[type[DOMNode]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


def actions() -> dict[str, BoundAction]:
    """Every action that a key can be given to, by its id."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        importlib.import_module(module.name)
    ours = (node for node in _below(DOMNode) if node.__module__.startswith(ui.__name__))
    found: dict[str, BoundAction] = {}
    for node in ours:
        for given in node.__dict__.get("BINDINGS", ()):
            if isinstance(given, Binding) and given.id:
                action = found.setdefault(given.id, BoundAction())
                action.owners.append(node)
                action.keys |= _split(given.key)
    return found


def _split(keys: str) -> set[str]:
    return {key.strip() for key in keys.split(",")}


def _taken_by(action: str, key: str, actions: Mapping[str, BoundAction], given: Mapping[str, str]) -> str:
    """Find another action that the key has in the same place; '' if there is none."""
    own = actions.get(action)
    for name, other in actions.items():
        if own is None or name == action or own.keys & other.keys:
            # two that share a key from the start are never there at the same time
            continue
        if key in (_split(given[name]) if name in given else other.keys) and _meet(own, other):
            return name
    return ""


def _meet(one: BoundAction, other: BoundAction) -> bool:
    """Return whether two actions are bound in the same place; the app's are bound on each of its screens.

    A focused widget and a dialog take keys first, for as long as they are there.
    """
    return any(
        issubclass(a, b) or issubclass(b, a) or (issubclass(a, App) and issubclass(b, BaseScreen))
        for first, second in ((one, other), (other, one))
        for a in first.owners
        for b in second.owners
    )


def _below(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _below(inner)


def is_key(name: str) -> bool:
    """Return whether a terminal can send a key of this name, with or without modifiers before it."""
    *before, last = name.split("+") if len(name) > 1 else [name]
    if not MODIFIERS.issuperset(before):
        return False
    if len(last) == 1 or last in KEY_NAME_REPLACEMENTS.values() or last in {key.value for key in Keys}:
        return True
    with contextlib.suppress(KeyError):
        return bool(unicodedata.lookup(KEY_TO_UNICODE_NAME.get(last, last.replace("_", " "))))
    return False


if __name__ == "__main__":
    # asked by `doctor`, which does without textual
    json.dump(all_problems(find_home(sys.argv[1])), sys.stdout)
