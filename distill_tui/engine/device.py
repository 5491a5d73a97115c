"""The device that a recipe names, as torch sees it, and how it computes fastest."""

import contextlib

import torch

from distill_tui.errors import RequestError
from distill_tui.recipe.schema import Recipe


def choose_device(recipe: Recipe) -> tuple[torch.device, str]:
    """The recipe's device, and a warning when an automatic choice had to give way to the CPU.

    Raises:
        RequestError: a device that was asked for by name is not usable.
    """
    wanted = recipe.train.device
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        why = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no usable NVIDIA GPU"
    elif wanted == "mps" and not torch.backends.mps.is_available():
        why = "torch finds no usable Metal device"
    else:
        return torch.device(wanted), ""
    if "train.device" in recipe.automatic:
        return torch.device("cpu"), f"{wanted} cannot be used ({why}): training on the CPU"
    raise RequestError(f"train.device: {wanted} cannot be used: {why}", "See: distill-tui doctor")


def choose_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """bfloat16 where it is asked for, or where the device has units for it; else float32."""
    if recipe.train.precision != "auto":
        return torch.bfloat16 if recipe.train.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        # AMX tiles multiply bfloat16 eight times as fast as AVX-512 multiplies float32; without them it is slower
        fast = torch.cpu._is_amx_tile_supported()
    else:
        fast = False
    return torch.bfloat16 if fast else torch.float32


def autocast(
    device: torch.device, precision: torch.dtype, cached: bool = True
) -> contextlib.AbstractContextManager[object]:
    """Autocast to the precision, with weights that were cast kept for the next use or not; nothing for float32."""
    if precision == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=precision, cache_enabled=cached)
