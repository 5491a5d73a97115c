"""Takes of a tiny codec and a tiny generator: each method and each edit, the same again, and what cannot be made."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import torch

import distill_tui
from distill_tui.data.scan import scan
from distill_tui.engine.generate import loop as loops
from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.blend import at, mix, resize, together
from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.codec_bank import bank_of_codec, fingerprint
from distill_tui.engine.generate.copies import longest_run
from distill_tui.engine.generate.edit import fill_smooth, onsets
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.make import ATTEMPTS, Made, Maker
from distill_tui.engine.generate.material import Part
from distill_tui.engine.generate.novelty import Judge
from distill_tui.engine.generate.prior_takes import TRIES
from distill_tui.engine.generate.sampler import _labels, draw
from distill_tui.engine.generate.sounds import Sounds, shuffled_place
from distill_tui.engine.generate.source import load_source, seeded
from distill_tui.engine.generate.walk import LANDING, QUIET, Place, Walk
from distill_tui.engine.inference.model import Model
from distill_tui.engine.nets import build_net
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.takes.request import Request
from tests.engine.small_generator import SmallCodec, make_codec, make_prior_run, open_codec
from tests.engine.support import TINY, train_here


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SmallCodec:
    torch.set_num_threads(1)
    return make_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def maker(codec: SmallCodec) -> Maker:
    return Maker.open(codec.model, codec.home, with_judge=False)


@pytest.fixture(scope="module")
def generator(codec: SmallCodec) -> Path:
    run = make_prior_run(codec.home, codec.model, codec.sounds, name="made")
    assert train_here(codec.home, run) == 0
    return codec.home.models / "made.distill"


@pytest.fixture(scope="module")
def drawn(codec: SmallCodec, generator: Path) -> Maker:
    return Maker.open(generator, codec.home, with_judge=False)


@pytest.fixture(scope="module")
def source(codec: SmallCodec, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sound of the user's: stereo, at another rate, with an onset in its middle."""
    time = np.arange(11025) / 22050
    wave = 0.4 * np.exp(-8 * (time % 0.25)) * np.sin(2 * np.pi * 440 * time)
    path = tmp_path_factory.mktemp("source") / "mine.wav"
    soundfile.write(path, np.stack((wave, 0.5 * wave), 1), 22050)
    return str(path)


def made(maker: Maker, **asked: Any) -> list[Made]:
    return list(maker.make(Request(**asked)))


def good(one: Made, rate: int = 8000) -> bool:
    return (
        one.wave.dtype == np.float32
        and bool(np.isfinite(one.wave).all())
        and float(np.abs(one.wave).max()) < 1
        and one.take.seconds == len(one.wave) / rate
        and one.codes.dtype == torch.int64
    )


# -- new sounds


@pytest.mark.parametrize("method", ["blend", "walk", "prior"])
def test_a_take_follows_from_its_seed_alone_and_is_made_again(drawn: Maker, method: Any) -> None:
    some = made(drawn, count=5, seed=3, method=method)
    assert [one.take.seed for one in some] == [3, 4, 5, 6, 7]
    assert all(good(one) and one.take.method == method for one in some)
    (alone,) = made(drawn, seed=6, method=method)
    assert np.array_equal(alone.wave, some[3].wave)
    assert torch.equal(alone.codes, some[3].codes)
    again = drawn.again(some[4].take)
    assert np.array_equal(again.wave, some[4].wave)
    assert msgspec.structs.replace(again.take, created="") == msgspec.structs.replace(some[4].take, created="")
    assert len({one.wave.tobytes() for one in some}) > 1


@pytest.mark.parametrize("method", ["blend", "walk", "prior"])
@pytest.mark.parametrize("seconds", [0.1, 0.7, 5.0])
def test_a_length_is_met_to_the_sample(drawn: Maker, method: Any, seconds: float) -> None:
    (one,) = made(drawn, method=method, seconds=seconds)
    assert good(one)
    assert len(one.wave) == round(8000 * seconds)


def test_auto_is_the_prior_of_a_generator_and_a_blend_of_a_codec(maker: Maker, drawn: Maker) -> None:
    assert (maker.methods, drawn.methods) == (["blend", "walk"], ["prior", "blend", "walk"])
    assert made(maker)[0].take.method == "blend"
    assert made(drawn)[0].take.method == "prior"
    with pytest.raises(RequestError, match="train-prior"):
        maker.make(Request(method="prior"))


