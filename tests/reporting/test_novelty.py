"""How new takes are, in words."""

import msgspec
import pytest

from distill_tui.reporting.novelty import CLOSE, FAR, NEAR, Verdict, line, verdict, words
from distill_tui.takes.take import Nearest, Take


def take(ratio: float | None, novelty: float, coarse: int = 0, start: float = 0.0, held_out: int | None = None) -> Take:
    nearest = Nearest(path="kick_04.wav", start=start, distance=2.5, ratio=ratio, held_out=held_out)
    return Take(
        path="1.wav",
        seconds=0.5,
        seed=1,
        method="prior",
        nearest=nearest,
        novelty=novelty,
        copied_coarse=coarse,
        copied_frames=0,
        frames=20,
    )


@pytest.mark.parametrize(
    ("one", "expected", "said"),
    [
        (take(0.4, 0.0, coarse=10), Verdict.COPY, "a copy of kick_04.wav"),
        (take(0.4, 0.0, coarse=9), Verdict.NEARLY, "nearly kick_04.wav"),
        (take(2.0, NEAR, coarse=2), Verdict.NEARLY, "nearly kick_04.wav"),
        (take(1.2, (NEAR + CLOSE) / 2, coarse=20), Verdict.CLOSE, "close to kick_04.wav"),
        (take(2.0, 1.0), Verdict.NEW, "as new as a sound of yours that it never heard"),
        (take(9.0, FAR + 1), Verdict.FAR, "farther from your sounds than one that it never heard usually is"),
        (take(2.0, 1.0, held_out=0), Verdict.NEW, "as new as your sounds are to each other"),
        (take(None, 0.0), Verdict.NEARLY, "nearly kick_04.wav"),
    ],
)
def test_each_verdict_has_words(one: Take, expected: Verdict, said: str) -> None:
    assert (verdict(one), words(one)) == (expected, said)
    found = line(one)
    assert found.id == f"novelty/{expected}"
    assert found.spans[0] == (said, expected.role)
    assert "kick_04.wav" in found.text and "2.5 dB" in found.text


def test_most_of_a_sound_within_a_long_take_is_a_copy_too() -> None:
    long = msgspec.structs.replace(take(0.4, 0.0, coarse=20), frames=1000)
    assert verdict(long) == Verdict.NEARLY
    assert long.nearest is not None
    for frames, expected in ((30, Verdict.COPY), (31, Verdict.NEARLY)):
        long.nearest = msgspec.structs.replace(long.nearest, frames=frames)
        assert verdict(long) == expected


def test_a_place_is_named_where_it_is_not_the_beginning() -> None:
    assert "at 0.25 s" in line(take(0.4, 0.0, start=0.25)).text
    assert " at " not in line(take(0.4, 0.0)).text


def test_a_take_that_was_not_compared_says_so() -> None:
    one = Take(path="1.wav", seconds=0.5, seed=1, method="blend")
    assert (verdict(one), words(one), line(one).id) == (None, "", "novelty/unknown")
