"""Desktop notifications: the sequence that the terminal takes, with nothing in it that another could mean."""

import pytest

from distill_tui.desktop import kind_of_terminal, notification


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM_PROGRAM": "iTerm.app"}, "osc9"),
        ({"TERM": "xterm-kitty"}, "osc9"),
        ({"TERM_PROGRAM": "tmux", "TERM": "tmux-256color", "LC_TERMINAL": "iTerm2"}, "osc9"),
        ({"TERM": "foot"}, "osc777"),
    ],
)
def test_terminals_are_known_by_what_they_say(environment: dict[str, str], kind: str) -> None:
    assert kind_of_terminal(environment) == kind


def test_a_notification_holds_no_other_command() -> None:
    foreign = "dr\x1b]0;x\x07ums\nfinished \x9b1m"
    for notify in ("osc9", "osc777"):
        sequence = notification(foreign, notify, {})
        assert sequence[0] == "\x1b"
        assert sequence[-1] == "\x07"
        assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in sequence[1:-1])
    assert notification("drums finished", "osc9", {}) == "\x1b]9;distill-tui: drums finished\x07"
    assert notification("a;b", "osc777", {}) == "\x1b]777;notify;distill-tui;a;b\x07"
    assert notification("x", "off", {"TERM": "foot"}) == notification("x", "auto", {"TERM": "dumb"}) == ""
    within = notification("x", "auto", {"TERM": "tmux", "LC_TERMINAL": "iTerm2", "TMUX": "/tmp/t"})
    assert within == "\x1bPtmux;\x1b\x1b]9;distill-tui: x\x07\x1b\\"
