"""How a setting is declared: see `recipe.schema`."""

from typing import Any, Literal

from msgspec import Meta

Auto = Literal["auto"]


def setting(title: str, description: str, /, ge: float | None = None, le: float | None = None, **extra: Any) -> Meta:
    """Declare a setting: its label, its help, its bounds, and what only some of those who read it need."""
    # the bounds are ours to check (`recipe.fields`): msgspec takes none beside "auto", and stops at the first problem
    return Meta(title=title, description=description, extra={"ge": ge, "le": le, **extra})
