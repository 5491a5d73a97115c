"""Commands: export-tensorboard."""

import argparse
from typing import IO, TYPE_CHECKING, Any

from distill_tui.errors import RequestError

if TYPE_CHECKING:
    from distill_tui.reporting.tfevents import EventFile
    from distill_tui.runs import events as e
    from distill_tui.runs.folder import RunFolder
    from distill_tui.runs.state import RunState

WIDTH, HEIGHT = 400, 128
"""Pixels of a spectrogram."""


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "export-tensorboard",
        parents=[shared],
        help="a run's numbers, codes, spectrograms and sounds for TensorBoard",
        description="Write what a run has told so far as a TensorBoard event file: every number, histograms of the"
        " codes, and the previews as spectrograms and sound. Look at it with: tensorboard --logdir DIR",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="RUN", help="a run's id, its name, or the beginning of its id")
    parser.add_argument("folder", metavar="DIR", help="the folder to write to, one for each run")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=export)


def export(options: argparse.Namespace) -> int:
    """Write the event file, in place of one that was exported from the same run before."""
    from distill_tui.cli.output import print_json, say
    from distill_tui.files import atomic_write
    from distill_tui.paths import expand, find_home
    from distill_tui.runs.folder import find_run
    from distill_tui.text import printable

    run = find_run(find_home(options.home), options.name)
    folder = expand(options.folder)
    path = folder / f"events.out.tfevents.{run.id}"
    others = [file for file in folder.glob("*tfevents*") if file != path] if folder.is_dir() else []
    if others:
        raise RequestError(
            f"{printable(str(folder))} holds events of something else: {printable(others[0].name)}",
            f"Give each run a folder of its own: {printable(str(folder / run.id))}",
        )
    state, codes = read(run)
    if not state.series:
        raise RequestError(f"run {run.id} has no metrics yet")
    counts = {"scalars": 0, "histograms": 0, "images": 0, "sounds": 0}
    missing: list[str] = []

    def write(file: IO[bytes]) -> None:
        from distill_tui.reporting.tfevents import EventFile

        events = EventFile(file, state.started_at)
        counts["scalars"] = write_numbers(events, state)
        counts["histograms"] = write_codes(events, codes)
        counts["images"] = counts["sounds"] = write_previews(events, run, state, missing)

    atomic_write(path, write, shared=True)
    if missing:
        say(f"warning: {len(missing)} sounds of previews cannot be read, {missing[0]} among them")
    if options.json:
        print_json({"path": str(path), **counts})
    else:
        say(", ".join(f"{count:,} {what}" for what, count in counts.items()))
        print(path)
    return 0


def read(run: "RunFolder") -> "tuple[RunState, list[e.CodesCounted]]":
    """A run's state, and how its codes were used over time; what a resumed run told twice is there once."""
    from distill_tui.runs import events as e
    from distill_tui.runs.log import read_events
    from distill_tui.runs.state import RunState

    state, codes = RunState(), list[e.CodesCounted]()
    for event in read_events(run.events):
        state.apply(event)
        if isinstance(event, e.CodesCounted):
            while codes and codes[-1].step >= event.step:
                codes.pop()
            codes.append(event)
    return state, codes


def write_numbers(events: "EventFile", state: "RunState") -> int:
    """Every number over time, by its name; how many."""
    count = 0
    for key, series in state.series.items():
        for step, time, value in zip(series.steps, series.times, series.values, strict=True):
            if value == value:
                events.scalar(key, value, int(step), time)
                count += 1
    return count


def write_codes(events: "EventFile", codes: "list[e.CodesCounted]") -> int:
    """Write the use of codes as a histogram over the codes of a level; the number of histograms."""
    for event in codes:
        for level, counts in enumerate(event.counts):
            events.histogram(f"codes/level {level}", counts, event.step, event.time)
    return sum(len(event.counts) for event in codes)


def write_previews(events: "EventFile", run: "RunFolder", state: "RunState", missing: list[str]) -> int:
    """Each preview's reconstructions, and the originals once, as sound and spectrogram; how many of each."""
    from distill_tui.data.audio_io import as_wav
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.data.spectrogram import png, spectrogram_images
    from distill_tui.foreign import read_bytes

    written: set[tuple[str, bytes]] = set()
    with quiet_decoders():
        for preview in state.previews:
            for number, pair in enumerate(preview.pairs, 1):
                images = spectrogram_images([run.path / name for name in pair[:2]], WIDTH, HEIGHT)
                for what, name, image in zip(("original", "reconstruction"), pair[:2], images, strict=True):
                    if image.error:
                        missing.append(name)
                        continue
                    tag, wav = f"preview {number:02d}/{what}", as_wav(read_bytes(run.path / name))
                    if what == "original" and (tag, wav) in written:
                        continue
                    written.add((tag, wav))
                    events.audio(tag, wav, image.rate, round(image.seconds * image.rate), preview.step, preview.time)
                    events.image(tag, png(image.levels), WIDTH, HEIGHT, preview.step, preview.time)
    return len(written)
