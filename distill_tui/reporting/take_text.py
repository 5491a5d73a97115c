"""What is said of a take: its length, its loudness, how it was made, and how new it is (see `reporting.novelty`)."""

from distill_tui.reporting import formatting, novelty
from distill_tui.reporting.lines import Line, Role, line
from distill_tui.reporting.novelty import Verdict
from distill_tui.takes.take import Take

SOURCES = {"like": "like", "continue_file": "continues", "fill": "fills", "morph": "between", "follow": "follows"}
"""Words for what was done with the sounds of the settings."""


def length(seconds: float) -> str:
    """The length of a take: `0.42 s`, `12 s`."""
    return f"{seconds:.2f} s" if seconds < 10 else formatting.duration(seconds)


def loudness(decibels: float | None) -> str:
    """Loudness against full scale: `-18 dB`."""
    return formatting.MISSING if decibels is None else f"{decibels:.0f} dB"


def origin(take: Take) -> str:
    """How a take was made: `blend kick, seed 12`, `walk, continues prior-0003.wav, seed 12`."""
    parts = [f"{take.method} {take.label}".rstrip()]
    for key, words in SOURCES.items():
        if found := take.settings.get(key):
            paths = [found] if isinstance(found, str) else found
            parts.append(f"{words} {' and '.join(str(path).rpartition('/')[2] for path in paths)}")
    if take.settings.get("loop"):
        parts.append("a loop")
    return ", ".join([*parts, f"seed {take.seed}"])


def short_novelty(take: Take) -> tuple[str, Role]:
    """How new a take is, as short as a list needs it, and the role of the words: `new, near kick_04.wav`."""
    verdict = novelty.verdict(take)
    if verdict is None or take.nearest is None:
        return take.note, "dim"
    joint = {Verdict.COPY: " of ", Verdict.NEARLY: " ", Verdict.CLOSE: " to "}.get(verdict, ", near ")
    # without its folder, which most often is the label
    return f"{verdict.value}{joint}{take.nearest.path.rpartition('/')[2]}", verdict.role


def facts(take: Take) -> list[Line]:
    """All that is known of a take, for the card of the Generate screen; the most important comes first."""
    numbers = [length(take.seconds), loudness(take.loudness)]
    if take.peak is not None:
        numbers.append(f"peak {take.peak:.2f}")
    found = [
        Line(((take.path, "strong"), ("  kept" * bool(take.kept), "accent"))),
        Line(((f"{', '.join(numbers)}  ", "plain"), (origin(take), "dim"))),
        novelty.line(take),
    ]
    if take.frames and take.copied_coarse is not None:
        run = f"{take.copied_coarse} of {take.frames} frames in a row are those of one sound on level 1"
        found.append(line(f"{run}, {take.copied_frames or 0} on all levels", "dim"))
    if take.note:
        found.append(line(take.note, "fair"))
    return found
