"""One training by several processes (ranks), on torch.distributed: what a rank has of a batch, and what they add up.

Every rank cuts the same batch and takes its share of the examples. Encoder and decoder see the share alone; a quantizer
sees the whole batch on every rank, so whatever it counts, draws or learns is the same everywhere. Gradients are added
up once a step, in one flat buffer. `Ranks` itself is one process, to which all of this is nothing.
"""

import contextlib
import datetime
import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import torch
import torch.distributed as dist
from msgspec import Struct
from torch import Tensor, nn

from distill_tui.engine.device import is_out_of_memory
from distill_tui.errors import DistillError

STEP_TIMEOUT = datetime.timedelta(minutes=10)
"""Within a step ranks wait for each other so long at most: one that compiles the net takes minutes."""
MEETING_TIMEOUT = datetime.timedelta(days=1)
"""A launcher's other ranks wait so long for rank 0 at most, which reads all sounds first."""
IDLE_TIMEOUT = datetime.timedelta(days=30)
"""For the next step: rank 0 may be paused. A process or a machine that dies closes its connections, which ends that."""
MESSAGE_BYTES = 1 << 14


class RankLostError(DistillError):
    """Another rank does not answer any more."""


class Prepare(Struct, tag="prepare"):
    """Get ready to train the run in this folder, which has been read and decoded by rank 0 into this home's cache."""

    home: str
    run: str
    device: str
    precision: str


class Step(Struct, tag="step"):
    """Train a step: everything that rank 0 read from a clock or a file, or decided.

    Args:
        weights: of the losses by name.
        settings: of the task (`Task.step_settings`).
        with_state: whether a state follows, which replaces that of this rank.
        with_use: whether each rank tells its use of its device afterwards.
    """

    number: int
    lr: float
    weights: dict[str, float]
    parts: int
    settings: dict[str, float] = {}
    with_state: bool = False
    with_use: bool = False


class Compile(Struct, tag="compile"):
    """Compile the net for the batch of this step."""

    number: int
    weights: dict[str, float]


class End(Struct, tag="end"):
    """The training is over."""


