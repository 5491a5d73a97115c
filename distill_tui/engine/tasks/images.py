"""Pictures as training material: all of them on the device, in batches by shuffled order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.codebook_health import count_codes
from distill_tui.engine.inference.validate import Evaluation
from distill_tui.engine.nets.image import Image
from distill_tui.engine.tasks.base import Part
from distill_tui.engine.tasks.crops import generator
from distill_tui.files import atomic_write
from distill_tui.recipe.schema import Recipe

JUDGED = 1000
"""Pictures of each part that an epoch's end looks at."""


class ImagesTask:
    """Pictures [n, 28, 28] and their labels [n], as bytes."""

    distance, unit = "mse", "pictures"

    def __init__(
        self,
        recipe: Recipe,
        parts: Mapping[Part, tuple[NDArray[np.uint8], NDArray[np.uint8]]],
        device: torch.device,
    ) -> None:
        self._size, self._steps = int(recipe.train.batch_size), int(recipe.train.steps_per_epoch)
        self._seed, self._previews = recipe.train.seed, recipe.train.previews
        self.per_step, self.latents_per_step = float(self._size), self._size
        self.pictures = {part: torch.tensor(found[0]).to(device) for part, found in parts.items()}
        self.labels = {part: found[1].tolist() for part, found in parts.items()}
        self._judged = JUDGED
        self.preview_names: list[str] = [f"digit {label}" for label in self.labels["validation"][: self._previews]]
        self._epoch, self._order = -1, torch.zeros(0, dtype=torch.long)

    def batch(self, step: int) -> Tensor:
        """Pictures [batch, 28, 28] in 0..1; within an epoch each at most once more than any other."""
        epoch, index = divmod(step, self._steps)
        if epoch != self._epoch:
            count, slots = len(self.pictures["training"]), self._steps * self._size
            random = generator(self._seed, 1, epoch)
            rounds = [torch.randperm(count, generator=random) for _ in range(-(-slots // count))]
            self._epoch, self._order = epoch, torch.cat(rounds).to(self.pictures["training"].device)
        chosen = self._order[index * self._size : (index + 1) * self._size]
        return self.pictures["training"][chosen].float() / 255

    def some(self, part: Part, count: int) -> Tensor:
        """The first `count` pictures of a part, as a batch."""
        return self.pictures[part][:count].float() / 255

    @torch.no_grad()
    def evaluate(self, net: Image, part: Part, use_bottleneck: bool, _with_stft: bool) -> Evaluation:
        pictures = self.some(part, self._judged)
        made, passed = net(pictures, use_bottleneck)
        found = {"mse": (made - pictures).square().mean()}
        counts = None
        if passed is not None:
            found |= passed.losses | passed.numbers
            if passed.codes is not None:
                counts = count_codes(passed.codes, net.counted(pictures), net.bottleneck.size)
        return Evaluation({key: float(value) for key, value in found.items()}, counts)

    @torch.no_grad()
    def write_previews(self, net: Image, folder: Path, use_bottleneck: bool) -> list[tuple[str, str, float]]:
        pictures = self.some("validation", self._previews)
        made = net(pictures, use_bottleneck)[0]
        pairs = []
        for number, (original, result) in enumerate(zip(pictures, made, strict=True), 1):
            names = (f"original-{number:02d}.pgm", f"reconstruction-{number:02d}.pgm")
            for name, picture in zip(names, (original, result), strict=True):
                write_picture(folder / name, picture)
            pairs.append((*names, float((result - original).square().mean())))
        return pairs

    def take_less(self) -> str:
        if self._judged < 2:
            return ""
        self._judged //= 2
        return f"{self._judged} pictures are validated"

    def sample(self) -> Tensor:
        return self.some("validation", self._previews)

    def facts(self) -> dict[str, Any]:
        return {
            "rate": 0,
            "training_files": len(self.labels["training"]),
            "validation_files": len(self.labels["validation"]),
            "training_seconds": 0.0,
            "validation_seconds": 0.0,
        }


def grey(picture: Tensor) -> bytes:
    """A picture [height, width] in 0..1 as bytes, row by row."""
    return (picture.detach() * 255).round().clamp(0, 255).byte().cpu().numpy().tobytes()


def write_picture(path: Path, picture: Tensor) -> None:
    """Write a picture [height, width] in 0..1 as a portable grey map, atomically."""
    height, width = picture.shape
    atomic_write(path, f"P5 {width} {height} 255\n".encode() + grey(picture))
