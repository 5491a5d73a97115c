"""A rank that something happens to: `python -m tests.engine.faulty_rank`, in place of `distill_tui.engine.rank`.

FAULTS names it: `kill@3` before its step 3, `memory@3` in that step, `nan@3` in its gradients, `kill@prepare`,
`fail@prepare`. WEIGHTS is a file that its weights are written to after each step.
"""

import os
import signal
import sys
from typing import Any

import torch

from distill_tui.engine import rank
from distill_tui.engine.tasks import codec
from distill_tui.engine.training import train_step
from distill_tui.errors import DistillError

FAULTS = os.environ["FAULTS"].split()
_plain_step, _plain_backward = train_step.TrainStep.step, codec.CodecTask.backward
_met: set[str] = set()


def _meets(fault: str) -> bool:
    """Whether this fault is to happen, which it does once."""
    if fault not in FAULTS or fault in _met:
        return False
    _met.add(fault)
    return True


def _step(self: Any, data: Any, number: int, *rest: Any) -> Any:
    if _meets(f"kill@{number}"):
        os.kill(os.getpid(), signal.SIGKILL)
    self.task.number = number
    values = _plain_step(self, data, number, *rest)
    if "WEIGHTS" in os.environ:
        torch.save(self.net.state_dict(), os.environ["WEIGHTS"])
    return values


def _encode(net: Any, number: int) -> Any:
    plain = type(net).encode.__get__(net)

    def encode(data: torch.Tensor) -> torch.Tensor:
        if _meets(f"memory@{number}"):
            raise torch.OutOfMemoryError("CUDA out of memory, as a test has it")
        latents: torch.Tensor = plain(data)
        return latents * float("nan") if _meets(f"nan@{number}") else latents

    return encode


def _backward(self: Any, net: Any, data: Any, options: Any) -> Any:
    net.encode = _encode(net, self.number)
    return _plain_backward(self, net, data, options)


def _from_data(*_: Any) -> None:
    if _meets("kill@prepare"):
        os.kill(os.getpid(), signal.SIGKILL)
    raise DistillError("its sounds are on another disk")


train_step.TrainStep.step = _step  # type: ignore[assignment,method-assign]
codec.CodecTask.backward = _backward  # type: ignore[method-assign]
if any(fault.endswith("@prepare") for fault in FAULTS):
    codec.CodecTask.from_data = _from_data  # type: ignore[assignment,method-assign]
sys.exit(rank.main(sys.argv[1:]))
