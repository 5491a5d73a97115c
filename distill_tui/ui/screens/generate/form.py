"""The form of the Generate screen without a screen: what stands in it, how it is changed, and the request of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.takes.check import LONGEST, MOST_TAKES, check_request
from distill_tui.takes.request import Request

NOTHING = "nothing"
USES = {
    NOTHING: "",
    "like": "like",
    "continue": "continue_file",
    "follow": "follow",
    "morph": "morph",
    "fill": "fill",
}
"""What is done with a source sound, and the request's field for it."""
METHODS = ("auto", "prior", "blend", "walk")
SEVERAL = ("temperature", "top_p")


@dataclass(frozen=True)
class Setting:
    """A row of the form.

    Attributes:
        automatic: the word for None, which is the value that the generator chooses; "" where there is none.
        steps: the numbers that the arrow keys lead to, in order; () for what is no number.
        choices: the words to choose from.
        is_path: whether it is the path of a sound.
        begins: whether it begins a group of rows.
    """

    key: str
    title: str
    help: str
    automatic: str = ""
    steps: tuple[float, ...] = ()
    least: float = 0.0
    most: float = math.inf
    choices: tuple[str, ...] = ()
    is_path: bool = False
    begins: bool = False

    @property
    def is_number(self) -> bool:
        return bool(self.steps)

    @property
    def is_whole(self) -> bool:
        return all(isinstance(step, int) for step in self.steps)


SETTINGS = {
    setting.key: setting
    for setting in (
        Setting("model", "Model", "What makes the sounds: a generator, or a codec for blends and walks."),
        Setting(
            "method",
            "Method",
            "prior: drawn from the generator. blend: codes of two sounds. walk: through codes of all sounds.",
            choices=METHODS,
        ),
        Setting("label", "Kind", "The folder of your sounds whose kind is made.", automatic="any"),
        Setting(
            "count",
            "Takes",
            "How many.",
            steps=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
            least=1,
            most=MOST_TAKES,
            begins=True,
        ),
        Setting(
            "seconds",
            "Seconds",
            "The length of each; by itself a sound ends where it wants to.",
            automatic="by itself",
            steps=(0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0, 60.0),
            least=0.02,
            most=LONGEST,
        ),
        Setting(
            "temperature",
            "Temperature",
            "Below 1 likelier sounds, above 1 odder ones. Several numbers are for levels 0, 1, ...",
            automatic="usual",
            steps=tuple(round(0.5 + 0.05 * step, 2) for step in range(21)),
            least=0.01,
            most=10,
        ),
        Setting(
            "top_p",
            "Top-p",
            "Draw from the likeliest codes that make up this share. Several numbers are for levels 0, 1, ...",
            automatic="usual",
            steps=tuple(round(0.5 + 0.05 * step, 2) for step in range(11)),
            least=0.01,
            most=1,
        ),
        Setting(
            "use",
            "From a sound",
            "like: variations of it. continue: go on from its end. follow: take over its loudness and timing. morph: "
            "on the way to another sound. fill: replace a part of it.",
            choices=tuple(USES),
            begins=True,
        ),
        Setting("sound", "Sound", "The file. b puts a chosen take here.", is_path=True),
        Setting("other", "To sound", "The file at the other end.", is_path=True),
        Setting(
            "strength",
            "Strength",
            "How far from the sound: 0 is the sound itself, 1 is free.",
            steps=tuple(round(0.1 * step, 1) for step in range(11)),
            most=1,
        ),
        Setting("start", "Gap from", "In seconds.", steps=tuple(0.1 * step for step in range(101)), most=LONGEST),
        Setting("end", "Gap to", "In seconds.", steps=tuple(0.1 * step for step in range(101)), most=LONGEST),
        Setting("loop", "Loop", "The end meets the beginning without a seam.", choices=("no", "yes"), begins=True),
        Setting(
            "seed",
            "Seed",
            "Of the random numbers: the same seed and settings make the same sounds.",
            automatic="next",
            steps=tuple(range(1000)),
            most=2**53,
        ),
        Setting(
            "novelty",
            "Novelty",
            "At least this new. 0: a sound of yours through the codec; 1: as new as one that it never heard.",
            automatic="any",
            steps=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
            most=10,
        ),
        Setting(
            "max_copy",
            "Longest copy",
            "Frames of one sound of yours that may follow one another unchanged.",
            automatic="any",
            steps=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64),
            least=1,
            most=10_000,
        ),
    )
}
START: dict[str, Any] = {
    "model": "",
    "method": "auto",
    "label": "",
    "count": 4,
    "seconds": None,
    "temperature": (),
    "top_p": (),
    "use": NOTHING,
    "sound": "",
    "other": "",
    "strength": 0.5,
    "start": 0.0,
    "end": 0.0,
    "loop": "no",
    "seed": None,
    "novelty": None,
    "max_copy": None,
}
"""The values of an empty form: of `model` the path of its file, of temperature and top-p one number, or one a level."""
NEEDS = {
    "sound": tuple(USES)[1:],
    "seconds": tuple(use for use in USES if use not in ("fill", "follow")),
    "other": ("morph",),
    "strength": ("like",),
    "start": ("fill",),
    "end": ("fill",),
}
"""Rows that only some uses of a source sound have."""


