"""What `runs` does with runs beyond listing them: compare, export, delete."""

import argparse
import csv
import io
import shutil
import sys
from typing import Any

from distill_tui.cli.foreground import named
from distill_tui.cli.output import as_json, print_json, say, table
from distill_tui.cli.report import verdict_of
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write, describe_os_error, printable
from distill_tui.paths import expand, find_home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import fields, get
from distill_tui.reporting.formatting import count, number, percent, setting
from distill_tui.reporting.verdicts import window_of
from distill_tui.runs.folder import RunFolder, find_run
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import brief
from distill_tui.runs.state import LevelHealth, RunState
from distill_tui.text import escape_json


def _found(options: argparse.Namespace) -> list[RunFolder]:
    home = find_home(options.home)
    found = {run.path: run for run in (find_run(home, name) for name in options.names)}
    return list(found.values())


def compare(options: argparse.Namespace) -> int:
    """Recipes (where they differ), losses and health of several runs, side by side."""
    runs = _found(options)
    states = [brief(run) for run in runs]
    recipes = [toml.load(run.recipe) for run in runs]
    different = [
        key
        for key in fields()
        if key not in ("version", "automatic", "data.paths") and len({str(get(r, key)) for r in recipes}) > 1
    ]
    if options.json:
        document: list[dict[str, Any]] = [
            {**state.summary(), "recipe": toml.to_dict(recipe)} for state, recipe in zip(states, recipes, strict=True)
        ]
        print_json({"different": different, "runs": document})
        return 0
    rows = [["state", *(state.state for state in states)], ["epoch", *(str(s.epoch) for s in states)]]
    rows.append(["step", *(str(state.step) for state in states)])
    for key in different:
        rows.append([key, *(_setting(recipe, key) for recipe in recipes)])
    for name in dict.fromkeys(name for state in states for name in state.losses):
        rows.append([f"loss {name}", *(number(state.losses.get(name)) for state in states)])
    rows.append(["held-out distance", *(number(state.numbers.get("distance/val")) for state in states)])
    for level in range(max(len(state.health) for state in states)):
        health = [state.health[level] if level < len(state.health) else LevelHealth(level) for state in states]
        rows.append([f"level {level + 1} utilization", *(percent(h.utilization) for h in health)])
        rows.append([f"level {level + 1} perplexity", *(number(h.perplexity) for h in health)])
        rows.append([f"level {level + 1} dead codes", *(count(h.dead) for h in health)])
        rows.append(
            [f"level {level + 1} verdict", *(verdict_of(*one) or "-" for one in zip(health, states, strict=True))]
        )
    rows.append(["warnings", *(str(len(state.warnings)) for state in states)])
    print(table(["", *(printable(run.id) for run in runs)], rows))
    if any(state.health for state in states):
        print(f"\nThe levels' numbers are {' or '.join(dict.fromkeys(window_of(state) for state in states))}.")
    return 0


def _setting(recipe: Any, key: str) -> str:
    return setting(get(recipe, key)) + (" (auto)" if key in recipe.automatic else "")


def export(options: argparse.Namespace) -> int:
    """A run's numbers over time: a row for each step that something was told of, a column for each number; as CSV, or
    with `--json` as an array of objects, where a number that was not told or not finite is null."""
    run = find_run(find_home(options.home), options.name)
    state = RunState().apply_all(read_events(run.events))
    if not state.series:
        raise RequestError(f"run {run.id} has told no numbers yet")
    columns = ["step", "epoch", "time", *state.series]
    rows: dict[int, dict[str, Any]] = {}
    for key, series in state.series.items():
        for step, epoch, time, value in zip(series.steps, series.epochs, series.times, series.values, strict=True):
            row = rows.setdefault(int(step), {"step": int(step), "epoch": int(epoch), "time": time})
            row[key] = value if value == value else None
    if options.json:
        document = [dict.fromkeys(columns) | rows[step] for step in sorted(rows)]
        return _write_out(options, escape_json(as_json(document)).decode())
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[step] for step in sorted(rows))
    return _write_out(options, text.getvalue())


def _write_out(options: argparse.Namespace, text: str) -> int:
    if options.out:
        atomic_write(expand(options.out), text.encode(), shared=True)
        say(f"Written: {printable(options.out)}")
    else:
        print(text, end="", flush=True)
    return 0


def delete(options: argparse.Namespace) -> int:
    """Delete runs' folders for good. Models are in the library and are never touched."""
    runs = _found(options)
    home = find_home(options.home)
    for run in runs:
        if run.is_alive():
            raise RequestError(f"run {run.id} is being trained", f"Stop it first: distill-tui stop {named(run)}")
        if run.path.parent != home.runs:
            raise RequestError(f"{printable(str(run.path))}: is not in this home's runs")
    size = sum(file.lstat().st_size for run in runs for file in run.path.rglob("*") if not file.is_dir())
    what = ", ".join(printable(run.id) for run in runs)
    if not options.yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RequestError(f"deleting {what} needs a yes", "Add --yes.")
        print(f"Delete {what} ({size / 1e6:.1f} MB) for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return 1
    for run in runs:
        _delete(run)
    if options.json:
        print_json({"deleted": [run.id for run in runs], "bytes": size})
    else:
        say(f"Deleted {what}: {size / 1e6:.1f} MB are free again. Models made from it are still in the library.")
    return 0


def _delete(run: RunFolder) -> None:
    """Delete a run's folder, with its worker's lock held: nobody can start it meanwhile."""
    try:
        with run.hold():
            # first of all, so that what is half deleted does not look like a run
            run.recipe.unlink()
            shutil.rmtree(run.path)
    except OSError as error:
        raise DistillError(*describe_os_error(error, run.path)) from error
