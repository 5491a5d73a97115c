"""The listening page in a real browser: it is opened, a sound is heard, and a preview is seen to come."""

import json
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.serve.address import Listening
from distill_tui.serve.client import post
from tests.browser import chromium, find_chromium
from tests.runs.support import a_run, metrics, started, write
from tests.serve.pages import TOKEN, prepared, preview, served, some_takes, tone

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium here")]

POSITION = "window.distill.player.position"


def test_a_run_is_watched_and_heard_and_takes_are_kept(home: Home, tmp_path: Path) -> None:
    program = find_chromium()
    assert program is not None
    run = a_run(home)
    write(run, started(run), prepared(), e.StateChanged(state="running"))
    write(run, *(metrics(step, loss_train=1.0 / step) for step in range(1, 9)))
    write(run, preview(run, 5, ("kick.wav", "<i>snare</i>.wav"), seconds=2.0))
    folder = some_takes(home, 3)
    with run.hold(), served(home) as page, chromium(tmp_path / "profile", program) as browser:
        tab = browser.open(page.address)
        # the run that trains, its curves and its newest preview come by the event stream
        tab.until("document.querySelector('[data-part=head] h1')?.textContent === 'drums'")
        tab.until("document.querySelector('[data-part=charts] polyline')")
        assert tab.until("document.querySelectorAll('.sound-item').length") == 2
        assert tab.evaluate("document.querySelector('.sound-item:nth-child(2) h3').textContent") == "<i>snare</i>.wav"
        tab.until("[...document.querySelectorAll('img')].every((img) => img.complete && img.naturalWidth)")

        # it is heard: the clock of the audio runs, and so does the place in the sound
        tab.press("Enter")
        tab.until("window.distill.player.playing && window.distill.player.context.state === 'running'")
        began = tab.evaluate("window.distill.player.context.currentTime")
        tab.until(f"window.distill.player.context.currentTime > {began} && {POSITION} > 0.1")
        assert tab.evaluate("window.distill.player.item.versions[window.distill.player.side].side") == "reconstruction"
        # and the original from the same place on, without a new beginning
        before = tab.evaluate("window.distill.startedAt = window.distill.player.startedAt, " + POSITION)
        tab.press("o")
        tab.until("window.distill.player.side === 0 && window.distill.player.gains[1].gain.value < 0.01")
        assert tab.evaluate(f"window.distill.player.playing && {POSITION} >= {before}")
        assert tab.evaluate("window.distill.startedAt === window.distill.player.startedAt")
        assert tab.evaluate("document.querySelector('#sides [aria-pressed=true]').textContent") == "original"
        assert tab.evaluate("document.querySelector('#live').textContent") == "Playing: original of kick.wav"

        # a preview appears as it is made; what plays goes on
        write(run, preview(run, 10, ("kick.wav",)))
        tab.until("document.querySelector('#step-text').textContent.startsWith('step 10,')")
        tab.until("document.querySelectorAll('.sound-item').length === 1")
        tab.until("document.querySelector('#live').textContent === 'New preview at step 10'")
        write(run, e.Finished(step=10, epoch=2, seconds=1.0))
        tab.until("document.querySelector('[data-part=head]').textContent.includes('finished')")

        # takes are kept and thrown away with keys, under the lock of their folder
        tab.press("4")
        tab.until("document.querySelector('a[href=\"#takes/set\"]')")
        tab.evaluate("location.hash = '#takes/set'")
        tab.until("document.querySelectorAll('.sound-item').length === 3")
        tab.press("k")
        tab.until("document.querySelector('.sound-item.kept')")
        tab.press("ArrowDown")
        tab.press("ArrowDown")
        tab.press("x")
        tab.until("document.querySelectorAll('main > ol > .sound-item').length === 2")
        # the newest one stands first
        assert [take.kept for take in folder.takes] == [None, False, True]

        # the app asks for a sound: the browser goes there and plays it
        shown = Listening(page.port, TOKEN)
        place = f"run/{run.id}/previews/00000005/1-original.wav"
        assert post(shown, "open", {"place": place}) == {"readers": 1}
        tab.until("window.distill.player.playing && window.distill.player.item.name === '<i>snare</i>.wav'")
        assert tab.evaluate("location.hash").startswith("#run/")
        excerpt = home.cache / "excerpts" / "kick [a] 100%-0.4s.wav"
        excerpt.parent.mkdir(parents=True)
        excerpt.write_bytes(tone(1.0))
        post(shown, "open", {"place": f"excerpt/{excerpt.name}"})
        tab.until(f"window.distill.player.playing && window.distill.player.item.name === {json.dumps(excerpt.name)}")

        assert browser.problems() == []
        assert all(address.startswith((page.address, "about:")) for address in browser.addresses()), json.dumps(
            browser.addresses()
        )


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_of_it_is_wider_than_the_window(home: Home, tmp_path: Path, width: int) -> None:
    from tests.serve.pages import a_heard_run

    program = find_chromium()
    assert program is not None
    a_heard_run(home)
    some_takes(home)
    with served(home) as page, chromium(tmp_path / "profile", program) as browser:
        tab = browser.open(page.address)
        tab.look(width, 800, dark=width > 600)
        for place in ("#run", "#runs", "#models", "#takes", "#takes/set"):
            tab.evaluate(f"location.hash = {json.dumps(place)}")
            tab.until("document.querySelector('main h1')")
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        # every button and field says what it is
        named = "(one) => one.ariaLabel || one.textContent.trim()"
        assert tab.evaluate(f"[...document.querySelectorAll('button, input')].every({named})")
        assert browser.problems() == []
