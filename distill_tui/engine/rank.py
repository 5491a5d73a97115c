"""A rank other than 0: trains its share of each batch as rank 0 says. `python -m distill_tui.engine.rank [--device D]`.

It is started by rank 0 (`engine/launch.py`), whose end it reads from its standard input, or by a launcher through the
command line. It writes no log and no checkpoint, and hears no signal that asks for an end: rank 0 says when. As rank 0
itself it only tells the others of a launcher that there is nothing to train.
"""

import argparse
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.engine.parent import end_with_parent, leave_ranks
from distill_tui.errors import DistillError
from distill_tui.machine import raise_file_limit
from distill_tui.paths import find_home
from distill_tui.runs.launcher import launched
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.training.distributed import Prepare, ProcessRanks, Step
    from distill_tui.engine.training.train_step import TrainStep


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.rank", description=__doc__)
    parser.add_argument("--device", help="the device of a rank that rank 0 has started")
    options = parser.parse_args(arguments)
    if options.device:
        end_with_parent()
        _hear_rank_0_only()
    raise_file_limit()
    # after the thread: importing torch takes seconds
    import torch.distributed as dist
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    from distill_tui.engine.launch import MISSED, error_key, here_key, meet
    from distill_tui.engine.training.distributed import STEP_TIMEOUT, ProcessRanks, RankLostError

    rank, leave_word = int(os.environ["RANK"]), _to_stderr
    if options.device:
        address, port, size = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), int(os.environ["WORLD_SIZE"])
        store = TCPStore(address, port, size, is_master=False, timeout=STEP_TIMEOUT)
        store.set(here_key(rank), "")
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=STEP_TIMEOUT)

        def leave_word(reason: str) -> None:
            _to_stderr(reason)
            with contextlib.suppress(RuntimeError):
                store.set(error_key(rank), printable(reason))
    else:
        place = launched()
        assert place is not None
        # a launcher may end this process as long as it has not met rank 0, which may never come
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            meet(place)
        except RuntimeError as error:
            _to_stderr(f"no meeting with rank 0 at {place.meeting}: {(str(error).splitlines() or [''])[0][:300]}")
            return MISSED
        _hear_rank_0_only()
    try:
        ranks = ProcessRanks(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
        if rank == 0:
            ranks.dismiss()
        else:
            _serve(ranks, options.device)
        return 0
    except RankLostError as error:
        # rank 0 says what there is to say
        print(f"rank {rank}: {error.message}", file=sys.stderr, flush=True)
        return MISSED
    except DistillError as error:
        leave_word(error.message)
    except Exception as error:  # noqa: BLE001 - rank 0 must hear of it
        leave_word(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
        traceback.print_exc()
    return 1


def _hear_rank_0_only() -> None:
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _to_stderr(reason: str) -> None:
    print(printable(f"rank {os.environ['RANK']}: {reason}"), file=sys.stderr, flush=True)


def _serve(ranks: "ProcessRanks", device: str | None) -> None:
    """Do what rank 0 says, until the end."""
    from distill_tui.engine.training.distributed import Compile, Prepare, Step
    from distill_tui.engine.training.rank_use import UseMeter

    step: TrainStep | None = None
    meter: UseMeter | None = None
    while True:
        message = ranks.receive()
        if isinstance(message, Prepare):
            step = _prepare(ranks, message, device)
            meter = UseMeter(step.device)
        elif step is None or meter is None:
            return
        elif isinstance(message, Compile):
            step.compile(step.task.batch(message.number), message.weights)
        elif isinstance(message, Step):
            _train(ranks, step, message)
            meter.count(ranks.bounds(int(step.recipe.train.batch_size)))
            if message.with_use:
                ranks.exchange(meter.read(ranks.rank))
        else:
            ranks.part()
            return


def _prepare(ranks: "ProcessRanks", message: "Prepare", device: str | None) -> "TrainStep":
    """The net in training and the data of a run; all ranks then know whether every one of them has got so far.

    Raises:
        DistillError: this one cannot.
    """
    import torch

    from distill_tui.engine.device import choose_device, make_deterministic
    from distill_tui.engine.launch import device_of
    from distill_tui.engine.tasks import task_of
    from distill_tui.engine.training.train_step import TrainStep
    from distill_tui.recipe import toml
    from distill_tui.recipe.fields import with_values
    from distill_tui.runs.folder import RunFolder

    def build() -> TrainStep:
        run = RunFolder(Path(message.run))
        recipe = toml.load(run.recipe)
        place = launched()
        assert place is not None
        where, _ = choose_device(with_values(recipe, {"train.device": device or device_of(recipe, place)}))
        if recipe.train.deterministic:
            make_deterministic(where)
        kind = task_of(recipe)
        task = kind.from_data(find_home(message.home), kind.load_data(run), recipe, where)
        return TrainStep(task, recipe, where, getattr(torch, message.precision), ranks)

    reason, step = _attempt(build)
    ranks.use(torch.device(message.device))
    ranks.exchange((reason, step.task.data_digest() if step is not None else 0))
    if step is None:
        raise DistillError(reason)
    return step


def _attempt(build: "Callable[[], TrainStep]") -> "tuple[str, TrainStep | None]":
    try:
        return "", build()
    except DistillError as error:
        return error.message, None
    except RuntimeError as error:
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}", None


def _train(ranks: "ProcessRanks", step: "TrainStep", message: "Step") -> None:
    if message.with_state:
        state = ranks.receive_state()
        step.task.load_state(state)
        step.load_state(state)
    step.parts = message.parts
    step.task.use_settings(message.settings)
    data = step.task.inputs(message.number)
    step.step(data, message.number, message.lr, message.weights, lambda _text: None)


if __name__ == "__main__":
    sys.exit(leave_ranks(main(sys.argv[1:])))
