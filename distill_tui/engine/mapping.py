"""Maps of codebooks (`runs.codemap`): of an Explorer run as it trains, and of any other run or model afterwards."""

import heapq
import math
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill_tui.data import cache
from distill_tui.data.corpus import Corpus
from distill_tui.data.pictures import SIDE
from distill_tui.data.scan import scan
from distill_tui.engine import checkpoint
from distill_tui.engine.bottleneck.base import Quantizer
from distill_tui.engine.evaluate import padded
from distill_tui.engine.health import WINDOW_STEPS
from distill_tui.engine.images import ImageMaterial, grey
from distill_tui.engine.infer import Model
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.engine.reporter import Reporter
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs.codemap import CodeMap, Level, Picture, Place, Point, read_map, write_map
from distill_tui.runs.folder import RunFolder, find_run

POINTS = 400
SHOWN = 8
"""Pictures above their reconstructions."""
PICTURE_STEPS = 50
TRAIL = 48
"""The most earlier places of a code that are kept; then every other one goes."""
GROUPS = 12
PLACES = 3
PLACE_SECONDS = 1.0
DIGITS = 4
"""Decimals of a coordinate."""


class Plane:
    """The plane that shows most of some vectors [count, dim]: the vectors themselves where they have two dimensions.

    `turn` is [dim, 2] and `centre` [dim]; a plane that follows another is not turned over from it.
    """

    def __init__(self, vectors: Tensor, before: "Plane | None" = None) -> None:
        dim = vectors.shape[1]
        if dim <= 2:
            self.turn, self.centre, self.explained = torch.eye(dim, 2), torch.zeros(dim), 1.0
            return
        self.centre = vectors.mean(0)
        _, strengths, turned = torch.linalg.svd(vectors - self.centre, full_matrices=False)
        self.turn = torch.zeros(dim, 2)
        self.turn[:, : min(2, len(turned))] = turned[:2].T
        if before is not None:
            self.turn *= torch.where((self.turn * before.turn).sum(0) < 0, -1.0, 1.0)
        powers = strengths.square()
        self.explained = float(powers[:2].sum() / powers.sum().clamp(min=1e-12))

    def places(self, vectors: Tensor, centred: bool) -> list[Point]:
        """Where vectors [count, dim] lie; those that are no differences are `centred`."""
        found = (vectors - self.centre if centred else vectors) @ self.turn
        return [(round(x, DIGITS), round(y, DIGITS)) for x, y in found.tolist()]


def levels_of(quantizer: Quantizer, plane: Plane, codes: Tensor, counts: list[list[int]]) -> list[Level]:
    """The levels of a map, for the codes [points, levels] of its points and the use of each code."""
    books = quantizer.codebooks.float().cpu()
    return [
        Level(codes=plane.places(book, centred=level == 0), counts=counts[level], chosen=codes[:, level].tolist())
        for level, book in enumerate(books)
    ]


# ---------------------------------------------------------------- as it trains


