"""How new takes are: planted copies are found, held-out sounds are not called copies."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from distill_tui.engine.generate import finder
from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.copies import CopyRule, copy_ban, longest_run
from distill_tui.engine.generate.nearest import MelSteps
from distill_tui.engine.generate.novelty import Judge, Judgement
from distill_tui.engine.inference.model import Model
from distill_tui.errors import RequestError
from distill_tui.reporting.novelty import CLOSE, Verdict, verdict
from distill_tui.takes.take import Take
from tests.engine.toy_codec import HOP, RATE, ToyCodec, toy_sound

TRAINING, HELD_OUT = 10, 4
CODEC = cast("Model", ToyCodec())


def bank_of(count: int, held_out: int) -> CodeBank:
    sounds = [toy_sound(seed) for seed in range(count + held_out)]
    return CodeBank(
        [CODEC.encode(sound[None])[0] for sound in sounds],
        [f"sound-{seed}" for seed in range(len(sounds))],
        ["" for _ in sounds],
        [seed >= count for seed in range(len(sounds))],
        [len(sound) for sound in sounds],
    )


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(bank_of(TRAINING, HELD_OUT), CODEC)


def judged(judge: Judge, sound: Tensor) -> Judgement:
    """The judgement of a sound that goes through the codec."""
    codes = CODEC.encode(sound[None])[0]
    return judge.judge(CODEC.decode(codes[None])[0], codes)


def verdict_of(found: Judgement) -> Verdict | None:
    return verdict(
        Take(
            path="",
            seconds=1,
            seed=0,
            method="",
            nearest=found.nearest,
            novelty=found.novelty,
            copied_frames=found.copied_frames,
            copied_coarse=found.copied_coarse,
            frames=found.frames,
        )
    )


def planted(number: int, later: float, decibels: float) -> Tensor:
    """A training sound as it is decoded, a part of a frame later and softer."""
    wave = CODEC.reconstruct(toy_sound(number)[None])[0]
    return 10 ** (decibels / 20) * torch.nn.functional.pad(wave, (int(later * HOP), 0))


@pytest.mark.parametrize(("later", "decibels"), [(0.5, -3.0), (0.3, -5.0), (2.75, 0.0)])
def test_a_planted_copy_is_found(judge: Judge, later: float, decibels: float) -> None:
    found = [judged(judge, planted(number, later, decibels)) for number in range(TRAINING)]
    assert [one.nearest.path for one in found] == [f"sound-{number}" for number in range(TRAINING)]
    assert {verdict_of(one) for one in found} <= {Verdict.COPY, Verdict.NEARLY}


def test_a_verbatim_copy_is_called_one(judge: Judge) -> None:
    codes = CODEC.encode(toy_sound(3)[None])[0]
    found = judge.judge(CODEC.decode(codes[None])[0], codes)
    assert (found.nearest.path, found.novelty, found.copied_frames) == ("sound-3", 0.0, len(codes))
    assert found.nearest.distance < 0.1
    assert verdict_of(found) == Verdict.COPY


def test_a_held_out_sound_is_not_called_a_copy(judge: Judge) -> None:
    found = [judged(judge, toy_sound(TRAINING + number)) for number in range(HELD_OUT)]
    assert {verdict_of(one) for one in found} <= {Verdict.CLOSE, Verdict.NEW, Verdict.FAR}
    assert max(one.nearest.ratio or 0 for one in found) > 1
    assert judge.scale.floor < judge.scale.usual
    assert 0.5 < sorted(one.novelty for one in found)[HELD_OUT // 2] < 2


def test_where_a_take_lies_in_its_nearest_sound() -> None:
    long = torch.cat((toy_sound(20), toy_sound(21), toy_sound(22)))
    codes = [CODEC.encode(sound[None])[0] for sound in (toy_sound(23), long)]
    bank = CodeBank(codes, ["short", "long"], ["", ""], [False, False], [3200, len(long)])
    found = judged(Judge(bank, CODEC), CODEC.reconstruct(long[None])[0][3200:6400])
    assert found.nearest.path == "long"
    assert found.nearest.start == pytest.approx(0.4, abs=0.02)


def test_a_large_bank_is_searched_by_latents_first(monkeypatch: pytest.MonkeyPatch, judge: Judge) -> None:
    monkeypatch.setattr(finder, "PREPARED_SECONDS", 0.0)
    monkeypatch.setattr(finder, "LIKELY_SECONDS", 1.5)
    found = judged(Judge(bank_of(TRAINING, HELD_OUT), CODEC), planted(7, 0.5, -3.0))
    assert found.nearest == judged(judge, planted(7, 0.5, -3.0)).nearest


def test_a_long_take_is_judged_by_its_nearest_part() -> None:
    long = torch.cat([toy_sound(90 + number) for number in range(8)])
    codes = torch.cat((CODEC.encode(long[None])[0], CODEC.encode(toy_sound(2)[None])[0]))
    found = Judge(bank_of(4, 2), CODEC).judge(CODEC.decode(codes[None])[0], codes)
    assert found.nearest.path == "sound-2"
    assert found.novelty < CLOSE


@pytest.mark.parametrize("samples", [1, 999, 8000])
def test_a_long_sound_is_transformed_in_blocks(samples: int) -> None:
    mel = MelSteps(RATE)
    wave = torch.randn(samples, generator=torch.Generator().manual_seed(samples)) * torch.arange(samples)
    whole = mel(wave)
    for mel.block in (2, 6, 50):
        assert torch.allclose(mel(wave), whole, atol=1e-3)


def test_the_scale_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_of(3, 0)
    scale = Judge(bank, CODEC, tmp_path).scale
    (file,) = (tmp_path / "novelty").iterdir()
    file.write_bytes(b"{")
    assert Judge(bank, CODEC, tmp_path).scale == scale
    monkeypatch.setattr(Judge, "_measured", None)
    assert Judge(bank, CODEC, tmp_path).scale == scale


def test_there_must_be_something_to_compare_with() -> None:
    with pytest.raises(RequestError, match="nothing to compare"):
        Judge(bank_of(0, 2), CODEC)
    alone = Judge(bank_of(1, 0), CODEC)
    assert judged(alone, toy_sound(50)).nearest.path == "sound-0"


def test_of_one_recording_the_parts_make_the_scale() -> None:
    long = torch.cat([toy_sound(60 + number) for number in range(8)])
    alone = Judge(CodeBank([CODEC.encode(long[None])[0]], ["long"], [""], [False], [len(long)]), CODEC)
    assert alone.scale.usual > 2 * alone.scale.floor
    assert alone.scale.held_out == 0
    found = judged(alone, toy_sound(50))
    assert (found.nearest.held_out, found.novelty < 3) == (0, True)


def test_a_silent_or_tiny_take_is_judged_too(judge: Judge) -> None:
    for samples in (1, RATE // 4):
        assert judged(judge, torch.zeros(samples)).novelty >= 0


# -- copied codes


def bank_from(*sounds: list[list[int]], held_out: Any = ()) -> CodeBank:
    rows = [torch.tensor(sound) for sound in sounds]
    flags = [number in held_out for number in range(len(rows))]
    return CodeBank(rows, [""] * len(rows), [""] * len(rows), flags, [0] * len(rows))


def test_the_longest_run_is_that_of_a_search_by_hand() -> None:
    random = torch.Generator().manual_seed(1)
    bank = bank_from(*(torch.randint(3, (length, 2), generator=random).tolist() for length in (9, 14, 5)))
    codes = torch.randint(3, (12, 2), generator=random)
    for levels in (1, 2):
        runs = [
            length
            for sound in bank.codes
            for i in range(len(sound))
            for j in range(len(codes))
            for length in range(1, 1 + min(len(sound) - i, len(codes) - j))
            if torch.equal(sound[i : i + length, :levels], codes[j : j + length, :levels])
        ]
        assert longest_run(bank, codes, levels) == max(runs, default=0)
    assert longest_run(bank, codes + 7) == 0
    assert longest_run(bank_from([[1, 2]] * 4, held_out=[0]), torch.tensor([[1, 2]] * 4)) == 0


def test_a_run_ends_at_the_end_of_a_sound() -> None:
    bank = bank_from([[0, 1], [2, 3]], [[4, 5], [6, 7]])
    assert longest_run(bank, torch.tensor([[0, 1], [2, 3], [4, 5], [6, 7]])) == 2


def test_runs_of_latents() -> None:
    latents = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    bank = CodeBank([latents], ["a"], [""], [False], [0])
    assert longest_run(bank, torch.cat((latents[2:5], latents[:1] + 1))) == 3


def test_copies_are_forbidden_while_drawing() -> None:
    sound = [[1, 2], [3, 4], [5, 6], [7, 8]]
    ban = copy_ban(bank_from(sound, [[3, 4], [5, 6], [0, 0]], [[3, 4], [5, 6], [9, 9]], held_out=[2]), 2)
    so_far = torch.tensor([sound[:3], [[1, 2], [3, 4], [5, 5]]])
    logits = torch.zeros(2, 11)
    steered = ban(so_far, torch.zeros(2, 0, dtype=torch.long), logits)
    assert torch.isinf(steered).nonzero().tolist() == [[0, 0], [0, 7]]
    assert logits.isfinite().all()
    # the finer levels, and a take that is still short, are as they were
    assert ban(so_far, torch.zeros(2, 1, dtype=torch.long), logits) is logits
    assert ban(so_far[:, :1], torch.zeros(2, 0, dtype=torch.long), logits) is logits
    assert ban(so_far, torch.zeros(2, 0, dtype=torch.long), logits[:, :1]).isfinite().all()
    with pytest.raises(ValueError, match="0 frames"):
        copy_ban(bank_from(sound), 0)


def test_copies_are_forbidden_in_walks() -> None:
    sound = torch.tensor([[1, 2], [3, 4], [5, 6]])
    rule = CopyRule(bank_from(sound.tolist()), 2)
    assert not rule.allows(sound[:2], sound[2])
    assert rule.allows(sound[:2], torch.tensor([6, 6]))
    assert rule.allows(sound[:1], sound[1])
