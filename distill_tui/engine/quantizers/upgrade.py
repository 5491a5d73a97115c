"""Weights of quantizers as earlier versions named them, in model files and checkpoints.

Until 2026-11-27 the codebooks of `rvq_ema` were those of vector-quantize-pytorch's ResidualVQ, three tensors a level,
and `rvq_gradient` called its own `codes` and `counts`. The numbers mean the same; nothing has to be filled in.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch

PREFIX = "bottleneck."
OF_LIBRARY = re.compile(r"rvq\.layers\.(\d{1,3})\._codebook\.(embed|embed_avg|cluster_size|initted)")
OF_LEVELS = {"embed": "codebooks", "embed_avg": "ema_sums", "cluster_size": "ema_counts"}
RENAMED = {"codes": "codebooks", "counts": "ema_counts"}


def upgrade_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a net by their names of today; what is not as any version wrote it is left to be refused."""
    upgraded = {name: value for name, value in weights.items() if not OF_LIBRARY.fullmatch(_inner(name))}
    levels = {int(found[1]) for name in weights if (found := OF_LIBRARY.fullmatch(_inner(name)))}
    if levels:
        for old, new in OF_LEVELS.items():
            parts: list[Any] = [
                weights.get(f"{PREFIX}rvq.layers.{level}._codebook.{old}") for level in range(len(levels))
            ]
            if not _go_together(parts):
                return dict(weights)
            # the library has a dimension for several heads
            upgraded[PREFIX + new] = torch.cat(parts)
        return upgraded
    return {PREFIX + RENAMED[_inner(name)] if _inner(name) in RENAMED else name: v for name, v in upgraded.items()}


def upgrade_state(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a checkpoint of any version, its nets with the names of today."""
    upgraded = {**state, **{key: upgrade_weights(state[key]) for key in ("net", "averaged") if _is_net(state.get(key))}}
    best = state.get("best")
    if isinstance(best, Mapping) and _is_net(best.get("weights")):
        upgraded["best"] = {**best, "weights": upgrade_weights(best["weights"])}
    return upgraded


def _inner(name: str) -> str:
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""


def _is_net(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _go_together(parts: list[Any]) -> bool:
    return (
        all(isinstance(part, torch.Tensor) and part.ndim > 1 for part in parts)
        and len({(part.shape, part.dtype) for part in parts}) == 1
    )
