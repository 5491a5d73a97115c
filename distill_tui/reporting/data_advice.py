"""What is odd about a folder of sounds, with an alternative and its cost. The scan has read all that it takes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from distill_tui.data.corpus import Corpus, Sound
from distill_tui.recipe.arithmetic import frame_rate
from distill_tui.recipe.resolve import DataFacts, files_above, usual_rate
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import duration, hertz, plural

RATES = "rates"
"""The id of the remark on sounds that lose high frequencies."""
FEW_FRAMES = 4
"""Latent frames below which a sound is mostly what it is padded with."""
FEW_HELD_OUT = 3
"""Held-out sounds below which their distance says little."""


@dataclass(frozen=True)
class Remark:
    """One odd thing: what it is and does, and what else could be done at which cost; `short` is that in a few words.

    `id` stays when words change.
    """

    id: str
    short: str
    text: str
    way_out: str

    @property
    def line(self) -> str:
        """Both in a line."""
        return f"{self.text}; {self.way_out}"


def remarks(corpus: Corpus, recipe: Recipe, cost: Callable[[int], float]) -> list[Remark]:
    """What is odd about the sounds of a scan.

    Args:
        recipe: a resolved one for these sounds.
        cost: the time of a step at another sample rate in Hz over that of this recipe.
    """
    return [
        *_rates(corpus.facts(), recipe, cost),
        *_twins(corpus),
        *_held_out(corpus),
        *_short(corpus.sounds, recipe),
        *_noted(corpus.sounds),
    ]


def _rates(facts: DataFacts, recipe: Recipe, cost: Callable[[int], float]) -> Iterator[Remark]:
    rate = int(recipe.model.sample_rate)
    lost = files_above(facts, rate)
    if not lost or "model.sample_rate" not in recipe.automatic:
        return
    count, kept, edge = sum(lost.values()), usual_rate(max(lost)), hertz(rate / 2)
    native = ", ".join(map(hertz, sorted(lost)))
    lose = f"{'loses' if count == 1 else 'lose'} everything above {edge}"
    yield Remark(
        RATES,
        f"{count:,} {lose}",
        f"{count:,} of {plural(facts.files, 'sound')} ({native}) {lose}: half of the sound has {hertz(rate)} or less, "
        "and so has the model",
        f"Sample rate {kept} (Advanced, or --set model.sample_rate={kept}) keeps it; a step then takes "
        f"{cost(kept):.1f} times as long",
    )


def _twins(corpus: Corpus) -> Iterator[Remark]:
    pairs = corpus.twins
    if not pairs:
        return
    split = {sound.name: sound.split for sound in corpus.sounds}
    leaks = sum(split.get(one) != split.get(other) for one, other in pairs)
    many = f"{len(pairs):,} sounds are near-twins of others (the first: {pairs[0][1]} of {pairs[0][0]})"
    if len(pairs) == 1:
        many = f"{pairs[0][1]} is a near-twin of {pairs[0][0]}"
    leak = f"; {leaks:,} held out while the twin is trained on, so the distance will read too well" if leaks else ""
    yield Remark(
        "twins",
        plural(len(pairs), "near-twin"),
        many + leak,
        "move one of each pair out of the folder: it costs nothing but the copies",
    )


def _held_out(corpus: Corpus) -> Iterator[Remark]:
    if len(corpus.sounds) == 1:
        held_out = duration(corpus.split_seconds("validation"))
        yield Remark(
            "one-file",
            "one file alone",
            f"one file alone: its last {held_out} are held out, and much like the rest",
            "cut it into files by what is in them, and whole ones are held out",
        )
        return
    files = corpus.split_files("validation")
    if files < FEW_HELD_OUT and corpus.validation_fraction < 0.3:
        yield Remark(
            "few-held-out",
            f"only {plural(files, 'sound')} held out",
            f"only {plural(files, 'sound')} held out: the distance says little of others",
            "data.validation_fraction=0.3 holds out more, at that share of the sound to train on",
        )


def _short(sounds: list[Sound], recipe: Recipe) -> Iterator[Remark]:
    least = FEW_FRAMES / frame_rate(recipe)
    count = sum(sound.seconds < least for sound in sounds)
    if count:
        yield Remark(
            "short",
            f"{count:,} very short",
            f"{count:,} of {plural(len(sounds), 'sound')} {'is' if count == 1 else 'are'} shorter than "
            f"{1000 * least:.0f} ms, {FEW_FRAMES} latent frames: mostly padding",
            "leave them out, or halve model.hop_length for frames half as long, at twice the bit rate",
        )


def _noted(sounds: list[Sound]) -> Iterator[Remark]:
    noted = [sound for sound in sounds if sound.note]
    if noted:
        rest = f", and {len(noted) - 1:,} more" if len(noted) > 1 else ""
        yield Remark(
            "noted",
            f"{len(noted):,} odd",
            f"{noted[0].name}: {noted[0].note}{rest}",
            "used as they are: distill-tui data lists them",
        )
