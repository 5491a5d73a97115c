"""Advice on sounds: the choices, which of them and why, the quality to expect, and what is odd about the sounds."""

from typing import Any

import pytest

from distill_tui.data.corpus import Corpus, Sound, assign_split
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.machine import Gpu, Machine
from distill_tui.recipe.pace import PROBE, Pace, step_work
from distill_tui.recipe.presets import layered
from distill_tui.recipe.resolve import resolve
from distill_tui.reporting.advice import NAMES, Advice, advise
from distill_tui.reporting.advice_text import advice_lines
from distill_tui.reporting.expected_quality import (
    UNKNOWN,
    Result,
    Subject,
    expected,
    result_of,
    shipped_results,
    subject_of,
)
from distill_tui.reporting.lines import texts

CPU = Machine(cores=2)
GPU = Machine(cores=16, gpus=(Gpu(0, "NVIDIA Test", 80 << 30, 79 << 30),))


def corpus(seconds: float = 60.0, files: int = 60, rate: int = 44100, **more: Any) -> Corpus:
    """So many sounds of the same length, a tenth of them held out."""
    sounds = [
        Sound(
            path=f"/s/{i}.wav",
            name=f"{i:03}.wav",
            content=f"{i:040x}",
            rate=rate,
            channels=1,
            seconds=seconds / files,
            tonality=0.6,
            **more,
        )
        for i in range(files)
    ]
    assign_split(sounds, 0.1)
    return Corpus(paths=["/s"], sounds=sounds)


def paces(of: Corpus, seconds: float, name: str = "20260101-000000-run", **more: Any) -> list[Pace]:
    """The pace of a run on this corpus whose steps took so long."""
    recipe = resolve(layered({"train.minutes": 15.0}), of.facts(), CPU)
    return [Pace(name, "cpu", "convnext", step_work(recipe), seconds, **more)]


def ids(advice: Advice) -> list[str]:
    return [remark.id for remark in advice.remarks]


def test_three_choices_set_preset_and_minutes_and_tell_their_time() -> None:
    sounds = corpus()
    advice = advise(sounds, CPU, paces(sounds, 0.15, around=20.0))
    assert [choice.name for choice in advice.choices] == list(NAMES)
    assert (advice.recommended, advice.is_measured, advice.needs_probe) == ("good", True, False)
    quick, good, night = advice.choices
    assert quick.minutes < good.minutes < night.minutes
    assert good.values | {"preset": "balanced", "train.minutes": good.minutes} == good.values
    assert good.total_seconds == pytest.approx(60 * good.minutes + 20.0)
    assert good.steps == pytest.approx(0.9 * 60 * good.minutes / good.step_seconds)
    assert advice.headline == f"good, {good.minutes:g} min (2 cores, 60 s of sound)"
    assert "a good model takes 5,000" in advice.reason
    assert [row["name"] for row in advice.to_json()["choices"]] == list(NAMES)


def test_a_fast_machine_needs_the_quick_look_only_and_a_slow_one_the_night() -> None:
    sounds = corpus()
    assert advise(sounds, CPU, paces(sounds, 0.01)).recommended == "quick"
    assert advise(sounds, CPU, paces(sounds, 3.0)).recommended == "overnight"
    assert advise(corpus(20.0, 20), CPU).best.preset == "conservative"
    # ten hours on two cores: one pass takes longer than what is called good
    much = advise(corpus(360_000.0, 3600), CPU)
    assert much.recommended == "overnight"
    assert "to hear each of" in much.reason
    assert advise(corpus(36_000.0, 3600), GPU).choice("overnight").preset == "faithful"


def test_where_the_times_come_from_is_told() -> None:
    sounds = corpus()
    guessed = advise(sounds, CPU)
    assert (guessed.is_measured, guessed.needs_probe) == (False, True)
    assert guessed.pace == "estimated from the kind of device"
    assert guessed.best.total_seconds > 60 * guessed.best.minutes
    probed = advise(sounds, CPU, paces(sounds, 0.2, f"{PROBE} cpu"))
    assert (probed.is_measured, probed.needs_probe) == (True, False)
    busy = advise(sounds, CPU, paces(sounds, 0.2, f"{PROBE} cpu", is_busy=True))
    assert busy.needs_probe
    assert "while the machine was busy" in busy.pace


