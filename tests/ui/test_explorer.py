"""The Explorer: every key, what it asks for, and what the screen says."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from distill_tui.data.images.dataset import Pictures
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs import events as e
from distill_tui.runs.codebook_map import CodebookMap, write_map
from distill_tui.runs.control import read_control
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.explorer import sources
from distill_tui.ui.screens.explorer.map_view import MapView
from distill_tui.ui.screens.explorer.panels import explorer_knobs
from distill_tui.ui.screens.explorer.pixels import PicturesView
from distill_tui.ui.screens.explorer.screen import ExplorerScreen
from distill_tui.ui.screens.explorer.sources import ImageRun, Source
from distill_tui.ui.services.programs import Answer, Progress
from tests.data.test_images import put as put_pictures
from tests.ui import explored, recorded
from tests.ui.conftest import screen_text, until

pytestmark = pytest.mark.slow
Looking = tuple[DistillApp, Pilot[None], ExplorerScreen]


@asynccontextmanager
async def looking(
    home: Home, run: RunFolder | None, *keys: str, size: tuple[int, int] = (120, 35)
) -> AsyncIterator[Looking]:
    app = DistillApp(home, run, explore=run is not None)
    async with app.run_test(size=size) as pilot:
        screen = app._explorer
        if run is not None:
            await until(
                pilot,
                lambda: screen.controller.state.step and screen.panels.map_view.scene and "Level 1" in screen_text(app),
            )
        await pilot.press(*keys)
        await pilot.pause()
        yield app, pilot, screen


def map_of(screen: ExplorerScreen) -> CodebookMap:
    """The map that is shown."""
    assert screen.loader.source is not None
    assert screen.loader.source.map is not None
    return screen.loader.source.map


def image_run(screen: ExplorerScreen) -> ImageRun:
    assert isinstance(screen.loader.source, ImageRun)
    return screen.loader.source


async def shows(pilot: Pilot[None], *texts: str) -> None:
    await until(pilot, lambda: all(text in screen_text(pilot.app) for text in texts), ", ".join(texts))


async def test_4_leads_to_the_newest_run_of_pictures(home: Home) -> None:
    run = explored.running(home)
    recorded.finished(home)
    with recorded.alive(run):
        app = DistillApp(home)
        async with app.run_test(size=(120, 35)) as pilot:
            await pilot.press("4")
            await shows(pilot, "4 Explorer", "figures like digits are drawn", "Level 1: 14/16 active (2 dead)")
            assert app._explorer.controller.run == run


async def test_without_a_run_it_says_how_to_begin_and_finds_one_that_came_since(home: Home) -> None:
    async with looking(home, None, "4") as (_, pilot, screen):
        await shows(pilot, "No run of the Explorer yet", "distill-tui explore --data FOLDER")
        assert screen.check_action("switch", ("cells",)) is False
        run = explored.running(home)
        await pilot.press("1", "4")
        await shows(pilot, "Level 2: 10/16 active (6 dead)")
        assert screen.controller.run == run


async def test_a_run_without_a_map_says_so(home: Home) -> None:
    run = explored.make_run(home)
    explored.start(run)
    with recorded.alive(run):
        app = DistillApp(home, run, explore=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await shows(pilot, "no map yet", "no codes yet")


async def test_a_new_map_is_drawn_and_a_damaged_one_is_not(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        async with looking(home, run) as (_app, pilot, screen):
            run.map.write_bytes(b"{")
            fewer = explored.a_map(step=1750)
            fewer.levels[0].counts = [0] * 12 + fewer.levels[0].counts[12:]
            await until(pilot, lambda: not image_run(screen).has_newer_map)
            write_map(run.map, fewer)
            await shows(pilot, "Level 1: 4/16 active (12 dead)", "reconstruction; step 1,750")


def letters(app: DistillApp) -> str:
    return "".join(char for row in app.screen.query_one(MapView)._grid for char, _ in row)


async def test_the_map_has_a_letter_a_label_and_filled_and_hollow_codes(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run) as (app, _, _screen):
        seen = letters(app)
        assert all(digit in seen for digit in "0123456789")
        # the legend has one of each too; codes may lie over one another
        assert 20 <= seen.count("◆") <= 25
        assert 7 <= seen.count("◇") <= 9


async def test_arrows_choose_a_code_and_escape_lets_go(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run, "right") as (_, pilot, screen):
        code = screen.panels.map_view.selection.code
        assert code is not None
        count = map_of(screen).levels[0].counts[code]
        await shows(pilot, f"level 1, code {code}", f"used {count:,} times", "since step 550")
        x, y = map_of(screen).levels[0].codes[code]
        await pilot.press("right")
        next_code = screen.panels.map_view.selection.code
        assert next_code is not None
        assert map_of(screen).levels[0].codes[next_code][0] > x
        await pilot.press("up", "up")
        assert screen.panels.map_view.selection.code is not None
        assert map_of(screen).levels[0].codes[screen.panels.map_view.selection.code][1] > y
        await pilot.press("l", "left")
        await until(pilot, lambda: f"level 2, code {screen.panels.map_view.selection.code}" in screen_text(pilot.app))
        await pilot.press("escape")
        assert screen.panels.map_view.selection.code is None


async def test_every_code_can_be_reached(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run) as (_, pilot, screen):
        seen: set[int | None] = set()
        for _ in range(4):
            for key in ("left", "down", "right", "up"):
                for _ in range(6):
                    await pilot.press(key)
                    seen.add(screen.panels.map_view.selection.code)
        assert len(seen) >= 8


@pytest.mark.parametrize(
    ("key", "said", "gone"),
    [
        ("f2", "Level 2  encoder outputs", "residuals"),
        ("f3", "sums of 2 codes", "residuals"),
    ],
)
async def test_residuals_and_sums_are_switched_on_and_off(home: Home, key: str, said: str, gone: str) -> None:
    run = explored.running(home)
    async with looking(home, run, "v") as (app, pilot, _):
        await shows(pilot, "Level 2  residuals")
        before = letters(app)
        await pilot.press(key)
        await shows(pilot, said)
        assert gone not in screen_text(app).replace("f2 Residuals", "")
        assert letters(app) != before
        await pilot.press("f2" if key == "f2" else "f3")
        if key == "f3":
            await shows(pilot, "Level 2  encoder outputs")
            await pilot.press("f2")
        await shows(pilot, "Level 2  residuals")


def braille(app: DistillApp) -> int:
    return sum("\u2800" < char <= "\u28ff" for char in letters(app))


async def test_cells_and_paths_are_drawn_when_asked_for(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run) as (app, pilot, _):
        assert braille(app) == 0
        await pilot.press("f4")
        cells = braille(app)
        assert cells > 40
        await pilot.press("f5")
        assert braille(app) > cells
        await pilot.press("f4", "f5")
        assert braille(app) == 0


async def test_cells_that_are_not_exact_say_so(home: Home) -> None:
    run = explored.running(home)
    write_map(run.map, explored.a_map(dims=8))
    async with looking(home, run, "f4") as (_, pilot, _screen):
        await shows(pilot, "cells: of this plane only, not exact", "2 of 8 dimensions, 63 % of the variance")


async def test_both_definitions_of_dead_count_as_defined(home: Home) -> None:
    run = explored.running(home)
    found = explored.a_map()
    # 6,400 uses: the even share is 400, so 3 is too few and 5 is not; of the total less than 64 is
    found.levels[0].counts = [6400 - 13 * 70 - 8, 3, 5, *[70] * 13]
    write_map(run.map, found)
    async with looking(home, run) as (_, pilot, _screen):
        await shows(pilot, "Level 1: 15/16 active (1 dead)", "1 % of the even share")
        await pilot.press("j")
        await shows(pilot, "Level 1: 14/16 active (2 dead)", "1 % of the total")
        await pilot.press("j")
        await shows(pilot, "Level 1: 15/16 active (1 dead)")


async def test_views_go_round_and_escape_comes_back(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run, size=(80, 24)) as (app, pilot, screen):
        assert "inputs, and below" not in screen_text(app)
        await pilot.press("v")
        await shows(pilot, "Level 2  residuals")
        await pilot.press("v")
        await shows(pilot, "inputs, and below each its reconstruction; step 1,700")
        await pilot.press("escape")
        await shows(pilot, "Level 1: 14/16 active")
        assert screen.view == "overview"


async def test_a_knob_goes_to_two_and_is_undone(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        async with looking(home, run, "tab", "right") as (_, pilot, screen):
            await until(pilot, lambda: read_control(run.control).knobs == {"loss.commitment_weight": 0.3})
            await pilot.press("down", *["right"] * 30)
            await until(pilot, lambda: read_control(run.control).knobs["loss.codebook_weight"] == 2.0)
            recorded.add_events(run, e.SettingChanged(key="loss.codebook_weight", old=1.0, new=2.0, step=1710))
            await shows(pilot, "2       2 1,710")
            await pilot.press("u")
            await until(pilot, lambda: read_control(run.control).knobs["loss.codebook_weight"] == 1.95)
            assert [knob.field.key for knob in explorer_knobs(screen.controller)] == [
                "loss.commitment_weight",
                "loss.codebook_weight",
                "train.learning_rate",
            ]


async def test_pause_and_stop_are_wishes(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        async with looking(home, run, "space") as (_, pilot, _screen):
            await until(pilot, lambda: read_control(run.control).wanted == "paused")
            await shows(pilot, "running → paused")
            await pilot.press("space", "c", "y")
            await until(pilot, lambda: read_control(run.control).wanted == "stopped")


@pytest.mark.parametrize(("nats", "said"), [(0.31, "▲ posterior collapse"), (2.5, "2.50 nats  ● good")])
async def test_a_vae_is_told_by_its_kl(home: Home, nats: float, said: str) -> None:
    run = explored.running(home, kl=nats)
    app = DistillApp(home, run, explore=True)
    async with app.run_test(size=(120, 35)) as pilot:
        await shows(pilot, said, "Latents", "KL weight")
        assert "Commitment" not in screen_text(app)
        assert "active (" not in screen_text(app)


async def test_w_leads_to_the_training_screen(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run, "w") as (app, pilot, _):
        await until(pilot, lambda: app.current_mode == "training")
        assert app._training.controller.run == run


async def test_the_scale_of_the_losses_is_changed(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run) as (app, pilot, _):
        curve = screen_text(app).split("commit")[1][:40]
        for said in ("Loss scale: log", "Loss scale: linear", "Loss scale: auto"):
            await pilot.press("z")
            await shows(pilot, said)
            if "linear" in said:
                assert screen_text(app).split("commit")[1][:40] != curve


async def test_leaving_says_that_the_run_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = explored.running(home)
    said: list[str] = []
    with recorded.alive(run):
        async with looking(home, run) as (app, pilot, _):
            monkeypatch.setattr(app, "exit", lambda message="": said.append(message))
            await pilot.press("q")
            assert "figures goes on without the app" in said[0]


# runs that are started, and maps that are made in processes beside the app


class Program:
    """A stand-in for `distill-tui`: records what it was asked, and gives one answer."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, code: int = 0, document: bytes = b"", said: str = ""
    ) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._answer = Answer(code, document, [said] if said else [])
        monkeypatch.setattr(sources, "call", self._call)

    def answer(self, document: bytes) -> None:
        """Answer this from now on."""
        self._answer = Answer(0, document, [])

    async def _call(self, _: Home, *arguments: str, progress: Progress = lambda *_: None) -> Answer:
        self.asked.append(arguments)
        progress(1, 4)
        return self._answer


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """Runs whose worker was started; none really is, but each has its first events."""
    runs: list[RunFolder] = []

    def begin(_: Home, run: RunFolder) -> None:
        explored.start(run)
        runs.append(run)

    monkeypatch.setattr("distill_tui.runs.service.start_worker", begin)
    return runs


