"""Commands: runs, status, watch: what there is, and where it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from distill_tui.errors import RequestError

if TYPE_CHECKING:
    import argparse
    from types import SimpleNamespace

    from distill_tui.runs.folder import RunFolder
    from distill_tui.runs.state import RunState
    from distill_tui.settings import Settings

RUN_HELP = "a run's id, its name, or the beginning of its id; else the newest that trains, or the newest"


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    import argparse

    from distill_tui.cli.commands.notes import add_note_actions

    json = argparse.ArgumentParser(add_help=False)
    # without a default: the inner parser would overwrite what the outer one was given
    json.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document")
    common: dict[str, Any] = {"parents": [shared, json], "allow_abbrev": False}
    about = "list, name, note, compare, export or delete runs"
    parser = commands.add_parser("runs", help=about, description="All runs.", **common)
    parser.set_defaults(run=list_all)
    actions = parser.add_subparsers(metavar="ACTION", parser_class=type(parser))

    def add(name: str, help: str) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help, **common)
        action.set_defaults(run=_action, action=name)
        return action

    actions.add_parser("list", help="all runs, the newest first", **common).set_defaults(run=list_all)
    add("compare", "recipes, losses and health side by side").add_argument("names", metavar="RUN", nargs="+")
    export = add("export", "a run's numbers over time, as CSV or JSON")
    export.add_argument("name", metavar="RUN")
    export.add_argument("--csv", action="store_true", help="as CSV (default)")
    export.add_argument("--out", metavar="FILE", help="the file to write (default: standard output)")
    delete = add("delete", "delete a run's folder for good; models made from it stay")
    delete.add_argument("names", metavar="RUN", nargs="+")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    rename = add("rename", "give a run another name; its id and its folder stay")
    rename.add_argument("name", metavar="RUN")
    rename.add_argument("new", metavar="NEW")
    add_note_actions(add, "RUN")
    trash = add("trash", "the runs that were deleted in the app")
    trash.add_argument("--empty", action="store_true", help="delete all of them for good")
    add("restore", "restore a run from the trash").add_argument("name", metavar="RUN")

    parser = commands.add_parser(
        "status", help="where a run is", description="Where a run is: state, losses, health, warnings.", **common
    )
    parser.add_argument("name", metavar="RUN", nargs="?", help=RUN_HELP)
    parser.add_argument("--line", action="store_true", help="one short line, for tmux's status-right")
    parser.set_defaults(run=status)
    parser = commands.add_parser(
        "watch",
        parents=[shared],
        help="open the app on a run",
        description="Open the app on a run's Training screen, from any number of terminals at once.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="RUN", nargs="?", help=RUN_HELP)
    parser.set_defaults(run=watch)


def _action(options: argparse.Namespace) -> int:
    from distill_tui.cli.commands import runs_actions

    options.json = getattr(options, "json", False)
    code: int = getattr(runs_actions, options.action)(options)
    return code


def list_all(options: argparse.Namespace) -> int:
    from distill_tui.paths import find_home
    from distill_tui.runs.folder import check_runs, list_runs
    from distill_tui.runs.quick_state import quick_state
    from distill_tui.settings import read_settings

    home = find_home(options.home)
    settings = read_settings(home)
    check_runs(home)
    runs = [(run, quick_state(run)) for run in list_runs(home)]
    if getattr(options, "json", False):
        from distill_tui.cli.output import print_json

        print_json([document(run, state, settings) for run, state in runs])
    elif runs:
        print(_list(runs, settings))
    else:
        print("No runs yet. Start one with: distill-tui train FOLDER", file=sys.stderr)
    return 0


def document(run: RunFolder, state: RunState, settings: Settings) -> dict[str, Any]:
    """A run as `--json` shows it, with its quality and cost, and the note and tags that a person gave it."""
    from distill_tui.reporting.cost import cost_summary
    from distill_tui.reporting.quality import document_of_run
    from distill_tui.runs.annotations import annotation_of

    given = annotation_of(run)
    said = {"quality": document_of_run(state), "cost": cost_summary(state, settings)}
    return {**state.summary(), **said, "note": given.note, "tags": given.tags}


def _list(runs: list[tuple[RunFolder, RunState]], settings: Settings) -> str:
    from distill_tui.reporting.cost import cost_so_far, money
    from distill_tui.reporting.formatting import day, duration, number, table
    from distill_tui.reporting.quality import quality_of_run, quality_text
    from distill_tui.reporting.run_line import activity
    from distill_tui.reporting.run_list import heard_of_run
    from distill_tui.runs.annotations import annotation_of
    from distill_tui.text import printable

    head = ["ID", "STATE", "EPOCH", "STEP", "TRAIN", "VAL", "ETA", "WARNINGS", "SINCE"]
    rows = [
        [
            printable(state.id),
            activity(state),
            state.epoch_text,
            str(state.step),
            number(state.losses.get("train")),
            number(state.losses.get("val")),
            duration(None if state.activity else state.eta_seconds),
            str(len(state.warnings)),
            day(state.started_at) if state.started_at else "-",
        ]
        for _, state in runs
    ]
    given = [annotation_of(run) for run, _ in runs]
    heard = [quality_text(quality_of_run(state) or heard_of_run(state)) for _, state in runs]
    columns = [
        ("QUALITY", heard),
        ("NAME", [one.name for one in given]),
        ("TAGS", [" ".join(one.tags) for one in given]),
    ]
    if settings.price:
        columns.append(("COST", [money(cost_so_far(state, settings), settings.currency) for _, state in runs]))
    for title, cells in columns:
        # a column of their own only where somebody uses them
        if any(cells):
            head = [*head, title]
            rows = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
    return table(head, rows)


def status(options: argparse.Namespace | SimpleNamespace) -> int:
    from distill_tui.paths import find_home
    from distill_tui.runs.folder import find_run, list_runs
    from distill_tui.runs.quick_state import quick_state

    home = find_home(options.home)
    if options.line and options.name is None and not list_runs(home):
        # tmux asks every few seconds, from before the first run on
        print("no runs")
        return 0
    run = find_run(home, options.name)
    state = quick_state(run)
    if options.line:
        from distill_tui.reporting.run_line import status_line

        print(status_line(state))
        return 0
    from distill_tui.settings import read_settings

    settings = read_settings(home)
    if getattr(options, "json", False):
        from distill_tui.cli.output import print_json

        print_json({**document(run, state, settings), "path": str(run.path)})
    else:
        from distill_tui.cli.terminal_style import TerminalStyle
        from distill_tui.reporting.run_report import status_report

        print("\n".join(map(TerminalStyle().paint, status_report(run, state, settings))))
    return 0


def watch(options: argparse.Namespace) -> int:
    from distill_tui.cli.app import open_app
    from distill_tui.paths import find_home
    from distill_tui.reporting.notes import named
    from distill_tui.runs.folder import find_run

    run = find_run(find_home(options.home), options.name)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise RequestError("watch opens the app, and the app needs a terminal", f"See: distill-tui status {named(run)}")
    return open_app(options.home, str(run.path))
