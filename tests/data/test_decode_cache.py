"""The cache of decoded sounds, and the packs that it lies in."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill_tui.data import blocks, packer, packs, sound_file
from distill_tui.data.cache_room import cache_bytes
from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.decode_cache import decode, decode_all
from distill_tui.data.packs import packs_folder, stored_bytes
from distill_tui.data.scan import scan
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import Home
from tests.data.sounds import sine, write


def scanned(path: Path) -> Sound:
    corpus = scan([path], 0.2)
    assert corpus.sounds, corpus.skipped
    return corpus.sounds[0]


def read(sound: Sound, rate: int, home: Home) -> np.ndarray:
    """The whole sound, through the cache."""
    return decode(sound, rate, home)[:]


def packs_of(home: Home) -> list[Path]:
    return sorted(packs_folder(home).glob("*.pack"))


def level_and_pitch(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """The peak of the strongest sine in the middle of a sound, and its frequency in Hz."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    window = np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window)) / window.sum() * 2
    return float(spectrum.max()), float(spectrum.argmax() * rate / len(middle))


@pytest.mark.parametrize("native", [8000, 11025, 37800, 44100, 96000, 192000])
@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_sine_stays_a_sine_of_the_same_pitch_level_and_length(
    tmp_path: Path, home: Home, native: int, rate: int
) -> None:
    sound = scanned(write(tmp_path / "a.wav", sine(1.01, native, 1000.0), native, subtype="FLOAT"))
    samples = read(sound, rate, home)
    assert samples.dtype == np.float32
    assert len(samples) == round(sound.frames * rate / native)
    level, pitch = level_and_pitch(samples, rate)
    assert level == pytest.approx(0.5, rel=0.01)
    assert pitch == pytest.approx(1000.0, abs=3)


def test_what_lies_above_the_new_rates_middle_is_taken_out(tmp_path: Path, home: Home) -> None:
    sound = scanned(write(tmp_path / "a.wav", sine(1.0, 44100, 9000.0), 44100))
    samples = read(sound, 8000, home)
    assert np.abs(samples[100:-100]).max() < 1e-3


