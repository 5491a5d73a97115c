"""The Library screen: real model files, every key."""

import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input, Static

from distill_tui.library.container import read_card
from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.config.fields import FieldRow
from distill_tui.ui.screens.library.compare_dialog import CompareDialog
from tests.conftest import Trained
from tests.programs import PATIENCE
from tests.ui.conftest import screen_text, until


@pytest.fixture
def models(home: Home) -> Home:
    """Three models, one of them of a release without `distances`, one without any; and a damaged file."""
    from tests.library.models import write

    for name, seed, id, created, losses, distances in (
        ("drums [b]", 1, "aaaa1111", "2026-02-01", {"val": 0.5, "distance": 0.9}, {"mel": 0.5, "buzz": 0.58}),
        ("speech", 2, "bbbb2222", "2026-02-03", {"val": 0.9, "distance": 0.2}, {}),
    ):
        path = home.models / f"{name}.distill"
        write(path, seed, id=id, losses=losses, distances=distances, created=f"{created}T10:00:00Z")
    write(home.models / "bells.distill", seed=3, id="cccc3333", losses={"val": None}, created="2026-02-02T10:00:00Z")
    (home.models / "damaged[/x].distill".replace("/", "")).write_bytes(b"not a model")
    return home


@asynccontextmanager
async def opened(home: Home, size: tuple[int, int] = (120, 35)) -> AsyncIterator[tuple[DistillApp, Pilot[None]]]:
    app = DistillApp(home)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "library" and (app.screen.has_class("-empty") or order(app)))
        yield app, pilot


def order(app: DistillApp) -> list[str]:
    return [Path(key).stem for key in app.screen.models.paths]  # type: ignore[attr-defined]


def chosen(app: DistillApp) -> Entry:
    entry = app.screen.models.chosen  # type: ignore[attr-defined]
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.slow
async def test_a_card_is_laid_out_anew_in_another_width(home: Home) -> None:
    from tests.library.models import write

    write(home.models / "one.distill", id="aaaa1111", run="20260102-030405-" + "a-very-long-name-" * 9)
    async with opened(home) as (app, pilot):
        await until(pilot, lambda: "frames a" in screen_text(app))
        card, heights = app.screen.query_one("#card", Static), []
        for size in ((40, 12), (120, 35), (200, 50), (80, 24)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: card.size.height == len(str(card.content).splitlines()))
            assert max(cell_len(line) for line in str(card.content).splitlines()) <= card.size.width
            heights.append(card.size.height)
        assert heights[0] > heights[2]


async def test_models_and_the_chosen_ones_card(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await until(pilot, lambda: "speech" in order(app))
        await pilot.press("home")
        while app.screen.models.chosen.name != "drums [b]":  # type: ignore[attr-defined]
            await pilot.press("down")
        await until(pilot, lambda: "aaaa1111" in screen_text(app))
        assert "drums [b]" in screen_text(app)
        assert "0.58  buzzes" in screen_text(app)
        # the other has its mel only
        assert " mel " in screen_text(app) and "0.500" in screen_text(app) and "0.200" in screen_text(app)


@pytest.mark.slow
async def test_keys_of_the_list_lead_back_to_it_from_the_card(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await until(pilot, lambda: "speech" in order(app))
        await pilot.press("home", "down", "tab")
        assert app.focused is app.screen.query_one("#card-pane")
        await pilot.press("space", "down", "space", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog))


async def test_sorting(models: Home) -> None:
    async with opened(models) as (app, pilot):
        assert [n for n in order(app) if "damaged" not in n] == ["speech", "bells", "drums [b]"]
        await pilot.press("s")
        assert [n for n in order(app) if "damaged" not in n] == ["bells", "drums [b]", "speech"]
        await pilot.press("s")
        assert order(app)[:2] == ["speech", "drums [b]"]


@pytest.mark.slow
async def test_filtering_and_clearing(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"bel")
        await until(pilot, lambda: order(app) == ["bells"] and "cccc3333" in screen_text(app))
        await pilot.press("z")
        await until(pilot, lambda: "Nothing matches the filter." in screen_text(app))
        assert "cccc3333" not in screen_text(app) and "U puts sounds" not in screen_text(app)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(order(app)) == 4 and chosen(app).id in screen_text(app))
        assert "Nothing matches" not in screen_text(app)


