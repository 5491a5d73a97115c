"""A probe of this machine in a process of its own, which neither holds up the screen nor outlives it."""

import asyncio
from collections.abc import Callable

from distill_tui.paths import Home
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.probe import can_probe, probe_command, probe_environment
from distill_tui.ui.services.programs import run


async def probe(home: Home, recipe: Recipe, begun: Callable[[], object]) -> bool | None:
    """Measure the pace of a resolved recipe and keep it. Cancelling ends the process.

    Args:
        begun: called once the process is about to start.

    Returns:
        True if it was measured, False if that failed, None if it is not the time: a run trains on the device.
    """
    if not await asyncio.to_thread(can_probe, home, recipe):
        return None
    begun()
    try:
        answer = await run(probe_command(home, recipe), env=probe_environment())
    except OSError:
        return False
    return answer.code == 0
