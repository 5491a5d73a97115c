"""How often each file of a run is drawn."""

from collections.abc import Sequence

import torch
from torch import Tensor


def shares_of(balance: str, lengths: Tensor, least: int, folders: Sequence[str]) -> Tensor:
    """The share of the crops that each file gives, as float64; they add up to 1.

    Args:
        balance: `seconds`: by length. `files`: each file alike. `folders`: each folder alike, its files by length.
        lengths: of the files, in samples.
        least: samples of a crop. A short file fills a whole one with the silence around it, so it is drawn as often as
            one crop of a long file.
        folders: of the files; needed for `folders`.
    """
    shares = lengths.clamp(min=least).double()
    if balance == "files":
        shares = torch.ones_like(shares)
    elif balance == "folders":
        numbers = {folder: number for number, folder in enumerate(dict.fromkeys(folders))}
        of_file = torch.tensor([numbers[folder] for folder in folders])
        shares = shares / torch.zeros(len(numbers), dtype=shares.dtype).index_add_(0, of_file, shares)[of_file]
    return shares / shares.sum()
