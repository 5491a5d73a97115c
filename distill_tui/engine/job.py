"""One session of a run's worker, from sounds to a model in the library. The first module of a worker to need torch."""

import copy
import os
from pathlib import Path

import torch

from distill_tui import __version__
from distill_tui.data import decode_cache
from distill_tui.data.corpus import Corpus, encode_path
from distill_tui.data.images.dataset import Pictures
from distill_tui.engine.device import choose_device, choose_precision
from distill_tui.engine.inference.model import load_net
from distill_tui.engine.maps.live import LiveMap
from distill_tui.engine.signals import Signals
from distill_tui.engine.tasks.base import CodecTask, Task
from distill_tui.engine.tasks.images import ImagesTask
from distill_tui.engine.training.trainer import Trainer
from distill_tui.errors import DistillError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import arithmetic, resolve, toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.series import thin
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.state import RunState


def train_run(
    home: Home, run: RunFolder, recipe: Recipe, log: LogWriter, resumed: bool, stop: Signals | None = None
) -> e.Finished | e.Stopped:
    """Train until the end or until somebody or a signal (`stop`) stops it; the event that says how it ended.

    Raises:
        DistillError: why it cannot go on.
    """
    stop = stop or Signals()
    data: Corpus | Pictures
    of_pictures = recipe.model.net == "image"
    log.write(e.StateChanged(state="starting", detail=f"reading the {'pictures' if of_pictures else 'sounds'}"))
    data = Pictures.load(run.pictures) if of_pictures else Corpus.load(run.sounds)
    device, warning = choose_device(recipe)
    if warning:
        log.write(e.WarningRaised(code="device", text=warning, advice="See: distill-tui doctor"))
    precision = choose_precision(recipe, device)
    if not resumed:
        for text in resolve.expectations(recipe, data.facts()):
            log.write(e.WarningRaised(code="expectations", text=text))
    material, skipped = read_material(home, data, recipe, device)
    trainer = Trainer(run, recipe, material, device, precision, log)
    stop.call(lambda: setattr(trainer.desk, "stopping", True))
    if isinstance(material, ImagesTask):
        trainer.live_map = LiveMap(run, material, trainer.reporter, recipe.train.map_seconds)
    if recipe.train.start_from:
        trainer.learner.load_pretrained(load_net(run.start)[0].state_dict(), material.latents_per_step)
    if resumed:
        _go_on(trainer, run)
    log.write(_prepared(trainer, skipped))
    finished = trainer.run()
    if trainer.best["weights"] is None and trainer.step:
        if finished and not trainer.learner.quantizing:
            log.write(
                e.WarningRaised(
                    code="codebooks-untrained",
                    text="the training ended before its codebooks were made: they are made at its end and untrained",
                    advice="Give it more --epochs or --minutes.",
                    step=trainer.step,
                )
            )
        trainer.validate_unplanned()
    model = None
    if trainer.best["weights"] is not None:
        trainer.say("saving the model")
        model = save_model(home, trainer, data, finished)
    else:
        why = "its distance to held-out sound is not finite" if trainer.step else "stopped before the first step"
        if finished:
            raise DistillError(f"there is no model: {why}", "Start again with a lower --learning-rate.")
        log.write(e.WarningRaised(code="no-model", text=f"there is no model: {why}", step=trainer.step))
    if finished:
        trainer.save_checkpoint()
        trainer.preview()
    last = e.Finished if finished else e.Stopped
    return last(
        step=trainer.step,
        epoch=trainer.epoch,
        seconds=round(trainer.clock.seconds, 3),
        reason=trainer.stop_reason if finished else stop.reason,
        model=model.name if model else "",
        model_id=model.id if model else "",
        path=model.path if model else "",
    )


def read_material(
    home: Home, data: Corpus | Pictures, recipe: Recipe, device: torch.device
) -> tuple[Task, list[tuple[str, str]]]:
    """The data on its device, and what could not be used after all, and why.

    Raises:
        DistillError: a part has no usable data left.
    """
    if isinstance(data, Pictures):
        training, validation = data.read()
        return ImagesTask(recipe, {"training": training, "validation": validation}, device), []
    waves, held_out, skipped = read_sounds(home, data, int(recipe.model.sample_rate))
    names = [wave.sound.name for wave in held_out]
    return CodecTask(recipe, waves, held_out, device, names), skipped


