"""A stand-in for a CUDA graph: the operations of a step, recorded one by one, and done again on the same tensors.

Whatever the host knew when it was recorded stays as it was, as in a graph; and recording changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique", "_unique2"}
"""Operations that wait for the device: CUDA refuses to capture them."""


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors in tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [one for part in value for one in tensors_in(part)] if isinstance(value, (list, tuple)) else []


def memory(tensor: torch.Tensor) -> torch.UntypedStorage:
    """Where a tensor's values are; those of a stand-in for a device's are in another tensor."""
    values: torch.Tensor = vars(tensor).get("inner", tensor)
    return values.untyped_storage()


class Recording(TorchDispatchMode):
    """Notes the operations that are done within; `replay` does them again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[torch.Tensor]]] = []
        self._own: set[int] = set()
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket.__name__ in WAITING:
            raise RuntimeError(f"{func}: operation not permitted when stream is capturing")
        given = tensors_in((args, kwargs))
        for tensor in given if func._schema.is_mutable else ():
            storage = memory(tensor)
            if storage.data_ptr() not in self._own | set(self._before):
                self._before[storage.data_ptr()] = storage, storage.clone()
        result = func(*args, **kwargs)
        theirs = {memory(tensor).data_ptr() for tensor in given}
        made = [tensor for tensor in tensors_in(result) if memory(tensor).data_ptr() not in theirs]
        self._own |= {memory(tensor).data_ptr() for tensor in made}
        if made or func._schema.is_mutable:
            self.calls.append((func, args, kwargs, made))
        return result

    def undo(self) -> None:
        """Put back all that was there before and has been changed."""
        for storage, before in self._before.values():
            storage.copy_(before)

    @torch.no_grad()
    def replay(self) -> None:
        """Do the step again."""
        for func, args, kwargs, made in self.calls:
            result = func(*args, **kwargs)
            if made:
                theirs = {memory(tensor).data_ptr() for tensor in tensors_in((args, kwargs))}
                again = [tensor for tensor in tensors_in(result) if memory(tensor).data_ptr() not in theirs]
                for old, new in zip(made, again, strict=True):
                    old.copy_(new)


def capture(
    _graph: object, body: Callable[[Any], Any], inputs: Any, generators: Sequence[torch.Generator]
) -> tuple[Recording, Any]:
    """In place of `StepGraph._capture`."""
    recording, random = Recording(), [*generators, torch.default_generator]
    states = [generator.get_state() for generator in random]
    try:
        with recording:
            outputs = body(inputs)
    finally:
        recording.undo()
        for generator, state in zip(random, states, strict=True):
            generator.set_state(state)
    return recording, outputs
