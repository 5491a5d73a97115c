"""The adversarial part of a training: its last part, in which a discriminator judges what the decoder makes.

It begins from the best epoch so far. Encoder and codebooks stay as they are from there on, so codes stay valid; only
the decoder learns, against reconstruction losses, feature matching and the discriminator (DAC, Kumar et al. 2023, arXiv
2306.06546). Distances of spectra grow by that while ears are happier. So the last epoch is kept in place of the one of
least distance, as long as it is not worse than the best before this part by more than MARGIN.
"""

import dataclasses
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from distill_tui.engine.device import is_out_of_memory
from distill_tui.engine.nets import Autoencoder
from distill_tui.engine.tasks.adversarial_backward import add_adversarial_gradients
from distill_tui.engine.tasks.adversary import Adversary
from distill_tui.engine.tasks.autoencoder import AutoencoderTask
from distill_tui.engine.tasks.base import Validation
from distill_tui.engine.training.backward import StepOptions
from distill_tui.runs import events as e

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

LR_RATIO = 0.3
"""Highest learning rate of the decoder in this part over the training's: with the default of 1e-3 it is 3e-4, as in
EnCodec. The discriminator, which is new, learns at the whole rate (two time-scales: Heusel et al. 2017, arXiv
1706.08500): at 0.3 of it, its loss still was a draw after 240 steps, at the whole rate 0.43."""
MARGIN = 0.1
"""An epoch is kept up to this much above the distance that the part began with."""
RUN_AWAY = 0.3
"""The distance has run away from this much above the one that the part began with."""
FACTORS = (1.0, 0.25, 0.0)
"""Of the adversarial weight, after 0, 1 and 2 losses that ran away; with 0 there is no discriminator any more."""


@dataclass
class AdversarialPart:
    """What the adversarial part of a training has beside the net.

    Args:
        distance: of the best epoch before it, the one that it began from.
        failures: how often a loss ran away.
    """

    adversary: Adversary
    distance: float
    failures: int = 0

    @property
    def factor(self) -> float:
        """Of the adversarial weight."""
        return FACTORS[min(self.failures, len(FACTORS) - 1)]

    def state(self) -> dict[str, Any]:
        return {"distance": self.distance, "failures": self.failures, "adversary": self.adversary.state()}