def test_a_device_that_is_not_here_is_an_error() -> None:
    with pytest.raises(RequestError):
        advise(corpus(), CPU, defaults={"train.device": "cuda:1"})


def test_the_quality_to_expect_is_that_of_the_most_similar_training_or_unknown() -> None:
    sounds = corpus()
    advice = advise(sounds, CPU, paces(sounds, 0.15), shipped_results())
    assert advice.choice("quick").quality.text == "mel 0.260, buzzes"
    assert "45 s of drums, 1,273 steps" in advice.choice("quick").quality.source
    assert advice.choice("overnight").quality.line == UNKNOWN
    same = subject_of(sounds, 9000.0, 44100)
    near = Result("as mine", Subject(8000.0, 61.0, 44100, contents=frozenset(list(same.contents)[:50])), "71 %")
    other = Result("as another", Subject(9000.0, 61.0, 44100), "40 %")
    assert expected(same, [other, near, *shipped_results()]).source == "as mine"
    far = [
        Result("steps", Subject(90_000.0, 60.0, 44100), "1 %"),
        Result("sound", Subject(9000.0, 600.0, 44100), "2 %"),
        Result("rate", Subject(9000.0, 60.0, 8000), "3 %"),
        Result("kind", Subject(9000.0, 60.0, 44100, "tones"), "4 %"),
    ]
    assert expected(same, far).text == ""


def test_a_card_tells_its_result_and_one_that_says_too_little_does_not() -> None:
    known: dict[str, Any] = {
        "step": 1000,
        "rate": 44100,
        "recipe": {"train": {"batch_size": 8}},
        "distances": {"mel": 0.3, "buzz": 0.1, "level": 0.5, "attack": 1.0},
        "losses": {"distance": 0.33},
        "data": {"seconds": 45.0, "sounds": [["a", "0f", "training"], "?"]},
    }
    result = result_of(Card(**known), "mine")
    assert result is not None
    assert result.text.startswith("mel 0.300")
    assert result.subject.crops == 8000
    assert result.subject.contents == {"0f"}
    assert result_of(Card(**known | {"data": {}}), "mine") is None
    assert result_of(Card(**known | {"recipe": {}}), "mine") is None


def test_what_is_odd_is_told_with_a_way_out_and_its_cost() -> None:
    assert ids(advise(corpus(), CPU)) == []
    mixed = corpus(files=100)
    for sound in mixed.sounds[:60]:
        sound.rate = 8000
    (rates,) = advise(mixed, CPU).remarks
    assert rates.id == "rates"
    assert "40 of 100 sounds (44.1 kHz) lose everything above 4 kHz" in rates.text
    assert "--set model.sample_rate=44100" in rates.way_out
    assert 1.2 < float(rates.way_out.split(" takes ")[1].split()[0]) < 3
    twins = corpus()
    twins.twins = [("000.wav", "001.wav"), ("000.wav", "009.wav")]
    (twin,) = advise(twins, CPU).remarks
    assert "2 sounds are near-twins" in twin.text
    assert "1 held out while the twin is trained on" in twin.text
    assert ids(advise(corpus(60.0, 1), CPU)) == ["one-file"]
    assert ids(advise(corpus(12.0, 12), CPU)) == ["few-held-out"]
    assert ids(advise(corpus(3.0, 60), CPU)) == ["short"]
    noted = advise(corpus(note="cut off after 1 s of 2 s"), CPU)
    assert ids(noted) == ["noted"]
    assert "and 59 more" in "\n".join(texts(advice_lines(noted)))


def test_advice_is_worked_out_once_for_a_split() -> None:
    sounds = corpus(files=20)
    assert sounds.facts() is sounds.facts()
    before = sounds.facts()
    sounds.validation_fraction = 0.5
    assign_split(sounds.sounds, 0.5)
    assert sounds.facts().validation_seconds > before.validation_seconds
