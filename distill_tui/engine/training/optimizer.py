"""The optimizer of all nets: AdamW, with clipping and skipped steps that do not wait for the device."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.8, 0.99)
"""As in Vocos and DAC: gradients of crops are noisy, and their scale changes as a sound's does."""


def adamw(
    groups: list[dict[str, Any]], lr: float, device: torch.device, betas: tuple[float, float] = BETAS
) -> torch.optim.AdamW:
    """AdamW for groups of parameters, fused where the device has it."""
    return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=device.type in ("cuda", "cpu"))


def clip_gradients(optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], most: float) -> Tensor:
    """Clip gradients to the norm `most` in the next `step_unless`; the norm before."""
    parameters = list(parameters)
    if not optimizer.defaults["fused"]:
        return torch.nn.utils.clip_grad_norm_(parameters, most, foreach=True)
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
    # fused AdamW divides by this as it goes: clipping without a pass of its own over the gradients
    optimizer.grad_scale = (norm / most).clamp(min=1.0)  # type: ignore[attr-defined]
    return norm


def step_unless(bad: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Take a step unless the scalar `bad` is 1.0 on the device: with a fused optimizer without waiting for it."""
    if optimizer.defaults["fused"]:
        # it takes no step, on the device itself, where this is 1
        optimizer.found_inf = bad  # type: ignore[attr-defined]
        optimizer.step()
    elif not float(bad):
        optimizer.step()
