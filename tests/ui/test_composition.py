"""Screens are composed of parts: none has many methods of its own, nor stands on a chain of half-screens."""

import importlib
import inspect
import pkgutil

import pytest
from textual.message_pump import MessagePump

from distill_tui import ui

MOST_METHODS, MOST_BASES = 30, 2
MODULES = [module.name for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}.")]


def is_ours(kind: type) -> bool:
    return kind.__module__.startswith(ui.__name__)


@pytest.mark.parametrize("name", MODULES)
def test_classes_are_small_and_have_few_bases(name: str) -> None:
    for kind in vars(importlib.import_module(name)).values():
        if isinstance(kind, type) and kind.__module__ == name:
            methods = [one for one in vars(kind).values() if inspect.isfunction(one) or isinstance(one, property)]
            assert len(methods) <= MOST_METHODS, kind
            if issubclass(kind, MessagePump):
                assert len([base for base in kind.__mro__[1:] if is_ours(base)]) <= MOST_BASES, kind
