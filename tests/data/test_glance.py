"""What a folder holds, without reading it."""

from pathlib import Path

import pytest

from distill_tui.data import glance as module
from distill_tui.data.glance import Glance, glance
from distill_tui.data.scan import scan
from distill_tui.paths import Home
from tests.data.sounds import sine, write
from tests.data.test_images import put


def test_sounds_are_counted_and_their_length_is_known_once_they_were_scanned(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sounds"
    (folder / "deep").mkdir(parents=True)
    write(folder / "a.wav", sine(1.0))
    write(folder / "deep" / "b.wav", sine(0.5, hertz=300))
    (folder / "notes.txt").write_text("no sound")
    assert glance(folder, home.cache) == Glance(sounds=2)
    assert not home.cache.exists(), "a glance makes no cache"
    scan([folder], 0.5, home)
    assert glance(folder, home.cache) == Glance(sounds=2, seconds=1.5)
    monkeypatch.setattr(module, "MOST_FILES", 1)
    assert glance(folder, home.cache) == Glance(sounds=1, more=True)
    assert glance(tmp_path / "nowhere") == Glance()


def test_pictures_are_counted_by_their_headers(tmp_path: Path) -> None:
    folder = put(tmp_path / "m", "t10k", 120, packed=True)
    assert glance(folder) == Glance(pictures=120)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    assert glance(folder).pictures == 0
