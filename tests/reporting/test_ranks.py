"""What is said of the ranks of a training by several processes."""

from distill_tui.reporting.ranks import rank_lines
from distill_tui.runs.events import Codec, RanksMeasured, RankUse, Started
from distill_tui.runs.state import RunState

CARD = {"name": "card", "memory": 80 * 2**30}


def measured(*hosts: str) -> RanksMeasured:
    ranks = [
        RankUse(rank=n, host=host, device=f"cuda:{n}", busy=0.5 + n / 10, used=(20 + n) * 2**30, **CARD)  # type: ignore[arg-type]
        for n, host in enumerate(hosts)
    ]
    return RanksMeasured(step=7, ranks=ranks)


def test_a_line_a_rank() -> None:
    first, second = rank_lines(measured("one", "one").ranks)
    assert first.text == "rank 0  cuda:0   50 %   20.0 of 80 GiB  0.0 examples/s  card"
    assert second.text.startswith("rank 1  cuda:1   60 %   21.0 of 80 GiB")
    assert rank_lines(measured("one", "two").ranks)[1].text.endswith("card on two")
    assert rank_lines(measured(*["one"] * 20).ranks)[-1].text == "and 12 ranks more"
    unknown = rank_lines([RankUse(rank=0, device="cuda:0")])[0].text
    assert unknown.split() == ["rank", "0", "cuda:0", "-", "-", "0.0", "examples/s"]


def test_the_newest_are_the_runs_state_until_a_new_worker_starts() -> None:
    state = RunState()
    event = Codec.decode(Codec.encode(measured("one", "two")))
    assert event is not None
    state.apply(event)
    assert [rank.host for rank in state.ranks] == ["one", "two"]
    assert [rank["device"] for rank in state.summary()["ranks"]] == ["cuda:0", "cuda:1"]
    state.apply(Started(run="r", name="r", pid=1, program="x"))
    assert state.ranks == []
