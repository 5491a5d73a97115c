"""The demo's sounds."""

from pathlib import Path

import numpy as np
import soundfile

from distill_tui.data.demo_sounds import KINDS, RATE, write_demo_sounds
from distill_tui.data.scan import scan


def test_they_are_good_material_for_a_short_training(tmp_path: Path) -> None:
    paths = write_demo_sounds(tmp_path)
    corpus = scan([tmp_path], 0.2)
    assert len(paths) == len(corpus.sounds) == 24
    assert corpus.skipped == []
    assert 13 < corpus.seconds < 17
    assert len({path.parent for path in paths}) == len(KINDS)
    assert {(s.rate, s.channels, s.format) for s in corpus.sounds} == {(RATE, 1, "WAV 16 bit")}
    for path in paths:
        sound = soundfile.read(path)[0]
        assert len(sound) / RATE + 1e-4 >= 0.3 and len(sound) / RATE <= 1.2
        assert abs(np.abs(sound).max() - 0.8) < 0.001
        assert abs(sound.mean()) < 0.01
        assert abs(sound[0]) < 0.01 and np.abs(sound[-20:]).max() < 0.01
        assert np.sqrt((sound**2).mean()) > 0.03


def test_the_same_seed_gives_the_same_files_and_leaves_them_alone(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in write_demo_sounds(tmp_path / "a", seed=3)}
    dates = {path: path.stat().st_mtime_ns for path in first}
    write_demo_sounds(tmp_path / "a", seed=3)
    assert {path: path.stat().st_mtime_ns for path in first} == dates
    fewer = write_demo_sounds(tmp_path / "b", seed=3, count=9)
    assert [path.read_bytes() for path in fewer] == list(first.values())[:9]
    other = write_demo_sounds(tmp_path / "c", seed=4)
    assert not {path.read_bytes() for path in other} & set(first.values())


def test_a_file_that_was_damaged_is_written_again(tmp_path: Path) -> None:
    path = write_demo_sounds(tmp_path, count=1)[0]
    good = path.read_bytes()
    path.write_bytes(good[:50])
    write_demo_sounds(tmp_path, count=1)
    assert path.read_bytes() == good
