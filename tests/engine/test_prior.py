"""A prior: trained, stopped and resumed as any task, saved with its codec, and drawn from."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch

from distill_tui.engine.generate.copies import copy_ban
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.sampler import ROWS, _Rows, draw
from distill_tui.engine.inference.model import Model
from distill_tui.engine.nets.prior import NOTHING, Prior
from distill_tui.engine.tasks import near_codes
from distill_tui.engine.tasks import prior as prior_task
from distill_tui.engine.tasks.near_codes import NearCodes
from distill_tui.engine.tasks.prior import PriorTask
from distill_tui.engine.tasks.prior_batches import pack, with_before
from distill_tui.engine.tasks.prior_versions import PIECE_FRAMES, STEPS_ALIVE, Versions, cut
from distill_tui.errors import RequestError
from distill_tui.library.card import without_data
from distill_tui.library.container import copy_model, read_card, read_tensors
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.metrics import short_name
from distill_tui.reporting.run_line import status_line
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.state import RunState
from tests.engine.accelerator import accelerator
from tests.engine.small_generator import SmallCodec, make_codec, make_prior_run
from tests.engine.support import make_trainer, train_here, weights_of


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SmallCodec:
    torch.set_num_threads(1)
    return make_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def run(codec: SmallCodec) -> RunFolder:
    """A prior's run that has finished. Look at it only."""
    run = make_prior_run(codec.home, codec.model, codec.sounds, name="made")
    assert train_here(codec.home, run) == 0
    return run


@pytest.fixture(scope="module")
def generator(codec: SmallCodec, run: RunFolder) -> Generator:
    return Generator.load(codec.home.models / "made.distill")


# -- the run


def test_a_finished_run_has_bits_a_frame_of_each_level_and_previews(run: RunFolder) -> None:
    assert run.task == "prior"
    state = RunState().apply_all(read_events(run.events))
    assert (state.state, state.is_prior, state.health) == ("finished", True, [])
    by_level = code_bits.levels(state.numbers)
    assert len(by_level) == 2
    total = state.numbers[code_bits.VAL]
    assert total is not None
    assert total == pytest.approx(sum(filter(None, by_level)), rel=1e-4)
    trained = [state.numbers[code_bits.level_key(n, "training")] for n in range(2)]
    assert state.numbers[code_bits.TRAIN] == pytest.approx(sum(filter(None, trained)), rel=1e-4)
    assert short_name(code_bits.level_key(1, "training")) == "training bits 2"
    assert 0 < total < 2 * 3 + 1, "codes of three bits drawn at random take no more"
    assert state.best is not None
    assert state.best.value == min(value for value in state.series[code_bits.VAL].values)
    (preview,) = state.previews
    for name in preview.pairs[0][:2]:
        assert (run.path / name).is_file()
    assert preview.names == ["take 1, high"]
    assert sound_quality.of_run(state) == {}, "it has no distances of a reconstruction"
    assert "bits" in status_line(state)


def test_resumed_it_ends_with_the_very_same_weights(home: Home, codec: SmallCodec) -> None:
    run = make_prior_run(home, codec.copy_to(home), codec.sounds, train__epochs=2)
    whole = make_trainer(home, run)
    whole.run()
    parted = make_trainer(home, run)
    assert not parted.run(until=4)
    parted.save_checkpoint()
    resumed = make_trainer(home, run)
    assert resumed.restore()
    resumed.run()
    assert resumed.step == whole.step == 6
    expected = weights_of(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights_of(resumed).items())


def test_batches_follow_from_the_step_and_hold_versions_of_sounds(codec: SmallCodec, run: RunFolder) -> None:
    one, other = make_trainer(codec.home, run).task, make_trainer(codec.home, run).task
    assert isinstance(one, PriorTask)
    assert torch.equal(one.batch(7), other.batch(7))
    assert not torch.equal(one.batch(7), one.batch(8))
    data = one.batch(7)
    before, frames = data[..., :2], data[..., 2:4]
    assert data.shape[::2] == (4, 6)
    assert (frames[:, :, 0] <= 8).all(), "8 is the end"
    assert int((frames[..., 0] >= 0).sum()) == int(data[0, 0, -1])
    starts = before[:, 0, 0] == NOTHING
    assert starts.any(), "half of the crops begin where a sound begins"
    versions = one._batches._versions
    now, later = versions.version(0, 0, 0), versions.version(0, 0, 2 * STEPS_ALIVE)
    assert now.shape != later.shape or not torch.equal(now, later)
    assert torch.equal(versions.version(0, 0, 0), now)


