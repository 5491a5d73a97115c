"""What is measured inside the engine, in a process of its own: `python -m tests.gpu.inside WHAT OPTIONS`.

Prints one JSON document a line, as soon as it is known. What is known of the engine is in `subject`, `step`, `MODES`
and `plain_loop`.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique", "_unique2"}
"""Operations that wait for a device. On a CPU some are done that a card is spared (`one_hot` looks at its indices)."""
VIEWS = {
    "view", "t", "transpose", "select", "unbind", "detach", "alias", "expand", "as_strided", "slice", "unsqueeze",
    "squeeze", "permute", "split", "_unsafe_view", "unfold", "view_as_real", "split_with_sizes", "_reshape_alias",
}  # fmt: skip
"""Operations without a kernel."""
SEGMENT_SECONDS = 1.02168


def subject(options: dict[str, Any], folder: str, batch: int, **more: Any) -> Any:
    """The real trainer, past its first steps, on sound made for it."""
    from distill_tui.engine.bench.subject import make_trainer, noises
    from distill_tui.machine import this_machine

    values: dict[str, Any] = {"model__codebook_size": 256, "train__batch_size": batch, **more}
    values["data__crop_seconds"] = SEGMENT_SECONDS
    if options["small"]:
        values |= {"model__channels": 16, "model__encoder_blocks": 1, "model__decoder_blocks": 1}
    waves = noises(20.0 if options["small"] else 120.0)
    trainer = make_trainer(Path(folder), waves, this_machine(), options["device"], **values)
    trainer.task.before_step(trainer)
    trainer.net.train()
    return trainer


def step(trainer: Any) -> None:
    """One training step that logs nothing."""
    trainer.advance()


def eager(trainer: Any) -> str:
    """Have each operation launched by itself."""
    trainer.train_step.graph.wanted = False
    return ""


def compiled(trainer: Any) -> str:
    """Compile its net as a run does, and launch what comes of it piece by piece; what came of it."""
    eager(trainer)
    return compiled_net(trainer)


def compiled_net(trainer: Any) -> str:
    """Compile its net as a run does; what came of it."""
    done = trainer.train_step.compile(trainer.task.batch(trainer.step), trainer.loss_weights)
    if done.error:
        raise RuntimeError(done.error)
    return str(done.text)


def captured(trainer: Any) -> str:
    """Train until the step is one graph."""
    from distill_tui.engine.training.step_graph import EAGER_STEPS

    graph = trainer.train_step.graph
    for _ in range(EAGER_STEPS + 1):
        step(trainer)
    if graph.error or not graph.is_captured:
        raise RuntimeError(f"not captured: {graph.error or 'the task does not want it'}")
    return "captured"


def captured_compiled(trainer: Any) -> str:
    """Compile its net, and train until the step is one graph."""
    return f"{compiled_net(trainer)}, {captured(trainer)}"


MODES: dict[str, Callable[[Any], str]] = {
    "eager": eager,
    "compiled": compiled,
    "captured": captured,
    "captured compiled": captured_compiled,
}


def tell(**found: Any) -> None:
    print(json.dumps(found), flush=True)


def done(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(device: torch.device, work: Callable[[], object], seconds: float, least: int = 3) -> tuple[float, int]:
    """Seconds of one call of `work`, over about so many seconds of them after a few that are not counted."""
    for _ in range(least):
        work()
    done(device)
    began, count = time.perf_counter(), 0
    while count < least or time.perf_counter() - began < seconds:
        work()
        count += 1
        if count % 8 == 0:
            done(device)
    done(device)
    return (time.perf_counter() - began) / count, count


# -------------------------------------------------------------------- sections


def tell_device(options: dict[str, Any]) -> None:
    import platform

    from distill_tui import __version__
    from distill_tui.machine import gpus

    found: dict[str, Any] = {
        "program": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cores": os.cpu_count(),
        "gpus_by_nvml": [str(gpu) for gpu in gpus()],
    }
    if options["device"].startswith("cuda"):
        properties = torch.cuda.get_device_properties(options["device"])
        found |= {
            "name": properties.name,
            "capability": f"{properties.major}.{properties.minor}",
            "memory_gib": round(properties.total_memory / 2**30, 1),
            "multiprocessors": properties.multi_processor_count,
            "cudnn": torch.backends.cudnn.version(),
            "tf32": [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32],
        }
    tell(**found)


def tell_sync(options: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer = subject(options, folder, 4 if options["small"] else 32)
        for _ in range(6):
            step(trainer)
        done(trainer.device)
        places: Counter[str] = Counter()
        count = int(options["steps"])
        watched = noticed(places) if trainer.device.type == "cuda" else counted(places)
        with watched as operations:
            for _ in range(count):
                step(trainer)
        listed = [{"place": place, "a_step": times / count} for place, times in places.most_common(40)]
        found = {"captured": trainer.train_step.graph.is_captured}
        found |= {"steps": count, "synchronisations_a_step": sum(places.values()) / count, "places": listed}
        if operations is not None:
            found["operations_a_step"] = sum(operations.values()) / count
            # those that only look at a tensor in another way are none of the device's
            found["of_the_device"] = sum(times for name, times in operations.items() if name not in VIEWS) / count
            found["most"] = {name: times / count for name, times in operations.most_common(12)}
        tell(**found)


@contextlib.contextmanager
def noticed(places: Counter[str]) -> Iterator[None]:
    """Count by place what waits for the card, as torch warns of it."""

    def show(message: Any, *_args: Any, **_kwargs: Any) -> None:
        if "synchronizing CUDA" in str(message):
            places[place()] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")


class _Waits(TorchDispatchMode):
    def __init__(self, places: Counter[str]) -> None:
        super().__init__()
        self.places = places
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.operations[name] += 1
        if name in WAITING:
            self.places[place()] += 1
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def counted(places: Counter[str]) -> Iterator[Counter[str]]:
    """Count by place what would wait for a card if there were one."""
    with _Waits(places) as mode:
        yield mode.operations


def place() -> str:
    """Who is at work: the innermost line of this program, and the innermost of all but torch's."""
    frames = [frame for frame in traceback.extract_stack() if __file__ not in frame.filename]
    ours = [frame for frame in frames if "distill_tui" in frame.filename]
    outside = [frame for frame in frames if not any(part in frame.filename for part in ("/torch/", "warnings.py"))]
    chosen = list(dict.fromkeys(_named(frame) for frame in (*ours[-1:], *outside[-1:])))
    return " > ".join(chosen)


