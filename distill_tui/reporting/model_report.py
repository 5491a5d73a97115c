"""A model's card in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_tui.library.card import Card, Facts
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.bitrate import Advice, advice_lines, advise, bitrate_text
from distill_tui.reporting.formatting import MISSING, count, duration, hertz, local_day, megabytes, number, plural
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.quality import quality_line, quality_of_card
from distill_tui.reporting.recipe_text import codebooks_text, flat, net_text, settings_worth_a_line
from distill_tui.reporting.verdicts import HELD_OUT_WINDOW, health_table, level_of, size_of, window_text
from distill_tui.runs.state import LevelHealth

TITLE = 12
"""Cells of the titles that facts stand behind."""


def facts(card: Card, size: int, run_state: str | None = None) -> dict[str, str]:
    """Facts about a model in single lines, by title.

    Args:
        size: of its file, in bytes.
        run_state: the state of its run, '' if the run is gone, None if unknown.
    """
    values = flat(card.recipe)
    sounds = card.data.get("files")
    found = {
        "created": f"{local_day(card.created)}, {'finished' if card.finished else 'stopped early'}",
        "rate": f"{hertz(card.rate)}, {card.frame_rate or 0:.1f} latent frames a second",
        "bit rate": bitrate_text(card.kbps, levels_of(card), card.frame_rate),
        "codebooks": codebooks_text(values),
        "size": f"{count(card.parameters)} parameters, {megabytes(size)}",
        "trained": f"{plural(card.epoch, 'epoch')}, {plural(card.step, 'step')} in {duration(card.seconds_trained)}",
    }
    if card.task == "images":
        del found["rate"], found["bit rate"]
    if card.task == "prior":
        found = {"kind": "generator, its codec inside", **found, **_prior_facts(card, values)}
    if isinstance(sounds, int):
        seconds = card.data.get("seconds")
        found["data"] = (
            plural(sounds, "image") if card.task == "images" else f"{plural(sounds, 'sound')}, {duration(seconds)}"
        )
    found["run"] = card.run or MISSING
    if card.run and run_state is not None:
        found["its state"] = run_state or "no longer in this home"
    if card.started_from:
        found["starts from"] = f"the weights of model {card.started_from}"
    return {**found, "id": card.id}


def _prior_facts(card: Card, values: Mapping[str, Any]) -> dict[str, str]:
    """What a generator has that a codec has not."""
    labels = [str(label) for label in values.get("prior.labels") or []]
    return {
        "prior": net_text(values),
        "codec": f"{card.codec.get('name', MISSING)} ({card.codec.get('id', MISSING)})",
        "labels": ", ".join(labels) or "none: its sounds were in no folders",
        "held out": code_bits.text(card.losses.get("bits")),
    }


def file_facts(card: Card, path: Path) -> dict[str, str]:
    """Losses of a model, and the identity of its file."""
    return {
        "losses": ", ".join(f"{name} {number(value)}" for name, value in card.losses.items()) or MISSING,
        "made by": f"distill-tui {card.program}",
        "weights": f"sha256 {card.weights_sha256}",
        "file": str(path),
    }


def head_lines(card: Card, told: Mapping[str, str]) -> list[Line]:
    """The model's name and facts."""
    rows = [Line(((f"{title:{TITLE}}", "dim"), (text, "plain")), title, TITLE) for title, text in told.items()]
    return [line(card.name, "strong", "name"), *rows]


def sound_lines(card: Card) -> list[Line]:
    """The held-out distances of a codec; none of images, whose distance is among the losses."""
    numbers = sound_quality.of_model(card)
    if "mel" not in numbers:
        return []
    quality = quality_line(quality_of_card(card), "  quality", 11)
    return [line(""), line("held-out sounds", "dim", "sound"), *quality, *sound_quality.table_lines(numbers, indent=2)]


def health_lines(card: Card, narrow: bool = False) -> list[Line]:
    """The health of a model's levels; none where it has none."""
    if not card.health:
        return []
    levels, size = levels_of(card), codebook_size(card)
    window = window_text(levels, size, card.health_window or HELD_OUT_WINDOW)
    rows = [Line((("  ", "plain"), *row.spans), "level") for row in health_table(levels, size, narrow=narrow)]
    return [
        line(""),
        line(f"codebooks {window}", "dim", "health"),
        *rows,
        *_by_levels(card),
        *advice_lines(advice(card)),
    ]


def levels_of(card: Facts) -> list[LevelHealth]:
    """The health of a model's levels."""
    return [level_of(entry, number) for number, entry in enumerate(card.health)]


def codebook_size(card: Card) -> int:
    """Codes in a codebook of a model; 0 where its recipe does not say."""
    return size_of(flat(card.recipe).get("model.codebook_size"))


def advice(card: Card) -> list[Advice]:
    """Settings that would carry the same for less."""
    return advise(levels_of(card), codebook_size(card), card.frame_rate, card.level_distances)


def _by_levels(card: Card) -> list[Line]:
    """The held-out distance with the first levels only."""
    if len(card.level_distances) < 2:
        return []
    told = ", ".join(number(value) for value in card.level_distances)
    return [Line((("  ", "plain"), (f"held-out distance by levels: {told}", "plain")), "level-distances", 2)]


def closing_lines(card: Card) -> list[Line]:
    """The settings worth a line, and the card's notes."""
    lines = []
    if settings := settings_worth_a_line(flat(card.recipe)):
        width = max(len(key) for key, _ in settings)
        lines += [line(""), line("recipe", "dim", "recipe")]
        lines += [Line(((f"  {key.ljust(width)}  ", "dim"), (text, "plain")), key, 4) for key, text in settings]
    for note in card.notes:
        lines += [line(""), line(note, "dim", "note")]
    return lines


def model_report(card: Card, path: Path, size: int) -> list[Line]:
    """A whole card but for the history of the losses; `size` is that of its file, in bytes."""
    told = facts(card, size) | file_facts(card, path)
    return [*head_lines(card, told), *sound_lines(card), *health_lines(card), *closing_lines(card)]
