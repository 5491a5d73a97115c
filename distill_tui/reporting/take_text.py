"""What is said of a take: its length, loudness, and how new it is."""

from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line, Role, line
from distill_tui.takes.take import Take


def length(seconds: float) -> str:
    """The length of a take: `0.42 s`, `12 s`."""
    return f"{seconds:.2f} s" if seconds < 10 else formatting.duration(seconds)


def loudness(decibels: float | None) -> str:
    """Loudness against full scale: `-18 dB`."""
    return formatting.MISSING if decibels is None else f"{decibels:.0f} dB"


def origin(take: Take) -> str:
    """How a take was made: `blend kick, seed 12`."""
    return f"{take.method}{' ' * bool(take.label)}{take.label}, seed {take.seed}"


def novelty(take: Take) -> str:
    """How new a take is, in a few words, with its nearest sound: `0.8 new, nearest kick_04.wav`."""
    if take.nearest is None:
        return take.note
    return f"{take.novelty or 0:.1f}, nearest {take.nearest.path}"


def novelty_role(take: Take) -> Role:
    """The role of these words."""
    return "plain"


def facts(take: Take) -> list[Line]:
    """All that is known of a take, for the card of the Generate screen."""
    numbers = [length(take.seconds), loudness(take.loudness)]
    if take.peak is not None:
        numbers.append(f"peak {take.peak:.2f}")
    found = [
        Line(((take.path, "strong"), ("  kept" * bool(take.kept), "accent"))),
        Line(((", ".join(numbers), "plain"), (f"  {origin(take)}", "dim"))),
    ]
    if take.nearest is not None:
        near = take.nearest
        where = f" from {near.start:.1f} s" if near.start else ""
        found.append(Line(((f"nearest {near.path}{where}, {near.distance:.1f} dB", "plain"),)))
    if take.note:
        found.append(line(take.note, "fair"))
    return found
