"""The state of a run as a pure fold over its events: live, finished and replayed runs are one code path."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

from distill_tui.runs import events as e

ACTIVE = ("starting", "running", "paused", "stopping")
ENDED = ("finished", "stopped", "failed", "crashed")
NAN = float("nan")


@dataclass
class Series:
    """One number over time, in columns that are as long as each other; missing numbers are NaN.

    `low` and `high` are the least and greatest over the steps that a point stands for.
    """

    steps: array[float] = field(default_factory=lambda: array("d"))
    epochs: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    low: array[float] = field(default_factory=lambda: array("d"))
    high: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.values)

    def append(self, step: float, epoch: float, time: float, value: float, low: float, high: float) -> None:
        self.steps.append(step)
        self.epochs.append(epoch)
        self.times.append(time)
        self.values.append(value)
        self.low.append(low)
        self.high.append(high)

    @property
    def last(self) -> float:
        return self.values[-1] if self.values else NAN


@dataclass
class LevelHealth:
    """The newest known health of one codebook; shares in 0..1, None where not known."""

    level: int
    utilization: float | None = None
    perplexity: float | None = None
    dead: float | None = None
    churn: float | None = None


@dataclass
class RunState:
    """Everything that a screen or a command shows of a run."""

    id: str = ""
    name: str = ""
    state: str = "starting"
    detail: str = ""
    pid: int | None = None
    step: int = 0
    epoch: int = 0
    progress: float = 0.0
    eta_seconds: float | None = None
    prepared: e.Prepared | None = None
    numbers: dict[str, float | None] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    codes: e.CodesCounted | None = None
    warnings: list[e.Warned] = field(default_factory=list)
    checkpoints: list[e.CheckpointSaved] = field(default_factory=list)
    previews: list[e.PreviewMade] = field(default_factory=list)
    knobs: list[e.KnobTurned] = field(default_factory=list)
    refused: list[e.KnobRefused] = field(default_factory=list)
    model: e.ModelSaved | None = None
    ending: e.Finished | e.Stopped | e.Failed | None = None
    started_at: float = 0.0
    updated_at: float = 0.0
    best_epoch: int | None = None
    best_value: float | None = None

    @property
    def total_epochs(self) -> int:
        return self.prepared.total_epochs if self.prepared else 0

    @property
    def epoch_text(self) -> str:
        """The epoch as people read it; see `epoch_of`."""
        return self.epoch_of(self.epoch)

    def epoch_of(self, epoch: int) -> str:
        """`3/100`, or `3` where a budget of minutes decides and not a number of epochs."""
        timed = not self.total_epochs or (self.prepared is not None and self.prepared.minutes > 0)
        return str(epoch) if timed else f"{epoch}/{self.total_epochs}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def losses(self) -> dict[str, float | None]:
        """The newest of each loss: `train`, `val`, `recon`, `commit`, ..."""
        return {k.removeprefix("loss/"): v for k, v in self.numbers.items() if k.startswith("loss/")}

    @property
    def reason(self) -> str:
        """Why it ended, in words; '' while it goes on."""
        if self.state == "crashed":
            return "the worker process died without a last word"
        return self.ending.reason if self.ending else ""

    @property
    def last_answers(self) -> dict[str, e.KnobTurned | e.KnobRefused]:
        """The worker's last answer to a wish for each live setting, by its key."""
        answers: list[e.KnobTurned | e.KnobRefused] = [*self.knobs, *self.refused]
        return {answer.key: answer for answer in sorted(answers, key=lambda answer: answer.seq)}

    @property
    def health(self) -> list[LevelHealth]:
        """One entry a level, in order."""
        levels = self.prepared.levels if self.prepared else 0
        found = []
        for level in range(levels):
            key = f"codebook/{level}/"
            found.append(
                LevelHealth(
                    level, *(self.numbers.get(key + word) for word in ("utilization", "perplexity", "dead", "churn"))
                )
            )
        return found

    def apply_all(self, events: Iterable[e.Event]) -> RunState:
        for event in events:
            self.apply(event)
        return self

    def apply(self, event: e.Event) -> None:
        """Take one event in. Events that change nothing here are ignored."""
        self.updated_at = event.time
        self._apply(event)

    def observe(self, alive: bool) -> None:
        """Say whether the worker lives: without a last event and without a worker, the run has crashed."""
        if not alive and self.is_active and self.started_at:
            self.state, self.eta_seconds = "crashed", None

    @singledispatchmethod
    def _apply(self, event: e.Event) -> None:
        pass

    @_apply.register
    def _(self, event: e.Started) -> None:
        self.id, self.name, self.pid = event.run, event.name, event.pid
        self.state, self.ending, self.eta_seconds = "starting", None, None
        self.started_at = self.started_at or event.time

    @_apply.register
    def _(self, event: e.StateChanged) -> None:
        self.state, self.step, self.detail = event.state, event.step or self.step, event.detail

    @_apply.register
    def _(self, event: e.Prepared) -> None:
        self.prepared = event

    @_apply.register
    def _(self, event: e.Metrics) -> None:
        if event.step < self.step:
            self._forget_after(event.step)
        self.step, self.epoch = event.step, event.epoch
        self.progress, self.eta_seconds = event.progress, event.eta_seconds
        self.numbers.update(event.values)
        for key, value in event.values.items():
            if (series := self.series.get(key)) is None:
                series = self.series[key] = Series()
            series.append(
                event.step,
                event.epoch,
                event.time,
                _number(value),
                _number(event.low.get(key, value)),
                _number(event.high.get(key, value)),
            )
        val = event.values.get("loss/val")
        if event.scope == "epoch" and val is not None and (self.best_value is None or val < self.best_value):
            self.best_epoch, self.best_value = event.epoch, val

    def _forget_after(self, step: int) -> None:
        """A resumed run repeats the steps after its checkpoint: drop what they said the first time."""
        for key, series in self.series.items():
            keep = len(series)
            while keep and series.steps[keep - 1] >= step:
                keep -= 1
            if keep == len(series):
                continue
            for column in (series.steps, series.epochs, series.times, series.values, series.low, series.high):
                del column[keep:]
            if not keep:
                self.numbers.pop(key, None)
            else:
                self.numbers[key] = None if series.last != series.last else series.last
        val = self.series.get("loss/val", Series())
        best = min(range(len(val)), key=lambda i: _or_infinity(val.values[i]), default=None)
        self.best_epoch = None if best is None else int(val.epochs[best])
        self.best_value = None if best is None else val.values[best]

    @_apply.register
    def _(self, event: e.CodesCounted) -> None:
        self.codes = event

    @_apply.register
    def _(self, event: e.Warned) -> None:
        self.warnings.append(event)

    @_apply.register
    def _(self, event: e.CheckpointSaved) -> None:
        self.checkpoints.append(event)

    @_apply.register
    def _(self, event: e.PreviewMade) -> None:
        self.previews.append(event)

    @_apply.register
    def _(self, event: e.KnobTurned) -> None:
        self.knobs.append(event)

    @_apply.register
    def _(self, event: e.KnobRefused) -> None:
        self.refused.append(event)

    @_apply.register
    def _(self, event: e.ModelSaved) -> None:
        self.model = event

    @_apply.register(e.Finished | e.Stopped | e.Failed)
    def _(self, event: e.Finished | e.Stopped | e.Failed) -> None:
        self.ending, self.eta_seconds = event, None
        self.state = {e.Finished: "finished", e.Stopped: "stopped", e.Failed: "failed"}[type(event)]
        self.step = event.step or self.step

    def summary(self) -> dict[str, Any]:
        """The run as the command line's `--json` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "pid": self.pid if self.is_active else None,
            "epoch": self.epoch,
            "total_epochs": self.total_epochs,
            "step": self.step,
            "progress": self.progress,
            "losses": self.losses,
            "health": [vars(level) for level in self.health],
            "eta_seconds": self.eta_seconds,
            "started": self.started_at or None,
            "updated": self.updated_at or None,
            "reason": self.reason,
            "warnings": [{"code": w.code, "text": w.text, "advice": w.advice, "step": w.step} for w in self.warnings],
            "model": {"id": self.model.id, "name": self.model.name, "path": self.model.path} if self.model else None,
        }


def _number(value: float | None) -> float:
    return NAN if value is None else value


def _or_infinity(value: float) -> float:
    return value if value == value else float("inf")
