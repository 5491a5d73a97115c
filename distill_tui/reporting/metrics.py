"""The metrics of a run: what they are called, which of them share an axis, and the letters that mark their curves."""

from collections.abc import Iterable
from string import ascii_lowercase, digits
from typing import NamedTuple

from distill_tui.recipe.sections.model import Model
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.runs.state import RunState


class Loss(NamedTuple):
    """A loss: its key in the log, its short name, and the theme's name for its colour."""

    key: str
    title: str
    color: str


TRAIN = Loss("loss/train", "train", "series-train")
VAL = Loss("loss/val", "val", "series-val")
RECON = Loss("loss/recon", "recon", "series-recon")
COMMIT = Loss("loss/commit", "commit", "series-commit")
CODEBOOK = Loss("loss/codebook", "codebk", "series-val")
KL = Loss("loss/kl", "kl", "series-commit")
LOSSES = (TRAIN, VAL, RECON, COMMIT)
_DISTANCES = {"distance/val": "held-out distance", "distance/train": "training distance"} | {
    f"distance/{key}": f"held-out {key.replace('_', ' ')}" for key in sound_quality.NAMES
}
PRIOR = (Loss(code_bits.VAL, "val", "series-val"), Loss(code_bits.TRAIN, "train", "series-train"))
"""Bits a frame of a prior, held out and trained."""
LEVEL_COLORS = ("series-recon", "series-commit", "series-train", "series-val")
_BITS = {code_bits.VAL: "held-out bits", code_bits.TRAIN: "training bits"}
_SHORT = {loss.key: loss.title for loss in LOSSES}


def losses_of_run(state: RunState) -> tuple[Loss, ...]:
    """What the Training screen draws of a run: losses, or of a prior bits a frame, in all and by level."""
    return (*PRIOR, *levels_of_prior(state)) if state.is_prior else LOSSES


def levels_of_prior(state: RunState) -> tuple[Loss, ...]:
    """Held-out bits a frame of each level of a prior, once there are some."""
    count = len(code_bits.levels(state.numbers))
    return tuple(
        Loss(code_bits.level_key(n), f"level {n + 1}", LEVEL_COLORS[n % len(LEVEL_COLORS)]) for n in range(count)
    )


def losses_of(model: Model) -> tuple[Loss, ...]:
    """The four losses that say most of such a model."""
    own = {"commit": COMMIT, "codebook": CODEBOOK, "kl": KL}
    return (TRAIN, RECON, *(own[name] for name in model.quantizer_facts.losses), VAL)[:4]


def short_name(key: str) -> str:
    """`train` for loss/train, `use 3` for codebook/2/utilization: people count levels from 1."""
    if key in _SHORT:
        return _SHORT[key]
    if key in _DISTANCES:
        return _DISTANCES[key]
    if key in _BITS:
        return _BITS[key]
    parts = key.split("/")
    if key.startswith("bits/level/") and parts[2].isdecimal():
        return f"bits {int(parts[2]) + 1}"
    if key.startswith("bits/train/level/") and parts[3].isdecimal():
        return f"training bits {int(parts[3]) + 1}"
    if parts[0] == "codebook" and len(parts) == 3:
        level = str(int(parts[1]) + 1) if parts[1].isdecimal() else parts[1]
        return f"{'use' if parts[2] == 'utilization' else parts[2]} {level}"
    return key.removeprefix("loss/")


def pane_name(key: str) -> str:
    """Metrics of one kind share an axis. The commitment loss has one of its own: it is far smaller than the others."""
    if key == COMMIT.key:
        return "commitment loss"
    if key.startswith(("loss/", "epoch/")):
        return "loss"
    if key in ("distance/val", "distance/train", "distance/mel"):
        return "distance"
    if key.startswith("bits/"):
        return "bits a frame"
    parts = key.split("/")
    return parts[2] if parts[0] == "codebook" and len(parts) == 3 else key


def letters(keys: Iterable[str]) -> dict[str, str]:
    """A letter for each metric that marks its curve, another for each in one pane: `t` for train, `2` for level 2."""
    found: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    for key in keys:
        used, name = taken.setdefault(pane_name(key), set()), short_name(key)
        if key.startswith(("codebook/", "bits/level/")) and (level := name.rpartition(" ")[2]).isdecimal():
            name = (digits + ascii_lowercase)[int(level) % 36] + name
        found[key] = next((char for char in name.lower() + ascii_lowercase if char.isalnum() and char not in used), "*")
        used.add(found[key])
    return found