class AdversarialTask(AutoencoderTask):
    """An autoencoder of waves whose training may end with an adversarial part (`train.adversarial_fraction`).

    `part` is None before it begins.
    """

    part: AdversarialPart | None = None
    _parts_needed = 1
    _discriminator_loss: Tensor | None = None
    _is_winning = False
    _distance: float | None = None

    @property
    def _start_at(self) -> float:
        """Progress at which the part begins; more than 1 if there is none."""
        fraction = self.recipe.train.adversarial_fraction
        return 1.0 - fraction if fraction else math.inf

    def schedule(self, progress: float) -> tuple[float, float]:
        """The learning rate falls to its end before this part, so that encoder and codes are done; then once more."""
        start = self._start_at
        if math.isinf(start):
            return super().schedule(progress)
        if self.part is None:
            return min(progress / start, 1.0), 1.0
        return min(max(progress - start, 0.0) / (1.0 - start), 1.0), LR_RATIO

    # ---------------------------------------------------------------- the step

    def loss_weights(self, settings: Mapping[str, float], progress: float) -> dict[str, float]:
        weights = super().loss_weights(settings, progress)
        if self.part is not None:
            weights["adversarial"] *= self.part.factor
        return weights

    def capture_key(self, net: Autoencoder) -> Hashable:
        # the discriminator's step is not made for it
        return super().capture_key(net) if self.part is None else None

    def backward(self, net: Autoencoder, data: Tensor, options: StepOptions) -> dict[str, Tensor]:
        if self.part is None:
            return super().backward(net, data, options)
        self.loss.use(options.draws["windows"])
        adversary = self.part.adversary
        adversary.clear_gradients()
        judge = adversary.discriminator if self.part.factor else None
        values, self._quantized = add_adversarial_gradients(
            net, self.loss, data, options, options.draws["levels"], judge
        )
        self._discriminator_loss = values.get("loss/discriminator")
        return values

    def buffers_of_forward(self, net: Autoencoder) -> list[Tensor]:
        return super().buffers_of_forward(net) if self.part is None else []

    def step_settings(self) -> dict[str, float]:
        if self.part is None:
            return {}
        return {"discriminator_lr": self.part.adversary.lr, "failures": float(self.part.failures)}

    def use_settings(self, settings: Mapping[str, float]) -> None:
        if self.part is not None and settings:
            self.part.adversary.lr, self.part.failures = settings["discriminator_lr"], int(settings["failures"])

    def after_optimizer(self, net: Autoencoder, bad: Tensor) -> None:
        super().after_optimizer(net, bad)
        if self.part is not None and self._discriminator_loss is not None:
            self.part.adversary.step(self._discriminator_loss, bad)
            self._discriminator_loss = None

    @property
    def dead_code_threshold(self) -> float:
        return 0.0 if self.part is not None else super().dead_code_threshold

    # ---------------------------------------------------------------- memory

    def on_start(self, trainer: "Trainer") -> None:
        """Try the largest pass of this part now: hours later is too late to learn that it does not fit."""
        super().on_start(trainer)
        if math.isinf(self._start_at) or self.part is not None or trainer.finished:
            return
        step = trainer.train_step
        data = step.ranks.share(trainer.task.batch(trainer.step))
        before = step.parts

        def warn(_text: str) -> None:
            text = f"too little memory on {trainer.device}: batches of the adversarial part will go through in"
            trainer.warn_of_memory(f"{text} {step.parts} parts")

        while True:
            try:
                self._try_memory(trainer, data)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # the error is gone, and with it what the failed pass had put into the memory
            step.halve_parts(len(data), warn)
        self._parts_needed, step.parts = step.parts, before

    def _try_memory(self, trainer: "Trainer", data: Tensor) -> None:
        """Train a discriminator for one step that leaves nothing behind."""
        step = trainer.train_step
        adversary = Adversary(self.recipe, trainer.device)
        options = StepOptions(trainer.loss_weights, step.precision, 0, step.shards, step.parts)
        levels = self._shape[0] if self.quantizing else None
        step.net.train()
        try:
            values, _ = add_adversarial_gradients(step.net, self.loss, data, options, levels, adversary.discriminator)
            adversary.step(values["loss/discriminator"], torch.zeros((), device=trainer.device))
        finally:
            step.optimizer.zero_grad(set_to_none=True)

    # ---------------------------------------------------------------- its begin, its end

    def before_step(self, trainer: "Trainer") -> None:
        super().before_step(trainer)
        if self.part is None and trainer.progress >= self._start_at:
            self._begin(trainer)
        if self.part is not None:
            self.part.adversary.lr = trainer.lr / LR_RATIO

    def _begin(self, trainer: "Trainer") -> None:
        """Begin from the best epoch, the one that ends here included.

        The EMA begins anew: net and average are one here, and what was averaged before is no part of this training.
        """
        if trainer.step % trainer.steps_per_epoch:
            trainer.log.write(e.StateChanged(state="running", step=trainer.step, detail="validating"))
            trainer.validate()
            trainer.metrics.skip_time(trainer.step)
        if trainer.stop_reason:
            return
        best = trainer.best
        trainer.train_step.restart_from(best["weights"] or trainer.ema_net.state_dict(), trainer.step)
        trainer.train_step.parts = max(trainer.train_step.parts, self._parts_needed)
        self.part = AdversarialPart(Adversary(self.recipe, trainer.device), float(best["distance"]))
        trainer.log.write(e.AdversarialStarted(step=trainer.step, epoch=trainer.epoch, from_epoch=int(best["epoch"])))

    def on_epoch_end(self, trainer: "Trainer") -> None:
        super().on_epoch_end(trainer)
        self._warn_if_winning(trainer)
        if self.part is None or not self.part.factor:
            return
        if self._distance is None or not self._distance <= (1 + RUN_AWAY) * self.part.distance:
            self._fail(trainer, f"the distance of held-out sounds has grown by more than {100 * RUN_AWAY:.0f}%")

    def on_divergence(self, trainer: "Trainer") -> bool:
        if self.part is None or not self.part.factor:
            return False
        self._fail(trainer, "the loss was not finite several times in a row")
        return True

    def _fail(self, trainer: "Trainer", why: str) -> None:
        """Go back to the best epoch after a loss that ran away, with a lower adversarial weight, or none."""
        assert self.part is not None
        self.part.failures += 1
        best = trainer.best
        if best["weights"] is not None:
            trainer.train_step.restart_from(best["weights"], trainer.step)
        trainer.diagnostics.warn_adversarial_ran_away(why, int(best["epoch"]), self.part.factor, trainer.step)

    # ---------------------------------------------------------------- validation and state

    def validate(self, net: Autoencoder, weights: Mapping[str, float]) -> Validation:
        result = super().validate(net, weights)
        self._distance = result.distance
        if self.part is None or not self.part.factor or result.distance is None:
            return result
        return dataclasses.replace(result, is_better=result.distance <= (1 + MARGIN) * self.part.distance)

    def step_values(self, net: Autoencoder, steps: int) -> dict[str, float | None]:
        if self.part is not None:
            self._is_winning = self.part.adversary.read_skipped() > 0
        return super().step_values(net, steps)

    def after_step(self, trainer: "Trainer") -> None:
        super().after_step(trainer)
        self._warn_if_winning(trainer)

    def _warn_if_winning(self, trainer: "Trainer") -> None:
        if self._is_winning:
            self._is_winning = False
            trainer.diagnostics.warn_discriminator_wins(trainer.step)

    def state(self) -> dict[str, Any]:
        return super().state() | {"adversarial": None if self.part is None else self.part.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        # checkpoints of before there was this part have none
        kept, part = state.get("adversarial"), None
        if kept is not None:
            adversary = Adversary(self.recipe, self.device)
            adversary.load_state(kept["adversary"])
            part = AdversarialPart(adversary, float(kept["distance"]), int(kept["failures"]))
        super().load_state(state)
        self.part = part
