"""The map (`runs.codebook_map`) of any model or run, made when it is asked for: of sounds, all that it learned from."""

import heapq
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill_tui.data import decode_cache
from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.scan import scan
from distill_tui.engine.inference.model import Model
from distill_tui.engine.maps.live import POINTS
from distill_tui.engine.maps.pca import Plane, levels_of
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.quantizers.vae import KL
from distill_tui.engine.training import checkpoint
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs.codebook_map import CodebookMap, Level, Place, read_map
from distill_tui.runs.folder import RunFolder, find_run

GROUPS = 12
PLACES = 5
PLACE_SECONDS = 1.0


class CodebookMapBuilder:
    """What the latents of one sound after the other come to: all that count, their codes' uses, where codes are used.

    `latents` are [frames, dim], of a VAE the means; `of` the sound and `starts` the second of each frame.
    """

    def __init__(self, model: Model, quantizer: Quantizer | None) -> None:
        self._model, self._quantizer = model, quantizer
        levels, size = (quantizer.levels, quantizer.size) if quantizer else (0, 0)
        self.counts = torch.zeros(levels, size, dtype=torch.long)
        self.sounds: list[Sound] = []
        self._latents: list[Tensor] = []
        self._of: list[Tensor] = []
        self._starts: list[Tensor] = []
        self._nats = torch.zeros(model.net.recipe.model.latent_dim)
        self._seconds = model.net.latent_hop / model.sample_rate
        self._frames_a_place = max(1, round(PLACE_SECONDS / self._seconds))
        self._most: dict[tuple[int, int], list[tuple[int, int, str, float]]] = {}

    def add(self, sound: Sound, wave: np.ndarray) -> None:
        """Take a sound in; silent frames do not count."""
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
        """Count codes [frames, levels], and keep for each (level, code) the PLACES stretches with most of it."""
        stretches = torch.arange(len(codes)) // self._frames_a_place
        for level in range(codes.shape[1]):
            self.counts[level] += torch.bincount(codes[sounding, level], minlength=self.counts.shape[1])
            together = list(zip(codes[:, level].tolist(), stretches.tolist(), strict=True))
            frames = sounding.nonzero()[:, 0].tolist()
            first = {together[frame]: frame for frame in reversed(frames)}
            for (code, stretch), count in Counter(together[frame] for frame in frames).items():
                kept = self._most.setdefault((level, code), [])
                # equal counts: the first place stays, as the number between never is equal
                entry = (count, -len(kept) - stretch, name, round(first[code, stretch] * self._seconds, 3))
                if len(kept) < PLACES:
                    heapq.heappush(kept, entry)
                else:
                    heapq.heappushpop(kept, entry)

    @property
    def place_seconds(self) -> float:
        """How long a place of a code is."""
        return self._frames_a_place * self._seconds

    def map(self, card: Card) -> CodebookMap:
        """The map of it all."""
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


@torch.no_grad()
def make_map(home: Home, wanted: str) -> CodebookMap:
    """The map of a model of the library or of a run, over all the sounds that it was trained and validated on.

    A run's is that of its newest checkpoint; before its codebooks are made, and of a VAE, there are no levels.

    Raises:
        RequestError: there is no such model or run, it has no checkpoint yet, or its sounds are not there any more.
    """
    model, corpus, is_quantizing = None, None, True
    try:
        entry = Library(home).find(wanted)
    except RequestError as not_a_model:
        try:
            run = find_run(home, wanted)
        except RequestError:
            raise not_a_model from None
        if live := read_map(run.map):
            return live
        if not run.sounds.exists():
            raise RequestError(f"run {run.id} has no map yet", "Its first steps make one.") from None
        model, is_quantizing = _of_run(run)
        corpus = Corpus.load(run.sounds)
    else:
        # the name comes from a file that anybody may have written
        maker = Path(entry.summary.run).name if entry.summary is not None else ""
        if maker and (live := read_map(RunFolder(home.runs / maker).map)):
            return live
        if read_card(entry.path).recipe.get("model", {}).get("net") == "image":
            raise RequestError(
                f"'{wanted}' learned pictures, and the run that kept its map is gone",
                "Learn them again with: distill-tui explore --data FOLDER",
            )
        model = Model.load(entry.path)
        corpus = _corpus(home, model.card)
    bottleneck = model.net.bottleneck
    gathering = CodebookMapBuilder(model, bottleneck if isinstance(bottleneck, Quantizer) and is_quantizing else None)
    for sound, wave in _waves(home, corpus, model.sample_rate):
        gathering.add(sound, wave)
    if not gathering.sounds:
        raise RequestError(f"there is no sound left of the data of '{wanted}'")
    return gathering.map(model.card)


def _of_run(run: RunFolder) -> tuple[Model, bool]:
    """The averaged weights of a run's newest checkpoint, and whether it quantizes yet."""
    recipe = toml.load(run.recipe)
    made: list[tuple[Model, bool]] = []
    problems: list[str] = []

    def use(state: dict[str, Any]) -> None:
        made.append((Model.of(recipe, state["averaged"], Card(step=int(state["step"]))), bool(state["quantizing"])))

    if checkpoint.load_newest(run.checkpoints, lambda path, why: problems.append(f"{path.name}: {why}"), use) is None:
        if problems:
            raise RequestError(f"run {run.id} has no checkpoint that can be used: {problems[0]}")
        raise RequestError(f"run {run.id} has no checkpoint yet", "Ask for one: distill-tui checkpoint RUN")
    return made[-1]


def _corpus(home: Home, card: Card) -> Corpus:
    manifest = RunFolder(home.runs / card.run).sounds
    if card.run and manifest.exists():
        return Corpus.load(manifest)
    paths = [str(path) for path in card.data.get("paths", [])]
    if not paths or not all(Path(path).exists() for path in paths):
        raise RequestError(f"the sounds of '{card.name}' are not on this machine: {', '.join(paths) or 'unknown'}")
    return scan(paths, 0.1, home)


def _waves(home: Home, corpus: Corpus, rate: int) -> Iterator[tuple[Sound, np.ndarray]]:
    for wave in decode_cache.decode_all(corpus, rate, home)[0]:
        yield wave.sound, wave[:]


def _groups(frames: dict[str, int]) -> list[str]:
    """The folders of files, or the files where all are in one, those with most frames first and `others` at the end."""
    folders: Counter[str] = Counter()
    for name, count in frames.items():
        folders[str(Path(name).parent)] += count
    found = folders if len(folders) > 1 else Counter(frames)
    common = [name for name, _ in found.most_common(GROUPS)]
    return common if len(found) <= GROUPS else [*common[: GROUPS - 1], "others"]


def _group(name: str, groups: list[str]) -> str:
    """Which of `groups` a file is in."""
    found = next((group for group in (str(Path(name).parent), name) if group in groups), "others")
    return found if found in groups else groups[0]
