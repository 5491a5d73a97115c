"""Rank 0's part in a training by several processes: it decides, the others follow step by step.

Whatever depends on a clock, a file or a person (the learning rate, when the quantizer starts, a pause, the end) is
decided by rank 0 alone, which is the trainer that there is without other ranks. It announces each step in one small
message; other ranks (`engine/rank.py`) know no clock and no log.
"""

import time
from collections.abc import Mapping
from typing import Any

from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training.distributed import Compile, ProcessRanks, Ranks, Step
from distill_tui.engine.training.rank_use import UseMeter
from distill_tui.engine.training.train_step import TrainStep
from distill_tui.runs import events as e
from distill_tui.runs.log import LogWriter

USE_SECONDS = 10.0
"""Time between two events of what each rank uses: eight hours of two ranks take a megabyte of the log."""
FIRST_USE_SECONDS = 1.0


class Leader:
    """Announces steps to the other ranks, and logs what each of them uses; with one process it does nothing."""

    def __init__(self, ranks: Ranks, task: Task[Any], train_step: TrainStep, log: LogWriter) -> None:
        self._ranks = ranks if isinstance(ranks, ProcessRanks) else None
        self._task, self._train_step, self._log = task, train_step, log
        self._meter = UseMeter(train_step.device) if self._ranks is not None else None
        self._due = time.monotonic() + FIRST_USE_SECONDS
        self._with_use = False

    def announce(self, number: int, lr: float, weights: Mapping[str, float]) -> None:
        """Tell the other ranks to train step `number` now; with their weights, where these changed between steps.

        Raises:
            RankLostError: one does not answer.
        """
        if self._ranks is None:
            return
        step = self._train_step
        self._with_use = time.monotonic() >= self._due
        settings, with_state = self._task.step_settings(), step.is_changed
        self._ranks.send(Step(number, lr, dict(weights), step.parts, settings, with_state, self._with_use))
        if with_state:
            self._ranks.send_state({**step.state(), **self._task.state()})
            step.is_changed = False

    def announce_compile(self, number: int, weights: Mapping[str, float]) -> None:
        """Tell the other ranks to compile the net."""
        if self._ranks is not None:
            self._ranks.send(Compile(number, dict(weights)))

    def log_use(self, step: int) -> None:
        """After a step: log what each rank uses, if that is due."""
        if self._ranks is None or self._meter is None:
            return
        self._meter.count(self._ranks.bounds(int(self._task.recipe.train.batch_size)))
        if self._with_use:
            self._log.write(e.RanksMeasured(step=step, ranks=self._ranks.exchange(self._meter.read(self._ranks.rank))))
            self._due = time.monotonic() + USE_SECONDS
