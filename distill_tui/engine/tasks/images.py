"""Images of digits, for the Explorer: all of them on the device, in batches by shuffled order."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.data.images.dataset import Pictures
from distill_tui.engine.codebook_health import count_codes
from distill_tui.engine.maps.live import LiveMap, grey
from distill_tui.engine.nets import Autoencoder
from distill_tui.engine.tasks import register
from distill_tui.engine.tasks.autoencoder import AutoencoderTask, Evaluation
from distill_tui.engine.tasks.base import Split
from distill_tui.engine.tasks.preview_files import PreviewPair
from distill_tui.engine.training.seeds import generator
from distill_tui.files import atomic_write
from distill_tui.paths import Home
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

VALIDATED = 1000
"""Images of each split that a validation looks at."""


@register
class ImagesTask(AutoencoderTask):
    """Trains an autoencoder of images [n, 28, 28] with labels [n], as bytes, and writes a map of its codebooks."""

    name = "images"
    data_noun, unit = "pictures", "pictures"
    main_loss = "recon"
    # the Explorer is watched while settings are changed
    max_log_seconds = 0.5

    def __init__(
        self, recipe: Recipe, splits: Mapping[Split, tuple[NDArray[np.uint8], NDArray[np.uint8]]], device: torch.device
    ) -> None:
        super().__init__(recipe, device)
        self._size, self._steps = int(recipe.train.batch_size), int(recipe.train.steps_per_epoch)
        self.latents_per_step = self._size
        self.images = {split: torch.tensor(images).to(device) for split, (images, _) in splits.items()}
        self.labels = {split: labels.tolist() for split, (_, labels) in splits.items()}
        self._validated = VALIDATED
        self._epoch, self._order = -1, torch.zeros(0, dtype=torch.long)
        self.live_map: LiveMap | None = None

    @staticmethod
    def load_data(run: RunFolder) -> Pictures:
        return Pictures.load(run.pictures)

    @classmethod
    def from_data(cls, _home: Home, data: Pictures, recipe: Recipe, device: torch.device) -> Self:
        training, validation = data.read()
        return cls(recipe, {"training": training, "validation": validation}, device)

    def batch(self, step: int) -> Tensor:
        """Images [batch, 28, 28] in 0..1; within an epoch each at most once more than any other."""
        epoch, index = divmod(step, self._steps)
        if epoch != self._epoch:
            count, slots = len(self.images["training"]), self._steps * self._size
            random = generator(self.recipe.train.seed, 1, epoch)
            rounds = [torch.randperm(count, generator=random) for _ in range(-(-slots // count))]
            self._epoch, self._order = epoch, torch.cat(rounds).to(self.images["training"].device)
        chosen = self._order[index * self._size : (index + 1) * self._size]
        return self.images["training"][chosen].float() / 255

    def some(self, split: Split, count: int) -> Tensor:
        """The first `count` images of a split, as a batch."""
        return self.images[split][:count].float() / 255

    @torch.no_grad()
    def evaluate(self, net: Autoencoder, split: Split, _weights: Mapping[str, float]) -> Evaluation:
        images = self.some(split, self._validated)
        reconstruction, output = net(images, self.quantizing)
        values = {"recon": (reconstruction - images).square().mean()}
        counts = None
        if output is not None:
            values |= output.losses | output.numbers
            if output.codes is not None:
                counts = count_codes(output.codes, net.frame_mask(images), net.bottleneck.size)
        losses = {key: float(value) for key, value in values.items()}
        return Evaluation(losses, {"distance": losses["recon"]}, counts)

    def reduce_memory(self) -> str:
        if self._validated < 2:
            return ""
        self._validated //= 2
        return f"{self._validated} pictures are validated"

    @property
    def preview_names(self) -> list[str]:
        return [f"digit {label}" for label in self.labels["validation"][: self.recipe.train.previews]]

    @torch.no_grad()
    def write_previews(self, net: Autoencoder, folder: Path) -> list[PreviewPair]:
        images = self.example()
        reconstructions = net(images, self.quantizing)[0]
        pairs = []
        for number, (original, reconstruction) in enumerate(zip(images, reconstructions, strict=True), 1):
            names = (f"original-{number:02d}.pgm", f"reconstruction-{number:02d}.pgm")
            for name, image in zip(names, (original, reconstruction), strict=True):
                write_image(folder / name, image)
            pairs.append(PreviewPair(*names, {"distance": float((reconstruction - original).square().mean())}))
        return pairs

    def example(self) -> Tensor:
        return self.some("validation", self.recipe.train.previews)

    def prepared_facts(self) -> dict[str, Any]:
        counts = {f"{split}_files": len(labels) for split, labels in self.labels.items()}
        return super().prepared_facts() | counts

    # ---------------------------------------------------------------- the map

    def on_start(self, trainer: "Trainer") -> None:
        self.live_map = LiveMap(trainer.run_folder, self, trainer.diagnostics, self.recipe.train.map_seconds)

    def after_step(self, trainer: "Trainer") -> None:
        if self.live_map is not None and self.live_map.is_due:
            self.live_map.write(trainer.ema_net, trainer.step, trainer.epoch)


def write_image(path: Path, image: Tensor) -> None:
    """Write an image [height, width] in 0..1 as a portable grey map, atomically."""
    height, width = image.shape
    atomic_write(path, f"P5 {width} {height} 255\n".encode() + grey(image))
