"""The codec: an autoencoder of sounds, trained on crops of them and validated on whole ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from distill_tui.data import decode_cache
from distill_tui.data.corpus import Corpus
from distill_tui.data.decode_cache import CachedWave, Wave
from distill_tui.engine.codebook_health import count_codes
from distill_tui.engine.dsp.hearing import hear
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks import register
from distill_tui.engine.tasks.adversarial import AdversarialTask
from distill_tui.engine.tasks.anchors import as_numbers, measure_anchors
from distill_tui.engine.tasks.autoencoder import Evaluation
from distill_tui.engine.tasks.base import Split
from distill_tui.engine.tasks.codec_previews import CodecPreviews
from distill_tui.engine.tasks.crops import Batches
from distill_tui.engine.tasks.preview_files import PreviewPair
from distill_tui.engine.tasks.reading import PROGRESS
from distill_tui.engine.tasks.selection import MAX_SECONDS, choose_different, choose_evenly
from distill_tui.engine.tasks.validated_sounds import SoundBatch, make_batches
from distill_tui.engine.tasks.waves import digest_of, load_waves
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.recipe.arithmetic import VALIDATION_SECONDS, crop_samples, latent_hop
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import sound_quality
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

BATCH_SECONDS = {"cpu": 15.0, "cuda": 60.0, "mps": 60.0}
"""Sound that goes through a validation at once, or a longer file. A CPU is no faster with more."""
LEVELS_SECONDS, LEVELS_FILE_SECONDS = 10.0, 2.0
"""Held-out sound that is decoded with each number of levels when a model is saved, and the most of one file."""


@register
class CodecTask(AdversarialTask):
    """Trains a codec on waves at its sample rate.

    Args:
        training, validation: the waves; `waves` holds them by split.
        names: of the held-out waves, with their sub-folders.
    """

    name = "codec"
    data_noun, unit = "sounds", "sound"
    main_loss, measure = "mel", sound_quality.FORMULA
    memory_advice = "Try a smaller model.channels, fewer blocks or a shorter data.crop_seconds."

    def __init__(
        self,
        recipe: Recipe,
        training: Sequence[Wave],
        validation: Sequence[Wave],
        device: torch.device,
        names: Sequence[str] = (),
    ) -> None:
        super().__init__(recipe, device)
        self.sample_rate, self.crop = int(recipe.model.sample_rate), crop_samples(recipe)
        self.per_step = int(recipe.train.batch_size) * self.crop / self.sample_rate
        self.latents_per_step = int(recipe.train.batch_size) * self.crop // latent_hop(recipe)
        folders = [str(Path(wave.sound.name).parent) if isinstance(wave, CachedWave) else "" for wave in training]
        self._batches = Batches(load_waves(training, device), recipe, self.crop, recipe.train.seed, folders)
        self.spectral = SpectralLoss(self.sample_rate).to(device)
        self.waves: dict[Split, Sequence[Wave]] = {"training": training, "validation": validation}
        self._names, self._max_seconds, self._batch_seconds = names, MAX_SECONDS, BATCH_SECONDS[device.type]
        self._choose_validated()
        self._previewed = [self._validated_files[i] for i in self._different()]

    @staticmethod
    def load_data(run: RunFolder) -> Corpus:
        return Corpus.load(run.sounds)

    @classmethod
    def from_data(cls, home: Home, data: Corpus, recipe: Recipe, device: torch.device) -> Self:
        training, validation, skipped = read_sounds(home, data, int(recipe.model.sample_rate))
        task = cls(recipe, training, validation, device, [wave.sound.name for wave in validation])
        task.skipped = skipped
        return task

    def data_digest(self) -> int:
        return digest_of(self.waves.values())

    def batch(self, step: int) -> Tensor:
        return self._batches.batch(step)

    def inputs(self, step: int) -> dict[str, Tensor]:
        # a GPU cuts the batch by these few numbers, within the step
        cuts = self.device.type == "cuda" and self._batches.holds_sound
        return self._batches.draws(step) if cuts else super().inputs(step)

    def data(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return super().data(inputs) if "data" in inputs else self._batches.cut(inputs)

    def on_start(self, trainer: "Trainer") -> None:
        """Measure what 0 % and 100 % of quality are, once in a run: one that is resumed finds it in its log."""
        super().on_start(trainer)
        if trainer.finished or trainer.follower.catch_up().anchors is not None:
            return
        detail = "measuring both ends of the quality scale"
        trainer.log.write(e.StateChanged(state="starting", step=trainer.step, detail=detail))
        anchors = trainer.validator.within_memory(lambda: self.measure_anchors(trainer.ema_net), trainer.step)
        trainer.log.write(anchors)

    def measure_anchors(self, net: SoundNet) -> e.AnchorsMeasured:
        """The ends of the scale of quality, on the held-out sounds."""
        return measure_anchors(net, self.spectral, self.validated["training"], self.validated["validation"])

    # ---------------------------------------------------------------- validation

    def _choose_validated(self) -> None:
        """Choose sounds to validate with, and as much of the training sound: the gap between them is overfitting."""
        held_out, seen = self.waves["validation"], self.waves["training"]
        most, seconds = int(self._max_seconds * self.sample_rate), VALIDATION_SECONDS[self.device.type]
        lengths = [len(wave) for wave in held_out]
        self._validated_files = choose_evenly(lengths, self.sample_rate, seconds, self._max_seconds)
        validated = [held_out[i][:most] for i in self._validated_files]
        seconds = sum(map(len, validated)) / self.sample_rate
        files = choose_evenly([len(wave) for wave in seen], self.sample_rate, seconds, self._max_seconds)
        self.validated: dict[Split, list[np.ndarray]] = {
            "training": [seen[i][:most] for i in files],
            "validation": validated,
        }
        self._batched: dict[Split, list[SoundBatch]] = {}

    def _different(self) -> list[int]:
        """Indices of the validated held-out sounds that previews show."""
        groups = [str(Path(self._names[file]).parent) if self._names else "" for file in self._validated_files]
        return choose_different(self.validated["validation"], groups, self.sample_rate, self.recipe.train.previews)

    def reduce_memory(self) -> str:
        longest = max(len(wave) for split in self.validated.values() for wave in split) / self.sample_rate
        if any(len(batch) > 1 for batches in self._batched.values() for batch in batches):
            self._batch_seconds, self._batched = self._batch_seconds / 2, {}
            return f"{self._batch_seconds:.0f} s of sound are validated at once"
        if self._max_seconds <= 1.0:
            return ""
        self._max_seconds = max(1.0, min(self._max_seconds, longest) / 2)
        self._choose_validated()
        return f"{self._max_seconds:.0f} s of a file are validated at most"

    @torch.no_grad()
    def evaluate(self, net: Any, split: Split, weights: Mapping[str, float]) -> Evaluation:
        """Distances of whole sounds (`stft` only if it has a weight), losses of the quantizer, and the use of codes.

        Those of the quantizer are means over latent frames.
        """
        # lsd is no part of the distance, which is all that training sound is asked for
        with_stft, with_lsd = weights["stft"] > 0, split == "validation"
        rows: list[dict[str, Tensor]] = []
        sums: dict[str, Tensor] = {}
        counts, frames = None, 0
        for batch in self._validation_batches(net, split):
            original = batch.padded(net)
            result, places, output = net.reconstruct(original, batch.frames(net), self.quantizing)
            rows.append(batch.distances(self.spectral, original, result, with_stft, with_lsd))
            if output is None:
                continue
            frames += len(places)
            for key, value in (output.losses | output.numbers).items():
                sums[key] = sums.get(key, 0) + value * len(places)
            if output.codes is not None:
                mask = net.frame_mask(original).flatten()[None, places]
                used = count_codes(output.codes, mask, net.bottleneck.size)
                counts = used if counts is None else counts + used
        table = {key: torch.cat([row[key] for row in rows]).tolist() for key in rows[0]}
        losses = {key: sum(column) / len(column) for key, column in table.items() if key in ("mel", "stft")}
        losses |= {key: float(value) / frames for key, value in sums.items()}
        table.pop("stft", None)
        heard = [dict(zip(table, numbers, strict=True)) for numbers in zip(*table.values(), strict=True)]
        return Evaluation(losses, sound_quality.summary(heard), counts)

    def _validation_batches(self, net: SoundNet, split: Split) -> list[SoundBatch]:
        """The validated sounds of a split: a file each where the net cannot take several."""
        if split not in self._batched:
            seconds = self._batch_seconds if net.takes_ends else 0.0
            self._batched[split] = make_batches(self.validated[split], self.sample_rate, seconds, self.device)
        return self._batched[split]

    @torch.no_grad()
    def level_distances(self, net: Any) -> list[float | None]:
        levels: int = net.bottleneck.levels
        waves = self.validated["validation"]
        some = choose_evenly([len(wave) for wave in waves], self.sample_rate, LEVELS_SECONDS, LEVELS_FILE_SECONDS)
        rows: list[list[dict[str, Tensor]]] = [[] for _ in range(levels)]
        for wave in (waves[file][: int(LEVELS_FILE_SECONDS * self.sample_rate)] for file in some):
            whole = self._padded(net, wave)
            original, latents = whole[0, : len(wave)], net.encode(whole)
            heard = hear(original, self.sample_rate)
            for level in range(levels):
                reconstruction = net.decode_audio(net.bottleneck(latents, level + 1).latents)[0, : len(wave)]
                values = spectral_distances(self.spectral, original, reconstruction, with_stft=False)
                rows[level].append(values | heard_distances(reconstruction, self.sample_rate, heard))
        return [sound_quality.summary(as_numbers(of_level))["distance"] for of_level in rows]

    def _padded(self, net: SoundNet, wave: np.ndarray) -> Tensor:
        """A wave on the device [1, samples], zeros at its end up to whole latent frames."""
        return net.pad_to_frames(torch.from_numpy(np.array(wave)).to(self.device)[None])

    @property
    def preview_names(self) -> list[str]:
        return [self._names[file] for file in self._previewed] if self._names else []

    def write_previews(self, net: Any, folder: Path) -> list[PreviewPair]:
        most = int(self._max_seconds * self.sample_rate)
        waves = (np.asarray(self.waves["validation"][file][:most]) for file in self._previewed)
        return CodecPreviews(net, self.spectral, self.device, self.quantizing, folder, self.preview_format).write(waves)

    def example(self) -> Tensor:
        wave = torch.from_numpy(np.array(self.validated["validation"][0][: 2 * self.sample_rate]))
        return nn.functional.pad(wave, (0, -len(wave) % latent_hop(self.recipe)))[None]

    # ---------------------------------------------------------------- facts

    def prepared_facts(self) -> dict[str, Any]:
        training, validation = self.waves["training"], self.waves["validation"]
        return super().prepared_facts() | {
            "rate": self.sample_rate,
            "training_files": len(training),
            "validation_files": len(validation),
            "training_seconds": sum(map(len, training)) / self.sample_rate,
            "validation_seconds": sum(map(len, validation)) / self.sample_rate,
        }

    def card_facts(self, best: Mapping[str, Any]) -> dict[str, Any]:
        seconds = round(best["step"] * self.per_step, 3)
        return super().card_facts(best) | {"rate": self.sample_rate, "seconds_of_sound": seconds}


def read_sounds(
    home: Home, corpus: Corpus, sample_rate: int
) -> tuple[list[CachedWave], list[CachedWave], list[tuple[str, str]]]:
    """Decode sounds into the cache: (training, validation, what was skipped and why); no samples are read yet.

    Raises:
        DistillError: a split has no usable sound left.
    """
    decoded, failed = decode_cache.decode_all(corpus, sample_rate, home, PROGRESS.get())
    training: list[CachedWave] = []
    validation: list[CachedWave] = []
    for wave in decoded:
        if wave.sound.split == "by time":
            border = round(len(wave) * (1 - corpus.validation_fraction))
            training.append(wave.part(0, border))
            validation.append(wave.part(border, len(wave)))
        else:
            (validation if wave.sound.split == "validation" else training).append(wave)
    if not training or not validation:
        name, reason = failed[0] if failed else ("", "")
        raise DistillError(
            f"no sound is left to {'train on' if not training else 'validate with'}"
            + (f": {name}: {reason}" if name else ""),
            "Look at the sounds with: distill-tui data FOLDER",
        )
    return training, validation, failed