def _named(frame: traceback.FrameSummary) -> str:
    path = frame.filename
    for part in ("site-packages/", "distill_tui/"):
        path = path.rpartition(part)[2] if part in path else path
    return f"{path}:{frame.lineno} {frame.line}"


def tell_bench(options: dict[str, Any]) -> None:
    if options["mode"] != "eager" and not options["device"].startswith("cuda"):
        tell(skipped="measured on a card only")
        return
    for batch in options["batches"]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                tell(**benched(options, folder, batch))
            except LookupError as error:
                tell(skipped=str(error))
                return
        if options["device"].startswith("cuda"):
            torch.cuda.empty_cache()


def benched(options: dict[str, Any], folder: str, batch: int) -> dict[str, Any]:
    """Steps of one batch size in one mode."""
    seconds, began = 0.3 if options["small"] else 2.0, time.perf_counter()
    trainer = subject(options, folder, batch)
    on_cuda = trainer.device.type == "cuda"
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
    said = MODES[options["mode"]](trainer)
    ready = time.perf_counter() - began
    each, count = timed(trainer.device, lambda: step(trainer), seconds)
    data, _ = timed(trainer.device, lambda: trainer.task.batch(trainer.step), seconds / 8)
    found = {
        "batch": batch,
        "said": said,
        "ready_s": round(ready, 1),
        "ms_a_step": round(1000 * each, 3),
        "steps_a_second": round(1 / each, 2),
        "sound_s_a_second": round(trainer.task.per_step / each, 1),
        "steps": count,
        "data_ms": round(1000 * data, 3),
    }
    if on_cuda:
        found["peak_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
        if options["mode"] == "compiled":
            from torch._dynamo.utils import counters

            found["graphs"] = {key: dict(counters[key]) for key in ("frames", "stats", "graph_break")}
        found |= profiled(trainer, each)
    trainer.log.close()
    return found


def profiled(trainer: Any, each: float, steps: int = 5) -> dict[str, Any]:
    """Of some steps: time in kernels, also as a share of a step of `each` seconds, kernels, launches, the longest."""
    from torch.profiler import ProfilerActivity, profile

    done(trainer.device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        for _ in range(steps):
            step(trainer)
        done(trainer.device)
    spent: Counter[str] = Counter()
    kernels = launches = copies = graphs = 0
    for event in seen.events() or []:
        # names that stand over kernels on the card's own line of time would count these once more
        if getattr(event, "is_user_annotation", False) or event.name.startswith(("Optimizer.", "## ", "Torch-")):
            continue
        if str(event.device_type).endswith("CUDA"):
            spent[event.name[:80]] += event.time_range.elapsed_us()
            is_copy = event.name.startswith(("Memcpy", "Memset"))
            copies, kernels = copies + is_copy, kernels + (not is_copy)
        elif "LaunchKernel" in event.name:
            launches += 1
        elif "GraphLaunch" in event.name:
            graphs += 1
    busy = sum(spent.values()) / steps / 1e6
    return {
        "kernel_ms": round(1000 * busy, 3),
        "busy_share": round(busy / each, 3),
        "kernels": kernels / steps,
        "launches": launches / steps,
        "graph_launches": graphs / steps,
        "copies": copies / steps,
        "longest_ms": {name: round(us / steps / 1000, 3) for name, us in spent.most_common(12)},
    }


def tell_replays(options: dict[str, Any]) -> None:
    """How far steps that are replayed part from the same ones done eagerly, and two eager trainings from each other.

    With operations in a fixed order they may not part at all. On a CPU what would be captured is recorded.
    """
    from distill_tui.engine.device import WORKSPACE
    from distill_tui.engine.training.step_graph import StepGraph
    from tests.engine import recording

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACE)
    count, on_cuda = int(options["steps"]), options["device"].startswith("cuda")
    kept = StepGraph._capture
    if not on_cuda:
        StepGraph._capture = recording.capture  # type: ignore[method-assign,assignment]
    try:
        for precision in ("float32", "bfloat16") if on_cuda else ("float32",):
            for in_order in (True, False) if on_cuda else (False,):
                torch.use_deterministic_algorithms(in_order)
                ways = [replayed(options, count, way, precision) for way in (False, False, True)]
                tell(precision=precision, in_order=in_order, steps=count, **parted(*ways))
    finally:
        torch.use_deterministic_algorithms(False)
        StepGraph._capture = kept  # type: ignore[method-assign]


def replayed(options: dict[str, Any], count: int, captured: bool, precision: str) -> tuple[Tensor, list[Tensor]]:
    """Losses of so many steps [steps], and the weights after them."""
    from distill_tui.engine.training import step_graph

    with tempfile.TemporaryDirectory() as folder:
        trainer = subject(options, folder, 4 if options["small"] else 32, train__precision=precision)
        graph = trainer.train_step.graph
        graph.wanted, kept = True, step_graph.EAGER_STEPS
        # on the same inputs, in the same memory, but never captured
        step_graph.EAGER_STEPS = kept if captured else count + 1
        try:
            losses = []
            for _ in range(count):
                given = trainer.task.inputs(trainer.step)
                values = trainer.train_step.step(given, trainer.step, trainer.lr, trainer.loss_weights, print)
                losses.append(values["loss/train"].clone())
                trainer.step += 1
        finally:
            step_graph.EAGER_STEPS = kept
        if graph.is_captured != captured:
            raise RuntimeError(f"not captured: {graph.error}")
        trainer.log.close()
        return torch.stack(losses).double().cpu(), [p.detach().clone() for p in trainer.net.parameters()]


def parted(one: Any, other: Any, third: Any) -> dict[str, Any]:
    """Of two eager trainings and a captured one: the greatest relative differences."""
    found: dict[str, Any] = {}
    for name, (losses, weights) in (("eager", other), ("captured", third)):
        relative = (one[0] - losses).abs() / one[0].abs()
        unequal = relative.nonzero()
        squares = sum(float((a - b).double().square().sum()) for a, b in zip(one[1], weights, strict=True))
        whole = sum(float(a.double().square().sum()) for a in one[1])
        found[f"{name}_to_eager"] = {
            "loss": float(relative.max()),
            "weights": (squares / whole) ** 0.5,
            "first_step_that_differs": int(unequal[0]) if len(unequal) else None,
        }
    return found


def tell_uncertain(options: dict[str, Any]) -> None:
    """What of a step, and of making codebooks, torch cannot do in one way only, as it warns of it."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = subject(options, folder, 4 if options["small"] else 32)
        step(trainer)
        said: Counter[str] = Counter()

        def show(message: Any, *_args: Any, **_kwargs: Any) -> None:
            if "determinis" in str(message):
                said[f"{str(message).split(' does not')[0][:120]}: {place()}"] += 1

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = show
            torch.use_deterministic_algorithms(True, warn_only=True)
            trainer.task.init_codebooks(trainer)
            step(trainer)
        trainer.log.close()
    tell(not_deterministic=dict(said))


def tell_compare(options: dict[str, Any]) -> None:
    from distill_tui.library.container import read_tensors

    one, other = (read_tensors(Path(options[which])) for which in ("one", "other"))
    differences = {key: float((one[key].double() - other[key].double()).abs().max()) for key in one if one[key].numel()}
    worst = max(differences, key=lambda key: differences[key])
    same = one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    tell(equal=same, greatest_difference=differences[worst], where=worst)


def tell_peer(options: dict[str, Any]) -> None:
    seconds = 0.3 if options["small"] else 2.0
    for batch in options["batches"]:
        with tempfile.TemporaryDirectory() as folder:
            trainer = subject(options, folder, batch)
            plain = plain_loop(trainer, batch)
            bare, _ = timed(trainer.device, plain, seconds)
            ours, _ = timed(trainer.device, lambda: step(trainer), seconds)  # noqa: B023
            tell(
                batch=batch,
                plain_steps_a_second=round(1 / bare, 2),
                trainer_steps_a_second=round(1 / ours, 2),
                trainer_over_plain=round(ours / bare, 3),
            )
            trainer.log.close()


def plain_loop(trainer: Any, batch: int) -> Callable[[], object]:
    """What somebody would write in an afternoon: one step of the same net, quantizer and loss, with `.backward()`."""
    import copy

    device, weights = trainer.device, trainer.loss_weights
    net, loss = copy.deepcopy(trainer.net).train(), copy.deepcopy(trainer.task.loss)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.8, 0.99), fused=True)
    waves = trainer.task.waves["training"]
    held: Tensor = torch.cat([torch.from_numpy(wave[:]) for wave in waves]).to(device)
    length = trainer.task.crop
    offsets = torch.arange(length, device=device)

    def one_step() -> None:
        starts = torch.randint(len(held) - length, (batch, 1), device=device)
        wave = held[starts + offsets]
        loss.use(loss.draw())
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=trainer.precision == torch.bfloat16):
            passed = net.bottleneck(net.encode(wave))
            made = net.decode(passed.latents)
        losses = loss(made, wave, with_stft=False)
        total = losses["mel"] + weights["commit"] * passed.losses["commit"]
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return one_step


WORK = {
    "device": tell_device,
    "sync": tell_sync,
    "bench": tell_bench,
    "uncertain": tell_uncertain,
    "replays": tell_replays,
    "compare": tell_compare,
    "peer": tell_peer,
}

if __name__ == "__main__":
    WORK[sys.argv[1]](json.loads(sys.argv[2]))
