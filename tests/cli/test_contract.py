"""What users and scripts rely on: all commands, their flags, exit codes and JSON shapes. Add here, change nothing."""

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_tui.cli.main import run as main
from distill_tui.cli.parser import build_parser
from distill_tui.paths import Home
from tests.cli.test_runs import began, written
from tests.conftest import Trained

RECIPE = "--recipe --set --name --preset --epochs --minutes --learning-rate --rvq-levels --codebook-size"
FLAGS = {
    "": "--home --version",
    "watch": "--home RUN",
    "demo": "--home --epochs --plain --json",
    "data": "--home --json --validation-share --progress DATA",
    "train": f"--home --json --plain --detach {RECIPE} --commitment-weight --device --devices --seed --keys "
    "--or-resume --slurm DATA",
    "resume": "--home --json --plain --detach --devices RUN",
    "runs": "--home --json",
    "runs list": "--home --json",
    "runs compare": "--home --json RUN",
    "runs export": "--home --json --csv --out RUN",
    "runs delete": "--home --json --yes RUN",
    "status": "--home --json --line RUN",
    "pause": "--home --json --timeout RUN",
    "unpause": "--home --json --timeout RUN",
    "stop": "--home --json --timeout RUN",
    "checkpoint": "--home --json --timeout RUN",
    "preview": "--home --json --timeout RUN",
    "tune": "--home --json --timeout RUN KEY=VALUE",
    "export-tensorboard": "--home --json RUN DIR",
    "models": "--home --json",
    "models list": "--home --json",
    "models show": "--home --json M",
    "models rename": "--home --json M NEW",
    "models delete": "--home --json --yes M",
    "models export": "--home --json --with-data M FILE",
    "models import": "--home --json --name FILE",
    "models verify": "--home --json M",
    "models compare": "--home --json --data --device M",
    "models evaluate": "--home --json --device --levels --beam M DATA",
    "generate": "--home --json --out --count --seconds --seed --temperature --top-p --method --label --like --strength "
    "--continue --fill --from --to --morph --follow --loop --max-copy --novelty --again --data --format --device "
    "--quick M",
    "reconstruct": "--home --json --device --levels --beam --out --progress M FILE",
    "encode": "--home --json --device --levels --beam --out M FILE",
    "decode": "--home --json --device --out M CODES",
    "doctor": "--home --json",
    "bench": "--home --json --device --quick",
    "completion": "--home shell",
}
Number = (int, float)
Text, Maybe = str, type(None)
RUN: dict[str, Any] = {
    "id": Text,
    "name": Text,
    "state": Text,
    "activity": Text,
    "pid": (int, Maybe),
    "epoch": int,
    "total_epochs": int,
    "step": int,
    "progress": Number,
    "losses": {"train": (*Number, Maybe)},
    "health": [{"level": int, "utilization": (*Number, Maybe), "perplexity": Number, "dead": Number, "churn": Number}],
    "eta_seconds": (*Number, Maybe),
    "started": Number,
    "updated": Number,
    "reason": Text,
    "warnings": [{"code": Text, "text": Text, "advice": Text, "step": int}],
    "ranks": [{"rank": int, "device": Text, "busy": (*Number, Maybe), "used": (int, Maybe), "memory": (int, Maybe)}],
    "model": (dict, Maybe),
}
MODEL: dict[str, Any] = {
    "id": Text,
    "name": Text,
    "path": Text,
    "created": Text,
    "weights_sha256": Text,
    "recipe": {"model": dict, "data": dict, "train": dict, "loss": dict},
    "health": [{"level": int, "utilization": Number, "perplexity": Number, "dead": Number}],
    "losses": {"train": Number, "val": Number},
}
ADVICE = {"key": Text, "value": int, "kbps": Number, "text": Text, "level": (int, Maybe)}
SOUND = {"path": Text, "name": Text, "rate": int, "channels": int, "seconds": Number, "split": Text}
DATA = {"paths": [Text], "sounds": [SOUND], "skipped": [{"path": Text, "reason": Text}]}
EVENTS: dict[str, dict[str, Any]] = {
    "anchors": {"floor": dict, "ceiling": dict, "sounds": int},
    "started": {"run": Text, "name": Text, "pid": int, "program": Text, "host": Text, "resumed": bool},
    "state": {"state": Text, "step": int, "detail": Text},
    "prepared": {
        "device": Text,
        "precision": Text,
        "parameters": int,
        "rate": int,
        "frame_rate": Number,
        "kbps": Number,
        "codebook_size": int,
        "levels": int,
        "total_epochs": int,
        "steps_per_epoch": int,
    },
    "metrics": {"scope": Text, "step": int, "epoch": int, "values": dict, "progress": Number},
    "codes": {"step": int, "epoch": int, "counts": [[int]]},
    "quantizing": {"step": int, "epoch": int},
    "best": {"step": int, "epoch": int, "value": Number, "metric": Text},
    "warning": {"code": Text, "text": Text, "advice": Text, "step": int},
    "checkpoint": {"step": int, "epoch": int, "file": Text},
    "preview": {"step": int, "epoch": int, "folder": Text, "pairs": [list]},
    "model": {"id": Text, "name": Text, "path": Text, "step": int, "level_distances": [Number]},
    "finished": {"step": int, "epoch": int, "seconds": Number, "model": Text, "model_id": Text, "path": Text},
}


