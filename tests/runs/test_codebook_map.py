"""Dead codes by both known definitions, and maps on the disk."""

from pathlib import Path

import pytest

from distill_tui.runs.codebook_map import CodebookMap, Deadness, Level, dead_codes, read_map, write_map


@pytest.mark.parametrize(
    ("deadness", "counts", "dead"),
    [
        # 10,000 uses of 10 codes: the even share is 1,000, one percent of it 10, one percent of the total 100
        ("even", [5000, 4882, 99, 10, 9, 0, 0, 0, 0, 0], 6),
        ("total", [5000, 4882, 99, 10, 9, 0, 0, 0, 0, 0], 8),
        # fewer than 100 uses a code: never used
        ("even", [300, 1, 0, 0], 2),
        ("total", [300, 1, 0, 0], 3),
        # a perfect codebook of 256
        ("even", [1000] * 256, 0),
        ("total", [1000] * 256, 256),
        ("even", [0, 0], 2),
    ],
)
def test_both_definitions_count_as_defined(deadness: Deadness, counts: list[int], dead: int) -> None:
    assert sum(dead_codes(counts, deadness)) == dead


def test_a_map_comes_back_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    assert read_map(path) is None
    level = Level(codes=[(0.5, -1.0)], counts=[3], chosen=[0])
    wanted = CodebookMap(step=7, points=[(0.25, 1.0)], labels=[0], groups=["a"], levels=[level])
    write_map(path, wanted)
    assert read_map(path) == wanted
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(path.read_bytes()[:-5])
    assert read_map(path) is None
