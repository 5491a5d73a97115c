"""What keeps snapshots the same: a machine that is always as busy, and a wait until nothing moves."""

from textual.pilot import Pilot

from distill_tui.ui.services.system_monitor import GpuSample, MachineSample, SystemMonitor
from tests.ui.conftest import screen_text


def steady_ask(gauges: SystemMonitor) -> None:
    """Samples of a machine that is always as busy."""
    if not gauges.samples:
        for number in range(24):
            gpu = GpuSample("NVIDIA H100", 0.8 + 0.15 * (number % 3 == 0), 21 * 2**30, 80 * 2**30, 61.0, 388.0)
            gauges.samples.append(MachineSample(0.3 + 0.02 * (number % 4), 14 * 2**30, 126 * 2**30, (gpu,)))


async def settle(pilot: Pilot[None], quiet: int = 6) -> None:
    """Wait until the screen stays as it is."""
    same, before = 0, ""
    while same < quiet:
        await pilot.pause(0.25)
        now = screen_text(pilot.app)
        waits = "making the pictures" in now or "reading the log" in now
        same = same + 1 if now == before and not waits else 0
        before = now
