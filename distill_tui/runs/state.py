"""State of a run, folded from its events: live, finished and replayed runs are one code path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

import msgspec

from distill_tui.runs import events as e
from distill_tui.runs.series import NAN, Series

ACTIVE = ("starting", "running", "paused", "stopping")
IMPORTING, FIRST_STEP = "loading torch", "first step"
"""Stages of a start that no event names: what the worker does before its second event, and after its last."""
ENDED = ("finished", "stopped", "failed", "crashed")


@dataclass
class LevelHealth:
    """Newest health of one codebook (level from 0); fractions in 0..1, None if unknown.

    `frames` is the number of latent frames counted, over the last steps (`reporting.verdicts.WINDOW_STEPS`).
    """

    level: int
    utilization: float | None = None
    perplexity: float | None = None
    dead: float | None = None
    churn: float | None = None
    frames: float | None = None


@dataclass
class RunState:
    """State of a run, as screens and commands show it.

    `most_points` bounds each of its series, for runs that are watched for hours; 0 for no limit.
    """

    id: str = ""
    name: str = ""
    state: str = "starting"
    detail: str = ""
    pid: int | None = None
    step: int = 0
    epoch: int = 0
    progress: float = 0.0
    eta_seconds: float | None = None
    prepared: e.RunPrepared | None = None
    anchors: e.AnchorsMeasured | None = None
    """What 0 % and 100 % of quality are; None for priors and images, and in logs of older releases."""
    numbers: dict[str, float | None] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    codes: e.CodesCounted | None = None
    warnings: list[e.WarningRaised] = field(default_factory=list)
    checkpoints: list[e.CheckpointSaved] = field(default_factory=list)
    previews: list[e.PreviewMade] = field(default_factory=list)
    knobs: list[e.SettingChanged] = field(default_factory=list)
    refused: list[e.SettingRejected] = field(default_factory=list)
    model: e.ModelSaved | None = None
    ending: e.Finished | e.Stopped | e.Failed | None = None
    started_at: float = 0.0
    updated_at: float = 0.0
    stages: list[tuple[float, str]] = field(default_factory=list)
    """Time and name of each stage of a start until its first step is logged: importing torch, what the worker then
    did, the first step."""
    quantizing_from: int | None = None
    """Step at which the codebooks were initialised; earlier losses are those of the net without its quantizer."""
    adversarial_from: int | None = None
    """Step from which on a discriminator judges the decoder."""
    bests: list[e.BestEpoch] = field(default_factory=list)
    """Each epoch that was the best so far, by the trainer; the last one's weights are the model."""
    counted_once: bool = False
    """Whether `health` was counted over all training sound, not over the last steps: the run was stopped before any
    step had used the codebooks."""
    ranks: list[e.RankUse] = field(default_factory=list)
    """What each process used last, of a training by several."""
    earlier_seconds: float = 0.0
    """Time for which the run had a worker in its earlier sessions, pauses included."""
    session_at: float = 0.0
    """When the worker of the present or last session started."""
    most_points: int = 0
    given_name: str = ""
    """Name that a person gave the run since it was created; '' for none. `name` is the one to show."""
    bests_logged: bool = False
    quantizing_seq: int = 0

    @property
    def best(self) -> e.BestEpoch | None:
        """Epoch whose weights are kept; None before the first that counts."""
        return self.bests[-1] if self.bests else None

    @property
    def worker_seconds(self) -> float:
        """Time for which the run has had a worker, up to its last event."""
        return self.earlier_seconds + (max(0.0, self.updated_at - self.session_at) if self.session_at else 0.0)

    @property
    def is_prior(self) -> bool:
        """True if it trains a prior: its numbers are bits a frame, and it has no codebooks of its own."""
        return self.prepared is not None and self.prepared.task == "prior"

    @property
    def total_epochs(self) -> int:
        """Epochs after which the run ends; 0 before that is known, and with a budget of minutes."""
        return self.prepared.total_epochs if self.prepared and not self.prepared.minutes > 0 else 0

    @property
    def epoch_text(self) -> str:
        """Current epoch as text; see `epoch_of`."""
        return self.epoch_of(self.epoch)

    def epoch_of(self, epoch: int) -> str:
        """`3/100`, or `3` if the run has a budget of minutes."""
        return f"{epoch}/{self.total_epochs}" if self.total_epochs else str(epoch)

    @property
    def activity(self) -> str:
        """Current activity other than training steps: `validating`, `saving the model`; '' otherwise."""
        return self.detail if self.is_active else ""

    @property
    def is_starting(self) -> bool:
        """True until a worker's first step is logged, although it is running by then."""
        return self.is_active and (self.state == "starting" or bool(self.stages))

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def losses(self) -> dict[str, float | None]:
        """Newest value of each loss: `train`, `val`, `recon`, `commit`, ..."""
        return {k.removeprefix("loss/"): v for k, v in self.numbers.items() if k.startswith("loss/")}

    @property
    def distances(self) -> dict[str, float | None]:
        """Newest distances: `val` of held-out data, `train` of training data, and what `val` is made of."""
        return {k.removeprefix("distance/"): v for k, v in self.numbers.items() if k.startswith("distance/")}

    @property
    def reason(self) -> str:
        """Reason why it ended; '' while it is active."""
        if self.state == "crashed":
            return "the worker was killed (out of memory?)"
        return self.ending.reason if self.ending else ""

    @property
    def last_answers(self) -> dict[str, e.SettingChanged | e.SettingRejected]:
        """The worker's last answer to a request for each live setting, by its key."""
        answers: list[e.SettingChanged | e.SettingRejected] = [*self.knobs, *self.refused]
        return {answer.key: answer for answer in sorted(answers, key=lambda answer: answer.seq)}

    @property
    def health(self) -> list[LevelHealth]:
        """One entry a level, in order."""
        levels = self.prepared.levels if self.prepared else 0
        health = []
        for level in range(levels):
            key = f"codebook/{level}/"
            health.append(
                LevelHealth(
                    level,
                    *(
                        self.numbers.get(key + word)
                        for word in ("utilization", "perplexity", "dead", "churn", "frames")
                    ),
                )
            )
        return health

    def apply_all(self, events: Iterable[e.Event]) -> RunState:
        for event in events:
            self.apply(event)
        return self

    def apply(self, event: e.Event) -> None:
        """Apply one event. Events that change nothing here are ignored."""
        if isinstance(event, e.Started):
            self.earlier_seconds, self.session_at = self.worker_seconds, event.time
        self.updated_at = event.time
        self._apply(event)

    def observe(self, alive: bool) -> None:
        """Note whether the worker lives: without a final event and without a worker, the run has crashed."""
        if not alive and self.is_active and self.started_at:
            self.state, self.eta_seconds = "crashed", None
            self._flush()

    def _flush(self) -> None:
        for series in self.series.values():
            series.flush()

    @singledispatchmethod
    def _apply(self, event: e.Event) -> None:
        pass

    @_apply.register
    def _(self, event: e.Started) -> None:
        self.id, self.name, self.pid = event.run, self.given_name or event.name, event.pid
        # what a worker before this one was doing when it ended is over
        self.state, self.detail, self.ending, self.eta_seconds = "starting", "", None, None
        self.started_at = self.started_at or event.time
        self.stages = [(event.time, IMPORTING)]
        self.ranks = []

    @_apply.register
    def _(self, event: e.StateChanged) -> None:
        if event.state == "running":
            if event.step < self.step:
                # resumed from its checkpoint, or gone back to it
                self._go_back(event.step)
            if self.state == "starting":
                self._resume(event.step)
                self.stages.append((event.time, FIRST_STEP))
        elif event.state == "starting" and event.detail not in ("", *(stage for _, stage in self.stages[-1:])):
            self.stages.append((event.time, event.detail))
        self.step = max(event.step, self.step)
        if event.state in ACTIVE:
            # a state of another release, or a damaged one, could not be shown
            self.state, self.detail = event.state, event.detail
            if event.total:
                self.detail += f": {event.done:,} of {event.total:,}"

    @_apply.register
    def _(self, event: e.RunPrepared) -> None:
        self.prepared = event

    @_apply.register
    def _(self, event: e.AnchorsMeasured) -> None:
        self.anchors = event

    @_apply.register
    def _(self, event: e.Metrics) -> None:
        if event.step < self.step:
            self._go_back(event.step - 1)
        self.step, self.epoch = event.step, event.epoch
        self.progress, self.eta_seconds = event.progress, event.eta_seconds
        if event.scope == "step":
            # any activity between two steps is over
            self.detail, self.stages = "", []
        self.numbers.update(event.values)
        self._record(event)
        if self.quantizing_from is None and event.values.get("codebook/0/utilization") is not None:
            # logs of releases without QuantizationStarted, and quantizers that need no initialisation
            self.quantizing_from, self.quantizing_seq = event.step, event.seq
        if event.scope == "step":
            self.counted_once = False
        if event.scope == "epoch" and not self.bests_logged:
            self._find_best(event)

    def _record(self, event: e.Metrics) -> None:
        """Append the event's numbers to their series."""
        for key, value in event.values.items():
            if (series := self.series.get(key)) is None:
                series = self.series[key] = Series(self.most_points)
            series.append(
                event.step,
                event.epoch,
                event.time,
                _number(value),
                _number(event.low.get(key, value)),
                _number(event.high.get(key, value)),
            )

    def _find_best(self, event: e.Metrics) -> None:
        """Find the best epoch in logs of releases without BestEpoch: the one of the lowest held-out distance."""
        value = event.values.get("distance/val")
        if value is not None and (self.best is None or value < self.best.value):
            self.bests.append(e.BestEpoch(step=event.step, epoch=event.epoch, value=value))

    def _go_back(self, step: int) -> None:
        """Training continues from `step`: drop what was logged of later steps, which are repeated."""
        self._forget_after(step)
        self.step = step
        self.bests = [best for best in self.bests if best.step <= step]
        self.knobs = [knob for knob in self.knobs if knob.step <= step]
        self.checkpoints = [saved for saved in self.checkpoints if saved.step <= step]
        self.previews = [made for made in self.previews if made.step <= step]
        if self.codes is not None and self.codes.step > step:
            self.codes = None
        if self.quantizing_from is not None and self.quantizing_from > step:
            self.quantizing_from = None
        if self.adversarial_from is not None and self.adversarial_from > step:
            self.adversarial_from = None

    def _resume(self, step: int) -> None:
        """A worker starts at `step`, with the settings of the checkpoint of that step, or with those of the recipe."""
        start = next((saved for saved in reversed(self.checkpoints) if saved.step == step), None)
        self.knobs = [knob for knob in self.knobs if start is not None and knob.seq <= start.seq]
        if self.checkpoints:
            self._forget_closing(self.checkpoints[-1])

    def _forget_closing(self, start: e.CheckpointSaved) -> None:
        """A run resumes at `start`: forget what was logged after it for the model of the stopped run."""
        self.bests = [best for best in self.bests if best.step < start.step or best.seq <= start.seq]
        if self.quantizing_from == start.step and self.quantizing_seq > start.seq:
            self.quantizing_from, self.codes, self.counted_once = None, None, False
            for key in [key for key in self.numbers if key.startswith(("codebook/", "validation/", "distance/"))]:
                del self.numbers[key]

    def _forget_after(self, step: int) -> None:
        """Drop the numbers of later steps."""
        for key, series in self.series.items():
            if not series.drop_after(step):
                continue
            if len(series):
                self.numbers[key] = None if series.last != series.last else series.last
            else:
                self.numbers.pop(key, None)

    @_apply.register
    def _(self, event: e.QuantizationStarted) -> None:
        self.quantizing_from, self.quantizing_seq = event.step, event.seq

    @_apply.register
    def _(self, event: e.AdversarialStarted) -> None:
        self.adversarial_from = event.step

    @_apply.register
    def _(self, event: e.BestEpoch) -> None:
        if not self.bests_logged:
            self.bests_logged, self.bests = True, []
        self.bests.append(event)

    @_apply.register
    def _(self, event: e.CodesCounted) -> None:
        self.codes, self.counted_once = event, event.window == e.COUNTED_ONCE

    @_apply.register
    def _(self, event: e.WarningRaised) -> None:
        self.warnings.append(event)

    @_apply.register
    def _(self, event: e.CheckpointSaved) -> None:
        self.checkpoints.append(event)

    @_apply.register
    def _(self, event: e.PreviewMade) -> None:
        # one at the end may be of the very step of one by time: the same files, written again
        if self.previews and self.previews[-1].folder == event.folder:
            self.previews.pop()
        self.previews.append(event)

    @_apply.register
    def _(self, event: e.SettingChanged) -> None:
        self.knobs.append(event)

    @_apply.register
    def _(self, event: e.SettingRejected) -> None:
        self.refused.append(event)

    @_apply.register
    def _(self, event: e.RanksMeasured) -> None:
        self.ranks = event.ranks

    @_apply.register
    def _(self, event: e.ModelSaved) -> None:
        self.model = event

    @_apply.register(e.Finished | e.Stopped | e.Failed)
    def _(self, event: e.Finished | e.Stopped | e.Failed) -> None:
        self.ending, self.eta_seconds = event, None
        self.state = {e.Finished: "finished", e.Stopped: "stopped", e.Failed: "failed"}[type(event)]
        self.step = event.step or self.step
        self._flush()

    def summary(self) -> dict[str, Any]:
        """The run as the commands' `--json` prints it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "activity": self.activity,
            "pid": self.pid if self.is_active else None,
            "epoch": self.epoch,
            "total_epochs": self.total_epochs,
            "step": self.step,
            "progress": self.progress,
            "losses": self.losses,
            "distances": self.distances,
            "best": {"epoch": self.best.epoch, "step": self.best.step, "value": self.best.value} if self.best else None,
            "health": [vars(level) for level in self.health],
            "eta_seconds": self.eta_seconds,
            "started": self.started_at or None,
            "updated": self.updated_at or None,
            "reason": self.reason,
            "ranks": [msgspec.to_builtins(rank) for rank in self.ranks] if self.is_active else [],
            "warnings": [{"code": w.code, "text": w.text, "advice": w.advice, "step": w.step} for w in self.warnings],
            "model": {"id": self.model.id, "name": self.model.name, "path": self.model.path} if self.model else None,
        }


def _number(value: float | None) -> float:
    return NAN if value is None else value
