"""Summary of a folder of sounds and of the model that the recipe makes of it."""

import re
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from rich.text import Text
from textual.widget import Widget

from distill_tui.data.cache_room import LARGE, gigabytes
from distill_tui.data.corpus import Corpus, Skipped
from distill_tui.data.packs import stored_bytes
from distill_tui.recipe.arithmetic import bitrate_kbps, frame_rate
from distill_tui.recipe.fields import flatten
from distill_tui.recipe.pace import Pace, epoch_seconds, nearest
from distill_tui.recipe.resolve import expectations, kind_of_sound, lost_bandwidth
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import PROGRAM_BYTES, batch_bytes, parameters, training_bytes
from distill_tui.reporting import formatting
from distill_tui.reporting.advice_text import shorts_of
from distill_tui.reporting.recipe_text import codebooks_text, net_text, setting_text
from distill_tui.text import printable
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.widgets.blocks import bars
from distill_tui.ui.widgets.text_widget import theme_style, wrapped

HISTOGRAM = (32, 3)
"""Columns and lines of the picture of the lengths."""
SAME_SOUND = "the same sound as"
TITLE = 13
"""Cells of the titles that values stand behind."""


class _Line(Protocol):
    def __call__(self, *parts: tuple[str, str]) -> None: ...


def summary(widget: Widget, found: Found, wide: bool) -> Text:
    """The sounds that were found and the model of them, for the widget's width: a few lines, or `wide` everything."""
    text = Text()
    indents: list[int] = []

    def line(*parts: tuple[str, str]) -> None:
        if indents:
            text.append("\n")
        # what is wrapped stays below the words, not below their title
        indents.append(TITLE if parts and len(parts[0][0]) == TITLE else 2)
        for part, variable in parts:
            text.append(printable(part), theme_style(widget, variable))

    corpus = found.corpus
    assert corpus is not None
    _sounds(corpus, wide, line)
    _remarks(found, wide, line)
    _model(found, corpus, wide, line)
    if corpus.skipped and wide:
        line()
    _skipped(corpus.skipped, line)
    if wide:
        _lengths(corpus.kept("summary", lambda: _sum_up(corpus)), line)
    if found.interrupted is not None:
        if wide:
            line()
        line((f"A run on these sounds can be resumed: {found.interrupted.id}", "foreground"), ("  ctrl+r", "accent"))
    return wrapped(text, widget.size.width, indents)


def _sounds(corpus: Corpus, wide: bool, line: _Line) -> None:
    sums: _Sums = corpus.kept("summary", lambda: _sum_up(corpus))
    rates = sums.rates
    many = f"{formatting.hertz(rates[0])} to {formatting.hertz(rates[-1])}"
    shown = ", ".join(formatting.hertz(rate) for rate in rates) if len(rates) < 4 else many
    head = [
        (f"✓ {formatting.plural(len(corpus.sounds), 'sound')}", "success"),
        (f", {formatting.duration(sums.seconds)}, {shown}", "foreground"),
    ]
    parts = {split: formatting.duration(seconds) for split, (seconds, _) in sums.splits.items()}
    if not wide:
        held_out = f": {parts['training']} for training, {parts['validation']} for validation"
        line(*head, (held_out, "dim"))
    else:
        line(*head)
        for split, (_, count) in sums.splits.items():
            files = "part of it" if sums.is_by_time else formatting.plural(count, "file")
            line((f"  {split:11}", "dim"), (f"{files}, {parts[split]}", "foreground"))
        if kind := kind_of_sound(corpus.facts().tonality):
            line(("  kind       ", "dim"), (kind, "foreground"))


class _Sums(NamedTuple):
    """What is shown of all sounds together: seconds and files of each split, the picture of the lengths."""

    rates: list[int]
    seconds: float
    is_by_time: bool
    splits: dict[str, tuple[float, int]]
    bars: list[str]
    shortest: float
    longest: float


def _sum_up(corpus: Corpus) -> _Sums:
    lengths = [s.seconds for s in corpus.sounds]
    shortest, longest = min(lengths), max(lengths)
    splits: tuple[Literal["training", "validation"], ...] = ("training", "validation")
    return _Sums(
        sorted({s.rate for s in corpus.sounds}),
        corpus.seconds,
        any(s.split == "by time" for s in corpus.sounds),
        {split: (corpus.split_seconds(split), corpus.split_files(split)) for split in splits},
        histogram(lengths, *HISTOGRAM) if longest - shortest > 0.05 else [],
        shortest,
        longest,
    )


def _remarks(found: Found, wide: bool, line: _Line) -> None:
    """What is odd about the sounds: whole, or in few words and a key."""
    if found.remarks and not wide:
        line((f"▲ {shorts_of(found.remarks)}", "warning"), ("  f4", "accent"))
        return
    for remark in found.remarks:
        line((f"▲ {remark.text}", "warning"), (f"; {remark.way_out}", "dim"))


def _skipped(skipped: list[Skipped], line: _Line) -> None:
    """One line, however many there are: what the model will be must not go out of sight for them."""
    if not skipped:
        return
    if len(skipped) == 1:
        why = f", {formatting.shorten_path(skipped[0].name, 24)}: {skipped[0].reason}"
    else:
        kinds = Counter(kind_of(one.reason) for one in skipped)
        why = ": " + ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    line((f"▲ {formatting.plural(len(skipped), 'file')} skipped", "warning"), (why, "dim"), ("  f3", "accent"))


def kind_of(reason: str) -> str:
    """A reason without what is of one file alone."""
    if reason.startswith(SAME_SOUND):
        return f"{SAME_SOUND} another"
    kind = re.split(r" ?[;:(]", reason, maxsplit=1)[0]
    return re.sub(r"\d[\d.,]*", "…", kind)


