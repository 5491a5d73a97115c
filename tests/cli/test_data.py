"""`distill-tui data`: what is used, what is skipped and why, the totals, the split."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

from distill_tui.cli.commands import data
from distill_tui.cli.main import run
from distill_tui.data.corpus import Corpus
from distill_tui.paths import Home
from tests.data.sounds import sine, write
from tests.programs import PATIENCE

LOSES = (
    "warning: 1 of 6 sounds loses everything above 8 kHz at the model's rate of 16000 Hz, the median;"
    " --set model.sample_rate=44100 keeps it, at up to twice the time a step"
)


@pytest.fixture
def folder(tmp_path: Path, home: Home) -> Path:
    made = tmp_path / "sounds"
    for number in range(5):
        write(made / "kicks" / f"{number}.wav", sine(0.1 * (number + 1)))
    write(made / "b.flac", np.stack([sine(1.0, 44100)] * 2, axis=1), 44100)
    (made / "notes.txt").write_text("hello")
    (made / "broken.wav").write_text("hello")
    return made


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "distill_tui", "data", *arguments],
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, **environment},
    )


def test_a_table_of_every_file_then_the_totals_and_the_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", str(folder), "--validation-share", "0.2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    out, advice = out.split("\nRecommended here: ")
    assert advice.startswith("quick look, 3 min (")
    assert f"distill-tui train {folder} --advice quick" in advice
    assert [re.split(r" {2,}", line) for line in out.splitlines()] == [
        ["name", "Hz", "channels", "seconds", "format", "use"],
        ["b.flac", "44100", "2", "1.000", "FLAC 16 bit", "training"],
        ["broken.wav", "-", "-", "-", "-", "skipped: not a sound that can be read: format not recognised"],
        ["kicks/0.wav", "16000", "1", "0.100", "WAV 16 bit", "training"],
        ["kicks/1.wav", "16000", "1", "0.200", "WAV 16 bit", "training"],
        ["kicks/2.wav", "16000", "1", "0.300", "WAV 16 bit", "training"],
        ["kicks/3.wav", "16000", "1", "0.400", "WAV 16 bit", "validation"],
        ["kicks/4.wav", "16000", "1", "0.500", "WAV 16 bit", "training"],
        ["notes.txt", "-", "-", "-", "-", "skipped: not a sound file (.txt)"],
        [""],
        ["6 sounds, 2.5 s; 2 skipped"],
        ["split by whole files: training 5 (2.1 s), validation 1 (0.4 s)"],
        ["kind of sound: tones, tonality 2.8"],
        [LOSES],
    ]


def test_the_split_follows_the_share(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", str(folder), "--validation-share", "0.5"]) == 0
    assert "training 3 (1.6 s), validation 3 (0.9 s)" in capsys.readouterr().out
    assert run(["data", str(folder), "--validation-share", "0.9"]) == 2
    assert capsys.readouterr().err == "distill-tui: --validation-share: 0.9 is outside 0.02 to 0.5\n"


def test_one_file_is_split_by_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", str(folder / "b.flac")]) == 0
    assert "split by time, as it is one sound: its last 0.1 s are held out" in capsys.readouterr().out


def test_json_is_the_corpus_that_a_run_uses(folder: Path) -> None:
    done = command(str(folder), "--json", "--validation-share", "0.2")
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert document["totals"]["files"] == 6
    assert document["totals"]["validation"] == {"files": 1, "seconds": 0.4}
    assert ["1 of 6 sounds loses" in text for text in document["warnings"]] == [True]
    corpus = Corpus.from_json(done.stdout)
    assert corpus.sounds[0].file == folder / "b.flac"
    assert {skipped.name for skipped in corpus.skipped} == {"broken.wav", "notes.txt"}


def test_progress_is_told_in_lines_of_json(folder: Path) -> None:
    done = command(str(folder), "--json", "--progress")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[0] == {"done": 0, "total": 8}
    assert lines[-1] == {"done": 8, "total": 8}
    assert json.loads(done.stdout)["totals"]["files"] == 6


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_no_usable_sound_is_listed_and_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str], how: list[str]
) -> None:
    done = command(str(folder / "broken.wav"), *how)
    assert done.returncode == 2
    assert b"format not recognised" in done.stdout
    if how:
        assert json.loads(done.stdout)["totals"]["skipped"] == 1
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"distill-tui: no usable sound in {folder / 'broken.wav'}: broken.wav: not a sound")
    assert second == "See each with: distill-tui data FOLDER"


def test_a_path_that_is_missing_or_empty_is_refused(tmp_path: Path, home: Home) -> None:
    missing = command(str(tmp_path / "no\x1b[31mwhere"))
    assert (missing.returncode, missing.stdout) == (2, b"")
    assert "no\ufffd[31mwhere: no such file or directory" in missing.stderr.decode()
    (tmp_path / "empty").mkdir()
    empty = command(str(tmp_path / "empty"), "--json")
    assert empty.returncode == 2
    assert json.loads(empty.stdout)["error"].startswith("no files in")
    assert b"no files in" in empty.stderr
    assert command().returncode == 2
    assert not home.root.exists()


def test_no_name_can_drive_the_terminal(tmp_path: Path, home: Home) -> None:
    write(tmp_path / "sounds" / "\x1b[31mred\n[/x].wav")
    write(tmp_path / "sounds" / "\U0001f941.wav")
    done = command(str(tmp_path / "sounds"))
    assert done.returncode == 0
    assert "\ufffd[31mred\ufffd[/x].wav" in done.stdout.decode()
    assert "\x1b" not in done.stdout.decode()
    assert len(done.stdout.partition(b"\nRecommended")[0].splitlines()) == 7


def test_a_terminal_that_knows_no_unicode_gets_something(tmp_path: Path, home: Home) -> None:
    write(tmp_path / "sounds" / "\U0001f941.wav")
    done = command(str(tmp_path / "sounds"), PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert b"?.wav" in done.stdout


@pytest.mark.terminal
def test_long_names_are_cut_to_the_terminal(folder: Path) -> None:
    write(folder / ("long " * 40 + ".wav"))
    main, side = pty.openpty()
    termios.tcsetwinsize(side, (24, 80))
    with subprocess.Popen(
        [sys.executable, "-m", "distill_tui", "data", str(folder)], stdout=side, stderr=subprocess.PIPE
    ) as process:
        os.close(side)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:  # how Linux tells that the other side is closed
            pass
        assert process.wait(PATIENCE) == 0
    os.close(main)
    files, advice = shown.decode().split("Recommended here", 1)
    lines = files.splitlines()
    (cut,) = (line for line in lines if "long" in line)
    assert "..." in cut and cut.split()[-1] in ("training", "validation")
    assert (
        max(
            len(line) for line in [*lines, *advice.splitlines()] if not re.search("skipped|warning|start it with", line)
        )
        <= 80
    )


def test_damaged_mp3_files_leave_the_terminal_clean(tmp_path: Path, home: Home) -> None:
    random = np.random.default_rng(0)
    content = bytearray(write(tmp_path / "good.mp3", 0.2 * random.standard_normal(44100), 44100).read_bytes())
    for number in range(4):
        for place in random.integers(200, len(content), 200):
            content[place] = random.integers(0, 256)
        (tmp_path / f"bad{number}.mp3").write_bytes(content)
    code = "import sys\nfrom distill_tui.data.scan import scan\nscan([sys.argv[1]], 0.2)"
    noisy = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, timeout=PATIENCE)
    assert noisy.stderr, "the decoder is silent by itself: quiet_decoders can go"

    done = command(str(tmp_path), "--progress")

    assert done.returncode == 0
    assert all(json.loads(line)["total"] == 5 for line in done.stderr.splitlines())


def test_a_long_scan_shows_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(data, "TELL_EVERY", 0.0)
    monkeypatch.setattr(data, "QUIET_SECONDS", 0.0)
    line = data.ProgressLine()
    line(0, 1200)
    line(7, 1200)
    line.end()
    first, second = "scanned 0 of 1,200 files", "scanned 7 of 1,200 files"
    assert terminal.getvalue() == f"\r{first}\r{second}\r{' ' * len(second)}\r"


def test_a_short_scan_or_no_terminal_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(data, "QUIET_SECONDS", 0.0)
    line = data.ProgressLine()
    line(1, 2)
    line.end()
    assert stream.getvalue() == ""


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "distill_tui", "data", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(PATIENCE)


def test_its_help_imports_no_decoder() -> None:
    code = (
        "import sys\nfrom distill_tui.cli.main import run\n"
        "try: run(['data', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'soundfile', 'soxr', 'torch', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.splitlines()[-1] == "[]"
