"""Command: prune: older previews of runs and takes that were thrown away, deleted to make room."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from distill_tui.errors import DistillError, RequestError

if TYPE_CHECKING:
    from distill_tui.paths import Home
    from distill_tui.runs.folder import RunFolder

DESCRIPTION = """\
Delete older previews of runs, and takes that were thrown away. Of a run's previews these stay: the first, the newest,
that of the best epoch, and one for each doubling of the steps. Takes that were kept always stay, and undecided ones
unless --undecided says otherwise. What it would free is told, and then asked for.
"""


class Work(NamedTuple):
    """Something to prune: whose it is, what goes in words, its bytes, and what deletes it."""

    name: str
    what: str
    bytes: int
    delete: Callable[[], object]


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "prune",
        parents=[shared],
        help="delete older previews of runs, and takes that were thrown away",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", metavar="X", nargs="*", help="runs and folders of takes (default: all of this home)")
    parser.add_argument("--undecided", action="store_true", help="delete takes that are not marked as kept, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=prune)


def prune(options: argparse.Namespace) -> int:
    """Tell what would go, ask, and delete it."""
    from distill_tui.cli.output import print_json, say
    from distill_tui.paths import find_home
    from distill_tui.reporting.formatting import megabytes
    from distill_tui.text import printable

    works = _works(find_home(options.home), options.names, options.undecided)
    total = sum(work.bytes for work in works)
    if works and not options.yes:
        for work in works:
            say(f"{printable(work.name)}: {work.what}, {megabytes(work.bytes)}")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RequestError(f"deleting {megabytes(total)} for good has to be confirmed", "Add --yes.")
        print(f"Delete {megabytes(total)} for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return 1
    for work in works:
        work.delete()
    if options.json:
        print_json({"pruned": [{"name": w.name, "what": w.what, "bytes": w.bytes} for w in works], "bytes": total})
    else:
        say(f"{megabytes(total)} are free again." if works else "There is nothing to prune.")
    return 0


def _works(home: "Home", names: list[str], undecided: bool) -> list[Work]:
    from distill_tui.runs.folder import check_runs, find_run, list_runs
    from distill_tui.takes.folder import LIST
    from distill_tui.takes.sets import list_sets

    if not names:
        check_runs(home)
        found = [_run(run) for run in list_runs(home)]
        for one in list_sets(home):
            # a damaged list of takes keeps nobody from pruning the others
            with contextlib.suppress(DistillError):
                found.append(_takes(one.path, undecided))
    else:
        from distill_tui.paths import expand

        found = []
        for name in dict.fromkeys(names):
            path = expand(name).absolute()
            folders = [path] if os.sep in name else [path, home.takes / path.name]
            takes = next((folder for folder in folders if os.path.isfile(folder / LIST)), None)  # noqa: PTH113
            found.append(_takes(takes, undecided) if takes else _run(find_run(home, name)))
    return [work for work in found if work is not None]


def _run(run: "RunFolder") -> Work | None:
    """The previews of a run that can go; None where there are none."""
    from distill_tui.files import describe_os_error
    from distill_tui.reporting.formatting import plural
    from distill_tui.runs import previews
    from distill_tui.runs.quick_state import quick_state

    best = quick_state(run).best
    found = previews.prunable(run, best.step if best else None)

    def delete() -> None:
        try:
            previews.prune(found)
        except OSError as error:
            raise DistillError(*describe_os_error(error, run.previews)) from error

    return Work(run.id, plural(len(found), "preview"), sum(found.values()), delete) if found else None


def _takes(path: Path, undecided: bool) -> Work | None:
    """The takes of a folder that can go; None where there are none."""
    from distill_tui.reporting.formatting import plural
    from distill_tui.takes.folder import TakesFolder, is_prunable

    folder = TakesFolder(path)
    found = [folder.file(take) for take in folder.takes if is_prunable(take, undecided)]
    size = 0
    for file in found:
        with contextlib.suppress(OSError):
            size += file.stat().st_size
    words = "take" if undecided else "thrown take"
    return Work(str(path), plural(len(found), words), size, lambda: folder.delete_thrown(undecided)) if found else None
