"""Command: doctor."""

import argparse
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill_tui.cli.commands.doctor.check import Check


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "doctor",
        parents=[shared],
        help="see what this machine offers, and what is missing",
        description="Look at Python, the libraries, torch and its devices, memory, sound formats, folders and the"
        " terminal, and say what is missing and the way out. Exit code 1 when training cannot work here.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--example",
        action="store_true",
        help="print an example of settings.toml, with lines for notifications by ntfy and Slack, and exit",
    )
    parser.set_defaults(run=doctor)


def doctor(options: argparse.Namespace) -> int:
    """Print every check; 1 when something is missing that training needs."""
    if options.example:
        from distill_tui.cli.commands.doctor.example import EXAMPLE

        print(EXAMPLE, end="")
        return 0
    from distill_tui.cli.commands.doctor import checks
    from distill_tui.paths import find_home

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    found: list[Check] = []
    for check in checks(find_home(options.home)):
        found.append(check)
        if not options.json:
            # each as it is known: the look at torch takes seconds
            print(describe(check, width), flush=True)
    lacking = [check for check in found if check.needed and check.state != "ok"]
    if options.json:
        from dataclasses import asdict

        from distill_tui.cli.output import print_json

        print_json({"ok": not lacking, "checks": [asdict(check) for check in found]})
    else:
        names = ", ".join(check.name for check in lacking)
        warnings = sum(check.state != "ok" for check in found)
        verdict = f"training cannot work here yet: see {names}" if lacking else "training can work here"
        print(f"\n{verdict}" + (f"; {warnings} to look at" if warnings and not lacking else ""))
    return 1 if lacking else 0


def describe(check: "Check", width: int | None = None) -> str:
    """`ok       torchaudio               imports beside it`, and the way out on lines below.

    Args:
        width: columns to wrap at; None to leave every text on one line.
    """
    head = f"{check.state:8} {check.name:24} "
    advice = check.advice if check.state != "ok" else ""
    room = max(20, width - len(head)) if width else 0
    lines: list[str] = []
    for text in filter(None, (check.text, advice)):
        lines += textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) if room else [text]
    return "\n".join(f"{head if number == 0 else ' ' * len(head)}{line}" for number, line in enumerate(lines))
