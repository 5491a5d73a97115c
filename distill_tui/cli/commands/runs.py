"""Commands: runs, status, watch: what there is, and where it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from distill_tui.errors import RequestError

if TYPE_CHECKING:
    import argparse
    from types import SimpleNamespace

    from distill_tui.runs.state import RunState

RUN_HELP = "a run's id, its name, or the beginning of its id; else the newest that trains, or the newest"


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    import argparse

    json = argparse.ArgumentParser(add_help=False)
    # without a default: the inner parser would overwrite what the outer one was given
    json.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document")
    common: dict[str, Any] = {"parents": [shared, json], "allow_abbrev": False}
    parser = commands.add_parser("runs", help="list, compare, export or delete runs", description="All runs.", **common)
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

    home = find_home(options.home)
    check_runs(home)
    states = [quick_state(run) for run in list_runs(home)]
    if getattr(options, "json", False):
        from distill_tui.cli.output import print_json
        from distill_tui.reporting.quality import document_of_run

        print_json([{**state.summary(), "quality": document_of_run(state)} for state in states])
    elif states:
        print(_list(states))
    else:
        print("No runs yet. Start one with: distill-tui train FOLDER", file=sys.stderr)
    return 0


def _list(states: list[RunState]) -> str:
    from distill_tui.reporting.formatting import day, duration, number, table
    from distill_tui.reporting.run_line import activity
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
        for state in states
    ]
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
    elif getattr(options, "json", False):
        from distill_tui.cli.output import print_json
        from distill_tui.reporting.quality import document_of_run

        print_json({**state.summary(), "quality": document_of_run(state), "path": str(run.path)})
    else:
        from distill_tui.cli.terminal_style import TerminalStyle
        from distill_tui.reporting.run_report import status_report

        print("\n".join(map(TerminalStyle().paint, status_report(run, state))))
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
