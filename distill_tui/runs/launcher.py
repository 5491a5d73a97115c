"""Processes that a launcher has started together, on one machine or several: torchrun, or a script that sets the same.

Each of them runs the same command line. The one of rank 0 makes or resumes the run; the others train with it.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from distill_tui.errors import RequestError

NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
LOCAL_NAMES = ("LOCAL_RANK", "LOCAL_WORLD_SIZE")
LAUNCHER_ENDED = "the launcher ended this process"
"""Why a run failed whose launcher took rank 0 away before it could stop."""


@dataclass(frozen=True)
class Launched:
    """A process of several: number `rank` of `size`, and number `local_rank` of `local_size` on its machine.

    `meeting` is where they meet, as host:port.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    meeting: str


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """What a launcher has set for this process; None if it is one by itself.

    Raises:
        RequestError: it is set in part, or makes no sense.
    """
    if environment.get("WORLD_SIZE", "1") == "1" or "RANK" not in environment:
        return None
    missing = [name for name in NAMES if not environment.get(name)]
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local_rank = int(environment.get("LOCAL_RANK", "0"))
        local_size = int(environment.get("LOCAL_WORLD_SIZE", local_rank + 1))
    except ValueError:
        missing = list(NAMES)
        rank = size = local_rank = local_size = 0
    if missing or not 0 <= rank < size or not 0 <= local_rank < local_size:
        raise RequestError(
            f"the environment of a launcher of {environment['WORLD_SIZE']} processes is not whole: "
            f"{', '.join(missing) or 'RANK, LOCAL_RANK'}",
            "Start it by torchrun, or set RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT.",
        )
    return Launched(rank, size, local_rank, local_size, f"{environment['MASTER_ADDR']}:{environment['MASTER_PORT']}")


def be_alone(environment: MutableMapping[str, str] = os.environ) -> None:
    """As rank 0 of a launcher, forget the other processes: for a command that does not train with them."""
    if environment.get("RANK") == "0":
        for name in (*NAMES, *LOCAL_NAMES):
            environment.pop(name, None)
