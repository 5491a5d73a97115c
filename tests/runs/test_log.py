"""The event log: whole lines only, numbered on, read by offset."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.log import LogReader, LogWriter, end_of_log, read_events, tail_events
from tests.conftest import Trained
from tests.runs.support import a_run, metrics, started, write


def test_every_event_comes_back_as_it_was_written(home: Home) -> None:
    run = a_run(home)
    events = (
        started(run),
        e.StateChanged(state="running", step=1, detail="x\ny \N{SNOWMAN}"),
        metrics(3, loss_val=0.5),
        e.WarningRaised(code="c", text="t", advice="a", step=3),
        e.PreviewMade(step=3, epoch=1, folder="f", pairs=[("a", "b", 0.25), ("c", "d", None)], count=1),
        e.Failed(reason="r"),
    )
    write(run, *events)
    assert list(read_events(run.events)) == list(events)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    lines = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["started", "state", "metrics", "warning", "preview", "failed"]
    assert all(line["v"] == e.LOG_VERSION for line in lines)


def test_numbers_that_are_not_finite_are_null_and_valid_json(home: Home) -> None:
    run = a_run(home)
    write(run, metrics(1, loss_train=math.nan, loss_val=-math.inf))
    line = json.loads(run.events.read_text(), parse_constant=lambda word: pytest.fail(word))
    assert line["values"] == {"loss/train": None, "loss/val": None}
    (event,) = read_events(run.events)
    assert isinstance(event, e.Metrics)
    assert event.values == {"loss/train": None, "loss/val": None}


def test_a_torn_last_line_is_not_yet_there(home: Home) -> None:
    run = a_run(home)
    write(run, started(run), metrics(1, loss_train=1.0))
    whole = run.events.read_bytes()
    reader = LogReader(run.events)
    for end in range(len(whole)):
        run.events.write_bytes(whole[:end])
        fresh = LogReader(run.events).read_new()
        assert len(fresh) == whole[:end].count(b"\n")
    run.events.write_bytes(whole[:-5])
    assert len(reader.read_new()) == 1
    assert reader.read_new() == []
    run.events.write_bytes(whole)
    (rest,) = reader.read_new()
    assert rest.seq == 2
    assert end_of_log(run.events) == len(whole)


def test_a_writer_mends_a_torn_line_and_numbers_on(home: Home) -> None:
    run = a_run(home)
    write(run, started(run), metrics(1, loss_train=1.0))
    whole = run.events.read_bytes()
    run.events.write_bytes(whole + b'{"type":"metrics","seq":3,"ti')
    assert end_of_log(run.events) == len(whole)
    write(run, started(run, resumed=True))
    assert run.events.read_bytes().startswith(whole)
    assert [event.seq for event in read_events(run.events)] == [1, 2, 3]


def test_a_line_longer_than_what_is_read_at_once_comes_whole(home: Home) -> None:
    run = a_run(home)
    write(run, e.WarningRaised(code="long", text="x" * 200_000), metrics(1, loss_train=1.0))
    reader = LogReader(run.events)
    found = reader.read_new(1000) + reader.read_new(1000)
    assert [type(event) for event in found] == [e.WarningRaised, e.Metrics]
    run.events.write_bytes(run.events.read_bytes() + b"y" * 150_000)
    write(run, e.StateChanged(state="running"))
    assert [event.seq for event in read_events(run.events)] == [1, 2, 3]


def test_unknown_types_and_fields_and_damaged_lines_are_ignored(home: Home) -> None:
    run = a_run(home)
    write(run, started(run))
    with run.events.open("ab") as file:
        file.write(b'{"type":"from-the-future","seq":2,"v":9}\n')
        file.write(b'{"type":"state","seq":3,"state":"running","step":4,"mood":"good","v":1,"time":1}\n')
        file.write(b'{"type":"state","seq":"four"}\nnot json\n\xff\xfe\n[]\n\n')
    found = list(read_events(run.events))
    assert [type(event) for event in found] == [e.Started, e.StateChanged]
    assert isinstance(found[1], e.StateChanged)
    assert found[1].step == 4


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    for line in data.split(b"\n"):
        e.Codec.decode(line)


def test_the_tail_has_the_last_events_whole(home: Home) -> None:
    run = a_run(home)
    write(run, *(metrics(step, loss_train=1.0) for step in range(2000)))
    tail = tail_events(run.events)
    assert [event.seq for event in tail] == list(range(2001 - len(tail), 2001))
    assert 100 < len(tail) < 2000
    assert tail_events(run.path / "nothing") == []
    assert end_of_log(run.path / "nothing") == 0


def test_a_reader_follows_what_is_written_while_it_reads(home: Home) -> None:
    run = a_run(home)
    reader, log = LogReader(run.events), LogWriter(run.events)
    assert reader.read_new() == []
    for step in range(50):
        log.write(metrics(step, loss_train=1.0))
        (event,) = reader.read_new()
        assert event.seq == step + 1
    log.close()


def test_a_full_disk_leaves_the_last_whole_line(home: Home, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    run = a_run(home)
    script = (
        "import sys, pathlib; from distill_tui.runs.log import LogWriter; from distill_tui.runs import events as e\n"
        "from distill_tui.errors import DistillError\n"
        "log = LogWriter(pathlib.Path(sys.argv[1])); told = 0\n"
        "for step in range(1000):\n"
        "    try: log.write(e.StateChanged(state='running', step=step))\n"
        "    except DistillError: told += 1\n"
        "print(told, log.seq)\n"
    )

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    done = subprocess.run(
        [sys.executable, "-c", script, str(run.events)], capture_output=True, text=True, check=True, preexec_fn=limit
    )
    told, seq = map(int, done.stdout.split())
    assert told > 0
    assert run.events.read_bytes().endswith(b"}\n")
    assert [event.seq for event in read_events(run.events)] == list(range(1, seq + 1))


def test_a_log_that_cannot_be_opened_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="cannot write"):
        LogWriter(tmp_path / "no" / "folder" / "events.jsonl")
    assert not os.path.lexists(tmp_path / "no")


@pytest.mark.slow
def test_the_lines_of_python_in_contributing_read_a_log(trained: Trained) -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    block = text[text.index("To read a log from Python:") :].split("\n\n")[1]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(block)],
        cwd=trained.run.path,
        capture_output=True,
        text=True,
        check=True,
    )
    epochs = [event for event in read_events(trained.run.events) if isinstance(event, e.Metrics)]
    wanted = [f"{event.epoch} {event.values['loss/val']}" for event in epochs if event.scope == "epoch"]
    assert done.stdout.splitlines() == wanted
    assert len(wanted) == 3


def test_a_clock_that_is_put_back_leaves_the_times_in_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(home)
    log, clock = LogWriter(run.events), time.time
    log.write(started(run))
    monkeypatch.setattr(time, "time", lambda: clock() - 3600)
    for step in (1, 2):
        log.write(metrics(step))
    monkeypatch.setattr(time, "time", lambda: clock() + 3600)
    log.write(metrics(3))
    times = [event.time for event in read_events(run.events)]
    assert times == sorted(times)
    assert times[2] - times[0] < 60, "as long as it took"
    assert times[3] - times[2] > 3000, "a suspended machine's clock jumps forward, and so did the time"
