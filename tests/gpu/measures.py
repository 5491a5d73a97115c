"""What is measured of steps on the card: each in a process of its own, see `inside`."""

import json
import subprocess
import sys
from typing import Any

from tests.gpu.programs import FailedError, Settings, inside, run

BATCHES = (32, 64, 128, 256)
MODES = ("eager", "captured", "compiled", "captured compiled")
"""Ways to run a step; one that the program does not have says so and is passed over."""


def device(settings: Settings) -> dict[str, Any]:
    """The card, its driver, and what torch is."""
    (found,) = inside(settings, "device")
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,power.limit", "--format=csv,noheader"]
    try:
        found["nvidia_smi"] = subprocess.run(query, capture_output=True, text=True, timeout=15, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        found["nvidia_smi"] = f"none: {error}"
    print("\n".join(f"   {key}: {value}" for key, value in found.items()), flush=True)
    return found


def marked_tests(settings: Settings) -> dict[str, Any]:
    """The tests marked `gpu`."""
    if settings.small:
        return {"skipped": "they would be skipped here, one by one"}
    # a machine that was rented has other plugins, and packages that warn of what is no concern of ours
    ours = [part for name in ("xdist.plugin", "pytest_asyncio.plugin", "pytest_timeout") for part in ("-p", name)]
    how = [*ours, "-p", "no:warnings", "-m", "gpu", "-n", "0", "--tb", "short", "-rs", "-s", "-v", "tests/gpu"]
    done = run(["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest", *how], settings.left)
    told = "\n".join(done.out.strip().splitlines()[-60:])
    print(told, flush=True)
    return {"output": told} | ({"error": f"exit code {done.code}: {done.last_words}"} if done.code else {})


def sync(settings: Settings) -> dict[str, Any]:
    """Where a step that logs nothing waits for the device."""
    (found,) = inside(settings, "sync", steps=4 if settings.small else 50)
    print(json.dumps(found, indent=1), flush=True)
    return found


def bench(settings: Settings) -> dict[str, Any]:
    """Steps a second, peak memory and busy share by batch and mode."""
    found: dict[str, Any] = {}
    for mode in MODES:
        # a batch of another size is compiled anew
        batches = (
            [4] if settings.small else [32, 256] if mode == "compiled" else [32] if "compiled" in mode else BATCHES
        )
        try:
            rows = inside(settings, "bench", settings.left / 1.5, mode=mode, batches=batches)
        except FailedError as error:
            rows = [{"error": str(error)}]
        found[mode] = rows
        for row in rows:
            print(f"   {mode}: {json.dumps(row)}", flush=True)
    return found


def replays(settings: Settings) -> dict[str, Any]:
    """Captured steps against the same ones done eagerly."""
    rows = inside(settings, "replays", steps=8 if settings.small else 50)
    for row in rows:
        print(f"   {json.dumps(row)}", flush=True)
    return {"rows": rows}


def peer(settings: Settings) -> dict[str, Any]:
    """The same net and sounds through a plain PyTorch loop."""
    rows = inside(settings, "peer", batches=[4] if settings.small else [32, 256])
    for row in rows:
        print(f"   {json.dumps(row)}", flush=True)
    return {"rows": rows}
