"""`models compare`: models side by side, such as one that quantizes and its continuous counterpart."""

import argparse
from typing import TYPE_CHECKING, Any

from distill_tui.cli.output import print_json, say
from distill_tui.library.pretrained import recipe_values
from distill_tui.library.store import Library
from distill_tui.paths import find_home
from distill_tui.reporting.comparison import Distances, of_model
from distill_tui.reporting.comparison import compare as side_by_side
from distill_tui.reporting.formatting import table
from distill_tui.reporting.quality import quality_document, quality_of_card
from distill_tui.reporting.recipe_text import different_keys
from distill_tui.reporting.verdicts import HELD_OUT_WINDOW
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.library.index import Entry


def compare(options: argparse.Namespace, as_json: bool) -> int:
    """Recipes where they differ, losses and health of several models; with data, their distances on the same sounds.

    Raises:
        RequestError: no such model, one that cannot be read, or no usable sound.
    """
    library = Library(find_home(options.home))
    found = {entry.path: entry for entry in (library.find(name) for name in options.models)}
    entries = list(found.values())
    recipes = [recipe_values(entry) for entry in entries]
    measured = _measure(options, entries) if options.data else [None] * len(entries)
    if as_json:
        models = [
            {"name": entry.name, "id": entry.id, **_facts(entry), "recipe": recipe, "measured": report}
            for entry, recipe, report in zip(entries, recipes, measured, strict=True)
        ]
        print_json({"different": different_keys(recipes), "models": models})
        return 0
    subjects = [
        of_model(entry.name, entry.summary, recipe, report)
        for entry, recipe, report in zip(entries, recipes, measured, strict=True)
        if entry.summary is not None
    ]
    print(table(["", *(one.name for one in subjects)], [[row.title, *row.values] for row in side_by_side(subjects)]))
    return 0


def _facts(entry: "Entry") -> dict[str, Any]:
    facts = entry.summary
    assert facts is not None, "a recipe was read from it"
    return {
        "parameters": facts.parameters,
        "kbps": facts.kbps,
        "seconds_trained": facts.seconds_trained,
        "losses": facts.losses,
        "distances": facts.distances,
        "quality": quality_document(quality_of_card(facts)),
        "health": facts.health,
        "health_window": facts.health_window or HELD_OUT_WINDOW,
    }


def _measure(options: argparse.Namespace, entries: "list[Entry]") -> list[Distances | None]:
    """Put the same sounds through each model."""
    import msgspec

    from distill_tui.cli.commands.audio import open_model
    from distill_tui.data.scan import scan
    from distill_tui.data.silence_stderr import quiet_decoders

    reports: list[Distances | None] = []
    with quiet_decoders():
        home = find_home(options.home)
        corpus = scan(options.data, 0.1, home)
        corpus.facts()
        for entry in entries:
            model = open_model(options.home, str(entry.path), options.device)
            from distill_tui.engine.inference.evaluate import evaluate_corpus

            report = evaluate_corpus(model, corpus, None, lambda _: None, home=home)
            say(f"measured {printable(entry.name)} on {len(report.sounds)} sounds")
            reports.append(msgspec.to_builtins(report))
    return reports
