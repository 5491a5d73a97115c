"""The pace of a run, use of GPUs, processors and memory over the last two minutes, and of each rank."""

import math
from collections.abc import Sequence

from rich.text import Text

from distill_tui.reporting import formatting, outlook
from distill_tui.reporting.lines import Line
from distill_tui.reporting.ranks import rank_lines
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.services.system_monitor import GpuSample, MachineSample, SystemMonitor
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.text_widget import LinesWidget, text_of

SECONDS = 2.0
FIRST_LOOK_SECONDS = 1.0
TITLE, VALUE = 8, 16
LEAST_COURSE, MOST_COURSE = 6, 40
"""Cells of a course over time."""
MORE_CELLS = 18
"""Cells of what stands beside a course of a GPU: `  61 °C  388 W`."""
HOT = 85.0
"""Degrees Celsius above which a GPU soon throttles."""
FULL = 0.92
HIGH_WAIT = 0.2
"""Share of the time from which on waiting for data is worth a warning's colour."""


class MachinePanel(LinesWidget):
    """Two lines for each GPU, the pace, a line for the processors, for memory and for each rank.

    Samples only while it is on the screen.
    """

    def __init__(self, gauges: SystemMonitor | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._gauges = gauges or SystemMonitor()
        self._state = RunState()
        self._looked_for, self._is_stale = 0.0, True
        self._ranks: list[Line] = []

    def show(self, state: RunState) -> None:
        """Show the pace of this run, and what its ranks use, on whatever machines they are."""
        # a machine whose run does nothing new is not looked at: an idle screen sends nothing
        self._is_stale = self._is_stale or state is not self._state or state.updated_at != self._looked_for
        self._state, self._looked_for = state, state.updated_at
        self._ranks = rank_lines(state.ranks) if state.is_active else []
        self.repaint()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(SECONDS, self._tick)
        self._tick()

    def _tick(self) -> None:
        if not self._is_stale or not self.is_on_screen or not self.screen.is_current:
            return
        self._is_stale = not self._gauges.samples
        # shows what the last question brought: nobody waits for a driver
        self.repaint()
        if not self._gauges.samples:
            self.set_timer(FIRST_LOOK_SECONDS, self.repaint)
        self._gauges.ask()

    @property
    def _is_narrow(self) -> bool:
        return self.size.width < TITLE + VALUE + 2 + LEAST_COURSE

    @property
    def _course_cells(self) -> int:
        return max(0, min(MOST_COURSE, self.size.width - TITLE - (0 if self._is_narrow else VALUE + 2)))

    def lines(self) -> list[Text]:
        samples = list(self._gauges.samples)
        found: list[Text] = []
        if samples:
            for index, gpu in enumerate(samples[-1].gpus):
                before = [s.gpus[index] for s in samples if index < len(s.gpus)]
                found += self._gpu(f"GPU {index}" if len(samples[-1].gpus) > 1 else "GPU", gpu, before)
        found += self._pace()
        found += self._processors(samples) if samples else [Text("looking at the machine …", self.style("dim"))]
        # one line each, cut where it is narrow
        return [*found, *(text_of(self, [rank], 1000) for rank in self._ranks)]

    def _processors(self, samples: Sequence[MachineSample]) -> list[Text]:
        now = samples[-1]
        memory = [s.used / s.memory for s in samples]
        return [
            self._line("CPU", None, formatting.percent(now.busy), [s.busy for s in samples]),
            self._line("memory", now.used / now.memory, _of(now.used, now.memory), memory),
        ]

    def _gpu(self, title: str, gpu: GpuSample, before: Sequence[GpuSample]) -> list[Text]:
        used = gpu.used / gpu.memory if gpu.used is not None and gpu.memory else None
        more = Text()
        if gpu.temperature is not None:
            hot = gpu.temperature >= HOT
            more.append(
                f"{'▲ ' if hot else ''}{gpu.temperature:.0f} °C", self.style("warning" if hot else "foreground")
            )
        if gpu.power is not None:
            more.append(f" {gpu.power:.0f} W", self.style("foreground"))
        shares = [b.used / b.memory if b.used is not None and b.memory else 0.0 for b in before]
        busy = [b.busy or 0.0 for b in before]
        first = self._line(title, None, formatting.percent(gpu.busy), busy, more)
        name = Text("" if self._is_narrow else printable(gpu.name), self.style("dim"))
        return [first, self._line(" memory", used, _of(gpu.used, gpu.memory), shares, name)]

    def _pace(self) -> list[Text]:
        """Steps a second with their course, and the share of the time that they waited for data, while it trains."""
        state = self._state
        if state.state != "running" or (rate := outlook.steps_per_second(state)) is None:
            return []
        times = state.series.get("time/step", Series()).values[-max(1, self._course_cells) :]
        rates = [1 / seconds if math.isfinite(seconds) and seconds > 0 else 0.0 for seconds in times]
        most = max(rates, default=0.0) or 1.0
        found = [self._line("steps/s", None, f"{rate:,.{2 if rate < 1 else 1}f}", [value / most for value in rates])]
        if (wait := outlook.waiting_share(state)) is not None:
            ink = self.style("warning" if wait >= HIGH_WAIT else "foreground")
            share = formatting.percent(wait)
            line = Text(f"{'data':{TITLE}}", self.style("dim"))
            line.append(share if self._is_narrow else f"{share:>{VALUE}}", ink)
            found.append(
                line.append(" waiting" if self._is_narrow else "  of the time waiting for it", self.style("dim"))
            )
        return found

    def _line(
        self, title: str, share: float | None, text: str, course: Sequence[float], more: Text | None = None
    ) -> Text:
        ink = self.style("warning" if share is not None and share >= FULL else "foreground")
        line = Text(f"{title:{TITLE}}", self.style("dim"))
        line.append(f"{text} " if self._is_narrow else f"{text:>{VALUE}}  ", ink)
        cells = min(MOST_COURSE, self.size.width - line.cell_len)
        if more and (self._is_narrow or cells < MORE_CELLS + LEAST_COURSE):
            # no room for both: numbers say more
            return line.append_text(more)
        if more:
            cells = min(cells, self.size.width - line.cell_len - MORE_CELLS)
        if cells >= LEAST_COURSE:
            line.append(f"{blocks(course[-cells:]):<{cells}}", self.style("series-train"))
        return line.append("  ").append_text(more) if more else line


def _of(used: int | None, memory: int | None) -> str:
    if used is None or not memory:
        return formatting.MISSING
    gib = used / 2**30
    return f"{f'{gib:.1f}' if gib < 100 else f'{gib:.0f}'} of {memory / 2**30:.0f} GiB"
