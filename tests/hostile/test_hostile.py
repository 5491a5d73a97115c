"""Some of the cases; thousands by hand."""

import os
from pathlib import Path

import pytest

from tests.hostile.cases import make
from tests.hostile.home import Place
from tests.hostile.home import make as make_home
from tests.hostile.run import run_case

CASES = 10
"""Cases of each part."""
SEED = int(os.environ.get("HOSTILE_SEED", "1")) * 1_000_000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_home(tmp_path_factory.mktemp("hostile") / "home")


def wrong_in(numbers: range, template: Place, folder: Path) -> list[str]:
    found = []
    for number in numbers:
        case = make(number)
        found += [f"case {number}, {case.what}: {one}" for one in run_case(case, template, folder / str(number))]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_damaged_and_hostile_inputs(template: Place, tmp_path: Path, part: int) -> None:
    first = SEED + CASES * part
    assert wrong_in(range(first, first + CASES), template, tmp_path) == []
