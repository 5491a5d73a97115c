"""`note` and `tag`, which the groups of runs and of models share."""

import re
from typing import Any

from distill_tui.annotation import Annotation
from distill_tui.cli.output import say


def add_note_actions(add: Any, what: str) -> None:
    """Add `note` and `tag` of runs or models to a group of commands by its `add(name, help)`."""
    note = add("note", f"print or set the note on a {what.lower()}")
    note.add_argument("name", metavar=what)
    note.add_argument("text", metavar="TEXT", nargs="?", help="the note; '' takes it away (default: print it)")
    tag = add("tag", f"print or change the tags of a {what.lower()}")
    tag.add_argument("name", metavar=what)
    tag.add_argument("changes", metavar="TAG", nargs="*", help="+TAG adds it, -TAG takes it away (default: print them)")
    # argparse takes what looks like a negative number for an argument where no option looks so: here `-old` is one
    tag._negative_number_matcher = re.compile(r"-[^-]")


def print_note(given: Annotation, was_set: bool) -> int:
    """Print a note, or tell that one was set; 0."""
    if was_set:
        say("Noted." if given.note else "The note is gone.")
    elif given.note:
        print(given.note, flush=True)
    return 0


def print_tags(given: Annotation) -> int:
    """Print tags, one a line; 0."""
    if given.tags:
        print("\n".join(given.tags), flush=True)
    return 0
