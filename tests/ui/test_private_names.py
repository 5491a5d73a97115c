"""Private names of Textual and rich stay in ui/terminal, where each has a test: an upgrade is looked for there."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.filter import LineFilter
from textual.message import Message
from textual.message_pump import MessagePump

from distill_tui import ui

TERMINAL = f"{ui.__name__}.terminal"
LIBRARIES = ("textual", "rich", "textual_plotext")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}.")
    if not module.name.startswith(TERMINAL)
]


NAMED_TUPLE = ("_replace", "_asdict")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_" and name not in NAMED_TUPLE


def is_of_library(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES


def is_self(node: ast.expr) -> bool:
    """Whether it is `self`, `cls` or `super()`."""
    if isinstance(node, ast.Call):
        node = node.func
    return isinstance(node, ast.Name) and node.id in ("self", "cls", "super")


def defined(tree: ast.AST) -> set[str]:
    """Private names that are given a meaning here: functions, and attributes that are assigned."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return set(filter(is_private, found))


def taken_from_others(tree: ast.Module) -> Iterator[str]:
    """Private names that are imported from a library, or asked of an object whose class is in another module."""
    own = defined(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and is_of_library(node.module or ""):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from filter(is_private, parts)
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            is_own = is_self(node.value) or node.attr in own
            yield from [] if is_own else [ast.unparse(node)]


@cache
def names_of(kind: type[Any]) -> frozenset[str]:
    """Private names of a class: what its body defines, and what it sets on itself or asks of itself."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found = {node.attr for node in ast.walk(body) if isinstance(node, ast.Attribute) and is_self(node.value)}
    for node in body.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(filter(is_private, found))


@pytest.mark.parametrize("name", MODULES)
def test_no_private_name_of_another_module_is_used(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    assert list(taken_from_others(tree)) == []


@pytest.mark.parametrize("name", MODULES)
def test_no_private_name_of_a_base_class_is_used_or_overridden(name: str) -> None:
    module = importlib.import_module(name)
    for kind in vars(module).values():
        if not (isinstance(kind, type) and kind.__module__ == name and issubclass(kind, MessagePump | LineFilter)):
            continue
        bases: tuple[Any, ...] = kind.__mro__
        for base in bases:
            if is_of_library(base.__module__) and not issubclass(base, Message):
                assert names_of(kind) & names_of(base) == set(), (kind, base)


def test_a_private_name_would_be_noticed() -> None:
    source = """
from textual._compositor import Compositor
class Own:
    def __init__(self): self._mine = 1
def ask(own, screen):
    return own._mine, screen._compositor
"""
    assert list(taken_from_others(ast.parse(source))) == ["_compositor", "screen._compositor"]
