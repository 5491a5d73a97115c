"""Beam search over the levels of a residual quantizer (Babenko and Lempitsky 2014, Additive Quantization, section 3).

The greedy search takes the nearest code level by level. Where a code that is not the nearest leaves over what a later
level has a code for, the sum of all levels comes nearer to the latents.
"""

import torch
from torch import Tensor

MAX_SCORES = 1 << 22
"""Scores that are held at once: 16 MB of them, however many frames, partial sums and codes there are."""


@torch.no_grad()
def beam_search(latents: Tensor, codebooks: Tensor, greedy: Tensor, beam: int) -> Tensor:
    """Search for codes whose sum is nearer to latents [batch, frames, dim] than that of the `greedy` codes.

    Args:
        codebooks: vectors [levels, size, dim], one of each level to be added.
        greedy: codes [batch, frames, levels] of the first levels, which are searched.
        beam: partial sums that are kept for each frame from one level to the next.

    Returns:
        Codes like `greedy`: the nearest of the last partial sums, or `greedy` where none of them is nearer.
    """
    books = codebooks[: greedy.shape[-1]].detach()
    rows = max(1, MAX_SCORES // (beam * books.shape[1]))
    vectors, codes = latents.float().flatten(0, 1), greedy.flatten(0, 1)
    parts = [slice(start, start + rows) for start in range(0, len(vectors), rows)]
    return torch.cat([codes[:0], *(_search(vectors[part], books, codes[part], beam) for part in parts)]).view_as(greedy)


def _search(vectors: Tensor, books: Tensor, greedy: Tensor, beam: int) -> Tensor:
    """The search for vectors [n, dim] with greedy codes [n, levels]."""
    count, dim = vectors.shape
    sums, codes = vectors.new_zeros(count, 1, dim), greedy.new_zeros(count, 1, 0)
    greedy_sum = torch.zeros_like(vectors)
    for level, book in enumerate(books):
        residual = vectors[:, None] - sums
        # squared distances [n, kept, size]: unlike in a greedy search, they are compared between partial sums
        scores = (residual @ book.T).mul_(-2).add_(book.square().sum(-1)).add_(residual.square().sum(-1, keepdim=True))
        best = scores.flatten(1).topk(min(beam, scores[0].numel()), largest=False).indices
        kept, code = best // len(book), best % len(book)
        sums = _rows(sums, kept) + book[code]
        codes = torch.cat((_rows(codes, kept), code[..., None]), -1)
        greedy_sum = greedy_sum + book[greedy[:, level]]
    # the greedy sum may have fallen out of the beam although it ends nearer; first, it is also what a tie gives
    sums, codes = torch.cat((greedy_sum[:, None], sums), 1), torch.cat((greedy[:, None], codes), 1)
    nearest = (vectors[:, None] - sums).square().sum(-1).argmin(1)
    return _rows(codes, nearest[:, None])[:, 0]


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Values [n, kept, m] at index [n, chosen]: [n, chosen, m]."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))
