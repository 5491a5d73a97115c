"""A log of a million step events: what opening it takes, first and once there is a summary of it.

    python -m tests.benchmarks.long_log [EVENTS]

Each opening in a process of its own: seconds, and the most memory; then the app, until its chart is there.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.events import Codec
from distill_tui.runs.folder import RunFolder
from tests.benchmarks.ui import opened
from tests.ui import recorded

OPEN = """
import resource, sys, time
from pathlib import Path
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.quick_state import quick_state
began = time.perf_counter()
run = RunFolder(Path(sys.argv[2]))
state = RunFollower(run).catch_up() if sys.argv[1] == "follow" else quick_state(run)
seconds = time.perf_counter() - began
print(f"{seconds:.2f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, step {state.step:,}")
"""
LEVELS, EPOCH = 4, 50


def step_event(step: int) -> e.Metrics:
    """The numbers of a step as a codec of four levels logs them."""
    wave = 0.123456789 * (step % 17) / 17
    losses = ("train", "recon", "mel", "stft", "commit", "noise", "repetition", "loudness")
    values: dict[str, float | None] = {f"loss/{key}": 0.5123456789 + wave for key in losses}
    low = {key: (value or 0.0) - 0.1 for key, value in values.items()} | {"gradient": 0.1}
    high = {key: (value or 0.0) + 0.1 for key, value in values.items()} | {"gradient": 0.9}
    values |= {"gradient": 0.3 + wave, "time/step": 0.25, "rate/sound": 32.0, "lr": 0.001}
    for level in range(LEVELS):
        for word in ("utilization", "perplexity", "dead", "frames", "churn"):
            values[f"codebook/{level}/{word}"] = 0.9123456789 - wave
    values["codebook/efficiency"] = 0.95
    return e.Metrics(
        scope="step", step=step, epoch=step // EPOCH, values=values, low={**low}, high={**high}, progress=0.5
    )


def write_log(run: RunFolder, events: int, first: int = 1) -> None:
    """Append step events, an epoch's and a checkpoint's among them, a second apart."""
    with run.events.open("ab") as file:
        for step in range(first, first + events):
            event = step_event(step)
            event.seq, event.time = step, recorded.START + step
            file.write(Codec.encode(event))
            if step % (100 * EPOCH) == 0:
                more = e.Metrics(scope="epoch", step=step, epoch=step // EPOCH, values={"loss/val": 0.4})
                saved = e.CheckpointSaved(step=step, epoch=step // EPOCH, file=f"checkpoints/step-{step:08d}.ckpt")
                for one in (more, saved):
                    one.seq, one.time = step, recorded.START + step
                    file.write(Codec.encode(one))


def measure(how: str, run: RunFolder) -> str:
    done = subprocess.run([sys.executable, "-c", OPEN, how, str(run.path)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=f"{folder}/compiled")
        home = Home(Path(folder) / "home")
        run = recorded.make_run(home)
        log = run.events.open("wb")
        log.close()
        recorder = recorded.Recorder(run)
        recorder.write(
            e.Started(run=run.id, name="drums", pid=1, program="0"),
            e.RunPrepared(
                device="cpu",
                precision="float32",
                parameters=1,
                steps_per_epoch=EPOCH,
                total_epochs=10**6,
                levels=LEVELS,
                codebook_size=64,
            ),
            e.StateChanged(state="running"),
        )
        write_log(run, events)
        print(f"{events:,} events, {run.events.stat().st_size / 1e6:,.0f} MB", flush=True)
        print("status, without a summary:", measure("quick", run), flush=True)
        print("first opening:", measure("follow", run), flush=True)
        print(f"with a summary of {run.summary.stat().st_size / 1e6:.1f} MB:", measure("follow", run), flush=True)
        print("status, with a summary:", measure("quick", run), flush=True)
        write_log(run, 3000, events + 1)
        print("and 3,000 events more:", measure("follow", run), flush=True)
        for turn in ("first", "again"):
            with opened("-m", "distill_tui", "--home", str(home.root), "watch", run.id) as app:
                app.until(b"crashed")
                seconds = time.perf_counter() - app.begun
                app.press("v")
                import psutil

                chart = app.until(b"by step") - app.begun
                memory = psutil.Process(app.pid).memory_full_info().uss / 1e6
                print(f"the app ({turn}): {seconds:.2f} s to the run, {chart:.2f} s to its chart, {memory:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