def shaped(value: Any, shape: Any, where: str = "") -> None:
    """See that a value has at least this shape: of an object its keys, of an array each entry."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key, inner in shape.items():
            assert key in value, f"{where}.{key}"
            shaped(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for entry in value:
            shaped(entry, shape[0], f"{where}[]")
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command with the names of its flags and arguments."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    own = {word for a in parser._actions if a not in inner for word in a.option_strings or [str(a.metavar or a.dest)]}
    yield name, own
    for action in inner:
        for word, choice in action.choices.items():
            yield from commands(choice, f"{name} {word}".strip())


def test_no_command_and_no_flag_goes_away() -> None:
    there = dict(commands(build_parser()))
    assert FLAGS.keys() <= there.keys()
    for name, words in FLAGS.items():
        assert {*words.split(), "--help"} <= there[name], name


def kept(home: Home) -> set[Path]:
    """The files of a home, without locks and caches."""
    return {path for path in home.root.rglob("*") if path.suffix != ".lock" and not path.name.startswith(".")}


@pytest.fixture
def both(trained: Trained, home: Home) -> Trained:
    """The home of the trained run, with a crashed one beside it."""
    shutil.copytree(trained.home.root, home.root)
    written(home, "gone", *began("gone"))
    return trained


def test_json_has_the_shapes_that_scripts_read(both: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*command: str) -> Any:
        assert main([*command, "--json"]) == 0
        return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)

    finished, model = both.run.id, both.model.stem
    runs = printed("runs")
    shaped(runs, [RUN])
    assert len(runs) == 2
    for run in ("gone", finished):
        shaped(printed("status", run), RUN | {"path": Text})
    shaped(printed("status", finished)["model"], {"id": Text, "name": Text, "path": Text})
    shaped(printed("runs", "compare", "gone", finished), {"different": [Text], "runs": [RUN | {"recipe": dict}]})
    shaped(printed("runs", "export", finished), [{"step": int, "epoch": int, "time": Number, "loss/train": object}])
    models = printed("models", "list")
    shaped(models, [MODEL])
    assert models
    assert models == printed("models")
    card = printed("models", "show", model)
    shaped(card, MODEL | {"level_distances": [Number], "entropy_kbps": Number, "advice": [ADVICE]})
    # all its held-out sounds are short, so that both are means over the whole of them
    assert card["level_distances"][1:] == [pytest.approx(card["losses"]["distance"], rel=1e-4)]
    data = printed("data", str(both.sounds))
    shaped(data, DATA)
    assert len(data["sounds"]) == 5
    assert set(printed("runs", "delete", "gone", "--yes")) >= {"deleted", "bytes"}


def test_the_log_and_train_json_have_the_events_that_scripts_read(trained: Trained) -> None:
    seen = set()
    for line in trained.run.events.read_text().splitlines():
        event = json.loads(line, parse_constant=pytest.fail)
        shaped(event, {"type": Text, "seq": int, "time": Number, "v": int})
        shaped(event, EVENTS[event["type"]], event["type"])
        seen.add(event["type"])
    assert seen == EVENTS.keys()


@pytest.mark.parametrize(
    "command",
    [
        ["no-such-command"],
        ["status", "--no-such-flag"],
        *([name, "nothing"] for name in ("status", "watch", "resume", "pause", "unpause", "stop", "checkpoint")),
        ["preview", "nothing"],
        ["tune", "nothing", "learning_rate=0.001"],
        ["tune", "gone", "rvq_levels=3"],
        *(["runs", name, "nothing"] for name in ("compare", "export")),
        ["runs", "delete", "gone"],
        ["export-tensorboard", "nothing", "nowhere"],
        *(["models", name, "nothing"] for name in ("show", "delete", "verify", "import")),
        ["models", "rename", "nothing", "something"],
        ["models", "export", "nothing", "something"],
        ["reconstruct", "nothing", "nowhere.wav", "--out", "out"],
        ["encode", "nothing", "nowhere.wav", "--out", "codes"],
        ["data", "nowhere"],
        ["data"],
        ["train", "nowhere"],
        ["train", "--set", "rvq_levls=3"],
        ["demo", "--epochs", "none"],
        ["bench", "--device", "none"],
        ["completion", "none"],
    ],
    ids=" ".join,
)
def test_a_wrong_request_is_two_changes_nothing_and_prints_no_data(
    both: Trained, home: Home, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(home)
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("distill-tui: ")
    assert "Traceback" not in err
    assert kept(home) == before
