"""Reports on a run: before it starts, while it trains, and when it has ended."""

from typing import TYPE_CHECKING, Literal

from distill_tui.recipe.arithmetic import bitrate_kbps, frame_rate
from distill_tui.recipe.fields import flatten
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.bitrate import advice_lines, advise_on_run, bitrate_of_run
from distill_tui.reporting.cost import cost_text
from distill_tui.reporting.formatting import day, duration, hertz, kbps, number, percent, plural
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.notes import can_resume, resume_hint
from distill_tui.reporting.quality import quality_line, quality_of_run
from distill_tui.reporting.ranks import rank_lines
from distill_tui.reporting.recipe_text import codebooks_text, net_text, settings_worth_a_line
from distill_tui.reporting.run_line import activity
from distill_tui.reporting.verdicts import health_table, is_measured, size_of_codebooks, window_of
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.runs.worker_log import log_tail
from distill_tui.settings import Settings

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus

SPLITS: tuple[Literal["training"], Literal["validation"]] = ("training", "validation")
REASONS = 3
"""Number of skipped files that are named with their reasons before a run."""
LOG_LINES = 5


def sounds_found(corpus: "Corpus") -> list[Line]:
    """The result of a scan, in a few lines."""
    training, held_out = (duration(corpus.split_seconds(split)) for split in SPLITS)
    lines = [line(f"{plural(len(corpus.sounds), 'sound')}: {training} to train on, {held_out} held out", id="sounds")]
    if corpus.skipped:
        lines.append(line(f"{len(corpus.skipped):,} skipped:", id="skipped"))
        lines += [line(f"  {skipped.name}: {skipped.reason}") for skipped in corpus.skipped[:REASONS]]
        if len(corpus.skipped) > REASONS:
            lines.append(line(f"  and {len(corpus.skipped) - REASONS:,} more; see: distill-tui data"))
    return lines


def model_to_be(recipe: Recipe) -> Line:
    """The model that a resolved recipe makes."""
    rate = f"{hertz(float(recipe.model.sample_rate))}, {frame_rate(recipe):.1f} latent frames a second"
    rest = f", {kbps(bitrate_kbps(recipe))}" if recipe.model.quantizer_facts.has_codes else ""
    word = "codec" if recipe.prior.net else "model"
    return line(f"{word}: {rate}, {codebooks_text(flatten(recipe))}{rest}", id="model-to-be")


def net_to_be(recipe: Recipe) -> list[Line]:
    """The size of a resolved recipe's net, and why it is so."""
    text = net_text(flatten(recipe))
    word = "prior" if recipe.prior.net else "net"
    return [line(f"{word}: {text}", id="net-to-be")] if text else []


def losses_text(state: RunState) -> str:
    """The newest losses, and the held-out distance."""
    found = [f"{name} {number(value)}" for name, value in state.losses.items()]
    if "distance/val" in state.numbers:
        found.append(code_bits.distance_text(state, state.numbers["distance/val"]))
    return ", ".join(found) or "-"


def _fact(word: str, text: str, id: str = "") -> Line:
    return line(f"{word:10} {text}", id=id or word)


def _metrics(state: RunState) -> list[Line]:
    """Losses, the epoch whose weights are kept, and the codebooks' health."""
    lines = [_fact("losses", losses_text(state))]
    if state.best is not None:
        lines.append(_fact("best", f"epoch {state.best.epoch}: {code_bits.distance_text(state, state.best.value)}"))
    if bits := code_bits.levels(state.numbers):
        lines.append(_fact("by level", f"{', '.join(map(number, bits))} bits a frame held out"))
    lines += quality_line(quality_of_run(state), "quality", role="plain")
    if measures := sound_quality.of_log(state.numbers):
        lines.append(_fact("sound", "held out, of the newest epoch"))
        lines += sound_quality.table_lines(measures, indent=2)
    if is_measured(state.health):
        held_out = [state.numbers.get(f"validation/{level.level}/utilization") for level in state.health]
        lines.append(_fact("health", window_of(state)))
        for row in health_table(state.health, size_of_codebooks(state), held_out):
            lines.append(Line((("  ", "plain"), *row.spans), "level"))
        if bit_rate := bitrate_of_run(state):
            lines.append(_fact("bit rate", bit_rate))
        lines += advice_lines(advise_on_run(state))
    return lines


