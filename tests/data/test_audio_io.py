"""Writing sounds: what is written can be read, and a disk that is full is told as that."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill_tui.data import audio_io
from distill_tui.data.audio_io import SAMPLE_BYTES, resampled, write_sound
from distill_tui.data.excerpt import cut
from distill_tui.errors import DistillError
from tests.cli.small_disk import small_disk, with_small_disks
from tests.data.sounds import sine, write

NOISE = np.random.default_rng(0).uniform(-1.5, 1.5, (50_000, 2)).astype(np.float32)


@pytest.mark.parametrize("subtype", SAMPLE_BYTES)
def test_blocks_become_what_soundfile_writes_of_the_whole(tmp_path: Path, subtype: str) -> None:
    write_sound(tmp_path / "a.wav", np.array_split(NOISE, 7), 44100, 2, subtype)
    soundfile.write(tmp_path / "b.wav", NOISE, 44100, subtype)
    one, two = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert np.array_equal(one, two)
    assert (np.abs(one).max() <= 1.0) == (subtype != "FLOAT")


def test_a_sound_too_long_for_wav_is_written_as_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_io, "LARGEST_WAV", 1000)
    write_sound(tmp_path / "a.wav", [NOISE], 44100, 2, frames=len(NOISE))
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    assert soundfile.info(tmp_path / "a.wav").frames == len(NOISE)


def test_what_wav_cannot_hold_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    for rate, channels in ((44100, 70_000), (2**31, 1)):
        with pytest.raises(DistillError, match=rf"no WAV file of {channels} channels at {rate} Hz"):
            write_sound(tmp_path / "a.wav", [], rate, channels)
    assert not list(tmp_path.iterdir())


@with_small_disks
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "long.wav", sine(5.0, 44100), 44100)
    with small_disk(tmp_path / "disk", "64k"):
        target = tmp_path / "disk" / "a.wav"
        for subtype in SAMPLE_BYTES:
            with pytest.raises(DistillError, match=r"cannot write .*a\.wav: no space left on device") as caught:
                write_sound(target, np.array_split(NOISE, 7), 44100, 2, subtype)
            assert "Free some space" in caught.value.hint
        with pytest.raises(DistillError, match="no space left on device"):
            cut(source, 0.0, 5.0, target)
        # the last bytes, which are written as the file is closed, find no room either
        with pytest.raises(DistillError, match="no space left on device"):
            write_sound(target, [NOISE[:16_400]], 44100, 2)
        assert not list(target.parent.iterdir())


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 16000), (11025, 48000), (192000, 8000)])
@pytest.mark.parametrize("frames", [1, 2, 7, 1001, 20_011])
def test_one_channel_is_resampled_as_one_of_many_and_to_the_rounded_length(rate: int, wanted: int, frames: int) -> None:
    mono = np.concatenate(list(resampled(iter(np.array_split(NOISE[:frames, 0], 3)), rate, wanted, least=1)))
    both = np.concatenate(list(resampled(iter(np.array_split(NOISE[:frames], 9)), rate, wanted, least=1)))
    assert np.array_equal(mono, both[:, 0])
    assert len(mono) == max(1, round(frames * wanted / rate))
    assert sum(map(len, resampled(iter([NOISE[:frames, 0]]), rate, wanted))) == round(frames * wanted / rate)


def test_an_error_names_no_object_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"at 700000 Hz: flac does not support this sample rate$"):
        write_sound(tmp_path / "a.flac", [np.zeros((5, 1), np.float32)], 700_000)
    assert not list(tmp_path.iterdir())


def test_flac_by_its_name_holds_whole_numbers_of_few_channels(tmp_path: Path) -> None:
    for subtype, written in (("PCM_16", "PCM_16"), ("PCM_24", "PCM_24"), ("FLOAT", "PCM_24")):
        write_sound(tmp_path / "a.flac", np.array_split(NOISE, 7), 44100, 2, subtype)
        info = soundfile.info(tmp_path / "a.flac")
        assert (info.format, info.subtype, info.frames) == ("FLAC", written, len(NOISE))
        read = soundfile.read(tmp_path / "a.flac")[0]
        assert np.abs(read - NOISE.clip(-1, 1)).max() < 2**-14
    for rate, channels in ((44100, 9), (700_000, 1)):
        with pytest.raises(DistillError, match=rf"no FLAC file of {channels} channels at {rate} Hz"):
            write_sound(tmp_path / "b.flac", [], rate, channels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]


def test_sixteen_bits_are_the_same_as_wav_and_as_flac(tmp_path: Path) -> None:
    exact = np.arange(-32768, 32768, 7, dtype=np.int16)
    soundfile.write(tmp_path / "a.flac", exact, 8000)
    assert np.array_equal(audio_io.pcm16(exact / np.float32(32768)), exact)
    wav = audio_io.as_wav((tmp_path / "a.flac").read_bytes())
    assert wav[:4] == b"RIFF"
    assert audio_io.as_wav(wav) is wav
    assert wav == audio_io.wav16(exact / np.float32(32768), 8000)
