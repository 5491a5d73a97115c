"""What a training tells: numbers thinned by time, and warnings with the advice that fits."""

import math
import time
from typing import Any

import torch
from torch import Tensor

from distill_tui.engine import codebook_health
from distill_tui.engine.training.meters import MetricAccumulator
from distill_tui.engine.training.schedule import Clock
from distill_tui.reporting.verdicts import COLLAPSED_NATS
from distill_tui.runs import events as e
from distill_tui.runs.log import LogWriter

GAP = 0.20
"""Held-out distance over training distance beyond which overfitting is said."""
STALE_EPOCHS, STALE_SHARE = 3, 0.25
"""Epochs, and share of the whole training, without a better epoch, before which it is not: held-out files may just be
the harder ones, and while the rate is high they get worse for a while and better again (64 % worse at 40 % of three
minutes on drums, 29 % at their end)."""

RISEN = 1.5
"""An epoch's reconstruction loss over that of the first one, from which on it is said that it diverges: latents that
say nothing any more, as a KL weight can bring them about, are no worse than the first epoch."""

LONGEST = {"sound": 1.0, "pictures": 0.5}
"""Seconds from one step event to the next: the Explorer is looked at while knobs are turned."""
CODES_SPREAD = 1.01
"""Time in training from one count of codes to the next, as a factor: some 600 of them in eight hours."""


