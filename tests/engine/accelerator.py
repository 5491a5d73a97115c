"""A stand-in for an accelerator that this machine does not have: tensors that say `cuda:0` or `mps` and compute on the
CPU, with real values, and that refuse what a real device refuses: tensors of two devices in one operation, `numpy()`
of a device tensor, float64 on MPS.

torch's own FakeTensorMode holds no values, which a training needs at its logging steps, at its validation and in its
files; and its backward pass fails in a CUDA build without a driver (torch 2.14: "hasPrimaryContext").
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch._dynamo  # before anything is replaced: it looks at what we replace
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from distill_tui.engine.tasks import autoencoder
from distill_tui.engine.training import seeds
from distill_tui.engine.training.step_graph import StepGraph
from tests.engine import recording

MIXING = {"copy_", "_to_copy", "index", "index_put_"}
"""Operations that take tensors of two devices on a real one too."""
_device = torch.device("cuda:0")


class OnDevice(torch.Tensor):
    """A tensor of the device; `inner` has its values, on the CPU."""

    inner: torch.Tensor  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "OnDevice":
        made: OnDevice = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device("cpu"),
        )
        made.inner = inner
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return _device

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return _device.type == "cuda"

    def to(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        device, dtype = _where(args, kwargs)
        here = device is None or device.type == _device.type
        if here and dtype in (None, self.dtype):
            return self
        target = _device if here else torch.device("cpu")
        moved: torch.Tensor = torch.ops.aten._to_copy(self, dtype=dtype, device=target)
        return moved

    def cpu(self, *_args: Any, **_kwargs: Any) -> torch.Tensor:
        return self.to("cpu")

    def tolist(self) -> Any:
        return self.inner.tolist()

    def numpy(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(f"can't convert {_device} device type tensor to numpy. Use Tensor.cpu() first")

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self.numpy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.inner.__reduce_ex__(protocol)

    def __repr__(self, *, tensor_contents: Any = None) -> Any:  # type: ignore[override]
        return f"OnDevice({self.inner}, device={_device})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _run(func, args, kwargs or {})


def _where(args: Any, kwargs: Any) -> tuple[torch.device | None, torch.dtype | None]:
    """What `to` was asked for."""
    if args and isinstance(args[0], torch.Tensor):
        return args[0].device, args[0].dtype
    device, dtype, _, _ = torch._C._nn._parse_to(*args, **kwargs)
    return device, dtype


class _Mode(TorchDispatchMode):
    """Takes part in what makes tensors from nothing."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Moves(TorchFunctionMode):
    """Takes part in moving what is on the CPU to the device: `to` would initialise the real one."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.Tensor.to and not isinstance(args[0], OnDevice):
            device, dtype = _where(args[1:], kwargs)
            if device is not None and device.type == _device.type:
                assert not (torch.is_grad_enabled() and args[0].requires_grad), "not told to autograd"
                return OnDevice(args[0].detach().to(dtype or args[0].dtype, copy=True))
        if func in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu").type == _device.type:
            return OnDevice(func(*args, **kwargs | {"device": "cpu"}))
        if func is torch.nn.functional.one_hot and isinstance(args[0], OnDevice):
            # made of a tensor that it makes itself, of what it takes for the device
            return OnDevice(func(args[0].inner, *args[1:], **kwargs))
        if func is torch.Tensor.type and isinstance(args[0], OnDevice) and len(args) > 1:
            return args[0].to(args[1])
        return func(*args, **kwargs)


def _map(change: Callable[[Any], Any], value: Any) -> Any:
    """What is in tuples, lists and dicts, changed: torch's own `tree_map` takes half of the time of these tests."""
    if isinstance(value, tuple):
        return tuple([_map(change, one) for one in value])
    if isinstance(value, list):
        return [_map(change, one) for one in value]
    if isinstance(value, dict):
        return {key: _map(change, one) for key, one in value.items()}
    return change(value)


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = func.overloadpacket.__name__
    tensors: list[torch.Tensor] = []

    def note(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            tensors.append(value)

    _map(note, (args, kwargs))
    ours = [t for t in tensors if isinstance(t, OnDevice)]
    if ours and name not in MIXING and any(t.dim() > 0 and not isinstance(t, OnDevice) for t in tensors):
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, found {_device} and cpu")
    there = bool(ours)
    if name == "copy_":
        there = isinstance(args[0], OnDevice)
    if kwargs.get("device") is not None:
        # what torch makes like another tensor it makes where it takes that to be, which is the CPU
        alike = bool(ours) and (name.startswith("new_") or name.endswith("_like"))
        there = alike or torch.device(kwargs["device"]).type == _device.type
        kwargs = kwargs | {"device": torch.device("cpu")}
    if "pin_memory" in kwargs:
        kwargs = kwargs | {"pin_memory": None}
    whose = {id(t.inner): t for t in ours}
    result = func(*_map(_inner, args), **_map(_inner, kwargs))

    def wrap(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or not there:
            return value
        if _device.type == "mps" and value.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        return whose.get(id(value)) if id(value) in whose else OnDevice(value)

    return _map(wrap, result)


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, OnDevice) else value


def _set_device(device: torch.device) -> None:
    if device.index is None:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")


@contextlib.contextmanager
def accelerator(kind: str) -> Iterator[torch.device]:
    """`cuda` (as `cuda:0`), `mps`, or the `cpu` itself, for what is done within."""
    global _device
    if kind == "cpu":
        yield torch.device(kind)
        return
    _device = torch.device("cuda:0" if kind == "cuda" else kind)
    replaced = torch.__future__.get_overwrite_module_params_on_conversion()
    with pytest.MonkeyPatch.context() as patch, _Moves(), _Mode():
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        for name, value in (
            ("is_available", True),
            ("mem_get_info", (2**33, 2**34)),
            ("empty_cache", None),
            ("synchronize", None),
            ("device_count", 1),
            ("get_device_capability", (7, 5)),
        ):
            patch.setattr(torch.cuda, name, lambda *_a, _value=value if kind == "cuda" else False, **_k: _value)
        patch.setattr(torch.cuda, "set_device", _set_device)
        # what is captured is recorded, and done again operation by operation
        patch.setattr(StepGraph, "_capture", recording.capture)
        patch.setattr(StepGraph, "_beside", lambda _self: contextlib.nullcontext())
        for module in (seeds, autoencoder):
            patch.setattr(module, "device_generator", lambda _device: torch.Generator())
        for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check"):
            patch.setattr(torch.optim.Optimizer, name, lambda _self: None, raising=False)
        patch.setattr(torch.backends.mps, "is_available", lambda: kind == "mps")
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            yield _device
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(replaced)
