"""Batches: every file is heard, nothing outside a file, and the same batch whenever it is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill_tui.data.decode_cache import decode_all
from distill_tui.data.scan import scan
from distill_tui.engine.tasks.balance import shares_of
from distill_tui.engine.tasks.crops import Batches, speed_perturb
from distill_tui.engine.tasks.waves import InMemoryWaves, PartlyHeldWaves, StreamedWaves, hold
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from tests.data.sounds import write

CPU = torch.device("cpu")


def recipe(**values: object) -> Recipe:
    plain: dict[str, object] = {"train.batch_size": 4, "train.steps_per_epoch": 10}
    plain |= {
        "data.random_gain_db": 0.0,
        "data.random_polarity": False,
        "data.random_speed": 0.0,
        "data.mix_probability": 0.0,
    }
    return with_values(Recipe(), plain | {k.replace("__", "."): v for k, v in values.items()})


@pytest.fixture
def waves() -> list[np.ndarray]:
    """Files of different lengths, each full of its own number."""
    return [np.full(length, number + 1, dtype=np.float32) for number, length in enumerate((50, 1000, 130, 7))]


def test_every_file_is_heard_in_an_epoch(waves: list[np.ndarray]) -> None:
    batches = Batches(InMemoryWaves(waves, CPU), recipe(), 100, seed=0)
    heard = {int(v) for step in range(10) for v in batches.batch(step).unique()}
    assert heard == {0, 1, 2, 3, 4}


def test_a_short_file_is_whole_with_silence_around_it(waves: list[np.ndarray]) -> None:
    batches = Batches(InMemoryWaves(waves, CPU), recipe(), 100, seed=0)
    pieces = torch.cat([batches.batch(step) for step in range(10)])
    short = pieces[(pieces == 4).any(1)]
    assert len(short)
    assert ((short == 4).sum(1) == 7).all()
    assert ((short == 4) | (short == 0)).all()


def test_a_step_has_its_batch_whenever_it_is_asked_for(waves: list[np.ndarray]) -> None:
    one = Batches(InMemoryWaves(waves, CPU), recipe(data__random_gain_db=6.0, data__random_polarity=True), 100, seed=3)
    two = Batches(InMemoryWaves(waves, CPU), recipe(data__random_gain_db=6.0, data__random_polarity=True), 100, seed=3)
    in_order = [one.batch(step) for step in range(25)]
    for step in (24, 3, 17):
        assert torch.equal(two.batch(step), in_order[step])
    assert not torch.equal(Batches(InMemoryWaves(waves, CPU), recipe(), 100, seed=4).batch(0), in_order[0])


def test_gain_and_polarity_stay_within_what_the_recipe_says(waves: list[np.ndarray]) -> None:
    batches = Batches(
        InMemoryWaves(waves[1:2], CPU), recipe(data__random_gain_db=6.0, data__random_polarity=True), 100, seed=0
    )
    gains = torch.cat([batches.batch(step) for step in range(30)])[:, 0] / 2
    assert gains.abs().max() <= 10 ** (6 / 20) + 1e-6
    assert gains.abs().min() >= 10 ** (-6 / 20) - 1e-6
    assert 0.3 < (gains < 0).float().mean() < 0.7


def test_sound_that_does_not_fit_is_cut_in_the_same_way(waves: list[np.ndarray]) -> None:
    held, mapped = InMemoryWaves(waves, CPU), StreamedWaves(waves, CPU)
    files, starts = torch.tensor([0, 1, 2, 3, 1]), torch.tensor([-20, 950, 30, -93, 0])
    assert torch.equal(held.crop(files, starts, 100), mapped.crop(files, starts, 100))


def test_sound_of_the_cache_is_cut_alike_wherever_it_lies(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held, cut by an index a sample as on a GPU, held in part, and read, ahead or not."""
    for module in ("blocks", "decode_cache"):
        monkeypatch.setattr(f"distill_tui.data.{module}.BLOCK", 64)
    monkeypatch.setattr("distill_tui.engine.tasks.waves.BLOCK", 64)
    monkeypatch.setattr("distill_tui.engine.tasks.waves.READ_SAMPLES", 128)
    random = np.random.default_rng(0)
    for number, length in enumerate((50, 1000, 130, 9)):
        write(tmp_path / f"{number}.wav", random.uniform(-0.7, 0.7, length), 8000, subtype="FLOAT")
    cached, _ = decode_all(scan([tmp_path], 0.5), 8000, home)
    waves = [*cached, cached[1].part(37, 900)]
    files, starts = torch.tensor([0, 1, 2, 3, 1, 4, 4]), torch.tensor([-20, 950, 30, -93, 0, 700, -5])
    plain = StreamedWaves(waves, CPU).crop(files, starts, 100)
    assert torch.equal(InMemoryWaves([wave[:] for wave in waves], CPU).crop(files, starts, 100), plain)
    held = InMemoryWaves(waves, CPU)
    assert torch.equal(held.crop(files, starts, 100), plain)
    assert torch.equal(held.gather(files, starts, 100), plain)
    some = hold(waves, CPU, 2 * 1100)
    assert isinstance(some, PartlyHeldWaves) and torch.equal(some.crop(files, starts, 100), plain)
    some.expect(lambda: (files, starts), 100)
    assert torch.equal(some.crop(files, starts, 100), plain)
    # what comes is not what was expected
    some.expect(lambda: (files, starts), 100)
    assert torch.equal(some.crop(files[1:], starts[1:], 90), plain[1:, :90])
    assert isinstance(hold(waves, CPU, 10), StreamedWaves) and isinstance(hold(waves, CPU, 1e9), InMemoryWaves)


