"""Why torch cannot use the NVIDIA GPU of this machine, and the way out that fits its driver. Needs no torch.

The driver decides: every CUDA 13 needs driver 580 or newer, every CUDA 12 driver 525. PyTorch's ordinary builds are
for CUDA 13; `--torch-backend auto` makes uv choose one that the driver can run. Builds for CUDA 12 end with torch 2.14
and Python 3.14, which is why the command names a Python. Only cu126 has kernels for GPUs older than Turing (7.5).
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from distill_tui import machine

INSTALL = "uv tool install --reinstall --python 3.11 --torch-backend {} ."
"""The command that installs a torch for this machine, in a clone of the repository."""

LEAST_DRIVERS = {13: "580", 12: "525"}
"""The oldest driver for each major version of CUDA that torch is still built for."""

TURING = (7, 5)


@dataclass(frozen=True)
class Driver:
    """The NVIDIA driver: its version, the newest CUDA that it offers ("12.4"), and what it says if it does not work."""

    version: str = ""
    cuda: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a GPU cannot be used, and the way out."""

    text: str
    advice: str


def driver() -> Driver | None:
    """The driver of this machine; None where there is none, or no GPU that CUDA_VISIBLE_DEVICES leaves."""
    import pynvml

    visible = machine.gpus()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        # an update while the old kernel module is still loaded: there is a GPU, and nothing can use it
        mismatch = getattr(error, "value", None) == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
        return Driver(trouble=str(error)) if mismatch else None
    try:
        if not visible:
            return None
        offered = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        version = str(pynvml.nvmlSystemGetDriverVersion())
        return Driver(version, f"{offered // 1000}.{offered % 1000 // 10}")
    except pynvml.NVMLError as error:
        return Driver(trouble=str(error))
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def unusable(torch_cuda: str | None, found: Driver | None) -> Problem | None:
    """Explain why a torch built for `torch_cuda` (None: without CUDA) sees no GPU; None if there is no driver."""
    if found is None:
        return None
    if found.trouble:
        return Problem(f"the NVIDIA driver does not work: {found.trouble}", "Restart the machine, then try nvidia-smi.")
    offers = f"driver {found.version} offers CUDA {found.cuda}"
    offered, needed = _major(found.cuda), _major(torch_cuda)
    if offered < min(LEAST_DRIVERS):
        return Problem(
            f"{offers}, and torch needs CUDA {min(LEAST_DRIVERS)} or newer",
            f"Install driver {LEAST_DRIVERS[max(LEAST_DRIVERS)]} or newer.",
        )
    if torch_cuda is None:
        return Problem(f"{offers}, and this torch was built without CUDA", _install("auto"))
    if needed > offered:
        newer = f", or driver {LEAST_DRIVERS[needed]} or newer" if needed in LEAST_DRIVERS else ""
        return Problem(f"{offers}, and this torch was built for CUDA {torch_cuda}", _install("auto", newer))
    hidden = "Does nvidia-smi list it, and does CUDA_VISIBLE_DEVICES leave it?"
    return Problem(f"{offers}, this torch was built for CUDA {torch_cuda}, and it finds no GPU", hidden)


def not_built_for(archs: Iterable[str], capability: tuple[int, int]) -> Problem | None:
    """Why a torch with kernels for `archs` ("sm_75", "compute_120") cannot use a GPU of this capability, or None."""
    kernels = [_arch(arch) for arch in archs]
    # machine code runs on GPUs of the same major version; PTX is compiled for all later ones
    if not kernels or any(
        (ptx and version <= capability) or (version[0] == capability[0] and version <= capability)
        for ptx, version in kernels
    ):
        return None
    oldest, newest = min(version for _, version in kernels), max(version for _, version in kernels)
    text = (
        f"its compute capability is {capability[0]}.{capability[1]}, and this torch was built for "
        f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
    )
    return Problem(text, _install("cu126" if capability < TURING else "auto"))


def _install(backend: str, other: str = "") -> str:
    return f"In the folder of the clone: {INSTALL.format(backend)} (then `distill-tui` without `uv run`){other}."


def _major(version: str | None) -> int:
    match = re.match(r"\d+", version or "")
    return int(match[0]) if match else 0


def _arch(name: str) -> tuple[bool, tuple[int, int]]:
    """(is PTX, version) of a name: `sm_90a` is (False, (9, 0)), `compute_120` (True, (12, 0))."""
    digits = "".join(re.findall(r"\d", name)) or "0"
    return name.startswith("compute"), (int(digits[:-1] or 0), int(digits[-1]))
