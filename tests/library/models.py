"""Models for the tests: small ones, with cards that have something in every field."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from distill_tui.library.card import Card
from distill_tui.library.container import write_model
from distill_tui.reporting.series import thin


def tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    """A few tensors of different kinds."""
    made = torch.Generator().manual_seed(seed)
    return {
        "encoder.weight": torch.randn(4, 3, generator=made),
        "encoder.bias": torch.randn(4, generator=made),
        "codebook": torch.randn(8, 2, generator=made),
        "steps": torch.tensor(seed),
        "nothing": torch.empty(0, 7),
        "used": torch.tensor([True, False, True]),
    }


def card(**changes: Any) -> Card:
    """A card with something in every field; `changes` replace fields."""
    steps = [float(s) for s in range(10)]
    fields: dict[str, Any] = {
        "name": "birds",
        "created": "2026-01-02T03:04:05.678Z",
        "run": "20260102-030405-birds",
        "step": 100,
        "epoch": 4,
        "seconds_trained": 12.5,
        "seconds_of_sound": 600.0,
        "parameters": 40,
        "rate": 24000,
        "frame_rate": 46.875,
        "kbps": 0.84375,
        "recipe": {"model": {"rvq_levels": 3, "codebook_size": 64}, "automatic": ["model.codebook_size"]},
        "health": [{"level": i, "utilization": 0.9, "perplexity": 0.7, "dead": 0.0, "churn": None} for i in range(3)],
        "losses": {"train": 0.5, "val": 0.625, "recon": None},
        "history": {"loss/train": thin(steps, steps, [1 / (s + 1) for s in steps])},
        "data": {"files": 2, "seconds": 30.0, "sounds": [["a.wav", "00ff"], ["b.wav", "11ee"]]},
        "finished": True,
        "notes": ["made by a test"],
    }
    return Card(**{**fields, **changes})


def write(path: Path, seed: int = 0, **changes: Any) -> Card:
    """A model file at `path`; its card."""
    return write_model(path, tensors(seed), card(**changes))


def take_apart(path: Path) -> tuple[dict[str, Any], bytes]:
    """A file's header, decoded, and the bytes after it."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header, content[8 + length :]


def put_together(path: Path, header: Any, weights: bytes) -> None:
    """The opposite of `take_apart`, without any check; a header in bytes is written as it is."""
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(packed).to_bytes(8, "little") + packed + weights)


def set_card(header: dict[str, Any], text: str) -> None:
    """Put the card `text` into a header, with the right hash."""
    header["__metadata__"] |= {"card": text, "card_sha256": hashlib.sha256(text.encode()).hexdigest()}
