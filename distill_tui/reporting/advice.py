"""What to press: three choices of preset and minutes for these sounds on this machine, and which of them, and why.

Times follow from the pace of earlier runs here or of a probe (`runs.paces`), else from the kind of device; the quality
to expect from results that are known (`reporting.expected_quality`), and is not told where there are none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from distill_tui.data.corpus import Corpus
from distill_tui.machine import Machine
from distill_tui.recipe.arithmetic import VALIDATION_SECONDS
from distill_tui.recipe.batch import LARGE, MUCH_SOUND
from distill_tui.recipe.fields import get, with_values
from distill_tui.recipe.net_size import SIZE_KEYS, STEP_CROPS, STEPPING_SHARE, place_text
from distill_tui.recipe.pace import Pace, kind_of_device, nearest, step_seconds, step_work
from distill_tui.recipe.presets import PRESETS, layered
from distill_tui.recipe.resolve import TINY_SECONDS, VALIDATION_WORK, DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.data_advice import Remark, remarks
from distill_tui.reporting.expected_quality import Expected, Result, Subject, expected, subject_of
from distill_tui.reporting.formatting import duration, shorten

Name = Literal["quick", "good", "overnight"]
NAMES: tuple[Name, ...] = ("quick", "good", "overnight")
TITLES: dict[Name, str] = {"quick": "quick look", "good": "good", "overnight": "overnight"}
QUICK_MINUTES, OVERNIGHT_MINUTES = 3.0, 480.0
GOOD_MINUTES = (10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0)
"""The first of these that makes GOOD_STEPS and hears every sound once is called good."""
GOOD_STEPS = 5000
"""Steps of STEP_CROPS crops. Drums came from mel 0.260 after 1,273 of them to 0.231 after 4,447
(tests/benchmarks/RESULTS.md); what more do was not measured."""
START_SECONDS, SAVE_SECONDS = 10.0, 2.0
"""Until the first step (loading torch, reading the sounds) and for writing the model, where no run here has told."""
RUN_CELLS = 30


@dataclass(frozen=True)
class Choice:
    """One choice: the preset and the minutes that it sets, the recipe that this is here, and what to expect.

    `steps` is estimated, `total_seconds` is from the start to the model in the library.
    """

    name: Name
    preset: str
    minutes: float
    recipe: Recipe
    steps: float
    step_seconds: float
    total_seconds: float
    quality: Expected

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def crops(self) -> float:
        """Crops that it is trained on."""
        return self.steps * int(self.recipe.train.batch_size)

    @property
    def heard_seconds(self) -> float:
        """Seconds of sound that it is trained on, those heard again counted again."""
        return self.crops * float(self.recipe.data.crop_seconds)

    @property
    def values(self) -> dict[str, Any]:
        """The values that it sets, by key."""
        return {"preset": self.preset, **PRESETS[self.preset], "train.minutes": self.minutes}

    @property
    def minutes_text(self) -> str:
        """`3 min`, `1.5 h`."""
        return f"{self.minutes:g} min" if self.minutes < 90 else f"{self.minutes / 60:g} h"

    @property
    def steps_text(self) -> str:
        """`about 5,400 steps`."""
        return f"about {_two_digits(self.steps):,} steps"


@dataclass(frozen=True)
class Advice:
    """The choices, the name of the recommended one, and why; `pace` says where the times come from.

    `is_measured` is false where no run and no probe has told how fast this machine is; `needs_probe` is true there, and
    where it was busy then.
    """

    choices: tuple[Choice, ...]
    recommended: Name
    reason: str
    place: str
    sound: str
    pace: str
    is_measured: bool
    needs_probe: bool
    remarks: tuple[Remark, ...] = field(default=())

    def choice(self, name: Name) -> Choice:
        return self.choices[NAMES.index(name)]

    @property
    def best(self) -> Choice:
        """The recommended choice."""
        return self.choice(self.recommended)

    @property
    def headline(self) -> str:
        """`good, 30 min (2 cores, 45 s of sound)`."""
        return f"{self.best.title}, {self.best.minutes_text} ({self.place}, {self.sound})"

    def to_json(self) -> dict[str, Any]:
        """The advice as `distill-tui data --json` prints it."""
        return {
            "recommended": self.recommended,
            "reason": self.reason,
            "device": str(self.best.recipe.train.device),
            "pace": self.pace,
            "is_measured": self.is_measured,
            "choices": [_choice_json(choice) for choice in self.choices],
            "remarks": [{"id": remark.id, "text": remark.text, "way_out": remark.way_out} for remark in self.remarks],
        }


def _choice_json(choice: Choice) -> dict[str, Any]:
    model = choice.recipe.model
    return {
        "name": choice.name,
        "preset": choice.preset,
        "minutes": choice.minutes,
        "total_seconds": round(choice.total_seconds),
        "steps": _two_digits(choice.steps),
        "channels": int(model.channels),
        "encoder_blocks": int(model.encoder_blocks),
        "decoder_blocks": int(model.decoder_blocks),
        "quality": choice.quality.text,
        "quality_of": choice.quality.source,
    }


def advise(
    corpus: Corpus,
    machine: Machine,
    paces: Sequence[Pace] = (),
    results: Sequence[Result] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Advice:
    """Advice for a codec of these sounds on this machine. It adds up every sound: not for the interface's thread.

    Args:
        paces: of earlier runs and probes on this machine.
        results: known ones, the more telling first.
        defaults: a person's own, checked, by key.

    Raises:
        RequestError: there is no usable sound, or the defaults are impossible here.
    """
    facts = corpus.facts()
    planner = _Planner(facts, machine, paces, dict(defaults or {}))
    drafts = (
        planner.draft("quick", QUICK_MINUTES),
        planner.good(),
        planner.draft("overnight", OVERNIGHT_MINUTES),
    )
    of_corpus = subject_of(corpus, 1.0, int(drafts[0].recipe.model.sample_rate))
    choices = tuple(_with_quality(draft, of_corpus, results) for draft in drafts)
    recommended, reason = _recommend(choices, facts, machine)
    best = choices[NAMES.index(recommended)].recipe
    pace = nearest(paces, best)
    return Advice(
        choices,
        recommended,
        reason,
        place=place_text(best, machine),
        sound=f"{_short(corpus.seconds)} of sound",
        pace=_pace_text(pace),
        is_measured=pace is not None,
        needs_probe=pace is None or (pace.is_probe and pace.is_busy),
        remarks=tuple(remarks(corpus, best, lambda rate: planner.cost(choices[NAMES.index(recommended)], rate))),
    )


class _Planner:
    """Choices as they are drafted: the recipe of each, its steps and its time."""

    def __init__(self, facts: DataFacts, machine: Machine, paces: Sequence[Pace], defaults: dict[str, Any]) -> None:
        self._facts, self._machine, self._paces, self._defaults = facts, machine, paces, defaults

    def draft(self, name: Name, minutes: float) -> Choice:
        preset = self._preset(name)
        wanted = layered(self._defaults, {"preset": preset, "train.minutes": minutes})
        recipe = resolve(wanted, self._facts, self._machine, self._paces)
        pace = nearest(self._paces, recipe)
        seconds = step_seconds(recipe, pace, self._machine.cores)
        plain = 1 - recipe.train.adversarial_fraction
        return Choice(
            name,
            preset,
            minutes,
            recipe,
            steps=max(1.0, plain * STEPPING_SHARE * 60 * minutes / seconds),
            step_seconds=seconds,
            total_seconds=60 * minutes + self._around(recipe, pace, seconds),
            quality=Expected(),
        )

    def good(self) -> Choice:
        """The shortest of GOOD_MINUTES that is enough, or the longest."""
        drafts = (self.draft("good", minutes) for minutes in GOOD_MINUTES)
        last = None
        for last in drafts:
            if is_enough(last, self._facts):
                break
        assert last is not None
        return last

    def cost(self, choice: Choice, rate: int) -> float:
        """The time of a step at another sample rate in Hz over that of a choice."""
        other = _Planner(self._facts, self._machine, self._paces, self._defaults | {"model.sample_rate": rate})
        # with the same net: a slower step may have led to a smaller one
        net = {key: get(choice.recipe, key) for key in SIZE_KEYS}
        recipe = with_values(other.draft(choice.name, choice.minutes).recipe, net)
        return step_work(recipe) / step_work(choice.recipe)

    def _preset(self, name: Name) -> str:
        """Strong regularisation for next to no sound; a discriminator for a night of GPU and much sound."""
        if self._facts.training_seconds < TINY_SECONDS:
            return "conservative"
        has_gpu = kind_of_device(str(self._defaults.get("train.device", "auto"))) in ("auto", "cuda") and (
            self._machine.best_device.startswith("cuda")
        )
        has_much = self._facts.training_seconds >= MUCH_SOUND * LARGE * min(1.5, max(0.5, self._facts.median_seconds))
        return "faithful" if name == "overnight" and has_gpu and has_much else "balanced"

    def _around(self, recipe: Recipe, pace: Pace | None, seconds: float) -> float:
        """Seconds before the first step and after the last one: as in that run, or by estimate."""
        if pace is not None and pace.around is not None:
            return pace.around
        kind = kind_of_device(str(recipe.train.device))
        validated = 2 * min(self._facts.validation_seconds, VALIDATION_SECONDS[kind])
        each = seconds / (int(recipe.train.batch_size) * float(recipe.data.crop_seconds))
        return START_SECONDS + VALIDATION_WORK * validated * each + SAVE_SECONDS


def is_enough(choice: Choice, facts: DataFacts) -> bool:
    """True if a choice makes GOOD_STEPS and hears every sound once."""
    return choice.crops >= GOOD_STEPS * STEP_CROPS and choice.heard_seconds >= facts.training_seconds


def _recommend(choices: tuple[Choice, ...], facts: DataFacts, machine: Machine) -> tuple[Name, str]:
    quick, good, _ = choices
    place = place_text(good.recipe, machine)
    make = "make" if place.endswith("cores") else "makes"
    if facts.training_seconds < TINY_SECONDS:
        return "quick", (
            f"only {_short(facts.training_seconds)} of sound to train on: listen first, and add sounds before more time"
        )
    if is_enough(quick, facts):
        return "quick", f"{place} {make} {quick.steps_text} in that time, and a good model takes {GOOD_STEPS:,}"
    if is_enough(good, facts):
        fewer = f"the quick look makes {quick.steps_text.removesuffix(' steps')}"
        return "good", f"{place} {make} {good.steps_text} in that time; a good model takes {GOOD_STEPS:,}, {fewer}"
    if good.heard_seconds < facts.training_seconds:
        whole = facts.training_seconds / good.heard_seconds * good.minutes * 60
        return "overnight", f"to hear each of {_short(facts.training_seconds)} once takes {duration(whole)} on {place}"
    return (
        "overnight",
        f"{place} {make} {good.steps_text} in {good.minutes_text}, and a good model takes {GOOD_STEPS:,}",
    )


def _with_quality(draft: Choice, of_corpus: Subject, results: Sequence[Result]) -> Choice:
    subject = Subject(draft.crops, of_corpus.seconds, of_corpus.rate, of_corpus.kind, of_corpus.contents)
    return replace(draft, quality=expected(subject, results))


def _pace_text(pace: Pace | None) -> str:
    if pace is None:
        return "estimated from the kind of device"
    if pace.is_probe:
        return "from a few training steps" + (" while the machine was busy: maybe less" if pace.is_busy else "")
    return f"measured in run {shorten(pace.run, RUN_CELLS)}"


def _short(seconds: float) -> str:
    """`45 s`, `12 min`, `10 h`: as much as a headline needs."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def _two_digits(steps: float) -> int:
    return int(float(f"{max(1.0, steps):.2g}"))
