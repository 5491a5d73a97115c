"""A trained generator: a prior over the codes of a codec, with the codec and the codes of its sounds in one file.

The file's tensors are those of the prior (`prior.`), those of the codec (`codec.`) and the bank: `bank.codes` [frames
of all sounds, levels], and of each sound `bank.frames` and `bank.samples` (its length), `bank.label` (a number of the
recipe's labels, -1 for none), `bank.held_out` and `bank.place` (its place among the card's sounds). Where the card does
not list these, its data holds the names of the bank's sounds as `bank`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.inference.model import (
    CODEC,
    Model,
    codec_of_generator,
    device_of,
    net_of_generator,
    part_of,
)
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.nets.prior import Prior
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card, read_tensors
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.generate.make import Made
    from distill_tui.engine.generate.python import Paths

BANK = "bank."
OF_SOUNDS = ("frames", "samples", "label", "held_out", "place")


class Generator:
    """A prior with its codec.

    Attributes:
        codec: codes to sounds and back.
        prior: the net that codes are drawn from.
        bank: the codes of the sounds that the prior was trained and validated on.
        labels: kinds of sound that can be asked for; [] where the sounds were in no folders.
        card: of the generator; that of its codec is `codec.card`.
    """

    def __init__(self, codec: Model, prior: Prior, bank: CodeBank, labels: Sequence[str], card: Card) -> None:
        self.codec, self.prior, self.bank = codec, prior.eval(), bank
        self.labels, self.card = list(labels), card

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu") -> "Generator":
        """Load a `.distill` file of kind generator, from that file alone.

        Args:
            device: as for `Model.load`.

        Raises:
            RequestError: the file is no good model or no generator, or the device cannot be used.
        """
        path, chosen = Path(path), device_of(device)
        card = read_card(path)
        if card.task != "prior":
            raise RequestError(
                printable(f"{path}: a codec, not a generator"), "Train one for it with: distill-tui train-prior"
            )
        tensors = read_tensors(path)
        prior = net_of_generator(path, card, tensors)
        net, codec_card = codec_of_generator(path, card, tensors)
        if not isinstance(net, SoundNet) or (net.bottleneck.levels, net.bottleneck.size) != (prior.levels, prior.size):
            raise RequestError(printable(f"{path}: its prior does not fit its codec"))
        labels = [str(label) for label in card.recipe["prior"].get("labels", [])]
        bank = _bank_of(path, part_of(tensors, BANK), labels, card, prior)
        return cls(Model(net.to(chosen), codec_card), prior.to(chosen), bank, labels, card)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.codec.sample_rate

    @property
    def levels(self) -> int:
        """Codebooks of the codec."""
        return self.codec.levels

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [frames, levels] of one take to samples [frames x latent hop]."""
        return self.codec.decode(codes[None])[0]

    def generate(
        self,
        count: int = 1,
        *,
        data: "Paths" = (),
        home: str | os.PathLike[str] | None = None,
        judge: bool = False,
        **options: Any,
    ) -> "list[Made]":
        """Make new sounds, or change some.

        Args:
            count: takes to make; take n follows from `seed` + n alone, on the CPU to the bit.
            data: folders and files to use in place of the sounds that the model was trained on
                whose codes are in the file.
            home: the home folder whose cache holds their codes; None: the usual one.
            judge: measure how new each take is (`take.nearest`, `take.novelty`): some seconds the first time.
            options: as in `takes.request.Request`: `method` ("auto", "prior", "blend", "walk"), `seconds` (of each,
                up to 600; None: its own end), `seed`, `label`, `temperature` and
                `top_p` (one number, or one a level), `loop`, `max_copy` (latent frames), `novelty`
                (with `judge`), and at most one of the edits `like` (a file; `strength` 0 to 1), `continue_file`, `fill`
                (with `start` and `end` in seconds), `morph` (two files), `follow`.

        Returns:
            for each take `wave`, a NumPy array float32 [samples] in -1..1 at `sample_rate` Hz, `codes`, a tensor int64
            [frames, levels] on the CPU, and `take`, its description (`takes.take.Take`).

        Raises:
            RequestError: the request cannot be met.
        """
        # here: makers need models
        from distill_tui.engine.generate.python import generate_takes

        return generate_takes(self, count, options, data, home, judge)


def codec_tensors(codec: Model) -> dict[str, Tensor]:
    """The weights of a codec as a generator's file holds them."""
    return {CODEC + name: tensor for name, tensor in codec.net.state_dict().items()}


def bank_tensors(bank: CodeBank, labels: Sequence[str], places: Sequence[int]) -> dict[str, Tensor]:
    """A bank as a generator's file holds it.

    Args:
        labels: of the recipe.
        places: of each sound of the bank among the card's sounds.
    """
    of_sounds = {
        "frames": [len(codes) for codes in bank.codes],
        "samples": list(bank.lengths),
        "label": [labels.index(label) if label in labels else -1 for label in bank.labels],
        "held_out": [int(flag) for flag in bank.held_out],
        "place": list(places),
    }
    codes = torch.cat(list(bank.codes)).to(torch.int32)
    return {f"{BANK}codes": codes} | {f"{BANK}{name}": torch.tensor(values) for name, values in of_sounds.items()}


def _bank_of(path: Path, tensors: Mapping[str, Tensor], labels: Sequence[str], card: Card, prior: Prior) -> CodeBank:
    """The bank of a file's tensors.

    Raises:
        RequestError: they do not go together.
    """
    codes = tensors.get("codes", torch.zeros(0)).long()
    values = [tensors.get(name, torch.zeros(0)).long() for name in OF_SOUNDS]
    frames, samples, label, held_out, place = values
    good = codes.ndim == 2 and codes.shape[1] == prior.levels and all(one.shape == (frames.numel(),) for one in values)
    good = good and len(frames) > 0 and bool((frames > 0).all() and (frames <= len(codes)).all())
    good = good and int(frames.sum()) == len(codes) and bool((samples > 0).all() and (label < len(labels)).all())
    good = good and bool((codes >= 0).all() and (codes < prior.size).all())
    if not good:
        raise RequestError(printable(f"{path}: the codes of its sounds are damaged"))
    listed = card.data.get("sounds") or []
    names = [str(listed[i][0]) if 0 <= i < len(listed) else f"sound {i + 1}" for i in place.tolist()]
    if len(own := card.data.get("bank") or []) == len(names):
        names = [str(name) for name in own]
    return CodeBank(
        codes=list(torch.split(codes, frames.tolist())),
        names=names,
        labels=[labels[number] if number >= 0 else "" for number in label.tolist()],
        held_out=[bool(flag) for flag in held_out.tolist()],
        lengths=samples.tolist(),
    )