async def test_new_starts_on_the_folder_used_last(home: Home, tmp_path: Path, begun: list[RunFolder]) -> None:
    first = explored.running(home)
    pictures = sources.pictures_of(first)
    assert pictures is not None
    pictures.path = str(put_pictures(tmp_path / "letters", "t10k", 120))
    pictures.save(first.pictures)
    async with looking(home, first, "n") as (_, pilot, screen):
        await until(pilot, lambda: bool(begun) and screen.controller.run == begun[0])
        assert begun[0].id.endswith("-letters")
        assert Pictures.load(begun[0].pictures).training == 108
        await shows(pilot, "letters")


async def test_reset_stops_the_run_and_starts_one_with_new_weights(home: Home, begun: list[RunFolder]) -> None:
    run = explored.running(home, train__seed=4)
    with recorded.alive(run):
        async with looking(home, run, "tab", "right", "N") as (_, pilot, screen):
            await until(pilot, lambda: bool(begun) and screen.controller.run == begun[0])
            await until(pilot, lambda: read_control(run.control).wanted == "stopped")
            assert run.recipe.exists()
            recipe = toml.load(begun[0].recipe)
            assert (recipe.loss.commitment_weight, recipe.train.seed) == (0.3, 5)
            assert begun[0].pictures.read_bytes() == run.pictures.read_bytes()
            # the map of the run before is gone
            assert screen.loader.source is not None
            assert screen.loader.source.map is None


