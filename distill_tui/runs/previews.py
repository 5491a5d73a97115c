"""Previews of a run on the disk: which are there, how much they take, and which older ones can go."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder

FOLDER = "step-"
"""Beginning of the name of a preview's folder, before its step."""


def inside(folder: Path, name: str) -> Path:
    """A file that a log names, in its run's folder; a name that leads out of it, which no run writes, is none there."""
    path = Path(os.path.normpath(folder / name))
    return path if path.is_relative_to(folder) and "\0" not in name else folder / "no such file"


def on_disk(run: RunFolder, previews: Iterable[PreviewMade]) -> list[PreviewMade]:
    """Those of these previews that have something to be heard or seen, and whose folder was not pruned."""
    return [made for made in previews if made.pairs and inside(run.path, made.folder).is_dir()]


def folders(run: RunFolder) -> dict[int, Path]:
    """The folders of a run's previews by their steps, the first ones first."""
    found = {}
    with contextlib.suppress(OSError):
        for path in run.previews.iterdir():
            step = path.name.removeprefix(FOLDER)
            if path.name.startswith(FOLDER) and step.isdecimal() and path.is_dir() and not path.is_symlink():
                found[int(step)] = path
    return dict(sorted(found.items()))


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    with contextlib.suppress(OSError):
        return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    return 0


def worth_keeping(steps: Sequence[int], best: int | None = None) -> set[int]:
    """The steps of previews that tell how a training went: first, last, that of the best epoch, and doubling ones.

    Args:
        steps: of all previews.
        best: the step of the best epoch; the preview nearest to it stays.
    """
    ordered = sorted(steps)
    if not ordered:
        return set()
    kept = {ordered[0], ordered[-1]}
    if best is not None:
        kept.add(min(ordered, key=lambda step: abs(step - best)))
    due = 2 * max(1, ordered[0])
    for step in ordered:
        if step >= due:
            kept.add(step)
            due = 2 * step
    return kept


def prunable(run: RunFolder, best: int | None = None) -> dict[Path, int]:
    """The folders of older previews that `worth_keeping` does not name, with their bytes, the newest first."""
    found = folders(run)
    kept = worth_keeping(list(found), best)
    return {found[step]: size_of(found[step]) for step in reversed(found) if step not in kept}


def prune(paths: Iterable[Path]) -> None:
    """Delete folders of previews.

    Raises:
        OSError: one cannot be deleted.
    """
    for path in paths:
        # the worker may thin them out at the same time
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)


def thin(run: RunFolder, limit: int, best: int | None = None) -> int:
    """Delete older previews until the others take at most `limit` bytes, as far as `prunable` goes; the bytes freed.

    Never raises: what cannot be deleted stays.
    """
    excess = sum(map(size_of, folders(run).values())) - limit
    freed = 0
    if excess > 0:
        for path, size in prunable(run, best).items():
            with contextlib.suppress(OSError):
                prune([path])
                freed += size
            if freed >= excess:
                break
    return freed
