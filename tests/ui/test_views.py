"""The views of the Training screen: every key of the chart, the codebooks and the previews; warnings; the machine."""

import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.color import Color
from textual.pilot import Pilot

from distill_tui.paths import Home
from distill_tui.reporting.metrics import letters
from distill_tui.runs import events as e
from distill_tui.runs.blind_tests import read_answers
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.seen_warnings import mark_seen, seen_until
from distill_tui.runs.state import RunState
from distill_tui.ui import messages as m
from distill_tui.ui.app import DistillApp
from distill_tui.ui.command_palette import commands_of
from distill_tui.ui.screens.training.chart_view import ChartView
from distill_tui.ui.screens.training.codebooks import CodebooksView
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.screens.training.screen import TrainingScreen
from distill_tui.ui.services import system_monitor
from distill_tui.ui.themes import load_themes, own_themes
from distill_tui.ui.widgets.palette import OTHER_RUNS
from tests.ui import recorded
from tests.ui.conftest import PATIENCE, screen_text, until

Watching = tuple[DistillApp, Pilot[None], TrainingScreen]


@asynccontextmanager
async def watching(home: Home, run: RunFolder, *keys: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Watching]:
    app = DistillApp(home, run)
    async with app.run_test(size=size) as pilot:
        screen = app._training
        await until(pilot, lambda: screen.controller.state.started_at)
        await pilot.press(*keys)
        await pilot.pause()
        yield app, pilot, screen


async def shows(pilot: Pilot[None], text: str) -> None:
    await until(pilot, lambda: text in screen_text(pilot.app), text)


def chart(app: DistillApp) -> ChartView:
    return app.screen.query_one(ChartView)


@pytest.mark.slow
async def test_v_goes_round_the_views_and_escape_comes_back(home: Home) -> None:
    async with watching(home, recorded.finished(home)) as (app, pilot, screen):
        for name, said in (
            ("chart", "by step"),
            ("codebooks", "utilization: share of codes"),
            ("previews", "preview 1 of 1"),
            ("overview", "Settings"),
        ):
            await pilot.press("v")
            assert screen.view == name
            await shows(pilot, said)
        await pilot.press("v", "escape")
        assert screen.view == "overview"
        assert "perpl." in screen_text(app)


VIEWS = {"f2": None, "f3": ChartView, "f4": CodebooksView, "f5": PreviewsView}


@pytest.mark.slow
@pytest.mark.parametrize("key", VIEWS)
async def test_each_view_has_a_key_a_help_and_a_place_in_the_palette(home: Home, key: str) -> None:
    kind = VIEWS[key]
    async with watching(home, recorded.finished(home), "f3", key, size=(100, 50)) as (app, pilot, screen):
        assert (kind is None) == (screen.view == "overview")

        def titles() -> set[str]:
            return {command.name for command in commands_of(app, screen)}

        await until(
            pilot,
            lambda: {"Overview", "Chart", "Codebooks", "Previews"} - titles() == {screen.view.capitalize()},
            "the other views in the palette",
        )
        if kind is not None:
            assert isinstance(app.focused, kind)
            assert {binding.description for binding in kind.BINDINGS if isinstance(binding, Binding)} <= titles()
            await pilot.press("question_mark")
            await until(pilot, lambda: kind.HELP_TEXT[:30] in screen_text(app))


@pytest.mark.slow
async def test_the_cursor_reads_values_and_marks(home: Home) -> None:
    run = recorded.finished(home)
    async with watching(home, run, "v") as (app, pilot, _):
        assert "step 2,000" in screen_text(app)
        await pilot.press("left")
        assert chart(app).plot.window.cursor == pytest.approx(2000 - 2000 / 70, rel=0.01)
        assert "learning_rate 0.001 → 0.0008" in screen_text(app)
        await pilot.press(*["left"] * 27)
        await until(pilot, lambda: "to 2.9" in screen_text(app), "the spike at step 1,205")
        await pilot.press(*["right"] * 40)
        assert chart(app).plot.window.cursor is None


