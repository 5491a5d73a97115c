"""The prior: an autoregressive net over the codes of a frozen codec, frame by frame and level by level.

A frame goes in as the sum over its levels of a projection of the codebook's vector and a small learned table, so that
codes of near vectors are near. What comes out of the recurrent net or the transformer goes to a small head for
each level, which also sees the levels that were drawn before it in the frame. The end of a sound is one code more of
level 0.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from distill_tui.engine.training.cpu_shards import Dropout
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import PRIOR_HEAD_WIDTH

NOTHING = -1
"""In place of a code: there is none. In level 0 of what came before a frame: the sound begins."""
LABEL_SCALE = 0.6
"""Standard deviation of the label vectors at the start. At 0.02 the net learns to ignore them."""
TABLE_SCALE = 0.1

State = list[Tensor]
"""What a net remembers of the frames so far, for each of a batch; [] before the first."""


class Tables(NamedTuple):
    """Vectors of the codes: `inputs` [levels, size, width] as a frame goes in, `drawn` [size, width] of each level but
    the last, as the heads of higher levels see them."""

    inputs: Tensor
    drawn: list[Tensor]


class Gru(nn.Module):
    """A recurrent net, [batch, frames, width] to the same."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.GRU(width, width, batch_first=True) for _ in range(layers))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after: State = []
        for number, layer in enumerate(self.layers):
            x, last = layer(self.dropout(x) if number else x, state[number] if state else None)
            after.append(last)
        return x, after


class Attention(nn.Module):
    """Causal attention with rotary positions (Su et al. 2021, arXiv 2104.09864), over the last `window` frames.

    Rotary positions are relative, so a window that moves along is the same everywhere, however long the sound.
    """

    frequencies: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.inputs, self.output = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        size = width // heads
        self.register_buffer("frequencies", 1e4 ** (-torch.arange(0, size, 2) / size), persistent=False)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """`state` holds keys and values [batch, heads, frames, size] of up to `window` - 1 frames before."""
        batch, frames, width = x.shape
        q, k, v = self.inputs(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if state:
            k, v = torch.cat((state[0], k), 2), torch.cat((state[1], v), 2)
        before = k.shape[2] - frames
        # keys are kept unturned, and positions are counted from the oldest: only differences matter
        places = torch.arange(k.shape[2], device=x.device)
        distance = places[before:, None] - places
        mask = (distance >= 0) & (distance < self.window)
        mixed = nn.functional.scaled_dot_product_attention(
            self._turn(q, places[before:]), self._turn(k, places), v, attn_mask=mask
        )
        kept = self.window - 1
        return self.output(mixed.transpose(1, 2).reshape(batch, frames, width)), [k[:, :, -kept:], v[:, :, -kept:]]

    def _turn(self, x: Tensor, places: Tensor) -> Tensor:
        angles = places[:, None] * self.frequencies
        cos, sin = angles.cos(), angles.sin()
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Transformer(nn.Module):
    """Blocks of attention and a feed-forward net, normalised before each; [batch, frames, width] to the same."""

    def __init__(self, width: int, layers: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.ModuleList(Attention(width, heads, window) for _ in range(layers))
        self.feed = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)) for _ in range(layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after: State = []
        for number, (attention, feed) in enumerate(zip(self.attention, self.feed, strict=True)):
            mixed, kept = attention(self.norms[2 * number](x), state[2 * number : 2 * number + 2])
            x = x + self.dropout(mixed)
            x = x + self.dropout(feed(self.norms[2 * number + 1](x)))
            after += kept
        return x, after


class Prior(nn.Module):
    """The prior of a resolved recipe, over `levels` codebooks of `size` codes.

    `vectors` are the codec's codebooks [levels, size, dim], each level scaled to unit variance; see `set_codebooks`.
    """

    vectors: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        settings, width = recipe.prior, int(recipe.prior.width)
        self.levels, self.size = recipe.model.rvq_levels, int(recipe.model.codebook_size)
        self.labels = len(settings.labels)
        dim = recipe.model.latent_dim
        self.register_buffer("vectors", torch.zeros(self.levels, self.size, dim))
        self.projections = nn.ModuleList(nn.Linear(dim, width, bias=False) for _ in range(self.levels))
        self.table = nn.Parameter(TABLE_SCALE * torch.randn(self.levels, self.size, width))
        self.begin = nn.Parameter(LABEL_SCALE * torch.randn(width))
        # the last one stands for any label
        self.label = nn.Parameter(LABEL_SCALE * torch.randn(self.labels + 1, width))
        self.dropout = Dropout(settings.dropout)
        net = _gru if settings.net == "gru" else _transformer
        self.net = net(recipe)
        self.drawn = nn.ModuleList(nn.Linear(dim, width, bias=False) for _ in range(self.levels - 1))
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, PRIOR_HEAD_WIDTH),
                nn.GELU(),
                nn.Linear(PRIOR_HEAD_WIDTH, self.size + (level == 0)),
            )
            for level in range(self.levels)
        )

    @property
    def end(self) -> int:
        """The code of level 0 that ends a sound."""
        return self.size

    @torch.no_grad()
    def set_codebooks(self, codebooks: Tensor) -> None:
        """Take over the codec's codebooks [levels, size, dim]."""
        scale = codebooks.square().mean((1, 2), keepdim=True).sqrt().clamp(min=1e-6)
        self.vectors.copy_(codebooks / scale)

    def tables(self) -> Tables:
        """The vectors of all codes as they are now: computed once for a whole batch, or for a whole sound drawn."""
        inputs = [projection(self.vectors[level]) for level, projection in enumerate(self.projections)]
        return Tables(torch.stack(inputs) + self.table, [one(self.vectors[n]) for n, one in enumerate(self.drawn)])

    def forward(
        self, before: Tensor, label: Tensor, tables: Tables, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Hidden vectors [batch, frames, width] from which the heads draw frames, and the state after them.

        Args:
            before: codes [batch, frames, levels] of the frame before each one; NOTHING where the sound begins.
            label: of each sound [batch]: a number of a label, or -1 for any.
            state: after the frames before, from the last call.
        """
        x = torch.where(before[..., :1] == NOTHING, self.begin, 0.0) + self.label[label][:, None]
        for level in range(self.levels):
            code = before[..., level]
            x = x + nn.functional.embedding(code.clamp(min=0), tables.inputs[level]) * (code >= 0)[..., None]
        hidden, after = self.net(self.dropout(x), state or [])
        return self.dropout(hidden), after

    def head(self, level: int, hidden: Tensor, frame: Tensor, tables: Tables) -> Tensor:
        """Logits [..., size] of a level; of level 0 [..., size + 1].

        Args:
            frame: codes [..., `level` or more] of the levels before.
        """
        for lower in range(level):
            hidden = hidden + nn.functional.embedding(frame[..., lower], tables.drawn[lower])
        logits: Tensor = self.heads[level](hidden)
        return logits


def _gru(recipe: Recipe) -> nn.Module:
    prior = recipe.prior
    return Gru(int(prior.width), int(prior.layers), prior.dropout)


def _transformer(recipe: Recipe) -> nn.Module:
    prior = recipe.prior
    return Transformer(int(prior.width), int(prior.layers), prior.heads, prior.crop_frames, prior.dropout)
