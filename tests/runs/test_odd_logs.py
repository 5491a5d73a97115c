"""Logs with odd lines: each is passed over, and neither the run nor any other is lost for it."""

import json
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.events import LONGEST_LINE, Codec
from distill_tui.runs.log import LogReader, LogWriter, end_of_log, read_events, tail_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from tests.runs.support import a_run, metrics, started, write
from tests.ui.recorded import finished, stopped

ODD = [
    b'{"type":"metrics","seq":9,"time":1e18,"scope":"step","step":5,"epoch":1,"values":{}}',
    b'{"type":"metrics","seq":9,"time":-1,"scope":"step","step":5,"epoch":1,"values":{}}',
    b'{"type":"metrics","seq":9,"time":1.0,"scope":"epoch","step":1e30,"epoch":1,"values":{}}',
    b'{"type":"metrics","seq":9,"time":1.0,"scope":"epoch","step":' + b"9" * 40 + b',"epoch":1,"values":{}}',
    b'{"type":"metrics","seq":9,"time":1.0,"scope":"epoch","step":5,"epoch":1,"values":{"loss/val":1e308}}',
    b'{"type":"metrics","seq":9,"time":1.0,"scope":"epoch","step":5,"epoch":1,"values":{},"eta_seconds":1e300}',
    b'{"type":"warning","code":"x","text":"\xff"}',
    b'{"type":"warning","code":"x","text":' + b"[" * 100_000,
    b'{"type":"state","state":"running","step":-1}',
    b'{"type":"codes","step":1,"epoch":1,"counts":[[-1]]}',
]


@pytest.mark.parametrize("line", ODD, ids=lambda line: repr(line[:60]))
def test_a_line_that_says_what_cannot_be_is_passed_over(line: bytes) -> None:
    assert Codec.decode(line) is None


def test_a_billion_levels_are_passed_over() -> None:
    fields = set(e.RunPrepared.__struct_fields__) - {"skipped", "seq", "time", "v"}
    prepared: dict[str, object] = dict.fromkeys(fields, 1)
    prepared |= {"type": "prepared", "task": "", "device": "cpu", "precision": "float32"}
    assert Codec.decode(json.dumps(prepared).encode()) is not None
    assert Codec.decode(json.dumps(prepared | {"levels": 10**9}).encode()) is None


def test_one_odd_log_breaks_no_list_and_no_export(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, odd = finished(home), stopped(home.__class__(home.root / "other"))
    odd = odd.__class__(odd.path.rename(home.runs / odd.id.replace("drums", "odd")))
    with odd.events.open("ab") as file:
        for line in ODD:
            file.write(line + b"\n")
        file.write(b'{"type":"state","state":"frobnicating","step":7}\n')
        # what 32 bits cannot hold, as TensorBoard's files have it
        file.write(b'{"type":"metrics","time":1e9,"scope":"epoch","step":1000,"epoch":20,"values":{"loss/val":1e99}}\n')
    for command in (
        ["runs"],
        ["runs", "--json"],
        ["status"],
        ["status", odd.id, "--json"],
        ["status", "--line"],
        ["runs", "compare", odd.id, good.id],
        ["runs", "export", odd.id],
        ["export-tensorboard", odd.id, str(tmp_path / "board")],
    ):
        assert main(command) == 0, command
        assert "mistake" not in capsys.readouterr().err
    # a word of another release is none of ours
    assert quick_state(odd).state == "stopped"


def test_a_log_that_is_no_file_has_no_events(home: Home) -> None:
    run = a_run(home)
    run.events.mkdir()
    assert list(read_events(run.events)) == tail_events(run.events) == []
    assert end_of_log(run.events) == 0
    assert quick_state(run).state == "starting"


@pytest.mark.slow
def test_events_after_a_stretch_of_nonsense_are_read(home: Home) -> None:
    run = a_run(home)
    write(run, started(run))
    with run.events.open("ab") as file:
        file.write(b"nonsense\n" * 300_000)
        file.write(b"x" * (LONGEST_LINE + 5) + b"\n")
    write(run, metrics(3))
    assert [type(event) for event in read_events(run.events)] == [e.Started, e.Metrics]
    assert [type(event) for event in LogReader(run.events).read_new(1000)] == [e.Started]
    assert quick_state(run).step == RunState().apply_all(read_events(run.events)).step == 3


@pytest.mark.slow
def test_a_last_line_without_end_that_is_no_worker_s_stays_and_is_passed_over(home: Home) -> None:
    run = a_run(home)
    write(run, started(run))
    with run.events.open("ab") as file:
        file.write(b"x" * (LONGEST_LINE + 100_000))
    log = LogWriter(run.events)
    log.write(metrics(3))
    log.close()
    assert [event.seq for event in read_events(run.events)] == [1, 2]


def test_texts_that_are_no_text_can_be_written(home: Home) -> None:
    run = a_run(home)
    write(run, e.Failed(reason="cannot read /sounds/\udcff.wav"))
    (event,) = read_events(run.events)
    assert isinstance(event, e.Failed)
    assert event.reason == "cannot read /sounds/?.wav"
