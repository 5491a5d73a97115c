"""The written-out STFT magnitude is torch's own, and so is its gradient."""

import pytest
import torch

from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.stft import MelSpectrogram, stft, synthesise


@pytest.mark.parametrize(
    ("window", "hop", "length"),
    [(256, 64, 4000), (2048, 512, 22528), (4096, 1024, 9000), (512, 128, 1000), (1024, 256, 520), (512, 150, 3000)],
)
def test_magnitudes_and_gradient_are_those_of_torch(window: int, hop: int, length: int) -> None:
    torch.manual_seed(1)
    mel = MelSpectrogram(16000, window, hop, 20).double()
    wave = torch.randn(2, length, dtype=torch.float64)

    def reference(x: torch.Tensor) -> torch.Tensor:
        return torch.stft(x, window, hop, window=mel.window, center=True, pad_mode="reflect", return_complex=True).abs()

    weights = torch.randn_like(reference(wave))
    ours, theirs = wave.clone().requires_grad_(), wave.clone().requires_grad_()
    (mel.magnitudes(ours) * weights).sum().backward()
    (reference(theirs) * weights).sum().backward()
    assert torch.allclose(mel.magnitudes(wave), reference(wave), atol=1e-10)
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-9)
    again = wave.clone().requires_grad_()
    parts = torch.view_as_complex(stft(again, mel.window, hop)).transpose(1, 2)
    (parts.abs() * weights).sum().backward()
    assert torch.allclose(parts.abs(), reference(wave), atol=1e-10)
    assert again.grad is not None
    assert torch.allclose(again.grad, theirs.grad, atol=1e-9)


def test_silence_has_a_finite_gradient() -> None:
    mel = MelSpectrogram(16000, 512, 128, 20)
    wave = torch.zeros(1, 2000, requires_grad=True)
    mel.magnitudes(wave).sum().backward()
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()


def test_a_sound_shorter_than_a_window_is_padded() -> None:
    assert MelSpectrogram(16000, 2048, 512, 80)(torch.ones(1, 30)).isfinite().all()


@pytest.mark.parametrize(("window", "hop", "frames"), [(256, 64, 20), (1024, 256, 9), (512, 150, 8), (64, 32, 5)])
def test_synthesis_and_its_gradients_are_those_of_torch(window: int, hop: int, frames: int) -> None:
    torch.manual_seed(1)
    shape = (2, frames, window // 2 + 1)
    hann = torch.hann_window(window, dtype=torch.float64)
    # some magnitudes beyond the clamp
    given = [torch.randn(shape, dtype=torch.float64) * 3, torch.randn(shape, dtype=torch.float64) * 3]
    length = frames * hop

    def reference(log_magnitude: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
        spectrum = torch.polar(log_magnitude.exp().clamp(max=window / 2), phase).transpose(1, 2)
        spectrum = torch.cat((spectrum, spectrum[..., -1:]), dim=-1)
        return torch.istft(spectrum, window, hop, window=hann, center=True, length=length)

    ours, theirs = ([g.clone().requires_grad_() for g in given] for _ in range(2))
    made, wanted = synthesise(ours[0], ours[1], hann, hop, length), reference(theirs[0], theirs[1])
    assert torch.allclose(made, wanted, atol=1e-10)
    weights = torch.randn_like(wanted)
    (made * weights).sum().backward()
    (wanted * weights).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-9)


@pytest.mark.slow
def test_a_step_looks_at_as_many_windows_as_are_drawn_and_means_the_same() -> None:
    torch.manual_seed(0)
    made, wanted = torch.randn(2, 2, 8000) * 0.1
    whole = SpectralLoss(8000)
    drawn = SpectralLoss(8000, drawn=2)
    exact = whole(made, wanted)["mel"]
    assert drawn(made, wanted)["mel"] == exact, "before anything is drawn it is the distance that people are told"
    found = []
    for _ in range(400):
        parts = drawn.draw()
        drawn.use(parts)
        found.append(drawn(made, wanted)["mel"])
        assert drawn(made, wanted)["mel"] == found[-1], "until the next draw"
    drawn.use(drawn.as_flags(parts))
    assert drawn(made, wanted)["mel"] == found[-1], "flags, as a captured step has them, say the same"
    assert len({float(f) for f in found}) == 10, "each pair of five"
    assert torch.stack(found).mean() == pytest.approx(float(exact), rel=0.03)