def _warnings(state: RunState) -> list[Line]:
    """All warnings of a run; `none` when there are none."""
    if not state.warnings:
        return [_fact("warnings", "none")]
    lines = [line("warnings", id="warnings")]
    for warning in state.warnings:
        lines.append(line(f"  step {warning.step:,}: {warning.text}", "fair", f"warning/{warning.code}"))
        if warning.advice:
            lines.append(line(f"    {warning.advice}", id="advice"))
    return lines


def _model(state: RunState) -> list[Line]:
    if state.model is None:
        return []
    return [_fact("model", f"{state.model.name} ({state.model.id})"), line(f"{'':10} {state.model.path}", id="path")]


def _cost(state: RunState, settings: Settings | None) -> list[Line]:
    text = cost_text(state, settings) if settings is not None else ""
    return [_fact("cost", text)] if text else []


def closing_report(state: RunState, recipe: Recipe, settings: Settings | None = None) -> list[Line]:
    """The report on a run that has ended: losses, health, recipe, warnings and model; by `settings` its price."""
    ending = state.ending
    how_far = f"{plural(state.epoch, 'epoch')}, {plural(state.step, 'step')}"
    seconds = duration(getattr(ending, "seconds", None))
    lines = [line(""), line(f"{state.state} after {seconds} of training: {how_far}", "strong", "ended")]
    if ending and ending.reason and ending.reason != state.state:
        lines.append(_fact("reason", ending.reason))
    lines += _cost(state, settings)
    lines += _metrics(state)
    values = settings_worth_a_line(flatten(recipe))
    width = max(len(key) for key, _ in values)
    lines.append(line("recipe", id="recipe"))
    lines += [line(f"  {key.ljust(width)}  {text}", id=key) for key, text in values]
    lines += _warnings(state)
    none_yet = "none yet: it is made from the best epoch"
    if not state.is_prior:
        none_yet += " once the codebooks are initialised"
    return lines + (_model(state) or [_fact("model", none_yet)])


def _given(run: RunFolder) -> list[Line]:
    """The name, note and tags that a person gave the run."""
    given = annotation_of(run)
    told = {"name": given.name, "note": given.note, "tags": " ".join(given.tags)}
    return [
        _fact("" if row else title, text)
        for title, said in told.items()
        if said
        for row, text in enumerate(said.split("\n"))
    ]


def status_report(run: RunFolder, state: RunState, settings: Settings | None = None) -> list[Line]:
    """The report on a run now: progress, price, losses, health, warnings and model, and how to resume it."""
    process = f" (process {state.pid})" if state.is_active and state.pid else ""
    lines = [_fact("run", run.id), *_given(run), _fact("state", activity(state) + process)]
    if state.reason and state.reason != state.state:
        lines.append(_fact("reason", state.reason))
    if state.state == "crashed":
        lines.append(_fact("log", str(run.worker_log)))
        lines += [line(f"{'':10} {text}") for text in log_tail(run, LOG_LINES)]
    lines.append(_fact("progress", f"{percent(state.progress)}, epoch {state.epoch_text}, step {state.step:,}"))
    if state.eta_seconds is not None and not state.activity:
        lines.append(_fact("ETA", duration(state.eta_seconds)))
    if state.started_at:
        lines.append(_fact("started", f"{day(state.started_at)}, last event {day(state.updated_at)}"))
    lines += _cost(state, settings)
    if state.is_active and state.ranks:
        lines.append(line("ranks", id="ranks"))
        lines += [Line((("  ", "plain"), *row.spans), row.id) for row in rank_lines(state.ranks)]
    lines += [*_metrics(state), *_warnings(state), *_model(state)]
    return [*lines, line(resume_hint(run, state.ending), id="resume")] if can_resume(state) else lines
