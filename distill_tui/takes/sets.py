"""The app's sets of takes: folders below `Home.takes`, each called after the model of its first takes."""

import os
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.takes.folder import LIST, TakesFolder
from distill_tui.text import clean_name, unused_name


@dataclass(frozen=True)
class TakeSet:
    """A set in short; `changed` is the time of its last change in seconds since 1970, `error` why it cannot be read."""

    path: Path
    changed: float
    takes: int = 0
    kept: int = 0
    models: tuple[str, ...] = ()
    error: str = ""


def newest_set(home: Home) -> Path | None:
    """The folder of the set that was changed last; None where there is none."""
    found = _stamped(home)
    return found[0][1] if found else None


def list_sets(home: Home) -> list[TakeSet]:
    """All sets, the one that was changed last first."""
    return [_describe(path, changed) for changed, path in _stamped(home)]


def new_set(home: Home, model: str) -> Path:
    """An unused path for a set of takes of a model; the folder is made with its first take."""
    name = unused_name(clean_name(model), lambda n: os.path.lexists(home.takes / n))
    return home.takes / name


def _stamped(home: Home) -> list[tuple[float, Path]]:
    found = []
    try:
        with os.scandir(home.takes) as entries:
            for entry in entries:
                try:
                    found.append((os.stat(os.path.join(entry.path, LIST)).st_mtime, Path(entry.path)))  # noqa: PTH116, PTH118
                except OSError:
                    continue
    except OSError:
        return []
    return sorted(found, reverse=True)


def _describe(path: Path, changed: float) -> TakeSet:
    try:
        takes = [take for take in TakesFolder(path).takes if take.kept is not False]
    except DistillError as error:
        return TakeSet(path, changed, error=error.message)
    kept = sum(take.kept is True for take in takes)
    return TakeSet(path, changed, len(takes), kept, tuple(dict.fromkeys(take.model for take in takes)))
