"""What a net is trained on and judged by, as the trainer knows it: sounds here, pictures in `images`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.decode_cache import Wave
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference import validate
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks.crops import Batches, hold
from distill_tui.recipe.arithmetic import latent_hop, segment_samples
from distill_tui.recipe.schema import Recipe

Part = Literal["training", "validation"]
VALIDATION_SECONDS = {"cpu": 60.0, "cuda": 600.0, "mps": 200.0}


class Task(Protocol):
    """Data on its device, cut into batches, with a held-out part.

    `distance` names the number that a person is shown and the best epoch is chosen by; `unit` what a second of
    training is counted in, `per_step` how much of that a step takes, `latents_per_step` how many latent frames.
    """

    distance: str
    unit: str
    per_step: float
    latents_per_step: int

    def batch(self, step: int) -> Tensor:
        """The batch of a step (counted from 0): the same whenever it is asked for."""

    def evaluate(self, net: Any, part: Part, use_bottleneck: bool, with_stft: bool) -> validate.Evaluation:
        """How far the net is from what is wanted, on the held-out part or on as much of what it was trained on."""

    def write_previews(self, net: Any, folder: Path, use_bottleneck: bool) -> list[tuple[str, str, float]]:
        """Write pairs of original and reconstruction; the names of both files, and their distance."""

    @property
    def preview_names(self) -> list[str]:
        """What the previews are of, for people; as many as there are pairs, or none."""

    def take_less(self) -> str:
        """Validate with half as much at once from now on: what that is, in words; '' when it is the least already."""

    def sample(self) -> Tensor:
        """A little of the held-out part, as a batch."""

    def facts(self) -> dict[str, Any]:
        """What a `RunPrepared` event tells of it."""


class CodecTask:
    """Waves at the model's rate; `names` are those of the held-out ones, with their sub-folders."""

    distance, unit = "mel", "sound"

    def __init__(
        self,
        recipe: Recipe,
        training: Sequence[Wave],
        validation: Sequence[Wave],
        device: torch.device,
        names: Sequence[str] = (),
    ) -> None:
        self.rate, self.segment = int(recipe.model.sample_rate), segment_samples(recipe)
        self.per_step = int(recipe.train.batch_size) * self.segment / self.rate
        self._latent_hop = latent_hop(recipe)
        self.latents_per_step = int(recipe.train.batch_size) * self.segment // self._latent_hop
        self._device, self._previews = device, recipe.train.previews
        self._batches = Batches(hold(training, device), recipe, self.segment, recipe.train.seed)
        self._loss = SpectralLoss(self.rate).to(device)
        self.waves: dict[Part, Sequence[Wave]] = {"training": training, "validation": validation}
        self._names = names
        self._longest = validate.LONGEST
        self.judged: dict[Part, list[np.ndarray]] = {}
        self._choose_judged()
        chosen = [self._judged_files[i] for i in self._different()]
        self.preview_names = [names[file] for file in chosen] if names else []
        self._previewed = chosen

    def _choose_judged(self) -> None:
        held_out, compared = self.waves["validation"], self.waves["training"]
        most, seconds = int(self._longest * self.rate), VALIDATION_SECONDS[self._device.type]
        self._judged_files = validate.choose([len(wave) for wave in held_out], self.rate, seconds, self._longest)
        judged = [held_out[i][:most] for i in self._judged_files]
        # as much of the training sound is judged in the same way: the gap between the two is overfitting
        seconds = sum(map(len, judged)) / self.rate
        files = validate.choose([len(wave) for wave in compared], self.rate, seconds, self._longest)
        self.judged = {"training": [compared[i][:most] for i in files], "validation": judged}

    def _different(self) -> list[int]:
        """Of the held-out sounds that are judged, those for previews."""
        groups = [str(Path(self._names[file]).parent) if self._names else "" for file in self._judged_files]
        return validate.choose_different(self.judged["validation"], groups, self.rate, self._previews)

    def take_less(self) -> str:
        if self._longest <= 1.0:
            return ""
        longest = max(len(wave) for part in self.judged.values() for wave in part) / self.rate
        self._longest = max(1.0, min(self._longest, longest) / 2)
        self._choose_judged()
        return f"{self._longest:.0f} s of a file are validated at most"

    def batch(self, step: int) -> Tensor:
        return self._batches.batch(step)

    def evaluate(self, net: SoundNet, part: Part, use_bottleneck: bool, with_stft: bool) -> validate.Evaluation:
        return validate.evaluate(net, self._loss, self.judged[part], self._device, use_bottleneck, with_stft)

    def write_previews(self, net: SoundNet, folder: Path, use_bottleneck: bool) -> list[tuple[str, str, float]]:
        most = int(self._longest * self.rate)
        chosen = [self.waves["validation"][file][:most] for file in self._previewed]
        return validate.write_previews(net, self._loss, chosen, self._device, folder, use_bottleneck)

    def sample(self) -> Tensor:
        wave = torch.from_numpy(np.array(self.judged["validation"][0][: 2 * self.rate]))
        return validate.padded(wave, self._latent_hop)

    def facts(self) -> dict[str, Any]:
        training, validation = self.waves["training"], self.waves["validation"]
        return {
            "rate": self.rate,
            "training_files": len(training),
            "validation_files": len(validation),
            "training_seconds": sum(map(len, training)) / self.rate,
            "validation_seconds": sum(map(len, validation)) / self.rate,
        }
