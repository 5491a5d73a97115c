"""Choosing a path: typed, with completion, or from a tree."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import DirectoryTree, Tree
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from distill_tui.paths import is_file, is_folder, is_there
from distill_tui.text import printable
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.path_input import PathInput, absolute


class PathTree(DirectoryTree):
    """Folders, and files that end as wanted. Right opens, left closes, backspace goes up, enter takes."""

    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    ICON_FILE = "  "
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "open", "Open", show=False, id="tree.open"),
        Binding("left", "close", "Close", show=False, id="tree.close"),
        Binding("backspace", "up_a_level", "Up a level", show=False, id="tree.up"),
        Binding("enter", "take", "Take it", show=False, id="tree.take"),
    ]

    @dataclass
    class Taken(Message):
        """Enter was pressed on this path."""

        path: Path

    def __init__(self, path: Path, suffixes: tuple[str, ...]) -> None:
        super().__init__(path)
        self._suffixes = suffixes
        self.guide_depth = 2
        self.auto_expand = False

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [
            path
            for path in paths
            if not path.name.startswith(".") and (path.name.lower().endswith(self._suffixes) or is_folder(path))
        ]

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        # a name may hold what a terminal would obey
        name = printable(str(node.label)) if node.parent is not None else printable(str(self.path))
        icon = (self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE) if node.allow_expand else "  "
        if node is self.cursor_node and not self.has_focus:
            # what tab has written into the path; by colours alone it is not seen everywhere
            style += Style(bold=True, underline=True)
        return Text.assemble((icon, base_style), (name, style))

    def point_at(self, path: Path) -> None:
        """Move the cursor to a path in the folder, if that is read already."""
        for node in self.root.children:
            if node.data is not None and os.path.abspath(node.data.path) == str(path):  # noqa: PTH100
                self.move_cursor(node)

    def action_open(self) -> None:
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if node.is_expanded:
            self.action_cursor_down()
        else:
            node.expand()

    def action_close(self) -> None:
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.parent is not None:
            node.collapse()
        elif node.parent is not None:
            self.move_cursor(node.parent)
        else:
            self.action_up_a_level()

    def action_up_a_level(self) -> None:
        self.path = Path(os.path.abspath(self.path)).parent  # noqa: PTH100 (`resolve` would follow links)

    def action_take(self) -> None:
        if self.cursor_node is not None and self.cursor_node.data is not None:
            self.post_message(self.Taken(Path(os.path.abspath(self.cursor_node.data.path))))  # noqa: PTH100


class PathDialog(Dialog[str | None]):
    """A path as an absolute one; escape gives None. `check` says what is wrong with one, '' for nothing.

    With `new` the path is one that is to be written: a folder that is taken from the tree keeps the name typed.
    """

    DEFAULT_CSS = """
    PathDialog PathTree { height: 14; max-height: 60%; margin-top: 1; background: $surface; }
    PathDialog .problem { height: auto; }
    """

    def __init__(
        self,
        title: str,
        text: str,
        value: str,
        check: Callable[[str], str],
        *,
        suffixes: tuple[str, ...] = (),
        new: bool = False,
        tree_first: bool = False,
    ) -> None:
        """`suffixes` are those of the files that are shown beside folders; `tree_first` begins in the tree."""
        super().__init__(title, "tab  complete  ↓  tree  ←→  close, open  ⌫  up  enter  choose  esc  cancel", "wide")
        self._text, self._value, self._check = text, value, check
        self._suffixes, self._new, self._tree_first = suffixes, new, tree_first

    def body(self) -> Iterable[Widget]:
        box = PathInput(self._value, compact=True, select_on_focus=False)
        box.cursor_blink = False
        box.suffixes = self._suffixes
        tree = PathTree(_folder_of(absolute(self._value)), self._suffixes)
        return self.text(self._text), box, self.problem_line(), tree

    def on_mount(self) -> None:
        box = self.query_one(PathInput)
        box.cursor_position = len(box.value)
        (self.query_one(PathTree) if self._tree_first else box).focus()

    @on(PathInput.Changed)
    def _typed(self, event: PathInput.Changed) -> None:
        path = absolute(event.value)
        # nothing is wrong yet with a path that ends with a folder: its name is still to come
        finished = path and not event.value.endswith("/")
        self.show_problem(self._check(path) if finished else "")
        tree = self.query_one(PathTree)
        if tree.has_focus or not path:
            return
        walks = event.value in self.query_one(PathInput).walked
        # what tab goes through stands in the tree, where the cursor follows
        folder = _folder_of(str(Path(path).parent) if walks else path)
        if tree.path != folder:
            tree.path = folder
        if walks:
            tree.point_at(Path(path))

    @on(PathInput.ListAsked)
    def _to_tree(self) -> None:
        self.query_one(PathTree).focus()

    @on(PathInput.Submitted)
    def _submitted(self, event: PathInput.Submitted) -> None:
        self._take(absolute(event.value))

    @on(Tree.NodeHighlighted)
    def _highlighted(self, event: Tree.NodeHighlighted[DirEntry]) -> None:
        tree = self.query_one(PathTree)
        if tree.has_focus and event.node.data is not None:
            self._put(os.path.abspath(event.node.data.path))  # noqa: PTH100

    @on(PathTree.Taken)
    def _taken(self, message: PathTree.Taken) -> None:
        self._put(str(message.path))
        if self._new and is_folder(message.path):
            self.query_one(PathInput).focus()
        else:
            self._take(str(message.path))

    def _put(self, path: str) -> None:
        """Write a path of the tree into the input."""
        if self._new and is_folder(path):
            path = str(Path(path) / Path(absolute(self._value)).name)
        box = self.query_one(PathInput)
        box.value = path
        box.cursor_position = len(path)

    def _take(self, path: str) -> None:
        problem = self._check(path) if path else "a path is needed"
        if problem:
            self.show_problem(problem)
        else:
            self.dismiss(path)


def missing_problem(path: str) -> str:
    """The problem with a path of sounds; '' if there is such a folder or file."""
    return "" if is_there(path) else "there is no such folder or file"


def file_problem(path: str) -> str:
    """The problem with the path of a file to read; '' for none."""
    if is_folder(path):
        return "is a folder: choose a file in it"
    return "" if is_file(path) else "there is no such file"


def new_file_problem(path: str) -> str:
    """The problem with the path of a file to write; '' for none."""
    if is_folder(path):
        return "is a folder: add a name"
    return "is there already: choose another name" if is_there(path) else ""


def _folder_of(path: str) -> Path:
    """The nearest folder that is there."""
    found = Path(path) if path else Path.cwd()
    while not is_folder(found) and found != found.parent:
        found = found.parent
    return found
