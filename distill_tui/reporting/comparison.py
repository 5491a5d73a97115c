"""Runs or models side by side: what they are, losses, codebooks, where their recipes differ, measured distances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from distill_tui.library.card import Facts, task_of
from distill_tui.reporting import sound_quality
from distill_tui.reporting.bitrate import bitrate_text
from distill_tui.reporting.formatting import MISSING, count, duration, local_day, number, percent, plural
from distill_tui.reporting.quality import Quality, quality_of_card, quality_of_run, quality_text
from distill_tui.reporting.recipe_text import Values, different_keys, flat, setting_text
from distill_tui.reporting.verdicts import HELD_OUT_WINDOW, level_of, size_of, size_of_codebooks, verdict, window_of
from distill_tui.runs.state import LevelHealth, RunState

Distances = Mapping[str, Any]
"""Output of `distill-tui models evaluate --json`."""
TRAINED_ON = ("training", "by time")
MEASURED = (
    *((one.key, f"{one.key}, {one.unit}".rstrip(", "), 1) for one in (sound_quality.DISTANCE, *sound_quality.MEASURES)),
    ("stft", "stft", 1),
    ("si_sdr", "SI-SDR, dB", -1),
)
"""Measured distances: name, title, and 1 where less is better, -1 where more is."""


class Row(NamedTuple):
    """A row of a section: its title, a value for each, and which of them is the best where that can be said."""

    section: str
    title: str
    values: tuple[str, ...]
    better: int | None = None


@dataclass(frozen=True)
class Subject:
    """One side of a comparison: a run or a model. `facts` are by title, `size` is that of its codebooks."""

    name: str
    recipe: Values
    facts: Mapping[str, str]
    losses: Mapping[str, float | None]
    distances: sound_quality.Numbers
    quality: Quality | None
    health: Sequence[LevelHealth]
    size: int
    window: str
    measured: Distances | None = None


def of_run(state: RunState, recipe: Mapping[str, Any]) -> Subject:
    """A run, with its nested recipe."""
    facts = {
        "state": state.state,
        "epoch": state.epoch_text,
        "step": count(state.step),
        "warnings": count(len(state.warnings)),
    }
    return Subject(
        state.id,
        flat(recipe),
        facts,
        state.losses,
        {} if task_of(recipe) == "prior" else sound_quality.of_run(state),
        quality_of_run(state),
        state.health,
        size_of_codebooks(state),
        window_of(state) if state.health else "",
    )


def of_model(name: str, card: Facts, recipe: Values, measured: Distances | None = None) -> Subject:
    """A model, with its flat recipe and its distances, if they were measured."""
    health = [level_of(entry, level) for level, entry in enumerate(card.health)]
    facts = {
        "created": local_day(card.created),
        "parameters": count(card.parameters),
        "bit rate": bitrate_text(card.kbps, health, card.frame_rate),
        "trained": f"{plural(card.epoch, 'epoch')}, {plural(card.step, 'step')}",
        "training took": duration(card.seconds_trained),
        "started from": f"model {card.started_from}" if card.started_from else "scratch",
    }
    window = (card.health_window or HELD_OUT_WINDOW) if health else ""
    return Subject(
        name,
        recipe,
        facts,
        {name: value for name, value in card.losses.items() if name != "distance"},
        sound_quality.of_model(card),
        quality_of_card(card),
        health,
        size_of(recipe.get("model.codebook_size")),
        window,
        measured,
    )


def compare(subjects: Sequence[Subject]) -> list[Row]:
    """Rows of a comparison, section by section."""
    recipes = [one.recipe for one in subjects]
    rows = [Row("", title, tuple(one.facts[title] for one in subjects)) for title in subjects[0].facts]
    rows += _qualities([one.quality for one in subjects])
    rows += _losses(subjects)
    rows += _held_out([one.distances for one in subjects])
    rows += _distances([one.measured for one in subjects])
    rows += _levels(subjects)
    rows += [
        Row("recipe", key, tuple(setting_text(r, key, with_reason=False) for r in recipes))
        for key in different_keys(recipes)
    ]
    return rows


def _qualities(qualities: Sequence[Quality | None]) -> list[Row]:
    """The quality of each; none is called better, as each has a scale of its own sounds."""
    if not any(qualities):
        return []
    return [Row("", "quality", tuple(quality_text(one) or MISSING for one in qualities))]


def _losses(subjects: Sequence[Subject]) -> list[Row]:
    # the others count other things where the recipes differ
    same = len({str({k: v for k, v in one.recipe.items() if k.startswith("loss.")}) for one in subjects}) == 1
    same = same and len({one.recipe.get("model.sample_rate") for one in subjects}) == 1
    rows = []
    for name in dict.fromkeys(name for one in subjects for name in one.losses):
        values = [one.losses.get(name) for one in subjects]
        better = _least(values) if name == "val" and same else None
        if any(value is not None for value in values):
            rows.append(Row("losses", f"{name} loss", tuple(map(number, values)), better))
    return rows


def _held_out(distances: Sequence[sound_quality.Numbers]) -> list[Row]:
    """Held-out distances; where one has its mel only, only that tells which is better."""
    rows = []
    for key in ("distance", *sound_quality.BY_KEY):
        values = [one.get(key) for one in distances]
        if any(value is not None for value in values):
            shown = (_with_word(key, one) for one in distances)
            rows.append(Row("losses", f"held-out {key}", tuple(shown), _least(values)))
    return rows


def _with_word(key: str, numbers: sound_quality.Numbers) -> str:
    word = sound_quality.word(key, numbers)
    return sound_quality.value_text(key, numbers.get(key)) + (f", {word}" if word else "")


def _levels(subjects: Sequence[Subject]) -> list[Row]:
    def row(title: str, show: Callable[[LevelHealth, Subject], str]) -> Row:
        levels = (one.health[level] if level < len(one.health) else LevelHealth(level) for one in subjects)
        return Row("codebooks", title, tuple(show(h, one) for h, one in zip(levels, subjects, strict=True)))

    rows = []
    for level in range(max(len(one.health) for one in subjects)):
        rows += [
            row(f"level {level + 1} utilization", lambda health, _: percent(health.utilization)),
            row(f"level {level + 1} perplexity", lambda health, _: number(health.perplexity)),
            row(f"level {level + 1} dead codes", lambda health, _: count(health.dead)),
            row(f"level {level + 1} verdict", lambda health, one: verdict(health, one.size) or "-"),
        ]
    if rows:
        rows.append(Row("codebooks", "counted", tuple(one.window or "-" for one in subjects)))
    return rows


def _distances(measured: Sequence[Distances | None]) -> list[Row]:
    """Mean distances on the same sounds: those that none was trained on, and the others."""
    seen: dict[str, bool] = {}
    for one in measured:
        for sound in (one or {}).get("sounds", ()):
            seen[sound["name"]] = seen.get(sound["name"], False) or sound["seen"] in TRAINED_ON
    rows = []
    for part, wanted in (("held out", False), ("trained on", True)):
        names = {name for name, trained in seen.items() if trained is wanted}
        for key, title, sign in MEASURED:
            values = [_mean(one, names, key) for one in measured]
            if any(value is not None for value in values):
                better = _least([None if value is None else sign * value for value in values])
                title = f"{title}, {plural(len(names), 'sound')} {part}"
                rows.append(Row("distances", title, tuple(map(number, values)), better))
    return rows


def _mean(one: Distances | None, names: set[str], key: str) -> float | None:
    sounds = [sound for sound in (one or {}).get("sounds", ()) if sound["name"] in names]
    known = [sound[key] for sound in sounds if sound.get(key) is not None]
    return sum(known) / len(known) if known else None


def _least(values: Sequence[float | None]) -> int | None:
    """Index of the smallest value; None on a tie or where one is unknown."""
    known = [value for value in values if value is not None]
    if len(known) != len(values) or len(known) < 2 or known.count(min(known)) > 1:
        return None
    return known.index(min(known))
