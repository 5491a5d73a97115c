"""Planes of latents and of what levels leave of them, and the maps of runs of sounds and of VAEs."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from distill_tui.engine.maps.build import make_map
from distill_tui.engine.maps.live import LiveMap
from distill_tui.engine.maps.pca import Plane, levels_of
from distill_tui.engine.quantizers.rvq_gradient import RvqGradient
from distill_tui.engine.tasks.images import ImagesTask
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import Point, read_map
from distill_tui.runs.folder import RunFolder

from .support import make_run, make_trainer, tones
from .test_images import figures
from .test_images import make_trainer as make_trainer_of_pictures


def two_planes(noise: float = 0.01) -> tuple[RvqGradient, torch.Tensor, torch.Tensor]:
    """A quantizer whose two levels have codes in planes that are at right angles; points [96, 6] and codes [96, 2]."""
    quantizer = RvqGradient(6, 2, 4, 0.9).eval()
    corners = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    books = torch.zeros(2, 4, 6)
    books[0, :, :2] = 5 * corners + torch.tensor([40.0, 7.0])
    books[1, :, 2:4] = corners * torch.tensor([1.0, 0.6])
    quantizer.codebooks.data.copy_(books)
    chosen = torch.cartesian_prod(torch.arange(4), torch.arange(4)).repeat(6, 1)
    points = books[0][chosen[:, 0]] + books[1][chosen[:, 1]]
    points = points + noise * torch.randn(points.shape, generator=torch.Generator().manual_seed(1))
    codes = quantizer.tokens(points[None])[0]
    assert torch.equal(codes, chosen)
    return quantizer, points, codes


def nearest(codes: list[Point], place: Point) -> int:
    return min(range(len(codes)), key=lambda i: math.dist(codes[i], place))


def test_what_a_level_leaves_lies_in_a_plane_of_its_own_with_the_next_levels_codes() -> None:
    quantizer, points, codes = two_planes()
    plane = Plane(points)
    levels, _ = levels_of(quantizer, points, codes, [[24] * 4] * 2, plane, [])
    first, second = levels
    assert first.entering == []
    assert second.explained > 0.99
    assert 0.9 < plane.explained < 0.99
    # in the plane of the latents the second level's codes would lie on one another
    assert all(math.dist(a, b) > 1 for a, b in pairwise(second.codes))
    assert [nearest(second.codes, place) for place in second.entering] == codes[:, 1].tolist()
    assert [nearest(first.codes, place) for place in plane.places(points)] == codes[:, 0].tolist()
    # the sums lie among the points, in the plane of the latents
    assert all(math.dist(a, b) < 0.1 for a, b in zip(second.sums, plane.places(points), strict=True))


def test_of_two_dimensions_nothing_is_turned() -> None:
    points = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    plane = Plane(points)
    assert plane.places(points) == [(1.0, 2.0), (3.0, 5.0)]
    assert (plane.explained, plane.has_moved) == (1.0, False)
    assert Plane(torch.tensor([[4.0]])).places(torch.tensor([[4.0]])) == [(4.0, 0.0)]


def test_a_plane_stays_while_it_shows_nearly_as_much_as_the_best() -> None:
    chance = torch.Generator().manual_seed(2)
    stretch = torch.tensor([3.0, 2.0, 0.5, 0.1])
    vectors = torch.randn(200, 4, generator=chance) * stretch
    first = Plane(vectors)
    assert first.has_moved
    again = Plane(vectors + 0.05 * torch.randn(200, 4, generator=chance), first)
    assert not again.has_moved
    assert again.places(vectors) == first.places(vectors)
    other = Plane(vectors.flip(1), again)
    assert other.has_moved
    assert other.explained > 0.9


def test_the_map_of_more_than_two_dimensions_has_a_plane_for_each_level(home: Home) -> None:
    trainer = make_trainer_of_pictures(home, figures(), model__latent_dim=8, train__epochs=1)
    assert isinstance(trainer.task, ImagesTask)
    live = LiveMap(trainer.run_folder, trainer.task, trainer.diagnostics, 0.0)
    for step in (0, 5, 10):
        live.write(trainer.ema_net, step, 1)
        with torch.no_grad():
            quantizer = trainer.ema_net.bottleneck
            assert isinstance(quantizer, RvqGradient)
            quantizer.codebooks.add_(0.1)
    found = read_map(trainer.run_folder.map)
    assert found is not None
    assert found.trail_steps == [0, 5, 10]
    first, second = found.levels
    assert len(second.entering) == len(second.sums) == len(found.points)
    assert 0 < second.explained < 1
    for level in (first, second):
        assert level.trail[-1] == level.codes
        # all codes went the same way by as much each time, so in one plane the steps of a trail are alike
        for code in range(16):
            steps = [(b[code][0] - a[code][0], b[code][1] - a[code][1]) for a, b in pairwise(level.trail)]
            assert steps[0] == pytest.approx(steps[1], abs=2e-3)
    # a run that goes on in a new process knows no planes of earlier places
    again = LiveMap(trainer.run_folder, trainer.task, trainer.diagnostics, 0.0)
    again.write(trainer.ema_net, 15, 1)
    found = read_map(trainer.run_folder.map)
    assert found is not None
    assert found.trail_steps == [15]
    trainer.log.close()


@pytest.mark.slow
def test_the_map_of_a_vae_has_its_means_and_nats(home: Home) -> None:
    trainer = make_trainer_of_pictures(home, figures(), model__quantizer="vae", train__epochs=2)
    trainer.run()
    found = read_map(trainer.run_folder.map)
    assert found is not None
    assert found.levels == []
    assert len(found.kl) == 2
    assert isinstance(trainer.task, ImagesTask)
    assert trainer.task.live_map is not None
    trainer.task.live_map.write(trainer.ema_net, trainer.step, trainer.epoch)
    found = read_map(trainer.run_folder.map)
    assert found is not None
    assert isinstance(trainer.task, ImagesTask)
    some = trainer.task.some("validation", 60)
    with torch.no_grad():
        passed = trainer.ema_net.bottleneck(trainer.ema_net.encode(some))
    assert sum(found.kl) == pytest.approx(float(passed.numbers["latent/kl"]), abs=1e-3)
    for place, mean in zip(found.points, passed.latents[:, 0].tolist(), strict=True):
        assert place == pytest.approx(mean, abs=1e-3)
    trainer.log.close()


def saved_run(home: Home, folder: Path, **values: object) -> RunFolder:
    """A run of five tones with a checkpoint and no step."""
    run = make_run(home, tones(folder), **values)
    trainer = make_trainer(home, run)
    trainer.save_checkpoint()
    trainer.log.close()
    return run


def test_a_vae_of_sounds_has_a_map_without_codes(home: Home, tmp_path: Path) -> None:
    run = saved_run(home, tmp_path / "tones", model__quantizer="vae")
    progress: list[tuple[int, int]] = []
    found = make_map(home, run.id, lambda done, total: progress.append((done, total)))
    # each of five sounds is decoded, and goes through the model
    # the sounds that the scan has decoded already count at once
    assert progress == [(0, 10), *((done, 10) for done in range(5, 11))]
    assert found.levels == []
    assert len(found.kl) == found.dims == 8
    assert sum(found.kl) > 0
    assert set(found.names) <= set(found.files) == {f"tone-{number}.wav" for number in range(5)}
    assert len(found.starts) == len(found.points)
    assert all(0 <= start < 0.5 for start in found.starts)
    assert all((tmp_path / "tones" / name).samefile(path) for name, path in found.files.items())


def test_a_run_that_does_not_quantize_yet_has_its_latents_on_the_map(home: Home, tmp_path: Path) -> None:
    run = saved_run(home, tmp_path / "tones")
    found = make_map(home, run.id)
    assert (found.levels, found.kl) == ([], [])
    assert found.step == 0
    assert len(found.points) > 10


def test_a_run_without_a_checkpoint_says_how_to_get_one(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "tones"))
    with pytest.raises(RequestError, match="has no checkpoint yet") as error:
        make_map(home, run.id)
    assert "distill-tui checkpoint" in error.value.hint
