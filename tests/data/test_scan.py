"""Every file is used or skipped with its reason."""

import errno
import os
import random
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from distill_tui.data import scan as scan_module
from distill_tui.data import scan_cache, sound_file
from distill_tui.data.corpus import Corpus
from distill_tui.data.discover import FoundFile
from distill_tui.data.scan import scan
from distill_tui.data.thread_pool import Stop
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.text import decode_path
from tests.data.sounds import sine, write


def reasons(corpus: Corpus) -> dict[str, str]:
    return {skipped.name: skipped.reason for skipped in corpus.skipped}


def notes(corpus: Corpus) -> dict[str, str]:
    return {sound.name: sound.note for sound in corpus.sounds}


def only_reason(path: Path) -> str:
    corpus = scan([path], 0.2)
    assert not corpus.sounds
    return corpus.skipped[0].reason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sounds"
    made.mkdir()
    return made


@pytest.mark.parametrize(
    ("name", "subtype", "shown"),
    [
        ("a.wav", "PCM_U8", "WAV 8 bit"),
        ("a.wav", "PCM_16", "WAV 16 bit"),
        ("a.wav", "PCM_24", "WAV 24 bit"),
        ("a.wav", "PCM_32", "WAV 32 bit"),
        ("a.wav", "FLOAT", "WAV 32-bit float"),
        ("a.wav", "DOUBLE", "WAV 64-bit float"),
        ("a.wav", "ULAW", "WAV ulaw"),
        ("a.flac", "PCM_16", "FLAC 16 bit"),
        ("a.flac", "PCM_24", "FLAC 24 bit"),
        ("a.ogg", "VORBIS", "OGG Vorbis"),
        ("a.aiff", "PCM_24", "AIFF 24 bit"),
        ("a.aif", "PCM_16", "AIFF 16 bit"),
        ("a.mp3", "MPEG_LAYER_III", "MP3"),
        ("a.caf", "PCM_16", "CAF 16 bit"),
        ("a.au", "PCM_16", "AU 16 bit"),
    ],
)
def test_formats_and_depths_are_read(folder: Path, name: str, subtype: str, shown: str) -> None:
    write(folder / name, sine(0.5, 44100), 44100, subtype=subtype)

    (sound,) = scan([folder], 0.2).sounds

    assert (sound.rate, sound.channels, sound.format, sound.note) == (44100, 1, shown, "")
    assert sound.seconds == pytest.approx(0.5, abs=0.06 if name == "a.mp3" else 1e-9)
    assert sound.split == "by time"


@pytest.mark.parametrize("rate", [8000, 11025, 37800, 44100, 96000, 192000])
def test_rates_from_8_to_192_khz_are_used(folder: Path, rate: int) -> None:
    write(folder / "a.wav", sine(0.1, rate), rate)
    (sound,) = scan([folder], 0.2).sounds
    assert (sound.rate, sound.seconds) == (rate, round(0.1 * rate) / rate)


@pytest.mark.parametrize("rate", [7999, 192001])
def test_rates_beyond_are_skipped(folder: Path, rate: int) -> None:
    write(folder / "a.wav", sine(0.1, rate), rate)
    assert only_reason(folder) == f"its rate is {rate} Hz; from 8000 to 192000 Hz can be used"


@pytest.mark.parametrize("channels", [1, 2, 6, 300])
def test_channels(folder: Path, channels: int) -> None:
    write(folder / "a.wav", np.tile(sine()[:, None], channels))
    (sound,) = scan([folder], 0.2).sounds
    assert (sound.channels, sound.seconds) == (channels, 0.5)


def test_a_wrong_extension_does_not_matter(folder: Path) -> None:
    write(folder / "a.wav", format="FLAC")
    write(folder / "b.MP3", format="WAV")
    assert [s.format for s in scan([folder], 0.2).sounds] == ["FLAC 16 bit", "WAV 16 bit"]


