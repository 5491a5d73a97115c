"""Devices of a run: how many, which, and what is wrong with them."""

import pytest

from distill_tui.errors import RequestError
from distill_tui.machine import Gpu, Machine
from distill_tui.recipe.devices import devices_of
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.resolve import DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.launcher import launched

GIB = 2**30
MACHINE = Machine(4, tuple(Gpu(n, f"card {n}", 80 * GIB, free * GIB) for n, free in enumerate((10, 79, 80, 40))))
WITHOUT = Machine(4)
FACTS = DataFacts(files=4, training_seconds=100, validation_seconds=5, median_seconds=1, seconds_by_rate={22050: 100.0})


def resolved(machine: Machine, **train: str) -> Recipe:
    values = {f"train.{key}": value for key, value in train.items()}
    return resolve(with_values(Recipe(), values), FACTS, machine)


@pytest.mark.parametrize(
    ("train", "devices"),
    [
        ({}, ["cuda:1"]),
        ({"devices": "1"}, ["cuda:1"]),
        ({"devices": "2"}, ["cuda:1", "cuda:2"]),
        ({"devices": "3"}, ["cuda:1", "cuda:2", "cuda:3"]),
        ({"devices": "all"}, ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]),
        ({"devices": "3,0"}, ["cuda:3", "cuda:0"]),
        ({"device": "cuda:0,3"}, ["cuda:0", "cuda:3"]),
        ({"device": "cuda", "devices": "2"}, ["cuda:1", "cuda:2"]),
        ({"device": "cpu", "devices": "2"}, ["cpu", "cpu"]),
    ],
)
def test_the_devices_that_are_asked_for(train: dict[str, str], devices: list[str]) -> None:
    assert devices_of(resolved(MACHINE, **train), MACHINE) == (devices, "")


@pytest.mark.parametrize(
    ("train", "machine", "words"),
    [
        ({"devices": "5"}, MACHINE, "5 GPUs are not there; this machine has cuda:0 (card 0), cuda:1"),
        ({"devices": "0,7"}, MACHINE, "cuda:7 is not there"),
        ({"device": "cuda:0,7"}, MACHINE, "cuda:7 is not there"),
        ({"devices": "1,1"}, MACHINE, "cuda:1 is named twice"),
        ({"device": "cuda:0,1", "devices": "2,3"}, MACHINE, "give one of the two"),
        ({"device": "cuda:0", "devices": "2"}, MACHINE, "--device cuda takes the 2 freest"),
        (
            {"devices": "2"},
            WITHOUT,
            "this machine has no NVIDIA GPU; several processes on its processors: --device cpu",
        ),
        ({"devices": "all"}, WITHOUT, "--device cpu --devices 2"),
        ({"device": "cpu", "devices": "all"}, WITHOUT, "'all' names GPUs"),
        ({"device": "cpu", "devices": "9"}, WITHOUT, "9 processes cannot share batches of 8"),
        ({"device": "mps", "devices": "2"}, Machine(4, has_mps=True), "mps is one device"),
    ],
)
def test_devices_that_cannot_be(train: dict[str, str], machine: Machine, words: str) -> None:
    with pytest.raises(RequestError, match=words.replace("(", r"\(").replace(")", r"\)")):
        resolved(machine, **train)


@pytest.mark.parametrize("text", ["0", "two", "0,", "-1", "1;2"])
def test_what_is_no_number_of_devices_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"train\.devices"):
        with_values(Recipe(), {"train.devices": text})


def test_processes_of_a_launcher_count_as_devices() -> None:
    two = resolved(MACHINE, devices="2").train.batch_size
    assert resolve(Recipe(), FACTS, MACHINE, (), 2).train.batch_size == two
    with pytest.raises(RequestError, match="9 processes cannot share batches of 8"):
        resolve(with_values(Recipe(), {"train.batch_size": 8}), FACTS, WITHOUT, (), 9)


def test_each_of_several_gpus_gets_the_batch_of_one() -> None:
    assert resolved(MACHINE).train.batch_size == 32
    assert resolved(MACHINE, devices="2").train.batch_size == 64
    assert resolved(WITHOUT, device="cpu", devices="2").train.batch_size == 8


def test_processes_of_a_launcher() -> None:
    whole = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_PORT": "29500"}
    whole |= {"MASTER_ADDR": "node-1"}
    place = launched(whole)
    assert place is not None
    assert (place.rank, place.size, place.local_rank, place.local_size) == (3, 4, 1, 2)
    assert place.meeting == "node-1:29500"
    assert launched({}) is None
    assert launched({"WORLD_SIZE": "1", "RANK": "0"}) is None
    for broken in ({"MASTER_ADDR": ""}, {"RANK": "4"}, {"RANK": "x"}, {"LOCAL_RANK": "2"}):
        with pytest.raises(RequestError, match="launcher"):
            launched(whole | broken)
