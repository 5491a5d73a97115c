"""What the package says of itself, and what it needs: as installed, and as CI installs it."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from distill_tui.serve.routes import STATIC

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    """The distributions that requirements begin with, as indexes spell them."""
    return {re.split(r"[^\w.-]", each, maxsplit=1)[0].lower().replace("_", "-") for each in requirements}


@pytest.mark.slow
def test_every_library_that_is_imported_is_declared() -> None:
    imported: set[str] = set()
    for path in (ROOT / "distill_tui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    providers = importlib.metadata.packages_distributions()
    others = imported - sys.stdlib_module_names - {"distill_tui"}
    needed = {provider for module in others for provider in providers.get(module, [module])}
    assert names(sorted(needed)) <= names(PROJECT["project"]["dependencies"])


def test_the_installed_package_says_what_it_is() -> None:
    told = importlib.metadata.metadata("distill-tui")
    assert told["Author"] == "The distill-tui authors"
    assert told["Requires-Python"] == "<3.16,>=3.11"
    assert "Typing :: Typed" in told.get_all("Classifier", [])
    assert (files("distill_tui") / "py.typed").is_file()


def test_the_page_of_an_index_has_no_picture_that_it_cannot_load() -> None:
    page = importlib.metadata.metadata("distill-tui").json["description"]
    assert "## Install" in page
    assert "![" not in page
    assert "![" in (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_wheel_has_what_the_listening_page_is_made_of(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("there is no uv here")
    command = [uv, "build", "--wheel", "--offline", "--quiet", "--out-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "offline" in done.stderr:
        pytest.skip("hatchling is not in uv's cache")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    served = {f"distill_tui/serve/static/{name}" for name, _ in STATIC.values()}
    assert served == {name for name in inside if name.startswith("distill_tui/serve/static/")}
    assert "distill_tui/reporting/page/style.css" in inside
    # and nothing of it is loaded from elsewhere
    for name in served:
        text = (ROOT / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, name


def test_ci_has_an_exact_version_of_everything_and_no_address() -> None:
    text = (ROOT / ".ci" / "constraints.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines)
    assert names(PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]) <= names(lines)
