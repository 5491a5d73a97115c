"""The job of a run's worker, from data to a model in the library. The first module of a worker to import torch."""

import copy
from functools import partial
from pathlib import Path

import torch

from distill_tui import __version__
from distill_tui.engine.device import choose_device, choose_precision, make_deterministic
from distill_tui.engine.inference.model import load_net
from distill_tui.engine.launch import open_ranks, prepare
from distill_tui.engine.signals import Signals
from distill_tui.engine.tasks import task_of
from distill_tui.engine.tasks.base import TrainingData
from distill_tui.engine.tasks.reading import SoundsRead
from distill_tui.engine.training.distributed import ProcessRanks, Ranks
from distill_tui.engine.training.price_limit import PriceLimit
from distill_tui.engine.training.trainer import Trainer
from distill_tui.errors import DistillError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import sound_quality
from distill_tui.reporting.series import thin
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter, read_answers
from distill_tui.runs.service import read_expectations
from distill_tui.settings import read_settings
from distill_tui.text import encode_path


def train_run(
    home: Home, run: RunFolder, recipe: Recipe, log: LogWriter, resumed: bool, stop: Signals | None = None
) -> e.Finished | e.Stopped:
    """Train until the end, or until a request or a signal (`stop`) stops it; the event for how it ended.

    Raises:
        DistillError: why it cannot go on.
    """
    with open_ranks(run, recipe, log) as (ranks, device):
        return _train(home, run, recipe, log, resumed, stop or Signals(), ranks, device)


def _train(
    home: Home,
    run: RunFolder,
    recipe: Recipe,
    log: LogWriter,
    resumed: bool,
    stop: Signals,
    ranks: Ranks,
    device_of_rank: str,
) -> e.Finished | e.Stopped:
    """Train as rank 0 of `ranks`, or alone."""
    kind = task_of(recipe)
    log.write(e.StateChanged(state="starting", detail=f"reading the {kind.data_noun}"))
    data = kind.load_data(run)
    # by its name, a device is not replaced by another
    named = recipe if ranks.size == 1 else with_values(recipe, {"train.device": device_of_rank})
    device, warning = choose_device(named)
    if warning:
        log.write(e.WarningRaised(code="device", text=warning, advice="See: distill-tui doctor"))
    if recipe.train.deterministic:
        make_deterministic(device)
    precision = choose_precision(recipe, device)
    if not resumed:
        for text in read_expectations(run):
            log.write(e.WarningRaised(code="expectations", text=text))
    with SoundsRead(log).reported():
        task = kind.from_data(home, data, recipe, device)
    log.write(e.StateChanged(state="starting", detail="building the net"))
    # from here on the sounds are decoded, for the other ranks too
    prepare(ranks, home, run, device, precision, task.data_digest() if ranks.size > 1 else 0)
    settings = read_settings(home)
    task.preview_format = "flac" if settings.sound_format == "flac" else "wav"
    trainer = Trainer(run, recipe, task, device, precision, log, ranks)
    trainer.preview_limit = settings.sound_limit
    stop.call(lambda: setattr(trainer.poller, "stopping", True))
    trainer.poller.price_limit = _price_limit(home, trainer)
    if recipe.train.start_from:
        trainer.train_step.load_pretrained(load_net(run.start)[0].state_dict())
    if resumed:
        _resume(trainer)
    log.write(_prepared(trainer))
    finished = trainer.run()
    if isinstance(ranks, ProcessRanks):
        ranks.dismiss()
    if trainer.best["weights"] is None and trainer.step:
        trainer.validate_early()
    model = None
    if trainer.best["weights"] is not None:
        trainer.report("saving the model")
        model = save_model(home, trainer, data, finished)
    else:
        why = "its distance on held-out data is not finite" if trainer.step else "stopped before the first step"
        if finished:
            raise DistillError(f"there is no model: {why}", "Start again with a lower --learning-rate.")
        log.write(e.WarningRaised(code="no-model", text=f"there is no model: {why}", step=trainer.step))
    if finished:
        trainer.save_checkpoint()
        trainer.preview()
    last = e.Finished if finished else partial(e.Stopped, too_dear=bool(trainer.poller.too_dear))
    return last(
        step=trainer.step,
        epoch=trainer.epoch,
        seconds=round(trainer.clock.seconds, 3),
        reason=trainer.stop_reason if finished else trainer.poller.too_dear or stop.reason,
        model=model.name if model else "",
        model_id=model.id if model else "",
        path=model.path if model else "",
    )


