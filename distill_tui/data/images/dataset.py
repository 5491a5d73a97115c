"""The images of an Explorer run: MNIST, another data set in its format, or synthetic digits.

numpy is imported only to read pictures: the app finds and checks them without it.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, field

from distill_tui.data.images.idx import idx_shape, read_idx
from distill_tui.data.manifest import Manifest
from distill_tui.errors import RequestError
from distill_tui.files import describe_os_error
from distill_tui.foreign import open_regular
from distill_tui.recipe.resolve import DataFacts
from distill_tui.text import decode_path, encode_path, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """Pictures [n, 28, 28] and their labels [n]."""

SIDE = 28
FIGURES = 4000
"""How many are drawn where there are no files."""
LEAST_PICTURES, MOST_PICTURES = 100, 10_000_000
PARTS = {"training": "train", "validation": "t10k"}
"""What MNIST's files of each part begin with."""


class Pictures(Manifest, kw_only=True):
    """The images of a run: their source, and how many each split has.

    `path` is the folder, as `text.encode_path` writes it; '' for figures that are drawn from `seed`. `files` are
    [name, hash of the content], two of each part that there is. `note` says what people should know of the data.
    """

    path: str = ""
    files: list[tuple[str, str]] = []
    training: Annotated[int, Meta(ge=0, le=MOST_PICTURES)]
    validation: Annotated[int, Meta(ge=0, le=MOST_PICTURES)]
    # as the files of earlier versions call it
    validation_fraction: Annotated[float, Meta(gt=0, lt=1)] = field(name="validation_share")
    seed: Annotated[int, Meta(ge=0, le=1 << 53)] = 0
    note: str = ""

    @property
    def paths(self) -> list[str]:
        return [self.path] if self.path else []

    @property
    def name(self) -> str:
        """Default name of a run."""
        return Path(decode_path(self.path)).name if self.path else "figures"

    def facts(self) -> DataFacts:
        """Facts for the automatic values of a recipe."""
        return DataFacts(
            files=self.training + self.validation,
            training_seconds=0,
            validation_seconds=0,
            median_seconds=0,
            training_pictures=self.training,
        )

    def described(self) -> dict[str, Any]:
        """The data as a model's card describes it."""
        return {"paths": self.paths, "files": self.training + self.validation, "seconds": 0.0, "sounds": []}

    def read(self) -> tuple["Part", "Part"]:
        """The pictures for training and those that are held out.

        Raises:
            RequestError: the files are not what they were, or cannot be read.
        """
        if not self.path:
            from distill_tui.data.images.synthetic_digits import draw

            return _split(draw(self.training + self.validation, self.seed), self.validation_fraction)
        folder = Path(decode_path(self.path))
        for name, content in self.files:
            if _hash(folder / name) != content:
                raise RequestError(f"{printable(str(folder / name))} is not the file that this run began with")
        paths = [folder / name for name, _ in self.files]
        parts = [(read_idx(a, 3), read_idx(b, 1)) for a, b in zip(paths[::2], paths[1::2], strict=True)]
        return (parts[0], parts[1]) if len(parts) == 2 else _split(parts[0], self.validation_fraction)


def find_pictures(folder: Path | None, validation_fraction: float, seed: int = 0) -> Pictures:
    """The pictures of a folder with MNIST's files in it; figures to be drawn where it is None.

    A part that is missing is split off the other one. The files are checked in full, without numpy.

    Raises:
        RequestError: there are no such files, or one of them is damaged.
    """
    if folder is None:
        training, validation = _split_sizes(FIGURES, validation_fraction)
        return Pictures(
            training=training,
            validation=validation,
            validation_fraction=validation_fraction,
            seed=seed,
            note="no data was given: figures like digits are drawn",
        )
    parts = _parts(folder)
    sizes = [_check_part(images, labels) for images, labels in parts.values()]
    training, validation = sizes if len(sizes) == 2 else _split_sizes(sizes[0], validation_fraction)
    missing = f"only the {PARTS[next(iter(parts))]} files are there: a part of them is held out"
    return Pictures(
        path=encode_path(folder.absolute()),
        files=[(path.name, _hash(path)) for files in parts.values() for path in files],
        training=training,
        validation=validation,
        validation_fraction=validation_fraction,
        note=missing if len(parts) == 1 else "",
    )


def count_pictures(folder: Path) -> int:
    """Number of pictures in a folder with MNIST's files, by their headers; 0 where there are none that can be used."""
    try:
        return sum(_check_part(images, labels) for images, labels in _parts(folder).values())
    except (RequestError, OSError, ValueError):
        return 0


def _parts(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The images and labels of each part that a folder has, the training part first.

    Raises:
        RequestError: it has none, or a part is incomplete.
    """
    found = {}
    for part, prefix in PARTS.items():
        if (images := _file(folder, prefix, "images")) is None:
            continue
        if (labels := _file(folder, prefix, "labels")) is None:
            raise RequestError(f"{printable(str(folder))}: {prefix}-labels is missing beside the other {prefix} file")
        found[part] = (images, labels)
    if not found:
        raise RequestError(
            f"no MNIST files in {printable(str(folder))}",
            "Wanted: train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k, gzipped or not.",
        )
    return found


def _check_part(images: Path, labels: Path) -> int:
    """Number of pictures in a part.

    Raises:
        RequestError: they have another size, are too few, or there are not as many labels.
    """
    (count, height, width), (names,) = idx_shape(images, 3), idx_shape(labels, 1)
    where = printable(str(images))
    if (height, width) != (SIDE, SIDE):
        raise RequestError(f"{where}: pictures of {width}x{height}, not {SIDE}x{SIDE}")
    if count != names:
        raise RequestError(f"{where}: {count:,} pictures, but {names:,} labels in {labels.name}")
    if count < LEAST_PICTURES:
        raise RequestError(f"{where}: {count} pictures; {LEAST_PICTURES} or more are needed")
    return count


def _split_sizes(count: int, share: float) -> tuple[int, int]:
    """Sizes of the training and the held-out part that `_split` makes."""
    held_out = count // round(1 / share)
    return count - held_out, held_out


def _split(part: "Part", share: float) -> tuple["Part", "Part"]:
    """Hold out every n-th picture."""
    import numpy as np

    pictures, labels = part
    every = round(1 / share)
    held_out = np.arange(len(pictures)) % every == every - 1
    return (pictures[~held_out], labels[~held_out]), (pictures[held_out], labels[held_out])


def _file(folder: Path, prefix: str, kind: str) -> Path | None:
    """`train-images-idx3-ubyte`, with a dot as some have it, gzipped or not."""
    digit = {"images": 3, "labels": 1}[kind]
    for dot in "-.":
        for ending in ("", ".gz"):
            path = folder / f"{prefix}-{kind}{dot}idx{digit}-ubyte{ending}"
            if path.is_file():
                return path
    return None


def _hash(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise RequestError(*describe_os_error(error, path)) from error
