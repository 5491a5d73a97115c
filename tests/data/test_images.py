"""MNIST's files in every shape that they come in, and figures where there are none."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from distill_tui.data.images.dataset import Pictures, find_pictures
from distill_tui.data.images.idx import read_idx
from distill_tui.data.images.synthetic_digits import draw
from distill_tui.errors import RequestError


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def put(folder: Path, prefix: str, count: int, *, packed: bool = False, dot: str = "-") -> Path:
    folder.mkdir(exist_ok=True)
    pictures, labels = draw(count, 1)
    for kind, array, digit in (("images", pictures, 3), ("labels", labels, 1)):
        name, content = f"{prefix}-{kind}{dot}idx{digit}-ubyte", idx(array)
        (folder / (name + (".gz" if packed else ""))).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dot", ["-", "."])
def test_four_files_are_two_parts(tmp_path: Path, packed: bool, dot: str) -> None:
    put(tmp_path / "m", "train", 300, packed=packed, dot=dot)
    found = find_pictures(put(tmp_path / "m", "t10k", 120, packed=packed, dot=dot), 0.1)
    assert (found.training, found.validation, found.note) == (300, 120, "")
    training, validation = found.read()
    pictures, labels = draw(300, 1)
    assert np.array_equal(training[0], pictures)
    assert np.array_equal(training[1], labels)
    assert len(validation[0]) == 120


@pytest.mark.parametrize("prefix", ["train", "t10k"])
def test_one_part_alone_is_split_and_that_is_said(tmp_path: Path, prefix: str) -> None:
    found = find_pictures(put(tmp_path / "m", prefix, 200), 0.1)
    assert (found.training, found.validation) == (180, 20)
    assert prefix in found.note
    training, validation = found.read()
    # every tenth, and none in both
    together = {picture.tobytes() for part in (training, validation) for picture in part[0]}
    assert len(together) == 200


def test_without_files_figures_are_drawn_and_that_is_said(tmp_path: Path) -> None:
    found = find_pictures(None, 0.1, seed=3)
    assert "drawn" in found.note
    found.save(tmp_path / "pictures.json")
    again = Pictures.load(tmp_path / "pictures.json")
    assert again == found
    small = Pictures(training=90, validation=10, validation_fraction=0.1, seed=3)
    (training, labels), _ = small.read()
    assert training.shape == (90, 28, 28)
    assert training.max() == 255
    assert np.array_equal(training, small.read()[0][0])
    assert set(labels.tolist()) <= set(range(10))


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    def refused(folder: Path) -> str:
        with pytest.raises(RequestError) as caught:
            find_pictures(folder, 0.1)
        return str(caught.value)

    (tmp_path / "empty").mkdir()
    assert "no MNIST files" in refused(tmp_path / "empty")
    lonely = put(tmp_path / "lonely", "train", 100)
    (lonely / "train-labels-idx1-ubyte").unlink()
    assert "train-labels is missing" in refused(lonely)
    short = put(tmp_path / "short", "train", 100)
    images = short / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    for content, words in (
        (whole[:-1], "cut off"),
        (whole + b"x", "longer"),
        (b"RIFF" + whole, "not an IDX file"),
        (whole[:3], "not an IDX file"),
        (b"\0\0\x0d\x03" + whole[4:], "not unsigned bytes"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 1 << 31, 1 << 15, 1 << 15), "claims"),
        (gzip.compress(whole)[:-20], "damaged"),
        (idx(np.zeros((100, 32, 32), np.uint8)), "32x32"),
        (idx(np.zeros((99, 28, 28), np.uint8)), "100 labels"),
    ):
        images.write_bytes(content)
        assert words in refused(short), content[:8]


def test_a_run_notices_that_its_files_were_replaced(tmp_path: Path) -> None:
    folder = put(tmp_path / "m", "train", 200)
    found = find_pictures(folder, 0.1)
    content = read_idx(folder / "train-images-idx3-ubyte", 3).copy()
    content[0] = 0
    (folder / "train-images-idx3-ubyte").write_bytes(idx(content))
    with pytest.raises(RequestError, match="not the file"):
        found.read()
