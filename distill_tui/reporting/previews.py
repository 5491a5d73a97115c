"""What there is to say of the previews of a run."""

from distill_tui.reporting import formatting
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.state import RunState
from distill_tui.text import printable


def sound_name(preview: PreviewMade, index: int) -> str:
    """Name of a sound of a preview; older logs hold no names, only numbers."""
    return printable(preview.names[index]) if index < len(preview.names) else f"sound {index + 1}"


def none_yet(state: RunState) -> str:
    """The reason why there is no preview, and when there will be one."""
    if not state.is_active:
        return "This run made no preview."
    return (
        "No preview yet: p makes one now. Others come by themselves: after a minute of training, then after 2, 4, 8 "
        "and so on, or every so many epochs if the recipe says so."
    )


def moment(preview: PreviewMade) -> str:
    """Time in training after which a preview was made: `8 min`; '' in older logs."""
    if not preview.trained:
        return ""
    # those that are made by time are a moment late
    minutes = round(preview.trained / 60)
    is_whole = abs(preview.trained - 60 * minutes) < 0.03 * preview.trained
    return f"{minutes} min" if 0 < minutes < 60 and is_whole else formatting.duration(preview.trained)


def levels_of(preview: PreviewMade, sound: int) -> dict[int, tuple[str, float | None]]:
    """Files and distances of a sound's reconstructions by fewer levels than all, by the number of levels."""
    found = preview.levels[sound] if sound < len(preview.levels) else []
    return {count: (file, distance) for count, file, distance in found}


def levels_text(state: RunState, count: int) -> str:
    """`by 1 of 3 levels`; `by 1 level` where the number of all is not logged."""
    total = state.prepared.levels if state.prepared else 0
    return f"by {count} of {total} levels" if total else f"by {formatting.plural(count, 'level')}"


def why_no_levels(state: RunState, preview: PreviewMade) -> str:
    """The reason why a sound is not reconstructed by fewer levels."""
    levels = state.prepared.levels if state.prepared and not state.is_prior else None
    if any(preview.levels):
        with_levels = sum(map(bool, preview.levels))
        first = "first sound" if with_levels == 1 else f"first {with_levels} sounds"
        return f"Levels are made of the {first} only."
    if levels == 0:
        return "Its quantizer is continuous: it has no levels that add up."
    if levels == 1:
        return "It has one level, and nothing adds to that."
    if preview.levels and not state.is_prior:
        return "Its codebooks were not initialised yet at this step, so there were no levels."
    return "This preview holds no reconstructions by fewer levels."
