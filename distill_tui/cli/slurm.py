"""A job script for Slurm: it starts a training or resumes it, and comes back until that has finished."""

import argparse
import shlex
import sys

from distill_tui.errors import RequestError
from distill_tui.interpreter import python
from distill_tui.runs.launcher import LAUNCHER_ENDED
from distill_tui.text import clean_name

FLAG = "--slurm"
LAST_SECONDS = 20
"""Of the notice: torchrun ends what has not ended by itself, and that is written down."""
NOTICE_SECONDS = 120
"""Before the end of its time a job is told to stop: time for a checkpoint, and a model of what was learned so far."""

THREADS = """\
# of all processes on a machine together; torchrun says 1
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
"""
SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={job}
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={gpus}
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@{notice}
#SBATCH --requeue
#SBATCH --open-mode=append
# Change the numbers above. With several nodes the home (DISTILL_TUI_HOME) and the sounds are on a disk that all share.

# torchrun waits so many seconds after SIGTERM, not 30 (older ones do not know it)
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT={patience}
{threads}first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun {python} -m torch.distributed.run --nnodes "$SLURM_NNODES" --nproc-per-node {processes} \\
    --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$first:$((20000 + SLURM_JOB_ID % 10000))" \\
    -m distill_tui {command}
code=$?

# Its time was over, and it has a checkpoint, or was still reading sounds: the job is queued again, and the same line
# goes on. A run that was never made may be a mistake above: a few times at most.
case "$({python} -m distill_tui {home}status {name} --json 2>&1)" in
    *'stopped by SIGTERM'* | *'{ended}'*) most=1000 ;;
    *"no run '"*) most=3 ;;
    *) most=0 ;;
esac
if [ "${{SLURM_RESTART_COUNT:-0}}" -lt "$most" ]; then
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit $code
"""


def job_script(options: argparse.Namespace, name: str, on_cpu: bool) -> str:
    """The script for the command line that this process was started with.

    Args:
        name: of the run.
        on_cpu: whether it trains without GPUs.

    Raises:
        RequestError: the run has no name to be found by.
    """
    if not name:
        raise RequestError(f"{FLAG}: the job knows its run by its name", "Add --name NAME.")
    given = [word for word in sys.argv[1:] if word != FLAG]
    command = [*given, *(word for word in ("--or-resume", "--plain") if word not in given)]
    return SCRIPT.format(
        job=clean_name(name),
        gpus=0 if on_cpu else 2,
        processes=2 if on_cpu else "gpu",
        notice=NOTICE_SECONDS,
        patience=NOTICE_SECONDS - LAST_SECONDS,
        threads=THREADS if on_cpu else "",
        ended=LAUNCHER_ENDED,
        python=shlex.join(python()),
        command=shlex.join(command),
        home=f"--home {shlex.quote(str(options.home))} " if options.home else "",
        name=shlex.quote(name),
    )
