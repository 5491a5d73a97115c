"""What each process of a training by several uses: a line a rank."""

from collections.abc import Sequence

from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line, Span, line
from distill_tui.runs.events import RankUse

MOST = 8
"""Ranks with a line of their own."""
GIB = 2**30


def rank_lines(ranks: Sequence[RankUse]) -> list[Line]:
    """Device, load, memory and speed of each rank, and where it is if they are on several machines."""
    many_hosts = len({rank.host for rank in ranks}) > 1
    lines = [_line(rank, many_hosts) for rank in ranks[:MOST]]
    if len(ranks) > MOST:
        lines.append(line(f"and {len(ranks) - MOST} ranks more", "dim", "more-ranks"))
    return lines


def _line(rank: RankUse, with_host: bool) -> Line:
    memory = formatting.MISSING
    if rank.used is not None and rank.memory:
        memory = f"{rank.used / GIB:.1f} of {rank.memory / GIB:.0f} GiB"
    speed = rank.examples_per_second
    spans: list[Span] = [
        (f"rank {rank.rank:<2} ", "dim"),
        (f"{rank.device:7} {formatting.percent(rank.busy):>5}  {memory:>15}", "plain"),
        (f"  {speed:,.{0 if speed >= 10 else 1}f} examples/s", "plain"),
    ]
    if rank.name or with_host:
        spans.append((f"  {rank.name}{f' on {rank.host}' if with_host else ''}", "dim"))
    return Line(tuple(spans), f"rank/{rank.rank}")
