"""Makes takes: what a request asks for, from a codec or a generator and its code bank."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.codec import Codec, one_thread
from distill_tui.engine.generate.codec_bank import bank_of_codec, fingerprint
from distill_tui.engine.generate.copies import longest_run
from distill_tui.engine.generate.finish import Draft, Sound, finish
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.job import METHODS, Job
from distill_tui.engine.generate.novelty import Judge, Judgement
from distill_tui.engine.generate.prior_takes import PriorTakes, Stop
from distill_tui.engine.generate.sounds import Sounds
from distill_tui.engine.inference.model import Model
from distill_tui.errors import RequestError
from distill_tui.library.card import now
from distill_tui.library.container import read_card
from distill_tui.paths import Home
from distill_tui.takes.check import check_label, check_request
from distill_tui.takes.request import Request
from distill_tui.takes.take import Take, settings_of

Progress = Callable[[int, int], None]
"""Called with (takes done, takes in all)."""
ATTEMPTS = 8
"""Draws for a take that is to be new, at the most."""
STRIDE = 1 << 40
"""Between the seeds of these draws: a prior draws with others, of smaller strides, for a take of a given length."""


def _go_on() -> bool:
    return False


@dataclass(frozen=True)
class Made:
    """One take in memory.

    Attributes:
        wave: float32 [samples] in -1..1 at the model's sample rate.
        codes: int64 [frames, levels], on the CPU; of a model without codebooks latents, float32 [frames, latent_dim].
        take: its description; `path` is "" until it is written (`takes.sound_file.save_take`).
    """

    wave: NDArray[np.float32]
    codes: Tensor
    take: Take


class Maker:
    """Makes takes with one model.

    Args:
        source: a codec (methods blend and walk) or a generator (the prior too).
        bank: the training sounds as codes of that codec.
        judge: measures how new each take is; None leaves `nearest`, `novelty` and the runs of codes unknown.
        data: where the bank was made of other sounds than the model's own; noted in the takes.
    """

    def __init__(
        self, source: Model | Generator, bank: CodeBank, judge: Judge | None = None, data: Sequence[str | Path] = ()
    ) -> None:
        model = source.codec if isinstance(source, Generator) else source
        self.card, self.codec, self.bank, self.judge = source.card, Codec(model), bank, judge
        self.sounds = Sounds(self.codec, bank)
        self.prior = PriorTakes(source, self.codec) if isinstance(source, Generator) else None
        self._known = known_sounds(source, bank)
        labels = {label for label in bank.part(held_out=False).labels if label}
        self.labels = sorted(labels & set(source.labels) if isinstance(source, Generator) else labels)
        self.bank_hash, self._data = fingerprint(bank), [str(path) for path in data]

    @classmethod
    def open(
        cls,
        path: Path,
        home: Home,
        device: str = "cpu",
        data: Sequence[str | Path] = (),
        with_judge: bool = True,
        progress: Progress | None = None,
    ) -> "Maker":
        """Load a model and its bank.

        Args:
            path: a `.distill` file of a codec or a generator.
            home: where codes of the training sounds are cached.
            data: folders and files to use as the bank; () for the sounds that the model was trained on.
            progress: called with (sounds encoded, sounds in all) where the codes are not in the cache.

        Raises:
            RequestError: no good model, or the sounds are gone (the way out is `--data`).
        """
        is_generator = read_card(path).task == "prior"
        source = Generator.load(path, device) if is_generator else Model.load(path, device)
        return cls.of(source, home, data, with_judge, progress)

    @classmethod
    def of(
        cls,
        source: Model | Generator,
        home: Home,
        data: Sequence[str | Path] = (),
        with_judge: bool = True,
        progress: Progress | None = None,
    ) -> "Maker":
        """A maker for a model that is loaded; the rest is as for `open`."""
        if isinstance(source, Generator):
            model, bank = source.codec, None if data else source.bank
        else:
            model, bank = source, None
        bank = bank or bank_of_codec(home, model, data, progress)
        judge = Judge(known_sounds(source, bank), model, home.cache) if with_judge else None
        return cls(source, bank, judge, data)

    @property
    def sample_rate(self) -> int:
        """Of what is made, in Hz."""
        return self.codec.rate

    @property
    def methods(self) -> list[str]:
        """The methods that this model has, the one of `auto` for new sounds first."""
        return [method for method in METHODS[""] if method != "prior" or self.prior]

    def make(self, request: Request, progress: Progress | None = None, stop: Stop | None = None) -> Iterator[Made]:
        """Make the takes of a request, one after the other; take n follows from seed + n alone.

        Args:
            progress: called with (takes done, takes in all), first with (0, all).
            stop: looked at before each take, and between the parts of long ones; true ends the iteration.

        Raises:
            RequestError: the request cannot be met (label, seconds, source sound, method); before the first take.
        """
        if request.novelty is not None and self.judge is None:
            raise RequestError("--novelty: how new takes are is not measured here")
        stop = stop or _go_on
        return self._each(self.job(request, stop), progress or (lambda _done, _all: None), stop)

    def again(self, take: Take) -> Made:
        """Make one take again, from its description.

        Raises:
            RequestError: it cannot be made, as `make`, or its settings make no sense.
        """
        job = self.job(msgspec.structs.replace(settings_of(take), seed=take.seed, count=1))
        with one_thread():
            (draft,) = job.drafts([take.seed + take.attempt * STRIDE])
        made = self._attempt(job, take.seed, take.attempt, draft)
        return Made(made.wave, made.codes, msgspec.structs.replace(made.take, note=take.note, settings=take.settings))

    def job(self, request: Request, stop: Stop = _go_on) -> Job:
        """Check a request, and read what it needs.

        Raises:
            RequestError: as `make`.
        """
        check_request(request)
        check_label(request.label, self.labels, self.card.name)
        with one_thread():
            return Job(request, self.sounds, self.prior, self.card.name, stop)

    def _each(self, job: Job, progress: Progress, stop: Stop) -> Iterator[Made]:
        request = job.request
        progress(0, request.count)
        for first in range(0, request.count, job.together):
            seeds = [request.seed + number for number in range(first, min(request.count, first + job.together))]
            if stop():
                return
            with one_thread():
                drafts = job.drafts(seeds)
            waves: list[Tensor | None] = [None] * len(drafts)
            if not request.loop and self.codec.net.device.type != "cpu":
                waves = list(self.codec.decode_all([draft.material.latents for draft in drafts]))
            for number, (seed, draft, wave) in enumerate(zip(seeds, drafts, waves, strict=True)):
                made = self._new_enough(job, seed, draft, wave, stop)
                if made is None:
                    return
                yield made
                progress(first + number + 1, request.count)

    def _new_enough(self, job: Job, seed: int, draft: Draft, wave: Tensor | None, stop: Stop) -> Made | None:
        """A take as new as was asked for, of ATTEMPTS; otherwise the newest of them, with a note. None: stopped."""
        best: Made | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                wave = None
                with one_thread():
                    (draft,) = job.drafts([seed + attempt * STRIDE])
            if stop():
                return None
            made = self._attempt(job, seed, attempt, draft, wave)
            lacks = _lacks(job.request, made.take)
            if not lacks:
                return made
            made.take.note = "; ".join(part for part in (made.take.note, f"{lacks}, the best of {ATTEMPTS}") if part)
            if best is None or _rank(made.take) > _rank(best.take):
                best = made
        assert best is not None
        return best

    def _attempt(self, job: Job, seed: int, attempt: int, draft: Draft, wave: Tensor | None = None) -> Made:
        """A draft as a take: decoded, of the right length, not clipping, judged."""
        request = job.request
        with one_thread():
            sound = finish(self.codec, draft, request.loop, job.samples, wave)
            codes = self.codec.codes(sound.latents)
        take = Take(
            path="",
            seconds=len(sound.wave) / self.sample_rate,
            seed=seed,
            method=draft.method,
            label=request.label,
            loudness=sound.loudness,
            peak=sound.peak,
            gain_db=sound.gain_db,
            note=sound.note,
            model=self.card.name,
            model_sha256=self.card.weights_sha256,
            created=now(),
            settings=msgspec.to_builtins(request),
            attempt=attempt,
            bank=self.bank_hash,
            data=self._data,
            sources=job.sources,
        )
        if judged := self._judge(sound, codes):
            take.nearest, take.novelty = judged.nearest, judged.novelty
            take.copied_frames, take.copied_coarse = judged.copied_frames, judged.copied_coarse
            take.frames = judged.frames
        elif request.max_copy is not None:
            take.copied_frames, take.frames = longest_run(self._known, codes), len(codes)
        return Made(sound.wave, codes, take)

    def _judge(self, sound: Sound, codes: Tensor) -> Judgement | None:
        return self.judge.judge(torch.from_numpy(sound.wave), codes) if self.judge else None


def known_sounds(source: Model | Generator, bank: CodeBank) -> CodeBank:
    """The sounds that takes of a model must differ from to be new.

    Those of the bank that they are made from; a generator knows its own by heart, whatever its bank.
    """
    if not isinstance(source, Generator) or bank is source.bank:
        return bank
    return source.bank.joined(bank)


def _lacks(request: Request, take: Take) -> str:
    """What a take is not, in words; "" if it is as new as was asked for."""
    if request.novelty is not None and take.novelty is not None and take.novelty < request.novelty:
        return f"novelty {take.novelty:.2f} instead of {request.novelty:g}"
    if request.max_copy is not None and take.copied_frames is not None and take.copied_frames > request.max_copy:
        return f"{take.copied_frames} frames copied instead of {request.max_copy}"
    return ""


def _rank(take: Take) -> tuple[float, int]:
    """The newer, the larger."""
    return (take.novelty or 0.0, -(take.copied_frames or 0))
