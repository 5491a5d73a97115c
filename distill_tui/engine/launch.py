"""The processes of a run: rank 0 is its worker, which starts the others here or meets those that a launcher started.

The others die with rank 0: they read its end from a pipe. And one that dies ends the run: a thread of rank 0 watches
them, for a collective operation may wait for a dead process for minutes.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from distill_tui.engine.training.distributed import (
    ALONE,
    MEETING_TIMEOUT,
    STEP_TIMEOUT,
    Prepare,
    ProcessRanks,
    RankLostError,
    Ranks,
)
from distill_tui.errors import DistillError, RequestError
from distill_tui.interpreter import python
from distill_tui.machine import COMPUTING, this_machine
from distill_tui.paths import Home
from distill_tui.recipe.devices import cannot_share, devices_of
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.launcher import Launched, launched
from distill_tui.runs.log import LogWriter

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.1
NOTICE_SECONDS = 3.0
"""A connection breaks a moment before the process that held it can be asked for its exit code."""
GRACE_SECONDS = 15.0
"""Time for rank 0 to notice a dead rank by itself; after that its thread ends the process."""
END_SECONDS = 10.0
MISSED = 4
"""Exit code of a rank that ends because another does not answer."""


@dataclass(frozen=True)
class Other:
    """Another rank on this machine, and its process."""

    rank: int
    device: str
    process: subprocess.Popen[bytes]

    def __str__(self) -> str:
        return f"rank {self.rank} (process {self.process.pid} on {self.device})"


@contextlib.contextmanager
def open_ranks(run: RunFolder, recipe: Recipe, log: LogWriter) -> Iterator[tuple[Ranks, str]]:
    """The ranks that a run trains on, as rank 0 sees them, and the device of this one; ended with this context.

    Raises:
        RequestError: the machine has not the devices, or the launcher's processes are not enough.
        DistillError: a rank could not be started, or died: which one, and why.
    """
    by_launcher = launched()
    if by_launcher is not None:
        with _met(by_launcher, recipe) as ranks:
            yield ranks, device_of(recipe, by_launcher)
        return
    devices, problem = devices_of(recipe, this_machine())
    if problem:
        raise RequestError(problem, f"Choose others: distill-tui resume {run.id} --devices N")
    if len(devices) < 2:
        yield ALONE, devices[0]
        return
    with _started(run, devices, log) as ranks:
        yield ranks, devices[0]


def device_of(recipe: Recipe, place: Launched) -> str:
    """The device of a process that a launcher has started: the GPU of its number on its machine, or the CPU.

    Raises:
        RequestError: there are fewer GPUs than processes.
    """
    if not recipe.train.device.startswith("cuda"):
        return recipe.train.device
    listed, machine = recipe.train.devices, this_machine()
    numbers = [int(n) for n in listed.split(",")] if "," in listed else [gpu.index for gpu in machine.gpus]
    if place.local_rank >= len(numbers) or numbers[place.local_rank] >= len(machine.gpus):
        raise RequestError(
            f"rank {place.rank} is process {place.local_rank + 1} of {place.local_size} on its machine, which has "
            f"{len(machine.gpus)} GPUs for it",
            "Start one process a GPU: torchrun --nproc-per-node gpu",
        )
    return f"cuda:{numbers[place.local_rank]}"


def prepare(
    ranks: Ranks, home: Home, run: RunFolder, device: torch.device, precision: torch.dtype, digest: int
) -> None:
    """Have the other ranks get ready, once the run's data is decoded; return when all are.

    Args:
        digest: of the task's data (`Task.data_digest`).

    Raises:
        DistillError: one cannot, or has other data: which, and why.
    """
    if not isinstance(ranks, ProcessRanks):
        return
    ranks.send(Prepare(str(home.root), str(run.path), device.type, str(precision).removeprefix("torch.")))
    ranks.use(device)
    for rank, (reason, theirs) in enumerate(ranks.exchange(("", digest))):
        if reason:
            raise DistillError(f"rank {rank} cannot train: {reason}", f"Its log is {run.worker_log}")
        if theirs != digest:
            raise DistillError(
                f"rank {rank} has other data than rank 0",
                f"The sounds, and the home {home.root}, must be the same on all machines.",
            )


def meet(place: Launched) -> None:
    """Meet the other processes of a launcher; those of other ranks wait for rank 0, which may read sounds for hours.

    Raises:
        RuntimeError: of torch: there is no meeting.
    """
    is_first = place.rank == 0
    store, _, _ = next(rendezvous("env://", timeout=STEP_TIMEOUT if is_first else MEETING_TIMEOUT))
    # torchrun keeps its store when it starts the processes again
    key = f"met/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    if is_first:
        store.set(key, "")
    else:
        store.wait([key], MEETING_TIMEOUT)
    store.set_timeout(STEP_TIMEOUT)
    dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size, timeout=STEP_TIMEOUT)


@contextlib.contextmanager
def _met(place: Launched, recipe: Recipe) -> Iterator[ProcessRanks]:
    """Meet the ranks that a launcher has started."""
    try:
        meet(place)
    except RuntimeError as error:
        raise DistillError(
            f"the {place.size} ranks cannot meet at {place.meeting}: {(str(error).splitlines() or [''])[0][:300]}",
            "Choose another MASTER_PORT (torchrun: --rdzv-endpoint HOST:PORT) if that one is in use.",
        ) from error
    try:
        ranks = ProcessRanks(place.local_size)
        if problem := cannot_share(place.size, recipe):
            ranks.dismiss()
            raise RequestError(problem, "Start fewer processes.")
        yield ranks
        ranks.dismiss()
        ranks.close()
    except RankLostError as error:
        raise DistillError(
            error.message, "Its own output says why. The run goes on from its last checkpoint."
        ) from error


@contextlib.contextmanager
def _started(run: RunFolder, devices: list[str], log: LogWriter) -> Iterator[ProcessRanks]:
    """Start the other ranks on this machine, and meet them."""
    # not in every build of torch
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    # gloo looks for the network by the machine's name, which need not be known to it
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    # port 0: the system gives one that is free
    store = TCPStore(LOOPBACK, 0, len(devices), is_master=True, wait_for_workers=False, timeout=STEP_TIMEOUT)
    advice = f"Go on from its last checkpoint: distill-tui resume {run.id}"
    watch = Watch(log, store, advice)
    log.write(e.StateChanged(state="starting", detail=f"starting {len(devices)} processes"))
    try:
        for rank, device in list(enumerate(devices))[1:]:
            watch.others.append(Other(rank, device, _start(rank, device, len(devices), store.port)))
        watch.wait_until_here()
        watch.start()
        _open(store, len(devices))
        # once they are dismissed, no end of theirs matters
        ranks = ProcessRanks(len(devices), watch.stop)
        yield ranks
        ranks.dismiss()
        watch.wait_for_end()
        ranks.close()
    except RankLostError as error:
        raise DistillError(watch.why_lost() or error.message, advice) from error
    finally:
        watch.stop()
        watch.kill()


def _open(store: Any, size: int) -> None:
    """Open the connections to the ranks that rank 0 has started.

    Raises:
        RankLostError: one does not come.
    """
    try:
        dist.init_process_group("gloo", store=store, rank=0, world_size=size, timeout=STEP_TIMEOUT)
    except RuntimeError as error:
        reason = (str(error).splitlines() or [""])[0][:300]
        raise RankLostError(f"the {size} ranks cannot meet: {reason}") from error


def _start(rank: int, device: str, size: int, port: int) -> subprocess.Popen[bytes]:
    """Start a rank; what it prints goes where this process's output goes."""
    place = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(port),
    }
    return subprocess.Popen(
        python("-m", "distill_tui.engine.rank", "--device", device),
        stdin=subprocess.PIPE,
        env={**COMPUTING, **os.environ, **place},
        close_fds=True,
    )


