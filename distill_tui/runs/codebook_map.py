"""Codebook maps: latents and codes of a model in a plane, and the data that each code is used for.

The worker of an Explorer run replaces `map.json` as it trains; `distill-tui map` makes one of any other run or model.
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
"""The two known definitions of a dead code; by `total`, all codes of a large, evenly used codebook are dead."""


class Place(Struct, array_like=True):
    """Place in the data where a code is used often: file, start in seconds, and number of uses."""

    file: str
    start: float
    uses: int


class Level(Struct, kw_only=True):
    """One codebook.

    `codes` are positions of its codes, `counts` the uses of each: over the last 100 batches of a training run, else
    over all the data. `chosen` is the code of each point of the map. `places` (not of a live map) are the most telling
    places of each code; `trail` (of a live map only) are earlier positions, as trail[time][code] at the map's
    `trail_steps`.

    If latents have more than two dimensions, each later level has a plane of its own, that of its residuals: its codes,
    their trail and `entering`, the residual of each point, lie there, and `explained` is the fraction of the residuals'
    variance in it. `sums`, the sum of the codes so far for each point, lie in the plane of the latents. If all levels
    share one plane, both are left out: they follow from points and codes.
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
    """A grey picture: its bytes row by row, in base 64."""

    width: int
    height: int
    pixels: bytes


class CodebookMap(Struct, kw_only=True):
    """A map in the plane of the latents' first two principal components, or the latents themselves if they have two.

    `points` are encoder outputs, or the means of a VAE's latents. Codes of level 0 lie among them, those of later
    levels around the origin: the residual of level k is a point less the codes chosen at earlier levels. `explained` is
    the fraction of the latents' variance in this plane. `groups` are names of labels, files or folders, `labels` the
    index of each point's group. Of sounds, `names` are the files of the points, `starts` their times in them (seconds),
    `files` the path of each name as `encode_path` writes it, and `place_seconds` the length of a place. `kl` is a VAE's
    KL in nats for each latent dimension. `inputs` and `outputs` are pictures and their reconstructions, as of
    `pictures_step`. `batches` is the number of batches that were counted, 0 for all the data.
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
    """Whether each code is dead, by its number of uses."""
    total, size = sum(counts), len(counts)
    if deadness == "total":
        return [count < 0.01 * total for count in counts]
    if total < 100 * size:
        return [count == 0 for count in counts]
    return [count < 0.01 * total / size for count in counts]


def write_map(path: Path, found: CodebookMap) -> None:
    """Replace a run's map. It is renamed into place but not flushed: the next one follows in half a second."""
    aside = path.with_suffix(".new")
    with open(aside, "wb", opener=private) as file:
        file.write(msgspec.json.encode(found))
    aside.replace(path)


def decode_map(document: bytes) -> CodebookMap:
    """Decode a map, and check that its parts agree in length.

    Raises:
        MalformedError: it is not a map.
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
    """The newest map of a run; None before there is one, or if it is damaged."""
    with contextlib.suppress(OSError, MalformedError):
        return decode_map(read_bytes(path))
    return None
