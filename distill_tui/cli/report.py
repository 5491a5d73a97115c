"""What is told about a run in full: before it starts, when it has ended, and by `status`."""

from typing import TYPE_CHECKING, Literal

from distill_tui.cli.output import table
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.files import printable
from distill_tui.recipe.fields import fields, get
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import count, duration, number, percent, setting
from distill_tui.reporting.verdicts import Verdict, verdict, window_of
from distill_tui.runs.state import LevelHealth, RunState

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus

SPLITS: tuple[Literal["training"], Literal["validation"]] = ("training", "validation")
REASONS = 3
"""So many skipped files are named with their reasons before a run."""


def found(corpus: "Corpus") -> list[str]:
    """What a scan has found, in a few lines."""
    count = len(corpus.sounds)
    training, held_out = (duration(corpus.split_seconds(split)) for split in SPLITS)
    lines = [f"{count:,} sound{'' if count == 1 else 's'}: {training} to train on, {held_out} held out"]
    if corpus.skipped:
        lines.append(f"{len(corpus.skipped):,} skipped:")
        lines += [f"  {printable(s.name)}: {printable(s.reason)}" for s in corpus.skipped[:REASONS]]
        if len(corpus.skipped) > REASONS:
            lines.append(f"  and {len(corpus.skipped) - REASONS:,} more; see: distill-tui data")
    return lines


def model_to_be(recipe: Recipe) -> str:
    """The model that a resolved recipe makes, in a line."""
    from distill_tui.recipe.arithmetic import bitrate_kbps, frame_rate

    return (
        f"model: {int(recipe.model.sample_rate):,} Hz, {frame_rate(recipe):.1f} latent frames a second, "
        f"{recipe.model.rvq_levels} levels of {codebook_size(recipe)} codes, {bitrate_kbps(recipe):.2f} kbps"
    )


def codebook_size(recipe: Recipe) -> str:
    """`128 (auto)` or `128 (override)`."""
    chosen = "model.codebook_size" in recipe.automatic
    return f"{recipe.model.codebook_size} ({'auto' if chosen else 'override'})"


def recipe_lines(recipe: Recipe) -> list[tuple[str, str]]:
    """The settings worth telling: those with a flag, those that were chosen from the data, those that differ."""
    lines = []
    for key, field in fields().items():
        value = get(recipe, key)
        if key in ("version", "automatic", "name", "data.paths"):
            continue
        if key == "model.codebook_size":
            lines.append((key, codebook_size(recipe)))
        elif ("flag" in field.extra and value != "") or key in recipe.automatic or value != field.default:
            lines.append((key, setting(value) + (" (auto)" if key in recipe.automatic else "")))
    return lines


def losses_line(state: RunState) -> str:
    """The newest losses, and the held-out distance."""
    told = [f"{name} {number(value)}" for name, value in state.losses.items()]
    if "distance/val" in state.numbers:
        told.append(f"held-out distance {number(state.numbers['distance/val'])}")
    return ", ".join(told) or "-"


def best_lines(state: RunState) -> list[str]:
    """The epoch whose weights are kept; none before there is one."""
    best = state.best
    return [f"best       epoch {best.epoch}: held-out distance {number(best.value)}"] if best is not None else []


def health_table(state: RunState, ink: TerminalStyle) -> list[str]:
    """The health of each level as lines in the colour of its verdict; none before there are codebooks."""
    if all(level.utilization is None for level in state.health):
        return []
    head = ["level", "utilization", "perplexity", "dead codes", "churn", "verdict", "held-out utilization"]
    rows = [
        [
            str(level.level + 1),
            percent(level.utilization),
            number(level.perplexity),
            count(level.dead),
            number(level.churn),
            verdict_of(level, state) or "-",
            percent(state.numbers.get(f"validation/{level.level}/utilization")),
        ]
        for level in state.health
    ]
    lines = table(head, rows).splitlines()
    return [f"health     {window_of(state)}", f"  {lines[0]}"] + [
        f"  {ink.paint(line, colour_of(level, state))}" for line, level in zip(lines[1:], state.health, strict=True)
    ]


def verdict_of(level: LevelHealth, state: RunState) -> Verdict | None:
    """The verdict on a level of a run."""
    return verdict(level, state.prepared.codebook_size if state.prepared else 0)


def colour_of(level: LevelHealth, state: RunState) -> str:
    """The colour of the verdict on a level of a run; '' where there is none."""
    found = verdict_of(level, state)
    return {Verdict.GOOD: "good", Verdict.FAIR: "fair", Verdict.POOR: "bad"}[found] if found else ""


def warning_lines(state: RunState, ink: TerminalStyle) -> list[str]:
    """All warnings of a run; `none` when there are none."""
    if not state.warnings:
        return ["warnings   none"]
    lines = ["warnings"]
    for warning in state.warnings:
        lines.append(ink.paint(f"  step {warning.step:,}: {printable(warning.text)}", "fair"))
        if warning.advice:
            lines.append(f"    {printable(warning.advice)}")
    return lines


def closing_report(state: RunState, recipe: Recipe, ink: TerminalStyle) -> str:
    """What became of a run: losses, health, recipe, model and warnings."""
    ending = state.ending
    seconds = duration(getattr(ending, "seconds", None))
    lines = [
        "",
        ink.paint(f"{state.state} after {seconds} of training: {state.epoch:,} epochs, {state.step:,} steps", "strong"),
    ]
    if ending and ending.reason and ending.reason != state.state:
        lines.append(f"reason     {printable(ending.reason)}")
    lines.append(f"losses     {losses_line(state)}")
    lines += best_lines(state)
    lines += health_table(state, ink)
    settings = recipe_lines(recipe)
    width = max(len(key) for key, _ in settings)
    lines += ["recipe", *(f"  {key.ljust(width)}  {printable(text)}" for key, text in settings)]
    lines += warning_lines(state, ink)
    if state.model:
        lines.append(f"model      {printable(state.model.name)} ({state.model.id})")
        lines.append(f"           {printable(state.model.path)}")
    else:
        lines.append("model      none yet: it is made of the best epoch after the codebooks were made")
    return "\n".join(lines)
