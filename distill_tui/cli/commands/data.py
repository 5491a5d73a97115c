"""Commands: data."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distill_tui.errors import RequestError
from distill_tui.text import printable, send

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus, Sound
    from distill_tui.paths import Home
    from distill_tui.reporting.advice import Advice

QUIET_SECONDS = 1.0
"""A scan that is shorter than this shows no progress."""
TELL_EVERY = 0.25


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "data",
        parents=[shared],
        help="see which sounds would be used, how they are split, and why others are skipped",
        description="Scan folders and files: per file its rate, channels and seconds, or why it is skipped; the totals;"
        " the split that training would use.",
    )
    parser.add_argument("data", nargs="+", metavar="DATA", help="a folder, walked with its sub-folders, or a file")
    parser.add_argument("--validation-share", metavar="X", help="share of the files that is held out for validation")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--pack", action="store_true", help="keep the decoded sounds for a training, if they take less than 1 GB"
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="where no run has told how fast this machine is, make a few training steps first (about 10 s)",
    )
    parser.add_argument("--progress", action="store_true", help="tell how far it is, on standard error, as JSON lines")
    parser.set_defaults(run=data)


def data(options: argparse.Namespace) -> int:
    """Scan and print; 2 when there is nothing to train on."""
    from distill_tui.cli.output import print_json, told_beside_json
    from distill_tui.data.scan import scan
    from distill_tui.data.scan_packing import ScanPacking
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.paths import find_home
    from distill_tui.recipe.fields import fields, parse

    field = fields()["data.validation_fraction"]
    share, problem = field.default, ""
    if options.validation_share is not None:
        share, problem = parse(field, options.validation_share)
    if problem:
        raise RequestError(problem.replace("data.validation_fraction", "--validation-share"))
    progress = ProgressLines() if options.progress else ProgressLine()
    with quiet_decoders():
        try:
            home = find_home(options.home)
            corpus = scan(options.data, share, home, progress, ScanPacking(home) if options.pack else None)
        finally:
            progress.end()
    # whoever follows the progress, as the app does, works out the advice itself
    advice = advice_on(home, corpus, options.probe) if corpus.sounds and not options.progress else None
    if options.json:
        more = {} if advice is None else {"advice": advice.to_json()}
        print_json(corpus.to_json() | {"warnings": _warnings(corpus)} | more)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print(describe(corpus, width=width))
        for warning in _warnings(corpus):
            print(f"warning: {warning}")
        if advice is not None:
            print(_advised(advice, options.data, width))
    if not corpus.sounds:
        if options.json:
            return told_beside_json(corpus.no_sounds())
        raise corpus.no_sounds()
    return 0


def advice_on(home: "Home", corpus: "Corpus", with_probe: bool = False) -> "Advice | None":
    """Advice for these sounds on this machine; None where a person's own settings ask for what it has not.

    Args:
        with_probe: make a few training steps first where nothing has told how fast it is.
    """
    import subprocess

    from distill_tui.machine import this_machine
    from distill_tui.reporting.advice import advise
    from distill_tui.reporting.expected_quality import own_results, shipped_results
    from distill_tui.runs.paces import read_paces
    from distill_tui.runs.probe import can_probe, probe_command, probe_environment
    from distill_tui.settings import read_settings

    machine, defaults = this_machine(), read_settings(home).defaults
    results = own_results(home) + shipped_results()
    try:
        advice = advise(corpus, machine, read_paces(home), results, defaults)
        recipe = advice.best.recipe
        if with_probe and advice.needs_probe and can_probe(home, recipe):
            subprocess.run(probe_command(home, recipe), env=probe_environment(), capture_output=True, check=False)
            advice = advise(corpus, machine, read_paces(home), results, defaults)
    except RequestError:
        return None
    return advice


def _advised(advice: "Advice", paths: list[str], width: int | None) -> str:
    """Advice in words, wrapped to `width` cells, and the command that takes it."""
    import shlex

    from distill_tui.reporting.advice_text import advice_lines
    from distill_tui.reporting.data_advice import RATES
    from distill_tui.reporting.formatting import wrap

    # the warnings above have these
    lines = [one for one in advice_lines(advice) if one.id != f"advice/{RATES}"]
    start = f"start it with: distill-tui train {shlex.join(paths)} --advice {advice.recommended}"
    told = [""]
    for one in lines:
        text = printable(one.text)
        told += wrap(text, width, one.indent) or [""] if width else [text]
    # a command in one line can be copied
    return "\n".join([*told, printable(start)])


class ProgressLines:
    """`{"done": n, "total": m}` on standard error, a line each, a few a second, the first and the last always."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done in (0, total) or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            print(json.dumps({"done": done, "total": total}), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Nothing stays on the screen."""


