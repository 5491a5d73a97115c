"""Use of the processors, memory and each GPU over the last two minutes, and of each rank of a training by several."""

from collections.abc import Sequence

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line
from distill_tui.reporting.ranks import rank_lines
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.services.system_monitor import GpuSample, SystemMonitor
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.text_widget import LinesWidget, text_of

SECONDS = 2.0
FIRST_LOOK_SECONDS = 1.0
COURSE = 24
HOT = 85.0
"""Degrees Celsius above which a GPU soon throttles."""
FULL = 0.92


class MachinePanel(LinesWidget):
    """One line for the processors and one for memory; two for each GPU, one for each rank. Samples only while it is on
    the screen."""

    def __init__(self, gauges: SystemMonitor | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._gauges = gauges or SystemMonitor()
        self._ranks: list[Line] = []

    def show(self, state: RunState) -> None:
        """Show what the ranks of this run use, on whatever machines they are; nothing for a run in one process."""
        self._ranks = rank_lines(state.ranks) if state.is_active else []
        self.repaint()

    def on_mount(self) -> None:
        self.set_interval(SECONDS, self._tick)
        self._tick()

    def _tick(self) -> None:
        if not self.is_on_screen or not self.screen.is_current:
            return
        # shows what the last question brought: nobody waits for a driver
        self.repaint()
        if not self._gauges.samples:
            self.set_timer(FIRST_LOOK_SECONDS, self.repaint)
        self._gauges.ask()

    def lines(self) -> list[Text]:
        samples = list(self._gauges.samples)
        if not samples:
            return [Text("machine", self.style("dim"))]
        now = samples[-1]
        found = [
            self._line("CPU", now.busy, formatting.percent(now.busy), [s.busy for s in samples]),
            self._line(
                "memory", now.used / now.memory, _of(now.used, now.memory), [s.used / s.memory for s in samples]
            ),
        ]
        for index, gpu in enumerate(now.gpus):
            before = [s.gpus[index] for s in samples if index < len(s.gpus)]
            found += self._gpu(f"GPU {index}" if len(now.gpus) > 1 else "GPU", gpu, before)
        # one line each, cut where it is narrow
        return [*found, *(text_of(self, [rank], 1000) for rank in self._ranks)]

    def _gpu(self, title: str, gpu: GpuSample, before: Sequence[GpuSample]) -> list[Text]:
        used = gpu.used / gpu.memory if gpu.used is not None and gpu.memory else None
        first = self._line(title, None, formatting.percent(gpu.busy), [b.busy or 0.0 for b in before])
        if gpu.temperature is not None:
            hot = gpu.temperature >= HOT
            first.append(
                f"  {'▲ ' if hot else ''}{gpu.temperature:.0f} °C", self.style("warning" if hot else "foreground")
            )
        if gpu.power is not None:
            first.append(f"  {gpu.power:.0f} W", self.style("foreground"))
        shares = [b.used / b.memory if b.used is not None and b.memory else 0.0 for b in before]
        second = self._line("", used, _of(gpu.used, gpu.memory), shares)
        second.append(f"  {printable(gpu.name)}", self.style("dim"))
        return [first, second]

    def _line(self, title: str, share: float | None, text: str, course: Sequence[float]) -> Text:
        full = share is not None and share >= FULL
        return Text.assemble(
            (f"{title:7}", self.style("dim")),
            (f"{text:>15}", self.style("warning" if full else "foreground")),
            ("  ", ""),
            (f"{blocks(course[-COURSE:]):<{COURSE}}", self.style("series-train")),
        )


def _of(used: int | None, memory: int | None) -> str:
    if used is None or not memory:
        return formatting.MISSING
    gib = used / 2**30
    return f"{f'{gib:.1f}' if gib < 100 else f'{gib:.0f}'} of {memory / 2**30:.0f} GiB"