class LiveMap:
    """Writes the map of a run of pictures, every so many seconds of training."""

    def __init__(self, run: RunFolder, material: ImageMaterial, reporter: Reporter, seconds: float) -> None:
        self._path, self._material, self._reporter, self._seconds = run.map, material, reporter, seconds
        self._written, self._plane = -math.inf, None
        self._pictures: tuple[list[Picture], list[Picture], int] = ([], [], -PICTURE_STEPS)
        labels = material.labels["validation"][:POINTS]
        self._groups = [str(label) for label in range(max(labels) + 1)]
        self._labels = labels
        # a run that goes on has its trail already
        before = read_map(run.map)
        self._steps = before.trail_steps if before else []
        self._trails = [level.trail for level in before.levels] if before else []

    _plane: Plane | None

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._written >= self._seconds

    @torch.no_grad()
    def write(self, net: Autoencoder, step: int, epoch: int) -> None:
        """Put the map as it is now in place of the one before. A disk that is full costs the map, not the run."""
        self._written = time.monotonic()
        pictures = self._material.some("validation", POINTS)
        passed = net.bottleneck(latents := net.encode(pictures))
        flat = latents[:, 0].cpu()
        plane = self._plane = Plane(flat, self._plane)
        levels: list[Level] = []
        if isinstance(net.bottleneck, Quantizer) and passed.codes is not None:
            counts = self._reporter.usage.long().tolist()
            levels = levels_of(net.bottleneck, plane, passed.codes[:, 0].cpu(), counts)
            self._follow([level.codes for level in levels], step)
            for level, trail in zip(levels, self._trails, strict=True):
                level.trail = trail
        if step - self._pictures[2] >= PICTURE_STEPS:
            made = net.decode(passed.latents[:SHOWN])
            self._pictures = (_shown(pictures[:SHOWN]), _shown(made), step)
        found = CodeMap(
            step=step,
            epoch=epoch,
            dims=flat.shape[1],
            explained=plane.explained,
            points=plane.places(flat, centred=True),
            labels=self._labels,
            groups=self._groups,
            levels=levels,
            trail_steps=self._steps,
            inputs=self._pictures[0],
            outputs=self._pictures[1],
            pictures_step=self._pictures[2],
            batches=WINDOW_STEPS,
        )
        try:
            write_map(self._path, found)
        except OSError as error:
            self._reporter.warn("map", f"the map of the codebooks cannot be written: {error.strerror}", step=step)

    def _follow(self, codes: list[list[Point]], step: int) -> None:
        """Add to the trails where the codes are now; what a resumed run repeats is dropped first."""
        if len(self._trails) != len(codes):
            self._trails, self._steps = [[] for _ in codes], []
        keep = sum(earlier < step for earlier in self._steps)
        # once there are many, older places lie further apart than the newest
        kept = [i for i in range(keep) if keep < TRAIL or i % 2 == 0 or i > keep - TRAIL // 4]
        self._steps = [*(self._steps[i] for i in kept), step]
        self._trails = [[*(trail[i] for i in kept), now] for trail, now in zip(self._trails, codes, strict=True)]


def _shown(pictures: Tensor) -> list[Picture]:
    return [Picture(width=SIDE, height=SIDE, pixels=grey(one)) for one in pictures]


# ---------------------------------------------------------------- afterwards


def make_map(home: Home, wanted: str) -> CodeMap:
    """The map of a model of the library or of a run, over all the sounds that it was trained and validated on.

    Raises:
        RequestError: there is no such model or run, it has no codes yet, or its sounds are not there any more.
    """
    model, corpus, live = _find(home, wanted)
    if live is not None:
        return live
    assert model is not None
    assert corpus is not None
    quantizer = model.net.bottleneck
    if not isinstance(quantizer, Quantizer):
        raise RequestError(f"'{wanted}' has continuous latents and no codes", "Look at its run: distill-tui watch RUN")
    names: list[str] = []
    latents: list[Tensor] = []
    counts = torch.zeros(quantizer.levels, quantizer.size, dtype=torch.long)
    most: dict[tuple[int, int], list[tuple[int, int, str, float]]] = {}
    frames_a_place = max(1, round(PLACE_SECONDS * model.rate / model.net.latent_hop))
    for name, wave in _waves(home, corpus, model.rate):
        whole = padded(torch.from_numpy(np.array(wave)), model.net.latent_hop)
        found = model.latents(whole)
        sounding = model.net.counted(whole)[0]
        codes = model.net.bottleneck.tokens(found)[0]
        for level in range(quantizer.levels):
            counts[level] += torch.bincount(codes[sounding, level], minlength=quantizer.size)
        _note_places(most, name, codes, sounding, frames_a_place, model)
        latents.append(found[0][sounding])
        names += [name] * int(sounding.sum())
    if not names:
        raise RequestError(f"there is no sound left of the data of '{wanted}'")
    every = torch.cat(latents)
    chosen = torch.arange(0, len(every), max(1, -(-len(every) // POINTS)))
    points = every[chosen]
    plane = Plane(points)
    codes = quantizer.tokens(points[None])[0]
    levels = levels_of(quantizer, plane, codes, counts.tolist())
    for number, found_level in enumerate(levels):
        found_level.places = [
            [Place(file, start, uses) for uses, _, file, start in sorted(most.get((number, code), []), reverse=True)]
            for code in range(quantizer.size)
        ]
    shown = [names[i] for i in chosen.tolist()]
    groups = _groups(names)
    return CodeMap(
        step=model.card.step,
        epoch=model.card.epoch,
        dims=every.shape[1],
        explained=plane.explained,
        points=plane.places(points, centred=True),
        labels=[groups.index(group) if (group := _group(name, groups)) in groups else 0 for name in shown],
        groups=groups,
        names=shown,
        levels=levels,
    )


def _note_places(
    most: dict[tuple[int, int], list[tuple[int, int, str, float]]],
    name: str,
    codes: Tensor,
    sounding: Tensor,
    frames_a_place: int,
    model: Model,
) -> None:
    """Keep for each (level, code) the PLACES stretches of sound in which it is used most."""
    seconds = frames_a_place * model.net.latent_hop / model.rate
    for level in range(codes.shape[1]):
        stretches = torch.arange(len(codes)) // frames_a_place
        together = torch.stack((codes[:, level], stretches), 1)[sounding].tolist()
        for (code, stretch), count in Counter(map(tuple, together)).items():
            kept = most.setdefault((level, code), [])
            # equal counts: the first place stays, as the number between never is equal
            entry = (count, -len(kept) - stretch, name, round(stretch * seconds, 3))
            if len(kept) < PLACES:
                heapq.heappush(kept, entry)
            else:
                heapq.heappushpop(kept, entry)


def _find(home: Home, wanted: str) -> tuple[Model | None, Corpus | None, CodeMap | None]:
    try:
        entry = Library(home).find(wanted)
    except RequestError as not_a_model:
        try:
            run = find_run(home, wanted)
        except RequestError:
            raise not_a_model from None
        if live := read_map(run.map):
            return None, None, live
        if not run.sounds.exists():
            raise RequestError(f"run {run.id} has no map yet", "Its first steps make one.") from None
        return _of_run(run), Corpus.load(run.sounds), None
    # the name comes from a file that anybody may have written
    maker = Path(entry.summary.run).name if entry.summary is not None else ""
    if maker and (live := read_map(RunFolder(home.runs / maker).map)):
        return None, None, live
    if read_card(entry.path).recipe.get("model", {}).get("net") == "image":
        raise RequestError(
            f"'{wanted}' learned pictures, and the run that kept its map is gone",
            "Learn them again with: distill-tui explore --data FOLDER",
        )
    model = Model.load(entry.path)
    return model, _corpus(home, model.card), None


def _of_run(run: RunFolder) -> Model:
    """The averaged weights of a run's newest checkpoint."""
    state = checkpoint.load_newest(run.checkpoints, lambda *_: None)
    if state is None or not state["quantizing"]:
        raise RequestError(
            f"run {run.id} has no checkpoint with codebooks yet", "Ask for one: distill-tui checkpoint RUN"
        )
    return Model.of(toml.load(run.recipe), state["averaged"], Card(step=state["step"]))


def _corpus(home: Home, card: Card) -> Corpus:
    manifest = RunFolder(home.runs / card.run).sounds
    if card.run and manifest.exists():
        return Corpus.load(manifest)
    paths = [str(path) for path in card.data.get("paths", [])]
    if not paths or not all(Path(path).exists() for path in paths):
        raise RequestError(f"the sounds of '{card.name}' are not on this machine: {', '.join(paths) or 'unknown'}")
    return scan(paths, 0.1, home)


def _waves(home: Home, corpus: Corpus, rate: int) -> Iterator[tuple[str, np.ndarray]]:
    for sound, path in cache.decode_all(corpus, rate, home)[0]:
        yield sound.name, cache.load(path)


def _groups(names: list[str]) -> list[str]:
    """The folders of files, or the files where all are in one, those with most points first and `others` at the end."""
    folders = Counter(str(Path(name).parent) for name in names)
    found = folders if len(folders) > 1 else Counter(names)
    common = [name for name, _ in found.most_common(GROUPS)]
    return common if len(found) <= GROUPS else [*common[: GROUPS - 1], "others"]


def _group(name: str, groups: list[str]) -> str:
    """Which of `groups` a file is in."""
    return next((group for group in (str(Path(name).parent), name) if group in groups), "others")