class MetricsLogger:
    """Collects the numbers of steps on the device and writes them as events.

    `numbers` are the newest by name; `left_out` the last words of those that are not told; `warned` the codes of what
    was said already; `first_loss` the reconstruction loss of the first epoch, unweighted.

    Args:
        unit: what `rate/...` counts: `sound` (seconds of it) or `pictures`.
        per_step: how much of that a step takes.
    """

    def __init__(
        self,
        log: LogWriter,
        clock: Clock,
        device: torch.device,
        levels: int,
        size: int,
        unit: str,
        per_step: float,
    ) -> None:
        self._log, self._clock, self._device = log, clock, device
        self._shape, self._unit, self._per_step = (levels, size), unit, per_step
        self.numbers: dict[str, float | None] = {}
        self.left_out: set[str] = set()
        self.warned: set[str] = set()
        self._meter, self._epoch_meter = MetricAccumulator(device), MetricAccumulator(device)
        self.first_loss: float | None = None
        self.restart(0)

    def restart(self, step: int, usage: codebook_health.RollingHealth | None = None) -> None:
        """Forget what was collected and not yet told: the training stands at `step` now, with this use of codes."""
        self._meter.clear()
        self._epoch_meter.clear()
        self._codes_due = 0.0
        self._usage = usage or self.usage_of(None)
        self.rest(step)

    def usage_of(self, state: dict[str, Any] | None) -> codebook_health.RollingHealth:
        """The use of codes that a checkpoint kept; none yet where it kept none.

        Raises:
            ValueError: it is of other codebooks.
        """
        usage = codebook_health.RollingHealth(*self._shape, self._device)
        if state is not None:
            usage.load_state(state)
        return usage

    def usage_state(self) -> dict[str, Any]:
        """The use of codes lately, for a checkpoint."""
        return self._usage.state()

    def rest(self, step: int) -> None:
        """Do not count the time until now as time of a step."""
        self._told_at, self._told_step = time.monotonic(), step

    def add(self, values: dict[str, Tensor]) -> None:
        """Take a step's scalars; nothing is read from the device."""
        self._meter.add(values)
        self._epoch_meter.add(values)

    def add_codes(self, codes: Tensor, mask: Tensor) -> None:
        """Take a step's codes, to be counted where the mask is."""
        self._usage.add(codes, mask)

    @property
    def has_usage(self) -> bool:
        """Whether a step has used codes since the start or a resume."""
        return not self._usage.is_empty

    @property
    def usage(self) -> Tensor:
        """How often each code was used lately, [levels, size]."""
        return self._usage.counts

    @property
    def is_due(self) -> bool:
        """Whether it is time for a step event: lively at first, over hours one a second, or two."""
        return time.monotonic() - self._told_at >= min(LONGEST[self._unit], max(0.25, self._clock.seconds / 120))

    def tell_steps(self, step: int, epoch: int, rate: float, replaced: Tensor | None) -> None:
        """Write the steps since the last time as one event, with mean, least and greatest.

        Args:
            rate: the learning rate now.
            replaced: how many codes were replaced since then, [levels]; None while nothing is quantized.
        """
        steps = step - self._told_step
        mean, low, high = self._meter.read()
        if not steps:
            return
        values: dict[str, float | None] = dict(mean)
        pace = (time.monotonic() - self._told_at) / steps
        values |= {"time/step": pace, f"rate/{self._unit}": self._per_step / pace, "lr": rate}
        if replaced is not None:
            values |= codebook_health.as_numbers(*self._usage.read(steps, replaced))
        self.rest(step)
        self._write("step", step, epoch, values, low, high)

    def tell_epoch(self, step: int, epoch: int, values: dict[str, float | None]) -> dict[str, float | None]:
        """Write the numbers of an epoch's end, and the epoch's means of the training losses (`epoch/recon`, ...).

        Returns:
            These means.
        """
        mean = self._epoch_meter.read()[0]
        means: dict[str, float | None] = {
            key.replace("loss/", "epoch/"): value for key, value in mean.items() if key.startswith("loss/")
        }
        self._write("epoch", step, epoch, means | values, {}, {})
        return means

    def tell_codes(self, counts: Tensor, window: str, step: int, epoch: int, last: bool) -> None:
        """Write how often each code was used, [levels, size]: of every epoch at first, over hours of one in a while."""
        if last or self._clock.seconds >= self._codes_due:
            self._codes_due = CODES_SPREAD * self._clock.seconds
            self._log.write(e.CodesCounted(step=step, epoch=epoch, counts=counts.long().tolist(), window=window))

    def _write(
        self,
        scope: str,
        step: int,
        epoch: int,
        values: dict[str, float | None],
        low: dict[str, float],
        high: dict[str, float],
    ) -> None:
        values = {key: value for key, value in values.items() if key.rpartition("/")[2] not in self.left_out}
        self.numbers.update(values)
        self._log.write(
            e.Metrics(
                scope=scope,
                step=step,
                epoch=epoch,
                values=values,
                low={key: value for key, value in low.items() if key in values},
                high={key: value for key, value in high.items() if key in values},
                progress=round(self._clock.progress(step), 5),
                eta_seconds=self._clock.eta(step),
            )
        )

    def warn(self, code: str, text: str, advice: str = "", step: int = 0, once: bool = True) -> None:
        """Write a warning event; each code once a run unless told otherwise."""
        if once and code in self.warned:
            return
        self.warned.add(code)
        self._log.write(e.WarningRaised(code=code, text=text, advice=advice, step=step))

    def warn_of_memory(self, text: str, step: int) -> None:
        """Say that less is done at once for want of memory."""
        advice = "The result stays as good, each step takes longer. A smaller train.batch_size avoids it."
        self.warn("out-of-memory", text, advice, step, once=False)

    def tell_best(self, step: int, epoch: int, distance: float) -> None:
        """Write that this epoch is the best so far."""
        self._log.write(e.BestEpoch(step=step, epoch=epoch, value=distance))

    def judge_use(self, counts: Tensor | None, step: int) -> None:
        """The known warning, from the use of codes [levels, size] at an epoch's end; not at the first of them."""
        first = "quantized-epoch" not in self.warned
        self.warned.add("quantized-epoch")
        if counts is None or first:
            return
        for level, found in enumerate(codebook_health.measure(counts)):
            if found.is_low:
                self.warn(
                    f"utilization/{level}",
                    # rounded down: 29.7 % is below 30 % and must read so
                    f"Level {level + 1}: utilization {math.floor(100 * (found.utilization or 0))}% "
                    f"(below {100 * codebook_health.LOW_UTILIZATION:.0f}% threshold)",
                    "A smaller --codebook-size suits this sound, or train longer.",
                    step,
                )

    def judge_latents(self, kl: float | None, step: int) -> None:
        """Say that the decoder ignores the latents: their distributions hardly differ from one sound to the next."""
        if kl is not None and kl < COLLAPSED_NATS:
            self.warn(
                "posterior-collapse",
                f"KL {kl:.2f} nats a frame (below {COLLAPSED_NATS}): "
                "the latents say next to nothing (posterior collapse)",
                "Lower the KL weight, or raise loss.free_bits in a new run.",
                step,
            )

    def judge_rise(self, loss: float | None, step: int) -> None:
        """Say that it diverges: an epoch's mean of the unweighted `loss` is well above that of the first epoch."""
        if loss is None or math.isnan(loss):
            return
        if self.first_loss is None:
            self.first_loss = loss
        elif loss > RISEN * self.first_loss:
            self.warn(
                "loss-rises",
                f"the reconstruction loss is {loss / self.first_loss:,.1f} times what it was in the first epoch: "
                "it diverges",
                "Lower the learning rate: the knob acts at once. The best epoch is kept.",
                step,
            )

    def judge_gap(self, held_out: float, seen: float, stale: int, epoch: int, step: int) -> None:
        """Say that it is overfitting: held-out sound is much worse than training sound and gets no better.

        Args:
            held_out, seen: distances of the two, judged alike.
            stale: epochs since the best one.
            epoch: the one that has ended.
        """
        is_stale = stale >= max(STALE_EPOCHS, STALE_SHARE * epoch / max(self._clock.progress(step), 1e-6))
        if is_stale and seen > 0 and held_out / seen - 1 > GAP:
            self.warn(
                "overfitting",
                f"held-out sound is {100 * (held_out / seen - 1):.0f}% worse than training sound and gets no better: "
                "it is overfitting",
                "More sounds help most; else the conservative preset, or stop here: the best epoch is kept.",
                step,
            )