def test_minutes_do_not_drift_into_silence(maker: Maker) -> None:
    (one,) = made(maker, method="walk", seconds=60.0)
    seconds = one.wave.reshape(60, -1)
    levels = 20 * np.log10(np.sqrt((seconds**2).mean(1)) + 1e-9)
    assert levels.min() > np.median(levels) - 12
    assert abs(levels[:20].mean() - levels[-20:].mean()) < 6


def test_a_label_chooses_the_sounds(maker: Maker) -> None:
    assert maker.labels == ["high", "low"]
    assert all(round(one.take.seconds, 3) == 0.3 for one in made(maker, label="low", count=3))
    assert all(round(one.take.seconds, 3) == 0.5 for one in made(maker, label="high", count=3))
    with pytest.raises(RequestError, match="did you mean 'high'"):
        maker.make(Request(label="hihg"))


def test_neighbouring_seeds_begin_with_different_sounds() -> None:
    assert sorted(shuffled_place(seed, 7) for seed in range(7, 14)) == list(range(7))


def test_progress_is_told_and_a_stop_is_heard(maker: Maker) -> None:
    told: list[tuple[int, int]] = []
    some = list(maker.make(Request(count=5), lambda done, total: told.append((done, total)), lambda: len(told) > 2))
    assert (len(some), told) == (2, [(0, 5), (1, 5), (2, 5)])


# -- how new


def test_takes_are_drawn_again_until_they_are_new_enough_or_it_is_said(codec: SmallCodec, drawn: Maker) -> None:
    judged = Maker.open(codec.model, codec.home)
    (one,) = made(judged)
    assert one.take.nearest is not None and one.take.nearest.path.startswith(("high/", "low/"))
    assert one.take.novelty is not None and one.take.copied_frames is not None and one.take.frames == len(one.codes)
    (newest,) = made(judged, novelty=10.0)
    assert newest.take.note.endswith("instead of 10, the best of 8")
    assert newest.take.novelty is not None and newest.take.novelty >= one.take.novelty
    assert np.array_equal(judged.again(newest.take).wave, newest.wave)
    with pytest.raises(RequestError, match="--novelty"):
        made(drawn, novelty=0.5)


def test_a_walk_leaves_a_sound_after_so_many_frames(maker: Maker) -> None:
    walk = Walk(maker.sounds, list(range(len(maker.sounds))), seeded(1), longest=2)
    now, run = Place(0, 0), 1
    for _ in range(40):
        following = walk._next(now, run, 100)
        assert following is not None
        run = run + 1 if (following.row, following.frame) == (now.row, now.frame + 1) else 1
        assert run <= 2
        now = following


def test_a_long_walk_does_not_stay_among_quiet_ends() -> None:
    # each falls by 3 dB a frame after three frames of silence, and for most of its length it can hardly be heard
    fall = torch.cat((torch.full((3,), -90.0), -3.0 * torch.arange(60))).clamp(min=-90)
    latents = [torch.stack((fall / 10, torch.full((63,), 0.1 * n)), 1) for n in range(6)]
    codec: Any = SimpleNamespace(loudness=lambda x: 10 * x[:, 0], hop=100)
    sounds: Any = SimpleNamespace(latents=latents, lengths=[6300] * 6, step=0.1, codec=codec)
    path, _ = Walk(sounds, range(6), seeded(1)).run(600, Place(0, 0))
    faded = (10 * path[:, 0] < -30).tolist()
    longest = max(len(run) for run in "".join("x" if one else " " for one in faded).split())
    assert sum(faded) < 400
    assert longest <= QUIET + LANDING + 1


# -- edits


def test_a_variation_is_the_farther_the_stronger(maker: Maker, drawn: Maker, source: str) -> None:
    original = load_source(maker.codec, source)
    for one in (maker, drawn):
        far = []
        for strength in (0.0, 0.3, 0.6, 1.0):
            takes = made(one, like=source, strength=strength, count=3)
            assert all(good(take) for take in takes)
            far.append(np.mean([_distance(original.latents, one.codec.latents(take.codes)) for take in takes]))
        assert far[0] == pytest.approx(0, abs=1e-6)
        # of a prior that was hardly trained, drawn anew each time, not to the last digit
        assert 0.8 * far[1] <= far[2] <= 1.2 * far[3]
        assert far[0] < far[3]


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    n = min(len(a), len(b))
    return float((a[:n] - b[:n]).square().mean())


