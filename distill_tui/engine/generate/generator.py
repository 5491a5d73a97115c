"""A trained generator: a prior over the codes of a codec, with the codec and the codes of its sounds in one file."""

import os
from collections.abc import Sequence

from torch import Tensor, nn

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.inference.model import Model
from distill_tui.library.card import Card


class Generator:
    """A prior with its codec.

    Attributes:
        codec: codes to sounds and back.
        prior: the net that codes are drawn from (`engine.nets.prior.Prior`).
        bank: the codes of the sounds that the prior was trained and validated on.
        labels: kinds of sound that can be asked for; [] where the sounds were in no folders.
        card: of the generator.
    """

    def __init__(self, codec: Model, prior: nn.Module, bank: CodeBank, labels: Sequence[str], card: Card) -> None:
        self.codec, self.prior, self.bank = codec, prior.eval().requires_grad_(False), bank
        self.labels, self.card = list(labels), card

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu") -> "Generator":
        """Load a `.distill` file of kind generator, from that file alone.

        Args:
            device: as for `Model.load`.

        Raises:
            RequestError: the file is no good model or no generator, or the device cannot be used.
        """
        raise NotImplementedError

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
