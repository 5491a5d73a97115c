"""Progress of a training, by steps or by the clock, and the learning rate schedule."""

import math
import time
from dataclasses import dataclass, field

from distill_tui.recipe.sections.train import Train


def lr_ratio(progress: float, train: Train) -> float:
    """The learning rate over the highest one: a linear warm-up, then a cosine down to `min_lr_ratio`.

    Args:
        progress: 0 at the start, 1 at the end.
    """
    if progress < train.warmup_fraction:
        # starts at a twentieth: with a rate of zero the first step would change nothing
        return 0.05 + 0.95 * progress / train.warmup_fraction
    rest = (progress - train.warmup_fraction) / (1 - train.warmup_fraction)
    falling = (1 + math.cos(math.pi * min(rest, 1.0))) / 2
    return train.min_lr_ratio + (1 - train.min_lr_ratio) * falling


@dataclass
class Clock:
    """Progress of a run: by time with a `budget` in seconds, else by the number of steps.

    `trained` counts the seconds spent training, over all sessions of a run, without pauses. `closing` estimates the
    seconds from the last step to the end (validation, saving).
    """

    total_steps: int
    budget: float = 0.0
    trained: float = 0.0
    closing: float = 0.0
    _since: float | None = field(default=None, repr=False)

    def start(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> None:
        self.trained, self._since = self.seconds, None

    def go_back(self, trained: float) -> None:
        """Set the seconds of training; a running clock keeps running."""
        self.trained = trained
        if self._since is not None:
            self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        return self.trained + (0.0 if self._since is None else time.monotonic() - self._since)

    def progress(self, step: int) -> float:
        """0 to 1. A budget can be exceeded by a step and an epoch's end."""
        done = self.seconds / self.budget if self.budget else step / self.total_steps
        return min(done, 1.0)

    def eta(self, step: int) -> float | None:
        """Seconds left, with validation and saving at the end, from the speed so far; None before there is one."""
        if self.budget:
            return max(self.budget - self.seconds, 0.0) + self.closing
        if step <= 0 or self.seconds <= 0:
            return None
        return self.seconds / step * (self.total_steps - step) + self.closing
