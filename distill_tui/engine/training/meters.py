"""On-device accumulators since the last read: mean, min and max of each metric, and a count of non-finite steps."""

from collections.abc import Mapping

import torch
from torch import Tensor


def in_a_row(values: Mapping[str, Tensor]) -> tuple[tuple[str, ...], Tensor]:
    """Scalars by name as their names and one tensor, a copy."""
    return tuple(values), torch.stack([value.detach().float() for value in values.values()])


class MetricAccumulator:
    """Accumulates scalars of steps without waiting for the device; a step may leave some out."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.clear()

    def clear(self) -> None:
        # one entry for each set of keys: sum, min and max of its scalars, and its steps
        self._groups: dict[tuple[str, ...], tuple[Tensor, Tensor, Tensor, int]] = {}

    def add(self, keys: tuple[str, ...], row: Tensor) -> None:
        """Add the scalars of one step: their names, and a tensor of them that nobody changes."""
        if keys not in self._groups:
            self._groups[keys] = row, row, row, 1
            return
        total, low, high, steps = self._groups[keys]
        self._groups[keys] = total + row, torch.minimum(low, row), torch.maximum(high, row), steps + 1

    def read(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """(mean, min, max) by key over the steps that had it since the last `read`; this waits for the device."""
        mean: dict[str, float] = {}
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        counts: dict[str, int] = {}
        for keys, (total, least, most, steps) in self._groups.items():
            rows = torch.stack((total / steps, least, most)).tolist()
            for key, average, smallest, largest in zip(keys, *rows, strict=True):
                before = counts.get(key, 0)
                counts[key] = before + steps
                mean[key] = (before * mean[key] + steps * average) / counts[key] if before else average
                low[key], high[key] = min(low.get(key, smallest), smallest), max(high.get(key, largest), largest)
        self.clear()
        return mean, low, high


class NonFiniteGuard:
    """Counts steps with a non-finite loss or gradient; such a step must change nothing."""

    def __init__(self, device: torch.device) -> None:
        # steps skipped, steps skipped in a row up to now, and the most of these: always the same tensors, which a step
        # that is captured goes on to change
        self._counts = torch.zeros(3, device=device)
        self._skipped, self._in_a_row, self._longest = self._counts.unbind()

    def clear(self) -> None:
        """Forget all steps: the training went back to a checkpoint."""
        self._counts.zero_()

    def check(self, loss: Tensor, norm: Tensor) -> Tensor:
        """A scalar on the device: 1.0 if the step must be skipped, else 0.0."""
        # what is not finite is no zero when it is taken from itself
        both = loss.detach() + norm
        bad = (both - both != 0).float()
        self._skipped.add_(bad)
        self._in_a_row.add_(1).mul_(bad)
        torch.maximum(self._longest, self._in_a_row, out=self._longest)
        return bad

    def read(self) -> tuple[int, int]:
        """(steps skipped, the most of them in a row) since the last `read`."""
        skipped, longest = torch.stack((self._skipped, self._longest)).tolist()
        self._skipped.zero_()
        self._longest.copy_(self._in_a_row)
        return int(skipped), int(longest)
