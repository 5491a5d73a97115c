"""The devices of a run: one for each of its processes (ranks), from `train.device` and `train.devices`."""

from distill_tui.machine import Machine
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.pace import kind_of_device
from distill_tui.recipe.schema import Recipe

ONE = ("", "1")
"""Values of `train.devices` that mean one process."""
MOST_PROCESSES = 256
BY_PROCESSOR = "several processes on its processors: --device cpu --devices 2"


def split_list(recipe: Recipe) -> Recipe:
    """A recipe with the list of `--device cuda:0,1` in `train.devices`, where it is not taken."""
    train = recipe.train
    first, comma, _ = train.device.partition(",")
    if not comma or train.devices not in ONE:
        return recipe
    listed = train.device.partition(":")[2]
    return with_values(recipe, {"train.device": first, "train.devices": listed, "automatic": recipe.automatic})


def devices_of(recipe: Recipe, machine: Machine) -> tuple[list[str], str]:
    """The device of each rank of a recipe on a machine, in their order, and what is wrong with that ('': nothing).

    A number takes the GPUs with the most free memory.
    """
    train = recipe.train
    kind, asked = kind_of_device(train.device), train.devices
    if "," in train.device:
        return [], "train.device: several GPUs, and train.devices names more; give one of the two"
    if asked in ONE:
        return [train.device], ""
    problem, numbers = "", list[int]()
    if kind == "cuda":
        numbers, problem = _gpus(recipe, machine)
    elif kind == "mps":
        problem = "mps is one device"
    elif "train.device" in recipe.automatic:
        problem = f"this machine has no NVIDIA GPU; {BY_PROCESSOR}"
    elif not asked.isdigit():
        problem = f"'{asked}' names GPUs; {BY_PROCESSOR}"
    devices = [f"cuda:{number}" for number in numbers] if kind == "cuda" else [kind] * (0 if problem else int(asked))
    if not problem and len(devices) > MOST_PROCESSES:
        problem = f"{len(devices)} processes are more than {MOST_PROCESSES}"
    problem = problem or cannot_share(len(devices), recipe)
    return devices, f"train.devices: {problem}" if problem else ""


def cannot_share(processes: int, recipe: Recipe) -> str:
    """What is wrong with so many processes for the batches of a recipe: each needs an example ('': nothing)."""
    size = recipe.train.batch_size
    if isinstance(size, int) and processes > size:
        return f"{processes} processes cannot share batches of {size} (train.batch_size)"
    return ""


def _gpus(recipe: Recipe, machine: Machine) -> tuple[list[int], str]:
    """The numbers of the GPUs of a recipe on NVIDIA GPUs, and what is wrong with them."""
    asked, there = recipe.train.devices, [gpu.index for gpu in machine.gpus]
    have = f"this machine has {described(machine)}"
    if asked == "all":
        return there, "" if there else have
    if asked.isdigit():
        if ":" in recipe.train.device and "train.device" not in recipe.automatic:
            return [], f"train.device names one GPU, {recipe.train.device}; --device cuda takes the {asked} freest"
        return machine.freest(int(asked)), f"{asked} GPUs are not there; {have}" if int(asked) > len(there) else ""
    numbers = [int(part) for part in asked.split(",")]
    if twice := sorted({n for n in numbers if numbers.count(n) > 1}):
        return [], f"cuda:{twice[0]} is named twice"
    if missing := [n for n in numbers if n not in there]:
        return [], f"cuda:{missing[0]} is not there; {have}"
    return numbers, ""


def described(machine: Machine) -> str:
    """The GPUs of a machine in words."""
    return ", ".join(f"cuda:{gpu.index} ({gpu.name})" for gpu in machine.gpus) or "no NVIDIA GPU"