def read_sounds(
    home: Home, corpus: Corpus, rate: int
) -> tuple[list[decode_cache.CachedWave], list[decode_cache.CachedWave], list[tuple[str, str]]]:
    """The sounds at the model's rate, as (training, validation, what was skipped and why); none is read yet.

    Raises:
        DistillError: a part has no usable sound left.
    """
    decoded, failed = decode_cache.decode_all(corpus, rate, home)
    training: list[decode_cache.CachedWave] = []
    validation: list[decode_cache.CachedWave] = []
    for wave in decoded:
        if wave.sound.split == "by time":
            border = round(len(wave) * (1 - corpus.validation_fraction))
            training.append(wave.part(0, border))
            validation.append(wave.part(border, len(wave)))
        else:
            (validation if wave.sound.split == "validation" else training).append(wave)
    if not training or not validation:
        name, reason = failed[0] if failed else ("", "")
        raise DistillError(
            f"no sound is left to {'train on' if not training else 'validate with'}"
            + (f": {name}: {reason}" if name else ""),
            "Look at the sounds with: distill-tui data FOLDER",
        )
    return training, validation, failed


def _go_on(trainer: Trainer, run: RunFolder) -> None:
    """Stand where the newest checkpoint stood, and leave requests alone that were answered before."""
    trainer.restore()
    for event in read_events(run.events):
        if isinstance(event, e.CheckpointSaved):
            trainer.desk.checkpoints = max(trainer.desk.checkpoints, event.count)
        elif isinstance(event, e.PreviewMade):
            trainer.desk.previews = max(trainer.desk.previews, event.count)


def _prepared(trainer: Trainer, skipped: list[tuple[str, str]]) -> e.RunPrepared:
    recipe, bottleneck = trainer.recipe, trainer.net.bottleneck
    return e.RunPrepared(
        device=str(trainer.device),
        precision=str(trainer.precision).removeprefix("torch."),
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        frame_rate=arithmetic.frame_rate(recipe),
        kbps=arithmetic.bitrate_kbps(recipe),
        codebook_size=bottleneck.size,
        levels=bottleneck.levels,
        steps_per_epoch=trainer.steps_per_epoch,
        total_epochs=recipe.train.epochs,
        minutes=recipe.train.minutes,
        skipped=skipped,
        **trainer.material.facts(),
    )


def save_model(home: Home, trainer: Trainer, data: Corpus | Pictures, finished: bool) -> e.ModelSaved:
    """Put the best epoch's weights into the library, load them back, and check that they sound the same."""
    recipe, best, run = trainer.recipe, trainer.best, trainer.run_folder
    state = RunState().apply_all(read_events(run.events))
    numbers = best["numbers"]
    levels = range(trainer.net.bottleneck.levels)
    words = ("utilization", "perplexity", "dead", "churn", "frames")
    health = [{"level": level, **{word: numbers.get(f"codebook/{level}/{word}") for word in words}} for level in levels]
    losses = {key.removeprefix("loss/"): value for key, value in numbers.items() if key.startswith("loss/")}
    losses["distance"] = best["distance"]
    material = trainer.material
    card = Card(
        name=recipe.name,
        run=run.id,
        started_from=read_card(run.start).id if recipe.train.start_from else "",
        program=__version__,
        step=best["step"],
        epoch=best["epoch"],
        seconds_trained=round(trainer.clock.seconds, 3),
        seconds_of_sound=round(best["step"] * material.per_step, 3) if material.unit == "sound" else 0.0,
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        rate=material.facts()["rate"],
        frame_rate=arithmetic.frame_rate(recipe),
        kbps=arithmetic.bitrate_kbps(recipe),
        recipe=toml.to_dict(with_values(recipe, best["knobs"])),
        health=health,
        health_window=best["health_window"] if health else "",
        losses=losses,
        history={
            key: thin(series.steps, series.epochs, series.values)
            for key, series in state.series.items()
            if key.startswith(("loss/", "distance/"))
        },
        data=data.described(),
        finished=finished,
        notes=[
            *(f"{knob.key}: {knob.old:g} to {knob.new:g} at step {knob.step}" for knob in state.knobs),
            *(warning.text for warning in state.warnings),
        ],
    )
    saved, path = Library(home).save(best["weights"], card)
    _check(path, trainer)
    event = e.ModelSaved(id=saved.id, name=saved.name, path=encode_path(path), step=best["step"])
    trainer.log.write(event)
    return event


def _check(path: os.PathLike[str], trainer: Trainer) -> None:
    """Load the model from its file and compare it with the one in memory, on a sound that was held out.

    Raises:
        DistillError: they differ.
    """
    loaded, _ = load_net(Path(path))
    # a copy: what trains stays on its device and as it is, for the last checkpoint and preview
    kept = copy.deepcopy(trainer.averaged).to("cpu")
    kept.load_state_dict(trainer.best["weights"])
    some = trainer.material.sample().cpu()
    if not torch.equal(loaded(some)[0], kept(some)[0]):
        raise DistillError(f"{path}: the model that was saved does not give what the one that was trained gives")
