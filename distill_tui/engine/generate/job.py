"""A request as drafts: what is to be decoded for each seed.

Which method serves an edit: variations and new sounds are drawn from the prior where there is one, and blended
otherwise; what follows a sound is drawn from the prior or walked; a gap is filled with a part of a training sound that
fits both sides; a morph is a blend. `METHODS` says so.
"""

import math
from collections.abc import Sequence

import msgspec
from numpy.random import Generator as Random
from torch import Tensor

from distill_tui.engine.generate import edit
from distill_tui.engine.generate.blend import blend
from distill_tui.engine.generate.finish import Draft
from distill_tui.engine.generate.loop import fades, loop_frames
from distill_tui.engine.generate.material import Material
from distill_tui.engine.generate.prior_takes import PriorTakes, Stop
from distill_tui.engine.generate.sampler import ROWS
from distill_tui.engine.generate.sounds import Sounds
from distill_tui.engine.generate.source import Source, load_source, seeded
from distill_tui.engine.generate.walk import walk
from distill_tui.errors import RequestError
from distill_tui.takes.check import edit_of
from distill_tui.takes.request import Request

STRETCH = 2
"""Times that a blend is made longer than its sounds; what is to be longer yet is a walk."""
LOOP_SECONDS = 2.0
"""Of the material that a loop is cut from, at least, where no length is asked for."""
LOOP_MARGIN = 48
"""Frames that the material of a loop is longer than the loop: to choose a seam in."""
METHODS = {
    "": ("prior", "blend", "walk"),
    "like": ("prior", "blend", "walk"),
    "continue_file": ("prior", "walk"),
    "fill": ("walk", "blend", "prior"),
    "morph": ("blend",),
    "follow": ("prior", "blend", "walk"),
}
"""The methods of new sounds and of each edit, the best first: that of `auto`, if the model has it."""


