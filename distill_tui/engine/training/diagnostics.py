"""Warnings of a training, with the advice that fits: the checks that lead to them, and their texts."""

import math

from torch import Tensor

from distill_tui.engine import codebook_health
from distill_tui.engine.training.schedule import Clock
from distill_tui.reporting.verdicts import COLLAPSED_NATS, LOW_USE
from distill_tui.runs import events as e
from distill_tui.runs.log import LogWriter

GAP = 0.20
"""Held-out distance over training distance, minus 1, from which on overfitting is reported."""
STALE_EPOCHS, STALE_FRACTION = 3, 0.25
"""Epochs, and fraction of the whole training, without a better epoch before overfitting is reported: held-out files may
just be the harder ones, and while the learning rate is high they get worse for a while and better again (64 % worse at
40 % of three minutes on drums, 29 % at their end)."""
DIVERGED = 1.5
"""An epoch's reconstruction loss over that of the first epoch, from which on divergence is reported: latents that carry
nothing any more, as a KL weight can bring them about, are no worse than the first epoch."""


class Diagnostics:
    """Writes warning events, each code once a run unless told otherwise.

    `warned` holds the codes of warnings so far; `first_loss` is the reconstruction loss of the first epoch, unweighted.
    """

    def __init__(self, log: LogWriter, clock: Clock) -> None:
        self._log, self._clock = log, clock
        self.warned: set[str] = set()
        self.first_loss: float | None = None

    def warn(self, code: str, text: str, advice: str = "", step: int = 0, once: bool = True) -> None:
        """Write a warning event."""
        if once and code in self.warned:
            return
        self.warned.add(code)
        self._log.write(e.WarningRaised(code=code, text=text, advice=advice, step=step))

    def warn_of_memory(self, text: str, step: int) -> None:
        """Report that less is done at once for want of memory."""
        advice = "The result stays as good, each step takes longer. A smaller train.batch_size avoids it."
        self.warn("out-of-memory", text, advice, step, once=False)

    def warn_of_checkpoint(self, name: str, why: str) -> None:
        """Report a checkpoint that cannot be used."""
        self.warn(f"checkpoint/{name}", f"checkpoint {name} is passed over: {why}", "The one before it is used.")

    def warn_not_saved(self, why: str, step: int) -> None:
        """Report a checkpoint that could not be written."""
        self.warn(
            e.NOT_SAVED,
            f"no checkpoint was saved: {why}",
            "The training goes on; until there is room, it could be resumed from the last one that was saved only.",
            step,
            once=False,
        )

    def warn_not_compiled(self, text: str, step: int) -> None:
        """Report that compiling failed."""
        self.warn(
            "not-compiled", text, 'Steps take longer and are as good. `train.compile = "off"` does not try.', step
        )

    def warn_not_captured(self, error: str, step: int) -> None:
        """Report that steps are not captured as a CUDA graph."""
        self.warn(
            "not-captured",
            f"the step could not be captured as one CUDA graph ({error}): its operations are launched one by one",
            "Steps take longer and are as good. `train.capture = false` does not try.",
            step,
        )

    def warn_not_finite(self, skipped: int, step: int) -> None:
        """Report skipped steps."""
        self.warn(
            "not-finite",
            f"{skipped} step{'s' if skipped > 1 else ''} before step {step} had a loss or gradient that was not "
            "finite and changed nothing",
            "One now and then does no harm. If it goes on, lower the learning rate.",
            step,
            once=False,
        )

    def warn_codebooks_untrained(self, step: int) -> None:
        """Report a training that ended during the quantizer's warm-up."""
        self.warn(
            "codebooks-untrained",
            "the training ended before its codebooks were made: they are made at its end and untrained",
            "Give it more --epochs or --minutes.",
            step,
        )

    def warn_went_back(self, step: int) -> None:
        """Report that the training went back to a checkpoint."""
        self.warn(
            "went-back",
            f"diverged; went back to the checkpoint of step {step} at half the learning rate",
            "If it diverges again the run stops.",
            step,
            once=False,
        )

    def warn_discriminator_wins(self, step: int) -> None:
        """Report that the discriminator was held back."""
        self.warn(
            "discriminator-wins",
            "the discriminator tells nearly all reconstructions from sounds: it waits until the decoder catches up",
            "Now and then does no harm. If it goes on, the adversarial part brings little.",
            step,
        )

    def warn_adversarial_ran_away(self, why: str, epoch: int, factor: float, step: int) -> None:
        """Report that the adversarial part went back to epoch `epoch`, with `factor` of its weight from there."""
        rest = f"with the adversarial weight x {factor:g}" if factor else "without the discriminator"
        self.warn(
            "adversarial-ran-away",
            f"{why}: back to the weights of epoch {epoch}, {rest}",
            "A lower loss.adversarial_weight or train.learning_rate avoids it.",
            step,
            once=False,
        )

    def check_codebooks(self, counts: Tensor, step: int) -> None:
        """Warn of low utilization, from the use of codes [levels, size] at the end of any epoch but the first."""
        is_first = "quantized-epoch" not in self.warned
        self.warned.add("quantized-epoch")
        if is_first:
            return
        for level, health in enumerate(codebook_health.measure(counts)):
            if health.is_low:
                self.warn(
                    f"utilization/{level}",
                    # rounded down: 29.7 % is below 30 % and must read so
                    f"Level {level + 1}: utilization {math.floor(100 * (health.utilization or 0))}% "
                    f"(below {100 * LOW_USE:.0f}% threshold)",
                    "A smaller --codebook-size suits this data, or train longer.",
                    step,
                )

    def check_posterior(self, kl: float | None, step: int) -> None:
        """Warn of posterior collapse: the latents' distributions hardly differ between examples."""
        if kl is not None and kl < COLLAPSED_NATS:
            self.warn(
                "posterior-collapse",
                f"Posterior collapse: KL is {kl:.2f} nats/frame (below {COLLAPSED_NATS}), "
                "so the decoder ignores the latents",
                "Lower the KL weight, or raise loss.free_bits in a new run.",
                step,
            )

    def check_divergence(self, loss: float | None, step: int) -> None:
        """Warn if an epoch's mean of the unweighted `loss` is well above that of the first epoch."""
        if loss is None or math.isnan(loss):
            return
        if self.first_loss is None:
            self.first_loss = loss
        elif loss > DIVERGED * self.first_loss:
            self.warn(
                "loss-rises",
                f"the reconstruction loss is {loss / self.first_loss:,.1f} times what it was in the first epoch: "
                "it diverges",
                "Lower the learning rate: it takes effect at once. The best epoch is kept.",
                step,
            )

    def check_overfitting(self, held_out: float, seen: float, stale: int, epoch: int, step: int) -> None:
        """Warn if held-out data is much worse than training data and gets no better.

        Args:
            held_out, seen: distances of the two, measured alike.
            stale: epochs since the best one.
            epoch: the one that has ended.
        """
        is_stale = stale >= max(STALE_EPOCHS, STALE_FRACTION * epoch / max(self._clock.progress(step), 1e-6))
        if is_stale and seen > 0 and held_out / seen - 1 > GAP:
            self.warn(
                "overfitting",
                f"held-out data is {100 * (held_out / seen - 1):.0f}% worse than training data and gets no better: "
                "it is overfitting",
                "More data helps most; else the conservative preset, or stop here: the best epoch is kept.",
                step,
            )
