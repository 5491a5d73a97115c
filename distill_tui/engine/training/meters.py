"""Numbers of the steps since the last look, kept on the device: mean, least and greatest, and steps gone wrong."""

import torch
from torch import Tensor


class MetricAccumulator:
    """Collects the same scalars of every step without asking the device for them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._keys: list[str] = []
        self.clear()

    def clear(self) -> None:
        self._sum = self._low = self._high = torch.zeros(0, device=self._device)
        self.steps = 0

    def add(self, values: dict[str, Tensor]) -> None:
        """Take one step's scalars; every step must bring the same keys."""
        row = torch.stack([value.detach().float() for value in values.values()])
        if self.steps == 0:
            self._keys = list(values)
            self._sum, self._low, self._high = row, row, row
        else:
            self._sum = self._sum + row
            self._low, self._high = torch.minimum(self._low, row), torch.maximum(self._high, row)
        self.steps += 1

    def read(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """(mean, low, high) by key since the last `read`, which waits for the device; then start anew."""
        if not self.steps:
            return {}, {}, {}
        rows = torch.stack((self._sum / self.steps, self._low, self._high)).tolist()
        self.clear()
        mean, low, high = (dict(zip(self._keys, row, strict=True)) for row in rows)
        return mean, low, high


class NonFiniteGuard:
    """Counts steps whose loss or gradient was not finite; such a step must change nothing."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.clear()

    def clear(self) -> None:
        """Start anew: the training has gone back to where no step was skipped."""
        self._skipped, self._in_a_row, self._longest = torch.zeros(3, device=self._device).unbind()

    def judge(self, loss: Tensor, norm: Tensor) -> Tensor:
        """A scalar on the device: 1.0 when the step must be skipped, else 0.0."""
        bad = 1.0 - (torch.isfinite(loss.detach()) & torch.isfinite(norm)).float()
        self._skipped = self._skipped + bad
        self._in_a_row = (self._in_a_row + 1) * bad
        self._longest = torch.maximum(self._longest, self._in_a_row)
        return bad

    def read(self) -> tuple[int, int]:
        """(steps skipped, the most of them in a row) since the last `read`."""
        skipped, longest = torch.stack((self._skipped, self._longest)).tolist()
        self._skipped = torch.zeros_like(self._skipped)
        self._longest = self._in_a_row.clone()
        return int(skipped), int(longest)
