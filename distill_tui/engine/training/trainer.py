"""The trainer: one loop for every net, read from top to bottom in `Trainer.run`.

What varies is in the recipe. Every random number of a step follows from the seed and the step's number, so a
checkpoint holds no random state, and a resumed run ends with the very weights of one that was never stopped.
"""

import time
from pathlib import Path
from typing import Any

import torch

from distill_tui.engine.maps.live import LiveMap
from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training import checkpoint
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.engine.training.metrics_logger import MetricsLogger
from distill_tui.engine.training.schedule import Clock, rate_at
from distill_tui.engine.training.train_step import TrainStep
from distill_tui.engine.training.validation import Validator
from distill_tui.errors import DistillError
from distill_tui.recipe.fields import get, live_keys
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter

BAD_IN_A_ROW = 5
"""Steps without a finite loss that make the trainer go back to its last checkpoint, once."""


class Trainer:
    """One training of one run: its net, its data, its log."""

    def __init__(
        self,
        run: RunFolder,
        recipe: Recipe,
        material: Task,
        device: torch.device,
        precision: torch.dtype,
        log: LogWriter,
    ) -> None:
        self.run_folder, self.recipe, self.log = run, recipe, log
        self.device, self.precision = device, precision
        self.learner = TrainStep(recipe, device, precision)
        self.net, self.averaged, self.material = self.learner.net, self.learner.averaged, material
        self.steps_per_epoch = int(recipe.train.steps_per_epoch)
        self.clock = Clock(recipe.train.epochs * self.steps_per_epoch, recipe.train.minutes * 60)
        self.desk = ControlPoller(run, log, {key: float(get(recipe, key)) for key in live_keys()})
        self.step = 0
        self.rate_factor = 1.0
        self.stop_reason = ""
        bottleneck = self.net.bottleneck
        self.reporter = MetricsLogger(
            log, self.clock, device, bottleneck.levels, bottleneck.size, material.unit, material.per_step
        )
        self.validator = Validator(recipe, material, self.learner, self.desk, self.reporter)
        self.live_map: LiveMap | None = None
        self._saved_at, self._saving = time.monotonic(), 0.0

    # ---------------------------------------------------------------- the loop

    def run(self) -> bool:
        """Train from where it stands to the end; whether the end was reached (else somebody stopped it).

        Raises:
            DistillError: the training diverged twice, or a file cannot be written.
        """
        if self.recipe.train.compile == "on" and not self.finished:
            self._compile()
        self.clock.start()
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.reporter.rest(self.step)
        while not self.finished:
            self.desk.look(self.step)
            if self.desk.wants_stop or self.desk.wants_pause:
                if not self._wait():
                    return False
                continue
            if self.desk.wants_checkpoint:
                self.save_checkpoint(self.desk.control.checkpoint)
            if self.desk.wants_preview:
                self.preview(self.desk.control.preview)
            if (
                not self.learner.quantizing
                and self.clock.progress(self.step) >= self.recipe.train.quantizer_warmup_fraction
            ):
                self._make_codebooks()
            self._train_step()
            if self.reporter.is_due:
                self._tell_steps()
            if self.live_map is not None and self.live_map.is_due:
                self.live_map.write(self.averaged, self.step, self.epoch)
            if self.step % self.steps_per_epoch == 0:
                self._end_epoch()
            if time.monotonic() - self._saved_at >= self.recipe.train.checkpoint_minutes * 60:
                self.save_checkpoint()
        if self.step % self.steps_per_epoch:
            self._end_epoch()
        self.clock.pause()
        return True

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch so far; see `Validator`."""
        return self.validator.best

    @property
    def finished(self) -> bool:
        return bool(self.stop_reason) or self.clock.progress(self.step) >= 1.0

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1; 0 before the first step."""
        return (self.step + self.steps_per_epoch - 1) // self.steps_per_epoch

    def _train_step(self) -> None:
        train, learner = self.recipe.train, self.learner
        rate = rate_at(self.clock.progress(self.step), train) * self.desk.knobs["train.learning_rate"]
        data = self.material.batch(self.step)
        values, seen = learner.learn(data, self.step, rate * self.rate_factor, self._weights(), self._tell_memory)
        self.reporter.add(values)
        if seen is not None:
            self.reporter.add_codes(seen[2], self.net.counted(data))
        self.step += 1

    def _weights(self) -> dict[str, float]:
        """The knobs in force; the weight of the KL term rises over the first part of the training."""
        knobs, share = self.desk.knobs, self.recipe.train.kl_annealing_fraction
        rising = min(1.0, self.clock.progress(self.step) / share) if share else 1.0
        return knobs | {"loss.kl_weight": knobs["loss.kl_weight"] * rising}

    def _compile(self) -> None:
        self.log.write(e.StateChanged(state="starting", step=self.step, detail="compiling the encoder and the decoder"))
        done = self.learner.compile(self.material.batch(self.step), self._weights())
        if done.error:
            advice = 'Steps take longer and are as good. `train.compile = "off"` does not try.'
            self.reporter.warn("not-compiled", done.text, advice, self.step)
        else:
            self.log.write(e.StateChanged(state="starting", step=self.step, detail=done.text))

    def _make_codebooks(self) -> None:
        self.log.write(e.StateChanged(state="running", step=self.step, detail="initialising the codebooks"))
        self.learner.init_codebooks(self.material.batch, self.step, self._tell_memory)
        self.log.write(e.QuantizationStarted(step=self.step, epoch=self.epoch))
        self.log.write(e.StateChanged(state="running", step=self.step, detail="codebooks made; quantizing from here"))

    def _tell_memory(self, text: str) -> None:
        self.reporter.warn_of_memory(text, self.step)

    # ---------------------------------------------------------------- what is told

    def _tell_steps(self) -> None:
        self._check_finite()
        replaced = None
        if self.learner.quantizing and self.learner.quantizer is not None:
            replaced = self.net.bottleneck.replaced.clone()
            self.net.bottleneck.replaced.zero_()
        # a loss that is not asked for is not computed, and one that is alone is the reconstruction loss
        self.reporter.left_out = {"mse"} | (set() if self.desk.knobs["loss.stft_weight"] > 0 else {"stft"})
        self.reporter.tell_steps(self.step, self.epoch, self.learner.rate, replaced)

    def _check_finite(self) -> None:
        """Say when steps were skipped; several in a row go back to the last checkpoint at half the rate, once."""
        skipped, in_a_row = self.learner.guard.read()
        if not skipped:
            return
        self.reporter.warn(
            "not-finite",
            f"{skipped} step{'s' if skipped > 1 else ''} before step {self.step} had a loss or gradient that was not "
            "finite and changed nothing",
            "One now and then does no harm. If it goes on, lower the learning rate.",
            self.step,
            once=False,
        )
        if in_a_row < BAD_IN_A_ROW:
            return
        if self.rate_factor < 1.0:
            raise DistillError(
                f"the loss was not finite {in_a_row} times in a row, even at half the learning rate",
                "Start again with a lower --learning-rate, and look at the sounds with: distill-tui data",
            )
        if not self.restore():
            raise DistillError(
                f"the loss was not finite {in_a_row} times in a row, before the first checkpoint",
                "Start again with a lower --learning-rate, and look at the sounds with: distill-tui data",
            )
        self.rate_factor = 0.5
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.reporter.warn(
            "went-back",
            f"diverged; went back to the checkpoint of step {self.step} at half the learning rate",
            "If it diverges again the run stops.",
            self.step,
            once=False,
        )

    def say(self, detail: str) -> None:
        """Tell what is done now, while no step is trained."""
        state = "running" if self.finished else "stopping"
        self.log.write(e.StateChanged(state=state, step=self.step, detail=detail))

    def _end_epoch(self) -> None:
        """Validate with the averaged weights, keep the best, preview, and say what should be known."""
        self._tell_steps()
        began = time.monotonic()
        if self.finished:
            self.say("validating")
        self._validate()
        every = self.recipe.train.preview_every
        if every and self.epoch % every == 0 and not self.finished:
            self.preview()
        # the end of a training takes one more of these, and a model is written like a checkpoint
        self.clock.closing = time.monotonic() - began + self._saving
        self.reporter.rest(self.step)

    def validate_unplanned(self) -> None:
        """A stop before the first validation: make a model of what there is.

        The checkpoint of the stop is written by now, and a resumed run begins there: as if this had never been.
        """
        self.say("validating, for a model of what there is")
        if not self.learner.quantizing:
            self.learner.init_codebooks(self.material.batch, self.step, self._tell_memory)
        self._validate()

    def _validate(self) -> None:
        self.validator.validate(self.step, self.epoch, self._weights(), self.finished)
        if not self.stop_reason:
            self.stop_reason = self.validator.why_stop(self.epoch)

    # ---------------------------------------------------------------- what is asked for

    def _wait(self) -> bool:
        """Pause for as long as that is wanted; False when it ends in a stop."""
        self._tell_steps()
        self.clock.pause()
        if self.desk.wants_pause:
            self.log.write(e.StateChanged(state="paused", step=self.step))
            while self.desk.wants_pause:
                time.sleep(0.05)
                self.desk.look(self.step)
                if self.desk.wants_checkpoint:
                    self.save_checkpoint(self.desk.control.checkpoint)
                if self.desk.wants_preview:
                    self.preview(self.desk.control.preview)
        if self.desk.wants_stop:
            self.log.write(e.StateChanged(state="stopping", step=self.step))
            self.save_checkpoint()
            return False
        self.log.write(e.StateChanged(state="running", step=self.step))
        self.reporter.rest(self.step)
        self.clock.start()
        return True

    def preview(self, count: int = 0) -> Path:
        """Write some held-out sounds and what becomes of them; `count` is the request that this answers."""
        self.desk.check_run(now=True)
        folder = self.run_folder.previews / f"step-{self.step:06d}"
        write = self.material.write_previews
        pairs = self.validator.fitting(lambda: write(self.averaged, folder, self.learner.quantizing), self.step)
        name = f"previews/{folder.name}"
        self.desk.previews = max(self.desk.previews, count)
        self.log.write(
            e.PreviewMade(
                step=self.step,
                epoch=self.epoch,
                folder=name,
                pairs=[(f"{name}/{a}", f"{name}/{b}", d) for a, b, d in pairs],
                names=self.material.preview_names,
                count=count,
            )
        )
        return folder

    # ---------------------------------------------------------------- checkpoints

    def save_checkpoint(self, count: int = 0) -> Path:
        """Write all that it takes to go on; `count` is the request that this answers."""
        self.desk.check_run(now=True)
        state = {
            "step": self.step,
            "rate_factor": self.rate_factor,
            "trained": self.clock.seconds,
            "knobs": dict(self.desk.knobs),
            "best": self.best,
            "warned": sorted(self.reporter.warned),
            "first_loss": self.reporter.first_loss,
            "numbers": {key: value for key, value in self.reporter.numbers.items() if value is not None},
            "usage": self.reporter.usage_state(),
            **self.learner.state(),
        }
        began = time.monotonic()
        path = checkpoint.save(self.run_folder.checkpoints, self.step, state)
        self._saved_at = time.monotonic()
        self._saving = self._saved_at - began
        self.desk.checkpoints = max(self.desk.checkpoints, count)
        self.log.write(
            e.CheckpointSaved(step=self.step, epoch=self.epoch, file=f"checkpoints/{path.name}", count=count)
        )
        return path

    def restore(self) -> bool:
        """Go back to the newest good checkpoint; whether there was one."""
        state = checkpoint.load_newest(
            self.run_folder.checkpoints,
            lambda path, why: self.reporter.warn(
                f"checkpoint/{path.name}", f"checkpoint {path.name} is passed over: {why}", "The one before it is used."
            ),
            self._stand_at,
        )
        return state is not None

    def _stand_at(self, state: dict[str, Any]) -> None:
        """Stand where `state` was saved; whatever is raised where it is not this run's, or is damaged."""
        step, factor, best = int(state["step"]), float(state["rate_factor"]), dict(state["best"])
        best |= {"epoch": int(best["epoch"]), "distance": float(best["distance"])}
        if best["weights"] is not None:
            best |= {"step": int(best["step"]), "numbers": dict(best["numbers"])}
        knobs = {key: float(value) for key, value in state["knobs"].items() if key in self.desk.knobs}
        warned, numbers = set(state["warned"]), dict(state["numbers"])
        trained, first_loss = float(state["trained"]), state.get("first_loss")
        usage = self.reporter.usage_of(state.get("usage"))
        # nothing is changed before all of it is known to fit
        checkpoint.check_fits(state, self.net, self.averaged, self.learner.optimizer)
        self.learner.load_state(state)
        self.learner.guard.clear()
        self.step, self.rate_factor, self.validator.best = step, factor, best
        if best["weights"] is not None and "knobs" not in best:
            # a checkpoint of before 0.1.0's last change: the settings of its best epoch were not kept
            best |= {"knobs": knobs, "health_window": ""}
        self.clock.go_back(trained)
        self.desk.knobs.update(knobs)
        self.reporter.warned.update(warned)
        self.reporter.first_loss = first_loss
        self.reporter.numbers = numbers
        self.reporter.restart(self.step, usage)