def test_blocks_leave_no_seams(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", 0.2 * np.random.default_rng(0).standard_normal((30000, 2)), 37800)
    whole = read(scanned(path), 44100, home).copy()
    shutil.rmtree(home.cache)
    monkeypatch.setattr(sound_file, "BLOCK_SAMPLES", 777)
    assert np.abs(read(scanned(path), 44100, home) - whole).max() < 1e-5


def test_channels_are_mixed_as_their_mean_and_the_same_rate_changes_nothing(tmp_path: Path, home: Home) -> None:
    both = np.stack([sine(hertz=300), sine(hertz=500)], axis=1)
    sound = scanned(write(tmp_path / "a.wav", both, 16000, subtype="FLOAT"))
    assert np.abs(read(sound, 16000, home) - both.mean(axis=1)).max() < 1e-5


@pytest.mark.parametrize("frames", [8, 9, 24, 101])
def test_sounds_of_a_few_samples(tmp_path: Path, home: Home, frames: int) -> None:
    sound = scanned(write(tmp_path / "a.wav", np.full(frames, 0.5), 8000))
    for rate in (8000, 4000, 44100, 48000):
        assert len(read(sound, rate, home)) == round(frames * rate / 8000)


def test_it_is_decoded_once_and_then_needs_no_source(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "a.wav")
    sound = scanned(path)
    first = decode(sound, 22050, home)
    path.unlink()
    assert decode(sound, 22050, home).place == first.place
    with pytest.raises(DistillError, match=r"a\.wav: cannot be read: no such file"):
        decode(sound, 16000, home)
    assert [p.stat().st_size for p in packs_of(home)] == [stored_bytes(len(first))]


def test_a_source_that_changed_since_the_scan_is_refused(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "a.wav")
    sound = scanned(path)
    write(path, sine(hertz=999))
    with pytest.raises(DistillError, match="has changed since it was scanned"):
        decode(sound, 22050, home)
    assert packs_of(home) == []


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_16_bits_are_kept_and_others_lose_nothing_that_is_heard(tmp_path: Path, home: Home, subtype: str) -> None:
    """A fade-out of noise by 70 dB: the error lies 85 dB below the power of each block."""
    random = np.random.default_rng(0)
    fade = random.uniform(-0.9, 0.9, 1 << 18) * 10 ** (np.linspace(0, -70, 1 << 18) / 20)
    path = write(tmp_path / "a.wav", fade, 44100, subtype=subtype)
    source = np.asarray(soundfile.read(path, dtype="float64")[0])
    error = read(scanned(path), 44100, home) - source
    if subtype == "PCM_16":
        assert not error.any()
        return
    ratios = [
        10 * np.log10(np.mean(source[i : i + packs.BLOCK] ** 2) / np.mean(error[i : i + packs.BLOCK] ** 2))
        for i in range(0, len(source), packs.BLOCK)
    ]
    assert min(ratios) > 90


def test_a_cut_off_sound_is_decoded_as_far_as_it_was_scanned(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "a.flac", 0.2 * np.random.default_rng(0).standard_normal(60000))
    path.write_bytes(path.read_bytes()[:70000])
    sound = scanned(path)
    assert sound.note
    assert len(read(sound, 16000, home)) == sound.frames


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of two channels at 48 kHz would be 230 MB as float32."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 48000, 2, "PCM_U8") as file:
        block = np.tile(sine(1, 48000)[:, None], 2)
        for _ in range(600):
            file.write(block)
    sound = scanned(path)
    monkeypatch.setattr(packer, "MOST_HELD", 1 << 20)
    tracemalloc.start()
    try:
        wave = decode(sound, 8000, home)
        assert len(wave[100 * 8000 : 101 * 8000]) == 8000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(wave) == 600 * 8000
    assert peak < 12 * 4 * sound_file.BLOCK_SAMPLES


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    for number in range(6):
        write(tmp_path / "sounds" / f"{number}.wav", sine(0.2, hertz=300 + 50 * number))
    return scan([tmp_path / "sounds"], 0.2)


def test_all_of_a_corpus_in_its_order_with_progress(corpus: Corpus, home: Home) -> None:
    told: list[tuple[int, int]] = []
    files, failed = decode_all(corpus, 8000, home, lambda done, total: told.append((done, total)))
    assert failed == []
    assert [wave.sound for wave in files] == corpus.sounds
    assert all(len(wave[:]) == len(wave) == 1600 for wave in files)
    assert told == [(done, 6) for done in range(7)]
    assert [path.stat().st_size for path in packs_of(home)] == [6 * stored_bytes(1600)]
    assert cache_bytes(home) > 6 * stored_bytes(1600)


def test_what_fails_now_stops_nothing_while_others_are_good(corpus: Corpus, home: Home) -> None:
    corpus.sounds[0].file.unlink()
    write(corpus.sounds[3].file, sine(hertz=999))
    files, failed = decode_all(corpus, 8000, home)
    assert [wave.sound.name for wave in files] == ["1.wav", "2.wav", "4.wav", "5.wav"]
    assert failed == [
        ("0.wav", "cannot be read: no such file or directory"),
        ("3.wav", "it has changed since it was scanned"),
    ]


def test_no_sound_that_can_be_read_is_an_error(corpus: Corpus, home: Home) -> None:
    shutil.rmtree(corpus.sounds[0].file.parent)
    with pytest.raises(DistillError, match="none of the 6 sounds can be read now"):
        decode_all(corpus, 8000, home)
    with pytest.raises(RequestError, match="no sound files"):
        decode_all(Corpus(paths=["/x"]), 8000, home)


def test_a_full_disk_is_told_and_leaves_nothing(corpus: Corpus, home: Home) -> None:
    # a limit on the size of files fails in the same place, and with a plain error, as a full disk does
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom distill_tui.data import corpus, decode_cache\n"
        "from distill_tui.errors import DistillError\nfrom distill_tui.paths import Home\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))\n"
        "try: decode_cache.decode_all(corpus.Corpus.load(Path(sys.argv[1])), 96000, Home(Path(sys.argv[2])))\n"
        "except DistillError as error: print(error.message)"
    )
    manifest = home.root / "sounds.json"
    corpus.save(manifest)
    done = subprocess.run(
        [sys.executable, "-c", code, str(manifest), str(home.root)], capture_output=True, text=True, timeout=60
    )
    assert re.match(r"cannot write .*packs: file too large", done.stdout), done.stderr
    assert [path.stat().st_size for path in packs_of(home)] == [0]


def test_a_home_that_cannot_be_written_is_told(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DistillError, match=r"cannot write .*file"):
        decode_all(corpus, 8000, Home(tmp_path / "file"))


