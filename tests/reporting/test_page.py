"""Parts of HTML pages: what is escaped, and what the drawings say."""

import itertools
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import soundfile

from distill_tui.library.card import Card
from distill_tui.reporting.page import chart, curves, document, health, notes, quality, recipe, sound, spectrogram, text
from distill_tui.reporting.page.colors import palette
from distill_tui.reporting.page.html import VOID, Html, element, escape, join
from distill_tui.reporting.quality import Quality
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState
from tests.runs.support import metrics
from tests.serve.pages import prepared

EVIL = '"><script>alert(1)</script>\x1b[31m\x00'


class Page(HTMLParser):
    """Tags, attributes and text of a page, whose elements must be closed in their order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(content)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def trained_state() -> RunState:
    """A run with a warm-up, a spike, a changed setting, a preview and a best epoch."""
    state = RunState(id="x", name="drums", state="finished", started_at=1.0)
    state.apply_all([prepared(), e.StateChanged(state="running", time=1.0)])
    for step in range(1, 101):
        codes: dict[str, float | None] = {
            "codebook/0/utilization": 0.9,
            "codebook/0/perplexity": 40.0,
            "codebook/0/frames": 9e4,
            "loss/commit": 0.1,
        }
        values: dict[str, float | None] = {"loss/train": 100.0 if step == 60 else 1 / step, "loss/val": 2 / step}
        values |= codes if step > 20 else {}
        event = metrics(step)
        state.apply(
            e.Metrics(scope="step", step=step, epoch=1, values=values, time=1.0 + step, progress=event.progress)
        )
    for happened in (
        e.QuantizationStarted(step=20, epoch=1),
        e.SettingChanged(key="train.learning_rate", old=0.001, new=0.0005, step=50),
        e.PreviewMade(step=70, epoch=1, folder="previews/step-000070", pairs=[]),
        e.WarningRaised(code="x", text=f"a <b> {EVIL}", advice="turn it off & on", step=5),
        e.WarningRaised(code="x", text=f"a <b> {EVIL}", advice="turn it off & on", step=6),
        e.BestEpoch(step=90, epoch=1, value=0.5),
    ):
        state.apply(happened)
    return state


def test_text_is_escaped_wherever_it_stands() -> None:
    made = element("p", EVIL, element("b", "kept"), None, [1, 2.5], title=EVIL, hidden=True, open=False, class_="a")
    found = Page(made)
    assert [tag for tag, _ in found.tags] == ["p", "b"]
    assert found.tags[0][1] == {
        "title": EVIL.replace("\x1b", "\ufffd").replace("\0", "\ufffd"),
        "hidden": None,
        "class": "a",
    }
    assert found.text.endswith("kept12.5")
    assert join("<", Html("<br>")) == "&lt;<br>"
    assert escape("a\nb") == "a\nb"
    assert element("img", src="x") == '<img src="x">'
    whole = document.document(EVIL, made, description=EVIL).decode()
    page = Page(whole)
    assert not page.all("script")
    (policy,) = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in document.stylesheet()
    assert "\ud800".encode("utf-8", "replace") == b"?"
    assert document.document("\ud800")


def test_curves_have_marks_a_warm_up_and_a_scale_that_a_spike_does_not_spoil() -> None:
    state = trained_state()
    for along in ("step", "epoch", "time"):
        drawn = Page(curves.run_charts(state, along))
        assert len(drawn.all("figure")) == 2
        lines = [one["class"] for one in drawn.all("polyline")]
        assert lines.count("curve series-train faint") == lines.count("curve series-train") == 1
        assert len([one for one in drawn.all("rect") if one["class"] == "warm-up"]) == 2
        signs = [one["class"] for one in drawn.all("line") if str(one["class"]).startswith("sign")]
        assert sorted(set(map(str, signs))) == ["sign best", "sign preview", "sign setting", "sign start"]
    assert "learning_rate 0.001 → 0.0005" in curves.run_charts(state)
    # every drawing is one of SVG, too
    for part in curves.run_charts(state).split("<svg")[1:]:
        ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")
    assert "loss by step, log scale" in curves.run_charts(state)
    assert "log scale" not in curves.run_charts(state, kind="linear")
    assert curves.run_charts(RunState()) == ""
    assert curves.axis_of(RunState()) is None
    for span in (5.0, 700.0, 1e6):
        assert 2 <= len(curves.across_ticks(curves.Axis(0.0, span, "time"))) <= curves.MOST_ACROSS + 1


def test_a_card_without_a_log_has_its_curves() -> None:
    history: Any = {
        "loss/train": {"steps": [1, 2, 3], "epochs": [1, 1, 1], "values": [3.0, None, 1.0]},
        "loss/commit": {"steps": [2, 3], "epochs": [1, 1], "values": [0.5, 0.25]},
        "distance/val": {"steps": [3], "epochs": [1], "values": [0.4]},
    }
    drawn = Page(curves.model_charts(history))
    assert len(drawn.all("figure")) == 3
    assert drawn.all("circle")
    assert curves.model_charts({}) == ""


def test_codebooks_are_judged_now_and_over_time() -> None:
    state = trained_state()
    now = Page(health.run_health(state))
    assert "● good" in now.text
    assert "over the last 100 steps of training" in now.text
    assert len(Page(health.health_over_time(state)).all("figure")) == 2
    assert health.run_health(RunState()) == health.health_over_time(RunState()) == ""
    use = Page(health.code_use([[9] * 600 + [0] * 400, [0, 0], [1, 0, 0]]))
    assert "level 1: 10 % of the codes carry 17 % of the use" in use.text
    assert len(use.all("svg")) == 2
    card = Card(health=[{"level": 0, "utilization": 0.1, "frames": 1e6}], recipe={"model": {"codebook_size": 64}})
    assert "○ poor" in Page(health.model_health(card)).text


def test_warnings_and_changes_are_told_once_with_their_advice() -> None:
    told = Page(notes.warnings(trained_state()))
    assert not told.all("script")
    assert told.text.count("turn it off & on") == 1
    assert "2 times, last at step 6" in told.text
    assert "train.learning_rate 0.001 → 0.0005" in Page(notes.changes(trained_state())).text
    failed = RunState(state="failed", ending=e.Failed(reason="out of <memory>", advice="less", step=3), step=3)
    assert "out of <memory>less" in Page(notes.ending(failed)).text
    assert "about 12 s to go" in Page(notes.ending(RunState(state="running", eta_seconds=12.0))).text


def test_quality_is_a_bar_words_and_measures() -> None:
    found = Page(quality.scale(Quality(71.0, ("dull above 8 kHz",))))
    assert found.all("meter")[0]["value"] == "71"
    assert "dull above 8 kHz" in found.text
    assert quality.scale(None) == ""
    assert not Page(quality.scale(Quality(None, ("buzzes",)))).all("meter")
    assert "buzzes" in Page(quality.measures({"distance": 0.3, "buzz": 0.5})).text
    ends = {"distance": 0.9, "buzz": 0.7}, {"distance": 0.1, "buzz": 0.01}
    assert "0 %100 %" in Page(quality.measures({"distance": 0.3, "buzz": 0.5}, *ends)).text
    assert "9.1235 bits" in Page(quality.prior_quality({"bits/val": 9.12345, "bits/level/0": 4.0})).text


def test_a_recipe_tells_what_was_automatic_and_no_folders() -> None:
    nested = {
        "preset": "balanced",
        "automatic": ["model.channels"],
        "reasons": ["model.channels: 40 s of sound"],
        "data": {"paths": ["/home/me/secret/drums/"]},
        "model": {"channels": 256, "rvq_levels": 4},
        "train": {"start_from": "/home/me/secret/old.distill"},
    }
    shown = Page(recipe.recipe(nested, with_data=False)).text
    assert "automatic: 40 s of sound" in shown
    assert "secret" not in shown
    assert "old.distill" in shown
    assert recipe.shareable({"data.paths": ["/a/b"]}, True) == {"data.paths": ["/a/b"]}


def test_a_spectrogram_is_a_png_of_256_colours_with_axes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(8000) / 3), 8000)
    image, missing = spectrogram.pictures([tmp_path / "a.wav", tmp_path / "no.wav"], 40, 16)
    content = spectrogram.png(image)
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert (width, height, depth, kind) == (40, 16, 8, 3)
    start = content.index(b"IDAT") + 4
    assert len(zlib.decompress(content[start:])) == 16 * 41
    assert len(set(zip(*[iter(palette())] * 3, strict=True))) > 200
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in zip(*[iter(palette())] * 3, strict=True)]
    assert all(b >= a - 1 for a, b in itertools.pairwise(lightness))
    shown = Page(spectrogram.figure(image, EVIL))
    assert {"100 Hz", "1 kHz", "0 s", "0.5 s"} <= set(shown.text.replace("Hz", "Hz|").replace("s", "s|").split("|"))
    assert str(shown.all("img")[0]["alt"]).startswith('Spectrogram of "><script>')
    assert "No spectrogram" in spectrogram.figure(missing, "x")
    places = [tick.at for tick in spectrogram.hertz_ticks(44_100)]
    assert places == sorted(places)
    assert all(b - a >= spectrogram.NEAREST_LABELS for a, b in itertools.pairwise(places))


def test_players_are_named_and_tables_have_headings() -> None:
    heard = [sound.Heard("original", "x.wav"), sound.Heard("reconstruction", "", "gone")]
    found = Page(sound.side_by_side("kick", heard))
    assert [one["aria-label"] for one in found.all("audio")] == ["original of kick"]
    assert "gone" in found.text
    made = Page(text.table(("a", "b"), [["x", 1]], "caption"))
    assert [one.get("scope") for one in made.all("th")] == ["col", "col", "row"]
    assert text.section("a", "empty", Html(), None) == text.bullets([]) == text.facts({}) == chart.legend([]) == ""
