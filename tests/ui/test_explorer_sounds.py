"""The Explorer on sounds: listening to where a code is used, runs that still train, VAEs, planes of later levels."""

import math
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
import soundfile

from distill_tui.data.excerpt import MOST_KEPT, main
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import CodebookMap
from distill_tui.runs.control import read_control
from distill_tui.ui.screens.explorer.scene import MapOptions, PointView, Scene, Selection, neighbour
from distill_tui.ui.screens.explorer.sources import SoundRun, Source
from distill_tui.ui.services.excerpts import Excerpt, cut
from tests.data.sounds import sine, write
from tests.ui import explored, recorded
from tests.ui.conftest import screen_text, until
from tests.ui.test_explorer import Program, looking, map_of, shows


def map_of_files(folder: Path) -> CodebookMap:
    """A map of sounds whose places lie in two files that are there: 3 s at 8 kHz."""
    found = explored.sound_map()
    for number in (0, 1):
        write(folder / f"{number}.wav", sine(3.0, 8000, 300 + 200 * number), 8000)
    found.files = {name: str(folder / f"{i % 2}.wav") for i, name in enumerate(found.files)}
    for level in found.levels:
        for places in level.places:
            for number, place in enumerate(places):
                place.start = 0.4 + 0.9 * number
    return found


