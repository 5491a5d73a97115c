"""The prior: an autoregressive net over the codes of a frozen codec, trained on the codes of sounds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from distill_tui.data.corpus import MOST_LISTED, Corpus
from distill_tui.data.decode_cache import CachedWave, Wave
from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.generator import Generator, bank_tensors, codec_tensors
from distill_tui.engine.inference.model import PRIOR, Model
from distill_tui.engine.nets.prior import Prior
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.tasks import register
from distill_tui.engine.tasks.base import Split, Task, Validation
from distill_tui.engine.tasks.codec import read_sounds
from distill_tui.engine.tasks.near_codes import NearCodes
from distill_tui.engine.tasks.preview_files import PreviewPair
from distill_tui.engine.tasks.prior_batches import PriorBatches, pack, with_before
from distill_tui.engine.tasks.prior_previews import NearestSounds, write_previews
from distill_tui.engine.tasks.prior_versions import Versions
from distill_tui.engine.tasks.selection import choose_evenly
from distill_tui.engine.tasks.waves import digest_of
from distill_tui.library.card import Card, as_codec
from distill_tui.paths import Home
from distill_tui.recipe.arithmetic import bitrate_kbps, frame_rate
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import code_bits
from distill_tui.runs.folder import RunFolder
from distill_tui.text import decode_path

VALIDATED_FRAMES = {"cpu": 6_000, "cuda": 60_000, "mps": 20_000}
"""Latent frames of each split that a validation goes through, about."""
BATCH_FRAMES = 8_192
CHUNK_FRAMES = 256
"""Frames of long sounds that are validated at a time."""
BITS = 1 / math.log(2)


@register
class PriorTask(Task[Prior]):
    """Trains a prior on the codes of waves.

    Args:
        codec: frozen, on the device.
        waves: by split.
        bank: the codes of the waves as they are, the training ones first.
        places: of each sound of the bank among the sounds of the run.
    """

    name = "prior"
    data_noun, unit = "sounds", "frames"
    main_loss, measure = "codes", code_bits.MEASURE
    distance_name = "bits"
    betas = (0.9, 0.95)
    memory_advice = "Try a smaller prior.width or prior.crop_frames."

    def __init__(
        self,
        recipe: Recipe,
        codec: Model,
        waves: Mapping[Split, Sequence[Wave]],
        bank: CodeBank,
        places: Sequence[int],
        device: torch.device,
    ) -> None:
        super().__init__(recipe, device)
        self.codec, self.waves, self.bank, self._places = codec, waves, bank, places
        self.per_step = float(int(recipe.train.batch_size) * recipe.prior.crop_frames)
        names = {label: number for number, label in enumerate(recipe.prior.labels)}
        self._labels = [names.get(label, -1) for label in bank.labels]
        training = waves["training"]
        versions = Versions(codec.net, training, bank.codes[: len(training)], recipe)
        self._batches = PriorBatches(versions, self._labels, recipe)
        self._nearest = NearestSounds(training, codec.sample_rate)
        self._near = NearCodes(codebooks_of(codec).to(device))
        self._frames = VALIDATED_FRAMES[device.type]
        self._choose_validated()

    @staticmethod
    def load_data(run: RunFolder) -> Corpus:
        return Corpus.load(run.sounds)

    @classmethod
    def from_data(cls, home: Home, data: Corpus, recipe: Recipe, device: torch.device) -> Self:
        codec = Model.load(decode_path(recipe.prior.codec), str(device))
        training, validation, skipped = read_sounds(home, data, codec.sample_rate)
        order = {(sound.name, sound.content): place for place, sound in enumerate(data.sounds)}
        task = cls(
            recipe,
            codec,
            {"training": training, "validation": validation},
            encode_bank(codec, training, validation),
            [order[wave.sound.name, wave.sound.content] for wave in (*training, *validation)],
            device,
        )
        task.skipped = skipped
        return task

    def data_digest(self) -> int:
        return digest_of(self.waves.values())

    def batch(self, step: int) -> Tensor:
        return self._batches.batch(step).to(self.device, non_blocking=True)

    # ---------------------------------------------------------------- the net and its losses

    def build_net(self) -> Prior:
        net = super().build_net()
        net.set_codebooks(codebooks_of(self.codec).cpu())
        return net

    def has_weight_decay(self, name: str, parameter: nn.Parameter) -> bool:
        return parameter.ndim > 1 and not name.startswith(("table", "label"))

    def losses(self, net: Prior, data: Tensor) -> dict[str, Tensor]:
        """Cross-entropy in bits a frame, with a part of the target's weight on codes near the right one."""
        share = int(self.recipe.train.batch_size) / len(data)
        hard, near = self._bits(net, data)
        weight = self.recipe.prior.near_weight
        mixed = (1 - weight) * hard.sum() + weight * near.sum()
        return {"codes": mixed * share / data[0, 0, -1]}

    def _bits(self, net: Prior, data: Tensor) -> tuple[Tensor, Tensor]:
        """Bits of the right codes of each level, and of those near them, [levels], summed over a batch."""
        levels = net.levels
        before, frames, label = data[..., :levels], data[..., levels : 2 * levels], data[:, 0, 2 * levels]
        tables = net.tables()
        hidden, _ = net(before, label, tables)
        return self._bits_of(net, hidden, frames, tables)

    def _bits_of(self, net: Prior, hidden: Tensor, frames: Tensor, tables: Any) -> tuple[Tensor, Tensor]:
        hard, near = [], []
        codes = frames.clamp(min=0)
        for level in range(net.levels):
            logits = net.head(level, hidden, codes.clamp(max=net.size - 1), tables)
            chances = torch.log_softmax(logits.float(), -1)
            right = -chances.gather(-1, codes[..., level : level + 1])[..., 0]
            is_code = (frames[..., level] >= 0) & (frames[..., level] < net.size)
            beside = self._near(level, codes[..., level].clamp(max=net.size - 1))
            around = -(beside * chances[..., : net.size]).sum(-1)
            hard.append(BITS * (right * (frames[..., level] >= 0)).sum())
            # the end is near nothing
            near.append(BITS * torch.where(is_code, around, right * (frames[..., level] >= 0)).sum())
        return torch.stack(hard), torch.stack(near)

    # ---------------------------------------------------------------- validation

    def _choose_validated(self) -> None:
        """Choose sounds to validate with, and as much of the training sound."""
        count = len(self.waves["training"])
        rows: dict[Split, list[int]] = {
            "training": list(range(count)),
            "validation": list(range(count, len(self.bank))),
        }
        self._validated: dict[Split, list[int]] = {}
        most = self._frames
        for split in ("validation", "training"):
            lengths = [len(self.bank.codes[row]) for row in rows[split]]
            chosen = choose_evenly(lengths, 1, most, most)
            self._validated[split] = [rows[split][i] for i in chosen]
            most = min(most, sum(min(lengths[i], most) for i in chosen))

    def reduce_memory(self) -> str:
        if self._frames < CHUNK_FRAMES:
            return ""
        self._frames //= 2
        self._choose_validated()
        return f"{self._frames} latent frames are validated"

    @torch.no_grad()
    def evaluate(self, net: Prior, split: Split) -> tuple[Tensor, Tensor]:
        """Bits a frame of each level [levels], of the right codes and of those near them."""
        rows = sorted(self._validated[split], key=lambda row: len(self.bank.codes[row]))
        hard = near = torch.zeros(net.levels, device=self.device)
        total, batch = 0, list[int]()
        for place, row in enumerate(rows):
            batch.append(row)
            longest = min(self._frames, len(self.bank.codes[row]))
            if place + 1 < len(rows) and longest * (len(batch) + 1) < BATCH_FRAMES:
                continue
            whole = [with_before(self.bank.codes[one], True, True, net.end)[: self._frames] for one in batch]
            data = pack(whole, [self._labels[one] for one in batch]).to(self.device)
            right, around = self._bits_in_chunks(net, data)
            hard, near, total, batch = hard + right, near + around, total + sum(map(len, whole)), []
        return hard / total, near / total

    def _bits_in_chunks(self, net: Prior, data: Tensor) -> tuple[Tensor, Tensor]:
        levels, tables, state = net.levels, net.tables(), None
        sums = torch.zeros(2, levels, device=data.device)
        for start in range(0, data.shape[1], CHUNK_FRAMES):
            part = data[:, start : start + CHUNK_FRAMES]
            hidden, state = net(part[..., :levels], data[:, 0, 2 * levels], tables, state)
            sums += torch.stack(self._bits_of(net, hidden, part[..., levels : 2 * levels], tables))
        return sums[0], sums[1]

    def validate(self, net: Prior, _weights: Mapping[str, float]) -> Validation:
        """Bits a frame, of each level and in all; the best epoch has the least of held-out sounds."""
        weight = self.recipe.prior.near_weight
        values: dict[str, float | None] = {}
        totals: dict[Split, float] = {}
        for split in ("validation", "training"):
            hard, near = self.evaluate(net, split)
            totals[split] = float(hard.sum())
            values |= {code_bits.level_key(n, split): float(bits) for n, bits in enumerate(hard)}
            if split == "validation":
                values["loss/val"] = float(((1 - weight) * hard + weight * near).sum())
        values |= {code_bits.VAL: totals["validation"], code_bits.TRAIN: totals["training"]}
        values |= {"distance/val": totals["validation"], "distance/train": totals["training"]}
        return Validation(values, totals["validation"], totals["training"])

    def output(self, net: Prior) -> Tensor:
        data = pack([with_before(self.bank.codes[-1][:CHUNK_FRAMES], True, True, net.end)], [-1])
        tables = net.tables()
        hidden, _ = net(data[..., : net.levels], data[:, 0, -2], tables)
        return net.head(0, hidden, data[..., net.levels :], tables)

    # ---------------------------------------------------------------- previews and facts

    @property
    def preview_names(self) -> list[str]:
        labels = self.recipe.prior.labels
        return [
            f"take {n + 1}" + (f", {labels[n % len(labels)]}" if labels else "")
            for n in range(self.recipe.train.previews)
        ]

    def generator(self, net: Prior) -> Generator:
        """A generator of this training's codec and sounds with `net` as its prior."""
        return Generator(self.codec, net, self.bank, self.recipe.prior.labels, Card())

    @torch.no_grad()
    def write_previews(self, net: Prior, folder: Path) -> list[PreviewPair]:
        """Write pairs of a generated sound and the training sound that is nearest to it."""
        return write_previews(self.generator(net), self._nearest, self.recipe.train, folder, self.preview_format)

    def prepared_facts(self) -> dict[str, Any]:
        rate = self.codec.sample_rate
        facts: dict[str, Any] = {
            "task": self.name,
            "rate": rate,
            "frame_rate": frame_rate(self.recipe),
            "kbps": bitrate_kbps(self.recipe),
            "codebook_size": self.codec.net.bottleneck.size,
        }
        for split, waves in self.waves.items():
            facts[f"{split}_files"] = len(waves)
            facts[f"{split}_seconds"] = sum(map(len, waves)) / rate
        return facts

    def data_facts(self) -> dict[str, Any]:
        # the card of a large collection does not list its sounds
        return {"bank": list(self.bank.names)} if len(self.bank) > MOST_LISTED else {}

    def model_tensors(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        prior = {PRIOR + name: tensor for name, tensor in weights.items()}
        return prior | codec_tensors(self.codec) | bank_tensors(self.bank, self.recipe.prior.labels, self._places)

    def card_facts(self, best: Mapping[str, Any]) -> dict[str, Any]:
        codec = self.codec.card
        return {
            "rate": self.codec.sample_rate,
            "frame_rate": frame_rate(self.recipe),
            "kbps": bitrate_kbps(self.recipe),
            "seconds_of_sound": round(best["step"] * self.per_step / frame_rate(self.recipe), 3),
            "codec": as_codec(codec, self.recipe.prior.codec_name),
        }


def codebooks_of(codec: Model) -> Tensor:
    """The codebooks [levels, size, dim] of a codec."""
    bottleneck = codec.net.bottleneck
    assert isinstance(bottleneck, Quantizer)
    return bottleneck.codebooks


def encode_bank(codec: Model, training: Sequence[CachedWave], validation: Sequence[CachedWave]) -> CodeBank:
    """The codes of sounds as they are."""
    waves = [*training, *validation]
    codes = [codec.encode(torch.from_numpy(wave[:]).float()[None])[0] for wave in waves]
    return CodeBank(
        codes=codes,
        names=[wave.sound.name for wave in waves],
        labels=[wave.sound.label for wave in waves],
        held_out=[False] * len(training) + [True] * len(validation),
        lengths=[len(wave) for wave in waves],
    )
