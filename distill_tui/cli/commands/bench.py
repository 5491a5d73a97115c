"""Commands: bench."""

import argparse
import contextlib
import os
from pathlib import Path
from typing import Any

from distill_tui.errors import DistillError, RequestError

TRAINING_SECONDS = {False: 60.0, True: 2.0}
"""Of measuring, by whether it is to be quick; importing torch comes on top."""
STARTS = {False: 5, True: 1}
PATIENCE = 900.0
"""Seconds after which the measurement of training is given up."""
START_PATIENCE = 60.0


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "bench",
        parents=[shared],
        help="measure this machine's training throughput and the app's cost",
        description="Train on sound made for it, in turn with a bare loop over the same net and batches, and start the"
        " app in a terminal of its own. Takes about a minute and a half; other work on the machine shows in the times,"
        " less in the ratios. Nothing is kept.",
        allow_abbrev=False,
    )
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, ... or mps")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each: rough numbers")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=bench)


def bench(options: argparse.Namespace) -> int:
    """Measure and print."""
    from distill_tui.cli.output import print_json, say

    _check_device(options.device)
    machine = describe_machine()
    if not options.json:
        say("measuring training; this takes a while" if not options.quick else "measuring training, roughly")
    training = measure_training(options.device, TRAINING_SECONDS[options.quick])
    if not options.json:
        say("measuring the app")
    app = measure_app(STARTS[options.quick])
    found = {"machine": machine, "quick": options.quick, "training": training, "app": app}
    if options.json:
        print_json(found)
    else:
        print(describe(found))
    return 0


def _check_device(device: str) -> None:
    """See that the device is one that can be named and that this machine has, before torch takes its seconds.

    Raises:
        RequestError: it is not.
    """
    from distill_tui.machine import this_machine
    from distill_tui.recipe.fields import fields, parse, with_values
    from distill_tui.recipe.resolve import DataFacts, resolve
    from distill_tui.recipe.schema import Recipe

    problem = parse(fields()["train.device"], device)[1]
    if not problem:
        facts = DataFacts(files=2, training_seconds=60, validation_seconds=1, median_seconds=1)
        try:
            resolve(with_values(Recipe(), {"train.device": device, "model.sample_rate": 22050}), facts, this_machine())
        except RequestError as error:
            problem = error.message
    if problem:
        raise RequestError(problem.replace("train.device", "--device"), "See: distill-tui doctor")


def describe_machine() -> dict[str, Any]:
    """The machine, and its load before."""
    import platform

    from distill_tui.machine import cores

    load = None
    with contextlib.suppress(OSError, AttributeError):
        load = round(os.getloadavg()[0], 2)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "python": platform.python_version(),
        "load": load,
    }


def _processor() -> str:
    import platform

    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def measure_training(device: str, seconds: float) -> dict[str, Any]:
    """Measurements of `distill_tui.engine.bench`, in a process of its own.

    Raises:
        RequestError: the device cannot be used.
        DistillError: it failed, with the last line that it said.
    """
    import json
    import subprocess

    from distill_tui.interpreter import python
    from distill_tui.machine import COMPUTING

    command = python("-m", "distill_tui.engine.bench", "--device", device, "--seconds", f"{seconds:g}")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env={**COMPUTING, **os.environ},
        )
    except subprocess.TimeoutExpired:
        raise DistillError(f"measuring training took longer than {PATIENCE:g} s", "Try: --quick") from None
    told: dict[str, Any] = {}
    with contextlib.suppress(IndexError, ValueError):
        told = json.loads(done.stdout.splitlines()[-1])
    if "error" in told:
        kind = RequestError if done.returncode == RequestError.exit_code else DistillError
        raise kind(told["error"], told["hint"] or "See: distill-tui doctor")
    if done.returncode or not told:
        from distill_tui.text import printable

        last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise DistillError(f"training could not be measured: {printable(last)}", "See: distill-tui doctor")
    return told