Message = Prepare | Step | Compile | End
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class Ranks:
    """One process: it has the whole batch, and waits for nobody.

    `size` processes train together, `local_size` of them on this machine; this one is number `rank`, and rank 0 leads.
    """

    rank, size, local_size = 0, 1, 1

    def bounds(self, count: int) -> tuple[int, int]:
        """The first of this rank's examples of a batch of `count`, and the one after its last."""
        return 0, count

    def share(self, batch: Tensor) -> Tensor:
        """This rank's examples of a batch [examples, ...]."""
        return batch

    def gather(self, share: Tensor, count: int) -> Tensor:  # noqa: ARG002
        """The whole batch of `count` examples, of which each rank has its share."""
        return share

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Where the memory of one rank is too small for what is done within, it is on all: they retry together.

        Raises:
            RuntimeError: out of memory, here or on another rank.
            RankLostError: a rank does not answer.
        """
        yield

    def add_up(
        self,
        parameters: Sequence[nn.Parameter],  # noqa: ARG002
        values: dict[str, Tensor],
        same: Sequence[Tensor] = (),  # noqa: ARG002
    ) -> dict[str, Tensor]:
        """Add up the gradients of `parameters` over the ranks, in place; the sums of the scalars `values`.

        Args:
            same: tensors that every rank computes from the whole batch. Rank 0's replace the others': a device that
                adds in any order would let them part.
        """
        return values


ALONE = Ranks()


class ProcessRanks(Ranks):
    """Several processes, each with a device. Made by all of them at once, from torch's initialised process group.

    `on_end` is called once the training is over for the others (rank 0).
    """

    def __init__(self, local_size: int, on_end: Callable[[], None] = lambda: None) -> None:
        self.rank, self.size, self.local_size = dist.get_rank(), dist.get_world_size(), local_size
        self._data: Any = None
        with _talking():
            self._idle: Any = dist.new_group(timeout=IDLE_TIMEOUT, backend="gloo")
        self._dismissed, self._on_end = False, on_end

    def use(self, device: torch.device) -> None:
        """Exchange tensors between devices of this kind: by NCCL on NVIDIA GPUs, else by gloo."""
        if device.type == "cuda" and self._data is None:
            with _talking():
                self._data = dist.new_group(timeout=STEP_TIMEOUT, backend="nccl")

    # ---------------------------------------------------------------- within a step

    def bounds(self, count: int) -> tuple[int, int]:
        return self._bounds(count, self.rank)

    def _bounds(self, count: int, rank: int) -> tuple[int, int]:
        # as `torch.tensor_split`: the first ranks have one more
        share, more = divmod(count, self.size)
        first = rank * share + min(rank, more)
        return first, first + share + (rank < more)

    def share(self, batch: Tensor) -> Tensor:
        first, last = self.bounds(len(batch))
        return batch[first:last]

    def gather(self, share: Tensor, count: int) -> Tensor:
        most = -(-count // self.size)
        padded = share.contiguous()
        if len(share) < most:
            padded = torch.cat((padded, padded.new_zeros(most - len(share), *share.shape[1:])))
        whole = padded.new_empty(self.size * most, *share.shape[1:])
        with _talking():
            dist.all_gather(list(torch.split(whole, most)), padded, self._data)
        if count == len(whole):
            return whole
        sizes = (self._bounds(count, rank) for rank in range(self.size))
        return torch.cat([whole[n * most : n * most + last - first] for n, (first, last) in enumerate(sizes)])

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if is_out_of_memory(error):
                self._vote(True)
            raise
        if self._vote(False):
            raise torch.OutOfMemoryError("out of memory on another rank")

    def _vote(self, failed: bool) -> bool:
        """Tell the others that something failed here; whether it did anywhere. It does not wait for a device."""
        votes = torch.tensor([int(failed)])
        with _talking():
            dist.all_reduce(votes, dist.ReduceOp.MAX)
        return bool(votes.item())

    def add_up(
        self, parameters: Sequence[nn.Parameter], values: dict[str, Tensor], same: Sequence[Tensor] = ()
    ) -> dict[str, Tensor]:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        # a sum with zeros is exact
        leading = [tensor if self.rank == 0 else torch.zeros_like(tensor) for tensor in same]
        pieces = [*gradients, *leading, *values.values()]
        with _talking():
            flat = torch.cat([piece.detach().reshape(-1).float() for piece in pieces])
            dist.all_reduce(flat, group=self._data)
        totals = [
            total.view(piece.shape)
            for total, piece in zip(torch.split(flat, [p.numel() for p in pieces]), pieces, strict=True)
        ]
        with torch.no_grad():
            for target, total in zip([*gradients, *same], totals, strict=False):
                target.copy_(total)
        return dict(zip(values, totals[len(totals) - len(values) :], strict=True))

    # ---------------------------------------------------------------- between steps

    def send(self, message: Message) -> None:
        """Tell all ranks what comes next (rank 0)."""
        content = msgspec.json.encode(message)
        buffer = torch.zeros(MESSAGE_BYTES, dtype=torch.uint8)
        buffer[: len(content)] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        with _talking():
            dist.broadcast(buffer, 0, self._idle)

    def dismiss(self) -> None:
        """Tell the others, once, that the training is over, and part from them (rank 0)."""
        if self._dismissed:
            return
        self._dismissed = True
        # one that has just died is not needed any more
        with contextlib.suppress(RankLostError):
            self.send(End())
            self.part()
        self._on_end()

    def part(self) -> None:
        """Close the devices' connections, at the same point on all ranks: of NCCL that is a collective operation."""
        if self._data is not None:
            with _talking():
                dist.destroy_process_group(self._data)
            self._data = None

    def close(self) -> None:
        """Close the other connections. Where the ranks have not parted, nothing: NCCL would wait for a dead one."""
        if self._data is None:
            dist.destroy_process_group()

    def receive(self) -> Message:
        """Wait for what rank 0 says next."""
        buffer = torch.zeros(MESSAGE_BYTES, dtype=torch.uint8)
        with _talking():
            dist.broadcast(buffer, 0, self._idle)
        return _decoder.decode(buffer.numpy().tobytes().rstrip(b"\0"))

    def send_state(self, state: dict[str, Any]) -> None:
        """Give all ranks a state of tensors, numbers and texts, nested (rank 0)."""
        file = io.BytesIO()
        torch.save(state, file)
        content = torch.frombuffer(bytearray(file.getbuffer()), dtype=torch.uint8)
        with _talking():
            dist.broadcast(torch.tensor([len(content)]), 0, self._idle)
            dist.broadcast(content, 0, self._idle)

    def receive_state(self) -> dict[str, Any]:
        """The state that rank 0 gives, its tensors on the CPU."""
        size = torch.zeros(1, dtype=torch.int64)
        with _talking():
            dist.broadcast(size, 0, self._idle)
            content = torch.zeros(int(size.item()), dtype=torch.uint8)
            dist.broadcast(content, 0, self._idle)
        state: dict[str, Any] = torch.load(io.BytesIO(content.numpy().tobytes()), map_location="cpu", weights_only=True)
        return state

    def exchange(self, fact: Any) -> list[Any]:
        """A fact of each rank, in their order."""
        facts: list[Any] = [None] * self.size
        with _talking():
            dist.all_gather_object(facts, fact)
        return facts


def local_ranks() -> int:
    """The ranks on this machine; 1 where there is one process."""
    # rank 0 that started the others itself has no such variable: all of them are here
    count = os.environ.get("LOCAL_WORLD_SIZE") if dist.is_initialized() else "1"
    return int(count) if count else dist.get_world_size()


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    """Turn what torch raises when another process is gone into a RankLostError.

    So is memory that is too small for what is exchanged: ranks that wait for this one could not retry with it.
    """
    try:
        yield
    except RuntimeError as error:
        raise RankLostError(f"a rank does not answer any more: {(str(error).splitlines() or [''])[0][:300]}") from error
