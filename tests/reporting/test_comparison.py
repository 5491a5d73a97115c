"""Runs and models side by side."""

from typing import Any

from distill_tui.library.card import Card
from distill_tui.reporting.comparison import Row, compare, of_model, of_run
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState


def by_title(rows: list[Row]) -> dict[str, Row]:
    return {row.title: row for row in rows}


def a_model(name: str, recipe: dict[str, Any], measured: dict[str, Any] | None = None, **card: Any) -> Any:
    return of_model(name, Card(**card), recipe, measured)


def test_where_recipes_differ_but_for_what_is_a_run_s_own() -> None:
    one = {"name": "a", "model.channels": 16, "automatic": ["model.codebook_size"], "model.codebook_size": 64}
    two = {"name": "b", "model.channels": 32, "automatic": [], "model.codebook_size": 128}
    rows = compare([a_model("a", one), a_model("b", two)])
    assert [(row.title, row.values) for row in rows if row.section == "recipe"] == [
        ("model.channels", ("16", "32")),
        ("model.codebook_size", ("64 (auto)", "128 (override)")),
    ]


def test_the_lesser_loss_is_better_where_both_count_the_same() -> None:
    same = [a_model(name, {}, losses={"val": val, "train": 0.1}) for name, val in (("a", 0.5), ("b", 0.2))]
    rows = by_title(compare(same))
    assert (rows["val loss"].better, rows["train loss"].better) == (1, None)
    other = a_model("c", {"loss.mel_weight": 2.0}, losses={"val": 0.1})
    assert by_title(compare([*same, other]))["val loss"].better is None


def test_levels_are_judged_where_enough_frames_were_counted() -> None:
    level = {"level": 0, "utilization": 1.0, "perplexity": 60.0, "dead": 0.0, "churn": 0.0}
    recipe = {"model.codebook_size": 64}
    rows = by_title(
        compare(
            [a_model("old", recipe, health=[level]), a_model("new", recipe, health=[{**level, "frames": 192.0}] * 2)]
        )
    )
    assert rows["level 1 verdict"].values == ("-", "good")
    assert rows["level 2 utilization"].values == ("-", "100 %")
    assert rows["counted"].values[0] == "on the held-out sound"


def test_distances_are_of_the_same_sounds_and_none_was_trained_on_what_is_held_out() -> None:
    def measured(*sounds: tuple[str, str, float]) -> dict[str, Any]:
        return {"sounds": [{"name": name, "seen": seen, "mel": mel, "si_sdr": None} for name, seen, mel in sounds]}

    one = a_model("a", {}, measured(("x", "training", 1.0), ("y", "", 3.0)))
    two = a_model("b", {}, measured(("x", "validation", 2.0), ("y", "validation", 2.0)))
    rows = [row for row in compare([one, two]) if row.section == "distances"]
    assert [(row.title, row.values, row.better) for row in rows] == [
        ("mel, 1 sound held out", ("3.0000", "2.0000"), 1),
        ("mel, 1 sound trained on", ("1.0000", "2.0000"), 0),
    ]


def test_runs_are_compared_by_the_same_rows() -> None:
    state = RunState().apply_all(
        [
            e.StateChanged(state="running"),
            e.Metrics(scope="epoch", step=7, epoch=2, values={"loss/val": 0.5, "distance/val": 0.25}),
        ]
    )
    rows = by_title(compare([of_run(state, {"model": {"channels": 16}}), of_run(RunState(), {})]))
    assert rows["state"].values == ("running", "starting")
    assert rows["held-out distance"].values == ("0.250", "-")
    assert rows["model.channels"].values == ("16", "-")
