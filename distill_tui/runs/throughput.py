"""Throughput of earlier runs on this machine, and the time per epoch it predicts for a new recipe."""

import math
import platform
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from distill_tui.paths import Home
from distill_tui.recipe.arithmetic import frame_rate
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import parameters
from distill_tui.runs import events as e
from distill_tui.runs.folder import list_runs
from distill_tui.runs.log import LogReader, tail_events

MOST_RUNS = 50
FAR = 4.0
"""Ratio of work beyond which a net predicts nothing: costs that do not grow with the net weigh too much."""
HEAD_BYTES = 16384


@dataclass(frozen=True)
class Throughput:
    """Throughput of a run: `sound_rate` in seconds of sound per second, with a net of so many parameters.

    `frame_rate` is in latent frames per second.
    """

    run: str
    device: str
    sound_rate: float
    parameters: int
    frame_rate: float


def measured(home: Home, device: str) -> list[Throughput]:
    """Throughput of the runs that ended on this machine and this kind of device, newest first."""
    measurements = []
    for run in list_runs(home)[:MOST_RUNS]:
        head, tail = LogReader(run.events).read_new(HEAD_BYTES), tail_events(run.events)
        started = next((event for event in head if isinstance(event, e.Started)), None)
        prepared = next((event for event in head if isinstance(event, e.RunPrepared)), None)
        ended = any(isinstance(event, e.Finished | e.Stopped) for event in tail)
        if started is None or prepared is None or not ended or started.host not in ("", platform.node()):
            continue
        if _kind(prepared.device) != _kind(device) or not prepared.parameters or not prepared.frame_rate:
            continue
        rates = [event.values.get("rate/sound") for event in tail if isinstance(event, e.Metrics)]
        known = [rate for rate in rates if rate]
        if known:
            rate, frames = statistics.median(known), float(prepared.frame_rate)
            measurements.append(Throughput(run.id, prepared.device, rate, prepared.parameters, frames))
    return measurements


def nearest(measurements: Iterable[Throughput], recipe: Recipe) -> Throughput | None:
    """The measurement nearest in work to a resolved recipe, the newest of several; None if none is near."""
    far = {one: abs(math.log(_work(recipe, one))) for one in measurements}
    best = min(far, key=lambda one: far[one], default=None)
    return best if best is not None and far[best] <= math.log(FAR) else None


def epoch_seconds(recipe: Recipe, measured: Throughput) -> float:
    """Estimated seconds per epoch of a resolved recipe.

    The work per second of sound is taken to grow with the net's parameters and its frame rate.
    """
    train = recipe.train
    sound = int(train.steps_per_epoch) * int(train.batch_size) * float(recipe.data.crop_seconds)
    return sound * _work(recipe, measured) / measured.sound_rate


def _work(recipe: Recipe, measured: Throughput) -> float:
    """Work per second of sound, relative to the net that was measured."""
    return parameters(recipe) * frame_rate(recipe) / (measured.parameters * measured.frame_rate)


def _kind(device: str) -> str:
    return device.partition(":")[0]
