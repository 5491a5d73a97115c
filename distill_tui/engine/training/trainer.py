"""The trainer: one loop for every task, read from top to bottom in `Trainer.run`.

The task brings the net, the data, the losses and what is particular. Every random number of a step follows from the
seed and the step's number, so a checkpoint holds no random state, and a resumed run ends with the very weights of one
that was never stopped.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training import checkpoint
from distill_tui.engine.training.checkpoint_writer import CheckpointWriter, Saved
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.engine.training.diagnostics import Diagnostics
from distill_tui.engine.training.distributed import ALONE, Ranks
from distill_tui.engine.training.leader import Leader
from distill_tui.engine.training.metrics_logger import MetricsLogger
from distill_tui.engine.training.schedule import Clock, lr_ratio
from distill_tui.engine.training.train_step import TrainStep
from distill_tui.engine.training.validation import Validator
from distill_tui.errors import DistillError
from distill_tui.recipe.fields import get, live_keys
from distill_tui.recipe.preview_times import PreviewTimes
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs import previews
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.log import LogWriter

BAD_IN_A_ROW = 5
"""Steps without a finite loss that make the trainer go back to its last checkpoint, once."""


class Trainer:
    """One training of one run: its net, its data, its log."""

    def __init__(
        self,
        run: RunFolder,
        recipe: Recipe,
        task: Task[Any],
        device: torch.device,
        precision: torch.dtype,
        log: LogWriter,
        ranks: Ranks = ALONE,
    ) -> None:
        self.run_folder, self.recipe, self.task, self.log = run, recipe, task, log
        self.device, self.precision = device, precision
        self.train_step = TrainStep(task, recipe, device, precision, ranks)
        self.leader = Leader(ranks, task, self.train_step, log)
        self.net, self.ema_net = self.train_step.net, self.train_step.ema_net
        self.steps_per_epoch = int(recipe.train.steps_per_epoch)
        self.clock = Clock(recipe.train.epochs * self.steps_per_epoch, recipe.train.minutes * 60)
        self.poller = ControlPoller(run, log, {key: float(get(recipe, key)) for key in live_keys()})
        self.metrics = MetricsLogger(log, self.clock, device, task.max_log_seconds)
        self.diagnostics = Diagnostics(log, self.clock)
        self.validator = Validator(task, self.train_step, self.poller, self.metrics, self.diagnostics)
        self.preview_times = PreviewTimes()
        self.preview_limit = 0
        """Bytes that previews may take before older ones are thinned out; 0 for any number."""
        self._told_limit = False
        self.step = 0
        self.lr_factor = 1.0
        self.stop_reason = ""
        self._is_started = False
        # it keeps the summary of the log, for whoever opens that later
        self.follower = RunFollower(run, is_alive=lambda: True)
        self.checkpoint_writer = CheckpointWriter(run.checkpoints, self.follower.catch_up)
        self._saved_at, self._saving, self._is_unsaved = time.monotonic(), 0.0, False

    # ---------------------------------------------------------------- the loop

    def run(self, until: int | Callable[[], bool] | None = None) -> bool:
        """Train from the current step to the end.

        Args:
            until: return before this step, or before the first one where this is true; `run` can be called again.

        Returns:
            Whether the end was reached: else somebody stopped the training, or `until` did.

        Raises:
            DistillError: the training diverged twice, or a file cannot be written.
        """
        try:
            return self._run(until)
        finally:
            # however it ends, a checkpoint that was begun is whole by then
            self.checkpoint_writer.join()

    def _run(self, until: int | Callable[[], bool] | None) -> bool:
        self._start()
        while not self.finished:
            self.poller.poll(self.step)
            if self.poller.wants_stop or self.poller.wants_pause:
                if not self._pause():
                    return False
                continue
            self._answer_requests()
            if until is not None and (until() if callable(until) else self.step >= until):
                self.finish_checkpoint(wait=True)
                self.clock.pause()
                return False
            self.task.before_step(self)
            self.advance()
            if self.metrics.is_due:
                self.log_steps()
            self.task.after_step(self)
            if self.step % self.steps_per_epoch == 0:
                self.end_epoch()
            self._preview_by_time()
            self.finish_checkpoint()
            is_due = time.monotonic() - self._saved_at >= self.recipe.train.checkpoint_minutes * 60
            if is_due and not self.checkpoint_writer.is_busy:
                self.begin_checkpoint()
        if self.step % self.steps_per_epoch:
            self.end_epoch()
        self.finish_checkpoint(wait=True)
        self.clock.pause()
        return True

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch so far; see `Validator`."""
        return self.validator.best

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end."""
        return self.clock.progress(self.step)

    @property
    def finished(self) -> bool:
        """Whether the end of the training is reached."""
        return bool(self.stop_reason) or self.progress >= 1.0

    @property
    def epoch(self) -> int:
        """The epoch of the last step, counted from 1; 0 before the first step."""
        return (self.step + self.steps_per_epoch - 1) // self.steps_per_epoch

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        position, factor = self.task.schedule(self.progress)
        ratio = factor * lr_ratio(position, self.recipe.train)
        return ratio * self.poller.settings["train.learning_rate"] * self.lr_factor

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """Weights of the losses in force, by name."""
        return self.task.loss_weights(self.poller.settings, self.progress)

    def _start(self) -> None:
        if not self._is_started:
            if self.recipe.train.compile == "on" and not self.finished:
                self._compile()
            self.task.on_start(self)
            self.preview_times.start(self.clock.seconds)
        self._is_started = True
        self.clock.start()
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.metrics.skip_time(self.step)

    def _compile(self) -> None:
        self.log.write(e.StateChanged(state="starting", step=self.step, detail="compiling the net"))
        weights = self.loss_weights
        self.leader.announce_compile(self.step, weights)
        result = self.train_step.compile(self.task.batch(self.step), weights)
        if result.error:
            self.diagnostics.warn_not_compiled(result.text, self.step)
        else:
            self.log.write(e.StateChanged(state="starting", step=self.step, detail=result.text))

    def advance(self) -> None:
        """Train one step, without hooks or events."""
        began = time.monotonic()
        data, lr, weights = self.task.inputs(self.step), self.lr, self.loss_weights
        self.metrics.add_data_time(time.monotonic() - began)
        self.leader.announce(self.step, lr, weights)
        self.metrics.add(self.train_step.step(data, self.step, lr, weights, self.warn_of_memory))
        self.step += 1
        self.leader.log_use(self.step)

    def warn_of_memory(self, text: str) -> None:
        """Report that less is done at once for want of memory."""
        self.diagnostics.warn_of_memory(text, self.step)

    # ---------------------------------------------------------------- metrics and validation

    def log_steps(self) -> None:
        """Log the steps since the last time, and see whether they were finite."""
        self._check_finite()
        if error := self.train_step.graph.error:
            self.diagnostics.warn_not_captured(error, self.step)
        steps = self.metrics.pending_steps(self.step)
        more = self.task.step_values(self.net, steps)
        rates = {f"rate/{self.task.unit}": self.task.per_step}
        self.metrics.log_steps(self.step, self.epoch, self.train_step.lr, rates, more)

    def _check_finite(self) -> None:
        """Report skipped steps; several in a row go back to the last checkpoint at half the learning rate, once."""
        skipped, in_a_row = self.train_step.guard.read()
        if not skipped:
            return
        self.diagnostics.warn_not_finite(skipped, self.step)
        if in_a_row < BAD_IN_A_ROW or self.task.on_divergence(self):
            return
        is_second = self.lr_factor < 1.0
        self.finish_checkpoint(wait=True)
        if is_second or not self.restore():
            when = "even at half the learning rate" if is_second else "before the first checkpoint"
            raise DistillError(
                f"the loss was not finite {in_a_row} times in a row, {when}",
                f"Start again with a lower --learning-rate, and look at the {self.task.data_noun} with: "
                "distill-tui data",
            )
        self.lr_factor = 0.5
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.diagnostics.warn_went_back(self.step)

    def report(self, detail: str) -> None:
        """Log what is done now while no step is trained."""
        state = "running" if self.finished else "stopping"
        self.log.write(e.StateChanged(state=state, step=self.step, detail=detail))

    def end_epoch(self) -> None:
        """Validate the EMA of the weights, keep the best, preview, and log what follows from it."""
        self.log_steps()
        began = time.monotonic()
        if self.finished:
            self.report("validating")
        self.validate()
        every = self.recipe.train.preview_every
        if every and self.epoch % every == 0 and not self.finished:
            self.preview()
        # the end of a training takes one more of these, and a model is written like a checkpoint
        self.clock.closing = time.monotonic() - began + self._saving
        self.metrics.skip_time(self.step)

    def validate_early(self) -> None:
        """Make a model possible although the training was stopped before its first validation.

        The checkpoint of the stop is written by now, and a resumed run begins there: as if this had never been.
        """
        self.report("validating, for a model of what there is")
        self.task.on_early_end(self)
        self.validate()

    def validate(self) -> None:
        """Validate the EMA of the weights, and keep it if it is the best."""
        self.validator.validate(self.step, self.epoch, self.loss_weights)
        self.task.on_epoch_end(self)
        if not self.stop_reason:
            self.stop_reason = self.validator.stop_reason(self.epoch, self.recipe.train.patience)

    # ---------------------------------------------------------------- requests

    def _pause(self) -> bool:
        """Pause for as long as that is requested; False if it ends in a stop."""
        self.log_steps()
        self.clock.pause()
        if self.poller.wants_pause:
            self.log.write(e.StateChanged(state="paused", step=self.step))
            while self.poller.wants_pause:
                time.sleep(0.05)
                self.poller.poll(self.step)
                self._answer_requests()
        if self.poller.wants_stop:
            self.log.write(e.StateChanged(state="stopping", step=self.step))
            self.save_checkpoint()
            return False
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.metrics.skip_time(self.step)
        self.clock.start()
        return True

    def _answer_requests(self) -> None:
        self.finish_checkpoint()
        if self.poller.wants_checkpoint and not self.checkpoint_writer.is_busy:
            self.begin_checkpoint(self.poller.control.checkpoint)
        if self.poller.wants_preview:
            self.preview(self.poller.control.preview)

    def _preview_by_time(self) -> None:
        """Preview if it is time for that, and the recipe counts no epochs from one to the next."""
        began = self.clock.seconds
        if self.recipe.train.preview_every or began < self.preview_times.due or self.finished:
            return
        self.log_steps()
        self.preview()
        self.preview_times.add(self.clock.seconds, self.clock.seconds - began)
        self.metrics.skip_time(self.step)

    def preview(self, count: int = 0) -> Path:
        """Write previews of held-out data; `count` is the request that this answers."""
        self.poller.check_run(now=True)
        folder = self.run_folder.previews / f"step-{self.step:06d}"
        pairs = self.validator.within_memory(lambda: self.task.write_previews(self.ema_net, folder), self.step)
        name = f"previews/{folder.name}"
        self.poller.previews = max(self.poller.previews, count)
        self.log.write(
            e.PreviewMade(
                step=self.step,
                epoch=self.epoch,
                folder=name,
                trained=round(self.clock.seconds, 3),
                pairs=[(f"{name}/{one.original}", f"{name}/{one.made}", one.numbers["distance"]) for one in pairs],
                measures=[{**one.numbers} for one in pairs],
                levels=[[(n, f"{name}/{file}", distance) for n, file, distance in one.levels] for one in pairs],
                names=self.task.preview_names,
                count=count,
            )
        )
        self._thin_previews()
        return folder

    def _thin_previews(self) -> None:
        """Thin out older previews where they take more than their limit, and say so the first time."""
        if not self.preview_limit:
            return
        freed = previews.thin(self.run_folder, self.preview_limit, self.best.get("step") or None)
        if freed and not self._told_limit:
            self._told_limit = True
            self.log.write(
                e.WarningRaised(
                    code="previews-thinned",
                    text="previews take more than [sounds] limit of settings.toml: older ones are thinned out",
                    advice="The first, the newest, those of twice the steps and that of the best epoch stay.",
                    step=self.step,
                )
            )

    # ---------------------------------------------------------------- checkpoints

    def save_checkpoint(self) -> Path:
        """Write everything needed to resume; it is on the disk when this returns.

        Raises:
            DistillError: it cannot be written.
        """
        self.begin_checkpoint()
        saved = self.checkpoint_writer.fetch(wait=True)
        assert saved is not None
        if saved.error is not None:
            raise saved.error
        self._log_checkpoint(saved)
        return saved.path

    def begin_checkpoint(self, count: int = 0) -> None:
        """Begin to write everything needed to resume; `count` is the request that this answers."""
        self.finish_checkpoint(wait=True)
        self.poller.check_run(now=True)
        state = {
            "step": self.step,
            "rate_factor": self.lr_factor,
            "trained": self.clock.seconds,
            "knobs": dict(self.poller.settings),
            "best": self.best,
            "warned": sorted(self.diagnostics.warned),
            "first_loss": self.diagnostics.first_loss,
            "numbers": {key: value for key, value in self.metrics.latest.items() if value is not None},
            **self.train_step.state(),
            **self.task.state(),
        }
        self.poller.checkpoints = max(self.poller.checkpoints, count)
        self._saved_at = time.monotonic()
        self.checkpoint_writer.begin(state, Saved(self.step, self.epoch, count))

    def finish_checkpoint(self, wait: bool = False) -> None:
        """Log a checkpoint that is whole by now, or that the disk has no room for: the training goes on without it."""
        saved = self.checkpoint_writer.fetch(wait)
        if saved is None:
            return
        if saved.error is None:
            self._log_checkpoint(saved)
        elif not isinstance(saved.error, DistillError):
            raise saved.error
        elif saved.count or not self._is_unsaved:
            self.diagnostics.warn_not_saved(saved.error.message, self.step)
            self._is_unsaved = True

    def _log_checkpoint(self, saved: Saved) -> None:
        self._saving, self._is_unsaved = saved.seconds, False
        file = f"checkpoints/{saved.path.name}"
        self.log.write(e.CheckpointSaved(step=saved.step, epoch=saved.epoch, file=file, count=saved.count))

    def restore(self) -> bool:
        """Go back to the newest good checkpoint; whether there was one."""
        state = checkpoint.load_newest(
            self.run_folder.checkpoints,
            lambda path, why: self.diagnostics.warn_of_checkpoint(path.name, why),
            self._load_state,
        )
        return state is not None

    def _load_state(self, state: dict[str, Any]) -> None:
        """Restore a checkpoint; any error is raised if it is not this run's or is damaged, and nothing is changed."""
        step, factor, best = int(state["step"]), float(state["rate_factor"]), dict(state["best"])
        best |= {"epoch": int(best["epoch"]), "distance": float(best["distance"])}
        if best["weights"] is not None:
            best |= {"step": int(best["step"]), "numbers": dict(best["numbers"])}
        settings = {key: float(value) for key, value in state["knobs"].items() if key in self.poller.settings}
        warned, numbers = set(state["warned"]), dict(state["numbers"])
        trained, first_loss = float(state["trained"]), state.get("first_loss")
        checkpoint.check_fits(state, self.net, self.ema_net, self.train_step.optimizer)
        # the last to raise anything
        self.task.load_state(state)
        self.train_step.load_state(state)
        self.step, self.lr_factor, self.validator.best = step, factor, best
        if best["weights"] is not None and "knobs" not in best:
            # a checkpoint of before 0.1.0's last change: the settings of its best epoch were not kept
            best |= {"knobs": settings, "health_window": ""}
        self.clock.go_back(trained)
        self.poller.settings.update(settings)
        self.diagnostics.warned.update(warned)
        self.diagnostics.first_loss = first_loss
        self.metrics.latest = numbers
        self.metrics.restart(self.step)
