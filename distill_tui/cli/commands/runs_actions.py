"""Commands on several runs or their metrics: compare, export, delete."""

import argparse
import shutil
import sys

import msgspec

from distill_tui.annotation import changed_tags, clean_note
from distill_tui.cli.commands.notes import print_note, print_tags
from distill_tui.cli.commands.runs import document
from distill_tui.cli.output import as_json, print_json, say
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write, describe_os_error
from distill_tui.paths import expand, find_home
from distill_tui.recipe import toml
from distill_tui.reporting.comparison import compare as side_by_side
from distill_tui.reporting.comparison import of_run
from distill_tui.reporting.csv import as_csv, columns, rows
from distill_tui.reporting.formatting import plural, table
from distill_tui.reporting.recipe_text import different_keys, flat
from distill_tui.runs import annotations
from distill_tui.runs.folder import RunFolder, find_run
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from distill_tui.runs.trash import empty_trash, refuse_to_delete, restore_run, trashed
from distill_tui.settings import read_settings
from distill_tui.text import escape_json, printable


def _found(options: argparse.Namespace) -> list[RunFolder]:
    home = find_home(options.home)
    found = {run.path: run for run in (find_run(home, name) for name in options.names)}
    return list(found.values())


def compare(options: argparse.Namespace) -> int:
    """Recipes (where they differ), losses and health of several runs, side by side."""
    runs = _found(options)
    states = [quick_state(run) for run in runs]
    recipes = [toml.load(run.recipe) for run in runs]
    nested = [toml.to_dict(recipe) for recipe in recipes]
    if options.json:
        document = [{**state.summary(), "recipe": recipe} for state, recipe in zip(states, nested, strict=True)]
        print_json({"different": different_keys(list(map(flat, nested))), "runs": document})
        return 0
    subjects = [of_run(state, recipe) for state, recipe in zip(states, nested, strict=True)]
    print(table(["", *(run.id for run in runs)], [[row.title, *row.values] for row in side_by_side(subjects)]))
    return 0


def export(options: argparse.Namespace) -> int:
    """Metrics of a run over time, a row a step: as CSV, or with `--json` as an array of objects, null where missing."""
    run = find_run(find_home(options.home), options.name)
    state = RunState().apply_all(read_events(run.events))
    if not state.series:
        raise RequestError(f"run {run.id} has no metrics yet")
    if options.json:
        document = [dict.fromkeys(columns(state)) | row for row in rows(state)]
        return _write_out(options, escape_json(as_json(document)).decode())
    return _write_out(options, as_csv(state))


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
        refuse_to_delete(home, run)
    size = sum(file.lstat().st_size for run in runs for file in run.path.rglob("*") if not file.is_dir())
    what = ", ".join(printable(run.id) for run in runs)
    if not options.yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RequestError(f"deleting {what} has to be confirmed", "Add --yes.")
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


def rename(options: argparse.Namespace) -> int:
    """Give a run another name."""
    run = find_run(find_home(options.home), options.name)
    given = annotations.rename(run, options.new)
    if options.json:
        return _print_run(run, options)
    name = given.name or run.first_name
    print(printable(name), flush=True)
    say(printable(f"{run.id} is now called '{name}'."))
    return 0


def note(options: argparse.Namespace) -> int:
    """Print or set the note on a run."""
    run = find_run(find_home(options.home), options.name)
    if options.text is not None:
        text = clean_note(options.text)
        annotations.annotate(run, lambda before: msgspec.structs.replace(before, note=text))
    return (
        _print_run(run, options)
        if options.json
        else print_note(annotations.annotation_of(run), options.text is not None)
    )


def tag(options: argparse.Namespace) -> int:
    """Print or change the tags of a run."""
    run = find_run(find_home(options.home), options.name)
    if options.changes:
        annotations.annotate(
            run, lambda before: msgspec.structs.replace(before, tags=changed_tags(before.tags, options.changes))
        )
    return _print_run(run, options) if options.json else print_tags(annotations.annotation_of(run))


def _print_run(run: RunFolder, options: argparse.Namespace) -> int:
    print_json(document(run, quick_state(run), read_settings(find_home(options.home))))
    return 0


def trash(options: argparse.Namespace) -> int:
    """The runs that were deleted in the app; with `--empty` they are deleted for good."""
    home = find_home(options.home)
    if options.empty:
        gone = empty_trash(home)
        if options.json:
            print_json({"deleted": gone})
        else:
            say(f"Deleted for good: {plural(gone, 'run')}.")
        return 0
    runs = trashed(home)
    if options.json:
        settings = read_settings(home)
        print_json([{**document(run, quick_state(run), settings), "path": str(run.path)} for run in runs])
    elif runs:
        print(table(["ID", "PATH"], [[run.id, str(run.path)] for run in runs]))
    else:
        say("The trash is empty.")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Restore a run from the trash."""
    run = restore_run(find_home(options.home), options.name)
    if options.json:
        return _print_run(run, options)
    print(printable(run.id), flush=True)
    say(printable(f"{run.id} is back among the runs."))
    return 0
