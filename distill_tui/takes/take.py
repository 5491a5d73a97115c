"""A take: one generated or edited sound, and how it was made."""

from typing import Any

from msgspec import Struct

from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, convert
from distill_tui.takes.request import Request
from distill_tui.text import printable


class Nearest(Struct, frozen=True, kw_only=True):
    """The training sound that a take is nearest to.

    `path` is its name as in the model's data, `start` the second in it where the take lies best, `distance` in dB
    (log-mel, slid over time), `ratio` that distance over the distance of the training sound's own re-encoded copies
    (None where that was not measured): at most 1, the take is as near as a copy. `held_out` is how many held-out sounds
    there were to make the scale of novelty; 0: it was made of the training sounds; None: not told. `frames` are the
    latent frames of the training sound.
    """

    path: str
    start: float
    distance: float
    ratio: float | None = None
    held_out: int | None = None
    frames: int | None = None


class Take(Struct, kw_only=True):
    """One take. `path` is relative to its folder.

    `method` is what made it, `label` the kind of sound that was asked for, `settings` the whole request as a dict (keys
    at their default may be missing). From it, `seed`, `attempt` (the draw that was new enough, 0 the first), the model
    (`model` its name, `model_sha256` the hash of its weights) and the code bank (`bank` its hash, `data` where it was
    made of other sounds than the model's own) the take can be made again; `sources` are the hashes of the files that it
    was made from.
    `novelty`: 0 is a training sound through its codec, 1 as far from the training sounds as a held-out sound usually
    is (where none was held out, as a training sound is from the others). `copied_frames` is the longest run of latent
    frames whose codes of all levels are those of one training sound, `copied_coarse` the same of level 0 alone, of
    `frames` in all. `loudness` is in dB (RMS against full scale), `peak` 0 to 1.
    `gain_db` is how much it was turned down, so as not to clip: 0 or less; of a long one, its loudest moment. `note`
    says what was not as asked for.
    `kept`: None is undecided, False thrown away (the file is in the folder's trash until it is emptied).
    """

    path: str
    seconds: float
    seed: int
    method: str
    label: str = ""
    nearest: Nearest | None = None
    novelty: float | None = None
    copied_frames: int | None = None
    copied_coarse: int | None = None
    frames: int | None = None
    loudness: float | None = None
    peak: float | None = None
    gain_db: float = 0.0
    note: str = ""
    kept: bool | None = None
    model: str = ""
    model_sha256: str = ""
    created: str = ""
    settings: dict[str, Any] = {}
    attempt: int = 0
    bank: str = ""
    data: list[str] = []
    sources: dict[str, str] = {}


def settings_of(take: Take) -> Request:
    """The request that a take was made by.

    Raises:
        RequestError: its settings make no sense, or are those of a later version.
    """
    try:
        return convert(take.settings, Request)
    except MalformedError as error:
        raise RequestError(
            f"the settings of {printable(take.path)} cannot be read: {printable(str(error))}",
            "Another version of distill-tui may have made it.",
        ) from None
