"""The images of an Explorer run: MNIST, another data set in its format, or synthetic digits.

numpy is imported where pictures are read: who lists runs or makes a recipe does not wait for it.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from distill_tui.data.corpus import decode_path, encode_path
from distill_tui.data.manifest import load_manifest, save_manifest
from distill_tui.errors import RequestError
from distill_tui.files import describe_os_error, printable
from distill_tui.foreign import open_regular
from distill_tui.recipe.resolve import DataFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """Pictures [n, 28, 28] and their labels [n]."""

SIDE = 28
FIGURES = 4000
"""How many are drawn where there are no files."""
MOST_PICTURES = 10_000_000
PARTS = {"training": "train", "validation": "t10k"}
"""What MNIST's files of each part begin with."""


class Pictures(Struct, kw_only=True):
    """The images of a run: their source, and how many each split has.

    `path` is the folder, as `corpus.encode_path` writes it; '' for figures that are drawn from `seed`. `files` are
    [name, hash of the content], two of each part that there is. `note` says what people should know of the data.
    """

    path: str = ""
    files: list[tuple[str, str]] = []
    training: Annotated[int, Meta(ge=0, le=MOST_PICTURES)]
    validation: Annotated[int, Meta(ge=0, le=MOST_PICTURES)]
    validation_fraction: Annotated[float, Meta(gt=0, lt=1)]
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

    def save(self, path: Path) -> None:
        """Write the manifest, atomically."""
        save_manifest(path, self)

    @classmethod
    def load(cls, path: Path) -> "Pictures":
        """Read a manifest that `save` wrote.

        Raises:
            DistillError: it is gone, cannot be read, or is damaged.
        """
        return load_manifest(path, cls)

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
        return _read(folder, self.validation_fraction)


def find_pictures(folder: Path | None, validation_fraction: float, seed: int = 0) -> Pictures:
    """The pictures of a folder with MNIST's files in it; figures to be drawn where it is None.

    The part that is not there is split off the other one.

    Raises:
        RequestError: there are no such files, or one of them is damaged.
    """
    if folder is None:
        held_out = round(FIGURES * validation_fraction)
        return Pictures(
            training=FIGURES - held_out,
            validation=held_out,
            validation_fraction=validation_fraction,
            seed=seed,
            note="no data was given: figures like digits are drawn",
        )
    training, validation = _read(folder, validation_fraction)
    there = [part for part, prefix in PARTS.items() if _file(folder, prefix, "images") is not None]
    named = [_wanted(folder, PARTS[part], kind) for part in there for kind in ("images", "labels")]
    return Pictures(
        path=encode_path(folder.absolute()),
        files=[(path.name, _hash(path)) for path in named],
        training=len(training[0]),
        validation=len(validation[0]),
        validation_fraction=validation_fraction,
        note="" if len(there) == 2 else f"only the {PARTS[there[0]]} files are there: a part of them is held out",
    )


def _read(folder: Path, share: float) -> tuple["Part", "Part"]:
    parts = {part: _part(folder, prefix) for part, prefix in PARTS.items()}
    training, validation = parts["training"], parts["validation"]
    if training and validation:
        return training, validation
    found = training or validation
    if not found:
        raise RequestError(
            f"no MNIST files in {printable(str(folder))}",
            "Wanted: train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k, gzipped or not.",
        )
    return _split(found, share)


def _split(part: "Part", share: float) -> tuple["Part", "Part"]:
    """Every n-th picture is held out."""
    import numpy as np

    pictures, labels = part
    held_out = np.arange(len(pictures)) % round(1 / share) == round(1 / share) - 1
    return (pictures[~held_out], labels[~held_out]), (pictures[held_out], labels[held_out])


def _part(folder: Path, prefix: str) -> "Part | None":
    from distill_tui.data.images.idx import read_idx

    images = _file(folder, prefix, "images")
    if images is None:
        return None
    labels = _wanted(folder, prefix, "labels")
    pictures, names = read_idx(images, 3), read_idx(labels, 1)
    where = printable(str(images))
    if pictures.shape[1:] != (SIDE, SIDE):
        raise RequestError(f"{where}: pictures of {pictures.shape[2]}x{pictures.shape[1]}, not {SIDE}x{SIDE}")
    if len(pictures) != len(names):
        raise RequestError(f"{where}: {len(pictures):,} pictures, but {len(names):,} labels in {labels.name}")
    if len(pictures) < 100:
        raise RequestError(f"{where}: {len(pictures)} pictures; 100 or more are needed")
    return pictures, names


def _file(folder: Path, prefix: str, kind: str) -> Path | None:
    """`train-images-idx3-ubyte`, with a dot as some have it, gzipped or not."""
    digit = {"images": 3, "labels": 1}[kind]
    for dot in "-.":
        for ending in ("", ".gz"):
            path = folder / f"{prefix}-{kind}{dot}idx{digit}-ubyte{ending}"
            if path.is_file():
                return path
    return None


def _wanted(folder: Path, prefix: str, kind: str) -> Path:
    path = _file(folder, prefix, kind)
    if path is None:
        raise RequestError(f"{printable(str(folder))}: {prefix}-{kind} is missing beside the other {prefix} file")
    return path


def _hash(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise RequestError(*describe_os_error(error, path)) from error
