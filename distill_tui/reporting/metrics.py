"""The metrics of a run: what they are called, which of them share an axis, and the letters that mark their curves."""

from collections.abc import Iterable
from string import ascii_lowercase, digits
from typing import NamedTuple

from distill_tui.recipe.schema import Model
from distill_tui.reporting import sound_quality


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
_SHORT = {loss.key: loss.title for loss in LOSSES}


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
    parts = key.split("/")
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
    parts = key.split("/")
    return parts[2] if parts[0] == "codebook" and len(parts) == 3 else key


def letters(keys: Iterable[str]) -> dict[str, str]:
    """A letter for each metric that marks its curve, another for each in one pane: `t` for train, `2` for level 2."""
    found: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    for key in keys:
        used, name = taken.setdefault(pane_name(key), set()), short_name(key)
        if key.startswith("codebook/") and (level := name.rpartition(" ")[2]).isdecimal():
            name = (digits + ascii_lowercase)[int(level) % 36] + name
        found[key] = next((char for char in name.lower() + ascii_lowercase if char.isalnum() and char not in used), "*")
        used.add(found[key])
    return found
