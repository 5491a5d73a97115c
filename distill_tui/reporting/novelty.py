"""How new a take is, in words: one definition for commands, screens and reports."""

from enum import StrEnum

from distill_tui.reporting.lines import Line, Role
from distill_tui.takes.take import Take

COPY_RATIO = 1.0
"""At most so far, beside a copy of the nearest sound, a take is as near as a copy."""
NEAR = 0.2
"""Novelty up to which the same is said: held-out drums and digits had 0.26 and more."""
COPY_RUN = 0.5
"""Share of a take's frames whose coarse codes follow one another in one training sound, from which on it is a copy."""
COPY_OF_SOUND = 2 / 3
"""Share of the nearest sound's own frames that is as good, and LEAST_RUN frames at least."""
LEAST_RUN = 4
CLOSE = 0.4
"""Novelty below which a take is close to its nearest sound: three of four held-out sounds are above."""
FAR = 2.0
"""Novelty from which on a take is farther from its nearest sound than held-out ones usually are from theirs."""


class Verdict(StrEnum):
    """A verdict on how new a take is, from a copy to far away; its words are the shortest ones."""

    COPY = "copy"
    NEARLY = "nearly"
    CLOSE = "close"
    NEW = "new"
    FAR = "far"

    @property
    def role(self) -> Role:
        """The role of what is said of such a take."""
        roles: dict[Verdict, Role] = {Verdict.COPY: "bad", Verdict.NEARLY: "fair", Verdict.CLOSE: "plain"}
        return roles.get(self, "good")


def verdict(take: Take) -> Verdict | None:
    """The verdict on a take; None where its novelty was not measured.

    A copy: it is as near to a training sound as a copy that went through the codec once more, and its codes follow that
    sound's as well. Where only one of them is so the sound is named as the nearest, and no more.
    """
    if take.nearest is None or take.novelty is None:
        return None
    if is_near(take.nearest.ratio, take.novelty):
        return Verdict.COPY if _runs_on(take) else Verdict.NEARLY
    if take.novelty < CLOSE:
        return Verdict.CLOSE
    return Verdict.NEW if take.novelty < FAR else Verdict.FAR


def is_near(ratio: float | None, novelty: float) -> bool:
    """True if a take is as near to a training sound as a copy that went through the codec once more."""
    return novelty <= NEAR or (ratio is not None and ratio <= COPY_RATIO)


def _runs_on(take: Take) -> bool:
    if not take.frames:
        return False
    coarse, whole = take.copied_coarse or 0, take.copied_frames or 0
    enough = COPY_RUN * take.frames
    if take.nearest is not None and take.nearest.frames:
        # a long take may have a whole sound in it
        enough = min(enough, max(LEAST_RUN, COPY_OF_SOUND * take.nearest.frames))
    return max(coarse, whole) >= enough


def words(take: Take) -> str:
    """How new a take is: `nearly kick_04.wav`; '' where that was not measured."""
    found = verdict(take)
    if found is None or take.nearest is None:
        return ""
    if take.nearest.held_out == 0:
        new = "as new as your sounds are to each other"
        far = "farther from your sounds than these usually are from the nearest other"
    else:
        new = "as new as a sound of yours that it never heard"
        far = "farther from your sounds than one that it never heard usually is"
    return {
        Verdict.COPY: f"a copy of {take.nearest.path}",
        Verdict.NEARLY: f"nearly {take.nearest.path}",
        Verdict.CLOSE: f"close to {take.nearest.path}",
        Verdict.NEW: new,
        Verdict.FAR: far,
    }[found]


def line(take: Take) -> Line:
    """The words in their role, and for what is new the nearest sound and its distance behind them."""
    found = verdict(take)
    if found is None or take.nearest is None:
        return Line((("not compared with the training sounds", "dim"),), "novelty/unknown")
    place = f" at {take.nearest.start:.2f} s" if take.nearest.start >= 0.005 else ""
    rest = f"; nearest {take.nearest.path}{place}" if found in (Verdict.NEW, Verdict.FAR) else place
    return Line(
        ((words(take), found.role), (f"{rest}, {take.nearest.distance:.1f} dB away", "dim")), f"novelty/{found}"
    )


HELP = (
    "Novelty compares the log-mel spectrum of a take, slid over time, with every training sound as the codec gives it "
    "back: 0 is as near as a training sound that goes through the codec once more, 1 as near as a sound of yours that "
    "was held out usually is (where none was, as your sounds usually are to the nearest other). A copy is as near as "
    "that training sound, and its codes follow the sound's for half of its length, or for most of the sound."
)
"""What help says of novelty."""
