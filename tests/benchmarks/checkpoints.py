"""How long the steps stand still for a checkpoint, and what a step takes while one is being written.

    python -m tests.benchmarks.checkpoints [DEVICE] [ROUNDS]

The balanced preset's net with all that a long training has: moments of the optimizer, an average, a best epoch.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from distill_tui.engine.bench.subject import make_trainer, noises
from distill_tui.machine import this_machine


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(device: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(Path(folder), noises(20.0), this_machine(), device)
        trainer.train_step.task.init_codebooks(trainer)  # type: ignore[attr-defined]
        trainer.best["weights"] = {k: v.cpu().clone() for k, v in trainer.ema_net.state_dict().items()}
        still, whole, alone, beside = [], [], [], []

        def step() -> None:
            trainer.advance()
            trainer.metrics.latest.update(trainer.task.step_values(trainer.net, 1))

        for turn in range(rounds + 1):
            whole.append(seconds(trainer.save_checkpoint))
            alone.append(seconds(step))
            still.append(seconds(trainer.begin_checkpoint))
            writing = trainer.checkpoint_writer
            while writing.is_busy:
                beside.append(seconds(step))
                trainer.finish_checkpoint()
            if not turn:
                for times in (still, whole, alone, beside):
                    times.clear()
        size = max(path.stat().st_size for path in trainer.run_folder.checkpoints.iterdir())
        print(f"a checkpoint of {size / 1e6:.0f} MB, medians of {rounds}")
        print(f"written between two steps: {statistics.median(whole):.3f} s")
        print(f"copied, then written beside the steps: they stand still for {statistics.median(still):.3f} s")
        print(f"a step: {statistics.median(alone):.3f} s, beside it {statistics.median(beside):.3f} s", end="")
        print(f" ({len(beside) / rounds:.1f} of them a checkpoint)")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cpu", int(sys.argv[2]) if len(sys.argv) > 2 else 5)