def test_what_is_no_sound_is_skipped_with_its_reason(folder: Path) -> None:
    (folder / "text.wav").write_text("hello\n" * 100)
    (folder / "text.mp3").write_text("hello\n" * 100)
    (folder / "notes.txt").write_text("hello")
    (folder / "README").write_text("hello")
    (folder / "song.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    (folder / "zero.wav").write_bytes(b"")
    (folder / "gone.wav").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket must be short
        try:
            server.bind("socket.wav")
        finally:
            os.chdir(here)
    write(folder / "none.wav", np.zeros(0))
    (folder / "folder.wav").mkdir()

    corpus = scan([folder], 0.2)

    assert corpus.sounds == []
    assert reasons(corpus) == {
        "text.wav": "not a sound that can be read: format not recognised",
        "text.mp3": "not a sound that can be read: format not recognised",
        "notes.txt": "not a sound file (.txt)",
        "README": "not a sound file (its name has no extension)",
        "song.m4a": "libsndfile does not read .m4a: convert it to WAV or FLAC",
        "zero.wav": "empty (0 bytes)",
        "gone.wav": "a link to a file that is not there",
        "pipe.wav": "not a regular file",
        "socket.wav": "not a regular file",
        "none.wav": "empty (no samples in it)",
    }


def test_samples_that_are_no_sound(folder: Path) -> None:
    broken = sine()
    broken[100:107] = [np.nan] * 5 + [np.inf, -np.inf]
    write(folder / "nan.wav", broken, subtype="FLOAT")
    write(folder / "huge.wav", 1e300 * sine(), subtype="DOUBLE")
    write(folder / "absurd.wav", 1e30 * sine(), subtype="FLOAT")
    write(folder / "silent.wav", np.zeros(8000))
    write(folder / "nearly.wav", sine(peak=9e-6), subtype="FLOAT")
    write(folder / "against.wav", np.stack([sine(), -sine()], axis=1))
    write(folder / "short.wav", sine(0.0005))

    assert reasons(scan([folder], 0.2)) == {
        "nan.wav": "holds NaN or infinite samples (7 of 8000)",
        "huge.wav": "holds NaN or infinite samples (7999 of 8000)",
        "absurd.wav": "its peak is 5e+29, where full scale is 1: these samples are no sound",
        "silent.wav": "silent (its peak is below -100 dB)",
        "nearly.wav": "silent (its peak is below -100 dB)",
        "against.wav": "silent once its channels are mixed to one: they cancel each other out",
        "short.wav": "too short: 0.5 ms; 1 ms is the least",
    }


def test_quiet_short_and_loud_sounds_are_used(folder: Path) -> None:
    write(folder / "3ms.wav", sine(0.003))
    write(folder / "1ms.wav", sine(0.001))
    write(folder / "quiet.wav", sine(peak=2e-5), subtype="FLOAT")
    write(folder / "loud.wav", sine(peak=32767), subtype="FLOAT")
    write(folder / "one-sided.wav", np.stack([sine(), 0 * sine()], axis=1))

    corpus = scan([folder], 0.2)

    assert not corpus.skipped
    assert notes(corpus) == {
        "1ms.wav": "",
        "3ms.wav": "",
        "quiet.wav": "",
        "loud.wav": "its peak is 3.277e+04, where full scale is 1",
        "one-sided.wav": "",
    }


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.ogg", "a.mp3", "a.w64", "a.opus"])
def test_a_file_that_is_cut_off_is_used_as_far_as_it_goes(folder: Path, name: str) -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal(3 * 48000)
    how = {"format": "OGG", "subtype": "OPUS"} if name == "a.opus" else {}
    path = write(folder / name, noise, 48000, **how)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])

    (sound,) = scan([folder], 0.2).sounds

    assert sound.note.startswith("cut off after ")
    assert 0.8 < sound.seconds < 2.0
    if name in ("a.wav", "a.aiff", "a.flac", "a.mp3", "a.w64"):
        assert sound.note.endswith(" s of 3 s")


def test_a_wav_file_that_was_written_to_a_pipe_is_whole(folder: Path) -> None:
    path = write(folder / "a.wav")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4
    path.write_bytes(content)
    (sound,) = scan([folder], 0.2).sounds
    assert (sound.seconds, sound.note) == (0.5, "")


