"""Two runs side by side."""

from distill_tui.recipe import toml
from distill_tui.reporting.comparison import of_run
from distill_tui.reporting.series import quantizer_start
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.series import Series
from distill_tui.ui.dialogs.side_by_side import SideBySideDialog
from distill_tui.ui.widgets.loss_curves import LossCurve
from distill_tui.ui.widgets.side_by_side import Side


def side_of(run: RunFolder) -> Side:
    """A run as one side of a comparison. Reads its log: call it in a thread.

    Raises:
        DistillError: its recipe cannot be read.
    """
    state = RunFollower(run).catch_up()
    subject = of_run(state, toml.to_dict(toml.load(run.recipe)))
    start = quantizer_start(state)
    return Side(
        state.name,
        subject,
        lambda name, ink: LossCurve(state.series.get(f"loss/{name}", Series()), start, ink),
    )


class CompareRunsDialog(SideBySideDialog):
    """Two runs, their losses and curves, and the differences of their recipes."""

    def __init__(self, one: Side, two: Side) -> None:
        super().__init__("↑↓  scroll     esc  back")
        self._pair = one, two

    def sides(self) -> tuple[Side, Side]:
        return self._pair
