"""Requests that cannot be met are refused before anything is loaded."""

from typing import Any

import pytest

from distill_tui.errors import RequestError
from distill_tui.takes.check import check_label, check_request
from distill_tui.takes.request import Request


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seconds": 0.0}, "--seconds: 0 is not above 0"),
        ({"seconds": 3600.0}, "ten minutes"),
        ({"seconds": float("nan")}, "--seconds"),
        ({"count": 0}, "--count"),
        ({"seed": -1}, "--seed"),
        ({"like": "a", "follow": "b"}, "--like and --follow: one at a time"),
        ({"like": "a", "strength": 1.5}, "--strength"),
        ({"fill": "a", "start": 0.5, "end": 0.5}, "--from 0.5 is not before --to 0.5"),
        ({"fill": "a", "start": 0.0, "end": 1.0, "seconds": 1.0}, "--fill"),
        ({"fill": "a", "start": 0.0, "end": 1.0, "loop": True}, "--loop: does not go with --fill"),
        ({"follow": "a", "seconds": 1.0}, "--seconds: does not go with --follow"),
        ({"continue_file": "a", "loop": True}, "--loop: does not go with --continue"),
        ({"max_copy": 0}, "--max-copy"),
        ({"novelty": -0.1}, "--novelty"),
        ({"temperature": (1.0, 0.0)}, "--temperature"),
        ({"top_p": (1.1,)}, "--top-p"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as error:
        check_request(Request(**given))
    assert said in str(error.value)


def test_a_good_request_is_not() -> None:
    check_request(Request())
    check_request(Request(fill="a", start=0.0, end=0.1, max_copy=1, novelty=0.5, seed=1 << 40, top_p=(1.0, 0.5)))


def test_a_label_that_is_not_there_names_the_nearest() -> None:
    check_label("", [], "m")
    check_label("kick", ["kick"], "m")
    with pytest.raises(RequestError, match="did you mean 'kick'"):
        check_label("kik", ["kick", "snare"], "m")
    with pytest.raises(RequestError, match="in no folders"):
        check_label("kick", [], "m")