@pytest.mark.parametrize("method", ["walk", "prior"])
def test_a_continuation_begins_with_the_sound(drawn: Maker, source: str, method: Any) -> None:
    original = load_source(drawn.codec, source)
    whole = len(original.wave) // drawn.codec.hop
    for asked in ({}, {"seconds": 2.0}):
        one = made(drawn, continue_file=source, method=method, **asked)[0]
        assert torch.equal(one.codes[:whole], original.codes[:whole])
        assert len(one.wave) >= whole * drawn.codec.hop
        assert not asked or len(one.wave) == 16000
    with pytest.raises(RequestError, match="is not longer than"):
        drawn.make(Request(continue_file=source, seconds=0.5))


@pytest.mark.parametrize("method", ["walk", "blend", "prior"])
def test_a_filled_sound_is_its_own_outside_of_the_gap(drawn: Maker, source: str, method: Any) -> None:
    original = load_source(drawn.codec, source).wave.numpy()
    hop = drawn.codec.hop
    one = made(drawn, fill=source, start=0.2, end=0.3, method=method)[0]
    assert len(one.wave) == len(original)
    first, last = int(0.2 * 8000) // hop * hop, -(-int(0.3 * 8000) // hop) * hop
    same = np.abs(one.wave / 10 ** (one.take.gain_db / 20) - original) < 1e-5
    assert same[: first - hop].all() and same[last + hop :].all()
    assert not same[first:last].all()
    for start, end in ((0.0, 0.1), (0.4, 0.5), (0.0, 0.5)):
        assert len(made(drawn, fill=source, start=start, end=end, method=method)[0].wave) == len(original)


def test_a_gap_is_filled_by_a_line() -> None:
    x = torch.arange(10.0)[:, None].repeat(1, 2)
    x[4:7] = 99
    assert torch.allclose(fill_smooth(x, 4, 7), torch.arange(10.0)[:, None].repeat(1, 2))


def test_a_morph_begins_as_one_sound_and_ends_as_the_other(maker: Maker, codec: SmallCodec) -> None:
    a, b = (str(codec.sounds / "high" / f"tone-{n}.wav") for n in (0, 3))
    for seed in (0, 1, 2):
        assert all(good(one) for one in made(maker, morph=(a, b), seed=seed, seconds=0.5))
    first, second = (load_source(maker.codec, path) for path in (a, b))
    along = made(maker, morph=(a, b), seed=0)[0].codes
    assert _distance(first.latents[:2], maker.codec.latents(along)[:2]) < _distance(
        second.latents[:2], maker.codec.latents(along)[:2]
    )


def test_the_loudness_of_another_sound_is_taken_over(maker: Maker, source: str) -> None:
    original = load_source(maker.codec, source)
    (one,) = made(maker, follow=source)
    assert len(one.wave) == len(original.wave)
    frames = len(original.wave) // maker.codec.hop
    ours, theirs = (_levels(torch.from_numpy(w), maker.codec.hop, frames) for w in (one.wave, original.wave.numpy()))
    loud = theirs > theirs.max() - 25
    assert np.abs(ours - theirs)[loud].mean() < 6
    assert np.corrcoef(ours[loud], theirs[loud])[0, 1] > 0.7


def _levels(wave: torch.Tensor, hop: int, frames: int) -> Any:
    return 20 * np.log10(wave[: frames * hop].view(frames, hop).square().mean(1).sqrt().numpy() + 1e-5)


def test_onsets_are_found() -> None:
    level = torch.tensor([-90.0, -10, -20, -30, -40, -50, -12, -20, -30, -80, -70, -90])
    assert onsets(level) == [1, 6]


# -- loops


@pytest.mark.parametrize("seconds", [None, 0.4])
@pytest.mark.parametrize("method", ["blend", "walk", "prior"])
def test_a_loop_has_no_seam(drawn: Maker, method: Any, seconds: float | None) -> None:
    for one in made(drawn, loop=True, method=method, seconds=seconds, count=2):
        wave = one.wave
        assert good(one)
        assert seconds is None or len(wave) == round(8000 * seconds)
        steps = np.abs(np.diff(np.concatenate((wave[-400:], wave[:400]))))
        assert steps[399] <= 3 * np.percentile(steps, 95) + 1e-4
        hop = drawn.codec.hop
        before, after = (20 * np.log10(np.sqrt((part**2).mean()) + 1e-5) for part in (wave[-hop:], wave[:hop]))
        assert abs(before - after) < 12


