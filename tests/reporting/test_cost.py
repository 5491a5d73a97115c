"""The price of a run, over all its sessions, and in words."""

import pytest

from distill_tui.paths import Home
from distill_tui.reporting.cost import cost_summary, cost_text, money
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState
from distill_tui.settings import Settings
from tests.test_settings import write

PRICED = Settings(price=2.0)


def test_the_price_is_of_all_sessions_and_of_nothing_between() -> None:
    state = RunState()
    state.apply(e.Started(run="r", name="r", pid=1, program="0", time=1000))
    assert cost_text(state, PRICED) == "$0.00 so far"
    state.apply(e.Metrics(scope="step", step=5, epoch=1, eta_seconds=1800, values={}, time=1000 + 1800))
    assert cost_text(state, PRICED) == "$1.00 so far, $2.00 at the end"
    state.apply(e.Stopped(step=5, epoch=1, seconds=10, time=1000 + 3600))
    assert cost_text(state, PRICED) == "$2.00"
    # a day later
    state.apply(e.Started(run="r", name="r", pid=2, program="0", time=90_000))
    state.apply(e.StateChanged(state="paused", step=5, time=90_000 + 900))
    assert cost_text(state, PRICED) == "$2.50 so far"
    assert cost_summary(state, PRICED) == {
        "currency": "$", "price_per_hour": 2.0, "so_far": 2.5, "at_end": None
    }  # fmt: skip
    assert (cost_text(state, Settings()), cost_summary(state, Settings())) == ("", None)
    assert cost_text(RunState(), PRICED) == ""
    assert (money(1234.5, "EUR"), money(0.005, "€")) == ("1,234.50 EUR", "€0.01")


def test_prices_are_settings(home: Home) -> None:
    found = write(home, 'notify = "osc777"\n[machine]\nprice = 3\ncurrency = "EUR"\nmax_price = 12.5\n')
    assert (found.price, found.currency, found.notify, found.problems) == (3.0, "EUR", "osc777", [])
    assert found.defaults == {"train.max_price": 12.5}


@pytest.mark.parametrize(
    "line",
    [
        "price = -1",
        "price = nan",
        "price = true",
        'price = "2"',
        'currency = ""',
        "max_price = inf",
        "max_price = 3",
        "prise = 2",
    ],
)
def test_a_price_that_is_none_is_told_with_its_line(home: Home, line: str) -> None:
    found = write(home, f"[machine]\n{line}\n")
    assert (found.price, found.currency, found.defaults) == (0.0, "$", {})
    assert (
        f"line 2: machine.{line.split()[0]}: " in found.problems[0]
        or "did you mean 'machine.price'?" in found.problems[0]
    )
