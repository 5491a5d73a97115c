"""Tasks: what a training does. Each brings its net, batches, losses, validation and previews, and registers itself.

`task_of` is the only place that asks which task a recipe means. A task `x` lives in the module `x` of this package.
"""

import importlib
from typing import Any, TypeVar

from distill_tui.engine.tasks.base import Task
from distill_tui.recipe.schema import Recipe

TASKS: dict[str, type[Task[Any]]] = {}
Kind = TypeVar("Kind", bound=type[Task[Any]])


def register(kind: Kind) -> Kind:
    """Make a task known by its `name`; for use as a decorator."""
    TASKS[kind.name] = kind
    return kind


def task_of(recipe: Recipe) -> type[Task[Any]]:
    """The task that a recipe is for."""
    if recipe.task not in TASKS:
        importlib.import_module(f"{__name__}.{recipe.task}")
    return TASKS[recipe.task]
