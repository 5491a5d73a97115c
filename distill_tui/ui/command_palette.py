"""Actions available now: keys for the help, commands for the palette."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from distill_tui.ui.app import DistillApp

MOVING = "Move about in lists and between fields"


def keys_by_id(screen: Screen[Any]) -> dict[str, str]:
    """The keys as they are bound now, by the ids of their actions."""
    bindings = [active.binding for active in screen.active_bindings.values()]
    return {binding.id: screen.app.get_key_display(binding) for binding in bindings if binding.id}


def keys_of(app: "DistillApp", screen: Screen[Any]) -> list[tuple[str, str, str]]:
    """(keys, description, action ids) of every binding that is active now; keys of one description together."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.system or not binding.description or not binding.id:
            continue
        keys, ids = found.setdefault(binding.tooltip or MOVING, ([], []))
        if (key := app.get_key_display(binding)) not in keys:
            keys.append(key)
        if binding.id not in ids:
            ids.append(binding.id)
    found["Palette: every action by its name"] = (["^p"], [])
    return [("  ".join(keys), what, ", ".join(ids)) for what, (keys, ids) in found.items()]


@dataclass(frozen=True)
class Command:
    """One line of the palette: its key now ('' for none), a name, what it does, and the doing."""

    key: str
    name: str
    what: str
    run: Callable[[], Any]


def commands_of(app: "DistillApp", screen: Screen[Any]) -> Iterator[Command]:
    """Every action that makes sense now, and the themes."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        node, binding, enabled, tooltip = active
        # what only moves about has no tooltip, and two ways of one thing have the same
        if not enabled or not binding.id or not binding.tooltip or {binding.action, binding.tooltip} & seen:
            continue
        seen |= {binding.action, binding.tooltip}
        yield Command(
            app.get_key_display(binding),
            binding.description,
            tooltip or binding.tooltip,
            partial(app.call_later, app.run_action, binding.action, node),
        )
    for name in app.themes.names():
        yield Command("", f"Theme: {name}", f"Theme: {name}", partial(app.themes.choose, name))