class RequestForm:
    """The values of the form, and what the loaded model offers."""

    def __init__(self) -> None:
        self.values = dict(START)
        self.models: dict[str, str] = {}
        """Names of the models to choose from, by the paths of their files."""
        self.has_prior = False
        self.labels: tuple[str, ...] = ()
        self.next_seed = 0

    def rows(self) -> list[Setting]:
        """The rows that mean something now."""
        use = self.values["use"]
        return [one for one in SETTINGS.values() if use in NEEDS.get(one.key, (use,)) and self._means_something(one)]

    def _means_something(self, setting: Setting) -> bool:
        if setting.key == "label":
            return bool(self.labels or self.values["label"])
        return True

    @property
    def method(self) -> str:
        """The method that `auto` stands for."""
        chosen: str = self.values["method"]
        return chosen if chosen != "auto" else "prior" if self.has_prior else "blend"

    def choices(self, key: str) -> Sequence[str]:
        """The values that a row can be stepped through, other than numbers."""
        if key == "model":
            return list(self.models)
        if key == "label":
            return ["", *self.labels]
        return SETTINGS[key].choices

    def text(self, key: str) -> str:
        """What stands in a row."""
        value, setting = self.values[key], SETTINGS[key]
        if key == "model":
            return self.models.get(value, "")
        if key == "method" and value == "auto":
            return f"auto: {self.method}"
        if key == "seed" and value is None:
            return f"next: {self.next_seed}"
        if value in (None, "", ()):
            return setting.automatic
        if isinstance(value, tuple):
            return ", ".join(map(number_text, value))
        return number_text(value) if setting.is_number else str(value)

    def is_usual(self, key: str) -> bool:
        """True where a row has the value that it begins with."""
        return bool(self.values[key] == START[key])

    def reset(self, key: str) -> None:
        """Give a row the value that it begins with."""
        if key != "model":
            self.values[key] = START[key]

    def typed(self, key: str) -> str:
        """What one begins with who types a number: '' for the automatic one."""
        return "" if self.values[key] in (None, ()) else self.text(key)

    def step(self, key: str, by: int) -> None:
        """Go to the next value (`by` 1) or the one before (-1)."""
        setting, value = SETTINGS[key], self.values[key]
        if setting.is_number:
            self._step_number(setting, by)
        elif choices := self.choices(key):
            index = choices.index(value) if value in choices else -1 if by > 0 else 0
            self.values[key] = choices[(index + by) % len(choices)]

    def _step_number(self, setting: Setting, by: int) -> None:
        key, value = setting.key, self.values[setting.key]
        if key in SEVERAL:
            value = value[0] if value else None
        if value is None:
            # from the automatic one to the middle of what is usual: up to 1 of temperatures, not to 0.5
            start = 1.0 if key in SEVERAL else self.next_seed if key == "seed" else setting.steps[0]
            new: float | None = start if by > 0 or key in SEVERAL else None
        else:
            beyond = [step for step in setting.steps if (step > value if by > 0 else step < value)]
            new = (beyond[0] if by > 0 else beyond[-1]) if beyond else value
            if not beyond and by < 0 and setting.automatic:
                new = None
        self.values[key] = (() if new is None else (new,)) if key in SEVERAL else new

    def problem(self, key: str, text: str) -> str:
        """The problem with a number as it was typed; '' for none."""
        try:
            self._parse(key, text)
        except RequestError as error:
            return error.message
        return ""

    def type(self, key: str, text: str) -> None:
        """Put a typed number into a row.

        Raises:
            RequestError: it is none, or out of bounds.
        """
        self.values[key] = self._parse(key, text)

    def _parse(self, key: str, text: str) -> Any:
        setting = SETTINGS[key]
        words = [word for word in text.replace(",", " ").split() if word]
        if not words:
            if setting.automatic:
                return () if key in SEVERAL else None
            raise RequestError("a number is needed")
        if len(words) > 1 and key not in SEVERAL:
            raise RequestError("one number is needed")
        values = tuple(_parse_number(setting, word) for word in words)
        return values if key in SEVERAL else values[0]

    def request(self, use: str = "", sound: str = "") -> Request:
        """The request that stands in the form; `use` is another use of another `sound` than in its rows.

        Raises:
            RequestError: something is missing or does not fit.
        """
        v = self.values | ({"use": use, "sound": sound} if use else {})
        request = Request(
            method=v["method"],
            count=v["count"],
            # a result that is as long as its sound has none
            seconds=_float(v["seconds"]) if v["use"] in NEEDS["seconds"] else None,
            seed=self.next_seed if v["seed"] is None else v["seed"],
            temperature=tuple(map(float, v["temperature"])),
            top_p=tuple(map(float, v["top_p"])),
            label=v["label"],
            loop=v["loop"] == "yes",
            max_copy=v["max_copy"],
            novelty=_float(v["novelty"]),
            **_source(v),
        )
        check_request(request)
        return request

    def load(self, request: Request) -> None:
        """Fill the form with a request but for its seed, its source sounds and loop, which keys set for once."""
        values = dict(START) | {"model": self.values["model"], "seed": None}
        for key in ("method", "label", "count", "seconds", "strength", "novelty", "max_copy"):
            values[key] = getattr(request, key)
        values |= {key: tuple(getattr(request, key)) for key in SEVERAL}
        self.values = values