def test_a_circle_is_decoded_as_the_same_frames_again_and_again(maker: Maker) -> None:
    latents = maker.sounds.latents[0]
    once = maker.codec.decode(latents, loop=True)
    turned = maker.codec.decode(latents.roll(3, 0), loop=True)
    assert len(once) == len(latents) * maker.codec.hop
    # the places of the random phases turn with the file, so noise differs and loudness does not
    assert turned.square().mean() == pytest.approx(float(once.square().mean()), rel=0.2)


def test_a_loop_is_resampled_in_a_circle() -> None:
    wave = torch.sin(torch.arange(1000) * 2 * torch.pi * 7 / 1000)
    longer = loops.exactly(wave, 1010)
    assert torch.allclose(longer, torch.sin(torch.arange(1010) * 2 * torch.pi * 7 / 1010), atol=1e-5)


# -- parts


def test_two_sounds_are_brought_to_one_length_about_their_peaks(maker: Maker) -> None:
    codec = maker.codec
    latents = torch.arange(10.0)[:, None].repeat(1, 8)
    part = Part(latents, 3, 10 * codec.hop)
    moved = resize(part, 16, 5)
    assert moved[0, 0] == 0 and moved[5, 0] == 3 and moved[9, 0] == 7 and moved[-1, 0] == 9
    assert resize(part, 10, 3).equal(latents)
    assert resize(part, 1, 0).shape == (1, 8)
    short = Part(latents[:4] * 0, 0, 4 * codec.hop)
    x, y, samples = together(codec, part, short, 0.5)
    assert (len(x), len(y), samples) == (7, 7, 7 * codec.hop)
    assert mix(codec, part, short, 0.0).latents.equal(latents)
    assert at(latents, np.array([0.5, 8.75, 12.0]))[:, 0].tolist() == [0.5, 8.75, 9.0]


@pytest.mark.parametrize("bottleneck", ["vae", "residual_fsq"])
def test_other_bottlenecks_blend_and_walk(bottleneck: str, tmp_path: Path, source: str) -> None:
    values = {key: value for key, value in TINY.items() if key.startswith("model.")} | {
        "model.quantizer": bottleneck,
        "model.sample_rate": 8000,
    }
    recipe = with_values(Recipe(), values)
    model = Model(build_net(_resolved(recipe)), Card(name="x", weights_sha256="0" * 64))
    one = Codec(model)
    waves = [0.3 * torch.randn(2000 + 700 * n).cumsum(0).div(30).sin() for n in range(4)]
    bank = CodeBank([one.encode(w) for w in waves], list("abcd"), [""] * 4, [False] * 4, [len(w) for w in waves])
    some = Maker(model, bank, Judge(bank, model))
    for method in ("blend", "walk"):
        takes = list(some.make(Request(count=2, method=method)))
        assert all(np.isfinite(take.wave).all() and len(take.wave) for take in takes)
    for asked in (
        {"like": source},
        {"continue_file": source},
        {"fill": source, "start": 0.1, "end": 0.2},
        {"loop": True},
    ):
        assert np.isfinite(made(some, **asked)[0].wave).all()


def _resolved(recipe: Recipe) -> Recipe:
    from distill_tui.machine import Machine
    from distill_tui.recipe.resolve import DataFacts, resolve

    facts = DataFacts(
        files=4,
        training_seconds=60.0,
        validation_seconds=6.0,
        median_seconds=1.0,
        seconds_by_rate={8000: 66.0},
        files_by_rate={8000: 4},
    )
    return resolve(recipe, facts, Machine(cores=2, gpus=(), has_mps=False))


# -- the bank


