"""Steps in shards: the gradients of the whole batch, the same ones every time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.engine.tasks.autoencoder_backward import add_gradients
from distill_tui.engine.tasks.codebook_init import quantizer_of
from distill_tui.engine.training.backward import StepOptions, sum_weighted
from distill_tui.engine.training.cpu_shards import Dropout, Shards, choose_shards
from distill_tui.engine.training.trainer import Trainer
from distill_tui.paths import Home
from tests.engine.support import codec_of, make_run, make_trainer, tones, weights_of

SEED = 7


@pytest.fixture
def threads() -> Iterator[None]:
    """Two threads of torch, whatever this machine has and other tests set."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def make(home: Home, folder: Path, **values: Any) -> Trainer:
    """A trainer whose batches of nine pieces go through in two shards, five and four."""
    trainer = make_trainer(home, make_run(home, folder, **{"train__batch_size": 9, **values}))
    torch.set_num_threads(2)
    trainer.train_step.shards = choose_shards(trainer.recipe, trainer.device)
    assert trainer.train_step.shards.count == 2
    return trainer


def one_backward(trainer: Trainer, data: torch.Tensor, levels: int) -> float:
    """Gradients as anybody would find them, without shards; the loss."""
    net, task = trainer.net, codec_of(trainer)
    quantized = net.bottleneck(net.encode(data), levels)
    decoded, more = net.decode_to_train(quantized.latents, data, SEED, 0)
    losses = task.loss(decoded, net.target(data)) | more
    total = sum_weighted(losses | quantized.losses, trainer.loss_weights)
    total.backward()
    return float(total.detach())


@pytest.mark.slow
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("values", "parts"),
    # what kl draws after a part was drawn for is not what it draws at first: one part
    [
        ({}, 1),
        ({}, 2),
        ({"model__quantizer": "rvq_gradient"}, 2),
        ({"model__quantizer": "vae"}, 1),
        ({"model__net": "conv2d"}, 2),
    ],
    ids=["default", "default in parts", "gradient", "kl", "conv2d"],
)
def test_the_gradients_are_those_of_the_whole_batch(
    home: Home, tmp_path: Path, values: dict[str, Any], parts: int
) -> None:
    trainer = make(home, tones(tmp_path / "sounds"), **values)
    task, data = codec_of(trainer), trainer.task.batch(0)
    if not task.quantizing:
        task.init_codebooks(trainer)
    trainer.net.train()
    quantizer = quantizer_of(trainer.net)
    books = quantizer.ema_buffers() if quantizer else []
    kept = [book.clone() for book in books]
    torch.manual_seed(1)
    loss = one_backward(trainer, data, 2)
    wanted = [parameter.grad for parameter in trainer.net.parameters()]
    moved_once = [book.clone() for book in books]
    for book, old in zip(books, kept, strict=True):
        book.copy_(old)
    trainer.net.zero_grad(set_to_none=True)
    torch.manual_seed(1)
    options = StepOptions(trainer.loss_weights, torch.float32, SEED, trainer.train_step.shards, parts)
    values, _ = add_gradients(trainer.net, task.loss, data, options, 2)
    for book, moved in zip(books, moved_once, strict=True):
        assert torch.allclose(book, moved, rtol=1e-5, atol=1e-6), "moving averages move once a step, in parts too"
    assert float(values["loss/train"]) == pytest.approx(loss, rel=1e-5)
    for (name, parameter), gradient in zip(trainer.net.named_parameters(), wanted, strict=True):
        found = parameter.grad
        assert (found is None) == (gradient is None), name
        if found is not None and gradient is not None:
            assert found.stride() == parameter.stride(), name
            assert torch.allclose(found, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max())), name


@pytest.mark.slow
@pytest.mark.usefixtures("threads")
def test_the_same_seed_gives_the_same_weights_through_shards_with_dropout(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    found = []
    for seed in (0, 0, 1):
        trainer = make(home, sounds, model__dropout=0.3, train__epochs=1, train__seed=seed)
        trainer.run()
        found.append(weights_of(trainer))
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    assert not all(torch.equal(found[0][key], found[2][key]) for key in found[0])


@pytest.mark.usefixtures("threads")
def test_dropout_draws_for_each_shard_and_keeps_the_mean() -> None:
    layer, shards = Dropout(0.25), Shards(2)
    ones = [torch.ones(100, 100)] * 2
    one, two = shards.each(layer, ones, seed=3)
    again = shards.each(layer, ones, seed=3)
    assert torch.equal(one, again[0])
    assert torch.equal(two, again[1])
    assert not torch.equal(one, two)
    assert float(one.mean()) == pytest.approx(1.0, abs=0.05)
    assert {round(value, 4) for value in one.unique().tolist()} == {0.0, 1.3333}
    assert torch.equal(layer.eval()(ones[0]), ones[0])


@pytest.mark.usefixtures("threads")
def test_shards_share_the_threads_and_leave_the_callers_as_they_are() -> None:
    shards = Shards(2)
    assert shards.each(lambda _: torch.get_num_threads(), [0, 1]) == [1, 1]
    assert torch.get_num_threads() == 2

    def fail(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        shards.each(fail, [0, 1])
    # and they work on after that
    assert shards.each(lambda number: number + 1, [0, 1]) == [1, 2]