BUILD = (
    "import sys\nfrom pathlib import Path\nfrom distill_tui.data import corpus, decode_cache\n"
    "from distill_tui.paths import Home\nfound = corpus.Corpus.load(Path(sys.argv[1]))\n"
    "print('ready', flush=True)\nsys.stdin.readline()\n"
    "files, failed = decode_cache.decode_all(found, 44100, Home(Path(sys.argv[2])))\nprint(len(files), len(failed))"
)


def builder(manifest: Path, home: Home) -> "subprocess.Popen[str]":
    """A process that is about to build the cache, and does so once it is sent a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(manifest), str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def test_two_processes_build_it_at_once(corpus: Corpus, home: Home, tmp_path: Path) -> None:
    manifest = tmp_path / "sounds.json"
    corpus.save(manifest)
    processes = [builder(manifest, home) for _ in range(2)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["6 0\n", "6 0\n"]
    # what one had packed the other did not pack again
    assert sum(path.stat().st_size for path in packs_of(home)) == 6 * stored_bytes(8820)
    alone = Home(tmp_path / "alone")
    for one, two in zip(*(decode_all(corpus, 44100, where)[0] for where in (home, alone)), strict=True):
        assert np.array_equal(one[:], two[:])


def wait_for(seen: Iterator[bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not next(seen):
        assert time.monotonic() < deadline


@pytest.mark.slow
def test_a_kill_while_it_is_written_leaves_nothing_wrong(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(600):
            file.write(sine(1, 8000))
    corpus = scan([path], 0.2)
    manifest = tmp_path / "sounds.json"
    corpus.save(manifest)
    process = builder(manifest, home)
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()

    def being_written() -> Iterator[bool]:
        while True:
            yield any(part.stat().st_size for part in packs_folder(home).glob(".*.part"))

    wait_for(being_written())
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)

    (left,) = packs_folder(home).glob(".*.part")
    (made,), failed = decode_all(corpus, 44100, home)
    assert failed == [] and len(made[:]) == 600 * 44100
    assert left.exists(), "it may be another run's, still being written"
    os.utime(left, (0, 0))
    decode_all(corpus, 8000, home)
    assert not left.exists()


def test_what_a_killed_process_left_at_a_packs_end_is_written_over(corpus: Corpus, home: Home) -> None:
    wave = decode(corpus.sounds[0], 8000, home)
    (pack,) = packs_of(home)
    with pack.open("ab") as file:
        file.write(b"half of a sound")
    decode_all(corpus, 8000, home)
    assert [path.stat().st_size for path in packs_of(home)] == [6 * stored_bytes(1600)]
    # and one that has become shorter than the index knows grows no more
    os.truncate(pack, 100)
    other = decode(corpus.sounds[1], 16000, home)
    assert len(packs_of(home)) == 2
    assert len(other[:]) == 3200 and len(wave[:]) == 1600


def test_packs_have_their_size_and_a_long_sound_one_of_its_own(
    corpus: Corpus, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 2 * stored_bytes(1600))
    small, _ = decode_all(corpus, 8000, home)
    assert [path.stat().st_size for path in packs_of(home)] == 3 * [2 * stored_bytes(1600)]
    monkeypatch.setattr(packer, "MOST_HELD", 2 * 1600)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr("distill_tui.data.decode_cache.BLOCK", 1000)
    long = decode(corpus.sounds[0], 16000, home)
    assert long.place.offset == 0 and len(packs_of(home)) == 4
    assert np.abs(long[::1][::2] - small[0][:])[10:-10].max() < 0.01


def test_an_empty_home_has_an_empty_cache(home: Home) -> None:
    assert cache_bytes(home) == 0


def test_threads_leave_the_umask_alone_and_files_are_their_owners_alone(corpus: Corpus, home: Home) -> None:
    before = os.umask(0o027)
    try:
        decode_all(corpus, 8000, home)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in packs_folder(home).iterdir()} == {0o600}


def flip(path: Path, position: int) -> None:
    """Turn one bit of a file over."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def test_flipped_bits_are_seen_where_they_are_read_and_decoded_again(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr("distill_tui.data.decode_cache.BLOCK", 1000)
    sound = scanned(write(tmp_path / "a.wav", sine(0.5, 8000), 8000))
    wave = decode(sound, 8000, home)
    (path,), whole = packs_of(home), wave[:]
    assert len(path.read_bytes()) == 2 * 4000 + 4 * 12
    for position in (0, 2 * 1999 + 1, 2 * 4000 - 1, 2 * 4000, 2 * 4000 + 4 * 12 - 1):
        flip(path, wave.place.offset + position)
        before = wave.place
        assert np.array_equal(wave[:], whole)
        assert wave.place != before
    flip(path, wave.place.offset + 2 * 3000)
    before = wave.place
    assert np.array_equal(wave[:3000], whole[:3000])
    assert wave.place == before, "what is not read is not looked at"
    # a block that belongs elsewhere is no less wrong than one that is damaged
    good, at = path.read_bytes(), wave.place.offset
    path.write_bytes(good[:at] + good[at + 2000 : at + 4000] + good[at : at + 2000] + good[at + 4000 :])
    assert np.array_equal(wave[1500:1600], whole[1500:1600])


