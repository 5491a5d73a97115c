"""`preview RUN --stdout`: one sound of a run's newest preview to a pipe."""

import argparse
import io
from typing import TYPE_CHECKING

from distill_tui.cli.output import check_sound_output, say, write_sound
from distill_tui.errors import DistillError, RequestError
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.runs.events import PreviewMade
    from distill_tui.runs.folder import RunFolder


def write_preview_sound(options: argparse.Namespace) -> int:
    """Write a sound of the newest preview as WAV; a run that trains and has none yet is asked for one.

    Raises:
        RequestError: there is no preview, no such sound in it, or no place for a sound.
    """
    from distill_tui.data.audio_io import wav16
    from distill_tui.data.excerpt import read_excerpt
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.paths import find_home
    from distill_tui.runs.folder import find_run
    from distill_tui.runs.previews import inside

    check_sound_output(options)
    run = find_run(find_home(options.home), options.name)
    preview = _newest(options, run)
    number = _number(options.sound, len(preview.pairs))
    original, made, _ = preview.pairs[number - 1]
    path = inside(run.path, original if options.original else made)
    if path.suffix == ".pgm":
        raise RequestError(f"run {run.id} has pictures for previews, which cannot be heard")
    with quiet_decoders():
        samples, rate = read_excerpt(path, 0, 1e9)
    name = preview.names[number - 1] if number <= len(preview.names) else path.stem
    say(f"{run.id}: step {preview.step:,}, {printable(name)}{', original' if options.original else ''}")
    write_sound(io.BytesIO(wav16(samples, rate)))
    return 0


def _newest(options: argparse.Namespace, run: "RunFolder") -> "PreviewMade":
    """The newest preview of a run whose files are there."""
    from distill_tui.cli.commands.control import RunRequest
    from distill_tui.runs.control import request_preview
    from distill_tui.runs.events import PreviewMade
    from distill_tui.runs.previews import on_disk
    from distill_tui.runs.quick_state import quick_state

    found = on_disk(run, quick_state(run).previews)
    if found:
        return found[-1]
    if not run.is_alive():
        raise RequestError(f"run {run.id} has no preview", "It makes the next when it is resumed.")
    request = RunRequest(options)
    count = request_preview(request.run.control)
    event = request.wait(lambda e: isinstance(e, PreviewMade) and e.count >= count)
    if not isinstance(event, PreviewMade) or not event.pairs:
        raise DistillError(f"run {run.id} has nothing to be heard")
    return event


def _number(text: str | None, most: int) -> int:
    if text is None:
        return 1
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise RequestError(f"--sound: '{printable(text)}' is not 1 to {most}")
    return int(text)
