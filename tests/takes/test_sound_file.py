"""The file of a take says how it was made, and other programs read it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile

from distill_tui.errors import RequestError
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.request import Request
from distill_tui.takes.sound_file import encode, read_take, same_samples, save_take
from distill_tui.takes.take import Nearest, Take

WAVE = (0.5 * np.sin(np.arange(1001) / 9)).astype(np.float32)


def take(**more: Any) -> Take:
    request = Request(label="kö/\x1b", seed=7, temperature=(0.9, 0.8), morph=("/a b", "/ü"))
    facts: dict[str, Any] = {
        "path": "",
        "seconds": 0.5,
        "seed": 7,
        "method": "prior",
        "nearest": Nearest(path="x", start=0.1, distance=3.5),
        "settings": msgspec.to_builtins(request),
        "model_sha256": "ab" * 32,
    }
    return Take(**(facts | more))


@pytest.mark.parametrize("kind", ["wav", "flac"])
@pytest.mark.parametrize("length", [0, 5000])
def test_a_file_says_how_it_was_made(tmp_path: Path, kind: Any, length: int) -> None:
    made = save_take(TakesFolder(tmp_path), WAVE, 8000, take(note="n" * length), kind, "kö")
    assert made.path == f"kö.{kind}"
    back = read_take(tmp_path / made.path)
    assert back.path == made.path
    assert msgspec.convert(back.settings, Request) == msgspec.convert(made.settings, Request)
    same = msgspec.structs.replace(back, settings={}) == msgspec.structs.replace(made, settings={})
    assert same
    samples, rate = soundfile.read(tmp_path / made.path, dtype="float32")
    assert rate == 8000
    assert np.abs(samples - WAVE).max() < 1 / 32000
    if not length:
        assert '"distill_take":1' in soundfile.SoundFile(tmp_path / made.path).comment


def test_settings_of_another_version_are_a_wrong_request(tmp_path: Path) -> None:
    content = encode(WAVE, 8000, take(settings={"seconds": 7.25}))
    (tmp_path / "a.wav").write_bytes(content.replace(b'"seconds":7.25', b'"octaves":7.25'))
    with pytest.raises(RequestError, match=r"the settings of a.wav cannot be read.*octaves"):
        read_take(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\x7fINFOICMT\xff\xff\xff\x7f{", b"fLaC"]
)
def test_what_is_no_take_is_a_wrong_request(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(RequestError, match=r"a.wav: not a take"):
        read_take(tmp_path / "a.wav")
    with pytest.raises(RequestError, match="no such file"):
        read_take(tmp_path / "b.wav")


def test_a_sound_of_another_program_is_no_take(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", WAVE, 8000)
    with pytest.raises(RequestError, match="nothing in it says"):
        read_take(tmp_path / "a.wav")


def test_samples_are_compared_to_the_bit() -> None:
    one = encode(WAVE, 8000, take())
    assert same_samples(one, encode(WAVE, 8000, take(note="another")))
    assert same_samples(one, encode(WAVE, 8000, take(), "flac"))
    assert not same_samples(one, encode(WAVE + np.float32(1 / 32768), 8000, take()))
    assert not same_samples(one, encode(WAVE, 16000, take()))
    assert not same_samples(one, b"")
