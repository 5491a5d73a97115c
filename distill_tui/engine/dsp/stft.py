"""Spectrograms, the input of nets and losses, and the inverse STFT, with gradients written out."""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.mel import mel_filters

FLOOR = 1e-4
"""Magnitudes are clamped to this before a logarithm is taken: -80 dB of full scale."""


class MelSpectrogram(nn.Module):
    """Magnitude mel spectrograms with Hann windows, centred frames, and reflection at the ends.

    Unlike torchaudio's module, this one can share its STFT with other losses, and keeps the filters in float32 under
    autocast.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        # on the CPU even for a net on the meta device: torchaudio looks at their values
        with torch.device("cpu"):
            filters = mel_filters(n_fft // 2 + 1, n_mels, sample_rate)
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)

    @cached_property
    def inverse_filters(self) -> Tensor:
        """The pseudo-inverse [n_fft / 2 + 1, n_mels] of the filters, on the CPU."""
        inverse: Tensor = torch.linalg.pinv(self.filters.cpu())
        return inverse

    def magnitudes(self, wave: Tensor) -> Tensor:
        """[batch, samples] to linear magnitudes [batch, n_fft / 2 + 1, 1 + samples / hop_length]."""
        if wave.shape[-1] <= self.n_fft // 2:
            # reflection needs more than half a window
            wave = nn.functional.pad(wave, (0, self.n_fft // 2 + 1 - wave.shape[-1]))
        magnitudes: Tensor = _StftMagnitude.apply(wave, self.window, self.hop_length)
        return magnitudes

    def forward(self, wave: Tensor) -> Tensor:
        """[batch, samples] to mel magnitudes [batch, n_mels, frames]."""
        with torch.autocast(wave.device.type, enabled=False):
            return self.filters @ self.magnitudes(wave.float())


class _StftMagnitude(torch.autograd.Function):
    """|STFT| of centred frames with reflection at the ends, and its gradient.

    Written out because autograd's own backward of torch.stft and abs took a third of a training step on two cores: it
    transforms the full complex spectrum and adds frames up by index. Here one real inverse FFT and `window / hop`
    shifted sums do the same; `tests/engine/test_stft.py` holds it to autograd's result.
    """

    @staticmethod
    def forward(ctx: Any, wave: Tensor, window: Tensor, hop: int) -> Tensor:
        spectrum = torch.fft.rfft(_frames(wave, len(window), hop) * window).transpose(1, 2)
        magnitude = torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag).sqrt()
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(spectrum, magnitude, window)
            ctx.hop, ctx.length = hop, wave.shape[-1]
        return magnitude

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        spectrum, magnitude, window = ctx.saved_tensors
        size, hop, length = len(window), ctx.hop, ctx.length
        # d|X| = Re(conj(X) dX) / |X|; an inverse real FFT counts inner bins twice, so they are halved
        weight = gradient / magnitude.clamp(min=1e-7)
        # in place: an assignment to the part would copy it onto itself
        weight[:, 1 : (size + 1) // 2].mul_(0.5)
        frames = torch.fft.irfft((spectrum * weight).transpose(1, 2), n=size, norm="forward") * window
        return _unframed(frames, hop, length), None, None


class _Stft(torch.autograd.Function):
    """The STFT of centred frames with reflection at the ends, and its gradient: see `_StftMagnitude`."""

    @staticmethod
    def forward(ctx: Any, wave: Tensor, window: Tensor, hop: int) -> Tensor:
        ctx.save_for_backward(window)
        ctx.hop, ctx.length = hop, wave.shape[-1]
        return torch.view_as_real(torch.fft.rfft(_frames(wave, len(window), hop) * window))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (window,) = ctx.saved_tensors
        size = len(window)
        spectrum = torch.complex(gradient[..., 0], gradient[..., 1])
        # an inverse real FFT counts inner bins twice
        spectrum[..., 1 : (size + 1) // 2].mul_(0.5)
        frames = torch.fft.irfft(spectrum, n=size, norm="forward") * window
        return _unframed(frames, ctx.hop, ctx.length), None, None


def stft(wave: Tensor, window: Tensor, hop: int) -> Tensor:
    """[batch, samples], more than half a window of them, to real and imaginary parts [batch, frames, bins, 2]."""
    parts: Tensor = _Stft.apply(wave, window, hop)
    return parts


class _Synthesis(torch.autograd.Function):
    """The inverse STFT of log-magnitudes and phases, and its gradient; autograd's own takes more than twice as long."""

    @staticmethod
    def forward(ctx: Any, log_magnitude: Tensor, phase: Tensor, window: Tensor, hop: int, length: int) -> Tensor:
        size, half = len(window), len(window) // 2
        magnitude = log_magnitude.exp().clamp_(max=half)
        spectrum = torch.polar(magnitude, phase)
        frames = torch.fft.irfft(spectrum, n=size) * window
        # a frame centred on the last sample closes the last hop
        frames = torch.cat((frames, frames[:, -1:]), dim=1)
        squares = window.square().expand(1, frames.shape[1], size)
        envelope = _overlapped(squares, hop)[:, half : half + length]
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(spectrum, magnitude, window, envelope)
            ctx.hop = hop
        return _overlapped(frames, hop)[:, half : half + length] / envelope

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        spectrum, magnitude, window, envelope = ctx.saved_tensors
        size, half, hop, count = len(window), len(window) // 2, ctx.hop, spectrum.shape[1]
        whole = gradient.new_zeros(len(gradient), size + hop * count)
        whole[:, half : half + gradient.shape[1]] = gradient / envelope
        frames = whole.unfold(1, size, hop) * window
        frames[:, -2].add_(frames[:, -1])
        turned = torch.fft.rfft(frames[:, :-1], norm="forward")
        # an inverse real FFT counts inner bins twice
        turned[..., 1 : (size + 1) // 2].mul_(2)
        turned = spectrum.conj() * turned
        return turned.real * (magnitude < half), turned.imag, None, None, None


def synthesise(log_magnitude: Tensor, phase: Tensor, window: Tensor, hop: int, length: int) -> Tensor:
    """Log-magnitudes and phases [batch, frames, window / 2 + 1] to [batch, length] samples, frames x hop at most.

    Magnitudes are clamped at half the window. Frames are centred; the last one is repeated a hop later.
    """
    wave: Tensor = _Synthesis.apply(log_magnitude, phase, window, hop, length)
    return wave


def synthesise_each(
    log_magnitude: Tensor, phase: Tensor, window: Tensor, hop: int, length: int, ends: Tensor
) -> Tensor:
    """`synthesise`, without a gradient, of sounds that end after `ends` [batch] frames, as if each were alone.

    What comes after a sound's end means nothing.
    """
    size, half = len(window), len(window) // 2
    frames = torch.fft.irfft(torch.polar(log_magnitude.exp().clamp(max=half), phase), n=size) * window
    place, end = torch.arange(frames.shape[1] + 1, device=ends.device), ends[:, None]
    # a frame centred on the last sample closes the last hop, and there is none after it
    index, there = torch.minimum(place, end - 1)[..., None], (place <= end)[..., None]
    frames = frames.gather(1, index.expand(-1, -1, size)) * there
    envelope = _overlapped(window.square() * there, hop)[:, half : half + length]
    return _overlapped(frames, hop)[:, half : half + length] / envelope.clamp(min=1e-9)


def _frames(wave: Tensor, size: int, hop: int) -> Tensor:
    """[batch, samples] to overlapping frames [batch, 1 + samples / hop, size], reflected at the ends."""
    half = size // 2
    # the same as torch's padding, in a fifth of the time
    padded = torch.cat((wave[:, 1 : half + 1].flip(1), wave, wave[:, -half - 1 : -1].flip(1)), dim=1)
    return padded.unfold(1, size, hop)


def _unframed(frames: Tensor, hop: int, length: int) -> Tensor:
    """The gradient [batch, length] at the samples from that at their frames [batch, count, size]: see `_frames`."""
    padded = _overlapped(frames, hop)
    half = frames.shape[-1] // 2
    missing = length + 2 * half - padded.shape[1]
    if missing > 0:
        padded = nn.functional.pad(padded, (0, missing))
    padded = padded[:, : length + 2 * half]
    wave = padded[:, half : half + length].clone()
    wave[:, 1 : half + 1].add_(padded[:, :half].flip(1))
    wave[:, length - 1 - half : length - 1].add_(padded[:, half + length :].flip(1))
    return wave


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """Frames [batch, count, size] added up, each `hop` samples after the one before."""
    batch, count, size = frames.shape
    parts = -(-size // hop)
    if parts * hop > size:
        frames = nn.functional.pad(frames, (0, parts * hop - size))
    frames = frames.reshape(batch, count, parts, hop)
    summed = frames.new_zeros(batch, count + parts, hop)
    for part in range(parts):
        summed[:, part : part + count].add_(frames[:, :, part])
    return summed.flatten(1)


def log_mel(magnitudes: Tensor) -> Tensor:
    """log10 of magnitudes, clamped at FLOOR: about -4 for silence to 2 for full scale."""
    return magnitudes.clamp(min=FLOOR).log10()
