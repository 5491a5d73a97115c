"""Codebook health. Definitions:

Over N assignments of a level with K codes, without dropped (-1) and masked (silent, padded) frames:
- utilization: codes used at least once / K. Even perfectly even use gives 1 - exp(-N/K).
- perplexity: exp(entropy of the shares), 1 to K (van den Oord et al. 2017, arXiv 1711.00937, train it this way too).
- dead: codes used less than 1 % of the even share N/K; below N = 100 K that is codes never used.
- churn: codes replaced a step / K.
- frames: N, the latent frames that were counted.
- efficiency: sum over levels of log2(perplexity) / sum of log2(K): the share of the bitrate that carries something.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from distill_tui.recipe.arithmetic import ENOUGH_FRAMES_PER_CODE
from distill_tui.reporting.verdicts import LOW_USE, WINDOW_STEPS
from distill_tui.runs.codebook_map import dead_codes

WINDOW = f"last {WINDOW_STEPS} steps of training"


@dataclass
class Health:
    """Metrics of one level: utilization 0..1, perplexity 1..size, `dead` a count; None if nothing was assigned."""

    utilization: float | None
    perplexity: float | None
    dead: int | None
    assignments: int
    size: int

    @property
    def is_low(self) -> bool:
        """Whether utilization is below LOW_USE, over enough assignments to mean it."""
        enough = self.assignments >= ENOUGH_FRAMES_PER_CODE * self.size
        return enough and self.utilization is not None and self.utilization < LOW_USE


def count_codes(codes: Tensor, mask: Tensor, size: int) -> Tensor:
    """Count codes [batch, frames, levels] where mask [batch, frames]: uses [levels, size]."""
    levels = codes.shape[-1]
    usable = mask[..., None] & (codes >= 0)
    # one more bin takes what is not counted, so that shapes are fixed and the device is not synchronised
    flat = torch.where(usable, codes, size) + torch.arange(levels, device=codes.device) * (size + 1)
    counts = torch.zeros(levels * (size + 1), device=codes.device)
    counts.scatter_add_(0, flat.reshape(-1), torch.ones_like(flat, dtype=counts.dtype).reshape(-1))
    return counts.view(levels, size + 1)[:, :size]


def measure(counts: Tensor) -> list[Health]:
    """Measure the health of each level from uses [levels, size]."""
    levels = []
    for row in counts.cpu().double():
        total, size = float(row.sum()), len(row)
        if total <= 0:
            levels.append(Health(None, None, None, 0, size))
            continue
        shares = row[row > 0] / total
        perplexity = math.exp(float(-(shares * shares.log()).sum()))
        dead = sum(dead_codes(row.tolist(), "even"))
        levels.append(Health(float((row > 0).sum()) / size, perplexity, dead, int(total), size))
    return levels


def efficiency(levels: list[Health]) -> float | None:
    """Bitrate efficiency, 0..1; None without codes."""
    if not levels or any(h.perplexity is None for h in levels):
        return None
    return sum(math.log2(h.perplexity or 1) for h in levels) / sum(math.log2(h.size) for h in levels)


class RollingHealth:
    """Uses of codes over the last WINDOW_STEPS steps, counted on the device."""

    def __init__(self, levels: int, size: int, device: torch.device) -> None:
        self._ring = torch.zeros(WINDOW_STEPS, levels, size, device=device)
        # the place of the next step, on the device, where a step that is captured counts it on
        self._next = torch.zeros(1, dtype=torch.int64, device=device)
        self.is_empty = True
        self._gone: deque[tuple[int, Tensor]] = deque()
        self._size = size

    def add(self, codes: Tensor, mask: Tensor) -> None:
        """Count the codes of one step where the mask is set; this does not wait for the device."""
        self._ring[self._next] = count_codes(codes, mask, self._size)
        following = self._next + 1
        self._next.copy_(following * (following < WINDOW_STEPS))
        self.is_empty = False

    @property
    def counts(self) -> Tensor:
        """Uses of each code, [levels, size]."""
        return self._ring.sum(0)

    def read(self, steps: int, replaced: Tensor) -> tuple[list[Health], list[float]]:
        """Health and churn of each level, after `steps` more steps in which `replaced` [levels] codes were replaced."""
        if steps:
            self._gone.append((steps, replaced.cpu().clone()))
        while len(self._gone) > 1 and sum(p[0] for p in self._gone) - self._gone[0][0] >= WINDOW_STEPS:
            self._gone.popleft()
        if not self._gone:
            return [], []
        gone = torch.stack([p[1] for p in self._gone]).sum(0)
        total = sum(p[0] for p in self._gone)
        return measure(self.counts), [float(g) / (total * self._size) for g in gone]

    def state(self) -> dict[str, Any]:
        """State for a checkpoint: a resumed run looks back on the same steps as one that was never stopped."""
        return {
            "ring": self._ring.to("cpu", torch.int32),
            "next": int(self._next),
            "is_empty": self.is_empty,
            "gone": [(steps, gone.clone()) for steps, gone in self._gone],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; nothing is changed if it raises.

        Raises:
            ValueError: it is of other codebooks.
        """
        ring, at = state["ring"], int(state["next"])
        gone = [(int(steps), count.float()) for steps, count in state["gone"]]
        if ring.shape != self._ring.shape or not 0 <= at < WINDOW_STEPS or any(len(c) != len(ring[0]) for _, c in gone):
            raise ValueError("its counts of codes are of other codebooks")
        self._ring.copy_(ring)
        self._next.fill_(at)
        self.is_empty, self._gone = bool(state["is_empty"]), deque(gone)


def as_numbers(
    levels: list[Health], churn: list[float] | None = None, prefix: str = "codebook"
) -> dict[str, float | None]:
    """Health as flat, namespaced metrics: `codebook/0/utilization`, ..., `codebook/efficiency`."""
    numbers: dict[str, float | None] = {}
    for level, health in enumerate(levels):
        numbers[f"{prefix}/{level}/utilization"] = health.utilization
        numbers[f"{prefix}/{level}/perplexity"] = health.perplexity
        numbers[f"{prefix}/{level}/dead"] = None if health.dead is None else float(health.dead)
        numbers[f"{prefix}/{level}/frames"] = float(health.assignments)
        if churn is not None:
            numbers[f"{prefix}/{level}/churn"] = churn[level]
    if levels:
        numbers[f"{prefix}/efficiency"] = efficiency(levels)
    return numbers
