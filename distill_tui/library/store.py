"""The library: the folder of models, as every part of the program sees and changes it.

A model is called what its file is called. Whatever changes the folder holds its lock, so that two processes never take
one name or lose each other's work. What is deleted goes to the trash, from where it can be restored.
"""

from __future__ import annotations

import builtins
import contextlib
import difflib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import describe_os_error, locked, make_folder, sweep_parts, sync_folder
from distill_tui.library import container
from distill_tui.library.annotations import ModelAnnotation, read_annotations, write_annotation
from distill_tui.library.card import Card, without_data
from distill_tui.library.header import SUFFIX
from distill_tui.library.index import Entry, list_entries, read_entry
from distill_tui.paths import Home, expand
from distill_tui.text import clean_name, printable, unused_name

if TYPE_CHECKING:
    import torch

LIBRARY_PATIENCE = 120.0
"""How many seconds to wait while another program copies a model into the library."""
SHORTEST_ID = 4
"""How much of an id is enough, if it is the beginning of one only."""


class Library:
    """The models of a home."""

    def __init__(self, home: Home) -> None:
        self.folder = home.models
        self.trash = home.models / ".trash"

    # -- looking

    def list(self) -> list[Entry]:
        """All models, the newest first; damaged files are among them, with what is wrong.

        Raises:
            DistillError: the folder cannot be read.
        """
        return self._annotated(list_entries(self.folder))

    def _annotated(self, entries: Iterable[Entry]) -> builtins.list[Entry]:
        """Entries with what a person wrote of them."""
        given = read_annotations(self.folder)
        return [replace(one, annotation=given[one.id]) if one.id in given else one for one in entries]

    def _read(self, path: Path) -> Entry:
        """The entry of one file, with what a person wrote of it."""
        return self._annotated([read_entry(path)])[0]

    def find(self, ref: str) -> Entry:
        """The model that a person means, with what is written of it: see `_find`.

        Raises:
            RequestError: there is none, or more than one.
        """
        return self._annotated([self._find(ref)])[0]

    def _find(self, ref: str) -> Entry:
        """The model that a person means by a name, an id, the beginning of one, or the path of a `.distill` file.

        Raises:
            RequestError: there is none, or more than one.
        """
        by_name = self.folder / f"{ref.removesuffix(SUFFIX)}{SUFFIX}"
        if os.sep not in ref and ref and os.path.lexists(by_name):
            return read_entry(by_name)
        if os.sep in ref or ref.endswith(SUFFIX):
            path = expand(ref).absolute()
            if not os.path.lexists(path):
                raise RequestError(f"{printable(str(path))}: no such file", "List the models with: distill-tui models")
            # a file of the library is known by the library's own path, however it was written
            return read_entry(self._own(path) or path)
        entries = self.list()
        found = [e for e in entries if ref and e.id == ref]
        found = found or [e for e in entries if len(ref) >= SHORTEST_ID and e.id.startswith(ref)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"{e.id} ({printable(e.name)})" for e in found[:8])
            raise RequestError(f"'{printable(ref)}' means {len(found)} models: {listed}", "Give a name.")
        near = difflib.get_close_matches(ref, [e.name for e in entries], 3, 0.6)
        hint = f"Nearest: {printable(', '.join(near))}" if near else "List them with: distill-tui models"
        raise RequestError(f"no model '{printable(ref)}'", hint)

    def _own(self, path: Path) -> Path | None:
        """`path` as a file of the library's folder, None if it is not one."""
        with contextlib.suppress(OSError):
            if path.parent.samefile(self.folder):
                return self.folder / path.name
        return None

    def verify(self, ref: str) -> Card:
        """Check a model's whole file, weights included; its card.

        Raises:
            RequestError: there is no such model, or what is wrong with it.
        """
        return container.verify(self.find(ref).path)

    # -- changing

    def save(self, tensors: dict[str, torch.Tensor], card: Card) -> tuple[Card, Path]:
        """Put a model into the library under `card.name`, cleaned, with a number if the name is taken.

        A run has one model: if there is one of the same run already, it is replaced and keeps its id, name and path.
        Of several, because an earlier one was taken back from the trash, it is the newest: the others stay as they are.

        Raises:
            DistillError: the disk is full or the folder cannot be written; nothing was changed.
        """
        with self._changing():
            entries = self.list()
            # a list may be wrong; which file is replaced is decided by what the file itself says
            named = [read_entry(e.path) for e in entries if e.summary and card.run and e.summary.run == card.run]
            earlier = [e for e in named if e.summary and e.summary.run == card.run]
            if earlier:
                path, id = earlier[0].path, earlier[0].id
            else:
                path, id = self._new_path(card.name), _unused_id(card.id, entries)
            return container.write_model(path, tensors, msgspec.structs.replace(card, id=id)), path

    def rename(self, ref: str, new: str) -> Entry:
        """Give a model another name, cleaned, with a number if it is taken.

        Raises:
            RequestError: no such model, a file outside of the library, or nothing is left of the name.
        """
        with self._changing():
            entry = self._find_own(ref)
            name = _clean(new)
            if not name:
                raise RequestError(f"'{printable(new)}' cannot be the name of a model")
            if name == entry.name:
                return entry
            path = self._new_path(name)
            _move(entry.path, path)
            return self._read(path)

    def annotate(self, ref: str, edit: Callable[[ModelAnnotation], ModelAnnotation]) -> Entry:
        """Change a model's note, tags or measured distances.

        Raises:
            RequestError: no such model, a file outside of the library, or one that is damaged.
            DistillError: the notes are damaged or cannot be written.
        """
        with self._changing():
            entry = self._find_own(ref)
            if not entry.id:
                raise RequestError(f"{printable(entry.name)}: is damaged, and has no id to keep notes by")
            given = edit(entry.annotation)
            write_annotation(self.folder, entry.id, given)
            return replace(entry, annotation=given)

    def delete(self, ref: str) -> Entry:
        """Move a model to the trash; its entry there.

        Raises:
            RequestError: no such model, or a file outside of the library.
        """
        with self._changing():
            entry = self._find_own(ref)
            place = self.trash / f"{time.time_ns()}"
            _move(entry.path, place / entry.path.name)
            return self._read(place / entry.path.name)

    def trashed(self) -> Sequence[Entry]:
        """Models in the trash, the last deleted first."""
        return self._annotated(read_entry(path) for path in sorted(self.trash.glob(f"*/*{SUFFIX}"), reverse=True))

    def restore(self, ref: str) -> Entry:
        """Take the model that was deleted last of those with this name or id, or this path, back from the trash.

        If its run has saved another one meanwhile, both stay. If a copy with its id was imported meanwhile, it becomes
        a copy of that, as `import_file` says.

        Raises:
            RequestError: there is none in the trash, or it would be a copy and is damaged.
        """
        with self._changing():
            found = [e for e in self.trashed() if ref in (e.name, e.id, str(e.path))]
            if not found:
                raise RequestError(f"no model '{printable(ref)}' in the trash", "See: distill-tui models trash")
            path = self._new_path(found[0].name)
            if found[0].id and found[0].id in {e.id for e in self.list()}:
                self._copy(found[0].path, path)
                found[0].path.unlink(missing_ok=True)
            else:
                _move(found[0].path, path)
            with contextlib.suppress(OSError):
                found[0].path.parent.rmdir()
            return self._read(path)

    def empty_trash(self) -> int:
        """Delete what is in the trash for good; how many models that were."""
        with self._changing():
            gone = self.trashed()
            shutil.rmtree(self.trash, ignore_errors=True)
            return len(gone)

    def export(self, ref: str, target: Path, with_data: bool = False, with_notes: bool = False) -> Path:
        """Copy a model to a file, or into a folder; its path. The model is verified first.

        `with_data` keeps what it tells of the sounds: their folders, and each one's name and hash. `with_notes` adds
        the note and the tags that it was given to the notes of its card.

        Raises:
            RequestError: no such model, it is damaged, or there is a file at `target` already.
            DistillError: it cannot be written.
        """
        entry = self.find(ref)
        if target.is_dir():
            target = target / entry.path.name
        if os.path.lexists(target):
            raise RequestError(f"{printable(str(target))}: is there already", "Choose another name, or remove it.")
        card = container.read_card(entry.path)
        card = card if with_data else without_data(card)
        if with_notes:
            given = entry.annotation
            tags = [f"Tags: {' '.join(given.tags)}"] if given.tags else []
            card.notes = [*card.notes, *filter(None, [given.note]), *tags]
        container.copy_model(entry.path, target, card, shared=True)
        return target

    def import_file(self, path: Path, name: str = "") -> Entry:
        """Copy a model file into the library, fully verified, under its file's name or another.

        Its id stays if that is unused. Otherwise it is a copy: it gets another id, and no longer belongs to its run,
        so that the run when it goes on updates its own model and not this one.

        Raises:
            RequestError: what is wrong with the file.
            DistillError: the folder cannot be written.
        """
        card = container.read_card(path)
        with self._changing():
            target = self._new_path(name or card.name)
            self._copy(path, target)
            return self._read(target)

    def same_weights(self, entry: Entry) -> Sequence[Entry]:
        """The other models of the library that have the same weights."""
        weights = entry.summary.weights_sha256 if entry.summary else ""
        others = [other for other in self.list() if other.path != entry.path and other.summary]
        return [other for other in others if weights and other.summary and other.summary.weights_sha256 == weights]

    def _copy(self, source: Path, target: Path) -> None:
        """Copy a model; if its id is taken, under another, without a run, and with a note that says so."""
        card = container.read_card(source)
        id = _unused_id(card.id, self.list())
        if id != card.id:
            card.notes = [*card.notes, f"A copy of model {card.id} of run {card.run or '(not known)'}."]
            card.id, card.run = id, ""
        container.copy_model(source, target, card)

    def _find_own(self, ref: str) -> Entry:
        entry = self.find(ref)
        if entry.path.parent != self.folder:
            raise RequestError(f"{printable(str(entry.path))}: is not in the library", "List it: distill-tui models")
        return entry

    def _new_path(self, name: str) -> Path:
        """The path for a new model. Whoever asks holds the lock until the file is there."""
        free = unused_name(_clean(name) or "untitled", lambda n: os.path.lexists(self.folder / f"{n}{SUFFIX}"))
        return self.folder / f"{free}{SUFFIX}"

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the library's lock."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder / ".lock", LIBRARY_PATIENCE))
            except OSError as error:
                raise DistillError(*describe_os_error(error, self.folder)) from error
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what killed processes left half written.

        The lock is held, so nobody is writing a model now. The index is written without it, and without it is no loss.
        """
        sweep_parts(self.folder)


def has_name(name: str) -> bool:
    """True if something is left of a name once it is cleaned."""
    return bool(_clean(name))


def _clean(name: str) -> str:
    """`name` as a model can have it; '' if nothing is left."""
    return clean_name(name.strip().removesuffix(SUFFIX), fallback="")


def _unused_id(wanted: str, entries: Sequence[Entry]) -> str:
    taken = {e.id for e in entries}
    return wanted if wanted and wanted not in taken else secrets.token_hex(6)


def _move(source: Path, target: Path) -> None:
    """Rename a file to a path that is free, flushed to the disk."""
    try:
        make_folder(target.parent)
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)
    except OSError as error:
        raise DistillError(*describe_os_error(error, target)) from error
