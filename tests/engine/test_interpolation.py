"""Interpolation in a fixed order gives what torch's gives, and the same gradients."""

import pytest
import torch

from distill_tui.engine.dsp import interpolation


@pytest.mark.parametrize(("count", "length"), [(7, 7 * 32), (3, 100), (1, 16)])
def test_in_a_fixed_order_it_is_torchs(count: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for in_order in (False, True):
        monkeypatch.setattr(interpolation, "_needs_order", lambda _, _is=in_order: _is)
        torch.manual_seed(0)
        x = torch.randn(2, count, requires_grad=True)
        out = interpolation.stretched(interpolation.with_ends(x), length)
        (gradient,) = torch.autograd.grad((out * torch.linspace(-1, 1, length)).sum(), x)
        results.append((out.detach(), gradient))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
