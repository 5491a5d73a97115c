"""The health of codebooks: a table with the verdicts, each number over time, and how evenly the codes are used."""

from collections.abc import Sequence

from distill_tui.library.card import Card
from distill_tui.reporting import bitrate, marks, model_report
from distill_tui.reporting.axis import Scale
from distill_tui.reporting.formatting import count, number, percent
from distill_tui.reporting.page.chart import PLANE, Sign, Tick, frame, legend, polyline
from distill_tui.reporting.page.curves import COLUMNS, Axis, Curve, across_ticks, axis_of, reduce
from distill_tui.reporting.page.html import Html, element, join
from distill_tui.reporting.page.text import paragraphs, role, table
from distill_tui.reporting.verdicts import (
    HELD_OUT_WINDOW,
    Verdict,
    is_measured,
    size_of_codebooks,
    verdict,
    window_of,
    window_text,
)
from distill_tui.runs.state import LevelHealth, RunState

LEVEL_COLORS = 6
"""Levels that have a colour of their own; more begin again."""
HEAD = ("level", "utilization", "perplexity", "dead codes", "churn", "verdict")
OVER_TIME = (("utilization", "codes in use"), ("perplexity", "perplexity, of the codebook's size"), ("churn", "churn"))
"""Numbers that are drawn over time, as shares; a perplexity is divided by the size of its codebook."""
MOST_BARS = 256


def run_health(state: RunState) -> Html:
    """The health of a run's codebooks now, and what would carry the same for less; nothing where it has none."""
    if not is_measured(state.health):
        return Html()
    size = size_of_codebooks(state)
    held_out = [state.numbers.get(f"validation/{level.level}/utilization") for level in state.health]
    advice = bitrate.advice_lines(bitrate.advise_on_run(state))
    rate = bitrate.bitrate_of_run(state)
    return join(
        health_table(state.health, size, window_of(state), held_out),
        element("p", f"Bit rate: {rate}") if rate else None,
        paragraphs(advice),
    )


def model_health(card: Card) -> Html:
    """The health of a model's codebooks by its card."""
    if not card.health:
        return Html()
    levels, size = model_report.levels_of(card), model_report.codebook_size(card)
    told = ", ".join(number(value) for value in card.level_distances)
    return join(
        health_table(levels, size, card.health_window or HELD_OUT_WINDOW),
        element("p", f"Held-out distance with the first 1, 2, … levels: {told}")
        if len(card.level_distances) > 1
        else None,
        paragraphs(bitrate.advice_lines(model_report.advice(card))),
    )


def health_table(levels: Sequence[LevelHealth], size: int, window: str, held_out: Sequence[float | None] = ()) -> Html:
    """A row a level, with its verdict; the window of the numbers is the caption."""
    head = list(HEAD)
    rows: list[list[str | Html]] = []
    for level in levels:
        told = [percent(level.utilization), number(level.perplexity), count(level.dead), percent(level.churn)]
        rows.append([str(level.level + 1), *told, badge(verdict(level, size))])
    if any(share is not None for share in held_out):
        head.append("held-out utilization")
        rows = [[*row, percent(share)] for row, share in zip(rows, held_out, strict=True)]
    caption = f"{count(size)} codes a level, counted {window_text(levels, size, window)}"
    return table(head, rows, caption)


def badge(found: Verdict | None) -> Html:
    """A verdict with its mark."""
    return role(f"{found.mark} {found}", found.role) if found else role("-", "dim")


def health_over_time(state: RunState, along: str = "step") -> Html:
    """Utilization, perplexity and churn of each level over a run; nothing before there are two numbers of any."""
    axis = axis_of(state, along)
    if axis is None:
        return Html()
    size = size_of_codebooks(state)
    # the marks stand above the losses; here they would hide the few rows that there are
    plain = Axis(axis.first, axis.last, axis.along, 0.0, [sign for sign in axis.signs if sign.class_ == "start"])
    drawn = [_over_time(state, word, title, plain, size) for word, title in OVER_TIME]
    return element("div", *drawn, class_="row") if any(drawn) else Html()


def _over_time(state: RunState, word: str, title: str, axis: Axis, size: int) -> Html:
    curves = []
    for level in state.health:
        series = state.series.get(f"codebook/{level.level}/{word}")
        if series is not None and len(series) > 1:
            places, factor, shift = marks.places(state, series, axis.along)
            curves.append((level.level, Curve(f"level {level.level + 1}", "", series, factor, shift, places)))
    if not curves:
        return Html()
    most = float(size) if word == "perplexity" and size else 1.0
    scale = Scale(0.0, most, PLANE + 1)
    lines, entries = [], []
    for place, curve in curves:
        color = f"level-{place % LEVEL_COLORS + 1}"
        across = PLANE / (COLUMNS - 1)
        lines.append(polyline([(p.x * across, scale.place(p.mean)) for p in reduce(curve, axis)], f"curve {color}"))
        last = curve.series.last
        entries.append(("", color, f"{curve.title} {percent(last) if word != 'perplexity' else number(last)}"))
    shown = [percent(share) if word != "perplexity" else count(share * most) for share in (0, 0.5, 1)]
    drawing = frame(
        join(*lines),
        across_ticks(axis)[::2],
        [Tick(share, text) for share, text in zip((0, 0.5, 1), shown, strict=True)],
        f"{title} of each level over {axis.along}s",
        signs=[Sign(s.at, s.text, s.class_, s.title, short=True) for s in axis.signs],
        class_="small",
    )
    return element("figure", element("figcaption", title), drawing, legend(entries))


def code_use(counts: Sequence[Sequence[int]]) -> Html:
    """How often each code of each level was used, the most used first: a good codebook is a flat field."""
    strips = []
    for level, uses in enumerate(counts):
        total = sum(uses)
        if not total:
            continue
        bars = _bars(sorted(uses, reverse=True))
        most = max(bars)
        width = PLANE / len(bars)
        drawn = (
            element("rect", x=n * width, y=PLANE * (1 - bar / most), width=width * 1.02, height=PLANE * bar / most)
            for n, bar in enumerate(bars)
        )
        tenth = sum(sorted(uses, reverse=True)[: max(1, len(uses) // 10)]) / total
        words = f"10 % of the codes carry {percent(tenth)} of the use"
        svg = element(
            "svg",
            *drawn,
            viewBox=f"0 0 {PLANE} {PLANE}",
            preserveAspectRatio="none",
            class_=f"strip level-{level % LEVEL_COLORS + 1}",
            role="img",
            aria_label=f"level {level + 1}: {words}",
        )
        strips.append(element("figure", svg, element("figcaption", f"level {level + 1}: {words}")))
    return element("div", *strips, class_="row") if strips else Html()


def _bars(uses: Sequence[int]) -> list[float]:
    """Means of neighbours, MOST_BARS at most."""
    step = -(-len(uses) // MOST_BARS)
    return [sum(uses[n : n + step]) / len(uses[n : n + step]) for n in range(0, len(uses), step)]
