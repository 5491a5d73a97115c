"""How new a take is: its nearest training sound, and how much of that sound's codes it copies."""

from dataclasses import dataclass

from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.inference.model import Model
from distill_tui.takes.take import Nearest


@dataclass(frozen=True)
class Judgement:
    """How new a take is; the fields are those of `takes.take.Take`."""

    nearest: Nearest
    novelty: float
    copied_frames: int
    copied_coarse: int


class Judge:
    """Judges takes of one codec by the training sounds of a bank.

    `floor` is the distance, in dB, of a training sound that went through the codec once more; `usual` that of a held-out
    sound from the training sounds. Both are medians, and the novelty of a take is its distance on the scale of 0 at
    the floor and 1 at the usual one.
    """

    floor: float
    usual: float

    def __init__(self, bank: CodeBank, codec: Model) -> None:
        """Decode the bank: about a tenth of a second for each second of sound on one core."""
        raise NotImplementedError

    def judge(self, wave: Tensor, codes: Tensor) -> Judgement:
        """Judge a take.

        Args:
            wave: [samples] at the codec's rate, as it is decoded.
            codes: [frames, levels].
        """
        raise NotImplementedError
