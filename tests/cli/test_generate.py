"""`generate`: its flags, what is written, the JSON that scripts read, takes made again, and wrong requests."""

import errno
import json
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from distill_tui.cli.main import run as main
from distill_tui.engine.generate.make import Maker
from distill_tui.errors import DistillError
from distill_tui.files import describe_os_error
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.sound_file import read_take
from tests.engine.small_generator import SmallCodec, make_codec
from tests.programs import start, until


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SmallCodec:
    torch.set_num_threads(1)
    return make_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(autouse=True)
def _home(codec: SmallCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILL_TUI_HOME", str(codec.home.root))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["generate", *arguments, "--json"]) == 0
    document: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return document


def test_takes_are_written_with_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out"
    takes = printed(capsys, "small", "--out", str(out), "--count", "3", "--seed", "7", "--label", "low")
    assert [Path(take["path"]).name for take in takes] == ["low-0007.wav", "low-0008.wav", "low-0009.wav"]
    for take in takes:
        samples, rate = soundfile.read(take["path"])
        assert (rate, len(samples) / rate) == (8000, take["seconds"])
        assert set(take) >= {"seed", "method", "label", "nearest", "novelty", "copied_frames", "settings"}
        assert set(take["nearest"]) >= {"path", "start", "distance"}
        assert take["settings"]["seed"] == 7
        assert read_take(Path(take["path"])).seed == take["seed"]
    listed = json.loads((out / "takes.json").read_text())
    assert listed == [take | {"path": Path(take["path"]).name} for take in takes]


def test_a_folder_is_added_to_with_new_seeds_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("small", "--out", str(tmp_path), "--quick", "--count", "2")
    first = printed(capsys, *asked, "--format", "flac")
    before = Path(first[0]["path"]).read_bytes()
    second = printed(capsys, *asked)
    assert [take["seed"] for take in first + second] == [0, 1, 2, 3]
    third = printed(capsys, *asked, "--seed", "0")
    assert Path(first[0]["path"]).read_bytes() == before
    assert len({take["path"] for take in first + second + third}) == 6
    assert len(json.loads((tmp_path / "takes.json").read_text())) == 6


def test_lines_say_where_and_how_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "small", "--out", str(tmp_path), "--count", "2", "--method", "walk"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["1/2", "2/2"]
    assert all("walk-000" in line and "tone-" in line and "dB away" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_take_is_made_again_to_the_bit(
    codec: SmallCodec, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    source = str(codec.sounds / "high" / "tone-2.wav")
    some = printed(
        capsys, "small", "--out", str(tmp_path), "--like", source, "--count", "3", "--format", kind, "--novelty", "9"
    )
    again = printed(capsys, "--again", some[2]["path"], "--out", str(tmp_path / "again"))[0]
    assert again["identical"] is True
    assert again["nearest"] == some[2]["nearest"]
    assert soundfile.read(again["path"])[0].tolist() == soundfile.read(some[2]["path"])[0].tolist()
    assert main(["generate", "--again", some[0]["path"]]) == 0
    assert "the same to the bit as" in capsys.readouterr().out
    assert Path(some[0]["path"]).with_stem(Path(some[0]["path"]).stem + "-2").exists()
    # a file whose samples are others says so
    samples, rate = soundfile.read(some[1]["path"], dtype="int16")
    with soundfile.SoundFile(some[1]["path"]) as file:
        comment = file.comment
    with soundfile.SoundFile(tmp_path / f"other.{kind}", "w", rate, 1, "PCM_16") as file:
        file.comment = comment
        file.write(samples // 2)
    assert printed(capsys, "--again", str(tmp_path / f"other.{kind}"))[0]["identical"] is False


def test_what_a_take_was_made_from_is_named_when_it_is_gone(
    codec: SmallCodec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "mine.wav"
    source.write_bytes((codec.sounds / "high" / "tone-1.wav").read_bytes())
    (take,) = printed(capsys, "small", "--out", str(tmp_path), "--follow", str(source), "--quick")
    source.unlink()
    assert main(["generate", "--again", take["path"]]) == 2
    assert "mine.wav: is gone" in capsys.readouterr().err
    empty = str(tmp_path / "home")
    assert main(["generate", "--again", take["path"], "--home", empty]) == 2
    said = capsys.readouterr().err
    assert "'small' (weights " in said and "models import" in said
    assert main(["generate", "--again", str(codec.sounds / "high" / "tone-1.wav")]) == 2
    assert "not a take" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["small"], "--out DIR"),
        (["--out", "x"], "M, a model"),
        (["smal", "--out", "x"], "Nearest: small"),
        (["small", "--out", "x", "--label", "lo"], "did you mean 'low'"),
        (["small", "--out", "x", "--seconds", "0"], "--seconds"),
        (["small", "--out", "x", "--seconds", "3600"], "ten minutes"),
        (["small", "--out", "x", "--count", "1.5"], "--count: '1.5' is not a whole number"),
        (["small", "--out", "x", "--top-p", "0.9,x"], "--top-p: 'x' is not a number"),
        (["small", "--out", "x", "--method", "prior"], "train-prior"),
        (["small", "--out", "x", "--strength", "0.5"], "--strength: is for --like"),
        (["small", "--out", "x", "--from", "0.5"], "are for --fill"),
        (["small", "--out", "x", "--fill", "TONE", "--from", "0.2"], "needs --from and --to"),
        (["small", "--out", "x", "--fill", "TONE", "--from", "0.2", "--to", "0.1"], "is not before --to"),
        (["small", "--out", "x", "--fill", "TONE", "--from", "0.2", "--to", "9"], "after the end"),
        (["small", "--out", "x", "--like", "nothing.wav"], "no such file"),
        (["small", "--out", "x", "--morph", "TONE", "nothing.wav"], "no such file"),
        (["small", "--out", "x", "--quick", "--novelty", "1"], "--quick"),
        (["small", "--out", "TONE"], "is a file"),
        (["small", "--out", "x", "--data", "nothing"], "nothing"),
    ],
)
def test_a_wrong_request_changes_nothing_and_says_what_is_wrong(
    codec: SmallCodec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    tone = str(codec.sounds / "high" / "tone-1.wav")
    assert main(["generate", *(tone if word == "TONE" else word for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_temperature_without_a_prior_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "small", "--out", str(tmp_path), "--temperature", "0.9", "--quick"]) == 0
    assert "are for the prior" in capsys.readouterr().err


def test_a_full_disk_keeps_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16000, before[1]))
    try:
        code = main(["generate", "small", "--out", str(tmp_path), "--count", "40", "--quick", "--json"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr()
    takes = json.loads(told.out)
    assert code == 1
    assert 0 < len(takes) < 40
    assert f"{len(takes)} of 40 takes are in" in told.err and "cannot write" in told.err
    assert len(json.loads((tmp_path / "takes.json").read_text())) == len(takes)
    assert sorted(path.name for path in tmp_path.glob("*.wav")) == sorted(Path(take["path"]).name for take in takes)
    assert list(tmp_path.glob(".*.part")) == []


def test_the_way_out_of_a_folder_that_cannot_be_written_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **_more: object) -> None:
        raise DistillError(*describe_os_error(OSError(errno.ENOSPC, "No space left on device"), path))

    monkeypatch.setattr("distill_tui.takes.folder.atomic_write", full)
    assert main(["generate", "small", "--out", str(tmp_path), "--quick"]) == 1
    assert "choose another folder with --out." in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Maker.make

    def make(self: Maker, *arguments: Any) -> Iterator[Any]:
        for number, one in enumerate(whole(self, *arguments)):
            if number == 2:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(Maker, "make", make)
    assert main(["generate", "small", "--out", str(tmp_path), "--count", "9", "--quick", "--json"]) == 130
    told = capsys.readouterr()
    assert len(json.loads(told.out)) == 2
    assert "interrupted: 2 of 9 takes are in" in told.err


@pytest.mark.slow
def test_ctrl_c_in_a_real_process(codec: SmallCodec, tmp_path: Path) -> None:
    asked = ("generate", "small", "--out", str(tmp_path), "--count", "10000", "--quick")
    process = start(*asked, "--home", str(codec.home.root), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: (tmp_path / "takes.json").exists(), "a take")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    takes = json.loads((tmp_path / "takes.json").read_text())
    assert takes and all((tmp_path / take["path"]).exists() for take in takes)
    assert b"Traceback" not in err and b"interrupted" in err


def test_other_sounds_may_be_the_bank(codec: SmallCodec, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low = str(codec.sounds / "low")
    (take,) = printed(capsys, "small", "--out", str(tmp_path), "--data", low)
    assert "/" not in take["nearest"]["path"]
    assert take["data"] == [low]
    assert printed(capsys, "--again", take["path"])[0]["identical"] is True


def test_a_loud_take_does_not_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str], codec: SmallCodec) -> None:
    loud = tmp_path / "loud.wav"
    soundfile.write(loud, np.sign(np.sin(np.arange(8000) / 9)), 8000, subtype="FLOAT")
    takes = printed(capsys, "small", "--out", str(tmp_path / "o"), "--follow", str(loud), "--quick", "--count", "4")
    assert all(np.abs(soundfile.read(take["path"])[0]).max() <= 0.9901 for take in takes)
    assert any(take["gain_db"] < 0 and "turned down by" in take["note"] for take in takes)


def test_one_take_goes_to_a_pipe_and_is_the_one_of_the_folder(
    codec: SmallCodec, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["generate", "small", "--out", str(tmp_path / "out"), "--seed", "3"]) == 0
    (file,) = (tmp_path / "out").glob("*.wav")
    capfdbinary.readouterr()
    assert main(["generate", "small", "--seed", "3", "--stdout"]) == 0
    (tmp_path / "piped.wav").write_bytes(capfdbinary.readouterr().out)
    one, other = (soundfile.read(path, dtype="int16")[0] for path in (file, tmp_path / "piped.wav"))
    assert np.array_equal(one, other)
    assert read_take(tmp_path / "piped.wav").seed == 3
    for wrong in (["--count", "2"], ["--json"], ["--out", "x"], ["--format", "flac"], ["--again", str(file)]):
        assert main(["generate", "small", "--stdout", *wrong]) == 2
    assert main(["generate", "--stdout"]) == 2
    assert not capfdbinary.readouterr().out.startswith(b"RIFF")


def test_takes_are_flac_where_the_settings_say_so_and_made_again_to_the_bit(
    codec: SmallCodec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec.home.settings.write_text('[sounds]\nformat = "flac"\n')
    try:
        (take,) = printed(capsys, "small", "--out", str(tmp_path / "out"), "--seed", "3")
        assert Path(take["path"]).suffix == ".flac"
        assert soundfile.info(take["path"]).subtype == "PCM_16"
        assert main(["generate", "--again", take["path"]]) == 0
        assert "the same to the bit" in capsys.readouterr().out
        (take,) = printed(capsys, "small", "--out", str(tmp_path / "out"), "--seed", "9", "--format", "wav")
        assert Path(take["path"]).suffix == ".wav"
        # where they take more than the limit, what was thrown away goes, and nothing else
        codec.home.settings.write_text('[sounds]\nlimit = "0.001 MB"\n')
        folder = TakesFolder(tmp_path / "out")
        folder.throw(folder.takes[0])
        printed(capsys, "small", "--out", str(tmp_path / "out"), "--seed", "10")
        assert [one.seed for one in folder.takes] == [3, 9, 10]
    finally:
        codec.home.settings.unlink()