class ProgressLine:
    """One line on standard error that is written over, for a person who waits; nothing where there is no terminal."""

    def __init__(self, done: str = "scanned") -> None:
        self._word, self._on = done, sys.stderr.isatty()
        self._told_at = time.monotonic() + QUIET_SECONDS - TELL_EVERY
        self._shown = ""

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._on and now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self._show(f"{self._word} {done:,} of {total:,} files")

    def end(self) -> None:
        """Take the line off the screen."""
        if self._shown:
            self._show("")
            send(sys.stderr, "\r")

    def _show(self, text: str) -> None:
        # spaces rather than an escape sequence: this works in every terminal
        send(sys.stderr, "\r" + text.ljust(len(self._shown)))
        self._shown = text


def describe(corpus: "Corpus", width: int | None = None) -> str:
    """The files, sorted by name, used and skipped alike; then the totals and the split.

    Args:
        width: columns that there are; longer names are cut in their middle. None: as wide as it gets.
    """
    from distill_tui.reporting.formatting import table

    rows: list[tuple[str, list[str]]] = []
    for sound in corpus.sounds:
        told = [str(sound.rate), str(sound.channels), f"{sound.seconds:.3f}", sound.format, _use(sound)]
        rows.append((sound.name, told))
    for skipped in corpus.skipped:
        rows.append((skipped.name, ["-", "-", "-", "-", f"skipped: {printable(skipped.reason)}"]))
    rows.sort(key=lambda row: row[0])
    fit = _fitter(width, [told for _, told in rows])
    head = ["name", "Hz", "channels", "seconds", "format", "use"]
    lines = [table(head, [[fit(printable(name)), *told] for name, told in rows]), ""] if rows else []
    return "\n".join([*lines, *_totals(corpus)])


def _use(sound: "Sound") -> str:
    return f"{sound.split} ({printable(sound.note)})" if sound.note else sound.split


def _fitter(width: int | None, others: list[list[str]]) -> Callable[[str], str]:
    """A function that shortens a name so that the whole line fits, but never below 16 characters."""
    if width is None or not others:
        return str
    room = max(16, width - sum(2 + max(8, *(len(row[i]) for row in others)) for i in range(len(others[0]))))

    def fit(name: str) -> str:
        return name if len(name) <= room else f"{name[: room // 2 - 1]}...{name[len(name) - room + room // 2 + 2 :]}"

    return fit


def _warnings(corpus: "Corpus") -> list[str]:
    """Warnings about a model of these sounds at its automatic sample rate."""
    from distill_tui.recipe.resolve import lost_bandwidth, model_rate

    if not corpus.sounds:
        return []
    facts = corpus.facts()
    return [text for text in (lost_bandwidth(facts, model_rate(facts.seconds_by_rate)),) if text]


def _totals(corpus: "Corpus") -> list[str]:
    from distill_tui.recipe.resolve import kind_of_sound
    from distill_tui.reporting.formatting import duration, plural

    count = len(corpus.sounds)
    skipped = f"{len(corpus.skipped):,} skipped" if corpus.skipped else "none skipped"
    lines = [f"{plural(count, 'sound')}, {duration(corpus.seconds)}; {skipped}"]
    if count == 1:
        held_out = duration(corpus.split_seconds("validation"))
        lines.append(f"split by time, as it is one sound: its last {held_out} are held out for validation")
    elif count:
        parts = (
            f"{split} {corpus.split_files(split):,} ({duration(corpus.split_seconds(split))})"
            for split in ("training", "validation")
        )
        lines.append(f"split by whole files: {', '.join(parts)}")
    if kind := kind_of_sound(corpus.facts().tonality) if count else "":
        lines.append(f"kind of sound: {kind}")
    return lines