@pytest.mark.slow
async def test_name_note_and_tags_are_edited_in_one_dialog(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"bel", "enter", "e")
        await until(pilot, lambda: "Edit the model" in screen_text(app))
        app.screen.query_one("#edit-name", Input).value = "///"
        await until(pilot, lambda: "a name is needed" in screen_text(app))
        app.screen.query_one("#edit-name", Input).value = "chimes"
        app.screen.query_one("#edit-note", Input).value = "from the attic"
        app.screen.query_one("#edit-tags", Input).value = "(old)"
        await until(pilot, lambda: "'(old)' cannot be a tag" in screen_text(app))
        app.screen.query_one("#edit-tags", Input).value = "old, bright"
        await pilot.press("enter")
        await until(pilot, lambda: (models.models / "chimes.distill").exists())
        await pilot.press("escape", "slash", *"bright", "enter")
        await until(pilot, lambda: order(app) == ["chimes"] and "from the attic" in screen_text(app))
        assert chosen(app).annotation.tags == ("old", "bright")


@pytest.mark.slow
async def test_deleting_asks_and_can_be_undone(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"bel", "enter", "x", "n")
        assert (models.models / "bells.distill").exists()
        await pilot.press("x", "y")
        await until(pilot, lambda: "bells" not in order(app))
        assert [entry.name for entry in Library(models).trashed()] == ["bells"]
        await pilot.press("X")
        await until(pilot, lambda: "Restore from the trash" in screen_text(app) and "bells" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: (models.models / "bells.distill").exists())
        await until(pilot, lambda: "bells" in order(app))


@pytest.mark.slow
async def test_verifying_in_a_process_of_its_own(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"bel", "enter", "K")
        await until(pilot, lambda: "the file is intact" in " ".join(screen_text(app).split()))


@pytest.mark.slow
async def test_a_damaged_file_is_shown_as_such(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"dam", "enter")
        await until(pilot, lambda: "✗ damaged[x]" in screen_text(app))


async def test_an_empty_library_says_what_to_do(home: Home) -> None:
    async with opened(home) as (app, pilot):
        await until(pilot, lambda: "No models yet" in screen_text(app))
        assert "d runs the demo" in screen_text(app)


@pytest.fixture
def used(trained: Trained, tmp_path: Path) -> Home:
    """A home with a really trained model and its finished run, to be changed."""
    shutil.copytree(trained.home.root, tmp_path / "used")
    return Home(tmp_path / "used")


def notices(app: DistillApp) -> str:
    return "" if (message := app.status.current) is None else message.text


@pytest.mark.slow
async def test_the_card_shows_the_run_and_its_previews(used: Home) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: "its state   finished" in screen_text(app))
        await pilot.press("tab", "end")
        await until(pilot, lambda: "previews at step" in screen_text(app))
        shutil.rmtree(used.runs)
        await pilot.press("1", "3")
        await pilot.press("w")
        await until(pilot, lambda: "is not in this home" in notices(app))


@pytest.mark.slow
async def test_two_models_side_by_side(models: Home) -> None:
    async with opened(models, size=(120, 50)) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 4)
        await pilot.press("slash", *"speech", "enter", "space", "escape", "slash", *"drums", "enter", "space")
        await pilot.press("equals_sign")
        await until(pilot, lambda: "a ⠒⠒ speech" in screen_text(app) and "b ⠂⠐ drums [b]" in screen_text(app))
        await until(pilot, lambda: "0.5000  ◂ better" in screen_text(app))
        # by mel, as one of them has that only
        assert "0.200  ◂ better" in screen_text(app)
        await until(pilot, lambda: "train loss, 1.0000 to 0.1000, by steps" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not None and "a ⠒⠒" not in screen_text(app))