def test_crops_are_balanced_by_seconds_files_or_folders() -> None:
    lengths, folders = torch.tensor([100, 300, 20, 600]), ["a", "a", "b", "b"]

    def shares(balance: str) -> list[float]:
        return [round(share, 4) for share in shares_of(balance, lengths, 100, folders).tolist()]

    assert shares("seconds") == [0.0909, 0.2727, 0.0909, 0.5455]
    assert shares("files") == [0.25] * 4
    assert shares("folders") == [0.125, 0.375, 0.0714, 0.4286]


def test_speed_moves_the_pitch_and_keeps_the_level() -> None:
    time = torch.arange(12000) / 8000
    pieces = torch.sin(2 * torch.pi * 440 * time)[None].repeat(2, 1)
    played = speed_perturb(pieces, torch.tensor([[1.0], [1.25]]), 8000)
    assert torch.allclose(played[0], pieces[0, 1:8001], atol=1e-6)
    spectrum = torch.fft.rfft(played[1]).abs()
    assert int(spectrum.argmax()) == 550
    assert played[1].abs().max() == pytest.approx(1.0, abs=0.01)


def test_a_batch_with_speed_and_mixing_holds_only_what_was_there(waves: list[np.ndarray]) -> None:
    changed = recipe(data__random_speed=0.2, data__mix_probability=0.5)
    batches = Batches(InMemoryWaves(waves[1:2], CPU), changed, 100, seed=0)
    pieces = torch.cat([batches.batch(step) for step in range(20)])
    assert torch.allclose(pieces, pieces[:, :1].expand_as(pieces), atol=1e-5)
    mixed = (pieces[:, 0] - 4).abs() < 1e-4
    assert ((pieces[:, 0] - 2).abs() < 1e-4).logical_or(mixed).all()
    assert 0.3 < mixed.float().mean() < 0.7


def test_an_epochs_order_is_drawn_once(waves: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    randperm = torch.randperm

    def counted(size: int, **how: Any) -> torch.Tensor:
        drawn.append(size)
        return randperm(size, **how)

    monkeypatch.setattr(torch, "randperm", counted)
    batches = Batches(InMemoryWaves(waves, CPU), recipe(), 100, seed=0)
    for step in range(20):
        batches.batch(step)
    assert drawn == [40, 40]
