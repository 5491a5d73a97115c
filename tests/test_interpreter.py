"""A stranger's folder holds modules of every name that Python could look for; nothing of ours ever runs one."""

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import distill_tui
from distill_tui.cli.commands import bench
from distill_tui.cli.commands.doctor import software
from distill_tui.cli.startup_timer import start
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.ui.services.excerpts import Excerpt, cut
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.spectrograms import Spectrograms
from tests.data.sounds import sine, write
from tests.programs import PATIENCE, ended_at_last, environment, few_sounds, only_run, tiny, until

SOURCE = Path(distill_tui.__file__).parent
COMMAND = Path(sys.executable).parent / "distill-tui"


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the test stands in: sounds, and modules that leave a file `ran` beside it. None may be there."""
    folder, ran = few_sounds(tmp_path / "pack"), tmp_path / "ran"
    names = {"distill_tui", "sitecustomize", "usercustomize"} | sys.stdlib_module_names
    names |= importlib.metadata.packages_distributions().keys()
    for name in names:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r} + ' ')\n")
    monkeypatch.chdir(folder)
    yield folder
    assert not ran.exists(), f"these were run: {ran.read_text()}"


@pytest.mark.slow
def test_the_folder_would_be_run_without_the_safe_path(hostile: Path) -> None:
    for arguments in (["-c", "import torch"], ["-m", "distill_tui", "--version"]):
        subprocess.run([sys.executable, *arguments], capture_output=True, timeout=PATIENCE, check=False)
        ran = hostile.parent / "ran"
        assert ran.exists(), arguments
        ran.unlink()


@pytest.mark.slow
def test_training_with_a_command_at_its_end(hostile: Path, home: Home) -> None:
    home.root.mkdir()
    home.settings.write_text(f"on_finish = 'echo > {home.root / 'told'}'\n")
    with ended_at_last(home):
        done = subprocess.run(
            [str(COMMAND), "train", ".", "--detach", *tiny()],
            capture_output=True,
            timeout=PATIENCE,
            env=environment(),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        until((home.root / "told").exists, "the end, told by the hook")
        assert only_run(home).id.endswith("-pack")


@pytest.mark.slow
async def test_what_the_app_starts(hostile: Path, home: Home, tmp_path: Path) -> None:
    answer = await call(home, "data", ".", "--json", "--progress")
    assert answer.code == 0, answer.problem
    write(tmp_path / "a.wav", sine(0.4, 8000), 8000)
    pictures = Spectrograms()
    (picture,) = await pictures.make(pictures.key((tmp_path / "a.wav",), 10, 10))
    assert picture.rows and not picture.error
    assert (await cut(home, Excerpt("a.wav", tmp_path / "a.wav", 0.0, 0.1))).is_file()


@pytest.mark.slow
@pytest.mark.terminal
def test_doctor_and_bench(hostile: Path) -> None:
    assert "torch" in software.probe_torch()
    with pytest.raises(DistillError, match="nonsense"):
        bench.measure_training("nonsense", 0.05)
    assert start(["-c", "import msgspec, textual; print('the mark')"], "the mark", PATIENCE).seconds


@pytest.mark.parametrize("command", [["--help"], ["runs"], ["models"], ["completion", "bash"], ["status"]])
def test_commands(hostile: Path, home: Home, command: list[str]) -> None:
    subprocess.run([str(COMMAND), *command], capture_output=True, timeout=PATIENCE, check=False)


def test_doctor_tells_of_a_python_path_that_names_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, state in (("", "ok"), ("/a:/b", "ok"), (":/a", "warning"), ("src", "warning")):
        monkeypatch.setenv("PYTHONPATH", value)
        assert software.python().state == state, value


@pytest.mark.slow
def test_no_other_place_makes_a_command_line_for_python() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Attribute) and node.attr == "executable"
            first = node.elts[0] if isinstance(node, ast.List) and node.elts else None
            typed = isinstance(first, ast.Constant) and str(first.value).startswith("python")
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if named or typed or "multiprocessing" in imported or "runpy" in imported:
                found.append(str(path.relative_to(SOURCE)))
    # doctor says which Python it is
    assert sorted(found) == ["cli/commands/doctor/software.py", "interpreter.py"]
