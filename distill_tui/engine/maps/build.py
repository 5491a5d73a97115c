"""Builds the map (`runs.codebook_map`) of a model or run on request, from all the sounds it was trained on."""

import heapq
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill_tui.data import decode_cache
from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.scan import Progress, scan
from distill_tui.engine.inference.model import Model
from distill_tui.engine.maps.live import POINTS
from distill_tui.engine.maps.pca import Plane, levels_of
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.quantizers.vae import KL
from distill_tui.engine.training import checkpoint
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs.codebook_map import CodebookMap, Level, Place, read_map
from distill_tui.runs.folder import RunFolder, find_run

GROUPS = 12
"""The most groups of points: further ones are `others`."""
PLACES = 5
"""Places in the data that are kept of each code."""
PLACE_SECONDS = 1.0


class CodebookMapBuilder:
    """Collects the latents of one sound after the other, how often each code is used, and where it is used most.

    Silent frames do not count. `quantizer` is None for a VAE, and before there are codebooks.
    """

    def __init__(self, model: Model, quantizer: Quantizer | None) -> None:
        self._model, self._quantizer = model, quantizer
        levels, size = (quantizer.levels, quantizer.size) if quantizer else (0, 0)
        self.counts = torch.zeros(levels, size, dtype=torch.long)
        self.sounds: list[Sound] = []
        # of each sound, by frame: latents [frames, dim] (of a VAE the means), the sound's index, the time in seconds
        self._latents: list[Tensor] = []
        self._of: list[Tensor] = []
        self._starts: list[Tensor] = []
        self._nats = torch.zeros(model.net.recipe.model.latent_dim)
        self._seconds = model.net.latent_hop / model.sample_rate
        self._frames_a_place = max(1, round(PLACE_SECONDS / self._seconds))
        self._most: dict[tuple[int, int], list[tuple[int, int, str, float]]] = {}

    def add(self, sound: Sound, wave: np.ndarray) -> None:
        """Add a sound; silent frames do not count."""
        whole = self._model.net.pad_to_frames(torch.from_numpy(np.array(wave))[None])
        found = self._model.latents(whole)
        sounding = self._model.net.frame_mask(whole)[0]
        where = sounding.nonzero()[:, 0]
        if not len(where):
            return
        bottleneck = self._model.net.bottleneck
        if self._quantizer is not None:
            self._count(sound.name, self._quantizer.tokens(found)[0], sounding)
        elif isinstance(bottleneck, KL):
            self._nats += bottleneck.nats(found[:, sounding]) * len(where)
            found = bottleneck.tokens(found)
        self._latents.append(found[0][sounding])
        self._of.append(torch.full_like(where, len(self.sounds)))
        self._starts.append(where * self._seconds)
        self.sounds.append(sound)

    def _count(self, name: str, codes: Tensor, sounding: Tensor) -> None:
        """Count codes [frames, levels], and keep for each (level, code) the PLACES segments with the most uses."""
        segments = torch.arange(len(codes)) // self._frames_a_place
        for level in range(codes.shape[1]):
            self.counts[level] += torch.bincount(codes[sounding, level], minlength=self.counts.shape[1])
            pairs = list(zip(codes[:, level].tolist(), segments.tolist(), strict=True))
            frames = sounding.nonzero()[:, 0].tolist()
            first = {pairs[frame]: frame for frame in reversed(frames)}
            for (code, segment), count in Counter(pairs[frame] for frame in frames).items():
                kept = self._most.setdefault((level, code), [])
                # the second number differs for equal counts: the earlier place stays
                entry = (count, -len(kept) - segment, name, round(first[code, segment] * self._seconds, 3))
                if len(kept) < PLACES:
                    heapq.heappush(kept, entry)
                else:
                    heapq.heappushpop(kept, entry)

    @property
    def place_seconds(self) -> float:
        """The length of a place."""
        return self._frames_a_place * self._seconds

    def map(self, card: Card) -> CodebookMap:
        """Return the map of all sounds that were added."""
        every, of = torch.cat(self._latents), torch.cat(self._of)
        chosen = torch.arange(0, len(every), max(1, -(-len(every) // POINTS)))
        points = every[chosen]
        plane = Plane(points)
        names = [self.sounds[i].name for i in of[chosen].tolist()]
        groups = _groups({sound.name: int(count) for sound, count in zip(self.sounds, of.bincount(), strict=True)})
        return CodebookMap(
            step=card.step,
            epoch=card.epoch,
            dims=every.shape[1],
            explained=plane.explained,
            points=plane.places(points),
            labels=[groups.index(_group(name, groups)) for name in names],
            groups=groups,
            names=names,
            starts=[round(start, 3) for start in torch.cat(self._starts)[chosen].tolist()],
            files={sound.name: sound.path for sound in self.sounds},
            place_seconds=round(self.place_seconds, 3),
            kl=[round(nats, 4) for nats in (self._nats / len(every)).tolist()] if self._is_vae else [],
            levels=self._levels(points, plane),
        )

    @property
    def _is_vae(self) -> bool:
        return isinstance(self._model.net.bottleneck, KL)

    def _levels(self, points: Tensor, plane: Plane) -> list[Level]:
        quantizer = self._quantizer
        if quantizer is None:
            return []
        codes = quantizer.tokens(points[None])[0]
        levels, _ = levels_of(quantizer, points, codes, self.counts.tolist(), plane, [])
        for number, level in enumerate(levels):
            level.places = [
                [
                    Place(file, start, uses)
                    for uses, _, file, start in sorted(self._most.get((number, code), []), reverse=True)
                ]
                for code in range(quantizer.size)
            ]
        return levels


@dataclass(frozen=True)
class MapData:
    """Input of a map of sounds: a model, the sounds it was trained on, and whether its codebooks exist yet."""

    model: Model
    corpus: Corpus
    is_quantizing: bool = True


@torch.no_grad()
def make_map(home: Home, name: str, progress: Progress | None = None) -> CodebookMap:
    """Return the map of a model of the library or of a run, over all the sounds it was trained and validated on.

    A run on images keeps its own. That of another run is made from its newest checkpoint; before the codebooks are
    initialised, and for a VAE, it has no levels. `progress` is called with (done, total): each sound is decoded, and
    goes through the model.

    Raises:
        RequestError: there is no such model or run, it has no checkpoint yet, or its sounds are gone.
    """
    data = _find(home, name)
    if isinstance(data, CodebookMap):
        return data
    show, count = progress or (lambda _done, _total: None), len(data.corpus.sounds)
    bottleneck = data.model.net.bottleneck
    quantizer = bottleneck if isinstance(bottleneck, Quantizer) and data.is_quantizing else None
    builder = CodebookMapBuilder(data.model, quantizer)
    waves, _ = decode_cache.decode_all(data.corpus, data.model.sample_rate, home, lambda done, _: show(done, 2 * count))
    for number, wave in enumerate(waves, 1):
        builder.add(wave.sound, wave[:])
        show(count + number, 2 * count)
    if not builder.sounds:
        raise RequestError(f"there is no sound left of the data of '{name}'")
    return builder.map(data.model.card)


def _find(home: Home, name: str) -> MapData | CodebookMap:
    """Return the map that a run on images keeps, or what to make a map from."""
    try:
        entry = Library(home).find(name)
    except RequestError as not_a_model:
        try:
            run = find_run(home, name)
        except RequestError:
            raise not_a_model from None
        return _data_of_run(run)
    return _data_of_model(home, entry)


def _data_of_run(run: RunFolder) -> MapData | CodebookMap:
    """Return the EMA weights of a run's newest checkpoint with its sounds."""
    if live := read_map(run.map):
        return live
    if run.task == "images":
        raise RequestError(f"run {run.id} has no map yet", "Its first steps make one.")
    if run.task == "prior":
        return MapData(Model.load(run.codec), Corpus.load(run.sounds))
    recipe = toml.load(run.recipe)
    loaded: list[tuple[Model, bool]] = []
    problems: list[str] = []

    def use(state: dict[str, Any]) -> None:
        loaded.append((Model.of(recipe, state["averaged"], Card(step=int(state["step"]))), bool(state["quantizing"])))

    if checkpoint.load_newest(run.checkpoints, lambda path, why: problems.append(f"{path.name}: {why}"), use) is None:
        if problems:
            raise RequestError(f"run {run.id} has no checkpoint that can be used: {problems[0]}")
        raise RequestError(f"run {run.id} has no checkpoint yet", "Ask for one: distill-tui checkpoint RUN")
    model, is_quantizing = loaded[-1]
    return MapData(model, Corpus.load(run.sounds), is_quantizing)


def _data_of_model(home: Home, entry: Entry) -> MapData | CodebookMap:
    # the name comes from a file that anybody may have written
    run_id = Path(entry.summary.run).name if entry.summary is not None else ""
    if run_id and (live := read_map(RunFolder(home.runs / run_id).map)):
        return live
    card = read_card(entry.path)
    if card.task == "images":
        raise RequestError(
            f"'{entry.name}' was trained on images, and the run that held its map was deleted",
            "Train it again with: distill-tui explore --data FOLDER",
        )
    model = Model.load(entry.path)
    return MapData(model, _corpus(home, card))


def _corpus(home: Home, card: Card) -> Corpus:
    manifest = RunFolder(home.runs / card.run).sounds
    if card.run and manifest.exists():
        return Corpus.load(manifest)
    paths = [str(path) for path in card.data.get("paths", [])]
    if not paths or not all(Path(path).exists() for path in paths):
        raise RequestError(f"the sounds of '{card.name}' are not on this machine: {', '.join(paths) or 'unknown'}")
    return scan(paths, 0.1, home)


def _groups(frames: dict[str, int]) -> list[str]:
    """Group files by folder, or each file by itself if all share one; most frames first, `others` at the end."""
    folders: Counter[str] = Counter()
    for name, count in frames.items():
        folders[str(Path(name).parent)] += count
    found = folders if len(folders) > 1 else Counter(frames)
    common = [name for name, _ in found.most_common(GROUPS)]
    return common if len(found) <= GROUPS else [*common[: GROUPS - 1], "others"]


def _group(name: str, groups: list[str]) -> str:
    found = next((group for group in (str(Path(name).parent), name) if group in groups), "others")
    return found if found in groups else groups[0]