def test_random_bytes_in_sounds_end_no_scan(folder: Path) -> None:
    random = np.random.default_rng(3)
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"):
        path = write(folder / name, 0.2 * random.standard_normal(20000))
        whole = path.read_bytes()
        for number in range(8):
            content = bytearray(whole)
            for place in random.integers(0, len(content), 1 + 20 * number):
                content[place] = random.integers(0, 256)
            path.with_stem(f"a{number}").write_bytes(content)
    corpus = scan([folder], 0.2)
    assert len(corpus.sounds) + len(corpus.skipped) == 45
    assert all(skipped.reason for skipped in corpus.skipped)


def test_the_same_sound_is_used_once(folder: Path) -> None:
    first = write(folder / "b" / "first.wav")
    (folder / "c.wav").write_bytes(first.read_bytes())
    (folder / "d.wav").symlink_to(first)
    os.link(first, folder / "e.wav")
    write(folder / "f.flac", soundfile.read(first)[0])  # another file, with the same samples
    write(folder / "other.wav")

    corpus = scan([folder], 0.2)

    assert [sound.name for sound in corpus.sounds] == ["b/first.wav", "other.wav"]
    assert reasons(corpus) == dict.fromkeys(("c.wav", "d.wav", "e.wav", "f.flac"), "the same sound as b/first.wav")


def test_sub_folders_hidden_files_and_loops(folder: Path) -> None:
    for name in ("b.wav", "a/x.wav", "a/deep/er/y.wav", ".hidden.wav", ".git/z.wav", "a/._x.wav"):
        write(folder / name)
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "z").symlink_to(folder / "a")
    corpus = scan([folder], 0.2)
    assert [sound.name for sound in corpus.sounds] == ["a/deep/er/y.wav", "a/x.wav", "b.wav"]
    assert corpus.skipped == []


def test_several_paths_have_names_that_tell_them_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "drums" / "x.wav", sine(0.1))
    write(folder / "speech" / "x.wav", sine(0.2))
    write(folder / "y.wav")
    monkeypatch.chdir(folder)

    corpus = scan(["drums", folder / "speech", "./speech/../y.wav", "y.wav", "drums/x.wav"], 0.2)

    assert [sound.name for sound in corpus.sounds] == ["drums/x.wav", "speech/x.wav", "y.wav"]
    assert corpus.paths[:3] == [str(folder / name) for name in ("drums", "speech", "y.wav")]
    assert corpus.sounds[0].path == str(folder / "drums" / "x.wav")
    assert [sound.name for sound in scan(["y.wav"], 0.2).sounds] == ["y.wav"]


def test_a_hidden_file_or_folder_that_is_named_is_used(folder: Path) -> None:
    write(folder / ".samples" / "x.wav")
    assert len(scan([folder / ".samples"], 0.2).sounds) == 1
    assert len(scan([folder / ".samples" / "x.wav"], 0.2).sounds) == 1


def test_paths_that_are_wrong_are_refused_by_name(folder: Path) -> None:
    write(folder / "x.wav")
    (folder / "empty" / "sub").mkdir(parents=True)
    (folder / "empty" / ".hidden").touch()
    with pytest.raises(RequestError, match="nowhere: no such file or directory"):
        scan([folder, folder / "nowhere"], 0.2)
    with pytest.raises(RequestError, match=r"no files in .*empty"):
        scan([folder, folder / "empty"], 0.2)
    with pytest.raises(RequestError, match="no sounds were given"):
        scan([], 0.2)
    with pytest.raises(RequestError, match="cannot be the name of a file"):
        scan(["a\0b"], 0.2)