async def test_what_cannot_be_started_is_told(home: Home, tmp_path: Path, begun: list[RunFolder]) -> None:
    run = explored.running(home)
    pictures = sources.pictures_of(run)
    assert pictures is not None
    pictures.path = str(tmp_path)
    pictures.save(run.pictures)
    async with looking(home, run, "n") as (_, pilot, screen):
        await shows(pilot, "no MNIST files in")
        assert screen.controller.run == run
    assert not begun


async def test_any_run_or_model_is_looked_at_by_its_map(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = explored.running(home)
    sounds = recorded.finished(home)
    program = Program(monkeypatch, document=msgspec.json.encode(explored.sound_map()))
    async with looking(home, pictures) as (_, pilot, screen):
        await shows(pilot, "Level 1: 14/16")
        await pilot.press("r")
        await shows(pilot, "Look at", "drums")
        await pilot.press(*"drums", "enter")
        await shows(
            pilot, "map of run drums", "400 points in 10 groups", "as of step 1,700", "plane holds 63 % of the variance"
        )
        assert program.asked == [("map", "--json", "--progress", "--", sounds.id)]
        await shows(pilot, "a kicks", "over all the sounds", "codes of level 1 by use")
        assert "Live settings" not in screen_text(pilot.app)
        await pilot.press("right", "up")
        code = screen.panels.map_view.selection.code
        assert code is not None
        await shows(pilot, "used most in", f"{code}-000.wav", f"1:{1.3 + code:04.1f}   31x ")
        await pilot.press("P", "right")
        await shows(pilot, "Level 1  points  encoder outputs")
        assert screen.panels.map_view.selection.point is not None
        await shows(pilot, map_of(screen).names[screen.panels.map_view.selection.point])
        # and back to the run of pictures
        await pilot.press("r")
        await shows(pilot, "Look at")
        await pilot.press(*"figures", "enter")
        await shows(pilot, "step 1,700", "settings")
        assert screen.controller.run == pictures


async def test_a_model_that_learned_pictures_is_shown_with_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explored.a_map()
    recorded.finished(home)
    Program(monkeypatch, document=msgspec.json.encode(found))
    async with looking(home, None, "4", "r") as (_, pilot, screen):
        await shows(pilot, "Look at", "drums")
        await pilot.press("enter")
        await shows(pilot, "map of", "inputs, and below each its reconstruction")
        # one of sounds has none, and room for the map instead
        screen.loader.show(Source("run drums", explored.sound_map()))
        await shows(pilot, "plane holds 63 %")
        assert "inputs, and below" not in screen_text(pilot.app)


async def test_making_a_map_shows_how_far_it_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.finished(home)
    done = asyncio.Event()

    async def call(_: Home, *_arguments: str, progress: Progress) -> Answer:
        progress(3, 12)
        await done.wait()
        return Answer(0, msgspec.json.encode(explored.sound_map()), [])

    monkeypatch.setattr(sources, "call", call)
    async with looking(home, None, "4", "r") as (_, pilot, _screen):
        await shows(pilot, "Look at", "drums")
        await pilot.press("enter")
        await shows(pilot, "making the map of run drums … 25 %", "the sounds go through the model")
        done.set()
        await shows(pilot, "map of run drums")


async def test_a_map_that_cannot_be_made_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.finished(home)
    Program(monkeypatch, code=2, said="distill-tui: the sounds of 'drums' are not on this machine")
    async with looking(home, None, "4", "r") as (_, pilot, _screen):
        await shows(pilot, "Look at", "drums")
        await pilot.press("enter")
        await shows(pilot, "are not on this machine")


async def test_the_answer_of_a_map_is_checked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    Program(monkeypatch, document=b"[]", said="distill-tui: it broke")
    with pytest.raises(RequestError, match="it broke"):
        await sources.make_map(home, "drums", lambda *_: None)


async def test_help_tells_every_key(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        async with looking(home, run, "question_mark", size=(110, 60)) as (_, pilot, _screen):
            wanted = "Choose a code", "The next level", "New weights, same recipe", "The cells of the codes", "The path"
            await shows(pilot, "diamonds are codes in use", *wanted)


async def test_moving_letters_send_only_what_changed(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run) as (app, _, screen):
        assert screen.panels.map_view.repaint() == 0
        moved = explored.a_map()
        x, y = moved.points[0]
        moved.points[0] = (x + 0.4, y)
        assert 0 < screen.panels.map_view.show(moved) < 1000
        pictures = app.screen.query_one(PicturesView)
        changed: CodebookMap = explored.a_map()
        changed.outputs[3] = explored.a_picture(5, 1.0)
        assert 0 < pictures.show(changed) < 3000


async def test_a_large_map_is_drawn_while_a_key_waits(home: Home) -> None:
    run = explored.running(home)
    async with looking(home, run, "b", "t", size=(200, 50)) as (_, _pilot, screen):
        began = time.process_time()
        for _ in range(5):
            screen.panels.map_view.grid()
        # far above what it takes (see RESULTS.md), far below what it took by numpy's absence done badly
        assert (time.process_time() - began) / 5 < 0.5


def test_nothing_that_is_shown_needs_numpy(home: Home) -> None:
    import subprocess
    import sys

    run = explored.running(home)
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from distill_tui.paths import Home\n"
        "from distill_tui.runs.folder import RunFolder\n"
        "from distill_tui.ui.app import DistillApp\n"
        "async def main():\n"
        "    app = DistillApp(Home(Path(sys.argv[1])), RunFolder(Path(sys.argv[2])), explore=True)\n"
        "    async with app.run_test(size=(120, 35)) as pilot:\n"
        "        while app._explorer.panels.map_view.scene is None: await pilot.pause(0.05)\n"
        "    print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'numpy', 'soundfile'}))\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home.root), str(run.path)], capture_output=True, text=True, timeout=60
    )
    assert re.fullmatch(r"\[\]\n", done.stdout), done.stderr


async def test_in_a_small_pane_keys_go_to_the_map_when_it_is_shown(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        app = DistillApp(home, run, explore=True)
        async with app.run_test(size=(40, 12)) as pilot:
            screen = app._explorer
            await until(pilot, lambda: screen.controller.state.step and screen.panels.map_view.scene is not None)
            assert screen.focused is None, "the map is hidden"
            await pilot.press("v")
            await until(pilot, lambda: screen.focused is screen.panels.map_view)
            await pilot.press("right")
            await until(pilot, lambda: screen.panels.map_view.selection.code is not None)
            await pilot.press("escape", "escape")
            await until(pilot, lambda: screen.view == "overview" and screen.focused is None)
