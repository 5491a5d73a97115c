"""The chart as a view of its own: curves chosen, zoomed, smoothed and read by key, with other runs laid over them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.reporting.marks import ALONG
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.ui.screens.training.chart_legend import ChartLegend
from distill_tui.ui.screens.training.plot import SCALES, SMOOTHINGS, Overlaid, Plot
from distill_tui.ui.widgets.text_widget import LinesWidget


def _b(keys: str, action: str, title: str, id: str, tooltip: str, shown: bool = False, display: str = "") -> Binding:
    return Binding(keys, action, title, show=shown, id=f"chart.{id}", tooltip=tooltip, key_display=display or None)


class ChartView(LinesWidget, can_focus=True):
    """A `Plot` that is steered by keys, under a `ChartLegend` that names its curves and reads them at the cursor."""

    HELP_TEXT = (
        "The top line names the curves and shows their values at the cursor; the letter before a name marks its curve. "
        "Up and down choose the curve in front, which is the one that other runs show. Each column covers the least "
        "to the greatest of its steps; smoothing lays a mean over that and hides nothing. "
        "Values from the quantizer warm-up, before the codebooks were initialised (┬), are faint. "
        "In an adversarial part (second ┬) discriminator is how much that one errs (0.5: a draw), adversarial how far "
        "reconstructions are from being taken for sounds, feature the distance of the two in what it looks at. "
        "Marks below: ◆ setting changed, p preview, c checkpoint, ★ best epoch; the cursor describes them. "
        "The commitment loss and every other kind of number have an axis of their own."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        _b("left", "cursor(-1)", "Read", "left", "Move the cursor that reads values", False, "←→"),
        _b("right", "cursor(1)", "Read", "right", "Move the cursor that reads values", False, "←→"),
        _b("up", "curve(-1)", "Curve in front", "previous", "Choose the curve in front", False, "↑↓"),
        _b("down", "curve(1)", "Curve in front", "next", "Choose the curve in front", False, "↑↓"),
        _b("plus", "zoom(0.5)", "Zoom", "in", "Zoom in, around the cursor", True, "+-"),
        _b("minus", "zoom(2)", "Zoom out", "out", "Zoom out", False, "-"),
        _b("comma,shift+left", "pan(-0.25)", "Earlier", "earlier", "Pan to earlier steps", False, ","),
        _b("full_stop,shift+right", "pan(0.25)", "Later", "later", "Pan to later steps", False, "."),
        _b("0,home", "whole", "Whole", "whole", "Show the whole run again", False, "0"),
        _b("j", "along", "Axis", "along", "Axis: step, epoch or time", True),
        _b("z", "scale", "Log", "scale", "Loss scale: auto, log, linear", True),
        _b("h", "smooth", "Smooth", "smooth", "Smooth more, or not at all", True),
        _b("C", "choose_curves", "Curves", "curves", "Choose what is drawn", True),
        _b("equals_sign", "choose_runs", "Compare", "others", "Choose other runs to lay over the chart", True, "="),
    ]

    @dataclass
    class CurvesAsked(Message):
        """Request to choose what is drawn."""

        chosen: list[str]

    @dataclass
    class RunsAsked(Message):
        """Request to choose other runs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.plot = Plot(self)
        self._legend = ChartLegend(self, self.plot)

    def show(self, state: RunState) -> None:
        """Show this state of the run; another run than before is shown whole."""
        self._then_repaint(lambda: self.plot.show(state))

    def choose(self, keys: list[str]) -> None:
        """Draw these numbers."""
        self._then_repaint(lambda: self.plot.choose(keys))

    @property
    def others(self) -> dict[RunFolder, Overlaid]:
        """The other runs that are laid over the chart."""
        return self.plot.others

    def lay_over(self, run: RunFolder, state: RunState) -> None:
        """Lay another run over the chart, or take in what is new of it."""
        self._then_repaint(lambda: self.plot.lay_over(run, state))

    def take_away(self, run: RunFolder) -> None:
        """Show another run no more."""
        self._then_repaint(lambda: self.plot.take_away(run))

    # keys

    def _then_repaint(self, change: Callable[[], object]) -> None:
        change()
        self.repaint()

    def action_cursor(self, cells: int) -> None:
        window = self.plot.window
        self._then_repaint(lambda: window.move(cells * (window.last - window.first) / self.plot.width))

    def action_curve(self, by: int) -> None:
        if curves := self.plot.curves:
            self.plot.front = (self.plot.front + by) % len(curves)
            self.repaint()

    def action_zoom(self, factor: float) -> None:
        self._then_repaint(lambda: self.plot.window.zoom(factor))

    def action_pan(self, share: float) -> None:
        self._then_repaint(lambda: self.plot.window.pan(share))

    def action_whole(self) -> None:
        self._then_repaint(self.plot.window.reset)

    def action_along(self) -> None:
        self.plot.along = ALONG[(ALONG.index(self.plot.along) + 1) % len(ALONG)]
        self._then_repaint(self.plot.window.reset)

    def action_scale(self) -> None:
        self.plot.scale = SCALES[(SCALES.index(self.plot.scale) + 1) % len(SCALES)]
        self.repaint()

    def action_smooth(self) -> None:
        self.plot.smoothing = (self.plot.smoothing + 1) % len(SMOOTHINGS)
        self.repaint()

    def action_choose_curves(self) -> None:
        self.post_message(self.CurvesAsked(list(self.plot.chosen)))

    def action_choose_runs(self) -> None:
        self.post_message(self.RunsAsked())

    def lines(self) -> list[Text]:
        plot, height = self.plot, self.size.height
        keys = plot.curves
        if not keys:
            nothing = "No numbers yet." if not plot.state.series else "Nothing is chosen: C chooses."
            return [Text(nothing, self.style("dim"))]
        # the words tell what stands in the window, which the picture measures
        picture = plot.picture(keys, height - (2 if plot.others else 1) - 1)
        return [*self._legend.head(keys), *picture, self._legend.reading()]