def _model(found: Found, corpus: Corpus, wide: bool, line: _Line) -> None:
    for problem in found.problems:
        line((f"✗ {problem}", "error"))
    recipe = found.resolved
    if recipe is None:
        if not found.problems:
            line(("✗ fix the marked fields to see what the model will be", "error"))
        return
    codebooks, kbps = codebooks_text(flatten(recipe)), formatting.kbps(bitrate_kbps(recipe))
    rate = formatting.hertz(float(recipe.model.sample_rate))
    frames = f"{frame_rate(recipe):.1f} frames a second"
    start = _start(recipe)
    # a net that is left open takes the shape of the model it starts from, which is not read for every key
    is_the_models = bool(start) and "model.channels" in recipe.automatic
    net = "" if is_the_models else net_text(flatten(recipe))
    many = "the model's size" if is_the_models else f"{formatting.short_count(parameters(recipe))} parameters"
    pace = nearest(found.paces, recipe)
    epoch = _epoch(recipe, pace)
    if wide:
        line()
        line(("The model will be", "dim"))
        for word, value in (
            ("rate", rate),
            ("latent", frames),
            ("codebooks", codebooks),
            ("bit rate", kbps),
            ("size", many),
            ("net", net),
            ("starts", start and f"from {start}"),
        ):
            if value:
                line((f"  {word:11}", "dim"), (value, "foreground"))
        line()
        line(("The training will take", "dim"))
        for word, value in (
            ("device", setting_text(flatten(recipe), "train.device")),
            ("memory", _memory(recipe)),
            ("disk", _disk(found, corpus, recipe)),
            ("steps", _steps(recipe)),
            (
                "an epoch",
                epoch or ("being measured …" if found.probing else "unknown until a similar run has finished"),
            ),
            ("in total", _whole(recipe, pace)),
        ):
            if value:
                line((f"  {word:11}", "dim"), (value, "foreground"))
        if pace is not None:
            source = "a few training steps" if pace.is_probe else formatting.shorten(pace.run, 30)
            line((f"  estimated from {source}", "dim"))
    else:
        line(("model: ", "dim"), (f"{rate}, {frames}, {codebooks}, {kbps}, {many}", "foreground"))
        if start:
            line(("starts from: ", "dim"), (start, "foreground"))
        if epoch:
            line(("an epoch: ", "dim"), (epoch, "foreground"))
    facts = corpus.facts()
    # the advice has said which sounds lose what
    said = lost_bandwidth(facts, int(recipe.model.sample_rate)) if found.advice is not None else ""
    warnings = [warning for warning in expectations(recipe, facts) if warning != said]
    if warnings and wide:
        line()
    for warning in warnings:
        line((f"▲ {warning}", "warning"))


def _start(recipe: Recipe) -> str:
    """The model whose weights a run begins with; '' when it begins from scratch."""
    model = recipe.train.start_from
    return f"the weights of {Path(model).name.removesuffix('.distill')}" if model else ""


def _memory(recipe: Recipe) -> str:
    """About how much memory training takes, by the sizes of the net and its batches."""
    own = training_bytes(recipe) + batch_bytes(recipe)
    if recipe.train.device == "cpu":
        return f"about {(own + PROGRAM_BYTES) / 1e9:.1f} GB, torch itself included"
    return f"about {own / 1e9:.1f} GB of the device, and torch itself"


def _disk(found: Found, corpus: Corpus, recipe: Recipe) -> str:
    """How much decoded sound goes into the cache, where that is much."""
    sums: _Sums = corpus.kept("summary", lambda: _sum_up(corpus))
    need = stored_bytes(round(sums.seconds * int(recipe.model.sample_rate)))
    return f"{gigabytes(need)} for decoded sounds; {gigabytes(found.free_bytes)} are free" if need >= LARGE else ""


def _steps(recipe: Recipe) -> str:
    batch = int(recipe.train.batch_size) * float(recipe.data.crop_seconds)
    return f"{int(recipe.train.steps_per_epoch):,} an epoch, {formatting.duration(batch)} of sound each"


def _epoch(recipe: Recipe, pace: Pace | None) -> str:
    """About how long an epoch takes, by what this machine reached before; '' when it never trained."""
    return f"about {formatting.duration(epoch_seconds(recipe, pace))}" if pace is not None else ""


def _whole(recipe: Recipe, pace: Pace | None) -> str:
    if recipe.train.minutes:
        return f"{formatting.duration(recipe.train.minutes * 60)}, as set"
    if pace is None:
        return ""
    return f"about {formatting.duration(recipe.train.epochs * epoch_seconds(recipe, pace))}"


def _lengths(sums: _Sums, line: _Line) -> None:
    """The picture of the lengths, the shortest and the longest below it."""
    if not sums.bars:
        return
    line()
    columns, _ = HISTOGRAM
    for number, row in enumerate(sums.bars):
        line(("" if number else "  lengths    ", "dim"), (" " * 13 * bool(number) + row, "primary"))
    low, high = formatting.duration(sums.shortest), formatting.duration(sums.longest)
    line((f"{'':13}{low}{high:>{columns - len(low)}}", "dim"))


def histogram(values: list[float], columns: int, rows: int = 1) -> list[str]:
    """A histogram of the values from the least to the greatest, in `rows` lines of `columns` bars."""
    low, high = min(values), max(values)
    counts = [0] * columns
    for value in values:
        place = 0 if high <= low else int((value - low) / (high - low) * (columns - 1) + 0.5)
        counts[place] += 1
    return bars([count / max(counts) for count in counts], rows)