ODD_NAMES = [
    "[/x] [bold]markup[/].wav",
    "two\nlines\t.wav",
    "\x1b[31mred.wav",
    "\U0001f941 drum.wav",
    "a" * 251 + ".wav",
    "100% file%20name.wav",
    "-rf.wav",
    " lead and trail .wav",
    "\\back'quote\".wav",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_survive(folder: Path, tmp_path: Path, name: str) -> None:
    write(folder / name)
    corpus = scan([folder], 0.2)
    corpus.save(tmp_path / "sounds.json")
    (sound,) = Corpus.load(tmp_path / "sounds.json").sounds
    assert sound.name == name
    assert sound.path == str(folder / name)
    assert soundfile.read(sound.file)[1] == 16000


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such names")
def test_names_that_are_no_text_survive(folder: Path, tmp_path: Path) -> None:
    place = folder / os.fsdecode(b"caf\xe9 100%")
    write(place / os.fsdecode(b"\xff\xfe#?.wav"))
    corpus = scan([place], 0.2)
    corpus.save(tmp_path / "sounds.json")

    again = Corpus.load(tmp_path / "sounds.json")

    (sound,) = again.sounds
    assert sound.name == "\ufffd\ufffd#?.wav"
    assert sound.file == place / os.fsdecode(b"\xff\xfe#?.wav")
    assert decode_path(again.paths[0]) == str(place)
    assert scan(again.paths, 0.2).sounds == corpus.sounds


def as_nobody(code: str, *arguments: str) -> str:
    """What `code` prints in a process that permissions hold for, which they do not for root."""
    drop = "import os\nif os.geteuid() == 0: os.setgroups([]); os.setegid(65534); os.seteuid(65534)\n"
    first = "import sys\nfrom distill_tui.data.scan import scan\nimport soundfile, numpy\n"
    done = subprocess.run(
        [sys.executable, "-c", first + drop + code, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get to, unlike those of tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_files_and_folders_that_may_not_be_read(open_folder: Path) -> None:
    write(open_folder / "good.wav")
    write(open_folder / "locked.wav").chmod(0)
    write(open_folder / "shut" / "in.wav").parent.chmod(0)
    told = "for s in scan([sys.argv[1]], 0.2).skipped: print(f'{s.name}: {s.reason}')"
    try:
        out = as_nobody(told, str(open_folder))
        refused = as_nobody(
            "try: scan([sys.argv[1]], 0.2)\nexcept Exception as e: print(type(e).__name__, e)",
            str(open_folder / "shut"),
        )
    finally:
        (open_folder / "shut").chmod(0o755)
    assert out.splitlines() == [
        "locked.wav: cannot be read: permission denied",
        "shut: this folder cannot be opened: permission denied",
    ]
    assert refused.startswith("RequestError") and "shut: permission denied" in refused


def test_whole_files_are_split_every_nth_held_out(folder: Path) -> None:
    for number in range(10):
        write(folder / f"{number}.wav", sine(0.1 * (number + 1)))
    splits = [sound.split for sound in scan([folder], 0.2).sounds]
    assert splits == ["training", "training", "training", "training", "validation"] * 2
    assert scan([folder], 0.5).split_files("validation") == 5
    assert scan([folder], 0.02).split_files("validation") == 1
    assert scan([folder / "0.wav", folder / "1.wav"], 0.02).split_files("training") == 1


def test_one_file_is_split_by_time(folder: Path) -> None:
    write(folder / "a.wav", sine(1.0))
    corpus = scan([folder], 0.25)
    assert corpus.sounds[0].split == "by time"
    assert corpus.split_seconds("validation") == pytest.approx(0.25)
    assert corpus.split_files("training") == corpus.split_files("validation") == 1


def test_progress_is_told_from_the_first_to_the_last_file(folder: Path, home: Home) -> None:
    for number in range(5):
        write(folder / f"{number}.wav")
    (folder / "a.txt").touch()
    told: list[tuple[int, int]] = []
    threads = set()

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        threads.add(threading.current_thread())

    scan([folder], 0.2, home, progress)
    assert told[0] == (0, 6) and told[-1] == (6, 6)
    assert threads == {threading.main_thread()}
    told.clear()
    scan([folder], 0.2, home, progress)
    assert told == [(0, 6), (6, 6)]


@pytest.mark.slow
def test_memory_stays_bounded(folder: Path) -> None:
    """Twenty minutes of 8 channels would be 300 MB as float32."""
    path = folder / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 8, "PCM_U8") as file:
        block = np.tile(sine(1, 8000)[:, None], 8)
        for _ in range(1200):
            file.write(block)
    tracemalloc.start()
    try:
        (sound,) = scan([path], 0.2).sounds
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sound.seconds == 1200
    assert peak < 10 * 4 * sound_file.BLOCK_SAMPLES


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    original = scan_module.examine

    def counted(file: FoundFile, *how: Any) -> tuple[scan_cache.Finding, bool]:
        names.append(file.name)
        return original(file, *how)

    monkeypatch.setattr(scan_module, "examine", counted)
    return names


def test_a_second_scan_reads_only_what_changed(folder: Path, home: Home, examined: list[str]) -> None:
    for name in ("a.wav", "b.wav", "[\U0001f941].wav"):
        write(folder / name)
    (folder / "bad.wav").write_text("no sound")
    first = scan([folder], 0.2, home)
    assert len(examined) == 4
    examined.clear()

    assert scan([folder], 0.2, home) == first
    assert examined == []

    old = (folder / "a.wav").stat()
    write(folder / "a.wav", sine(hertz=999))  # as long as before, and dated back
    os.utime(folder / "a.wav", ns=(old.st_atime_ns, old.st_mtime_ns))
    second = scan([folder], 0.2, home)
    assert examined == ["a.wav"]
    assert second.sounds[1].content != first.sounds[1].content


def test_a_failure_that_may_pass_is_not_remembered(folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "a.wav")

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", fail)
        assert reasons(scan([folder], 0.2, home)) == {"a.wav": "cannot be read: input/output error"}
    assert len(scan([folder], 0.2, home).sounds) == 1


def test_a_file_that_grows_while_it_is_read_is_skipped(
    folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "a.wav")
    original = sound_file.FileHash.finish

    def hash_and_grow(self: sound_file.FileHash, stop: Stop | None = None) -> str:
        with path.open("ab") as file:
            file.write(b"more")
        return original(self, stop)

    with monkeypatch.context() as patch:
        patch.setattr(sound_file.FileHash, "finish", hash_and_grow)
        assert reasons(scan([folder], 0.2, home)) == {"a.wav": "it was changed while it was read: scan again"}
    assert len(scan([folder], 0.2, home).sounds) == 1


def test_a_damaged_memory_is_made_anew(folder: Path, home: Home, examined: list[str]) -> None:
    write(folder / "a.wav")
    home.cache.mkdir(parents=True)
    (home.cache / scan_cache.FILE_NAME).write_bytes(b"this is no database" * 100)
    for expected in (["a.wav"], []):
        examined.clear()
        assert len(scan([folder], 0.2, home).sounds) == 1
        assert examined == expected


def test_a_memory_that_is_damaged_inside_is_made_anew(folder: Path, home: Home, examined: list[str]) -> None:
    for number in range(200):
        (folder / f"{number}-{'x' * 100}.wav").write_text("no sound")
    scan([folder], 0.2, home)
    path = home.cache / scan_cache.FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    assert len(scan([folder], 0.2, home).skipped) == 200
    examined.clear()
    assert len(scan([folder], 0.2, home).skipped) == 200
    assert examined == []


def test_a_memory_that_is_locked_or_cannot_be_written_is_gone_without(
    folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a.wav")
    monkeypatch.setattr(scan_cache, "PATIENCE", 0.05)
    scan([folder], 0.2, home)
    write(folder / "b.wav")
    with sqlite3.connect(home.cache / scan_cache.FILE_NAME) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert len(scan([folder], 0.2, home).sounds) == 2
    other.close()
    assert len(scan([folder], 0.2, Home(folder / "a.wav" / "no-folder")).sounds) == 2


def test_an_interrupt_ends_a_scan_at_once(folder: Path) -> None:
    for number in range(50):
        write(folder / f"{number}.wav")

    def progress(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        scan([folder], 0.2, None, progress)
    assert threading.active_count() == before


def wav_head(data_bytes: int, rate: int = 44100) -> bytes:
    """The beginning of a WAV file of one channel of 16 bits that says it has so many bytes of samples."""
    claimed = min(data_bytes, 0xFFFFFFFF - 36)
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", claimed + 36)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", claimed)
    )


@pytest.mark.parametrize("size", [4 * 10**9, 100 * 10**9])
def test_a_huge_file_that_is_a_hole_is_skipped_without_reading_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = folder / "hole.wav"
    folder.mkdir(exist_ok=True)
    path.write_bytes(wav_head(size))
    try:
        os.truncate(path, size)
    except OSError as error:
        pytest.skip(f"no file of this size here: {error}")
    if path.stat().st_blocks * 512 > 10**6:
        pytest.skip("this file system has no holes")

    def no_reading(*_: object) -> str:
        raise AssertionError("it was read")

    monkeypatch.setattr(sound_file.FileHash, "finish", no_reading)
    (reason,) = reasons(scan([folder], 0.2)).values()
    assert re.fullmatch(r"only \d+ bytes of its [\d.]+ GB are on the disk", reason)


def test_a_file_with_a_hole_and_sound_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_file, "SPARSE_BYTES", 1000)
    path, hole, sound = folder / "silence first.wav", 2**20, (sine(5.0, 44100) * 32767).astype("<i2").tobytes()
    folder.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(wav_head(hole + len(sound)))
        file.seek(hole + 44)
        file.write(sound)
    (found,) = scan([folder], 0.2).sounds
    assert found.frames == (hole + len(sound)) // 2


def test_what_says_it_is_longer_than_a_day_is_skipped_before_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "LONGEST_HOURS", 1 / 3600)
    write(folder / "a.wav", sine(0.9))
    write(folder / "b.wav", sine(1.1))
    read: list[object] = []

    def hashed(self: sound_file.FileHash, stop: Stop | None) -> str:
        read.append(self)
        return ""

    monkeypatch.setattr(sound_file.FileHash, "finish", hashed)
    corpus = scan([folder], 0.2)
    assert reasons(corpus) == {"b.wav": "longer than 24 hours: split it into shorter files"}
    assert len(corpus.sounds) == len(read) == 1


