"""Validation at the end of an epoch: the EMA of the weights on held-out data, and the best epoch so far."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from distill_tui.engine.device import free_memory, is_out_of_memory
from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training.compile import uncompiled
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.engine.training.diagnostics import Diagnostics
from distill_tui.engine.training.metrics_logger import MetricsLogger
from distill_tui.engine.training.train_step import TrainStep
from distill_tui.errors import DistillError

Result = TypeVar("Result")


class Validator:
    """Validates, logs the metrics and the warnings that follow from them, and keeps the best epoch.

    The best epoch is the one with the least held-out distance (`Validation.distance`), unless the task says otherwise
    (`is_better`). `best` has its `epoch`, `step`,
    `distance`, `weights` (on the CPU; None before there is one), the logged `numbers`, the `knobs` (settings) in force,
    the task's own facts, and `measure`, what the distance is (`Task.measure`).
    """

    def __init__(
        self,
        task: Task[Any],
        train_step: TrainStep,
        poller: ControlPoller,
        metrics: MetricsLogger,
        diagnostics: Diagnostics,
    ) -> None:
        self._task, self._train_step, self._poller = task, train_step, poller
        self._metrics, self._diagnostics = metrics, diagnostics
        self._is_comparable = False
        self.best: dict[str, Any] = {"epoch": 0, "distance": float("inf"), "weights": None}

    def validate(self, step: int, epoch: int, weights: Mapping[str, float]) -> None:
        """Validate the EMA of the weights as it is after `step`.

        Args:
            weights: of the losses by name.
        """
        self._measure_best_again(step, weights)
        result = self.within_memory(lambda: self._task.validate(self._train_step.ema_net, weights), step)
        means = self._metrics.log_epoch(step, epoch, result.values)
        self._diagnostics.check_divergence(means.get(f"epoch/{self._task.main_loss}"), step)
        self._is_comparable = result.distance is not None
        if result.distance is None:
            return
        is_better = result.distance < self.best["distance"] if result.is_better is None else result.is_better
        if is_better:
            self._keep(step, epoch, result.distance, result.facts)
        if result.train_distance is not None:
            stale = epoch - int(self.best["epoch"])
            self._diagnostics.check_overfitting(result.distance, result.train_distance, stale, epoch, step)

    def _measure_best_again(self, step: int, weights: Mapping[str, float]) -> None:
        """Give the best epoch of an older release's checkpoint a distance that later ones can be compared with."""
        best, net = self.best, self._train_step.ema_net
        if best["weights"] is None or best.get("measure", "") == self._task.measure:
            return
        now = {name: value.clone() for name, value in net.state_dict().items()}
        net.load_state_dict(best["weights"])
        try:
            result = self.within_memory(lambda: self._task.validate(net, weights), step)
        finally:
            net.load_state_dict(now)
        if result.distance is None:
            return
        numbers = {key: value for key, value in result.values.items() if value is not None}
        best |= {"distance": result.distance, "measure": self._task.measure, "numbers": best["numbers"] | numbers}
        self._metrics.log_best(best["step"], best["epoch"], result.distance)

    def stop_reason(self, epoch: int, patience: int) -> str:
        """Why the training should end after `epoch`: no better one in `patience` epochs (0: any number); or ''."""
        if not patience or not self._is_comparable or epoch - self.best["epoch"] < patience:
            return ""
        return f"no better epoch in {patience}; the best was epoch {self.best['epoch']}"

    def within_memory(self, work: Callable[[], Result], step: int) -> Result:
        """Call `work`, which goes through held-out data, with less of it at once until it fits into memory.

        Raises:
            DistillError: the least of it is too much.
        """
        device = self._train_step.device
        while True:
            try:
                # each length of a sound would be compiled once more
                with uncompiled(self._task.recipe):
                    return work()
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # the memory of a captured step is its own, and the next steps capture it anew
            self._train_step.graph.reset()
            free_memory(device)
            less = self._task.reduce_memory()
            if not less:
                raise DistillError(f"out of memory on {device} while validating", self._task.memory_advice)
            self._diagnostics.warn_of_memory(f"out of memory on {device}: {less} from here", step)

    def _keep(self, step: int, epoch: int, distance: float, facts: dict[str, Any]) -> None:
        self.best = {
            "epoch": epoch,
            "step": step,
            "distance": distance,
            "measure": self._task.measure,
            "weights": {k: v.detach().cpu().clone() for k, v in self._train_step.ema_net.state_dict().items()},
            "numbers": {key: value for key, value in self._metrics.latest.items() if value is not None},
            "knobs": dict(self._poller.settings),
            **facts,
        }
        self._metrics.log_best(step, epoch, distance)
