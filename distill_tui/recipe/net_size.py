"""The size of a net that nobody chose: the widest that its steps and its sound are enough for."""

from collections.abc import Sequence
from dataclasses import dataclass

from distill_tui.machine import Machine
from distill_tui.recipe.fields import get, with_values
from distill_tui.recipe.pace import Pace, nearest, step_seconds
from distill_tui.recipe.schema import Recipe

SIZE_KEYS = ("model.channels", "model.encoder_blocks", "model.decoder_blocks")


@dataclass(frozen=True)
class Size:
    """A size of net; from so many steps of STEP_CROPS crops and seconds of training sound on it is the better one."""

    channels: int
    encoder_blocks: int
    decoder_blocks: int
    least_steps: int
    least_seconds: float


STEP_CROPS = 8
SIZES = (
    Size(512, 4, 6, least_steps=10_000, least_seconds=3600.0),
    Size(384, 4, 6, least_steps=2_500, least_seconds=60.0),
    Size(256, 4, 6, least_steps=800, least_seconds=60.0),
    Size(256, 3, 4, least_steps=800, least_seconds=0.0),
    Size(192, 3, 4, least_steps=0, least_seconds=0.0),
)
"""From the largest to the smallest; the first one counts that has enough of both."""
FIXED = Size(384, 4, 6, 0, 0.0)
"""Of net conv2d, which is there to compare with: no budget changes it, and its four layers are no blocks."""
STEPPING_SHARE = 0.9
"""Share of a time budget in which steps are made: validation, previews and checkpoints take the rest."""


def choose_size(recipe: Recipe, seconds: float, machine: Machine, paces: Sequence[Pace]) -> tuple[dict[str, int], str]:
    """The automatic values of SIZE_KEYS for a recipe that is resolved but for these, and why they are so ('' if fixed).

    Those that the recipe sets stay in it while the others are tried.

    Args:
        seconds: of training sound.
        paces: of earlier runs on this machine.
    """
    if recipe.model.net != "convnext":
        return _values(FIXED), ""
    has_steps_for_more = False
    for size in SIZES:
        tried = with_values(recipe, {k: v for k, v in _values(size).items() if get(recipe, k) == "auto"})
        steps, text = _budget(tried, machine, paces)
        if steps * int(recipe.train.batch_size) < size.least_steps * STEP_CROPS:
            continue
        if seconds >= size.least_seconds:
            return _values(size), f"{_span(seconds)} of sound; {text}" if has_steps_for_more else text
        has_steps_for_more = True
    raise AssertionError("the smallest size needs nothing")


def _values(size: Size) -> dict[str, int]:
    return dict(zip(SIZE_KEYS, (size.channels, size.encoder_blocks, size.decoder_blocks), strict=True))


def _budget(recipe: Recipe, machine: Machine, paces: Sequence[Pace]) -> tuple[float, str]:
    """The steps that the budget of a resolved recipe has room for, and that in words."""
    train, batch = recipe.train, int(recipe.train.batch_size)
    crops = "" if batch == STEP_CROPS else f" of {batch} crops"
    if not train.minutes:
        steps = train.epochs * int(train.steps_per_epoch)
        return steps, f"{train.epochs:,} epochs are {steps:,} steps{crops}"
    seconds = step_seconds(recipe, nearest(paces, recipe), machine.cores)
    # an adversarial part has few steps: it takes its share of the time, and a step of it several times as long
    plain = 1 - train.adversarial_fraction
    estimated = plain * STEPPING_SHARE * 60 * train.minutes / seconds
    about = int(float(f"{max(1.0, estimated):.2g}"))
    return estimated, f"{_span(60 * train.minutes)} on {place_text(recipe, machine)} are about {about:,} steps{crops}"


def place_text(recipe: Recipe, machine: Machine) -> str:
    """The device of a recipe in words: `2 cores`, or a GPU's name."""
    device = str(recipe.train.device)
    if device == "cpu":
        return f"{machine.cores} core{'' if machine.cores == 1 else 's'}"
    number = device.partition(":")[2] or "0"
    return next((gpu.name for gpu in machine.gpus if device.startswith("cuda") and str(gpu.index) == number), device)


def _span(seconds: float) -> str:
    """`45 s`, `3 minutes`, `2.5 hours`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    amount, unit = (seconds / 60, "minute") if seconds < 3600 else (seconds / 3600, "hour")
    text = f"{amount:.2g}"
    return f"{text} {unit}{'' if text == '1' else 's'}"
