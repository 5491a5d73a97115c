"""Checks of Python, the libraries, torch and its devices."""

import contextlib
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from distill_tui import gpu_support, interpreter, machine
from distill_tui.cli.commands.doctor.check import Check
from distill_tui.text import printable

OPTIONAL = {"torchaudio": "engine/dsp/mel.py has its own code for what it would do"}
"""Libraries that training can do without."""

TORCH_SECONDS = 120.0
"""Importing torch from a slow network disk can take a minute; longer than this is a machine that hangs."""

TORCH_PROBE = """
import json, sys
told = {}
def tell(key, work):
    try:
        told[key] = work()
    except BaseException as error:
        told[key + " error"] = f"{type(error).__name__}: {error}".strip().splitlines()[0]
def torch_version():
    import torch
    return torch.__version__
def audio():
    import torchaudio
    return torchaudio.__version__
def quantizer():
    import vector_quantize_pytorch
    return True
def cuda():
    import torch
    return torch.version.cuda or torch.version.hip
def archs():
    import torch
    return torch.cuda.get_arch_list() if torch.version.cuda else []
def capabilities():
    import torch
    return [torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count())]
def devices():
    import torch
    found = []
    for index in range(torch.cuda.device_count()):
        name = torch.cuda.get_device_name(index)
        torch.ones(8, 8, device=f"cuda:{index}").matmul(torch.ones(8, 8, device=f"cuda:{index}")).sum().item()
        found.append([f"cuda:{index}", name])
    if torch.backends.mps.is_available():
        found.append(["mps", "Apple silicon"])
    return found
for key, work in (("torch", torch_version), ("torchaudio", audio), ("quantizer", quantizer), ("cuda", cuda),
                  ("archs", archs), ("capabilities", capabilities), ("devices", devices)):
    tell(key, work)
print("\\n" + json.dumps(told))
"""
"""Run in a process of its own: a torch that does not fit its machine may hang, or die without an exception."""


def python() -> Check:
    """The Python that runs this."""
    text = f"{platform.python_version()} at {printable(sys.executable)}"
    if interpreter.unsafe_python_path():
        text += "; PYTHONPATH has an empty or relative entry, so Python runs code from whichever folder you are in"
        return Check("python", "python", "warning", text, "Use absolute paths only in PYTHONPATH.")
    return Check("python", "python", "ok", text)


def requirements() -> list[tuple[str, str]]:
    """(name, bounds) of every library that this program is installed with: `("numpy", "<3,>=2.0")`."""
    try:
        listed = importlib.metadata.requires("distill-tui") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    plain = (re.match(r"([\w.-]+)\s*([^;]*)", line) for line in listed)
    return [(match[1], match[2].strip(" ()")) for match in plain if match]


def libraries() -> Iterator[Check]:
    """The libraries that this program is installed with, and whether their versions are the ones that it knows."""
    reinstall = "Install this program again: uv sync, or python3 -m pip install --upgrade distill-tui."
    for name, bounds in requirements():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in OPTIONAL:
                yield Check("library", name, "ok", f"not installed; {OPTIONAL[name]}")
            else:
                yield Check("library", name, "missing", "not installed", reinstall, needed=True)
            continue
        if within(version, bounds):
            yield Check("library", name, "ok", version)
        else:
            yield Check("library", name, "warning", f"{version}, where {bounds} is what this program knows", reinstall)


def within(version: str, bounds: str) -> bool:
    """True if a version such as `2.11.0+cpu` is within bounds such as `<2.15,>=2.11`; only its numbers count."""
    here = _numbers(version)
    for bound in bounds.split(","):
        match = re.match(r"\s*(>=|<=|==|<|>)\s*([\d.]+)", bound)
        if not match:
            continue
        there = _numbers(match[2])
        length = max(len(here), len(there))
        a, b = (numbers + (0,) * (length - len(numbers)) for numbers in (here, there))
        if not {">=": a >= b, "<=": a <= b, "==": a == b, "<": a < b, ">": a > b}[match[1]]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def probe_torch(seconds: float = TORCH_SECONDS) -> dict[str, Any]:
    """Result of TORCH_PROBE, which imports torch and its companions; `failed` if there is none."""
    try:
        done = subprocess.run(
            interpreter.python("-c", TORCH_PROBE),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"importing it took longer than {seconds:g} s"}
    except OSError as error:
        return {"failed": f"Python cannot be started: {error}"}
    with contextlib.suppress(IndexError, ValueError):
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return {"failed": f"importing it ended the process with code {done.returncode}. {printable(last)}".strip()}


def torch() -> Iterator[Check]:
    """Import of torch and its companions, and the devices that it can use."""
    told = probe_torch()
    reinstall = "Install this program again, in a fresh virtual environment: uv sync."
    if "torch" not in told:
        problem = printable(str(told.get("failed") or told.get("torch error")))
        yield Check("torch", "torch", "missing", f"it does not import: {problem}", reinstall, needed=True)
        return
    build = f"CUDA {told['cuda']}" if told.get("cuda") else "no CUDA"
    yield Check("torch", "torch", "ok", f"{told['torch']} imports, built with {build}")
    for key, name in (("torchaudio", "torchaudio"), ("quantizer", "vector-quantize-pytorch")):
        problem = printable(str(told.get(f"{key} error")))
        if key in told:
            yield Check("torch", name, "ok", "imports beside it")
        elif name in OPTIONAL:
            yield Check("torch", name, "ok", f"not used, since it does not import ({problem}); {OPTIONAL[name]}")
        else:
            yield Check("torch", name, "missing", f"it does not import: {problem}", reinstall, needed=True)
    yield from _devices(told)


def _devices(told: dict[str, Any]) -> Iterator[Check]:
    found = told.get("devices") or []
    for device, name in found:
        yield Check("device", device, "ok", f"{printable(name)}, used by torch")
    for gpu in machine.gpus():
        memory = f"{gpu.memory / 2**30:.0f} GiB"
        yield Check("device", f"GPU {gpu.index}", "ok", f"{gpu.name}, {memory}, as its driver names it")
    yield from _gpu_problems(told, any(device.startswith("cuda") for device, _ in found))
    if not found:
        yield Check("device", "cpu", "ok", "training uses the processor: no GPU that torch can use")


def _gpu_problems(told: dict[str, Any], is_used: bool) -> Iterator[Check]:
    """Why torch uses no GPU though there is one, and the command that mends it."""
    archs, capabilities = told.get("archs") or [], told.get("capabilities") or []
    old = (gpu_support.not_built_for(archs, tuple(capability)) for capability in capabilities)
    problem = next(filter(None, old), None)
    if problem is None and not is_used and "devices error" not in told:
        problem = gpu_support.unusable(told.get("cuda"), gpu_support.driver())
    if problem:
        advice = f"{problem.advice} Until then, training needs --device cpu."
        yield Check("device", "cuda", "warning", f"torch cannot use the GPU: {problem.text}", advice)
    elif "devices error" in told:
        advice = "Training can go on with --device cpu."
        yield Check("device", "cuda", "warning", f"it fails: {printable(str(told['devices error']))}", advice)