def test_any_part_of_a_wave_is_what_it_is_in_the_whole(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr("distill_tui.data.decode_cache.BLOCK", 64)
    random = np.random.default_rng(0)
    sound = scanned(write(tmp_path / "a.wav", random.uniform(-0.5, 0.5, 1000), 8000))
    (wave,), _ = decode_all(Corpus(paths=[], sounds=[sound]), 8000, home)
    whole = np.asarray(soundfile.read(tmp_path / "a.wav", dtype="float32")[0])
    for _ in range(50):
        first, last = sorted(int(n) for n in random.integers(0, 1001, 2))
        assert np.array_equal(wave[first:last], whole[first:last])
        part = wave.part(first, last)
        assert len(part) == last - first
        assert np.array_equal(part[3:-3], whole[first:last][3:-3])
        assert np.array_equal(part[: len(part) + 5], whole[first:last])
    assert len(wave[5:3]) == 0


def test_a_cache_that_is_deleted_while_it_is_used_is_made_anew(corpus: Corpus, home: Home) -> None:
    waves, _ = decode_all(corpus, 8000, home)
    before = [wave[:] for wave in waves]
    shutil.rmtree(home.cache)
    assert all(np.array_equal(wave[:], then) for wave, then in zip(waves, before, strict=True))


def test_what_is_damaged_and_cannot_be_made_anew_is_told(tmp_path: Path, home: Home) -> None:
    sound = scanned(write(tmp_path / "a.wav"))
    wave = decode(sound, 8000, home)
    flip(packs_of(home)[0], 100)
    sound.file.unlink()
    with pytest.raises(DistillError, match=r"damaged or gone.*a\.wav: cannot be read: no such file") as caught:
        wave[:]
    assert "resume" in caught.value.hint


def test_no_sound_costs_a_descriptor_or_a_mapping(corpus: Corpus, home: Home) -> None:
    def held() -> tuple[int, int]:
        with Path("/proc/self/maps").open() as maps:
            return len(list(Path("/proc/self/fd").iterdir())), sum("/cache/packs/" in line for line in maps)

    if not Path("/proc/self/maps").exists():
        pytest.skip("needs Linux's /proc")
    before = held()
    waves, _ = decode_all(corpus, 8000, home)
    samples = [wave[:] for wave in waves]
    assert len(samples) == 6
    # one says which packs are in use
    assert held() == (before[0] + 1, before[1])


def test_what_an_earlier_version_decoded_is_taken_over(corpus: Corpus, home: Home) -> None:
    """A file of float32 and its hash, as version 2 of the cache wrote it; its source is gone."""
    folder, sound = home.cache / "sounds", corpus.sounds[0]
    folder.mkdir(parents=True)
    old = folder / f"{sound.content}-8000-v2.f32"
    samples = sine(0.2, 8000).astype("<f4")
    check = hashlib.blake2b(samples.data, digest_size=8, key=old.name.encode()[:64], salt=bytes(16))
    old.write_bytes(samples.tobytes() + check.digest())
    sound.file.unlink()
    other = folder / f"{'0' * 40}-8000-v2.f32"
    other.touch()
    for file in (old, other):
        os.utime(file, (0, 0))
    waves, failed = decode_all(corpus, 8000, home)
    assert failed == [] and np.abs(waves[0][:] - samples).max() < 1e-4
    # those of other runs stay for a month from here on, however old they are
    upgraded = folder / "upgraded"
    assert set(folder.iterdir()) == {other, upgraded}
    os.utime(upgraded, (0, 0))
    decode_all(corpus, 16000, home)
    assert list(folder.iterdir()) == []
