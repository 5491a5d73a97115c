"""`report`: one file about a run, a model or takes, that needs nothing from elsewhere."""

import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill_tui.cli.main import run as main
from distill_tui.cli.recipe_flags import add_recipe_flags, chosen_recipe
from distill_tui.library.container import read_card
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import flatten
from distill_tui.reporting.report import repeat
from distill_tui.reporting.report.media import Media, flac, mp3
from distill_tui.runs import events as e
from distill_tui.takes.take import Nearest, Take
from tests.artefacts.test_artefacts import FORMATS
from tests.browser import chromium, find_chromium
from tests.conftest import Trained
from tests.reporting.test_page import EVIL, Page
from tests.runs.support import a_run, metrics, started, write
from tests.serve.pages import a_heard_run, prepared, some_takes, tone

Capture = pytest.CaptureFixture[str]


def made(capsys: Capture, *arguments: str, code: int = 0) -> str:
    """What a command printed."""
    assert main(["report", *arguments]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def read(path: Path) -> tuple[Page, str]:
    content = path.read_text()
    page = Page(content)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href"):
            value = attributes.get(name) or "data:"
            assert value.startswith(("data:", "#")), (tag, value[:60])
        assert not any(name.startswith("on") for name in attributes)
    return page, content


def sounds_in(content: str) -> list[tuple[str, int, int]]:
    """Format, rate and frames of the sounds in a page."""
    found = []
    for data in re.findall(r'src="data:audio/[a-z]+;base64,([^"]+)"', content):
        info = soundfile.info(io.BytesIO(base64.b64decode(data)))
        found.append((info.format, info.samplerate, info.frames))
    return found


def test_a_run_and_its_model_are_told_whole(trained: Trained, tmp_path: Path, capsys: Capture) -> None:
    home, out = ["--home", str(trained.home.root)], tmp_path / "run.html"
    told = json.loads(made(capsys, trained.run.id, "--out", str(out), "--json", *home))
    assert told["out"] == str(out)
    assert told["bytes"] == out.stat().st_size
    page, content = read(out)
    assert {one.get("id") for one in page.all("section")} == {
        "listen", "curves", "codebooks", "quality", "notes", "data", "recipe", "repeat",
    }  # fmt: skip
    assert "tones [a] b" in page.text
    assert "✓ finished" in page.text
    assert "distill-tui train sounds" in page.text
    # nothing of where the sounds lie, unless that is asked for
    assert str(trained.sounds) not in content
    sounds = sounds_in(content)
    assert len(sounds) == told["sounds"] >= 2
    assert {(kind, rate) for kind, rate, _ in sounds} == {("FLAC", 8000)}
    # made again over itself; any other file stays
    made(capsys, trained.run.id, "--out", str(out), "--with-data", *home)
    assert str(trained.sounds) in out.read_text()
    other = tmp_path / "notes.html"
    other.write_text("mine")
    assert "no report" in made(capsys, trained.run.id, "--out", str(other), *home, code=2)
    assert other.read_text() == "mine"
    made(capsys, trained.run.id, "--out", str(other), "--force", *home)
    # the model by its file, beside itself, has no run's events but the run's previews
    made(capsys, str(trained.model), str(trained.model), "--out", str(out), *home)
    page, content = read(out)
    assert len(sounds_in(content)) >= 2
    assert "Side by side" in page.text
    assert str(trained.sounds) not in content
    assert "is a model" in made(capsys, trained.run.id, str(trained.model), "--out", str(out), *home, code=2)


def test_the_command_repeats_the_choices(trained: Trained) -> None:
    import argparse
    import shlex

    recipe = toml.load(trained.run.recipe)
    values = flatten(recipe)
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("data")
    add_recipe_flags(parser)
    _, *words = shlex.split(repeat.command(values))
    found = flatten(chosen_recipe(parser.parse_args(words)))
    for key in ("model.channels", "train.epochs", "model.rvq_levels", "train.device", "preset"):
        assert found[key] == values[key]
    automatic = values["automatic"]
    assert all(found[key] in ("auto", values[key]) for key in automatic)


def test_takes_have_their_nearest_sounds(home: Home, tmp_path: Path, capsys: Capture) -> None:
    sounds = tmp_path / "private place"
    (sounds / "kicks").mkdir(parents=True)
    (sounds / "kicks" / "k1.wav").write_bytes(tone(1.0))
    folder = some_takes(home, 0)
    near = Nearest(path="kicks/k1.wav", start=0.25, distance=3.0, ratio=2.0)
    take = Take(path="", seconds=0.1, seed=3, method="prior", label=EVIL, nearest=near, novelty=1.2, data=[str(sounds)])
    folder.add(take, tone(), stem="one")
    gone = folder.add(Take(path="", seconds=0.1, seed=4, method="walk"), tone(), stem="two")
    folder.file(gone).unlink()
    folder.throw(folder.add(Take(path="", seconds=0.1, seed=5, method="walk"), tone(), stem="thrown"))
    out = tmp_path / "takes.html"
    made(capsys, "set", "--out", str(out))
    page, content = read(out)
    assert [(rate, frames) for _, rate, frames in sounds_in(content)] == [(8000, 800), (8000, 1600)]
    assert "as new as a sound of yours" in page.text
    assert "nearest training sound: k1.wav" in page.text
    assert "kicks/" not in page.text
    assert "private" not in content
    assert "thrown" not in page.text
    assert "prior" in page.text
    made(capsys, str(folder.path), str(folder.path), "--out", str(out))
    assert len(read(out)[0].all("audio")) == 4
    # a name that leads out of the folder leads nowhere
    evil = Nearest(path="../k1.wav", start=0.0, distance=1.0)
    folder.add(
        Take(path="", seconds=0.1, seed=6, method="prior", nearest=evil, novelty=1.0, data=[str(sounds)]), tone()
    )
    made(capsys, "set", "--out", str(out))
    assert "It is not where the model's sounds were." in read(out)[0].text


def test_runs_that_train_failed_or_have_said_nothing(home: Home, tmp_path: Path, capsys: Capture) -> None:
    out = str(tmp_path / "a.html")
    empty = a_run(home, "empty")
    made(capsys, empty.id, "--out", out)
    failed = a_heard_run(home, "failed")
    elsewhere = "The traceback is in /home/somebody/runs/old-run/worker.log. (/srv/x/y.wav, ~/mine/z.wav)"
    write(failed, e.Failed(reason=f"{EVIL} {failed.path}/x is gone", advice=f"try again; {elsewhere}", step=5))
    # a log that names what is not in its folder
    (tmp_path / "passwd.wav").write_bytes(tone())
    pairs: list[tuple[str, str, float | None]] = [("../../../passwd.wav", "/etc/passwd", None), ("\0", "x", 0.5)]
    write(failed, e.PreviewMade(step=6, epoch=1, folder="previews/00000005", pairs=pairs, names=[EVIL]))
    made(capsys, "failed", "--out", out)
    page, content = read(Path(out))
    assert "try again" in page.text
    assert f"{failed.id}/x is gone" in page.text
    assert str(home.root) not in content
    # nor folders of another machine that it was copied from
    assert "The traceback is in worker.log. (y.wav, z.wav)" in page.text
    assert not sounds_in(content)
    running = a_heard_run(home, "running")
    running.recipe.write_text("nonsense = [")
    with running.hold():
        made(capsys, "running", "failed", "--out", out)
        assert "Its recipe cannot be read" in read(Path(out))[0].text


def test_what_is_asked_for_wrongly_changes_nothing(
    home: Home, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no run, model or folder of takes 'nope'" in made(capsys, "nope", code=2)
    assert "neither a run's folder nor one of takes" in made(capsys, f"{tmp_path}/x", code=2)
    assert "no such file" in made(capsys, "nope.distill", code=2)
    a_heard_run(home)
    some_takes(home)
    assert "is a run and 'set' is a folder of takes" in made(capsys, "drums", "set", code=2)
    assert "cannot write" in made(capsys, "drums", "--out", "/proc/x/y.html", code=1)
    assert list(tmp_path.glob("*.html")) == []
    assert made(capsys, "drums").strip() == str(tmp_path / "drums.html")
    (home.takes / "set" / "takes.json").write_text("[")
    assert "cannot be read as a list of takes" in made(capsys, "set", code=1)


@pytest.mark.parametrize("old", FORMATS, ids=lambda path: path.name)
def test_old_runs_and_models(old: Path, home: Home, tmp_path: Path, capsys: Capture) -> None:
    shutil.copytree(old / "models", home.models)
    shutil.copytree(old / "runs", home.runs)
    out = tmp_path / "x.html"
    for run in home.runs.iterdir():
        made(capsys, run.name, "--out", str(out))
        assert "distill-tui" in read(out)[0].text
    for model in list(home.models.glob("*.distill"))[:3]:
        made(capsys, str(model), "--out", str(out))
        assert read_card(model).name in read(out)[0].text


def test_pictures_are_shown_as_they_are(home: Home, tmp_path: Path, capsys: Capture) -> None:
    run = a_run(home)
    folder = run.previews / "step-000005"
    folder.mkdir(parents=True)
    (folder / "original-01.pgm").write_bytes(b"P5 4 3 255\n" + bytes(range(12)))
    (folder / "reconstruction-01.pgm").write_bytes(b"P5 4 3 255\n")
    name = "previews/step-000005"
    pairs: list[tuple[str, str, float | None]] = [(f"{name}/original-01.pgm", f"{name}/reconstruction-01.pgm", 0.1)]
    write(run, started(run), e.PreviewMade(step=5, epoch=1, folder=name, pairs=pairs))
    made(capsys, "drums", "--out", str(tmp_path / "a.html"))
    page = read(tmp_path / "a.html")[0]
    assert [one["alt"] for one in page.all("img")] == ["original of sound 1"]
    assert "The picture cannot be read." in page.text


def test_sounds_are_lossless_then_small_then_left_out(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.9, 0.9, (11_111, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, 44_100)
    exact = soundfile.read(tmp_path / "a.wav", dtype="int16")[0]
    back = soundfile.read(io.BytesIO(flac(exact / np.float32(32768), 44_100)), dtype="int16")[0]
    assert np.array_equal(back, exact)
    one, small = len(flac(noise, 44_100)), len(mp3(noise, 44_100))
    assert small < one / 2
    media = Media(lossless=one + 1, most=one + small + 1)
    kinds = [media.sound(tmp_path / "a.wav")[0][:16] for _ in range(3)]
    assert kinds == ["data:audio/flac;", "data:audio/mpeg;", ""]
    assert (media.sounds, media.compressed, media.left_out) == (2, 1, 1)
    assert "1 left out" in media.note()
    assert media.sound(tmp_path / "no.wav") == ("", "no such file or directory")
    # rates and channels that MP3 has not
    odd = soundfile.info(io.BytesIO(mp3(np.zeros((5000, 3), np.float32), 9000)))
    assert (odd.samplerate, odd.channels) == (11_025, 1)


@pytest.mark.slow
@pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium here")
def test_a_browser_opens_it_and_hears_it(home: Home, tmp_path: Path, capsys: Capture) -> None:
    program = find_chromium()
    assert program is not None
    out = tmp_path / "report.html"
    run = a_run(home)
    write(run, started(run), prepared(), e.StateChanged(state="running"))
    write(run, *(metrics(step, loss_train=1.0 / step) for step in range(1, 40)))
    write(a_heard_run(home, "other"), e.Stopped(step=5, epoch=1, seconds=1.0))
    made(capsys, "other", "drums", "--out", str(out))
    with chromium(tmp_path / "profile", program) as browser:
        tab = browser.open(out.as_uri())
        tab.until("document.readyState === 'complete' && document.querySelectorAll('audio').length === 2")
        tab.until("[...document.querySelectorAll('audio')].every((a) => a.readyState >= 1 && a.duration > 0.09)")
        tab.until("[...document.querySelectorAll('img')].every((i) => i.complete && i.naturalWidth)")
        for width in (390, 1280):
            tab.look(width, 900, dark=width == 390)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.problems() == []
        assert [one for one in browser.addresses() if not one.startswith(("data:", "file:", "about:"))] == []
