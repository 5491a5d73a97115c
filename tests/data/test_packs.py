"""Packing in a scan, room for decoded sounds, and what gives way."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from distill_tui.data import cache_room, decode_cache, packs, scan_packing
from distill_tui.data.cache_room import Plan, plan_room
from distill_tui.data.decode_cache import decode, decode_all
from distill_tui.data.packs import Use, changing, packs_folder, stored_bytes, used_packs
from distill_tui.data.scan import scan
from distill_tui.data.scan_packing import ScanPacking
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import Home, parse_bytes
from tests.data.sounds import sine, write

COUNT = 12
IMPORTS = """
import sys
from pathlib import Path
from distill_tui.data.scan import scan
from distill_tui.data.scan_packing import ScanPacking
from distill_tui.paths import Home
home = Home(Path(sys.argv[2]))"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(COUNT):
        write(tmp_path / "sounds" / f"{number:02d}.wav", sine(0.2, hertz=300 + 50 * number))
    return tmp_path / "sounds"


def total(home: Home) -> int:
    return sum(path.stat().st_size for path in packs_folder(home).glob("*.pack"))


def test_a_scan_reads_each_file_once_and_leaves_nothing_to_decode(
    folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "no-sound.wav").write_text("no sound")
    told: list[Plan] = []
    corpus = scan([folder], 0.2, home, pack=ScanPacking(home, told=told.append))
    assert corpus.sounds == scan([folder], 0.2).sounds
    assert [plan.need for plan in told] == [COUNT * stored_bytes(3200)] == [total(home)]
    plan = plan_room(home, corpus.sounds, 16000)
    assert plan is not None and plan.need == 0

    def no_source(*_: object) -> None:
        raise AssertionError("it was read again")

    with monkeypatch.context() as patch:
        patch.setattr(decode_cache, "open_sound", no_source)
        waves, failed = decode_all(corpus, 16000, home)
    assert failed == [] and len(waves) == COUNT
    again = Home(home.root / "again")
    assert np.array_equal(waves[3][:], decode(corpus.sounds[3], 16000, again)[:])


