"""`preview RUN --stdout`: one sound to a pipe, and nothing else."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from tests.programs import OURS, Terminal, environment
from tests.runs.support import a_run, started, write
from tests.serve.pages import a_heard_run


def heard(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, int, str]:
    """Rate and frames of the sound on standard output, and what was said beside it."""
    assert main(["preview", *arguments, "--stdout"]) == 0
    out, err = capfdbinary.readouterr()
    assert out[:4] == b"RIFF"
    assert int.from_bytes(out[4:8], "little") == len(out) - 8, "a player of a pipe goes by the header"
    info = soundfile.info(io.BytesIO(out))
    return info.samplerate, info.frames, err.decode()


def test_the_newest_preview_is_heard_without_asking_for_another(
    home: Home, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run = a_heard_run(home)
    assert heard(capfdbinary, "drums") == (8000, 800, f"{run.id}: step 5, kick.wav\n")
    assert heard(capfdbinary, "drums", "--original", "--sound", "1")[2].endswith("kick.wav, original\n")
    # one that was pruned is passed over, FLAC is heard as WAV
    for index, name in ((1, "original"), (2, "reconstruction")):
        soundfile.write(run.previews / f"f{index}.flac", [0.0] * 100 * index, 8000)
        assert name
    pairs: list[tuple[str, str, float | None]] = [("previews/f1.flac", "previews/f2.flac", None)]
    write(run, e.PreviewMade(step=7, epoch=1, folder="previews", pairs=pairs))
    write(run, e.PreviewMade(step=9, epoch=1, folder="previews/gone", pairs=pairs))
    assert heard(capfdbinary, "drums")[:2] == (8000, 200)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--sound", "2"], "--sound: '2' is not 1 to 1"),
        (["--sound", "x"], "--sound: 'x' is not 1 to 1"),
        (["--json"], "--stdout: does not go with --json"),
    ],
)
def test_wrong_requests(home: Home, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str) -> None:
    a_heard_run(home)
    assert main(["preview", "drums", "--stdout", *arguments]) == 2
    assert why in capsys.readouterr().err


def test_nothing_to_hear(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(home)
    write(run, started(run), e.Stopped(step=1, epoch=1, seconds=1.0))
    assert main(["preview", "drums", "--stdout"]) == 2
    assert main(["preview", "drums", "--original"]) == 2
    told = capsys.readouterr()
    assert "has no preview" in told.err
    assert "--sound and --original: are for --stdout" in told.err
    assert not told.out


@pytest.mark.slow
@pytest.mark.terminal
def test_a_terminal_gets_no_sound_and_a_pipe_that_closes_is_no_mistake(home: Home, tmp_path: Path) -> None:
    a_heard_run(home)
    terminal = Terminal("preview", "drums", "--stdout", "--home", str(home.root))
    terminal.read_until("a terminal cannot show")
    assert "RIFF" not in terminal.text
    command = " ".join(
        [*OURS, "preview", "drums", "--stdout", "--home", str(home.root), "| head -c 4; echo ${PIPESTATUS[0]}"]
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment(), check=True)
    assert done.stdout.startswith(b"RIFF")
    assert b"Traceback" not in done.stderr
    assert sys.executable in OURS
