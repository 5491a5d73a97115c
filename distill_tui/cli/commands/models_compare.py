"""`models compare`: models side by side, such as one that quantizes and its continuous counterpart."""

import argparse
from typing import TYPE_CHECKING, Any

from distill_tui.cli.output import print_json, say, table
from distill_tui.files import printable
from distill_tui.library.pretrained import recipe_values
from distill_tui.library.store import Library
from distill_tui.paths import find_home
from distill_tui.recipe.fields import fields
from distill_tui.reporting.formatting import count, number, percent, setting
from distill_tui.reporting.verdicts import HELD_OUT_WINDOW, level_of, size_of, verdict

if TYPE_CHECKING:
    from distill_tui.engine.inference.evaluate import EvaluationReport
    from distill_tui.library.index import Entry

OWN = ("version", "automatic", "name", "data.paths", "train.start_from")
"""Keys in which two models differ without being different."""


def compare(options: argparse.Namespace, as_json: bool) -> int:
    """Recipes where they differ, losses and health of several models; with data, their distances on the same sounds.

    Raises:
        RequestError: no such model, one that cannot be read, or no usable sound.
    """
    library = Library(find_home(options.home))
    found = {entry.path: entry for entry in (library.find(name) for name in options.models)}
    entries = list(found.values())
    recipes = [recipe_values(entry) for entry in entries]
    different = [key for key in fields() if key not in OWN and len({str(r.get(key)) for r in recipes}) > 1]
    reports: list[EvaluationReport | None] = [None] * len(entries)
    if options.data:
        reports = _measure(options, entries)
    if as_json:
        models = [
            {"name": entry.name, "id": entry.id, **_facts(entry), "recipe": recipe, "measured": report}
            for entry, recipe, report in zip(entries, recipes, reports, strict=True)
        ]
        print_json({"different": different, "models": models})
        return 0
    print(table(["", *(printable(entry.name) for entry in entries)], _rows(entries, recipes, different, reports)))
    return 0


def _facts(entry: "Entry") -> dict[str, Any]:
    facts = entry.summary
    assert facts is not None, "a recipe was read from it"
    return {
        "parameters": facts.parameters,
        "kbps": facts.kbps,
        "seconds_trained": facts.seconds_trained,
        "losses": facts.losses,
        "health": facts.health,
        "health_window": facts.health_window or HELD_OUT_WINDOW,
    }


def _rows(
    entries: "list[Entry]",
    recipes: list[dict[str, Any]],
    different: list[str],
    reports: "list[EvaluationReport | None]",
) -> list[list[str]]:
    facts = [_facts(entry) for entry in entries]
    rows = [
        ["parameters", *(f"{one['parameters']:,}" for one in facts)],
        ["kbps", *(number(one["kbps"]) if one["kbps"] else "continuous" for one in facts)],
        ["trained, s", *(number(one["seconds_trained"]) for one in facts)],
    ]
    rows += [[key, *(setting(recipe[key]) if key in recipe else "-" for recipe in recipes)] for key in different]
    for name in dict.fromkeys(name for one in facts for name in one["losses"]):
        rows.append([f"loss {name}" if name != "distance" else "held-out distance"])
        rows[-1] += [number(one["losses"].get(name)) for one in facts]
    levels = max(len(one["health"]) for one in facts)
    for level in range(levels):
        health = [level_of(one["health"][level] if level < len(one["health"]) else {}, level) for one in facts]
        sizes = [size_of(recipe.get("model.codebook_size")) for recipe in recipes]
        rows.append([f"level {level + 1} utilization", *(percent(h.utilization) for h in health)])
        rows.append([f"level {level + 1} perplexity", *(number(h.perplexity) for h in health)])
        rows.append([f"level {level + 1} dead codes", *(count(h.dead) for h in health)])
        rows.append([f"level {level + 1} verdict", *(verdict(*one) or "-" for one in zip(health, sizes, strict=True))])
    if levels:
        rows.append(["window of the levels", *(printable(one["health_window"]) for one in facts)])
    for part, names in _parts(reports).items():
        for word in ("mel", "stft"):
            rows.append(
                [f"{word} of {len(names)} sounds {part}", *(number(_mean(one, names, word)) for one in reports)]
            )
    return rows


def _parts(reports: "list[EvaluationReport | None]") -> dict[str, list[str]]:
    """The sounds that were measured: what none of the models was trained on, and the rest."""
    seen: dict[str, bool] = {}
    for report in reports:
        for sound in report.sounds if report is not None else ():
            seen[sound.name] = seen.get(sound.name, False) or sound.seen in ("training", "by time")
    parts = {
        "held out of all": [name for name, trained in seen.items() if not trained],
        "trained on": [name for name, trained in seen.items() if trained],
    }
    return {part: names for part, names in parts.items() if names}


def _mean(report: "EvaluationReport | None", names: list[str], word: str) -> float | None:
    found = [getattr(sound, word) for sound in report.sounds if sound.name in names] if report is not None else []
    return sum(found) / len(found) if found else None


def _measure(options: argparse.Namespace, entries: "list[Entry]") -> "list[EvaluationReport | None]":
    """Put the same sounds through each model."""
    from distill_tui.cli.commands.audio import open_model
    from distill_tui.data.scan import scan
    from distill_tui.data.silence_stderr import quiet_decoders

    reports: list[EvaluationReport | None] = []
    with quiet_decoders():
        corpus = scan(options.data, 0.1, find_home(options.home))
        corpus.facts()
        for entry in entries:
            model = open_model(options.home, str(entry.path), options.device)
            from distill_tui.engine.inference.evaluate import evaluate_corpus

            report = evaluate_corpus(model, corpus, None, lambda _: None)
            say(f"measured {printable(entry.name)} on {len(report.sounds)} sounds")
            reports.append(report)
    return reports