@pytest.mark.slow
async def test_side_by_side_no_line_is_broken_where_it_has_to_be_scrolled(home: Home) -> None:
    from tests.library.models import write

    write(home.models / "old.distill", seed=1)
    write(home.models / "new.distill", seed=2, started_from="0123456789ab")
    async with opened(home, (80, 24)) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 2)
        await pilot.press("space", "down", "equals_sign")
        await until(pilot, lambda: "started from" in screen_text(app))
        assert "model 0123456789ab" in screen_text(app) and "scratch" in screen_text(app)
        shown = app.screen.query_one("#compare-text", Static)
        await until(pilot, lambda: shown.size.height == str(shown.content).count("\n") + 1)
        assert max(map(len, str(shown.content).splitlines())) <= shown.size.width


@pytest.mark.slow
async def test_comparing_needs_two(models: Home) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"speech", "enter", "space", "equals_sign")
        await until(pilot, lambda: "Mark two models" in notices(app))


@pytest.mark.slow
async def test_distances_of_two_on_the_same_sounds(used: Home, trained: Trained) -> None:
    Library(used).import_file(Library(used).list()[0].path)
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 2)
        await pilot.press("space", "down", "equals_sign")
        await until(pilot, lambda: "measure distances" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Both models reconstruct these" in screen_text(app))
        assert app.screen.query_one(Input).value == str(trained.sounds)
        await pilot.press("enter")
        await until(pilot, lambda: "measuring a" in screen_text(app))
        await patient(
            pilot, lambda: "mean distances on the same" in screen_text(app) and "measuring" not in screen_text(app)
        )
        assert "held out" in screen_text(app)


async def patient(pilot: Pilot[None], seen: Callable[[], object]) -> None:
    """Wait for a process that loads torch."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, screen_text(pilot.app)
        await pilot.pause(0.05)


@pytest.mark.slow
async def test_sounds_through_a_model(used: Home, trained: Trained, tmp_path: Path) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("U")
        await until(pilot, lambda: app.screen.query("#use-sounds"))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "Sounds: a file or a folder is needed" in screen_text(app))
        app.screen.query_one("#use-sounds", Input).value = str(trained.sounds)
        app.screen.query_one("#use-levels", Input).value = "9"
        await until(pilot, lambda: "Levels: 1 to 2" in screen_text(app))
        app.screen.query_one("#use-levels", Input).value = "1"
        app.screen.query_one("#use-out", Input).value = str(tmp_path / "out")
        await pilot.press("enter")
        await until(pilot, lambda: "esc  cancel" in screen_text(app))
        await patient(pilot, lambda: "✓ 5 sounds, mean mel" in screen_text(app))
        assert "tone 3.wav" in screen_text(app)
        assert len(list((tmp_path / "out").glob("*.wav"))) == 5
        await pilot.press("escape")
        await until(pilot, lambda: "mean mel" not in screen_text(app))


@pytest.mark.slow
async def test_work_with_a_model_is_cancelled(used: Home, trained: Trained, tmp_path: Path) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("U")
        await until(pilot, lambda: "Sounds through" in screen_text(app))
        app.screen.query_one("#use-sounds", Input).value = str(trained.sounds)
        app.screen.query_one("#use-out", Input).value = str(tmp_path / "out")
        await pilot.press("enter")
        await until(pilot, lambda: "esc  cancel" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
async def test_a_new_run_begins_with_a_models_recipe(used: Home, trained: Trained) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("n")
        await until(
            pilot, lambda: app.current_mode == "config" and app._config.pane.form.texts["model.channels"] == "16"
        )
        await until(pilot, lambda: app._config.found.path == str(trained.sounds))
        assert app._config.pane.form.texts["name"] == ""


@pytest.mark.slow
async def test_a_new_run_starts_from_a_models_weights(used: Home, trained: Trained) -> None:
    async with opened(used, (120, 50)) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("t")
        (path,) = used.models.glob("*.distill")
        form = app._config.pane.form
        await until(pilot, lambda: app.current_mode == "config" and form.texts["train.start_from"] == str(path))
        assert form.texts["name"] == path.stem
        await until(pilot, lambda: f"from the weights of {path.stem}" in screen_text(app))
        # what shapes the net is the model's, however it was chosen; the rest is chosen for the sounds of now
        assert form.texts["model.hop_length"].isdecimal()
        assert form.texts["train.device"] == "cpu"


@pytest.mark.slow
async def test_what_was_typed_is_not_replaced_without_asking(used: Home) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("1")
        await until(pilot, lambda: app.screen is app._config)
        app._config.pane.form.type("train.epochs", "77")
        for row in app._config.query(FieldRow):
            row.set_text(app._config.pane.form.texts[row.field.key])
        await pilot.press("3", "n")
        await until(pilot, lambda: "Replace what was typed?" in screen_text(app))
        await pilot.press("n")
        assert app._config.pane.form.texts["train.epochs"] == "77"


@pytest.mark.slow
async def test_going_on_says_why_it_cannot(used: Home) -> None:
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 1)
        await pilot.press("R")
        await until(pilot, lambda: "is finished" in notices(app))
        shutil.rmtree(used.runs)
        await pilot.press("R")
        await until(pilot, lambda: "is not in this home" in notices(app))


@pytest.mark.slow
async def test_going_on_resumes_a_stopped_run_and_shows_it(used: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunFolder] = []
    monkeypatch.setattr("distill_tui.runs.service.start_worker", lambda _, run: started.append(run))
    (run,) = list_runs(used)
    run.events.write_bytes(run.events.read_bytes().replace(b'"type":"finished"', b'"type":"stopped"'))
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: "its state   stopped" in screen_text(app))
        await pilot.press("R")
        await until(pilot, lambda: app.current_mode == "training")
        assert started == [run]
        assert app._training.controller.run == run


@pytest.mark.slow
async def test_exporting_and_importing(models: Home, tmp_path: Path) -> None:
    async with opened(models) as (app, pilot):
        await pilot.press("slash", *"bells", "enter", "E")
        await until(pilot, lambda: "Export the model" in screen_text(app))
        app.screen.query_one(Input).value = str(tmp_path / "given away.distill")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "given away.distill").exists())
        assert "sounds" not in read_card(tmp_path / "given away.distill").data
        await pilot.press("escape", "i")
        await until(pilot, lambda: "Import a model" in screen_text(app))
        # a folder is not yet a mistake, until it is taken
        app.screen.query_one(Input).value = f"{tmp_path}/"
        await pilot.pause()
        assert "choose a file in it" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "is a folder: choose a file in it" in screen_text(app))
        app.screen.query_one(Input).value = str(tmp_path / "given away.distill")
        await pilot.press("enter")
        await until(pilot, lambda: "given away" in order(app))


@pytest.mark.slow
async def test_a_library_of_thousands_draws_what_is_seen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry(home.models / f"m{i:05}.distill", 1, 0.0, None, "not read") for i in range(10_000)]
    monkeypatch.setattr(Library, "list", lambda _: entries)
    async with opened(home) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == 10_000)
        await pilot.press("end")
        await until(pilot, lambda: "▸  m09999" in screen_text(app))
        await pilot.press("pageup", "home")
        await until(pilot, lambda: "▸  m00000" in screen_text(app))
        await pilot.press("slash", *"0777")
        await until(pilot, lambda: "11 of 10,000 models" in screen_text(app))


HOSTILE = ("[b]bold[-x]", "שלום עולם", "日本語の太鼓" * 10, "x" * 80, "👩\u200d💻 \u202e🥁❤\ufe0f", "%s {0} [link=x]")


@pytest.fixture
def hostile(home: Home) -> Home:
    from tests.library.models import write

    for number, name in enumerate(HOSTILE):
        write(home.models / f"{name}.distill", seed=number, parameters=123_456_789, run=f"20260225-061320-{name}")
    for number in range(10):
        write(home.models / f"plain {number}.distill", seed=99 + number, parameters=123_456_789)
    return home


@pytest.mark.slow
async def test_dialogs_are_whole_whatever_the_models_are_called(hostile: Home) -> None:
    """In the smallest pane too a dialog says which keys answer it, and its frame is straight."""
    async with opened(hostile, (40, 12)) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == len(HOSTILE) + 10)
        for name in HOSTILE[2:5]:
            app.screen.reload(str(hostile.models / f"{name}.distill"))  # type: ignore[attr-defined]
            await until(pilot, lambda name=name: app.screen.models.chosen.name == name)  # type: ignore[misc,attr-defined]
            for key, keys in (("x", "y  delete it"), ("e", "enter  save"), ("U", "enter  start")):
                await pilot.press(key)
                await until(pilot, lambda keys=keys: keys in screen_text(app))  # type: ignore[misc]
                frame = [line for line in screen_text(app).splitlines() if line.rstrip().endswith(("╮", "╯", "│"))]
                assert len({cell_len(line) for line in frame}) == 1
                # what one edits stands there as it is
                assert key != "x" or "\u202e" not in screen_text(app)
                await pilot.press("escape")


async def test_no_column_of_a_long_list_is_cut_off_by_its_scrollbar(hostile: Home) -> None:
    async with opened(hostile, (80, 24)) as (app, pilot):
        await until(pilot, lambda: len(order(app)) == len(HOSTILE) + 10)
        await until(pilot, lambda: "created ↓" in screen_text(app))
        lines = screen_text(app).splitlines()
        assert sum("2026-01-02 " in line for line in lines[:11]) == sum("codec" in line for line in lines[:11]) > 4


async def test_columns_come_with_the_width(models: Home) -> None:
    async with opened(models, (40, 12)) as (app, pilot):
        for size, there, missing in (
            ((40, 12), ("name", "quality"), ("created", "data")),
            ((80, 24), ("name", "kind", "quality", "health", "created"), ("parameters",)),
            ((200, 50), ("codes", "kbps", "data", "created", "parameters", "run"), ()),
        ):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda there=there: all(word in screen_text(app) for word in there))  # type: ignore[misc]
            head = next(line for line in screen_text(app).splitlines() if "name" in line)
            assert not any(word in head for word in missing)
        assert "3 x 64" in screen_text(app) and "30 s" in screen_text(app)


@pytest.mark.slow
async def test_a_model_is_heard_and_measured(used: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """First by its run's preview; once the run is gone by a reconstruction that is made when asked for."""
    monkeypatch.setattr("distill_tui.ui.services.audio_player.player", lambda _: None)
    async with opened(used) as (app, pilot):
        await until(pilot, lambda: "preview at step" in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: "original-" in screen_text(app))
        await pilot.press("escape")
        shutil.rmtree(used.runs)
        await pilot.press("1", "3")
        app.screen.query_one("#models").focus()
        await until(pilot, lambda: "enter reconstructs" in " ".join(screen_text(app).split()))
        await pilot.press("enter")
        await patient(
            pilot, lambda: list(used.cache.glob("heard/*/*.wav")) and "Nothing can be heard" in screen_text(app)
        )
        await pilot.press("escape", "m", "enter")
        await patient(pilot, lambda: "kept on its card" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "measured" in screen_text(app) and "over " in screen_text(app))
        assert chosen(app).annotation.measured is not None


@pytest.mark.slow
async def test_names_in_what_is_said_in_a_corner_are_no_markup(hostile: Home) -> None:
    async with opened(hostile) as (app, pilot):
        app.notify("it is called [/x] [b]so[/b] \u202e\x1b[31m")
        await until(pilot, lambda: "it is called [/x] [b]so[/b] \N{REPLACEMENT CHARACTER}" in screen_text(app))