def number_text(value: float) -> str:
    """A number as it is typed."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _source(v: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request about its source sounds.

    Raises:
        RequestError: one is missing, or the gap is none.
    """
    use = v["use"]
    if use == NOTHING:
        return {}
    if not v["sound"]:
        raise RequestError(f"'{use}' needs a sound", "Choose it in the row 'Sound', with enter.")
    if use == "morph":
        if not v["other"]:
            raise RequestError("'morph' needs two sounds", "Choose the other in the row 'To sound', with enter.")
        return {"morph": (v["sound"], v["other"])}
    source = {USES[use]: v["sound"]}
    if use == "like":
        source["strength"] = float(v["strength"])
    if use == "fill":
        if v["end"] <= v["start"]:
            raise RequestError("the gap must end after it begins", "Set 'Gap from' and 'Gap to', in seconds.")
        source |= {"start": float(v["start"]), "end": float(v["end"])}
    return source


def _parse_number(setting: Setting, word: str) -> float:
    try:
        value: float = int(word) if setting.is_whole else float(word)
    except ValueError:
        raise RequestError(f"'{word[:20]}' is no {'whole ' * setting.is_whole}number") from None
    if not setting.least <= value <= setting.most:
        upper = f" to {number_text(setting.most)}" if math.isfinite(setting.most) else " and more"
        raise RequestError(f"{number_text(setting.least)}{upper}")
    return value
