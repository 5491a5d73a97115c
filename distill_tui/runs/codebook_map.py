"""The map of a model's codebooks: latents and codes projected to a plane, and what the codes are used for.

The worker of a run on images replaces `map.json` as it trains; for any other run or model `distill-tui map` prints one.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from distill_tui.files import private
from distill_tui.foreign import MalformedError, decode, read_bytes

Coordinate = Annotated[float, Meta(ge=-1e100, le=1e100)]
Point = tuple[Coordinate, Coordinate]
Deadness = Literal["even", "total"]
DEADNESS: dict[Deadness, str] = {
    "even": "used less than 1 % of the even share (below 100 uses a code: never)",
    "total": "used less than 1 % of the total",
}
"""Two definitions of a dead code. By `total`, all codes of a large codebook that is used evenly are dead."""


class Place(Struct, array_like=True):
    """A place in the data where a code is used much: the file, the start in seconds, and the number of uses."""

    file: str
    start: float
    uses: int


class Level(Struct, kw_only=True):
    """One codebook.

    - codes: positions of its codes.
    - counts: uses of each code, over the last 100 batches of a run that trains, else over all the data.
    - chosen: the code of each point of the map.
    - places: where in the data each code is used most (not in the map of a run that trains).
    - trail: earlier positions as trail[time][code], at the map's `trail_steps` (only of a run that trains).
    - entering: the input of the level for each point, which is what the levels before left over.
    - sums: the sum of each point's codes up to this level, in the plane of the latents.
    - explained: the fraction of the variance of the input that the level's plane holds.

    For latents of more than two dimensions each level after the first has a plane of its own, in which its codes, their
    trail and `entering` lie. Otherwise `entering` and `sums` are left out: they follow from points and codes.
    """

    codes: list[Point]
    counts: list[int]
    chosen: list[int]
    places: list[list[Place]] = []
    trail: list[list[Point]] = []
    entering: list[Point] = []
    sums: list[Point] = []
    explained: float = 1.0


class Picture(Struct, kw_only=True):
    """A grey image, its bytes row by row in base 64."""

    width: int
    height: int
    pixels: bytes


class CodebookMap(Struct, kw_only=True):
    """A map in the plane of the latents' first two principal components, or the latents themselves if they have two.

    - points: encoder outputs, or the means of a VAE's latents. Codes of level 0 lie among them, codes of later levels
      around the origin: the input of level k is a point less its codes at the levels before.
    - explained: the fraction of the latents' variance in this plane.
    - groups, labels: names of digits, files or folders, and the index of each point's group.
    - names, starts, place_seconds: for sounds, the file of each point, its time in it, and the length of a point's or a
      code's place, in seconds.
    - files: the path of each name, as `encode_path` writes it.
    - kl: for a VAE, nats in each latent dimension.
    - inputs, outputs: images and their reconstructions at `pictures_step`.
    - batches: the number of batches that the counts are over, 0 for all the data.
    """

    step: int
    epoch: int = 0
    dims: int = 2
    explained: float = 1.0
    points: list[Point]
    labels: list[int]
    groups: list[str]
    names: list[str] = []
    starts: list[float] = []
    files: dict[str, str] = {}
    place_seconds: float = 1.0
    kl: list[float] = []
    levels: list[Level]
    trail_steps: list[int] = []
    inputs: list[Picture] = []
    outputs: list[Picture] = []
    pictures_step: int = 0
    batches: int = 0


def dead_codes(counts: list[int], deadness: Deadness) -> list[bool]:
    """Return for each code whether it is dead, from the number of its uses."""
    total, size = sum(counts), len(counts)
    if deadness == "total":
        return [count < 0.01 * total for count in counts]
    if total < 100 * size:
        return [count == 0 for count in counts]
    return [count < 0.01 * total / size for count in counts]


def write_map(path: Path, found: CodebookMap) -> None:
    """Replace a run's map. It is renamed into place but not flushed to disk: the next one comes in half a second."""
    aside = path.with_suffix(".new")
    with open(aside, "wb", opener=private) as file:
        file.write(msgspec.json.encode(found))
    aside.replace(path)


def decode_map(document: bytes) -> CodebookMap:
    """Decode a map, and check that its parts fit together.

    Raises:
        MalformedError: the document is no map.
    """
    found = decode(document, CodebookMap)
    points = len(found.points)
    together = [len(found.labels) in (0, points), len(found.names) in (0, points), len(found.starts) in (0, points)]
    together += [not found.labels or (min(found.labels) >= 0 and max(found.labels) < len(found.groups))]
    for level in found.levels:
        size = len(level.codes)
        together += [len(level.counts) == size, len(level.chosen) == points]
        # -1: a point for which no code was chosen
        together += [not level.chosen or (min(level.chosen) >= -1 and max(level.chosen) < size)]
        together += [len(level.places) in (0, size), all(len(codes) == size for codes in level.trail)]
        together += [len(level.trail) in (0, len(found.trail_steps))]
        together += [len(level.entering) in (0, points), len(level.sums) in (0, points)]
    together += [picture.width > 0 and picture.height > 0 for picture in (*found.inputs, *found.outputs)]
    together += [len(picture.pixels) == picture.width * picture.height for picture in (*found.inputs, *found.outputs)]
    if not all(together):
        raise MalformedError("its parts do not go together")
    return found


def read_map(path: Path) -> CodebookMap | None:
    """Read a run's newest map; None if there is none yet, or it is damaged."""
    with contextlib.suppress(OSError, MalformedError):
        return decode_map(read_bytes(path))
    return None
