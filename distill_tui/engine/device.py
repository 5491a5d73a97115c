"""The torch device and the precision of a recipe."""

import contextlib
import os

import torch
import torch.utils.deterministic

from distill_tui import gpu_support
from distill_tui.errors import RequestError
from distill_tui.recipe.schema import Recipe

# torch's allocator raises an error of its own; the CPU's, the driver and NVIDIA's libraries say it in words
OUT_OF_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
)

WORKSPACE = ":4096:8"
"""Of cuBLAS: one of the two settings with which it repeats itself (NVIDIA's manual, "Results Reproducibility")."""


def choose_device(recipe: Recipe) -> tuple[torch.device, str]:
    """Choose the recipe's device; with it a warning if an automatic choice had to be replaced.

    Raises:
        RequestError: a device that was asked for by name is not usable, or a GPU is there and torch cannot use it.
    """
    wanted, automatic = recipe.train.device, "train.device" in recipe.automatic
    if "," in wanted:
        raise RequestError(f"train.device: {wanted} are several GPUs, and only a training takes more than one")
    if problem := _gpu_problem(wanted, automatic):
        gpu = "the GPU" if wanted == "cpu" else wanted
        raise RequestError(
            f"train.device: {gpu} cannot be used: {problem.text}",
            f"{problem.advice} Or use the processor: --device cpu (resume: CUDA_VISIBLE_DEVICES= before the command).",
        )
    why = _why_not(wanted)
    if not why:
        return _made_current(torch.device(wanted)), ""
    if automatic and wanted.startswith("cuda") and not _why_not("cuda:0"):
        # another machine, or another CUDA_VISIBLE_DEVICES, than when the run was made
        return _made_current(torch.device("cuda:0")), f"{wanted} cannot be used ({why}): training on cuda:0"
    if automatic:
        return torch.device("cpu"), f"{wanted} cannot be used ({why}): training on the CPU"
    raise RequestError(f"train.device: {wanted} cannot be used: {why}", "See: distill-tui doctor")


def _why_not(wanted: str) -> str:
    """The reason why torch cannot use a device; '' if it can."""
    if wanted.startswith("cuda"):
        if not torch.cuda.is_available():
            without = torch.version.cuda is None
            return "this torch was built without CUDA" if without else "torch finds no usable NVIDIA GPU"
        count = torch.cuda.device_count()
        if (torch.device(wanted).index or 0) >= count:
            return (
                "torch sees one GPU, cuda:0" if count == 1 else f"torch sees {count} GPUs, cuda:0 to cuda:{count - 1}"
            )
    elif wanted == "mps" and not torch.backends.mps.is_available():
        return "torch finds no usable Metal device"
    return ""


def _made_current(device: torch.device) -> torch.device:
    """Make a device the current one, used where none is named; `cuda` becomes `cuda:0`."""
    if device.type == "cuda":
        # torch makes no device current that has no number
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
    return device


def _gpu_problem(wanted: str, automatic: bool) -> gpu_support.Problem | None:
    """The reason why torch cannot use the requested GPU, or one passed over for its driver; None if it can."""
    if wanted.startswith("cuda") and torch.cuda.is_available():
        index = torch.device(wanted).index or 0
        if torch.version.cuda is None or index >= torch.cuda.device_count():
            return None
        return gpu_support.not_built_for(torch.cuda.get_arch_list(), torch.cuda.get_device_capability(index))
    driver = gpu_support.driver() if wanted.startswith("cuda") or (wanted == "cpu" and automatic) else None
    if wanted == "cpu" and not (driver and driver.trouble):
        return None
    return gpu_support.unusable(torch.version.cuda, driver)


def choose_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """Choose bfloat16 if the recipe asks for it or the device has units for it, else float32."""
    if recipe.train.precision != "auto":
        return torch.bfloat16 if recipe.train.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        # Ampere and newer (compute capability 8.0) have units for it
        fast = torch.cuda.get_device_capability(device)[0] >= 8
    elif device.type == "cpu":
        # AMX tiles multiply bfloat16 eight times as fast as AVX-512 multiplies float32; without them it is slower
        fast = torch.cpu._is_amx_tile_supported()
    else:
        fast = False
    return torch.bfloat16 if fast else torch.float32


def make_deterministic(device: torch.device) -> None:
    """Have this process add in a fixed order on a GPU from here on; a CPU does anyway.

    Raises in operations that have no such order. Call it before the device has multiplied anything.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACE)
    torch.use_deterministic_algorithms(True)
    # of what is always filled later, a fill costs time only
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False


def is_out_of_memory(error: RuntimeError) -> bool:
    """Check whether an error means that a device, or the CPU, ran out of memory."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def free_memory(device: torch.device) -> None:
    """Return torch's cached memory to the device, so that blocks of another size fit.

    Call it outside of the `except` that caught the error: the error holds the pass that failed, and its tensors.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def autocast(
    device: torch.device, precision: torch.dtype, cached: bool = True
) -> contextlib.AbstractContextManager[object]:
    """Autocast to `precision`, with or without the cache of cast weights; no autocast for float32."""
    if precision == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=precision, cache_enabled=cached)
