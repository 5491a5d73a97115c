"""Desktop notifications through the terminal: control sequences that the person's own terminal turns into one.

OSC 9 (iTerm2, WezTerm, Ghostty, kitty) takes a text, OSC 777 (foot, rxvt-unicode, some with VTE) a title and a text.
tmux hands them on in its pass-through, if `allow-passthrough` is on in its settings.
"""

import os
from collections.abc import Mapping
from typing import Literal

from distill_tui.text import printable

Kind = Literal["osc9", "osc777", ""]
PROGRAM = "distill-tui"
MOST_LETTERS = 200
OSC9_PROGRAMS = ("iTerm.app", "iTerm2", "WezTerm", "ghostty")
OSC9_SIGNS = ("KITTY_WINDOW_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR", "ITERM_SESSION_ID")
"""Variables that these terminals set: within tmux they are still there where the program's name is tmux's."""


def notification(text: str, notify: str, environment: Mapping[str, str] = os.environ) -> str:
    """The control sequence that notifies of `text`, which may be anybody's; '' where the terminal knows none.

    Args:
        notify: as in settings.toml: `osc9`, `osc777`, `off`, or `auto` for what the terminal is known to take.
    """
    kind = kind_of_terminal(environment) if notify == "auto" else notify
    words = printable(" ".join(text.split()))[:MOST_LETTERS]
    if kind == "osc9":
        # a text that begins with a digit and `;` would be another command to some
        sequence = f"\x1b]9;{PROGRAM}: {words}\x07"
    elif kind == "osc777":
        sequence = f"\x1b]777;notify;{PROGRAM};{words}\x07"
    else:
        return ""
    return passed_through(sequence) if environment.get("TMUX") else sequence


def passed_through(sequence: str) -> str:
    """A control sequence that tmux hands on to the terminal around it."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def kind_of_terminal(environment: Mapping[str, str]) -> Kind:
    """The sequence that the terminal is known to take, by what it says of itself; '' for none."""
    names = [environment.get(word, "") for word in ("TERM_PROGRAM", "LC_TERMINAL")]
    term = environment.get("TERM", "")
    if any(name in OSC9_PROGRAMS for name in names) or any(environment.get(sign) for sign in OSC9_SIGNS):
        return "osc9"
    if term.startswith(("xterm-kitty", "xterm-ghostty", "wezterm")):
        return "osc9"
    return "osc777" if term.startswith(("foot", "rxvt")) else ""
