"""The models that can generate: generators first, then codecs."""

from pathlib import Path

from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.reporting import formatting
from distill_tui.takes.take import Take
from distill_tui.text import printable
from distill_tui.ui.widgets.table import Column, Row

COLUMNS = (Column("name"), Column("kind"), Column("created"))
KINDS = ("generator", "codec")
"""Kinds of models that make sounds, those that need no other sounds first."""


def labels_of(entry: Entry) -> tuple[str, ...]:
    """The kinds of sound of a generator, as its card says."""
    prior = entry.recipe.get("prior")
    labels = prior.get("labels") if isinstance(prior, dict) else None
    return tuple(map(str, labels)) if isinstance(labels, list) else ()


class ModelChoice:
    """The models of the library that can generate, as they were read last, and the one that was asked for elsewhere."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.entries: dict[str, Entry] = {}
        """Generators, then codecs, each the newest first, by the paths of their files."""
        self.wanted = ""
        """The path of a model to choose at the next opportunity."""

    def __bool__(self) -> bool:
        return bool(self.entries)

    def read(self) -> int:
        """Read the library again; the number of usable models.

        Raises:
            DistillError: it cannot be read.
        """
        entries = self._library.list()
        usable = [entry for kind in KINDS for entry in entries if entry.kind == kind]
        self.entries = {str(entry.path): entry for entry in usable}
        return len(usable)

    def choose(self, before: str) -> str:
        """The path of the model to show: the one asked for, else the one from `before`, else the first; '' for none."""
        wanted, self.wanted = self.wanted, ""
        return next((path for path in (wanted, before) if path in self.entries), next(iter(self.entries), ""))

    def of_take(self, take: Take) -> str:
        """The path of the model that made a take; '' where it is gone."""
        by_name = ""
        for path, entry in self.entries.items():
            if entry.summary and entry.summary.weights_sha256 == take.model_sha256:
                return path
            if entry.name == take.model:
                by_name = path
        return by_name

    def has_prior(self, path: str) -> bool:
        """True if a model is a generator."""
        return path in self.entries and self.entries[path].kind == KINDS[0]

    def labels(self, path: str) -> tuple[str, ...]:
        """The labels of a generator, as its card says; those of a codec are known when it is loaded."""
        return labels_of(self.entries[path]) if path in self.entries else ()


def row_of(entry: Entry) -> Row:
    """A model as a row to pick from."""
    return Row(str(entry.path), (entry.name, entry.kind, formatting.local_day(entry.created)[:10]))


def shown_name(path: str) -> str:
    """The name of a model whose file is at `path`."""
    return printable(Path(path).stem)
