"""A GPU that torch cannot use: the reason, the command that fits the driver, and no training on the CPU unasked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui import gpu_support
from distill_tui.errors import RequestError
from distill_tui.gpu_support import Driver, not_built_for, unusable
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from tests.nvml import write_nvml
from tests.programs import environment, few_sounds, tiny

AUTO = "uv tool install --reinstall --python 3.11 --torch-backend auto ."


@pytest.mark.parametrize(
    ("version", "offered", "torch_cuda", "text", "advice"),
    [
        (
            "550.54.14",
            "12.4",
            "13.0",
            "driver 550.54.14 offers CUDA 12.4, and this torch was built for CUDA 13.0",
            AUTO,
        ),
        ("550.54.14", "12.4", "13.2", "and this torch was built for CUDA 13.2", "driver 580 or newer"),
        ("535.183.1", "12.2", None, "driver 535.183.1 offers CUDA 12.2, and this torch was built without CUDA", AUTO),
        ("580.65.06", "13.0", None, "and this torch was built without CUDA", AUTO),
        ("470.82.01", "11.4", "13.0", "and torch needs CUDA 12 or newer", "Install driver 580 or newer."),
        ("580.65.06", "13.0", "13.2", "this torch was built for CUDA 13.2, and it finds no GPU", "nvidia-smi"),
    ],
)
def test_the_reason_and_the_command_follow_from_the_driver(
    version: str, offered: str, torch_cuda: str | None, text: str, advice: str
) -> None:
    problem = unusable(torch_cuda, Driver(version, offered))
    assert problem is not None
    assert text in problem.text
    assert advice in problem.advice
    assert unusable(torch_cuda, None) is None


BUILT = ["sm_75", "sm_80", "sm_86", "sm_90a", "sm_100", "sm_120", "compute_120"]


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 9), (9, 0), (12, 0), (12, 1), (13, 0)])
def test_kernels_run_on_later_gpus_of_their_major_version(capability: tuple[int, int]) -> None:
    assert not_built_for(BUILT, capability) is None
    assert not_built_for([], capability) is None


def test_a_gpu_without_kernels_has_its_own_command() -> None:
    old = not_built_for(BUILT, (7, 0))
    assert old is not None
    assert old.text == "its compute capability is 7.0, and this torch was built for 7.5 to 12.0"
    assert "--torch-backend cu126 ." in old.advice
    new = not_built_for(["sm_75", "sm_90"], (10, 0))
    assert new is not None and AUTO in new.advice


DRIVER = "from distill_tui import gpu_support; print(gpu_support.driver())"


@pytest.mark.parametrize(
    ("fake", "more", "found"),
    [
        ({}, {}, Driver("550.54.14", "12.4")),
        ({"driver": "580.65.06", "cuda": 13000}, {}, Driver("580.65.06", "13.0")),
        ({"gpus": 0}, {}, None),
        ({}, {"CUDA_VISIBLE_DEVICES": ""}, None),
        ({"init_error": 12}, {}, None),
        ({"init_error": 18}, {}, Driver(trouble="NVML error 18")),
    ],
    ids=["12.4", "13.0", "no GPU", "hidden", "no driver", "another module is loaded"],
)
def test_the_driver_is_found_without_torch(
    fake: dict[str, int], more: dict[str, str], found: Driver | None, tmp_path: Path
) -> None:
    check = f"{DRIVER}; import sys; assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", check],
        env={**os.environ, **write_nvml(tmp_path, **fake), **more},  # type: ignore[arg-type]
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == repr(found)


@pytest.mark.parametrize(
    ("fake", "told"),
    [
        (
            {},
            "refused: train.device: cuda:0 cannot be used: driver 550.54.14 offers CUDA 12.4, and this torch was built "
            "for CUDA 13.0\n" * 2 + "cpu\ncpu\n",
        ),
        (
            {"gpus": 0},
            "cpu cuda:0 cannot be used (torch finds no usable NVIDIA GPU): training on the CPU\n"
            "refused: train.device: cuda:0 cannot be used: torch finds no usable NVIDIA GPU\n" + "cpu\n" * 2,
        ),
        (
            {"init_error": 18},
            "refused: train.device: cuda:0 cannot be used: the NVIDIA driver does not work: NVML error 18\n" * 2
            + "refused: train.device: the GPU cannot be used: the NVIDIA driver does not work: NVML error 18\ncpu\n",
        ),
    ],
    ids=["old driver", "no GPU", "broken driver"],
)
def test_only_a_gpu_that_is_not_there_gives_way_to_the_cpu(
    fake: dict[str, int], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynvml
    import torch

    from distill_tui.engine.device import choose_device

    monkeypatch.delitem(sys.modules, pynvml.__name__)
    write_nvml(tmp_path, **fake)  # type: ignore[arg-type]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    found = []
    for device, automatic in (("cuda:0", True), ("cuda:0", False), ("cpu", True), ("cpu", False)):
        recipe = Recipe()
        recipe.train.device, recipe.automatic = device, ["train.device"] if automatic else []
        try:
            chosen, warning = choose_device(recipe)
            found.append(f"{chosen} {warning}".rstrip())
        except RequestError as error:
            found.append(f"refused: {error.message}")
    assert "".join(f"{line}\n" for line in found) == told


@pytest.mark.slow
def test_a_training_stops_with_the_way_out_in_place_of_using_the_cpu(tmp_path: Path) -> None:
    # torch of whatever kind: none sees a GPU that is not there
    home, sounds, fake = tmp_path / "home", few_sounds(tmp_path / "sounds"), tmp_path / "fake"
    fake.mkdir()
    found = environment(**write_nvml(fake))
    train = [sys.executable, "-m", "distill_tui", "--home", str(home), "train", str(sounds), "--plain", "--name", "x"]
    done = subprocess.run([*train, *tiny(train__device="auto")], env=found, capture_output=True, text=True, timeout=250)
    assert done.returncode != 0
    assert "train.device: cuda:0 cannot be used: driver 550.54.14 offers CUDA 12.4" in done.stderr
    assert gpu_support.INSTALL.format("auto") in done.stderr
    assert "--device cpu" in done.stderr
    assert "Traceback" not in done.stderr
    (run,) = (home / "runs").iterdir()
    assert quick_state(RunFolder(run)).state == "failed"