@pytest.mark.slow
async def test_zoom_pan_and_the_whole_again(home: Home) -> None:
    async with watching(home, recorded.finished(home), "v") as (app, pilot, _):
        window = chart(app).plot.window
        await pilot.press("plus", "plus")
        assert (window.first, window.last) == (1500, 2000)
        assert " 4x" in screen_text(app)
        await pilot.press("comma", "comma")
        assert (window.first, window.last) == (1250, 1750)
        await pilot.press("full_stop")
        assert window.last == 1875
        await pilot.press("minus")
        assert window.last - window.first == 1000
        await pilot.press("0")
        assert window.is_whole


@pytest.mark.slow
async def test_a_zoomed_chart_follows_the_newest_numbers(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        async with watching(home, run, "v", "plus") as (app, pilot, _):
            assert chart(app).plot.window.last == 1700
            recorded.add_events(run, e.Metrics(scope="step", step=1800, epoch=36, values={"loss/train": 0.1234}))
            await until(pilot, lambda: chart(app).plot.window.last == 1800 and "0.1234" in screen_text(app))
            assert chart(app).plot.window.span == 850


@pytest.mark.slow
async def test_scale_axis_and_smoothing_have_keys(home: Home) -> None:
    async with watching(home, recorded.finished(home), "v", size=(120, 35)) as (app, pilot, _):
        for key, said in (
            ("z", "by step · log · raw"),
            ("z", "by step · linear · raw"),
            ("h", "by step · linear · smooth"),
            ("h", "by step · linear · very smooth"),
            ("j", "by epoch · linear · very smooth"),
            ("j", "by time · linear · very smooth"),
        ):
            await pilot.press(key)
            assert said in screen_text(app), key
        assert re.search(r"time [12]:\d\d ", screen_text(app))


@pytest.mark.slow
async def test_curves_are_chosen_and_brought_to_the_front(home: Home) -> None:
    async with watching(home, recorded.finished(home), "v") as (app, pilot, _):
        assert "▸t train" in screen_text(app)
        await pilot.press("down")
        assert "▸v val" in screen_text(app)
        await pilot.press("C")
        await until(pilot, lambda: "dead 1" in screen_text(app))
        await pilot.press("space", "enter")
        assert chart(app).plot.chosen == ["loss/recon", "loss/val", "loss/commit"] or len(chart(app).plot.chosen) == 3
        await pilot.press("C", "escape")
        assert len(chart(app).plot.chosen) == 3


PLOTTED = re.compile(r"[│┤](.*)$", re.MULTILINE)


def letters_at_curves(app: DistillApp) -> set[str]:
    """The letters that stand in the picture of the chart, apart from the names of panes."""
    rows = [line.replace("commitment loss", "") for line in PLOTTED.findall(screen_text(app))]
    return {char for line in rows for char in line if char.isalnum()}


@pytest.mark.slow
async def test_each_curve_has_a_letter_in_the_legend_and_at_its_place(home: Home) -> None:
    other = recorded.make_run(home, name="speech", stamp="20260224-100000")
    recorded.train(recorded.begin(other, name="speech"), 30)
    async with watching(home, recorded.finished(home), "v") as (app, pilot, _):
        assert "▸t train 0.5250   v val 0.6196   r recon 0.4563   c commit 0.0486" in screen_text(app)
        assert letters_at_curves(app) == set("tvrc")
        await pilot.press("equals_sign", "space", "enter")
        await until(pilot, lambda: "train of: " in screen_text(app))
        (letter,) = re.findall("train of: ([A-H]) speech", screen_text(app))
        assert letters_at_curves(app) == {*"tvrc", letter}


def test_letters_differ_within_an_axis() -> None:
    keys = ["loss/train", "loss/total", "loss/t", "loss/commit", "codebook/2/utilization", "codebook/11/utilization"]
    assert list(letters(keys).values()) == ["t", "o", "a", "c", "3", "c"]
    many = [f"loss/{number}" for number in range(99)]
    assert len(set(letters(many).values())) > 30


@pytest.mark.slow
async def test_in_the_smallest_pane_every_curve_is_read_and_nothing_is_cut_off(home: Home) -> None:
    async with watching(home, recorded.finished(home), "v", size=(40, 12)) as (app, pilot, _):
        assert "▸t 0.5250 v 0.6196 r 0.4563 c 0.0486" in screen_text(app)
        assert "train 0.5250 (0.4685…0.5884)" in screen_text(app)
        chart(app).choose([*chart(app).plot.chosen, *(f"codebook/{i}/dead" for i in range(3))])
        for _ in range(7):
            await pilot.press("down")
            legend = next(line for line in screen_text(app).splitlines() if "▸" in line)
            assert re.fullmatch(r"(?: ?[ ▸][a-z0-9] [0-9.]+)+(?: \+\d)?", legend.rstrip()), legend
            assert chart(app).plot.curves[chart(app).plot.front] in letters(chart(app).plot.curves)


@pytest.mark.slow
async def test_other_runs_are_laid_over_each_with_a_colour_of_its_own(home: Home) -> None:
    first = recorded.finished(home)
    names = ("speech", "bells")
    for number, name in enumerate(names):
        run = recorded.make_run(home, name=name, stamp=f"20260226-10000{number}")
        recorded.train(recorded.begin(run, name=name), 3)
    async with watching(home, first, "v", size=(120, 35)) as (app, pilot, _):
        await pilot.press("equals_sign")
        await until(pilot, lambda: all(name in screen_text(app) for name in names))
        await pilot.press("space", "down", "space", "enter")
        await until(pilot, lambda: re.search(r"train of: [A-H] bells .* [A-H] speech ", screen_text(app)))
        colors = {run.id: other.color for run, other in chart(app).plot.others.items()}
        assert len(set(colors.values())) == 2
        await pilot.press("equals_sign", "space", "enter")
        await until(pilot, lambda: "bells" not in screen_text(app))
        assert {run.id: other.color for run, other in chart(app).plot.others.items()}.items() <= colors.items()


async def test_a_level_is_chosen_read_and_its_codes_sorted(home: Home) -> None:
    run = recorded.finished(home)
    counts = [[0] * 40 + [9] * 24, [5] * 64, [1] * 3 + [0] * 61]
    recorded.add_events(run, e.CodesCounted(step=2000, epoch=40, counts=counts))
    async with watching(home, run, "f4") as (app, pilot, _):
        await until(pilot, lambda: "level 1  24 of 64 codes used" in screen_text(app))
        assert "least used" in screen_text(app)
        await pilot.press("s")
        assert "code 63" in screen_text(app)
        assert "·" * 40 in screen_text(app)
        await pilot.press("down", "down")
        assert "level 3  3 of 64 codes used" in screen_text(app)
        await pilot.press("left")
        assert "at epoch" in screen_text(app)
        await pilot.press("j")
        assert "perplexity: share of codes" in screen_text(app)


async def test_another_run_is_not_read_behind_its_end_and_has_a_colour_of_its_own(home: Home) -> None:
    short = recorded.make_run(home, name="short", stamp="20260224-061320")
    recorded.train(recorded.begin(short, "short"), 10)
    async with watching(home, recorded.finished(home), "f3") as (app, pilot, _):
        view = chart(app)
        view.lay_over(short, RunState().apply_all(read_events(short.events)))
        await until(pilot, lambda: "short" in screen_text(app))
        assert re.search(r"[A-H] short +-", screen_text(app))
        view.plot.window.cursor = 400.0
        view.repaint()
        await until(pilot, lambda: re.search(r"[A-H] short +[0-9.]+", screen_text(app)))


def test_colours_of_other_runs_are_far_from_those_of_the_losses() -> None:
    themes, _ = load_themes([own_themes()])
    for side, name in enumerate(("distill", "distill-light")):
        own = [Color.parse(themes[name].variables[f"series-{loss}"]) for loss in ("train", "val", "recon", "commit")]
        for pair in OTHER_RUNS:
            other = Color.parse(pair[side])
            assert min(sum((a - b) ** 2 for a, b in zip(one.rgb, other.rgb, strict=True)) for one in own) > 70**2


@pytest.mark.slow
async def test_the_warm_up_is_drawn_faint_and_marked(home: Home) -> None:
    run = recorded.make_run(home)
    recorder = recorded.begin(run)
    recorded.train(recorder, 6)
    async with watching(home, run, "f3") as (app, pilot, screen):
        assert letters_at_curves(app) == set()
        assert "┬" not in screen_text(app)
    run = recorded.running(home, name="later", stamp="20260226-061320")
    async with watching(home, run, "f3") as (app, pilot, screen):
        assert screen.controller.state.quantizing_from == 450
        await until(pilot, lambda: "┬" in screen_text(app))
        chart(app).plot.window.cursor = 450.0
        chart(app).repaint()
        await until(pilot, lambda: "┬ codebooks initialised, quantizing" in screen_text(app))


@pytest.mark.slow
async def test_sounds_of_previews_have_names(home: Home) -> None:
    run = with_previews(home)
    folder = "previews/step-002000"
    pair = (f"{folder}/original-01.wav", f"{folder}/reconstruction-01.wav", 0.5)
    recorded.add_events(
        run, e.PreviewMade(step=2000, epoch=40, folder=folder, pairs=[pair, pair], names=["kicks/01.wav", "hats/7.wav"])
    )
    async with watching(home, run, "f5") as (app, pilot, _):
        await shows(pilot, "kicks/01.wav")
        assert "hats/7.wav" in screen_text(app)
        await pilot.press("left")
        await shows(pilot, "sound 1")


async def test_a_run_without_codes_says_so(home: Home) -> None:
    run = recorded.make_run(home)
    recorded.train(recorded.begin(run), 3)
    async with watching(home, run, "f4") as (app, _, _screen):
        assert "No codes yet" in screen_text(app)


@pytest.mark.slow
async def test_what_is_ticked_is_told_without_colour(home: Home) -> None:
    async with watching(home, recorded.finished(home), "f3", "C", size=(40, 12)) as (app, pilot, _):
        await until(pilot, lambda: screen_text(app).count("[x]") == 4)
        await pilot.press("space")
        await until(pilot, lambda: screen_text(app).count("[x]") == 3 and "[ ]" in screen_text(app))


@pytest.mark.slow
async def test_codes_that_are_not_measured_yet_are_shown_as_such(home: Home) -> None:
    run = recorded.make_run(home)
    recorder = recorded.begin(run)
    # the step in which the quantizer joins in: the first level was measured and the others were not
    numbers = {"codebook/0/utilization": 0.31, "codebook/1/utilization": None, "codebook/2/utilization": None}
    recorder.write(e.Metrics(scope="step", step=5, epoch=1, values=numbers))
    async with watching(home, run, "f4") as (app, pilot, _):
        await shows(pilot, "level 1")
        assert re.search(r"level 2 +- ···", screen_text(app))


def with_previews(home: Home) -> RunFolder:
    """A finished run with two previews of two sounds, real files."""
    run = recorded.finished(home)
    recorded.add_events(
        run,
        e.PreviewMade(
            step=2001,
            epoch=40,
            folder="previews/step-002001",
            pairs=[
                (f"previews/step-002001/original-{i:02}.wav", f"previews/step-002001/reconstruction-{i:02}.wav", 0.5)
                for i in (1, 2)
            ],
        ),
    )
    for step in (2000, 2001):
        recorded.put_sounds(
            run.previews / f"step-{step:06}",
            [f"{kind}-{i:02}.wav" for i in (1, 2) for kind in ("original", "reconstruction")],
        )
    return run


@pytest.mark.slow
async def test_previews_are_pictures_of_both_sounds(home: Home) -> None:
    async with watching(home, with_previews(home), "f5") as (app, pilot, _):
        await until(pilot, lambda: "original  1.0 s  to 4 kHz" in screen_text(app))
        shown = screen_text(app)
        assert shown.count("▀" * 35) >= 12
        assert "preview 2 of 2" in shown
        await pilot.press("left")
        await until(pilot, lambda: "preview 1 of 2" in screen_text(app))
        assert "distance 0.6100" in screen_text(app)
        assert "buzzes, too quiet" in screen_text(app)
        await pilot.press("down")
        assert "▸ sound 2  distance 0.7000" in screen_text(app)
        assert "original-02.wav" in screen_text(app)
        await pilot.press("right")
        assert "preview 2 of 2" in screen_text(app)


def with_a_film(home: Home) -> RunFolder:
    """Ten previews of two sounds, the first of which is there by one of three levels too."""
    run = recorded.running(home)
    for step in range(1710, 1800, 10):
        folder = f"previews/step-{step:06}"
        recorded.put_preview(run.path / folder, blur=1, sounds=2)
        (run.path / folder / "levels-01-1.wav").write_bytes((run.path / folder / "original-02.wav").read_bytes())
        pairs: list[tuple[str, str, float | None]] = [
            (f"{folder}/original-{i:02}.wav", f"{folder}/reconstruction-{i:02}.wav", 0.5) for i in (1, 2)
        ]
        made = e.PreviewMade(
            step=step,
            epoch=34,
            folder=folder,
            pairs=pairs,
            names=["kicks/1.wav", "hats/2.wav"],
            levels=[[(1, f"{folder}/levels-01-1.wav", 0.9)], []],
            trained=60.0 * 2 ** ((step - 1710) // 10),
        )
        recorded.add_events(run, made)
    return run


@pytest.mark.slow
async def test_a_film_of_one_sound_with_levels_and_axes(home: Home) -> None:
    run = with_a_film(home)
    async with watching(home, run, "f5", size=(120, 35)) as (app, pilot, _):
        view = app.screen.query_one(PreviewsView)
        await until(pilot, lambda: "kHz" in screen_text(app) and "…" not in screen_text(app).split("original")[0])
        shown = screen_text(app)
        # six of ten steps and the original, each with its time
        assert [f"step {step:,}" in shown for step in (1700, 1710, 1790)] == [True, False, True]
        assert "16 min  0.500" in shown
        assert re.search(r"^[ │]+5k ", shown, re.M), "hertz at the left"
        assert re.search(r"^[ │]+0 .* s +0 .* s", shown, re.M), "seconds below"
        assert "1 level 0.9000" in shown
        await until(pilot, lambda: view._making is None, "the pictures of the other steps")
        await pilot.press("left")
        assert "preview 9 of 10" in screen_text(app)
        assert "making the pictures" not in screen_text(app)
        await pilot.press("l")
        assert "by 1 of 3 levels  distance 0.9000" in screen_text(app)
        assert view.paths()[1].name == "levels-01-1.wav"
        await pilot.press("l")
        assert view.paths()[1].name == "reconstruction-01.wav"
        await pilot.press("down", "l")
        await shows(pilot, "the first sound only")


@pytest.mark.slow
async def test_a_blind_test_keeps_its_score(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = tmp_path / "heard"
    script = tmp_path / "player"
    script.write_text(f'#!/bin/sh\necho "$1" >> {heard}\n')
    script.chmod(0o755)
    run = with_previews(home)
    blind = "distill_tui.ui.screens.training.previews.blind.player"
    monkeypatch.setattr(blind, lambda *_: None)
    async with watching(home, run, "f5", "b") as (app, pilot, _):
        await shows(pilot, "cannot be heard here")
        await pilot.press("1", "escape")
        monkeypatch.setattr(blind, lambda *_: [str(script)])
        monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda *_: [str(script)])
        await pilot.press("b")
        await shows(pilot, "no answers yet")
        assert "original-0" not in "".join(str(line) for line in screen_text(app).splitlines()[8:16])
        for _ in range(5):
            before = heard.read_text() if heard.exists() else ""
            await pilot.press("x")
            await until(pilot, lambda: heard.exists() and heard.read_text() != before)  # noqa: B023
            await pilot.press("1" if "original" in heard.read_text().splitlines()[-1] else "2")
        await shows(pilot, "5 of 5 right")
        assert "You hear the difference: guesses are as good in 3.1 % of cases." in screen_text(app)
        await pilot.press("0", "escape")
        await until(pilot, lambda: len(read_answers(run)) == 6)
        await pilot.press("left", "b")
        await shows(pilot, "all steps: 5 of 5 right, 1 cannot tell")


@pytest.mark.slow
async def test_previews_that_were_pruned_are_left_out(home: Home) -> None:
    run = with_a_film(home)
    for step in (1730, 1740):
        shutil.rmtree(run.previews / f"step-{step:06}")
    async with watching(home, run, "f5", size=(120, 35)) as (app, pilot, _):
        await until(pilot, lambda: "preview 8 of 8" in screen_text(app))
        await until(pilot, lambda: "kHz" in screen_text(app) and "…" not in screen_text(app).split("original")[0])
        shown = screen_text(app)
        assert "✗" not in shown.partition("preview 8 of 8")[2]
        assert ("step 1,720" in shown or "step 1,750" in shown, "step 1,730" in shown) == (True, False)
        await pilot.press("left", "left", "left")
        assert "preview 5 of 8" in screen_text(app)


@pytest.mark.slow
async def test_pictures_of_missing_files_say_so(home: Home) -> None:
    run = recorded.finished(home)
    shutil.rmtree(run.previews)
    async with watching(home, run, "f5") as (app, pilot, _):
        await until(pilot, lambda: screen_text(app).count("No such file") == 2)


@pytest.mark.slow
async def test_where_nothing_can_be_heard_it_says_how_to_fetch(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda *_: None)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 2222")
    run = with_previews(home)
    async with watching(home, run, "f5", size=(120, 35)) as (app, pilot, _):
        for key, said in (("enter", "reconstruction-01.wav"), ("o", "original-01.wav"), ("f", "original-01.wav")):
            await pilot.press(key)
            await until(pilot, lambda: "-P 2222" in screen_text(app).replace("\n", ""))
            assert said in screen_text(app)
            await pilot.press("escape")


async def test_listening_starts_the_player_with_the_file(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    script = tmp_path / "player"
    script.write_text(f'#!/bin/sh\necho "$1" >> {heard}\n')
    script.chmod(0o755)
    monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda *_: [str(script)])
    run = with_previews(home)
    async with watching(home, run, "f5", "enter") as (_, pilot, _screen):
        await until(pilot, lambda: heard.exists() and heard.read_text().endswith("reconstruction-01.wav\n"))


@pytest.mark.slow
async def test_warnings_wait_until_somebody_has_seen_them(home: Home) -> None:
    run = recorded.running(home)
    told: list[m.WarningsWaited] = []

    def hook(message: object) -> None:
        if isinstance(message, m.WarningsWaited):
            told.append(message)

    with recorded.alive(run):
        app = DistillApp(home, run)
        async with app.run_test(size=(80, 24), message_hook=hook) as pilot:
            await until(pilot, lambda: "▲ 1 new warning  a seen" in screen_text(app))
            assert [(x.unseen, x.rose) for x in told][:1] == [(1, False)]
            await pilot.press("a")
            assert "new warning" not in screen_text(app)
            assert "level 3 uses 41 % of its codes" in screen_text(app)
            recorded.add_events(run, e.WarningRaised(code="spike", text="the loss jumped", step=1701))
            await until(pilot, lambda: "▲ 1 new warning" in screen_text(app))
            await until(pilot, lambda: told[-1].rose)
        assert seen_until(run)
    again = DistillApp(home, run)
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "▲ 1 new warning" in screen_text(again))


def test_a_damaged_file_of_seen_warnings_means_none_were_seen(home: Home) -> None:
    run = recorded.running(home)
    for text in ("", "[]", '{"warnings": "x"}'):
        (run.path / "seen.json").write_text(text)
        assert seen_until(run) == 0
    from distill_tui.runs.log import read_events
    from distill_tui.runs.state import RunState

    state = RunState().apply_all(read_events(run.events))
    assert mark_seen(run, state) == seen_until(run) == state.warnings[-1].seq


@pytest.mark.slow
@pytest.mark.parametrize("key", ["f3", "f4", "f5"])
@pytest.mark.parametrize("size", [(30, 6), (80, 24), (200, 50)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_views_bear_hostile_runs_at_any_size(home: Home, key: str, size: tuple[int, int]) -> None:
    name = "[b]bold[/x] \N{ROCKET}\x1b[31m " + "long " * 60
    run = recorded.make_run(home, name="odd")
    recorder = recorded.begin(run, name=name)
    recorded.train(recorder, 12, nan_from=11)
    recorder.write(
        e.Metrics(scope="epoch", step=601, epoch=13, values={"loss/val": None, "[/x]/odd": 1.0}),
        e.CodesCounted(step=601, epoch=13, counts=[[], [0, 0], [10**12]]),
        e.PreviewMade(step=601, epoch=13, folder="previews/[/x]", pairs=[("[/x]\x1b[31m", "b", None)]),
        e.PreviewMade(step=602, epoch=13, folder="previews", pairs=[]),
    )
    async with watching(home, run, key, size=size) as (app, pilot, screen):
        await pilot.press("down", "left", "z", "h", "j", "l", "plus", "left", "right")
        if key == "f3":
            await pilot.press("C", "escape")
        await pilot.pause()
        assert screen.view != "overview"
        assert "\x1b" not in screen_text(app)


def test_only_somebody_who_sits_here_hears_a_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_tui.ui.services import audio_player

    monkeypatch.setattr(audio_player, "ALSA", tmp_path)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert not audio_player.has_sound_device({})
    (tmp_path / "pcmC0D0p").touch()
    assert audio_player.has_sound_device({})
    assert not audio_player.has_sound_device({"SSH_CONNECTION": "a 1 b 2"})
    assert audio_player.has_sound_device({"SSH_CONNECTION": "a 1 b 2", "PULSE_SERVER": "tcp:x"})
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert audio_player.player() is None


@pytest.mark.slow
async def test_the_machine_is_shown_where_there_is_room_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_tui.ui.services.system_monitor import GpuSample, MachineSample, SystemMonitor

    asked: list[int] = []

    def ask(self: SystemMonitor) -> None:
        asked.append(1)
        gpu = GpuSample("A [b]GPU", 0.87, 30 * 2**30, 80 * 2**30, 91.0, 412.0)
        self.samples.append(MachineSample(0.5, 4 * 2**30, 16 * 2**30, (gpu, GpuSample("silent"))))

    monkeypatch.setattr(SystemMonitor, "ask", ask)
    run = recorded.running(home)
    async with watching(home, run, size=(80, 24)) as (_, pilot, _screen):
        await pilot.pause()
        assert not asked
    uses = [e.RankUse(rank=n, device=f"cuda:{n}", busy=0.71, used=2**33, memory=2**36) for n in range(2)]
    recorded.add_events(run, e.RanksMeasured(step=1, ranks=uses))
    with recorded.alive(run):
        async with watching(home, run, size=(200, 50)) as (app, pilot, _screen):
            await until(pilot, lambda: "4.0 of 16 GiB" in screen_text(app))
            shown = screen_text(app)
    for said in ("50 %", "GPU 0", "87 %", "▲ 91 °C", "412 W", "30.0 of 80 GiB", "A [b]GPU", "GPU 1"):
        assert said in shown
    for said in ("rank 0  cuda:0", "rank 1  cuda:1", "71 %", "8.0 of 64 GiB"):
        assert said in shown


def test_real_gauges_tell_of_this_machine() -> None:
    import time

    from distill_tui.ui.services.system_monitor import SystemMonitor

    gauges = SystemMonitor()
    gauges.ask()
    deadline = time.monotonic() + PATIENCE
    while not gauges.samples and time.monotonic() < deadline:
        gauges._wanted.is_set()
    sample = gauges.samples[-1]
    assert 0 <= sample.busy <= 1
    assert 0 < sample.used < sample.memory


def test_without_a_driver_the_large_module_for_gpus_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", missing)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    assert system_monitor._nvml() is None
    assert "pynvml" not in sys.modules