def a_player(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A player that writes down what it was given to play."""
    heard, script = folder / "heard", folder / "player"
    script.write_text(f'#!/bin/sh\necho "$1" >> {heard}\n')
    script.chmod(0o755)
    monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda *_: [str(script)])
    return heard


@pytest.mark.slow
async def test_one_walks_through_a_codes_places_and_listens(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = a_player(tmp_path, monkeypatch)
    async with looking(home, explored.running(home), size=(120, 40)) as (_, pilot, screen):
        screen.loader.show(Source("run drums", map_of_files(tmp_path)))
        await pilot.press("right", "up")
        code = screen.panels.map_view.selection.code
        assert code is not None
        await shows(pilot, "▸0:00.4   40x", " 0:01.3   31x")
        await pilot.press("full_stop")
        await shows(pilot, " 0:00.4   40x", "▸0:01.3   31x")
        await pilot.press("enter")
        await until(pilot, lambda: heard.exists() and heard.read_text().endswith("-1.3s.wav\n"))
        played = Path(heard.read_text().splitlines()[-1])
        assert played.parent == home.cache / "excerpts"
        samples, rate = soundfile.read(played)
        assert (rate, len(samples)) == (8000, 8000)
        stretch = screen.panels.map_view.excerpt
        assert stretch is not None
        original, _ = soundfile.read(stretch.path)
        assert samples == pytest.approx(original[10400:18400], abs=1e-3)
        await shows(pilot, "001.wav from 0:01.3 to 0:02.3")
        # the places go round
        await pilot.press("full_stop", "full_stop")
        await shows(pilot, "▸0:00.4   40x")


@pytest.mark.slow
async def test_a_point_is_listened_to_where_points_are_chosen(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = a_player(tmp_path, monkeypatch)
    async with looking(home, explored.running(home), size=(120, 40)) as (_, pilot, screen):
        screen.loader.show(Source("run drums", map_of_files(tmp_path)))
        await pilot.press("P", "right", "enter")
        point = screen.panels.map_view.selection.point
        assert point is not None
        start = map_of(screen).starts[point]
        await until(pilot, lambda: heard.exists() and heard.read_text().endswith(f"-{start:.1f}s.wav\n"))
        await shows(pilot, f"{map_of(screen).names[point]} at 0:0{start:.1f}")


@pytest.mark.slow
async def test_where_nothing_can_be_heard_the_file_and_the_seconds_are_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda *_: None)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 2222")
    async with looking(home, explored.running(home), size=(160, 50)) as (app, pilot, screen):
        screen.loader.show(Source("run drums", map_of_files(tmp_path)))
        await pilot.press("right", "up")
        for key, said in (("enter", "Nothing can be heard on this machine."), ("f", "")):
            await pilot.press(key)
            await shows(pilot, said, "-000.wav from 0:00.4 to 0:01.4 of", "cut out as", "scp -r -P 2222")
            flat = screen_text(app).replace(" ", "").replace("\n", "").replace("│", "")
            assert str(screen.panels.map_view.excerpt.path) in flat  # type: ignore[union-attr]
            assert list((home.cache / "excerpts").glob("*-0.4s.wav"))
            await pilot.press("escape")


@pytest.mark.slow
async def test_excerpts_of_sounds_of_one_name_do_not_replace_each_other(home: Home, tmp_path: Path) -> None:
    made = []
    for level, folder in ((0.1, "kicks"), (0.4, "snares")):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "01.wav", np.full(16000, level), 8000)
        made.append(await cut(home, Excerpt(f"{folder}/01.wav", tmp_path / folder / "01.wav", 0.0, 1.0)))
    assert [soundfile.read(path)[0].max() for path in made] == pytest.approx([0.1, 0.4], abs=1e-3)


@pytest.mark.slow
async def test_a_sound_that_is_gone_is_told(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_player(tmp_path, monkeypatch)
    async with looking(home, explored.running(home)) as (_, pilot, screen):
        found = map_of_files(tmp_path)
        for number in (0, 1):
            (tmp_path / f"{number}.wav").unlink()
        screen.loader.show(Source("run drums", found))
        await pilot.press("right", "up", "enter")
        await shows(pilot, "cannot be read: no such file")


def test_excerpts_end_with_the_sound_and_the_oldest_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "a.wav", tmp_path / "out"
    write(source, sine(1.0, 8000, 300), 8000)
    assert main([str(source), "0.75", "1.0", str(out / "end.wav")]) == 0
    assert capsys.readouterr().out == "0.250\n"
    assert main([str(source), "1.5", "1.0", str(out / "none.wav")]) == 1
    assert "it ends before 1.5 s" in capsys.readouterr().err
    for number in range(MOST_KEPT + 2):
        assert main([str(source), "0", "0.01", str(out / f"{number:03}.wav")]) == 0
    left = sorted(path.name for path in out.iterdir())
    assert (len(left), left[0]) == (MOST_KEPT, "002.wav")


# runs that still train


@pytest.mark.slow
async def test_a_run_without_a_checkpoint_is_asked_for_one_and_its_map_renewed_as_more_come(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded.running(home)
    found = explored.sound_map()
    program = Program(monkeypatch, document=msgspec.json.encode(found))
    with recorded.alive(run):
        async with looking(home, None, "4", "r") as (_, pilot, screen):
            await shows(pilot, "Look at", "drums")
            await pilot.press("enter")
            await shows(pilot, "waiting for a checkpoint of run drums", "it was asked for a checkpoint")
            await until(pilot, lambda: read_control(run.control).checkpoint == 1)
            assert program.asked == []
            run.checkpoints.mkdir(exist_ok=True)
            (run.checkpoints / "step-00000040.ckpt").write_bytes(b"")
            await shows(pilot, "map of run drums", "as of step 1,700, trains on")
            await pilot.press("right")
            code = screen.panels.map_view.selection.code
            # a newer one comes because it was asked for
            await pilot.press("k")
            await until(pilot, lambda: read_control(run.control).checkpoint == 2)
            found.step = 1800
            program.answer(msgspec.json.encode(found))
            (run.checkpoints / "step-00000080.ckpt").write_bytes(b"")
            await shows(pilot, "as of step 1,800, trains on")
            assert program.asked == [("map", "--json", "--progress", "--", run.id)] * 2
            assert screen.panels.map_view.selection.code == code
    assert SoundRun(run, "").is_alive is False


async def test_a_run_that_ended_without_a_checkpoint_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.finished(home)
    Program(monkeypatch, code=2, said="distill-tui: run drums has no checkpoint yet")
    async with looking(home, None, "4", "r") as (_, pilot, screen):
        await shows(pilot, "Look at", "drums")
        await pilot.press("enter")
        await shows(pilot, "has no checkpoint yet", "No run of the Explorer yet")
        assert screen.loader.source is None


@pytest.mark.slow
async def test_a_run_that_does_not_quantize_yet_shows_its_latents(home: Home) -> None:
    async with looking(home, explored.running(home)) as (_, pilot, screen):
        found = explored.sound_map()
        found.levels = []
        screen.loader.show(Source("run drums", found))
        await shows(pilot, "Latents, 63 %", "no codes yet, it learns without", "points by group")
        # and when the codes are there, the arrows choose those
        assert screen.panels.map_view.of_points
        screen.loader.source.map = explored.sound_map()  # type: ignore[union-attr]
        screen.repaint()
        await shows(pilot, "Level 1  encoder outputs")
        assert not screen.panels.map_view.of_points


# VAEs


@pytest.mark.slow
async def test_a_vae_of_sounds_shows_its_nats_and_its_points(home: Home) -> None:
    async with looking(home, explored.running(home)) as (app, pilot, screen):
        found = explored.vae_map()
        screen.loader.show(Source("model vae", found))
        await shows(pilot, "Latents, 63 % of its variance", f"KL {sum(found.kl):.2f} nats  ● good")
        await shows(pilot, "8/16 dimensions hold 0.01 nats or more", "points by group", "a kicks")
        assert "active" not in screen_text(app)
        # without codes the arrows choose points
        await pilot.press("right")
        point = screen.panels.map_view.selection.point
        assert point is not None
        await shows(pilot, found.names[point])
        assert "codes" not in screen_text(app).split("points by group")[0].split("KL")[1]
        found.kl = [0.02] * 16
        screen.loader.show(Source("model vae", found))
        await shows(pilot, "posterior collapse", "16/16 dimensions")


# planes of later levels


def test_each_view_of_a_later_level_lies_in_one_plane() -> None:
    found = explored.sound_map()
    scene, later = Scene(found), found.levels[1]
    assert scene.points(1, "residuals") == later.entering
    assert scene.codes(1, "residuals") == later.codes
    assert scene.explained(1, "residuals") == 0.41
    # encoder outputs lie in the plane of the latents, and a code at the mean of those that chose it
    assert scene.points(1, "outputs") == found.points
    assert scene.explained(1, "outputs") == found.explained
    code = later.chosen[0]
    its = [found.points[i] for i, one in enumerate(later.chosen) if one == code]
    middle = tuple(sum(axis) / len(its) for axis in zip(*its, strict=True))
    assert scene.codes(1, "outputs")[code] == pytest.approx(middle)
    # a code that no point chose is nowhere among them
    unused = next(code for code in range(16) if code not in later.chosen)
    assert math.isnan(scene.codes(1, "outputs")[unused][0])
    assert set(scene.sums(1)) == set(later.sums)
    # the first level's codes are where they are
    assert scene.codes(0, "outputs") == found.levels[0].codes


def test_arrows_pass_over_codes_that_lie_nowhere() -> None:
    places = [(0.0, 0.0), (math.nan, math.nan), (2.0, 0.0)]
    assert neighbour(places, None, 1, 0) in (0, 2)
    assert neighbour(places, 0, 1, 0) == 2
    assert neighbour(places, 1, 1, 0) in (0, 2)
    assert neighbour(places[1:2], None, 1, 0) is None


def test_a_frame_holds_what_its_view_shows() -> None:
    scene = Scene(explored.sound_map())
    for what in get_args(PointView):
        frame = scene.frame(1, MapOptions(points=what), 80, 80, None)
        for place in [*scene.points(1, what), *(list(scene.sums(1)) if what == "sums" else [])]:
            x, y = frame.place(place, 80, 80)
            assert -0.5 <= x <= 79.5
            assert -0.5 <= y <= 79.5
    assert Selection().place == 0


@pytest.mark.slow
async def test_outputs_say_where_later_codes_are_drawn(home: Home) -> None:
    async with looking(home, explored.running(home), "v") as (_, pilot, screen):
        screen.loader.show(Source("run drums", explored.sound_map()))
        await shows(pilot, "Level 2  residuals, 41 %", "each level in a plane of its own")
        await pilot.press("f2")
        await shows(pilot, "Level 2  encoder outputs, 63 %", "from level 2 on at the mean of its points")


@pytest.mark.slow
async def test_a_terminal_may_become_too_small_for_the_map_and_large_again(home: Home) -> None:
    async with looking(home, explored.running(home), "right", size=(80, 24)) as (app, pilot, screen):
        screen.loader.show(Source("run drums", explored.sound_map()))
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: "▸ Level 1" not in screen_text(app))
        await pilot.press("v")
        await shows(pilot, "Level 1  encoder")
        await pilot.resize_terminal(120, 35)
        await pilot.press("escape", "escape")
        await shows(pilot, "Level 2  residuals", "codes of level 1 by use")