def test_a_scan_without_room_or_a_cache_goes_on_without_packing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Home(tmp_path / "small", cache_limit=1000)
    assert len(scan([folder], 0.2, small, pack=ScanPacking(small)).sounds) == COUNT
    assert total(small) == 0
    (tmp_path / "file").touch()
    broken = Home(tmp_path / "file")
    assert len(scan([folder], 0.2, broken, pack=ScanPacking(broken)).sounds) == COUNT
    # a disk that fills up meanwhile
    home = Home(tmp_path / "full")
    monkeypatch.setattr("distill_tui.data.packer.BATCH_SECONDS", -1.0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("distill_tui.data.packer.write_all", full)
    assert len(scan([folder], 0.2, home, pack=ScanPacking(home)).sounds) == COUNT
    assert total(home) == 0
    # nothing large is taken by a scan that tells nobody
    monkeypatch.setattr(cache_room, "LARGE", 1000)
    untold = Home(tmp_path / "untold")
    assert len(scan([folder], 0.2, untold, pack=ScanPacking(untold)).sounds) == COUNT
    assert total(untold) == 0


def test_a_killed_scan_goes_on_where_it_was(folder: Path, home: Home) -> None:
    code = (
        "import os, signal\nfrom distill_tui.data import packer, scan_cache\n" + IMPORTS + "\n"
        "scan_cache.SAVE_EVERY = packer.BATCH_SECONDS = -1.0\n"
        "def progress(done, total):\n    if done == 7: os.kill(os.getpid(), signal.SIGKILL)\n"
        "scan([sys.argv[1]], 0.2, home, progress, ScanPacking(home))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(home.root)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    before = total(home)
    assert before >= 6 * stored_bytes(3200)
    read: Counter[str] = Counter()
    corpus = scan([folder], 0.2, home, lambda done, _: read.update([str(done)]), ScanPacking(home))
    # the six that were remembered are not read again: the first number told is that of the seventh
    assert "1" not in read and len(corpus.sounds) == COUNT
    assert len(decode_all(corpus, 16000, home)[0]) == COUNT
    assert total(home) == COUNT * stored_bytes(3200)


def test_two_scans_at_once_pack_every_sound_once(folder: Path, home: Home) -> None:
    code = (
        IMPORTS + "\nsys.stdin.readline()\nprint(len(scan([sys.argv[1]], 0.2, home, None, ScanPacking(home)).sounds))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(home.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [process.communicate("\n", timeout=60)[0] for process in processes] == 2 * [f"{COUNT}\n"]
    assert total(home) == COUNT * stored_bytes(3200)


def test_packs_unused_for_the_longest_give_way_and_never_those_in_use(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 * stored_bytes(3200)
    monkeypatch.setattr(packs, "PACK_BYTES", size)
    home = Home(tmp_path / "home", cache_limit=COUNT * stored_bytes(3200))
    corpus = scan([folder], 0.2)
    waves, _ = decode_all(corpus, 16000, home)
    with changing(home) as index:
        first, *_ = index.packs()
        assert used_packs(index) == {pack.id for pack in index.packs()}
    # in use, all of them: there is no room for others
    other = scan([write(tmp_path / "other.wav")], 0.2)
    with pytest.raises(DistillError, match=r"need 0\.0 MB in .*, and their limit is 0\.1 MB") as caught:
        decode_all(other, 16000, home)
    assert "cache_limit" in caught.value.hint
    with pytest.raises(RequestError, match="their limit is"):
        plan_room(home, other.sounds, 16000)
    # what is there already needs no room, however little there is
    assert (plan := plan_room(Home(home.root, cache_limit=1), corpus.sounds, 16000)) is not None
    assert plan.need == 0
    kept = [wave for wave in waves if wave.place.pack != first.id]
    held = Use()
    with changing(home) as index:
        held.take(index, {wave.place.pack for wave in kept})
        index._rows.execute("UPDATE packs SET used = id")
    del waves, kept
    decode_all(other, 16000, home)
    with changing(home) as index:
        left = [pack.id for pack in index.packs()]
        assert first.id not in left and set(held.packs) <= set(left)
    assert total(home) <= home.cache_limit
    # what was deleted is made anew
    del held
    assert len(decode_all(corpus, 16000, home)[0]) == COUNT


def test_too_little_room_is_told_before_anything_starts(
    folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = scan([folder], 0.2)
    monkeypatch.setattr(cache_room, "free_bytes", lambda _: 10000)
    with pytest.raises(RequestError, match=r"the decoded sounds need 0\.1 MB in .*cache, where 0\.0 MB are free"):
        plan_room(home, corpus.sounds, 16000)
    with pytest.raises(DistillError, match="are free"):
        decode_all(corpus, 16000, home)
    assert total(home) == 0


def test_a_damaged_index_is_begun_anew(folder: Path, home: Home) -> None:
    corpus = scan([folder], 0.2)
    decode_all(corpus, 16000, home)
    index_file = packs_folder(home) / packs.INDEX
    for damaged in (b"this is no database" * 1000, index_file.read_bytes()[:4096] + b"\xa5" * 12288):
        index_file.write_bytes(damaged)
        waves, _ = decode_all(corpus, 16000, home)
        assert len(waves) == COUNT and len(waves[0][:]) == 3200
    # the packs that no index knows are swept once they are old
    for path in packs_folder(home).glob("*.pack"):
        if path.name != waves[0].place.name:
            os.utime(path, (0, 0))
    with changing(home) as index:
        packs.sweep(index)
    assert total(home) == COUNT * stored_bytes(3200)
    # nor is a file elsewhere taken for a pack
    precious = home.root / "precious"
    precious.touch()
    with sqlite3.connect(index_file) as rows:
        rows.execute("UPDATE packs SET name = '../../precious'")
    rows.close()
    assert len(decode_all(corpus, 16000, home)[0]) == COUNT
    with changing(home) as index:
        assert str(precious) not in [pack.name for pack in index.packs()]
    assert precious.read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "count"), [("200 GB", 200 * 10**9), ("1.5 TB", 15 * 10**11), ("GB", None), ("-1 GB", None), (7, None)]
)
def test_sizes_as_people_write_them(text: object, count: int | None) -> None:
    assert parse_bytes(text) == count


def test_the_rate_follows_from_the_headers(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_packing, "MOST_HEADERS", 3)
    for number in range(6):
        write(tmp_path / "sounds" / f"{number}.wav", sine(0.2, 44100, 300 + 50 * number), 44100)
    corpus = scan([tmp_path / "sounds"], 0.2, home, pack=ScanPacking(home))
    assert total(home) == 6 * stored_bytes(8820)
    assert len(decode_all(corpus, 44100, home)[0]) == 6
    assert total(home) == 6 * stored_bytes(8820)