def measure_app(starts: int) -> dict[str, Any]:
    """The app's first screen against a Textual app with nothing in it: the medians of so many starts of each.

    Raises:
        DistillError: one of them does not start.
    """
    import statistics
    import tempfile

    from distill_tui.cli.startup_timer import BARE_APP, BARE_MARK, FIRST_MARK, Start, start

    ours: list[Start] = []
    bare: list[Start] = []
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "distill_tui", "--home", str(Path(folder) / "home")]
        for number in range(starts + (starts > 1)):
            pair = (start(["-c", BARE_APP], BARE_MARK, START_PATIENCE), start(arguments, FIRST_MARK, START_PATIENCE))
            # the first one of each reads its files from the disk: with several starts it is not counted
            if number or starts == 1:
                bare.append(pair[0])
                ours.append(pair[1])

    def median(of: list[Start], what: str) -> float:
        return float(statistics.median(getattr(one, what) for one in of))

    found: dict[str, Any] = {"starts": starts}
    for what in ("seconds", "cpu_seconds", "memory_mib"):
        found[f"first_screen_{what}"] = median(ours, what)
        found[f"bare_{what}"] = median(bare, what)
    found["ratio"] = statistics.median(a.seconds / b.seconds for a, b in zip(ours, bare, strict=True))
    found["cpu_ratio"] = statistics.median(a.cpu_seconds / b.cpu_seconds for a, b in zip(ours, bare, strict=True))
    found["memory_ratio"] = found["first_screen_memory_mib"] / found["bare_memory_mib"]
    return found


def describe(found: dict[str, Any]) -> str:
    """All of it for people, with what each number means."""
    from distill_tui.reporting.formatting import table

    machine, training, app = found["machine"], found["training"], found["app"]
    low, high = training["ratio_quartiles"]
    device = training["gpu"] or f"{machine['processor']}, {machine['cores']} cores"
    busy = "" if machine["load"] is None else f"; load {machine['load']:.1f} before"
    subject = (
        f"balanced preset on {training['device']} in {training['precision']}: "
        f"{training['parameters'] / 1e6:.1f} M parameters, {training['rate']:,} Hz, "
        f"{training['batch_size']} pieces of {training['crop_seconds']:.2f} s a step"
    )
    lines = [f"machine    {device}; {machine['system']}{busy}", f"training   {subject}", ""]
    memory = f"MiB, {app['memory_ratio']:.2f} times the empty one"
    rows = [
        ["throughput", f"{training['sound_seconds_per_second']:.1f}", "seconds of sound trained on in a second"],
        ["bare loop", f"{training['bare_sound_seconds_per_second']:.1f}", "the same without all that a run needs"],
        ["over bare", _over(training["ratio"]), f"time that a run needs more; between {_over(low)} and {_over(high)}"],
        ["", _over(training["cpu_ratio"]), "the same in processor time: steadier on a busy machine"],
        ["validation", f"{training['validation_seconds']:.1f}", "seconds at the end of an epoch, not counted above"],
        ["memory", f"{training['memory_mib']:,.0f}", "MiB at most, " + ("on the GPU" if training["gpu"] else "in all")],
        ["first screen", f"{app['first_screen_seconds']:.2f}", "seconds until the app is there"],
        ["over bare", f"{app['ratio']:.2f}", f"times an empty Textual app ({app['bare_seconds']:.2f} s)"],
        ["", f"{app['cpu_ratio']:.2f}", "the same in processor time"],
        ["app's memory", f"{app['first_screen_memory_mib']:.0f}", memory],
    ]
    lines += table(["", "", "meaning"], rows).splitlines()[1:]
    parts = [
        [name, _ms(part["seconds"]), _ms(part["cpu_seconds"]), f"{100 * part['share']:.1f}%", part["what"]]
        for name, part in training["parts"].items()
    ]
    lines += ["", *table(["a step's part", "ms", "ms of CPU", "share", "what it is"], parts).splitlines()]
    return "\n".join(lines)


def _over(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f}%"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"
