"""Spectrograms as pictures."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from distill_tui.data.spectrogram import mel_filters, png, spectrogram_images


def tone(path: Path, hertz: float, seconds: float, gain: float = 0.5, rate: int = 8000) -> Path:
    time = np.arange(int(seconds * rate)) / rate
    soundfile.write(path, gain * np.sin(2 * np.pi * hertz * time), rate)
    return path


@pytest.mark.parametrize("seconds", [1, 61])
def test_a_picture_shows_where_the_tone_is(tmp_path: Path, seconds: int) -> None:
    (image,) = spectrogram_images([tone(tmp_path / "a.wav", 1000, seconds)], 50, 64)
    assert (image.rate, image.seconds, image.levels.shape) == (8000, seconds, (64, 50))
    band = 63 - int(image.levels.mean(1).argmax())
    centre = mel_filters(64, 512, 8000)[band].argmax() * 8000 / 512
    assert centre == pytest.approx(1000, abs=40)


def test_pictures_share_a_scale_of_loudness(tmp_path: Path) -> None:
    paths = [tone(tmp_path / "a.wav", 500, 0.5), tone(tmp_path / "b.wav", 500, 0.5, gain=0.05)]
    loud, soft = spectrogram_images(paths, 20, 16)
    assert loud.levels.max() == 255
    # 20 of 80 dB
    assert int(soft.levels.max()) == pytest.approx(255 * 0.75, abs=2)


def test_files_of_no_sound_say_why(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "short.wav", np.zeros(3), 8000)
    paths = [tmp_path / name for name in ("empty.wav", "missing.wav", "short.wav")]
    empty, missing, short = spectrogram_images(paths, 20, 16)
    assert (empty.error, missing.error, short.error) == ("it holds no sound", "No such file or directory", "")
    assert not short.levels.any()


def test_png_files_hold_the_picture(tmp_path: Path) -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "x.png").write_bytes(png(picture))
    with Image.open(tmp_path / "x.png") as image:
        assert np.array_equal(np.asarray(image), picture)