class Watch:
    """Watches the other ranks on this machine; if one dies and rank 0 does not notice, it ends the run."""

    def __init__(self, log: LogWriter, store: Any, advice: str) -> None:
        self.others: list[Other] = []
        self._log, self._store, self._advice = log, store, advice
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ranks", daemon=True)

    def wait_until_here(self) -> None:
        """Return once every rank has loaded torch.

        Raises:
            DistillError: one has died.
        """
        keys = [here_key(other.rank) for other in self.others]
        while not self._store.check(keys):
            if reason := self._reason():
                raise DistillError(reason, self._advice)
            time.sleep(POLL_SECONDS / 2)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer: the ranks may end."""
        self._stopped.set()

    def why_lost(self) -> str:
        """Why a rank does not answer; '' where all live on."""
        deadline = time.monotonic() + NOTICE_SECONDS
        while time.monotonic() < deadline:
            if any(other.process.poll() not in (None, 0, MISSED) for other in self.others):
                break
            time.sleep(POLL_SECONDS / 4)
        return self._reason()

    def wait_for_end(self) -> None:
        """Wait for the ranks to end, but not for ever."""
        deadline = time.monotonic() + END_SECONDS
        for other in self.others:
            with contextlib.suppress(subprocess.TimeoutExpired):
                other.process.wait(max(0.0, deadline - time.monotonic()))

    def kill(self) -> None:
        """End what still runs."""
        for other in self.others:
            other.process.kill()
            other.process.wait()
            if other.process.stdin:
                other.process.stdin.close()

    def _reason(self) -> str:
        """What became of a rank that has ended, other than by rank 0's word; '' for none.

        Of several, one that ended of itself: the rest only missed it.
        """
        ended = [(other, code) for other in self.others if (code := other.process.poll())]
        ended.sort(key=lambda one: one[1] == MISSED)
        return self._ending(*ended[0]) if ended else ""

    def _ending(self, other: Other, code: int) -> str:
        if code < 0:
            memory = " (too little memory is the usual cause)" if code == -signal.SIGKILL else ""
            return f"{other} was killed by {_signal_name(-code)}{memory}"
        if code == MISSED:
            return f"{other} lost its connection"
        key = error_key(other.rank)
        # the rank may have left no word
        with contextlib.suppress(RuntimeError):
            if self._store.check([key]):
                return f"{other} failed: {self._store.get(key).decode(errors='replace')}"
        return f"{other} ended with code {code}"

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            reason = self._reason()
            if reason and not self._stopped.wait(GRACE_SECONDS):
                # rank 0 waits for a device that waits for the dead rank's: nothing else can end that
                with contextlib.suppress(DistillError):
                    self._log.write(e.Failed(reason=reason, advice=self._advice))
                print(reason, file=sys.stderr, flush=True)
                os._exit(1)


def here_key(rank: int) -> str:
    """The key of the store under which a rank says that it is ready to meet the others."""
    return f"here/{rank}"


def error_key(rank: int) -> str:
    """The key of the store under which a rank leaves why it ends."""
    return f"error/{rank}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
