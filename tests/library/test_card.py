"""Cards as JSON, and series made short enough for one."""

import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_tui.library.card import Card, encode, now
from tests.library.models import card

odd = st.sampled_from([math.nan, math.inf, -math.inf])
reals = st.one_of(odd, st.floats(-1e100, 1e100))
numbers = st.one_of(st.none(), reals, st.integers(-(2**53), 2**53))
words = st.text(max_size=30)
values = st.recursive(
    st.one_of(st.booleans(), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=10,
)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.slow
@settings(database=None, deadline=None, max_examples=200)
@given(
    name=words,
    losses=st.dictionaries(words, numbers, max_size=4),
    recipe=st.dictionaries(words, values, max_size=4),
    notes=st.lists(words, max_size=3),
    seconds=reals,
)
def test_any_card_becomes_strict_json_and_comes_back(
    name: str, losses: dict[str, float | None], recipe: dict[str, object], notes: list[str], seconds: float
) -> None:
    made = Card(name=name, losses=losses, recipe=recipe, notes=notes, seconds_trained=seconds)
    text = encode(made)
    json.loads(text, parse_constant=refuse)
    read = msgspec.json.decode(text, type=Card)
    assert read.name == name and read.notes == notes
    assert read.losses == {k: v if v is not None and math.isfinite(v) else None for k, v in losses.items()}
    assert msgspec.json.decode(encode(read), type=Card) == read


def test_names_that_are_not_text_are_kept_as_far_as_they_go() -> None:
    made = card(data={"sounds": [["\udcff.wav", "00"]]})
    assert msgspec.json.decode(encode(made), type=Card).data == {"sounds": [["?.wav", "00"]]}


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults() -> None:
    assert msgspec.json.decode(b'{"name": "x", "smell": {"of": ["roses"]}}', type=Card) == Card(name="x")


def test_now_is_what_created_accepts() -> None:
    msgspec.json.decode(encode(Card(created=now())), type=Card)
