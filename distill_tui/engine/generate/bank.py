"""The code bank: the sounds of a model's data as codes."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class CodeBank:
    """Sounds as codes of one codec, in order of their names.

    Attributes:
        codes: of each sound [frames, levels], int64 on the CPU.
        names: of the sounds, as in the card (`data.corpus.Sound.name`).
        labels: the kind of each, the first folder of its name; "" where there are no folders.
        held_out: whether the codec (or prior) never trained on it.
        lengths: samples of each at the codec's rate, up to frames x latent hop.
        notice: what a person should know of it: that sounds are missing; "" where there is nothing.
    """

    codes: Sequence[Tensor]
    names: Sequence[str]
    labels: Sequence[str]
    held_out: Sequence[bool]
    lengths: Sequence[int]
    notice: str = ""

    def __len__(self) -> int:
        return len(self.codes)

    def part(self, held_out: bool) -> "CodeBank":
        """The held-out sounds alone, or the others."""
        return self.some([row for row, flag in enumerate(self.held_out) if flag == held_out])

    def joined(self, other: "CodeBank") -> "CodeBank":
        """These sounds and those of another bank, each once; one that either trained on is not held out."""
        both = CodeBank(
            [*self.codes, *other.codes],
            [*self.names, *other.names],
            [*self.labels, *other.labels],
            [*self.held_out, *other.held_out],
            [*self.lengths, *other.lengths],
        )
        trained_first = sorted(range(len(both)), key=lambda row: both.held_out[row])
        rows: dict[bytes, int] = {}
        for row in trained_first:
            rows.setdefault(both.codes[row].numpy().tobytes(), row)
        return both.some(sorted(rows.values()))

    def some(self, rows: Sequence[int]) -> "CodeBank":
        """The sounds of these rows."""
        return CodeBank(
            [self.codes[row] for row in rows],
            [self.names[row] for row in rows],
            [self.labels[row] for row in rows],
            [self.held_out[row] for row in rows],
            [self.lengths[row] for row in rows],
        )
