"""The interface of quantizers: everything that training, inference and maps ask of one."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from distill_tui.engine.quantizers.beam import beam_search


@dataclass
class QuantizerOutput:
    """The result of `Bottleneck.forward`.

    `latents` are [batch, frames, dim], as the decoder takes them. `codes` are [batch, frames, levels], -1 in levels
    that were left out; None of a continuous bottleneck. `losses` are unweighted scalars by name (`commit`, `codebook`,
    `kl`): training applies each weight, once. `numbers` are scalars to be logged under their names.
    """

    latents: Tensor
    codes: Tensor | None
    losses: dict[str, Tensor]
    numbers: dict[str, Tensor] = field(default_factory=dict)


class Bottleneck(nn.Module):
    """The module between encoder and decoder. It maps latents [batch, frames, dim] to latents, and to what is stored.

    `losses` and `numbers` name those of its `QuantizerOutput`. `levels` and `size` count codebooks and codes a
    codebook; both are 0 of a continuous bottleneck. `needs_init` is true where codebooks are computed from latents
    (`Quantizer.init_codebooks`): until then training goes around it.
    """

    losses: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    needs_init: bool = False
    replaced: Tensor
    """Codes that were replaced, by level, until it is set to 0; NaN where that is not known."""

    def __init__(self, levels: int, size: int) -> None:
        super().__init__()
        self.levels, self.size = levels, size
        self.register_buffer("replaced", torch.zeros(levels), persistent=False)

    def forward(self, latents: Tensor, levels: int | Tensor | None = None) -> QuantizerOutput:
        """Quantize latents [batch, frames, dim] with the first `levels` codebooks (default: all).

        In training mode codebooks and their moving averages change, and gradients pass straight through. `levels` as a
        scalar tensor on the device gives the same result; one captured CUDA graph then serves every number of levels.
        """
        raise NotImplementedError

    def tokens(self, latents: Tensor, levels: int | None = None, beam: int = 1) -> Tensor:
        """The form in which latents [batch, frames, dim] are stored: codes [batch, frames, `levels`], or floats.

        Args:
            beam: partial sums that the search for codes keeps (see `beam_search`); 1 gives the codes of `forward`.
        """
        raise NotImplementedError

    def latents(self, tokens: Tensor) -> Tensor:
        """Latents [batch, frames, dim] of tokens; codes may be of the first levels only, and -1 adds nothing."""
        raise NotImplementedError


class Quantizer(Bottleneck):
    """A residual quantizer: each level encodes what the levels before it leave over.

    Methods for codebooks that are learned from assignments do nothing by default.
    """

    can_capture = True
    """Whether its training step asks the device for nothing, so that it can be captured as a CUDA graph."""
    can_search = True
    """Whether latents are what the sum of codes is near to, so that a nearer sum is a better one."""
    codebooks: Tensor
    """The vectors of the codes, [levels, size, dim]: latents are the sum of one of each level."""

    def tokens(self, latents: Tensor, levels: int | None = None, beam: int = 1) -> Tensor:
        output: QuantizerOutput = self(latents, levels)
        assert output.codes is not None
        codes = output.codes[..., :levels]
        return beam_search(latents, self.codebooks, codes, beam) if beam > 1 and self.can_search else codes

    def ema_buffers(self) -> list[Tensor]:
        """The tensors that `forward` changes in training mode; a step that is not finite puts them back."""
        return []

    def init_codebooks(self, pool: Tensor, batch_vectors: int) -> None:
        """Compute every codebook from latents `pool` [vectors, dim].

        Args:
            batch_vectors: latent vectors of a training batch, the scale of moving counts.
        """

    def rescale_usage(self, batch_vectors: int) -> None:
        """Scale moving counts to batches of `batch_vectors` vectors.

        Codebooks that were trained with batches of another size would have dead codes at once, or none ever.
        """

    def replace_dead_codes(
        self,
        latents: Tensor,
        codes: Tensor,
        threshold: float,
        frame_mask: Tensor,
        allowed: Tensor | bool = True,
        random: torch.Generator | None = None,
    ) -> None:
        """Replace codes whose moving count is below `threshold` times the even share by random vectors of the batch.

        The even share is N/K: N latent frames of a batch over K codes. A new code starts at the even share.

        Args:
            latents: the input of `forward`, [batch, frames, dim].
            codes: its output, [batch, frames, levels]. Levels that were left out keep their codes.
            threshold: 0 replaces none.
            frame_mask: frames that new codes are drawn from, [batch, frames]; where there are none nothing is replaced.
            allowed: a boolean scalar on the device: false after a step that was not finite.
            random: what is drawn from, on the device; by default torch's own.
        """
