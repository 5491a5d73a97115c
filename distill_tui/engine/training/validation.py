"""Validation at the end of an epoch: the averaged weights on held-out data, and the best epoch so far."""

from collections.abc import Callable
from typing import Any, TypeVar

from distill_tui.engine import codebook_health
from distill_tui.engine.device import free_memory, is_out_of_memory
from distill_tui.engine.inference.validate import Evaluation
from distill_tui.engine.tasks.base import Part, Task
from distill_tui.engine.training.backward import weight
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.engine.training.metrics_logger import MetricsLogger
from distill_tui.engine.training.train_step import TrainStep
from distill_tui.errors import DistillError
from distill_tui.recipe.arithmetic import bitrate_kbps
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.events import COUNTED_ONCE

Result = TypeVar("Result")


class Validator:
    """Validates, logs the numbers with the warnings that follow from them, and keeps the best epoch.

    The best epoch is the one of the least held-out distance (`Task.distance`) since quantization started. `best`
    has its `epoch`, `step`, `distance`, `weights` (on the CPU; None before there is one), the logged `numbers`, the
    `knobs` in force and the `health_window` of its codebook health.
    """

    def __init__(
        self, recipe: Recipe, material: Task, learner: TrainStep, desk: ControlPoller, reporter: MetricsLogger
    ) -> None:
        self._recipe, self._material, self._learner = recipe, material, learner
        self._desk, self._reporter = desk, reporter
        self.best: dict[str, Any] = {"epoch": 0, "distance": float("inf"), "weights": None}

    def validate(self, step: int, epoch: int, weights: dict[str, float], last: bool) -> None:
        """Validate the averaged weights as they are after `step`.

        Args:
            weights: the loss weights in force, by recipe key.
            last: whether the training ends here.
        """
        reporter, learner, bottleneck = self._reporter, self._learner, self._learner.net.bottleneck
        with_stft = weights["loss.stft_weight"] > 0
        held_out = self._evaluate("validation", with_stft, step)
        seen = self._evaluate("training", with_stft, step)
        sums = {key: weight(key, weights) * value for key, value in held_out.losses.items() if "/" not in key}
        recon = sum(value for key, value in sums.items() if key not in bottleneck.losses)
        values: dict[str, float | None] = {"loss/val": sum(sums.values()), "loss/val_recon": recon}
        distances = held_out.losses[self._material.distance], seen.losses[self._material.distance]
        if learner.quantizing:
            # a distance around the bottleneck is no result: these begin with the codebooks
            values |= {"distance/val": distances[0], "distance/train": distances[1]}
            values |= {f"validation/{key}": held_out.losses[key] for key in bottleneck.numbers}
        used, window = reporter.usage, codebook_health.WINDOW
        if held_out.counts is not None:
            values |= {"bitrate/kbps": bitrate_kbps(self._recipe)}
            values |= codebook_health.as_numbers(codebook_health.measure(held_out.counts), prefix="validation")
            if seen.counts is not None and not reporter.has_usage:
                # stopped with the codebooks just made: no step has used them yet
                used, window = seen.counts, COUNTED_ONCE
                values |= codebook_health.as_numbers(codebook_health.measure(used))
        means = reporter.tell_epoch(step, epoch, values)
        reporter.judge_rise(means.get(f"epoch/{learner.loss.names[0]}"), step)
        if learner.quantizing:
            if distances[0] < self.best["distance"]:
                self._keep(step, epoch, distances[0], window)
            reporter.judge_gap(*distances, epoch - int(self.best["epoch"]), epoch, step)
        if held_out.counts is not None:
            reporter.judge_use(used, step)
            reporter.tell_codes(used, window, step, epoch, last)
        elif weights["loss.kl_weight"] == self._desk.knobs["loss.kl_weight"]:
            reporter.judge_latents(held_out.losses.get("latent/kl"), step)

    def why_stop(self, epoch: int) -> str:
        """Why the training should end after `epoch`: no better one for as long as the recipe has patience; or ''."""
        patience = self._recipe.train.patience
        if not patience or not self._learner.quantizing or epoch - self.best["epoch"] < patience:
            return ""
        return f"no better epoch in {patience}; the best was epoch {self.best['epoch']}"

    def fitting(self, work: Callable[[], Result], step: int) -> Result:
        """What `work` does with held-out data, of which less is taken at once where the memory does not do.

        Raises:
            DistillError: the least of it is too much.
        """
        device = self._learner.device
        while True:
            try:
                return work()
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            free_memory(device)
            less = self._material.take_less()
            if not less:
                raise DistillError(
                    f"out of memory on {device} while validating", "Try a smaller model.channels or fewer blocks."
                )
            self._reporter.warn_of_memory(f"out of memory on {device}: {less} from here", step)

    def _evaluate(self, part: Part, with_stft: bool, step: int) -> Evaluation:
        learner = self._learner
        return self.fitting(
            lambda: self._material.evaluate(learner.averaged, part, learner.quantizing, with_stft), step
        )

    def _keep(self, step: int, epoch: int, distance: float, health_window: str) -> None:
        self.best = {
            "epoch": epoch,
            "step": step,
            "distance": distance,
            "weights": {k: v.detach().cpu().clone() for k, v in self._learner.averaged.state_dict().items()},
            "numbers": {key: value for key, value in self._reporter.numbers.items() if value is not None},
            "knobs": dict(self._desk.knobs),
            "health_window": health_window,
        }
        self._reporter.tell_best(step, epoch, distance)
