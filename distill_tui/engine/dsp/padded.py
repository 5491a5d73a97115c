"""Sounds of different lengths in one tensor, padded with zeros, and worked on as if each were alone."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distill_tui.engine.dsp.hearing import LSD_FFT, spectral_differences
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.stft import FLOOR, log_mel


def inside(x: Tensor, ends: Tensor | None) -> Tensor:
    """[batch, n, ...] with zeros from the place `ends` [batch] of each on; as it is if that is None."""
    if ends is None:
        return x
    mask = torch.arange(x.shape[1], device=x.device) < ends[:, None]
    return x * mask.view(*mask.shape, *[1] * (x.ndim - 2))


def held(x: Tensor, ends: Tensor | None) -> Tensor:
    """[batch, n] with the last value before `ends` [batch] of each from there on; as it is if that is None."""
    if ends is None:
        return x
    return x.gather(1, torch.minimum(torch.arange(x.shape[1], device=x.device), ends[:, None] - 1))


def reflected(wave: Tensor, ends: Tensor | None, half: int) -> Tensor:
    """[batch, samples + half]: from `ends` [batch] on each is its own reflection, as the end of a wave is to an STFT.

    As it is if that is None.
    """
    if ends is None:
        return wave
    padded = torch.nn.functional.pad(wave, (0, half))
    place, end = torch.arange(padded.shape[1], device=wave.device), ends[:, None]
    return padded.gather(1, torch.where(place < end, place, (2 * (end - 1) - place).clamp(min=0)))


def ends_of(lengths: Sequence[int], device: torch.device) -> Tensor | None:
    """Lengths as the other functions take them: None if all are equal, and nothing is padded."""
    return None if min(lengths) == max(lengths) else torch.tensor(lengths, device=device)


@torch.no_grad()
def spectral_distances(
    loss: SpectralLoss,
    original: Tensor,
    reconstruction: Tensor,
    lengths: Sequence[int],
    with_stft: bool = True,
    with_lsd: bool = True,
) -> dict[str, Tensor]:
    """What `inference.evaluate.spectral_distances` is of each sound of [batch, samples]: by name, [batch].

    Args:
        lengths: in samples; both tensors are zero from there on.
    """
    rows: list[dict[str, Tensor]] = []
    lsd = {}
    for scale in loss.scales:
        hop, half = scale.hop_length, scale.n_fft // 2
        # reflection needs more than half a window
        samples = [max(length, half + 1) for length in lengths]
        frames = [1 + length // hop for length in samples]
        ends, last = ends_of(samples, original.device), ends_of(frames, original.device)
        missing = max(samples) - original.shape[1]
        waves = (torch.nn.functional.pad(wave, (0, missing)) for wave in (reconstruction, original))
        a, b = (scale.magnitudes(reflected(wave, ends, half))[..., : max(frames)] for wave in waves)
        count = torch.tensor(frames, dtype=original.dtype, device=original.device)

        def mean(x: Tensor, last: Tensor | None = last, count: Tensor = count) -> Tensor:
            """The mean over bins and frames of [batch, bins, frames]."""
            return inside(x.mean(1), last).sum(1) / count

        row = {"mel": mean((log_mel(scale.filters @ a) - log_mel(scale.filters @ b)).abs())}
        if with_lsd and scale.n_fft == LSD_FFT:
            lsd = {"lsd": inside(spectral_differences(b, a), last).sum(1) / count}
        if with_stft:
            a, b = (inside(x.transpose(1, 2), last) for x in (a, b))
            error, size = (torch.linalg.vector_norm(x, dim=(1, 2)) for x in (a - b, b))
            size = torch.maximum(size, FLOOR * (count * b.shape[2]).sqrt())
            logarithms = (a.clamp(min=FLOOR).log() - b.clamp(min=FLOOR).log()).abs()
            row["stft"] = error / size + mean(logarithms.transpose(1, 2))
        rows.append(row)
    means = {key: torch.stack([row[key] for row in rows]).mean(0) for key in rows[0]}
    return means | lsd
