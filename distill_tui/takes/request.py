"""What to generate: every option of `generate`, of the Generate screen and of Python, declared once."""

from typing import Literal

from msgspec import Struct

Method = Literal["auto", "prior", "blend", "walk"]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request for takes.

    At most one of `like`, `continue_file`, `fill`, `morph` and `follow` is given: what is done with sounds of the
    user's. Without any of them new sounds are drawn.

    Attributes:
        method: `auto` is the prior where the model has one, and a blend otherwise.
        count: takes, 1 or more.
        seconds: length of each; None: the sound's own end.
        seed: of all random numbers; take n of a request is drawn with seed + n.
        temperature, top_p: one number, or one a level; () is the default of the method.
        label: the folder whose kind of sound is made; "" for any.
        like: a sound to make variations of, `strength` (0 to 1) how far from it.
        continue_file: a sound to go on from.
        fill: a sound with a gap from second `start` to `end` that is filled.
        morph: two sounds.
        follow: a sound whose loudness and timing are taken over.
        loop: whether the end meets the beginning without a seam.
        max_copy: latent frames of one training sound that may follow one another unchanged; None: any number.
        novelty: takes must be at least this new (0: a training sound through its codec, 1: as far from the training
            sounds as a held-out one usually is); None: any.
    """

    method: Method = "auto"
    count: int = 1
    seconds: float | None = None
    seed: int = 0
    temperature: tuple[float, ...] = ()
    top_p: tuple[float, ...] = ()
    label: str = ""
    like: str = ""
    strength: float = 0.5
    continue_file: str = ""
    fill: str = ""
    start: float = 0.0
    end: float = 0.0
    morph: tuple[str, str] | None = None
    follow: str = ""
    loop: bool = False
    max_copy: int | None = None
    novelty: float | None = None