def test_the_bank_is_what_the_codec_was_trained_on_and_is_cached(codec: SmallCodec, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    model = Model.load(codec.copy_to(home))
    told: list[tuple[int, int]] = []
    bank = bank_of_codec(home, model, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (9, 9)
    assert bank.names[0] == "high/tone-0.wav" and set(bank.labels) == {"high", "low"}
    assert sum(bank.held_out) == len([row for row in model.card.data["sounds"] if row[2] == "validation"])
    assert bank.lengths[0] == 4000 and len(bank.codes[0]) == -(-4000 // model.net.latent_hop)
    told.clear()
    again = bank_of_codec(home, model, progress=lambda done, total: told.append((done, total)))
    assert not told and fingerprint(again) == fingerprint(bank)
    (cached,) = (home.cache / "banks").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert fingerprint(bank_of_codec(home, model)) == fingerprint(bank)


def test_sounds_that_are_gone_have_a_way_out(codec: SmallCodec, tmp_path: Path) -> None:
    sounds = Path(shutil.copytree(codec.sounds, tmp_path / "sounds"))
    home = Home(tmp_path / "home")
    model = Model.load(codec.copy_to(home))
    model.card.data["paths"] = [str(sounds)]
    shutil.move(sounds / "low", tmp_path / "away")
    for _ in range(2):
        some = bank_of_codec(home, model)
        assert (set(some.labels), some.notice) == ({"high"}, "5 of the 9 sounds of 'small' are gone or have changed")
    # a drive that is back: its sounds are too
    shutil.move(tmp_path / "away", sounds / "low")
    assert (len(bank_of_codec(home, model)), bank_of_codec(home, model).notice) == (9, "")
    shutil.rmtree(home.cache)
    shutil.rmtree(sounds)
    with pytest.raises(RequestError, match="--data DATA"):
        bank_of_codec(home, model)
    splits = {row[0]: row[2] == "validation" for row in model.card.data["sounds"]}
    assert any(splits.values())
    named = bank_of_codec(home, model, [codec.sounds])
    assert dict(zip(named.names, named.held_out, strict=True)) == splits
    heard = {row[1] for row in model.card.data["sounds"] if row[2] == "training"}
    new = bank_of_codec(home, model, [codec.sounds], without=heard)
    assert (sorted(new.names), new.notice.endswith("left out")) == (sorted(n for n in splits if splits[n]), True)
    # of a large collection the card has the manifest's hash, and the run the manifest
    corpus = scan([codec.sounds], 0.2)
    manifest = home.runs / (model.card.run or "r") / "sounds.json"
    manifest.parent.mkdir(parents=True)
    corpus.save(manifest)
    model.card.data = {"files": 9, "paths": [str(codec.sounds)], "manifest": corpus.hash}
    assert set(bank_of_codec(home, model).labels) == {"high", "low"}
    model.card.data = {"files": 9}
    with pytest.raises(RequestError, match="does not say which sounds"):
        bank_of_codec(home, model)


def test_one_sound_alone_is_enough(codec: SmallCodec) -> None:
    model = Model.load(codec.model)
    bank = bank_of_codec(codec.home, model, [codec.sounds / "low" / "tone-1.wav"])
    maker = Maker(model, bank)
    for asked in ({}, {"method": "walk"}, {"method": "walk", "seconds": 2.0, "max_copy": 1}, {"loop": True}):
        assert all(good(one) for one in made(maker, count=2, **asked))
    assert len(Sounds(Codec(model), bank)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [[1], [1, 40], [100000], [300, 40000, 512, 513]])
def test_sounds_of_any_length_will_do(codec: SmallCodec, lengths: list[int]) -> None:
    model = Model.load(codec.model)
    one = Codec(model)
    waves = [torch.sin(torch.arange(length) * (0.1 + 0.01 * n)) for n, length in enumerate(lengths)]
    codes, count = [one.encode(wave) for wave in waves], len(waves)
    maker = Maker(model, CodeBank(codes, list("abcd")[:count], [""] * count, [False] * count, lengths))
    assert sum(maker.sounds.lengths) == sum(lengths)
    for asked in ({}, {"method": "walk"}, {"seconds": 1.5}, {"seconds": 1.5, "method": "walk"}, {"loop": True}):
        assert all(good(take) for take in made(maker, count=2, **asked))


# -- source sounds


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (np.zeros(8000), "silent"),
        (np.full(20, 0.5), "too short"),
        (np.zeros(0), "too short"),
        (None, "no such file"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(maker: Maker, tmp_path: Path, wave: Any, said: str) -> None:
    path = tmp_path / "a.wav"
    if wave is not None:
        soundfile.write(path, wave, 8000)
    with pytest.raises(RequestError) as error:
        maker.make(Request(like=str(path)))
    assert said in str(error.value) and "a.wav" in str(error.value)


def test_the_gap_must_lie_in_the_sound(maker: Maker, source: str) -> None:
    with pytest.raises(RequestError, match="after the end"):
        maker.make(Request(fill=source, start=0.1, end=0.7))


# -- in Python


def test_takes_in_python(codec: SmallCodec, generator: Path, source: str) -> None:
    model = distill_tui.load_model(codec.model)
    assert isinstance(model, Model)
    takes = model.generate(2, seconds=0.25, seed=5, home=codec.home.root)
    assert [take.wave.shape for take in takes] == [(2000,), (2000,)]
    assert takes[0].take.seed == 5 and takes[0].codes.shape[1] == 2
    other = distill_tui.load_model(str(generator))
    assert isinstance(other, Generator)
    (drawn,) = other.generate(temperature=0.9, top_p=(0.9, 0.8), like=source, home=codec.home.root)
    assert drawn.take.method == "prior"
    with pytest.raises(RequestError, match="did you mean 'seconds'"):
        model.generate(second=1.0)
    with pytest.raises(RequestError, match="count"):
        model.generate("2")  # type: ignore[arg-type]


def test_the_model_of_a_home_is_what_the_maker_opens(codec: SmallCodec) -> None:
    assert (
        open_codec(codec.home).card.weights_sha256 == Maker.of(open_codec(codec.home), codec.home).card.weights_sha256
    )


def test_takes_without_a_label_are_drawn_as_often_by_each_label_as_there_are_sounds(drawn: Maker) -> None:
    assert drawn.prior is not None
    generator, training = drawn.prior.generator, drawn.bank.part(held_out=False).labels
    chosen = _labels(generator, "", range(len(training)))
    assert sorted(generator.labels[number] for number in chosen) == sorted(training)
    assert _labels(generator, "low", range(3)) == [generator.labels.index("low")] * 3


def test_a_long_take_of_a_prior_is_there_before_the_next_is_drawn_and_can_be_cancelled(drawn: Maker) -> None:
    prior = drawn.prior
    assert prior is not None
    seconds = 3 * prior.most / drawn.codec.frame_rate
    assert drawn.job(Request(seconds=seconds)).together == 1
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > 2

    assert list(drawn.make(Request(seconds=seconds, count=2), stop=stop)) == []
    assert asked[0] < 6, "not at the end of the take alone"


def test_no_attempt_at_a_take_draws_what_another_drew(drawn: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def recorded(*args: Any, **how: Any) -> list[torch.Tensor]:
        seeds.extend(how["seeds"])
        return draw(*args, **how)

    monkeypatch.setattr("distill_tui.engine.generate.prior_takes.draw", recorded)
    monkeypatch.setattr("distill_tui.engine.generate.make._lacks", lambda *_: "never new enough")
    (one,) = made(drawn, seconds=0.3)
    assert len(seeds) == len(set(seeds)) == ATTEMPTS * TRIES
    assert np.array_equal(drawn.again(one.take).wave, one.wave)


def test_a_generator_is_judged_by_its_own_sounds_whatever_its_bank(codec: SmallCodec, generator: Path) -> None:
    source = Generator.load(generator)
    own = source.bank.some([0])
    other = CodeBank([own.codes[0], own.codes[0] * 0], ["a/0", "b/1"], ["low", "b"], [True, False], [4000, 4000])
    known = own.joined(other)
    assert (known.names, list(known.held_out)) == ([own.names[0], "b/1"], [False, False])
    maker = Maker(source, other)
    assert maker.labels == [], "low is held out, and the prior does not know b"
    assert longest_run(maker._known, own.codes[0]) == len(own.codes[0])


def test_a_label_of_held_out_sounds_alone_is_none(maker: Maker) -> None:
    bank = maker.bank
    held_out = [label == "high" for label in bank.labels]
    part = CodeBank(bank.codes, bank.names, bank.labels, held_out, bank.lengths)
    assert Maker(maker.codec.model, part).labels == ["low"]


def test_copies_are_counted_without_a_judge_where_they_are_limited(maker: Maker) -> None:
    takes = [one.take for one in made(maker, count=4, max_copy=1)]
    assert all(take.copied_frames is not None and (take.copied_frames <= 1 or take.note) for take in takes)
    assert made(maker)[0].take.copied_frames is None


def test_the_number_of_threads_changes_nothing(drawn: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    decode = Codec.decode

    def recorded(self: Codec, *args: Any, **how: Any) -> torch.Tensor:
        used.append(torch.get_num_threads())
        return decode(self, *args, **how)

    monkeypatch.setattr(Codec, "decode", recorded)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        one = made(drawn, loop=True, seconds=0.3)[0]
        drawn.again(one.take)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(used) == {1}
