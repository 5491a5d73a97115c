"""Advice in words: for the dialog and the command line whole, and the rows of the table that the screen draws."""

from collections.abc import Sequence

from distill_tui.recipe.presets import DESCRIPTIONS
from distill_tui.reporting.advice import Advice, Choice
from distill_tui.reporting.data_advice import Remark
from distill_tui.reporting.expected_quality import UNKNOWN
from distill_tui.reporting.formatting import duration
from distill_tui.reporting.lines import Line, Span, line

ROWS = ("in all", "steps", "net", "preset")
"""The titles of a choice's facts."""
QUALITY = "quality"


def facts_of(choice: Choice) -> tuple[str, ...]:
    """The facts of a choice, in the order of ROWS: the time with starting, the last validation and saving, ..."""
    model, steps = choice.recipe.model, choice.steps_text.removeprefix("about ").removesuffix(" steps")
    return time_text(choice), steps, f"{model.channels} channels", choice.preset


def time_text(choice: Choice) -> str:
    """The time from the start to the model in the library: `15 min 12 s`."""
    return duration(choice.total_seconds)


def because(advice: Advice) -> str:
    """The reason as the end of a sentence."""
    return f"because {advice.reason}"


def pace_text(advice: Advice, probing: bool = False) -> str:
    """How the times are known."""
    if probing:
        return "measuring this machine by a few training steps …"
    return advice.pace


def choice_lines(choice: Choice, is_recommended: bool) -> list[Line]:
    """A choice in a few lines: its times, what it trains, and the quality to expect."""
    time, steps, net, preset = facts_of(choice)
    head = f"{'▸' if is_recommended else ' '} {choice.title}, {choice.minutes_text} of training ({time} in all)"
    quality = choice.quality
    source: list[Span] = [(f" ({quality.source})", "dim")] if quality.source else []
    return [
        line(head, "strong" if is_recommended else "plain", f"advice/{choice.name}"),
        line(f"    about {steps} steps, {net}, preset {preset}"),
        Line((("    quality: ", "dim"), (quality.text or UNKNOWN, "plain"), *source), "", 6),
    ]


def advice_lines(advice: Advice) -> list[Line]:
    """All of it: the recommendation, the choices with what to expect, how the times are known, and remarks."""
    found = [
        Line((("Recommended here: ", "dim"), (advice.headline, "accent")), "advice", 2),
        line(f"  {because(advice)}", "plain", "advice/reason"),
        line(""),
    ]
    for choice in advice.choices:
        found += choice_lines(choice, choice.name == advice.recommended)
    best = advice.best
    found += [
        line(""),
        line(f"{best.preset}: {DESCRIPTIONS[best.preset]}", "dim"),
        line(f"times: {pace_text(advice)}", "dim"),
    ]
    return [*found, *remark_lines(advice)]


def shorts_of(remarks: Sequence[Remark]) -> str:
    """What is odd about the sounds in few words; '' for nothing."""
    return ", ".join(remark.short for remark in remarks)


def remark_lines(advice: Advice) -> list[Line]:
    """What is odd about the sounds, a line each."""
    return [line(f"▲ {remark.line}", "fair", f"advice/{remark.id}") for remark in advice.remarks]
