"""Previews in pixels, where the terminal has kitty's graphics protocol."""

import base64
import re
import zlib
from collections.abc import Iterator

import pytest
from textual.geometry import Region

from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp
from distill_tui.ui.graphics import CHUNK, PIXELS, colours, has_pixels, placed
from distill_tui.ui.widgets.previews import GAP, HEAT
from tests.ui import recorded
from tests.ui.conftest import screen_text, until

COMMAND = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")


def commands(text: str) -> Iterator[tuple[dict[str, str], bytes]]:
    """The commands in what was sent, a picture that came in several parts as one: keys and what they carry."""
    keys, parts = dict[str, str](), ""
    for found in COMMAND.finditer(text):
        new = dict(pair.split("=") for pair in found[1].split(",") if pair)
        assert len(found[2] or "") <= CHUNK
        keys, parts = ({**new}, found[2] or "") if "a" in new else ({**keys, **new}, parts + found[2])
        if new.get("m", "0") == "0":
            yield keys, base64.b64decode(parts)


def test_a_picture_is_sent_as_it_is() -> None:
    rows = [bytes((x * 7 + y * 13) % 256 for x in range(160)) for y in range(96)]
    text = placed(5, rows, Region(3, 4, 40, 12), HEAT)
    assert text.startswith("\x1b7\x1b[5;4H")
    assert text.endswith("\x1b8")
    ((keys, data),) = commands(text)
    assert keys.items() >= {"s": "160", "v": "96", "c": "40", "r": "12", "i": "5"}.items()
    pixels = zlib.decompress(data)
    assert len(pixels) == 160 * 96 * 3
    assert pixels[:3] == colours(HEAT)[0]
    at = (50 * 160 + 20) * 3
    assert pixels[at : at + 3] == colours(HEAT)[rows[50][20]]


@pytest.mark.parametrize(
    ("environment", "has"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-ghostty"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, False),
        ({}, False),
    ],
)
def test_which_terminals_get_pixels(environment: dict[str, str], has: bool) -> None:
    assert has_pixels(environment) is has


def shown(sent: list[str]) -> list[dict[str, str]]:
    """The pictures that are on the screen in the end."""
    there = dict[str, dict[str, str]]()
    for keys, _ in commands("".join(sent)):
        if keys["a"] == "T":
            there[keys["i"]] = keys
        else:
            there.pop(keys["i"], None)
    return list(there.values())


async def test_previews_in_pixels_make_room_for_what_comes_in_front(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.delenv("TMUX", raising=False)
    run = recorded.finished(home)
    app = DistillApp(home, run)
    sent: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", sent.append)
        await until(pilot, lambda: app._training.state.previews)
        await pilot.press("f5")
        await until(pilot, lambda: len(re.findall("a=T", "".join(sent))) == 2)
        pair = shown(sent)
        width = (app.screen.query_one("#view-previews").size.width - GAP) // 2
        assert [int(keys["c"]) for keys in pair] == [width, width]
        assert [int(keys["s"]) for keys in pair] == [width * PIXELS[0]] * 2
        assert "▀" not in screen_text(app)
        # a dialog, another screen and another view are not drawn over
        for away, back in (("question_mark", "escape"), ("1", "2"), ("f3", "f5")):
            await pilot.press(away)
            await until(pilot, lambda: not shown(sent))
            await pilot.press(back)
            await until(pilot, lambda: len(shown(sent)) == 2)
