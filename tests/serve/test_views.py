"""What the page shows of runs, models and takes: every state, odd logs, and what is gone."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distill_tui.library.annotations import Measured, ModelAnnotation, write_annotation
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.annotations import set_annotation
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.serve import hub as hub_module
from distill_tui.serve.answer import encode
from distill_tui.serve.hub import Hub
from distill_tui.serve.mailbox import Mailbox
from distill_tui.serve.places import Place, place_of
from distill_tui.serve.run_view import RunView
from tests.library import models
from tests.runs.support import a_run, metrics, started, write
from tests.serve.pages import a_heard_run, preview, served, some_takes, tone
from tests.ui import recorded

STATES: list[Callable[[Home], RunFolder]] = [
    recorded.running, recorded.paused, recorded.starting, recorded.stopped_early, recorded.stopped, recorded.crashed,
    recorded.diverged, recorded.finished,
]  # fmt: skip


@pytest.mark.parametrize("make", STATES, ids=lambda make: make.__name__)
def test_every_state_of_a_run_is_shown(home: Home, make: Callable[[Home], RunFolder]) -> None:
    run = make(home)
    follower = RunFollower(run)
    follower.catch_up()
    parts = {topic: json.loads(encode(document)) for topic, document in RunView().topics(follower)}
    assert follower.state.state in parts["part-head"]["html"]
    assert parts["run"]["id"] == run.id
    assert len(parts) <= hub_module.MOST_READERS
    assert "style=" not in "".join(part.get("html", "") for part in parts.values()), "the page's policy forbids it"


def test_curves_are_drawn_now_and_then_and_at_the_end(home: Home) -> None:
    run, now = a_run(home), [0.0]
    view, follower = RunView(lambda: now[0]), RunFollower(run, is_alive=lambda: True)

    def charts() -> str:
        follower.catch_up()
        return str(dict(view.topics(follower))["part-charts"])

    write(run, started(run), *(metrics(step, loss_train=1.0 / step) for step in range(1, 9)))
    first = charts()
    assert "polyline" in first
    write(run, metrics(9, loss_train=0.05))
    assert charts() == first
    now[0] = 6.0
    second = charts()
    assert second != first
    write(run, metrics(10, loss_train=0.04), e.Finished(step=10, epoch=1, seconds=1.0))
    assert charts() != second


def test_readers_of_one_run_share_a_follower_and_get_what_is_new(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = a_heard_run(home), a_heard_run(home, "other")
    hub = Hub(home, look_seconds=0.01)
    first = hub.join(run, lambda: True)
    assert first is not None
    known = _collect(first, "run")
    assert known["run"]["name"] == "drums"
    assert len(known["run"]["previews"]) == 1
    second = hub.join(run, lambda: True)
    assert second is not None
    assert _collect(second, "part-head")["run"]["state"] == "stopped"
    third = hub.join(other, lambda: True)
    assert third is not None
    assert len(hub._runs) == 2
    # an older run that goes on is news for both of its readers, and for nobody else
    write(run, started(run, resumed=True), preview(run, 9))
    assert len(_collect(first, "run")["run"]["previews"]) == 2
    assert _collect(second, "run")["run"]["previews"][-1][1] == 9
    _collect(third, "part-head")
    assert hub.open({"place": "x"}) == 3
    assert _collect(third, "jump")["jump"] == {"place": "x"}
    # one that cannot be shown does not silence the others
    monkeypatch.setattr(hub_module, "LISTS_EVERY", 1)
    monkeypatch.setattr(hub._runs[run.id].view, "topics", lambda _: 1 / 0)
    some_takes(home)
    write(run, metrics(10, loss_train=1.0))
    assert "cannot be shown" in _collect(first, "part-head")["part-head"]["html"]
    assert "list-takes" in _collect(third, "list-takes")
    for mailbox in (first, second, third):
        hub.leave(mailbox)
    for thread in threading.enumerate():
        if thread.name == "listening page":
            thread.join(10)
    assert hub._thread is None
    assert hub._runs == {}


def _collect(mailbox: Mailbox, topic: str) -> dict[str, dict[str, Any]]:
    """What comes until there is news of a topic."""
    found: dict[str, dict[str, Any]] = {}
    while topic not in found:
        messages = mailbox.take(20)
        assert messages, f"no {topic} after {sorted(found)}"
        found |= {name: json.loads(message) for name, message in messages}
    return found


def test_places_of_sounds(home: Home) -> None:
    run = home.runs / "20260101-000000-a b"
    assert place_of(home, run / "previews/1/x.wav") == Place("run", run.name, "previews/1/x.wav")
    assert place_of(home, home.takes / "set" / "x.flac") == Place("take", "set", "x.flac")
    assert place_of(home, home.cache / "excerpts" / "x.wav") == Place("excerpt", "", "x.wav")
    for path in (run / "recipe.toml", Path("/elsewhere/x.wav"), home.takes / "set" / ".trash" / "x.wav", home.runs):
        assert place_of(home, path) is None, path


def test_what_is_empty_damaged_or_gone_says_so(home: Home) -> None:
    with served(home) as page:
        for name in ("runs", "models", "takes"):
            assert b'class="empty"' in page.ask(f"view/{name}")[2]
        home.models.mkdir(parents=True)
        (home.models / "broken.distill").write_bytes(b"nothing")
        assert b"broken" in page.ask("view/models")[2]
        assert "✗".encode() in page.ask("view/models")[2]
        assert page.ask("view/model/broken")[0] == 200
        run, folder = a_heard_run(home), some_takes(home)
        folder.file(folder.takes[0]).unlink()
        assert b"The file is gone." in page.ask("view/takes/set")[2]
        folder.throw(folder.takes[1])
        assert b"Bring back" in page.ask("view/takes/set")[2]
        assert page.ask("sound/take/set/take-1.wav")[0] == 200
        (run.path / "previews/00000005/0-original.wav").unlink()
        (run.path / "previews/00000005/0-reconstruction.wav").write_bytes(b"no sound")
        seq = json.loads(encode(page.routes._states.of(run).previews[0].seq))
        shown = page.ask(f"view/preview/{run.id}/{seq}")
        assert (shown[0], b"The file is gone." in shown[2]) == (200, True)
        assert page.ask(f"picture/run/{run.id}/previews/00000005/0-reconstruction.wav")[0] == 404
        (home.takes / "set" / "takes.json").write_text("{")
        assert page.ask("view/takes/set")[0] == 409
        assert "✗".encode() in page.ask("view/takes")[2]
        assert page.ask(f"view/preview/{run.id}/99999")[0] == 404
        assert page.ask("events?run=nothing")[0] == 404


def test_pruned_previews_are_not_offered_and_what_a_person_wrote_is_told(home: Home) -> None:
    run = a_run(home)
    write(run, started(run), preview(run, 5), preview(run, 10))
    shutil.rmtree(run.previews / "00000005")
    set_annotation(run, "kicks", "the <quiet> one", ["hats"])
    follower = RunFollower(run)
    follower.catch_up()
    told = dict(RunView().topics(follower))
    assert [step for _, step, _ in told["run"]["previews"]] == [10]  # type: ignore[index]
    head = str(told["part-head"])
    assert ("<h1>kicks" in head, "the &lt;quiet&gt; one" in head, "hats" in head) == (True, True, True)
    card = models.write(home.models / "bells.distill", name="bells")
    measured = Measured(0.0, "birds", 12, {"mel": 0.271})
    write_annotation(home.models, card.id, ModelAnnotation(note="for <b>", measured=measured))
    with served(home) as page:
        assert b">kicks</a>" in page.ask("view/runs")[2]
        shown = page.ask("view/model/bells")[2]
        assert (b"mel 0.271 over 12 sounds of birds" in shown, b"for &lt;b&gt;" in shown) == (True, True)


def test_reconstructions_by_fewer_levels_are_heard_too(home: Home) -> None:
    run = a_run(home)
    made = preview(run, 5)
    file = "previews/00000005/0-level-1.wav"
    (run.path / file).write_bytes(tone())
    made.levels = [[(1, file, 0.5)]]
    write(run, started(run), made)
    with served(home) as page:
        seq = page.routes._states.of(run).previews[0].seq
        shown = page.ask(f"view/preview/{run.id}/{seq}")[2].decode()
        assert shown.count('class="heard"') == 3
        assert f'data-place="run/{run.id}/{file}"' in shown
        assert "1 level" in shown
        assert page.ask(f"sound/run/{run.id}/{file}")[0] == 200
        assert page.ask(f"picture/run/{run.id}/{file}")[1]["content-type"] == "image/png"
        assert page.ask(f"picture/run/{run.id}/previews/00000005/0-original.wav")[2].startswith(b"\x89PNG")
