"""The residual quantizer: what it returns, how it begins, how it revives codes."""

import pytest
import torch

from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.quantizers.rvq_ema import EmaQuantizer
from distill_tui.engine.quantizers.rvq_gradient import GradientQuantizer
from distill_tui.engine.quantizers.vae import KL

KINDS = (EmaQuantizer, GradientQuantizer)


@pytest.fixture(params=KINDS, ids=("ema", "gradient"))
def quantizer(request: pytest.FixtureRequest) -> Quantizer:
    torch.manual_seed(0)
    made: Quantizer = request.param(dim=4, levels=3, size=8, decay=0.9)
    made.initialise(torch.randn(500, 4), 400)
    return made


def test_more_levels_are_nearer_to_the_latents(quantizer: Quantizer) -> None:
    latents = torch.randn(2, 50, 4)
    quantizer.eval()
    errors = [float((quantizer(latents, levels).latents - latents).square().mean()) for levels in (1, 2, 3)]
    assert errors[0] > errors[1] > errors[2]


def test_codes_decode_to_what_the_quantizer_gave_for_any_first_levels(quantizer: Quantizer) -> None:
    latents = torch.randn(2, 50, 4)
    quantizer.eval()
    for levels in (1, 2, 3):
        quantized = quantizer(latents, levels)
        assert (quantized.codes[..., levels:] == -1).all()
        assert torch.equal(quantizer.latents(quantized.codes), quantized.latents)
        assert torch.equal(quantizer.latents(quantized.codes[..., :levels]), quantized.latents)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_training_uses_just_the_levels_that_are_asked_for(quantizer: Quantizer, levels: int) -> None:
    quantizer.train()
    codes = quantizer(torch.randn(2, 50, 4), levels).codes
    assert (codes[..., :levels] >= 0).all()
    assert (codes[..., levels:] == -1).all()


def test_commitment_is_the_sum_over_levels_and_not_weighted(quantizer: Quantizer) -> None:
    latents = torch.randn(2, 50, 4)
    books = quantizer.codebooks.clone()
    quantizer.train()
    quantized = quantizer(latents)
    residual, expected = latents, torch.zeros(())
    for level in range(3):
        chosen = books[level][quantized.codes[..., level]]
        expected = expected + (residual - chosen).square().mean()
        residual = residual - chosen
    assert torch.allclose(quantized.losses["commit"], expected, atol=1e-5)


def test_gradients_reach_the_encoder_through_the_codes(quantizer: Quantizer) -> None:
    latents = torch.randn(2, 50, 4, requires_grad=True)
    quantizer.train()
    quantizer(latents).latents.square().sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0


def test_looking_does_not_change_the_codebooks(quantizer: Quantizer) -> None:
    before = quantizer.codebooks.clone()
    quantizer.eval()
    quantizer(torch.randn(2, 50, 4) * 10)
    assert torch.equal(quantizer.codebooks, before)


def test_dead_codes_take_vectors_of_the_batch_and_are_counted(quantizer: Quantizer) -> None:
    quantizer.train()
    latents = torch.randn(2, 200, 4)
    far = quantizer.codebooks[0].clone()
    far[3] = 100.0
    quantizer.set_codes(0, far, torch.full((8,), 50.0).index_fill(0, torch.tensor(3), 0.0))
    quantized = quantizer(latents)
    quantizer.replace_dead(latents, quantized.codes, 0.1)
    assert quantizer.replaced[0] == 1
    distance = (latents.reshape(-1, 4) - quantizer.codebooks[0, 3]).abs().sum(-1).min()
    assert distance == 0


def test_a_share_of_zero_replaces_nothing(quantizer: Quantizer) -> None:
    quantizer.train()
    quantizer.usage(0).zero_()
    latents = torch.randn(2, 20, 4)
    quantizer.replace_dead(latents, quantizer(latents).codes, 0.0)
    assert quantizer.replaced.sum() == 0


def test_even_use_replaces_nothing_at_any_batch_size(quantizer: Quantizer) -> None:
    """The library's own threshold of 2 replaces nearly every code each step when a batch has few vectors a code."""
    quantizer.train()
    latents = quantizer.codebooks[0].repeat(1, 50, 1)
    for _ in range(100):
        quantizer.replace_dead(latents, quantizer(latents, 1).codes, 0.1)
    assert quantizer.replaced[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_more_codes_than_vectors_begin_without_trouble(kind: type[EmaQuantizer]) -> None:
    torch.manual_seed(0)
    tiny = kind(dim=4, levels=2, size=32, decay=0.9)
    tiny.initialise(torch.randn(5, 4), 100)
    assert torch.isfinite(tiny.codebooks).all()


def test_each_loss_of_gradient_codebooks_teaches_one_side_only() -> None:
    torch.manual_seed(0)
    quantizer = GradientQuantizer(dim=2, levels=2, size=4, decay=0.9).train()
    latents = torch.randn(3, 5, 2, requires_grad=True)
    passed = quantizer(latents)
    passed.losses["commit"].backward(retain_graph=True)
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0
    assert quantizer.codes.grad is None or not quantizer.codes.grad.any()
    latents.grad = None
    passed.losses["codebook"].backward()
    assert latents.grad is None
    assert quantizer.codes.grad is not None
    assert quantizer.codes.grad.any()


def test_kl_is_that_of_normal_distributions_and_free_bits_are_its_least() -> None:
    torch.manual_seed(0)
    bottleneck = KL(dim=3, free_bits=0.25).train()
    latents = torch.randn(4, 50, 3)
    passed = bottleneck(latents)
    mean, log_variance = bottleneck.moments(latents).chunk(2, -1)
    found = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    each = torch.distributions.kl_divergence(found, torch.distributions.Normal(0.0, 1.0)).flatten(0, 1).mean(0)
    assert torch.allclose(passed.numbers["latent/kl"], each.sum(), rtol=1e-4)
    assert torch.allclose(passed.losses["kl"], each.clamp(min=0.25).sum(), rtol=1e-4)
    assert passed.codes is None


def test_kl_samples_while_it_learns_and_gives_the_means_afterwards() -> None:
    torch.manual_seed(0)
    bottleneck = KL(dim=3, free_bits=0.0).train()
    latents = torch.randn(2, 5, 3)
    assert not torch.equal(bottleneck(latents).latents, bottleneck(latents).latents)
    bottleneck.eval()
    assert torch.equal(bottleneck(latents).latents, bottleneck.latents(bottleneck.tokens(latents)))
