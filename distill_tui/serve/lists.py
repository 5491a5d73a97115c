"""The lists of the page and its models, as parts of HTML."""

import os

from distill_tui.errors import DistillError
from distill_tui.library.annotations import read_annotations
from distill_tui.library.container import read_card
from distill_tui.library.header import SUFFIX
from distill_tui.library.index import NOT_ANNOTATED, list_entries
from distill_tui.paths import Home
from distill_tui.reporting import code_bits, formatting, model_report
from distill_tui.reporting.measured import measured_text
from distill_tui.reporting.page import curves, health, notes, quality, recipe, text
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.quality import quality_of_card, quality_text
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import list_runs
from distill_tui.serve import run_view
from distill_tui.serve.answer import Refused
from distill_tui.serve.sounds import encoded
from distill_tui.serve.states import States
from distill_tui.takes.sets import list_sets

MOST_RUNS, MOST_MODELS = 200, 500
RUN_HEAD = ("run", "state", "epoch", "held out", "quality", "warnings", "since")
MODEL_HEAD = ("model", "kind", "held out", "quality", "rate", "size", "made")


def link(text_: str, *parts: str) -> Html:
    """A link to a place on the page: `#run/ID`."""
    return element("a", text_, href="#" + "/".join(encoded(part) for part in parts))


def empty(words: str, command: str) -> Html:
    """A list that has nothing in it, and what would change that."""
    return element("p", words, " ", element("code", command), class_="empty")


def runs(home: Home, states: States) -> Html:
    """All runs, the newest first."""
    found = list_runs(home)
    rows = []
    for run in found[:MOST_RUNS]:
        state = states.of(run)
        rows.append(
            run_view.row_of(run.id, state, link(annotation_of(run).name or state.name or run.id, "run", run.id))
        )
    more = len(found) - MOST_RUNS
    return join(
        element("h1", "Runs"),
        text.table(RUN_HEAD, rows, class_="list")
        if rows
        else empty("No run yet. Start one with", "distill-tui train FOLDER"),
        element("p", f"and {more:,} older ones", class_="dim") if more > 0 else None,
    )


def models(home: Home) -> Html:
    """All models, the newest first."""
    try:
        entries = list_entries(home.models)
    except DistillError as error:
        return join(element("h1", "Models"), element("p", text.role(error.message, "bad")))
    rows: list[list[Child]] = []
    for entry in entries[:MOST_MODELS]:
        card = entry.summary
        if card is None:
            rows.append([entry.name, text.role(f"✗ {entry.error}", "bad"), "", "", "", "", ""])
            continue
        rows.append(
            [
                link(entry.name, "model", entry.name),
                entry.kind,
                code_bits.listed(card) or formatting.number(card.losses.get("distance")),
                quality_text(quality_of_card(card)),
                formatting.hertz(card.rate) if card.rate else "",
                formatting.megabytes(entry.size),
                formatting.local_day(card.created),
            ]
        )
    return join(
        element("h1", "Models"),
        text.table(MODEL_HEAD, rows, class_="list") if rows else empty("No model yet: a run makes one.", ""),
    )


def model(home: Home, name: str, states: States) -> Html:
    """The card of a model, with the sounds of its run.

    Raises:
        Refused: there is none.
    """
    path = home.models / f"{name}{SUFFIX}"
    # what is no name of a file, or a longer one than a file can have, is not there
    if not name or "/" in name or name.startswith(".") or not os.path.isfile(path):  # noqa: PTH113
        raise Refused(404, "no such model")
    try:
        card = read_card(path)
        size = path.stat().st_size
    except (DistillError, OSError) as error:
        return join(element("h1", name), element("p", text.role(str(error), "bad")))
    facts: dict[str, Child] = dict(model_report.facts(card, size))
    given = read_annotations(home.models).get(card.id, NOT_ANNOTATED)
    if given.measured is not None:
        facts["measured"] = measured_text(given.measured)
    run = next((run for run in list_runs(home) if run.id == card.run), None)
    listen: Html | None = None
    if run is not None:
        facts["run"] = link(card.run, "run", card.run)
        if any(made.pairs for made in states.of(run).previews):
            listen = element("p", link("Hear the previews of its run", "run", card.run))
    return join(
        element("h1", name),
        listen,
        notes.given(given.note, given.tags),
        text.facts(facts),
        text.section("quality", "Quality", quality.model_quality(card)),
        text.section("curves", "Training", curves.model_charts(card.history)),
        text.section("health", "Codebooks", health.model_health(card)),
        text.section("recipe", "Recipe", recipe.recipe(card.recipe)),
    )


def sets(home: Home) -> Html:
    """All sets of takes, the one that was changed last first."""
    rows: list[list[Child]] = []
    for one in list_sets(home):
        name = one.path.name
        told = text.role(f"✗ {one.error}", "bad") if one.error else f"{one.takes:,}"
        rows.append(
            [link(name, "takes", name), told, f"{one.kept:,}", ", ".join(one.models), formatting.day(one.changed)]
        )
    return join(
        element("h1", "Takes"),
        text.table(("set", "takes", "kept", "made by", "changed"), rows, class_="list")
        if rows
        else empty("No takes yet. Make some on the Generate screen of", "distill-tui"),
    )