def test_what_turns_out_to_be_longer_than_a_day_is_read_no_further(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "LONGEST_HOURS", 1 / 3600)
    monkeypatch.setattr(scan_module, "UNKNOWN_FRAMES", 0)
    monkeypatch.setattr(sound_file, "BLOCK_SAMPLES", 1000)
    write(folder / "a.wav", sine(30.0))
    blocks: list[int] = []
    original = sound_file.OpenSound.blocks

    def counted(self: sound_file.OpenSound) -> Iterator[sound_file.Samples]:
        for block in original(self):
            blocks.append(len(block))
            yield block

    monkeypatch.setattr(sound_file.OpenSound, "blocks", counted)
    assert list(reasons(scan([folder], 0.2))) == ["a.wav"]
    assert sum(blocks) < 2 * 44100


def test_flipped_bits_in_the_memory_are_not_believed(folder: Path, home: Home) -> None:
    for number in range(20):
        write(folder / f"{number}.wav", sine(0.1, hertz=200 + 20 * number))
    (folder / "empty.wav").touch()
    first = scan([folder], 0.2, home)
    path = home.cache / scan_cache.FILE_NAME
    content = path.read_bytes()
    chance = random.Random(0)
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(20):
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert scan([folder], 0.2, home) == first
    # and a row that is moved to another file, or another state of it, tells nothing of that
    path.write_bytes(content)
    with sqlite3.connect(path) as rows:
        rows.execute(
            "UPDATE findings SET finding = (SELECT finding FROM findings WHERE instr(finding, 'empty')),"
            " hash = (SELECT hash FROM findings WHERE instr(finding, 'empty'))"
        )
    rows.close()
    assert scan([folder], 0.2, home) == first


def test_what_an_earlier_version_remembered_is_swept(folder: Path, home: Home) -> None:
    write(folder / "a.wav")
    home.cache.mkdir(parents=True)
    (home.cache / "scans-1.sqlite").touch()
    scan([folder], 0.2, home)
    assert [path.name for path in home.cache.iterdir()] == [scan_cache.FILE_NAME]
