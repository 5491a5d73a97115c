"""How fast this machine trained before, and what that says of a recipe that has not been trained yet."""

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
"""A net that is so many times as much work, or as little, says nothing: what does not grow with it weighs too much."""
HEAD_BYTES = 16384


@dataclass(frozen=True)
class Throughput:
    """What a run reached: `sound_rate` in seconds of sound a second, with a net of this size, on this kind of device.

    `frame_rate` is in latent frames a second.
    """

    run: str
    device: str
    sound_rate: float
    parameters: int
    frame_rate: float


def measured(home: Home, device: str) -> list[Throughput]:
    """The paces of the runs that came to an end on this machine and this kind of device, the newest first."""
    found = []
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
            found.append(Throughput(run.id, prepared.device, rate, prepared.parameters, frames))
    return found


def nearest(paces: Iterable[Throughput], recipe: Recipe) -> Throughput | None:
    """The newest pace of those that are nearest in work to a resolved recipe; None when none is near."""
    far = {pace: abs(math.log(_work(recipe, pace))) for pace in paces}
    best = min(far, key=lambda pace: far[pace], default=None)
    return best if best is not None and far[best] <= math.log(FAR) else None


def epoch_seconds(recipe: Recipe, pace: Throughput) -> float:
    """About how long an epoch of a resolved recipe takes: the work of a second of sound is taken to grow with the
    net's parameters and with its frames."""
    train = recipe.train
    sound = int(train.steps_per_epoch) * int(train.batch_size) * float(recipe.data.crop_seconds)
    return sound * _work(recipe, pace) / pace.sound_rate


def _work(recipe: Recipe, pace: Throughput) -> float:
    """How many times the work of the pace's net a second of sound is."""
    return parameters(recipe) * frame_rate(recipe) / (pace.parameters * pace.frame_rate)


def _kind(device: str) -> str:
    return device.partition(":")[0]