def _price_limit(home: Home, trainer: Trainer) -> PriceLimit:
    settings = read_settings(home)
    if trainer.recipe.train.max_price and not settings.price:
        trainer.log.write(e.WarningRaised(code="price", text="no price is known: the run will not stop at one"))
    return PriceLimit(settings.price, settings.currency, trainer.follower.catch_up().worker_seconds)


def _resume(trainer: Trainer) -> None:
    """Restore the newest checkpoint, and ignore requests that were answered before."""
    trainer.restore()
    for event in read_answers(trainer.run_folder.events):
        if isinstance(event, e.CheckpointSaved):
            trainer.poller.checkpoints = max(trainer.poller.checkpoints, event.count)
        elif isinstance(event, e.PreviewMade):
            trainer.poller.previews = max(trainer.poller.previews, event.count)


def _prepared(trainer: Trainer) -> e.RunPrepared:
    ranks = trainer.train_step.ranks
    return e.RunPrepared(
        device=str(trainer.device) if ranks.size == 1 else f"{ranks.size} x {trainer.device.type}",
        precision=str(trainer.precision).removeprefix("torch."),
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        steps_per_epoch=trainer.steps_per_epoch,
        total_epochs=trainer.recipe.train.epochs,
        minutes=trainer.recipe.train.minutes,
        skipped=trainer.task.skipped,
        **trainer.task.prepared_facts(),
    )


def save_model(home: Home, trainer: Trainer, data: TrainingData, finished: bool) -> e.ModelSaved:
    """Put the best epoch's weights into the library, load them back, and check that they give the same."""
    recipe, best, run = trainer.recipe, trainer.best, trainer.run_folder
    level_distances = _level_distances(trainer)
    state = trainer.follower.catch_up()
    losses = {key.removeprefix("loss/"): value for key, value in best["numbers"].items() if key.startswith("loss/")}
    card = Card(
        name=recipe.name,
        run=run.id,
        started_from=read_card(run.start).id if recipe.train.start_from else "",
        program=__version__,
        step=best["step"],
        epoch=best["epoch"],
        seconds_trained=round(trainer.clock.seconds, 3),
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        recipe=toml.to_dict(with_values(recipe, best["knobs"])),
        losses=losses | {trainer.task.distance_name: best["distance"]},
        distances=sound_quality.of_log(best["numbers"]),
        anchors={} if (ends := state.anchors) is None else {"floor": ends.floor, "ceiling": ends.ceiling},
        history={
            key: thin(series.steps, series.epochs, series.values)
            for key, series in state.series.items()
            if key.startswith(("loss/", "distance/", "bits/"))
        },
        data=data.described() | trainer.task.data_facts(),
        finished=finished,
        notes=[
            *(f"{knob.key}: {knob.old:g} to {knob.new:g} at step {knob.step}" for knob in state.knobs),
            *(warning.text for warning in state.warnings),
        ],
        level_distances=level_distances,
        **trainer.task.card_facts(best),
    )
    saved, path = Library(home).save(trainer.task.model_tensors(best["weights"]), card)
    _check_saved(path, trainer)
    event = e.ModelSaved(
        id=saved.id, name=saved.name, path=encode_path(path), step=best["step"], level_distances=level_distances
    )
    trainer.log.write(event)
    return event


def _level_distances(trainer: Trainer) -> list[float | None]:
    """The task's `level_distances` of the best epoch's weights."""
    net = copy.deepcopy(trainer.ema_net)
    net.load_state_dict(trainer.best["weights"])
    return trainer.validator.within_memory(lambda: trainer.task.level_distances(net), trainer.step)


def _check_saved(path: Path, trainer: Trainer) -> None:
    """Load the model from its file and compare it with the one in memory, on held-out data.

    Raises:
        DistillError: they differ.
    """
    loaded, _ = load_net(path)
    # a copy: what trains stays on its device and as it is, for the last checkpoint and preview
    kept = copy.deepcopy(trainer.ema_net).to("cpu")
    kept.load_state_dict(trainer.best["weights"])
    if not torch.equal(trainer.task.output(loaded), trainer.task.output(kept)):
        raise DistillError(f"{path}: the model that was saved does not give what the one that was trained gives")
