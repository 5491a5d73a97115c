"""The library among processes: many that change it at once, and one that is killed at any moment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.library.container import verify
from distill_tui.library.store import Library
from distill_tui.paths import Home
from tests.library.models import card, tensors

AT_ONCE = """
import os, sys
from pathlib import Path
from distill_tui.library.store import Library
from distill_tui.paths import Home
from tests.library.models import card, tensors

library = Library(Home(Path(sys.argv[1])))
children = []
for worker in range(4):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for round in range(5):
                saved, _ = library.save(tensors(worker), card(name="same", run=f"{worker}-{round}"))
                library.list()
                if round == 1:
                    library.rename(saved.id, "renamed")
                if round == 2:
                    library.restore(str(library.delete(saved.id).path))
                if round == 3:
                    library.save(tensors(worker + 10), card(name="other", run=f"{worker}-0"))
            code = 0
        finally:
            os._exit(code)
    children.append(child)
sys.exit(max(os.waitpid(child, 0)[1] for child in children) and 1)
"""

KILLED = '''
"""Saves a model over another in children that kill themselves at their n-th chance, until one lives to the end."""
import json, os, resource, signal, sys
from pathlib import Path
from distill_tui.library.container import verify
from distill_tui.library.store import Library
from distill_tui.paths import Home
from tests.library.models import card, tensors

library = Library(Home(Path(sys.argv[1])))
old, path = library.save(tensors(0), card(name="model", run="run", step=0))
EVENTS = {"open", "os.rename", "os.chmod", "os.remove", "os.mkdir", "fcntl.flock", "tempfile.mkstemp", "os.scandir"}


def die_at(chance):
    """Kill this process at its n-th system call that matters to files."""
    left = [chance]

    def count():
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sync = os.fsync
    os.fsync = lambda handle: (count(), sync(handle))
    sys.addaudithook(lambda event, _: count() if event in EVENTS else None)


def die_when_written(size):
    """Kill this process in the middle of the write that would make a file longer than `size`."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def attempt(prepare, argument, name, run):
    child = os.fork()
    if child == 0:
        prepare(argument)
        library.save(tensors(1), card(name=name, run=run, step=1))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


outcomes = []
for name, run in (("model", "run"), ("new", "another run")):
    for prepare, arguments in ((die_at, range(200)), (die_when_written, range(0, 10_000, 512))):
        for argument in arguments:
            code = attempt(prepare, argument, name, run)
            found = {e.name: verify(e.path).step for e in library.list()}
            outcomes.append([code, name, found])
            for entry in library.list():
                if entry.name != "model":
                    library.delete(entry.id)
            library.empty_trash()
            if code == 0:
                break
            # the next attempt begins with the old model again
            library.save(tensors(0), card(name="model", run="run", step=0))
        library.save(tensors(0), card(name="model", run="run", step=0))
print(json.dumps(outcomes))
'''

CHANGES = (
    KILLED[: KILLED.index("def die_when_written")]
    + """
elsewhere = Path(sys.argv[1]) / "elsewhere"
elsewhere.mkdir()
given = library.export(old.id, elsewhere / "given.distill")
weights = verify(given).weights_sha256
ACTIONS = {
    "import": lambda: library.import_file(given),
    "export": lambda: library.export(old.id, elsewhere / "out.distill"),
    "rename": lambda: library.rename(old.id, "renamed"),
    "delete": lambda: library.delete(old.id),
    "restore": lambda: library.restore(old.id),
}
killed = dict.fromkeys(ACTIONS, 0)
for name, action in ACTIONS.items():
    for chance in range(200):
        child = os.fork()
        if child == 0:
            die_at(chance)
            action()
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL), (name, chance, code)
        killed[name] += code != 0
        # whatever is there is whole, and the model is somewhere
        there = [*library.list(), *library.trashed()]
        assert all(verify(entry.path).weights_sha256 == weights for entry in there), (name, chance)
        assert old.id in {entry.id for entry in there}, (name, chance)
        out = elsewhere / "out.distill"
        assert not out.exists() or verify(out).weights_sha256 == weights
        if code == 0 and name != "restore":
            out.unlink(missing_ok=True)
        if code == 0:
            break
        # the next attempt begins as the first one did
        out.unlink(missing_ok=True)
        if old.id not in {entry.id for entry in library.list()} and name != "restore":
            library.restore(old.id)
        elif name == "restore" and old.id not in {entry.id for entry in library.trashed()}:
            library.delete(old.id)
        for entry in library.list():
            if entry.id == old.id and entry.name != "model":
                library.rename(old.id, "model")
            elif entry.id != old.id:
                library.delete(entry.id)
print(json.dumps(killed))
"""
)

IMPORTS = """
import sys
from pathlib import Path
from distill_tui.library.container import read_card, verify
from distill_tui.library.store import Library
from distill_tui.paths import Home

library = Library(Home(Path(sys.argv[1])))
(entry,) = library.list()
assert read_card(entry.path) == verify(entry.path)
library.rename("birds", "gulls")
library.import_file(library.export("gulls", Path(sys.argv[1]) / "copy.distill"))
print(sorted({"torch", "numpy", "safetensors", "textual", "soundfile"} & set(sys.modules)))
"""


def run(script: str, home: Home) -> str:
    """What a script prints in a process of its own; an error of its is one of the test."""
    project = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(home.root)], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_processes_that_save_one_name_at_once_lose_nothing(home: Home) -> None:
    run(AT_ONCE, home)
    entries = Library(home).list()
    assert [entry.error for entry in entries] == [""] * 20
    assert len({entry.id for entry in entries}) == 20
    runs = {entry.summary.run: entry for entry in entries if entry.summary}
    assert runs.keys() == {f"{worker}-{turn}" for worker in range(4) for turn in range(5)}
    seen = {worker: {verify(runs[f"{worker}-{r}"].path).weights_sha256 for r in range(5)} for worker in range(4)}
    assert all(len(hashes) == 2 for hashes in seen.values())
    assert sum(entry.name.startswith("renamed") for entry in entries) == 4


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_old_model_or_the_new_one(home: Home) -> None:
    outcomes = json.loads(run(KILLED, home))
    killed = [outcome for outcome in outcomes if outcome[0] != 0]
    lived = [outcome for outcome in outcomes if outcome[0] == 0]
    assert len(lived) == 4 and len(killed) > 30
    assert {found["model"] for _, name, found in outcomes if name == "model"} == {0, 1}
    for code, name, found in outcomes:
        if name == "model":
            assert found.keys() == {"model"}
        else:
            assert found in ({"model": 0}, {"model": 0, "new": 1})
        if code == 0:
            assert found[name] == 1
    assert {-9, -25} <= {code for code, *_ in killed}
    # the next change of the library has cleaned up
    assert not list(home.models.glob("*.part")) and not list(home.models.glob(".[!.]*.part"))


@pytest.mark.slow
def test_a_kill_during_any_other_change_loses_no_model(home: Home) -> None:
    killed = json.loads(run(CHANGES, home))
    assert killed.keys() == {"import", "export", "rename", "delete", "restore"}
    assert min(killed.values()) >= 3, killed


def test_looking_at_the_library_needs_neither_torch_nor_numpy(home: Home) -> None:
    Library(home).save(tensors(), card(name="birds"))
    assert run(IMPORTS, home) == "[]\n"