def test_long_sounds_are_cut_into_pieces() -> None:
    pieces = cut([100, (2 * PIECE_FRAMES + 1) * 10], 10)
    assert [(one.wave, one.begins, one.ends) for one in pieces] == [
        (0, True, True),
        (1, True, False),
        (1, False, False),
        (1, False, True),
    ]
    assert sum(one.last - one.first for one in pieces[1:]) == 2 * PIECE_FRAMES + 1


def test_a_piece_within_a_sound_is_encoded_with_what_stands_around_it(generator: Generator) -> None:
    net, recipe = generator.codec.net, Recipe()
    recipe.train.batch_size, recipe.prior.versions, recipe.data.random_speed = 4, 1, 0.0
    frames = PIECE_FRAMES + 40
    wave = np.sin(np.arange(frames * net.latent_hop) / 5).astype(np.float32)
    versions = Versions(net, [wave], [torch.zeros(frames, 2, dtype=torch.long)], recipe)
    assert [versions.version(number, 0, 0).shape[0] for number in range(2)] == pytest.approx([frames / 2] * 2, abs=1)
    assert versions.original(1).shape == (frames / 2, 2)


def test_the_frame_before_and_the_end_stand_where_they_belong() -> None:
    codes = torch.tensor([[1, 2], [3, 4]])
    assert with_before(codes, True, True, 8).tolist() == [[-1, -1, 1, 2], [1, 2, 3, 4], [3, 4, 8, -1]]
    assert with_before(codes, False, False, 8).tolist() == [[1, 2, 3, 4]]
    batch = pack([with_before(codes, True, True, 8), with_before(codes, False, False, 8)], [5, -1])
    assert batch[1, 1].tolist() == [-1, -1, -1, -1, -1, 4]
    assert (batch[0, :, 4] == 5).all()


def test_near_codes_weigh_most(monkeypatch: pytest.MonkeyPatch) -> None:
    codebooks = torch.tensor([[[0.0], [1.0], [5.0]]])
    near = NearCodes(codebooks)(0, torch.arange(3))
    assert near.diagonal().tolist() == [0, 0, 0]
    assert near.sum(-1).tolist() == pytest.approx([1, 1, 1])
    assert near[0, 1] > 0.99
    # a large codebook has no table
    monkeypatch.setattr(near_codes, "MOST_IN_TABLE", 2)
    codes = torch.tensor([[2, 0]])
    assert torch.allclose(NearCodes(codebooks)(0, codes), near[codes])


# -- the net


@pytest.mark.parametrize("net", ["gru", "transformer"])
def test_a_prior_sees_nothing_of_what_comes_after(net: str) -> None:
    prior = _tiny_prior(net)
    codes = torch.randint(8, (2, 12, 2), generator=torch.Generator().manual_seed(0))
    label, tables = torch.tensor([0, -1]), prior.tables()
    whole, _ = prior(codes, label, tables)
    changed = codes.clone()
    changed[:, 7:] = 0
    other, _ = prior(changed, label, tables)
    assert torch.equal(whole[:, :7], other[:, :7])
    assert not torch.equal(whole[:, 7:], other[:, 7:])
    state, parts = None, []
    for frame in range(12):
        part, state = prior(codes[:, frame : frame + 1], label, tables, state)
        parts.append(part)
    # the window of attention is shorter than the sound
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


def test_heads_see_the_levels_below_alone(generator: Generator) -> None:
    prior, tables = generator.prior, generator.prior.tables()
    hidden = torch.randn(1, 16, generator=torch.Generator().manual_seed(0))
    first, second = (prior.head(1, hidden, torch.tensor([[code, 0]]), tables) for code in (0, 1))
    assert prior.head(0, hidden, torch.tensor([[0, 0]]), tables).shape[-1] == 9
    assert not torch.equal(first, second)


