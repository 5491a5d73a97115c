"""Writes the map of a run on images (`runs.codebook_map`) again and again as it trains."""

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from distill_tui.data.images.dataset import SIDE
from distill_tui.engine.maps.pca import Plane, levels_of
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.quantizers.vae import KL
from distill_tui.engine.training.diagnostics import Diagnostics
from distill_tui.reporting.verdicts import WINDOW_STEPS
from distill_tui.runs.codebook_map import CodebookMap, Level, Picture, Point, read_map, write_map
from distill_tui.runs.folder import RunFolder

if TYPE_CHECKING:
    from distill_tui.engine.tasks.images import ImagesTask

POINTS = 400
SHOWN = 8
"""Images on the map, each with its reconstruction."""
PICTURE_STEPS = 50
TRAIL = 48
"""The most earlier positions of a code; beyond, every other one is dropped."""


class LiveMap:
    """Writes the map of a run on images every `seconds`, if it `is_due`."""

    def __init__(self, run: RunFolder, task: "ImagesTask", diagnostics: Diagnostics, seconds: float) -> None:
        self._path, self._task, self._diagnostics, self._seconds = run.map, task, diagnostics, seconds
        self._written = -math.inf
        self._plane: Plane | None = None
        self._planes: list[Plane] = []
        self._pictures: tuple[list[Picture], list[Picture], int] = ([], [], -PICTURE_STEPS)
        labels = task.labels["validation"][:POINTS]
        self._groups = [str(label) for label in range(max(labels) + 1)]
        self._labels = labels
        # a resumed run has a trail already
        before = read_map(run.map)
        self._steps = before.trail_steps if before else []
        self._trails: list[list[list[Point]]] = [level.trail for level in before.levels] if before else []
        self._books: list[Tensor] = []

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._written >= self._seconds

    @torch.no_grad()
    def write(self, net: Autoencoder, step: int, epoch: int) -> None:
        """Replace the map by the present one. If the disk is full, the map is not written and the run goes on."""
        self._written = time.monotonic()
        pictures = self._task.some("validation", POINTS)
        passed = net.bottleneck(latents := net.encode(pictures))
        kl: list[float] = []
        if isinstance(net.bottleneck, KL):
            kl = [round(nats, 4) for nats in net.bottleneck.nats(latents).tolist()]
            latents = net.bottleneck.tokens(latents)
        flat = latents[:, 0].cpu()
        plane = self._plane = Plane(flat, self._plane)
        levels: list[Level] = []
        if isinstance(net.bottleneck, Quantizer) and passed.codes is not None:
            counts = self._task.health.counts.long().tolist()
            codes = passed.codes[:, 0].cpu()
            levels, self._planes = levels_of(net.bottleneck, flat, codes, counts, plane, self._planes)
            self._follow(levels, net.bottleneck.codebooks.float().cpu().clone(), step)
        if step - self._pictures[2] >= PICTURE_STEPS:
            made = net.decode(passed.latents[:SHOWN])
            self._pictures = (_shown(pictures[:SHOWN]), _shown(made), step)
        found = CodebookMap(
            step=step,
            epoch=epoch,
            dims=flat.shape[1],
            explained=plane.explained,
            points=plane.places(flat),
            labels=self._labels,
            groups=self._groups,
            kl=kl,
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
            self._diagnostics.warn("map", f"the map of the codebooks cannot be written: {error.strerror}", step=step)

    def _follow(self, levels: list[Level], books: Tensor, step: int) -> None:
        """Add the present positions of the codes to their trails, after dropping those that a resumed run repeats.

        A trail lies in one plane, the present one: where levels have planes of their own, earlier codebooks are kept.
        """
        is_flat = self._planes[0].dim <= 2
        if len(self._trails) != len(levels) or not (is_flat or len(self._books) == len(self._steps)):
            self._trails, self._steps, self._books = [[] for _ in levels], [], []
        keep = sum(earlier < step for earlier in self._steps)
        # once there are many, older positions are further apart in time than the newest
        kept = [i for i in range(keep) if keep < TRAIL or i % 2 == 0 or i > keep - TRAIL // 4]
        self._steps = [*(self._steps[i] for i in kept), step]
        self._books = [] if is_flat else [*(self._books[i] for i in kept), books]
        for number, (level, plane) in enumerate(zip(levels, self._planes, strict=True)):
            earlier = [self._trails[number][i] for i in kept]
            if plane.has_moved:
                earlier = [plane.places(then[number]) for then in self._books[:-1]]
            self._trails[number] = level.trail = [*earlier, level.codes]


def grey(image: Tensor) -> bytes:
    """An image [height, width] in 0..1 as bytes, row by row."""
    return (image.detach() * 255).round().clamp(0, 255).byte().cpu().numpy().tobytes()


def _shown(pictures: Tensor) -> list[Picture]:
    return [Picture(width=SIDE, height=SIDE, pixels=grey(one)) for one in pictures]
