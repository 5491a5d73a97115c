"""`export-tensorboard`, read with TensorBoard's own reader."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from tests.conftest import Trained
from tests.runs.support import a_run, metrics, started, write


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    everything = {"scalars": 0, "images": 0, "audio": 0, "histograms": 0}
    return EventAccumulator(str(folder), size_guidance=everything).Reload()


@pytest.mark.filterwarnings("default")
def test_tensorboard_finds_every_number_the_codes_the_pictures_and_the_sound(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "board"
    command = ["--home", str(trained.home.root), "export-tensorboard", trained.run.id, str(out), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["path"]).parent == out
    found = read(out)
    state = RunState().apply_all(read_events(trained.run.events))
    assert set(found.Tags()["scalars"]) == set(state.series)
    for key in ("loss/val", "distance/buzz", "codebook/1/perplexity", "lr"):
        points = found.Scalars(key)
        assert [point.step for point in points] == list(state.series[key].steps)
        assert [point.value for point in points] == pytest.approx(list(state.series[key].values))
        assert points[0].wall_time == state.series[key].times[0]
    assert state.codes is not None
    histogram = found.Histograms("codes/level 1")[-1]
    assert histogram.step == state.codes.step == 9
    assert list(histogram.histogram_value.bucket) == state.codes.counts[1]
    assert histogram.histogram_value.num == sum(state.codes.counts[1]) > 0
    tags = ["preview 01/original", "preview 01/reconstruction"]
    assert sorted(found.Tags()["images"]) == sorted(found.Tags()["audio"]) == tags
    sound = found.Audio(tags[1])[-1]
    file = trained.run.path / state.previews[-1].pairs[0][1]
    assert sound.encoded_audio_string == file.read_bytes()
    assert (sound.sample_rate, sound.length_frames) == (8000, soundfile.info(file).frames)
    # again, in its place; and nothing is mixed with what is another run's
    assert main(command) == 0
    capsys.readouterr()
    assert len(list(out.iterdir())) == 1
    (out / "events.out.tfevents.other").touch()
    assert main(command) == 2
    assert str(out / trained.run.id) in capsys.readouterr().err


@pytest.mark.filterwarnings("default")
def test_what_a_resumed_run_repeats_is_there_once(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(home)
    write(run, started(run))
    assert main(["export-tensorboard", "drums", str(tmp_path / "board")]) == 2
    assert "no metrics yet" in capsys.readouterr().err
    first = [metrics(step, loss_train=float(step)) for step in (1, 2, 3)]
    write(run, *first, e.CodesCounted(step=3, epoch=1, counts=[[3, 1]]))
    write(
        run, started(run, resumed=True), metrics(2, loss_train=None), e.CodesCounted(step=2, epoch=1, counts=[[2, 0]])
    )
    gone = ("previews/a.wav", "previews/b.wav", 0.1)
    write(run, e.PreviewMade(step=2, epoch=1, folder="previews", pairs=[gone]))
    assert main(["export-tensorboard", "drums", str(tmp_path / "board")]) == 0
    assert "2 sounds of previews cannot be read" in capsys.readouterr().err
    found = read(tmp_path / "board")
    assert [point.step for point in found.Scalars("loss/train")] == [1]
    assert [point.step for point in found.Histograms("codes/level 0")] == [2]
    assert quick_state(run).codes == RunState().apply_all(read_events(run.events)).codes