def _tiny_prior(net: str) -> Prior:
    recipe = Recipe()
    recipe.model.codebook_size, recipe.model.rvq_levels, recipe.model.latent_dim = 8, 2, 4
    recipe.prior.net, recipe.prior.width, recipe.prior.layers = ("gru" if net == "gru" else "transformer"), 16, 2
    recipe.prior.crop_frames, recipe.prior.heads, recipe.prior.labels = 6, 2, ["a"]
    torch.manual_seed(0)
    prior = Prior(recipe).eval()
    prior.set_codebooks(torch.randn(2, 8, 4))
    return prior


# -- the file


def test_the_file_holds_prior_codec_and_the_sounds_as_codes(codec: SmallCodec, generator: Generator) -> None:
    entry = Library(codec.home).find("made")
    assert (entry.kind, Library(codec.home).find("small").kind) == ("generator", "codec")
    card = Library(codec.home).verify("made")
    assert card.task == "prior"
    assert card.losses["bits"] == card.history[code_bits.VAL]["values"][card.epoch - 1]
    assert (generator.labels, generator.levels, generator.sample_rate) == (["high", "low"], 2, 8000)
    assert generator.codec.card.name == "small"
    own = Model.load(codec.model)
    assert generator.codec.card.weights_sha256 == own.card.weights_sha256
    bank = generator.bank
    assert sorted(bank.names) == sorted(row[0] for row in card.data["sounds"])
    assert bank.held_out == [False] * 8 + [True]
    assert all(label == name.split("/")[0] for name, label in zip(bank.names, bank.labels, strict=True))
    wave = torch.zeros(1, 4000)
    assert torch.equal(Model.load(entry.path).encode(wave), own.encode(wave)), "its codec can be used as it is"
    frames = [length / own.net.latent_hop for length in bank.lengths]
    assert all(n - 1 < count <= n for n, count in zip(map(len, bank.codes), frames, strict=True))


def test_exported_it_works_without_the_names_of_its_sounds(
    codec: SmallCodec, generator: Generator, tmp_path: Path
) -> None:
    path = Library(codec.home).export("made", tmp_path / "given.distill")
    given = Generator.load(path)
    assert given.bank.names[0] == "sound 1"
    assert "sounds" not in given.codec.card.data
    assert not given.card.recipe["prior"]["codec"]
    takes = [draw(one, 2, max_frames=6, seeds=[1, 2]) for one in (given, generator)]
    assert all(torch.equal(a, b) for a, b in zip(*takes, strict=True))


def test_of_many_sounds_the_card_names_those_of_the_bank(
    codec: SmallCodec, run: RunFolder, generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior_task, "MOST_LISTED", 8)
    task = make_trainer(codec.home, run).task
    own = Library(codec.home).find("made").path
    card = read_card(own)
    card.data = {"files": 9, "manifest": "0", **task.data_facts()}
    path = tmp_path / "many.distill"
    copy_model(own, path, card)
    assert Generator.load(path).bank.names == generator.bank.names
    assert without_data(card).data == {"files": 9}


def test_what_is_no_generator_is_refused(codec: SmallCodec) -> None:
    with pytest.raises(RequestError, match="a codec, not a generator"):
        Generator.load(codec.model)


def test_a_damaged_bank_is_refused(codec: SmallCodec, generator: Generator, tmp_path: Path) -> None:
    from distill_tui.library.container import write_model

    tensors = read_tensors(codec.home.models / "made.distill")
    tensors["bank.codes"][0, 0] = 8
    path = tmp_path / "bad.distill"
    write_model(path, tensors, generator.card)
    with pytest.raises(RequestError, match="codes of its sounds are damaged"):
        Generator.load(path)


# -- drawing


def test_a_take_depends_on_its_seed_alone(generator: Generator) -> None:
    many = draw(generator, ROWS + 3, max_frames=20, seeds=range(ROWS + 3), label="low")
    for n in (0, 5, ROWS + 1):
        (alone,) = draw(generator, 1, max_frames=20, seeds=[n], label="low")
        assert torch.equal(alone, many[n])
    assert len({take.numpy().tobytes() for take in many}) > ROWS


