"""A training step as one CUDA graph: the host launches it once, instead of a thousand kernels one after the other.

On an H100 the host needed 30 to 45 ms to launch what the card does in 5 (tests/benchmarks/RESULTS.md). A graph replays
the kernels of one step on the very tensors that they had, so whatever changes from step to step is copied into those
before. Where nothing is captured, on other devices too, the same function runs on the host's own values.
"""

import gc
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from distill_tui.engine.training.seeds import device_generator

EAGER_STEPS = 3
"""Steps of a kind before it is captured: libraries choose and load their kernels, the optimizer makes its state."""
ALIGNMENT = 16
"""Bytes; each of the inputs begins at a multiple of it."""

Inputs = Mapping[str, Any]
"""What a step takes from the host, by name: tensors and numbers."""
Body = Callable[[Inputs], dict[str, Tensor]]
"""A step, as a function of its inputs."""


class Graph(Protocol):
    """What was captured."""

    def replay(self) -> None: ...


class StaticInputs:
    """Inputs in tensors that stay where they are: those of the host in one buffer, filled by one copy a step.

    Args:
        inputs: of the names, shapes and types of all that follow; numbers are scalars.
    """

    def __init__(self, inputs: Inputs, device: torch.device) -> None:
        self._device = device
        # where each input of the host lies in the buffer, in bytes; it is sliced by its type's size
        self._places: dict[str, tuple[int, torch.Size, torch.dtype]] = {}
        self.tensors: dict[str, Tensor] = {}
        end = 0
        for name, value in inputs.items():
            if _is_on_host(value):
                tensor = _as_tensor(value)
                self._places[name] = end, tensor.shape, tensor.dtype
                end += math.ceil(tensor.nbytes / ALIGNMENT) * ALIGNMENT
            else:
                self.tensors[name] = torch.empty_like(value)
        self._buffer = torch.zeros(end, dtype=torch.uint8, device=device)
        self.tensors |= self._views(self._buffer)

    def fill(self, inputs: Inputs) -> None:
        """Copy a step's inputs in, without waiting for the device."""
        # pinned memory of torch's cache, which does not give it out again before it was copied
        staged = torch.empty(len(self._buffer), dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        for name, view in self._views(staged).items():
            view.copy_(_as_tensor(inputs[name]))
        self._buffer.copy_(staged, non_blocking=True)
        for name, tensor in self.tensors.items():
            if name not in self._places:
                tensor.copy_(inputs[name])

    def _views(self, buffer: Tensor) -> dict[str, Tensor]:
        views = {}
        for name, (start, shape, dtype) in self._places.items():
            size = shape.numel() * dtype.itemsize
            views[name] = buffer[start : start + size].view(dtype).view(shape)
        return views


class StepGraph:
    """Runs training steps: a few of each kind eagerly, on a stream of their own, and then as one graph.

    `error` tells why a step could not be captured; from then on all steps run eagerly.

    Args:
        wanted: False runs every step eagerly.
    """

    def __init__(self, device: torch.device, wanted: bool) -> None:
        self._device, self.wanted = device, wanted
        self.error = ""
        self._stream: Any = None
        self._graph: Graph | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the graph and its memory: it works on tensors that are others from now on, or knows other numbers."""
        if self._graph is not None and self._device.type == "cuda":
            # the last step may be at work on it
            torch.cuda.synchronize(self._device)
        self._kind: Hashable = None
        self._static: StaticInputs | None = None
        self._graph = None
        self._outputs: dict[str, Tensor] = {}
        self._steps = 0

    @property
    def is_captured(self) -> bool:
        """Whether the next step of the same kind is one launch."""
        return self._graph is not None

    @property
    def can_capture(self) -> bool:
        return self.wanted and not self.error

    def run(
        self, key: Hashable, inputs: Inputs, body: Body, generators: Callable[[], Sequence[torch.Generator]] = tuple
    ) -> dict[str, Tensor]:
        """Run one step; its scalars, which the next one overwrites.

        Args:
            key: what decides, beside shapes, which operations a step has; with None it runs eagerly.
            body: it asks the device for nothing, seeds no generator, and changes what the next step finds again in
                place.
            generators: of the device, that it draws from beside torch's own. All are seeded by now.
        """
        if key is None or not self.can_capture:
            if self._kind is not None:
                self.reset()
            return body(inputs)
        kind = key, tuple((name, *_type_of(value)) for name, value in inputs.items())
        if kind != self._kind or self._static is None:
            self.reset()
            self._kind, self._static = kind, StaticInputs(inputs, self._device)
        self._static.fill(inputs)
        if self._graph is None and self._steps >= EAGER_STEPS:
            self._try_capture(body, generators())
        if self._graph is not None:
            self._graph.replay()
            return self._outputs
        self._steps += 1
        with self._beside():
            return body(self._static.tensors)

    def _try_capture(self, body: Body, generators: Sequence[torch.Generator]) -> None:
        """Capture the step, which does not run by that; `error` if it cannot be."""
        assert self._static is not None
        try:
            self._graph, self._outputs = self._capture(body, self._static.tensors, generators)
        # whatever a library says to being captured: the steps are as good without
        except Exception as error:  # noqa: BLE001
            cause = error.__cause__ or error
            lines = str(cause).strip().splitlines()
            self.error = lines[0][:200] if lines else type(cause).__name__

    def _capture(
        self, body: Body, inputs: Inputs, generators: Sequence[torch.Generator]
    ) -> tuple[Graph, dict[str, Tensor]]:
        """The graph of a step on `inputs`, and where it leaves its scalars.

        Raises:
            RuntimeError: CUDA, or a library, refuses something that the step does. Nothing has run on the device.
        """
        graph = torch.cuda.CUDAGraph()
        for generator in generators:
            graph.register_generator_state(generator)
        # what the collector frees meanwhile may be the graph of another step
        gc.collect()
        gc.disable()
        try:
            # other threads may use the device meanwhile, as one that writes a checkpoint does
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                return graph, body(inputs)
        except Exception:
            graph.reset()
            _renew([torch.cuda.default_generators[self._device.index or 0], *generators], self._device)
            raise
        finally:
            gc.enable()

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """On the stream on which the step is captured later, in turn with the current one."""
        if self._device.type != "cuda":
            yield
            return
        if self._stream is None:
            self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        before = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(before)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            before.wait_stream(self._stream)


def _renew(generators: Sequence[torch.Generator], device: torch.device) -> None:
    """Give generators a new state: one that took part in a capture that failed refuses to draw outside of it."""
    for generator in generators:
        fresh = device_generator(device)
        fresh.manual_seed(generator.initial_seed())
        generator.graphsafe_set_state(fresh.graphsafe_get_state())


def _is_on_host(value: Any) -> bool:
    return not isinstance(value, Tensor) or value.device.type == "cpu"


def _as_tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.tensor(value, dtype=torch.int64 if isinstance(value, int) else torch.float32)


def _type_of(value: Any) -> tuple[Any, ...]:
    return (value.shape, value.dtype) if isinstance(value, Tensor) else (type(value),)
