"""The Config screen: from a folder to a run, with what is wrong said where it is."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from distill_tui.data.corpus import Corpus, Skipped
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.size import parameters
from distill_tui.reporting.formatting import short_count
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.config.fields import FieldRow
from distill_tui.ui.screens.config.screen import ConfigScreen
from distill_tui.ui.services.scan import scan
from tests.ui import recorded
from tests.ui.conftest import screen_text, until

Opened = tuple[DistillApp, Pilot[None], ConfigScreen]


@asynccontextmanager
async def opened(home: Home, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Opened]:
    app = DistillApp(home)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.screen is app._config and len(app.screen.query("#start")))
        await until(pilot, lambda: all(one.query("Input, Choice") for one in app.screen.query(FieldRow)))
        yield app, pilot, app._config


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = recorded.put_sounds(tmp_path / "my sounds [b]", [f"{i}.wav" for i in range(6)])
    (folder / "bad[b].wav").write_bytes(b"not a sound")
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """The runs whose worker was started; none really is."""
    runs: list[RunFolder] = []
    monkeypatch.setattr("distill_tui.runs.service.start_worker", lambda _, run: runs.append(run))
    return runs


def found(corpus: Corpus | None = None):  # type: ignore[no-untyped-def]
    async def instead(*_: object) -> Corpus:
        return corpus or recorded.a_corpus()

    return instead


async def choose(pilot: Pilot[None], screen: ConfigScreen, path: Path) -> None:
    box = screen.query_one("#folder", Input)
    box.focus()
    box.value = str(path)
    await pilot.press("enter")
    await until(pilot, lambda: not screen.found.scanning)


def row(screen: ConfigScreen, key: str) -> FieldRow:
    return next(r for r in screen.query(FieldRow) if r.field.key == key)


def put(screen: ConfigScreen, key: str, text: str) -> None:
    row(screen, key).query_one(Input).value = text


async def test_from_a_real_folder_to_a_run(home: Home, sounds: Path, started: list[RunFolder]) -> None:
    async with opened(home) as (app, pilot, screen):
        assert "No sounds chosen yet" in screen_text(app)
        await choose(pilot, screen, sounds)
        await until(pilot, lambda: "1 file skipped, bad[b].wav" in screen_text(app))
        shown = screen_text(app)
        assert "✓ 6 sounds" in shown
        assert re.search(r"3 levels of \d+ \(auto\) codes, \d+\.\d\d kbps", " ".join(shown.replace("│", " ").split()))
        put(screen, "train.epochs", "7")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.current_mode == "training")
        assert started == list_runs(home)
        recipe = toml.load(started[0].recipe)
        assert recipe.train.epochs == 7
        assert recipe.data.paths == [str(sounds)]
        assert app._training.controller.run == started[0]


async def test_what_is_wrong_stands_at_the_field_and_loses_nothing(
    home: Home, tmp_path: Path, started: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    async with opened(home) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        put(screen, "train.epochs", "many")
        put(screen, "train.learning_rate", "0.002")
        await until(pilot, lambda: "✗ 'many' is not a whole number" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.focused is row(screen, "train.epochs").query_one(Input))
        assert started == []
        assert screen.pane.form.texts["train.learning_rate"] == "0.002"
        put(screen, "train.epochs", "5")
        await until(pilot, lambda: "✗" not in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(started) and app.current_mode == "training")


@pytest.mark.slow
async def test_values_that_cannot_go_together_are_said_at_their_field(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    async with opened(home, (120, 35)) as (_, pilot, screen):
        await choose(pilot, screen, tmp_path)
        screen.query_one("#advanced").collapsed = False  # type: ignore[attr-defined]
        await until(pilot, lambda: any(r.field.key == "model.hop_length" for r in screen.query(FieldRow)))
        put(screen, "model.hop_length", "512")
        put(screen, "model.n_fft", "512")
        await until(pilot, lambda: screen.found.resolved is None)
        note = row(screen, "model.hop_length").query_one(".note", Static)
        await until(pilot, lambda: "✗ 512 is more than half of model.n_fft" in str(note.content))
        put(screen, "model.n_fft", "auto")
        await until(pilot, lambda: "✗" not in str(note.content))


async def test_a_preset_fills_fields_and_says_which(home: Home) -> None:
    async with opened(home, (150, 35)) as (app, pilot, screen):
        row(screen, "preset").focus_field()
        await pilot.press("right")
        assert screen.pane.form.texts["preset"] == "aggressive"
        assert screen.pane.form.texts["train.epochs"] == "400"
        await until(pilot, lambda: "aggressive, was 100" in screen_text(app))
        assert "Changed:" in screen_text(app)
        put(screen, "train.epochs", "401")
        await until(pilot, lambda: "was 100" not in screen_text(app))


async def test_help_for_the_field_one_is_in(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        row(screen, "model.rvq_levels").focus_field()
        await until(pilot, lambda: "Fewer levels = faster, more levels = finer detail." in screen_text(app))
        await pilot.press("down")
        await until(
            pilot, lambda: "Most people leave this at 0.25." in " ".join(screen_text(app).replace("│", " ").split())
        )


@pytest.mark.slow
async def test_a_folder_that_is_not_there_or_holds_nothing(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with opened(home) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path / "nowhere")
        assert "✗ there is no such folder" in screen_text(app)
        await choose(pilot, screen, tmp_path / "empty")
        await until(pilot, lambda: "✗ no files" in screen_text(app))
        # a name that no disk takes
        await choose(pilot, screen, tmp_path / ("x" * 300))
        assert "✗ there is no such folder" in screen_text(app)
        await pilot.press("ctrl+s")
        assert list_runs(home) == []


@pytest.mark.slow
async def test_advanced_settings_are_grouped_and_filtered_and_those_that_changed_stand_on_top(home: Home) -> None:
    def shown() -> list[str]:
        parts = [part for part in screen.query("#advanced .group, #advanced FieldRow") if part.display]
        parts.sort(key=lambda part: part.region.y)
        return [part.field.key if isinstance(part, FieldRow) else part.name or "" for part in parts]

    async with opened(home, (120, 35)) as (app, pilot, screen):
        await pilot.press("slash")
        await until(pilot, lambda: app.focused and app.focused.id == "filter")
        await until(pilot, lambda: shown()[:2] == ["data", "data.validation_fraction"])
        await pilot.press(*"warm")
        left = ["quantizer", "train.quantizer_warmup_fraction", "optimizer", "train.warmup_fraction"]
        await until(pilot, lambda: shown() == left)
        assert "Above: Learning rate." in screen_text(app)
        await pilot.press("down", "down", "end", *["backspace"] * 3, "9", "9")
        await until(pilot, lambda: "✗ 99 % is" in screen_text(app))
        await pilot.press("backspace")
        await until(pilot, lambda: "%, was 3 %" in screen_text(app))
        assert shown() == left, "nothing moves under the fingers"
        await pilot.press("f5")
        await until(pilot, lambda: shown()[:2] == ["changed", "train.warmup_fraction"])
        await pilot.press("escape", "q", "q")
        await until(pilot, lambda: "No setting here matches 'qq'" in screen_text(app))
        await pilot.press("escape", "escape")
        assert app.focused is None
        assert len(shown()) > 40


@pytest.mark.slow
async def test_tab_completes_a_path_like_a_shell(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    for name in ("drums", "drones", "speech"):
        (tmp_path / name).mkdir()
    async with opened(home) as (app, pilot, screen):
        box = screen.query_one("#folder", Input)
        await pilot.press("enter")
        assert app.focused is box
        box.value = f"{tmp_path}/d"
        box.cursor_position = len(box.value)
        await pilot.press("tab")
        assert box.value == f"{tmp_path}/dr"
        await until(pilot, lambda: "/drones/" in screen_text(app) and "/drums/" in screen_text(app))
        await pilot.press("u", "tab")
        assert box.value == f"{tmp_path}/drums/"
        assert app.focused is box
        await pilot.press("tab")
        assert app.focused is not box
        box.focus()
        box.value = f"{tmp_path}/"
        box.cursor_position = len(box.value)
        await pilot.pause()
        # several could be meant: each in turn, the list follows, and the focus stays
        for name in ("drones", "drums", "speech", "drones"):
            await pilot.press("tab")
            assert box.value == f"{tmp_path}/{name}/"
            offered = screen.query_one("#folders", OptionList)
            assert offered.display
            assert str(offered.get_option_at_index(offered.highlighted or 0).prompt).endswith(f"{name}/")
        await pilot.press("shift+tab")
        assert box.value == f"{tmp_path}/speech/"
        assert "▸ " in screen_text(app), "seen without colours too"
        await pilot.press("tab", "x")
        assert app.focused is box
        assert box.value == f"{tmp_path}/drones/x"
        box.value = str(tmp_path / "speech")
        box.focus()
        await pilot.press("enter", "tab")
        assert box.value == str(tmp_path / "speech")
        assert app.focused is not box


@pytest.mark.slow
async def test_many_skipped_files_take_one_line_and_a_key_lists_them(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = recorded.a_corpus()
    corpus.skipped = [
        Skipped(
            path=f"/s/{i}", name=f"{i}.x", reason="not a sound file (text)" if i % 4 else f"the same sound as {i}.wav"
        )
        for i in range(40)
    ]
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found(corpus))
    async with opened(home, size=(120, 60)) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: "40 files skipped: 30 not a sound file" in screen_text(app))
        shown = screen_text(app)
        assert shown.index("The training will take") < shown.index("40 files skipped")
        assert "10 the same sound as another" in " ".join(shown.replace("│", " ").split())
        await pilot.press("escape", "f3")
        await until(
            pilot, lambda: "39.x: not a sound file (text)" in screen_text(app) or "0.x: the same" in screen_text(app)
        )
        await pilot.press("end")
        await until(pilot, lambda: "39.x: not a sound file (text)" in screen_text(app))


@pytest.mark.slow
async def test_recent_folders_are_offered_and_picked(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    used = recorded.put_sounds(tmp_path / "used before", ["a.wav", "b.wav"])
    recorded.make_run(home, data__paths=[str(used)])
    async with opened(home) as (app, pilot, screen):
        assert "used before" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: re.search("used before +2 sounds", screen_text(app)))
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.found.path == str(used) and screen.found.corpus is not None)
        await pilot.pause()
        assert not screen.query_one("#folders").display


@pytest.mark.slow
async def test_a_folder_of_pictures_is_offered_to_the_explorer(
    home: Home, tmp_path: Path, started: list[RunFolder]
) -> None:
    from tests.data.test_images import put

    folder = put(tmp_path / "mnist", "t10k", 120)
    async with opened(home) as (app, pilot, screen):
        await choose(pilot, screen, folder)
        await until(pilot, lambda: "120 pictures: 4 explores them" in screen_text(app))
        await until(pilot, lambda: app.focused and app.focused.id == "pictures")
        await until(pilot, lambda: "120 pictures in MNIST's format, and no sounds" in screen_text(app))
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "explorer" and started)
        assert toml.load(started[0].recipe).data.paths == [str(folder)]


@pytest.mark.slow
async def test_an_interrupted_run_on_the_same_sounds_can_go_on(
    home: Home, tmp_path: Path, started: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    run = recorded.crashed(home)
    async with opened(home) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: "can be resumed" in screen_text(app))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.current_mode == "training")
        assert started == [run]


@pytest.mark.slow
async def test_a_run_that_has_ended_meanwhile_can_go_on_too(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    async with opened(home) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: screen.found.corpus is not None)
        await pilot.press("escape", "2")
        assert "can be resumed" not in screen_text(app)
        recorded.crashed(home)
        await pilot.press("1")
        await until(pilot, lambda: "can be resumed" in screen_text(app))


@pytest.mark.slow
async def test_the_keys_of_the_screens_work_at_once(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        assert not isinstance(app.focused, Input)
        assert "enter: type a path" in screen_text(app)
        await pilot.press("2")
        assert app.current_mode == "training"
        await pilot.press("1")
        assert app.screen is screen
        await pilot.press("enter", "2")
        assert screen.query_one("#folder", Input).value == "2"
        await pilot.press("escape", "3")
        assert app.current_mode == "library"
        await pilot.press("1", "question_mark")
        await until(pilot, lambda: "Find the sounds in a tree" in screen_text(app))


@pytest.mark.slow
async def test_an_input_left_behind_swallows_no_key_afterwards(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        await pilot.press("enter")
        app.action_go("library")  # as the palette does, which can be opened in an input
        await until(pilot, lambda: app.current_mode == "library" and screen.focused is None)
        await pilot.press("1", "2")
        assert app.current_mode == "training"


@pytest.mark.slow
async def test_a_dialog_gives_the_focus_back(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        row(screen, "train.epochs").focus_field()
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert app.focused is row(screen, "train.epochs").query_one(Input)


@pytest.mark.slow
async def test_sounds_from_a_tree(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    recorded.put_sounds(tmp_path / "tree" / "drums [b]", ["kick.wav"])
    (tmp_path / "tree" / "notes.txt").write_text("no sound")
    async with opened(home) as (app, pilot, screen):
        screen.query_one("#folder", Input).value = f"{tmp_path}/tree"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "drums [b]" in screen_text(app))
        assert "notes.txt" not in screen_text(app)
        await pilot.press("down")
        await until(pilot, lambda: app.screen.query_one(Input).value == f"{tmp_path}/tree/drums [b]")
        await pilot.press("right")
        await until(pilot, lambda: "kick.wav" in screen_text(app))
        await pilot.press("left", "enter")
        await until(pilot, lambda: screen.found.path == f"{tmp_path}/tree/drums [b]")
        assert app.screen is screen


@pytest.mark.slow
async def test_a_recipe_is_loaded_into_the_form(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nepochs = 12\n[model]\nrvq_levels = 5\n")
    async with opened(home) as (app, pilot, screen):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "a recipe file" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Load a recipe" in screen_text(app))
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: screen.pane.form.texts["train.epochs"] == "12")
        assert row(screen, "model.rvq_levels").query_one(Input).value == "5"
        assert app.screen is screen


@pytest.mark.slow
async def test_starting_from_an_earlier_run_takes_its_sounds_and_chooses_anew(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    values: dict[str, Any] = {"data__paths": [str(tmp_path)], "automatic": ["model.codebook_size"]}
    recorded.make_run(home, name="old", train__epochs=33, **values)
    async with opened(home) as (app, pilot, screen):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "2026-02-25 06:13" in screen_text(app))
        await pilot.press(*"old")
        await until(pilot, lambda: "a recipe file" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: screen.found.path == str(tmp_path))
        assert screen.pane.form.texts["train.epochs"] == "33"
        assert screen.pane.form.texts["model.codebook_size"] == "auto"
        assert screen.pane.form.texts["name"] == ""
        assert not screen.has_unstarted_work


@pytest.mark.slow
async def test_the_sounds_of_a_recipe_may_lie_in_several_places(
    home: Home, tmp_path: Path, started: list[RunFolder]
) -> None:
    folders = [recorded.put_sounds(tmp_path / name, [f"{name}-{i}.wav" for i in range(3)]) for name in ("a + b", "c")]
    values: dict[str, Any] = {"data__paths": [str(folder) for folder in folders]}
    run = recorded.make_run(home, name="both", **values)
    async with opened(home) as (app, pilot, screen):
        screen.start_from(toml.load_values(run.recipe), "both")
        await until(pilot, lambda: "3 files skipped: 3 the same sound as another" in screen_text(app))
        await pilot.press("f3")
        await until(pilot, lambda: "c/c-0.wav: the same sound as a + b/" in screen_text(app))
        await pilot.press("escape")
        assert screen.query_one("#folder", Input).value == " + ".join(map(str, folders))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
        assert toml.load(started[0].recipe).data.paths == [str(folder) for folder in folders]
        folders[1].rename(tmp_path / "elsewhere")
        screen.source.look_at(" + ".join(map(str, folders)))
        assert screen.found.problem == f"there is no such folder or file: {folders[1]}"


@pytest.mark.slow
async def test_saving_the_recipe_for_another_time(home: Home, tmp_path: Path) -> None:
    async with opened(home) as (app, pilot, screen):
        put(screen, "train.epochs", "17")
        await pilot.press("f2")
        await until(pilot, lambda: "Save the recipe" in screen_text(app))
        (tmp_path / "taken.toml").write_text("")
        box = app.screen.query_one(Input)
        box.value = str(tmp_path / "taken.toml")
        await until(pilot, lambda: "is there already" in screen_text(app))
        await pilot.press("enter")
        assert app.screen is not screen
        box.value = str(tmp_path / "mine.toml")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "mine.toml").exists())
        recipe = toml.load(tmp_path / "mine.toml")
        assert recipe.train.epochs == 17
        assert recipe.model.codebook_size == "auto"


@pytest.mark.slow
async def test_a_recipe_with_a_mistake_is_not_saved(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        put(screen, "train.epochs", "many")
        await pilot.press("f2")
        await until(pilot, lambda: app.focused is row(screen, "train.epochs").query_one(Input))
        assert app.screen is screen


@pytest.mark.slow
async def test_the_time_of_an_epoch_comes_from_earlier_runs_only(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    async with opened(home, (120, 65)) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: screen.found.resolved is not None)
        assert screen.found.resolved is not None
        many = short_count(parameters(screen.found.resolved))
        await until(pilot, lambda: f"{many} parameters" in screen_text(app))
        assert "unknown until a similar" in screen_text(app)
        resolved = screen.found.resolved
        assert f"net        {resolved.model.channels} channels" in screen_text(app)
        assert "(auto: " in screen_text(app)
        row(screen, "train.minutes").focus_field()
        put(screen, "train.minutes", "3")
        await until(pilot, lambda: "3 minutes on" in " ".join(screen_text(app).replace("│", " ").split()))
    run = recorded.finished(home)
    toml.save(resolved, run.recipe)
    # the recorded run's host is another one: its log is taken for ours
    run.events.write_bytes(run.events.read_bytes().replace(b'"host":"box"', b'"host":""').replace(b"cuda:0", b"cpu"))
    async with opened(home, (120, 65)) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: "an epoch   about" in screen_text(app))
        assert f"estimated from {run.id[:20]}" in screen_text(app)


@pytest.mark.slow
async def test_leaving_with_something_typed_asks(home: Home) -> None:
    async with opened(home) as (app, pilot, screen):
        put(screen, "train.epochs", "12")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Leave?" in screen_text(app))
        await pilot.press("n")
        assert app.is_running
        assert screen.pane.form.texts["train.epochs"] == "12"


async def test_a_scan_that_is_cancelled_ends_its_process(home: Home, sounds: Path) -> None:
    told: list[tuple[int, int]] = []
    task = asyncio.create_task(scan(home, [str(sounds)], lambda *far: told.append(far)))
    corpus = await task
    assert len(corpus.sounds) == 6
    assert told[-1][0] == told[-1][1]
    task = asyncio.create_task(scan(home, [str(sounds)], lambda *far: told.append(far)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_scan_tells_what_is_wrong_in_words(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such"):
        await scan(home, [str(tmp_path / "nowhere")], lambda *_: None)


@pytest.mark.slow
async def test_a_long_or_hostile_name_takes_one_line_among_the_offered_paths(home: Home, tmp_path: Path) -> None:
    for name in ("[b]", "a" * 250, "red\x1b[31m\nline", "🥁"):
        (tmp_path / "odd" / name).mkdir(parents=True)
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Commitment weight" in screen_text(app))
        await pilot.press("enter", *str(tmp_path / "odd/"), "/")
        await until(pilot, lambda: "🥁" in screen_text(app))
        told = screen_text(app)
        assert "[b]/" in told
        assert sum("a" * 20 in line for line in told.splitlines()) == 1
        assert "\x1b" not in told


@pytest.mark.slow
async def test_what_was_found_takes_the_lines_that_it_needs_in_any_width(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found())
    async with opened(home, (40, 12)) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        panel = screen.query_one("#found-short", Static)
        await until(pilot, lambda: "parameters" in str(panel.content))
        for width, height in ((80, 24), (40, 12), (100, 30)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda: panel.size.height == len(str(panel.content).splitlines()))
            # no quantity is torn apart
            assert any("M parameters" in line for line in str(panel.content).splitlines())
            assert app.size.width == width