def test_mps_draws_what_the_cpu_draws(codec: SmallCodec, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    # the stand-in's tensors cannot be sliced in inference mode
    monkeypatch.setattr(_Rows, "draw", torch.no_grad()(inspect.unwrap(_Rows.draw)))
    ban = copy_ban(generator.bank, 2)
    expected = draw(generator, 2, max_frames=12, seeds=[5, 6], prefix=generator.bank.codes[0][:3], steer=ban)
    with accelerator("mps"):
        there = Generator.load(codec.home.models / "made.distill", "mps")
        drawn = draw(there, 2, max_frames=12, seeds=[5, 6], prefix=generator.bank.codes[0][:3], steer=ban)
    assert all(torch.equal(one, other) for one, other in zip(drawn, expected, strict=True))


def test_a_take_begins_with_its_prefix_and_may_not_end(generator: Generator) -> None:
    prefix = torch.tensor([[1, 2], [3, 4], [5, 6]])
    takes = draw(generator, 2, max_frames=9, seeds=[1, 2], prefix=prefix, end=False)
    assert all(len(take) == 9 and torch.equal(take[:3], prefix) for take in takes)
    assert generator.decode(takes[0]).shape == (9 * generator.codec.net.latent_hop,)


def test_steering_changes_what_is_drawn(generator: Generator) -> None:
    seen: list[tuple[int, int, int]] = []

    def only_two(codes: torch.Tensor, frame: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        seen.append((codes.shape[1], frame.shape[1], logits.shape[1]))
        banned = torch.full_like(logits, float("-inf"))
        banned[:, 2] = 0
        return banned

    takes = draw(generator, 3, max_frames=4, seeds=[1, 2, 3], steer=only_two)
    assert all((take == 2).all() and len(take) == 4 for take in takes)
    assert seen[:3] == [(0, 0, 9), (0, 1, 8), (1, 0, 9)]


def test_a_low_temperature_or_a_small_share_draws_the_likeliest(generator: Generator) -> None:
    cold = draw(generator, 2, label="low", max_frames=5, seeds=[1, 2], temperature=[1e-4], end=False)
    few = draw(generator, 2, label="low", max_frames=5, seeds=[3, 4], top_p=[1e-6, 1e-6], end=False)
    assert all(torch.equal(take, cold[0]) for take in (*cold, *few))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": "middle"}, "no label 'middle'"),
        ({"temperature": [1, 1, 1]}, "3 numbers for 2 levels"),
        ({"temperature": [0.0]}, "not above 0"),
        ({"top_p": [float("nan")]}, "not above 0"),
    ],
)
def test_wrong_settings_are_refused(generator: Generator, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        draw(generator, 1, max_frames=4, seeds=[0], **wrong)  # type: ignore[arg-type]


def test_a_label_is_heard(home: Home, codec: SmallCodec) -> None:
    """Two kinds of sound whose codes differ: a prior that is trained on them tells by the label which is meant."""
    run = make_prior_run(home, codec.copy_to(home), codec.sounds, train__epochs=25, prior__width=32)
    trainer = make_trainer(home, run)
    trainer.run()
    task = trainer.task
    assert isinstance(task, PriorTask)
    own, _ = task.evaluate(trainer.ema_net, "training")
    task._labels = [1 - label for label in task._labels]
    other, _ = task.evaluate(trainer.ema_net, "training")
    assert own.sum() < other.sum()


# -- what is asked for


def test_sounds_shorter_than_a_frame_are_nothing_to_learn_from(home: Home, codec: SmallCodec, tmp_path: Path) -> None:
    from tests.engine.support import tones

    with pytest.raises(RequestError, match="no sound is as long as a latent frame"):
        make_prior_run(home, codec.copy_to(home), tones(tmp_path / "clicks", 3, 0.02))


def test_a_codec_without_codes_has_no_prior(home: Home, codec: SmallCodec) -> None:
    from tests.engine.support import make_run

    run = make_run(home, codec.sounds, name="flow", model__quantizer="vae", train__epochs=1, train__steps_per_epoch=1)
    assert train_here(home, run) == 0
    with pytest.raises(RequestError, match="no codes that a prior could learn"):
        make_prior_run(home, home.models / "flow.distill", codec.sounds)


def test_a_generator_is_no_codec(codec: SmallCodec, generator: Generator) -> None:
    with pytest.raises(RequestError, match="has a prior already"):
        make_prior_run(codec.home, codec.home.models / "made.distill", codec.sounds)
