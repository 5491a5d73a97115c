"""A prior's run on the Training screen, and the Library's key that starts one."""

import shutil

import pytest

from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.training.codebooks import CodebooksView
from tests.conftest import Trained
from tests.ui import recorded
from tests.ui.conftest import screen_text, until


def prior_run(home: Home) -> RunFolder:
    """A prior's run of eight epochs that has ended."""
    run = recorded.make_run(home, "new-drums", prior__net="gru", train__learning_rate=2e-3)
    recorder = recorded.Recorder(run)
    recorder.write(
        e.Started(run=run.id, name="new-drums", pid=1, program="0.1.0", host="here", resumed=False),
        e.RunPrepared(
            device="cpu",
            precision="float32",
            parameters=1_000_000,
            steps_per_epoch=25,
            total_epochs=8,
            rate=44100,
            codebook_size=256,
            training_files=70,
            validation_files=10,
            task="prior",
        ),
        e.StateChanged(state="running"),
    )
    for epoch in range(1, 9):
        step, bits = 25 * epoch, 22.0 - epoch
        by_level = {f"bits/level/{level}": bits * share for level, share in enumerate((0.28, 0.34, 0.38))}
        values: dict[str, float | None] = {
            "epoch/train": bits - 0.5,
            "loss/val": bits + 1,
            "bits/val": bits,
            "bits/train": bits - 1,
        }
        values |= {"distance/val": bits, "distance/train": bits - 1, **by_level}
        recorder.write(
            e.Metrics(scope="step", step=step, epoch=epoch, values={"loss/train": bits, "loss/codes": bits}),
            e.Metrics(scope="epoch", step=step, epoch=epoch, values=values, progress=epoch / 8),
            e.BestEpoch(step=step, epoch=epoch, value=bits),
        )
    folder = "previews/step-000200"
    pair = (f"{folder}/nearest-01.wav", f"{folder}/take-01.wav", 0.09)
    recorder.write(e.PreviewMade(step=200, epoch=8, folder=folder, pairs=[pair], names=["take 1, kick"]))
    recorder.write(e.Finished(step=200, epoch=8, seconds=30.0, reason="finished"))
    return run


async def test_bits_a_frame_stand_where_losses_and_codebooks_of_others_do(home: Home) -> None:
    app = DistillApp(home, prior_run(home))
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "held-out bits a frame, by level" in screen_text(app))
        await until(pilot, lambda: "by level" in screen_text(app))
        text = screen_text(app)
        assert "level 3" in text
        assert "nearest training" in text
        assert "recon" not in text
        assert "commit" not in text
        assert "Adversarial" not in text, "a prior has no such setting"
        assert not app._training.query_one("#health-panel").display
        await pilot.press("f3")
        await until(pilot, lambda: "held-out bits 14.00" in screen_text(app))
        await pilot.press("f4")
        await until(pilot, lambda: "A prior has no codebooks" in screen_text(app))
        assert app._training.query(CodebooksView)
        assert "of 8.0, if all codes were as likely" in screen_text(app)
        await pilot.press("f5")
        await until(pilot, lambda: "nearest training sound" in screen_text(app) and "take 1, kick" in screen_text(app))


@pytest.mark.slow
async def test_the_library_starts_a_prior(home: Home, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunFolder] = []
    monkeypatch.setattr("distill_tui.runs.service.start_worker", lambda _home, run: started.append(run))
    home.models.mkdir(parents=True)
    shutil.copy(trained.model, home.models)
    app = DistillApp(home)
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: trained.model.stem in screen_text(app))
        await pilot.press("T")
        await until(pilot, lambda: "2 are recommended" in screen_text(app))
        await pilot.press("backspace", "0", "enter")
        assert "some minutes are needed" in screen_text(app)
        await pilot.press("backspace", *"0.001", "enter")
        await until(pilot, lambda: app.current_mode == "training")
        (run,) = started
        assert (run.task, toml.load(run.recipe).train.minutes) == ("prior", 0.001)
