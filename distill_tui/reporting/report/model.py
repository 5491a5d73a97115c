"""A model of the library as a subject of a report."""

from pathlib import Path
from typing import Any

from distill_tui.errors import DistillError
from distill_tui.library.annotations import read_annotations
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.index import NOT_ANNOTATED
from distill_tui.paths import Home
from distill_tui.recipe.upgrade import upgrade
from distill_tui.reporting import comparison, model_report
from distill_tui.reporting.formatting import duration, plural
from distill_tui.reporting.measured import measured_text
from distill_tui.reporting.page import curves, health, quality, recipe
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.page.text import bullets, facts, folded, role
from distill_tui.reporting.quality import quality_of_card, quality_text
from distill_tui.reporting.recipe_text import flat
from distill_tui.reporting.report.repeat import repeat
from distill_tui.reporting.report.run import previews, read_run
from distill_tui.reporting.report.subject import Part, Preview, Subject
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.previews import on_disk

MOST_LISTED = 2000


def model_subject(path: Path, home: Home, with_data: bool = False) -> Subject:
    """A model; its sounds are the previews of its run, where that is still in the home.

    Raises:
        RequestError: the file is no model, or damaged.
    """
    card = read_card(path)
    nested = upgrade(card.recipe)
    told: dict[str, Child] = {**model_report.facts(card, path.stat().st_size)}
    if card.losses:
        told["losses"] = model_report.file_facts(card, path)["losses"]
    told["weights"] = f"sha256 {card.weights_sha256[:16]}…" if card.weights_sha256 else None
    measured = read_annotations(path.parent).get(card.id, NOT_ANNOTATED).measured
    told["measured"] = measured_text(measured) if measured is not None else None
    words = quality_text(quality_of_card(card))
    kind = {"prior": "generator", "images": "model of images"}.get(card.task, "codec")
    lead = join(
        element("p", "A ", kind, ", ", role("finished", "good") if card.finished else role("stopped early", "fair")),
        element("p", "Quality on held-out sounds: ", role(words, "strong")) if words else None,
    )
    parts = [
        Part("curves", "Training", curves.model_charts(card.history)),
        Part("codebooks", "Codebooks", health.model_health(card)),
        Part("quality", "Quality", quality.model_quality(card)),
        Part("notes", "Warnings and notes", bullets(card.notes if with_data else _shareable_notes(card))),
        Part("data", "Trained on", _data(card, with_data)),
        Part("recipe", "Recipe", recipe.recipe(nested, with_data)),
        Part("repeat", "How to repeat it", repeat(nested, with_data) if nested else Html()),
    ]
    compared = comparison.of_model(card.name, card, flat(nested))
    heard, step = _previews(card, home, with_data)
    shown: dict[str, Child] = {title: text for title, text in told.items() if text}
    return Subject("model", card.name, lead, shown, parts, heard, compared, step)


def _shareable_notes(card: Card) -> list[str]:
    from distill_tui.library.card import without_data

    return without_data(card).notes


def _previews(card: Card, home: Home, with_data: bool) -> tuple[list[Preview], int]:
    """The previews of a model's run, with their step; none where the run is gone."""
    # the name comes from a file that anybody may have written
    run = RunFolder(home.runs / Path(card.run).name)
    if not card.run or not run.events.is_file():
        return [], 0
    try:
        found = read_run(run)
    except DistillError:
        return [], 0
    made = on_disk(run, found.state.previews)
    return previews(found, with_data), made[-1].step if made else 0


def _data(card: Card, with_data: bool) -> Html:
    data: dict[str, Any] = card.data
    told: dict[str, Child] = {}
    word = "image" if card.task == "images" else "sound"
    if isinstance(data.get("files"), int):
        told["sounds"] = plural(data["files"], word)
    if isinstance(data.get("seconds"), int | float):
        told["length"] = duration(data["seconds"])
    if isinstance(card.seconds_of_sound, int | float) and card.seconds_of_sound:
        told["heard in training"] = duration(card.seconds_of_sound)
    paths = [str(path) for path in data.get("paths") or []]
    if paths:
        told["folder"] = ", ".join(path if with_data else path.rstrip("/").rpartition("/")[2] for path in paths)
    listed = data.get("sounds")
    names = [str(row[0]) for row in listed if isinstance(row, list) and row] if isinstance(listed, list) else []
    return join(facts(told), folded("All files", bullets(names[:MOST_LISTED])) if with_data and names else None)
