"""Metrics of a training as events, thinned by time."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from distill_tui.engine.training.meters import MetricAccumulator, in_a_row
from distill_tui.engine.training.schedule import Clock
from distill_tui.runs import events as e
from distill_tui.runs.log import LogWriter

Values = dict[str, float | None]


class MetricsLogger:
    """Accumulates the scalars of steps on the device and writes them as events.

    `latest` holds the newest value of each metric.

    Args:
        max_seconds: from one step event to the next, at most.
    """

    def __init__(self, log: LogWriter, clock: Clock, device: torch.device, max_seconds: float) -> None:
        self._log, self._clock, self._max_seconds = log, clock, max_seconds
        self.latest: Values = {}
        self._of_steps, self._of_epoch = MetricAccumulator(device), MetricAccumulator(device)
        self.restart(0)

    def restart(self, step: int) -> None:
        """Drop what was accumulated and not yet logged: the training continues from `step`."""
        self._of_steps.clear()
        self._of_epoch.clear()
        self.skip_time(step)

    def skip_time(self, step: int) -> None:
        """Do not count the time until now as time of a step."""
        self._logged_at, self._logged_step, self._data_seconds = time.monotonic(), step, 0.0

    def add_data_time(self, seconds: float) -> None:
        """Add the seconds that a step waited for its batch."""
        self._data_seconds += seconds

    def add(self, values: dict[str, Tensor]) -> None:
        """Add a step's scalars; this does not wait for the device."""
        keys, row = in_a_row(values)
        self._of_steps.add(keys, row)
        self._of_epoch.add(keys, row)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a step event: often at first, over hours every `max_seconds`."""
        return time.monotonic() - self._logged_at >= min(self._max_seconds, max(0.25, self._clock.seconds / 120))

    def pending_steps(self, step: int) -> int:
        """Steps since the last step event."""
        return step - self._logged_step

    def log_steps(self, step: int, epoch: int, lr: float, rates: dict[str, float], more: Values) -> None:
        """Write the steps since the last time as one event: the mean, min and max of each scalar.

        Args:
            lr: the learning rate now.
            rates: how much of something a step takes: it is logged by the second.
            more: values of the moment.
        """
        steps = self.pending_steps(step)
        mean, low, high = self._of_steps.read()
        if not steps:
            return
        seconds = (time.monotonic() - self._logged_at) / steps
        values: Values = {**mean, "time/step": seconds, "time/data": self._data_seconds / steps}
        values |= {key: amount / seconds for key, amount in rates.items()} | {"lr": lr} | more
        self.skip_time(step)
        self._write("step", step, epoch, values, low, high)

    def log_epoch(self, step: int, epoch: int, values: Values) -> Values:
        """Write the metrics of an epoch's end, and the epoch's means of the training losses (`epoch/recon`, ...).

        Returns:
            These means.
        """
        mean = self._of_epoch.read()[0]
        means: Values = {
            key.replace("loss/", "epoch/"): value for key, value in mean.items() if key.startswith("loss/")
        }
        self._write("epoch", step, epoch, means | values, {}, {})
        return means

    def log_best(self, step: int, epoch: int, distance: float) -> None:
        """Write that this epoch is the best so far."""
        self._log.write(e.BestEpoch(step=step, epoch=epoch, value=distance))

    def _write(
        self, scope: str, step: int, epoch: int, values: Values, low: Mapping[str, float], high: Mapping[str, float]
    ) -> None:
        self.latest.update(values)
        self._log.write(
            e.Metrics(
                scope=scope,
                step=step,
                epoch=epoch,
                values=values,
                low={**low},
                high={**high},
                progress=round(self._clock.progress(step), 5),
                eta_seconds=self._clock.eta(step),
            )
        )
