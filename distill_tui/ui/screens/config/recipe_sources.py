"""The sources of a recipe: a file, an earlier run, a model."""

from typing import Any

from distill_tui.library.index import Entry
from distill_tui.library.pretrained import recipe_values
from distill_tui.library.store import Library
from distill_tui.paths import Home, is_there
from distill_tui.recipe import toml
from distill_tui.recipe.fields import fields
from distill_tui.reporting.formatting import local_day
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.ui.widgets.table import Column, Row

MOST_RUNS = 500
FILE = "file"
COLUMNS = (Column("name"), Column("what"), Column("made"))


def origins(home: Home) -> list[Row]:
    """A row for a file, then the runs and the models, each the newest first. Reads the disk: call it in a thread.

    Raises:
        DistillError: the library cannot be read.
    """
    rows = [Row(FILE, ("a recipe file", "TOML", ""))]
    for run in list_runs(home)[:MOST_RUNS]:
        day, clock, *_ = [*run.id.split("-", 2), "", ""]
        when = f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}" if len(day) == 8 and len(clock) == 6 else ""
        rows.append(Row(f"run:{run.id}", (annotation_of(run).name or run.first_name, "run", when)))
    for entry in Library(home).list():
        if entry.summary is not None:
            rows.append(Row(f"model:{entry.path}", (entry.name, "model", local_day(entry.created))))
    return rows


def values_from(home: Home, key: str) -> dict[str, Any]:
    """The flat values of the run or model of a row.

    Raises:
        RequestError: its recipe is gone or cannot be read.
    """
    kind, _, which = key.partition(":")
    if kind == "run":
        # a new run has a name of its own; one that started from a model's weights does so again
        return {k: v for k, v in toml.load_values(RunFolder(home.runs / which).recipe).items() if k != "name"}
    return values_of_model(Library(home).find(which))


def values_of_model(entry: Entry) -> dict[str, Any]:
    """The flat values of a model's recipe, for a run from scratch.

    Raises:
        RequestError: it has none, or values that this release does not take.
    """
    return {k: v for k, v in recipe_values(entry).items() if fields()[k].is_hidden or not fields()[k].is_own}


def sounds_of(values: dict[str, Any]) -> list[str]:
    """The folders and files of sounds that a recipe names, as far as they are still there."""
    return [str(path) for path in values.get("data.paths", []) if is_there(path)]


def folder_of(values: dict[str, Any]) -> str:
    """The one folder or file of sounds that a recipe names, if it is still there; '' otherwise."""
    paths = sounds_of(values)
    return paths[0] if len(values.get("data.paths", [])) == 1 and paths else ""