class Job:
    """One request for one model: checked, its source sounds read.

    Args:
        prior: of a generator; None: a codec.
        name: of the model, for errors.
        stop: looked at while a long take is drawn: what is drafted from then on may be of any length.

    Attributes:
        samples: the length that was asked for; None: each take's own.
        sources: paths of the source sounds, and the hashes of their contents.

    Raises:
        RequestError: it cannot be met (seconds, source sound, method).
    """

    def __init__(self, request: Request, sounds: Sounds, prior: PriorTakes | None, name: str, stop: Stop) -> None:
        self.request, self.codec = request, sounds.codec
        self._sounds, self._prior, self._name, self._stop = sounds, prior, name, stop
        self.edit = edit_of(request)
        self.method = self._method()
        self.frames = None if request.seconds is None else self.codec.frames(request.seconds)
        if request.loop and request.seconds is not None:
            self.frames = loop_frames(self.codec, round(request.seconds * self.codec.rate))
        self.samples = None if request.seconds is None else max(1, round(request.seconds * self.codec.rate))
        paths = [str(path) for path in (request.morph or [getattr(request, self.edit)])] if self.edit else []
        self._files = [load_source(self.codec, path) for path in paths]
        self.sources = {path: source.content for path, source in zip(paths, self._files, strict=True)}
        self._check_lengths()

    def _method(self) -> str:
        request = self.request
        possible = [m for m in METHODS[self.edit] if m != "prior" or self._prior]
        if request.method == "auto":
            return possible[0]
        if request.method == "prior" and not self._prior:
            raise RequestError(
                f"--method prior: '{self._name}' is a codec, and has no prior",
                "Train one with: distill-tui train-prior, or take blend or walk.",
            )
        if request.method not in possible:
            flag = {"continue_file": "--continue"}.get(self.edit, f"--{self.edit}")
            raise RequestError(f"--method {request.method}: {flag} is done by {' or '.join(possible)}")
        return request.method

    def _check_lengths(self) -> None:
        request, rate = self.request, self.codec.rate
        if request.continue_file and self.frames is not None:
            own = len(self._files[0].wave) / rate
            if request.seconds is not None and request.seconds <= own + 1 / self.codec.frame_rate:
                raise RequestError(
                    f"--seconds: {request.seconds:g} is not longer than {self._files[0].name} ({own:.2f} s)",
                    "It is the length of all of it.",
                )
        if request.fill and request.end > (own := len(self._files[0].wave) / rate) + 1e-6:
            raise RequestError(f"--to: {request.end:g} is after the end of {self._files[0].name} ({own:.3f} s)")

    @property
    def together(self) -> int:
        """Takes that are best drafted together: a prior draws ROWS at a time, but long ones one by one."""
        is_long = self.frames is not None and self._prior is not None and self.frames > self._prior.most
        return 1 if is_long else ROWS

    def drafts(self, seeds: Sequence[int]) -> list[Draft]:
        """A draft for each seed."""
        if self.edit == "fill":
            return self._fill(seeds)
        if self.edit == "continue_file":
            return self._continue(seeds)
        if self.edit == "morph":
            a, b = self._files
            return [Draft(edit.morph(self.codec, a, b, seed, seeded(seed, 3), self.frames), "blend") for seed in seeds]
        if self.edit == "like":
            return self._like(seeds)
        if self.edit == "follow":
            return [self._followed(draft) for draft in self._new(seeds, None)]
        drafts = self._new(seeds, self.frames)
        if not self.request.loop:
            return drafts
        return [self._loopable(seed, draft) for seed, draft in zip(seeds, drafts, strict=True)]

    def _loopable(self, seed: int, draft: Draft) -> Draft:
        """A draft that a loop can be made of: one that fades, or one that is longer than the loop."""
        if fades(self.codec, draft.material.latents):
            return draft
        frames = self.codec.frames(LOOP_SECONDS) if self.frames is None else self.frames + LOOP_MARGIN
        return self._new([seed], frames)[0]

    def _new(self, seeds: Sequence[int], frames: int | None, rows: Sequence[int] | None = None) -> list[Draft]:
        """New sounds, of some training sounds only."""
        if self.method == "prior" and self._prior:
            return [Draft(one, "prior") for one in self._prior.new(self.request, seeds, frames, self._stop)]
        return [self._from_bank(seed, seeded(seed, 1), frames, rows) for seed in seeds]

    def _from_bank(self, seed: int, random: Random, frames: int | None, rows: Sequence[int] | None) -> Draft:
        sounds, request = self._sounds, self.request
        rows = sounds.rows(request.label) if rows is None else rows
        rows = rows if frames is None else sounds.about(frames, rows)
        longest = max(len(sounds.latents[row]) for row in rows)
        if self.method == "walk" or (frames is not None and frames > STRETCH * longest):
            return Draft(walk(sounds, seed, random, rows, frames, request.max_copy), "walk")
        return Draft(blend(sounds, seed, random, rows, frames), "blend")

    def _like(self, seeds: Sequence[int]) -> list[Draft]:
        (source,) = self._files
        if self.method == "prior" and self._prior:
            return [Draft(self._of_length(one), "prior") for one in self._prior.like(self._labelled(), seeds, source)]
        kind = edit.kind_of(self._sounds, source, self.request.label)
        drafts = self._new(seeds, None, kind)
        strength = self.request.strength
        return [
            Draft(self._of_length(edit.like(self.codec, source, draft.material, strength)), draft.method)
            for draft in drafts
        ]

    def _labelled(self) -> Request:
        """The request for the prior: a source sound without a label is of the kind that it is most like."""
        label = self._sounds.labels[edit.kind_of(self._sounds, self._files[0], self.request.label, 1)[0]]
        # sounds of another bank may be of kinds that the prior does not know
        is_known = self._prior is not None and label in self._prior.generator.labels
        return msgspec.structs.replace(self.request, label=label if is_known else "")

    def _of_length(self, material: Material) -> Material:
        """A variation at the length that was asked for."""
        return material if self.frames is None else edit.resized(self.codec, material, self.frames)

    def _continue(self, seeds: Sequence[int]) -> list[Draft]:
        (source,), request = self._files, self.request
        if self.method == "prior" and self._prior:
            made = self._prior.go_on(self._labelled(), seeds, source, self.frames, self._stop)
        else:
            made = [
                edit.go_on(self._sounds, source, seeded(seed, 2), request.label, self.frames, request.max_copy)
                for seed in seeds
            ]
        return [Draft(one, self.method) for one in made]

    def _fill(self, seeds: Sequence[int]) -> list[Draft]:
        (source,), request, rate = self._files, self.request, self.codec.frame_rate
        count = len(source.latents)
        first = min(count - 1, math.floor(request.start * rate))
        last = max(first + 1, min(count, math.ceil(request.end * rate)))
        if self.method == "prior" and self._prior:
            filled = self._prior.fill(self._labelled(), seeds, source, first, last)
        elif self.method == "walk":
            filled = [
                edit.fill_from(self._sounds, source, first, last, seeded(seed, 4), request.label) for seed in seeds
            ]
        else:
            filled = [edit.fill_smooth(source.latents, first, last)] * len(seeds)

        def patch(wave: Tensor, source: Source = source) -> Tensor:
            return edit.put_back(source, wave, first, last, self.codec.hop)

        return [Draft(Material(one, len(source.wave)), self.method, patch=patch) for one in filled]

    def _followed(self, draft: Draft) -> Draft:
        material, wanted = edit.follow(self.codec, self._files[0], draft.material)
        return Draft(material, draft.method, wanted=wanted)
