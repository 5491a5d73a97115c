"""What is written into the home only its owner can read; commands of a file that others can write are not run."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.privacy import close_home
from distill_tui.settings import read_settings
from tests.conftest import Trained
from tests.programs import cli


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o002)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def open_to_others(folder: Path) -> list[str]:
    found = []
    for path in (folder, *folder.rglob("*")):
        # what another process of pytest has just written may be renamed meanwhile
        with contextlib.suppress(FileNotFoundError):
            found += [str(path)] if path.lstat().st_mode & 0o077 else []
    return found


@pytest.mark.slow
def test_a_training_leaves_nothing_that_others_can_read(trained: Trained) -> None:
    assert len(list(trained.home.root.rglob("*"))) > 15
    assert open_to_others(trained.home.root) == []


@pytest.mark.slow
def test_what_was_asked_for_elsewhere_is_as_open_as_the_umask_says(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILL_TUI_HOME", str(trained.home.root))
    out = tmp_path / "new" / "out"
    assert main(["runs", "export", trained.run.id, "--out", f"{out}/run.csv"]) == 0
    assert main(["models", "export", str(trained.model), f"{out}/m.distill"]) == 0
    assert main(["export-tensorboard", trained.run.id, f"{out}/tb"]) == 0
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {mode(path) for path in files} == {0o664}
    assert {mode(path) for path in (out, out.parent)} == {0o775}


def old_home(home: Home) -> Home:
    (home.runs / "one" / "checkpoints").mkdir(parents=True)
    home.models.mkdir()
    (home.models / "m.distill").write_text("")
    home.settings.write_text("on_finish = 'true'\n")
    (home.root.parent / "elsewhere").write_text("")
    (home.models / "link").symlink_to(home.root.parent / "elsewhere")
    home.root.chmod(0o775)
    return home


def test_an_old_home_is_closed_once(home: Home) -> None:
    old_home(home)
    assert cli("runs").returncode == 0
    assert [path for path in open_to_others(home.root) if not Path(path).is_symlink()] == []
    assert mode(home.root.parent / "elsewhere") == 0o664
    # whoever opens it again wants it so
    home.root.chmod(0o755)
    home.models.chmod(0o755)
    close_home(home)
    assert (mode(home.root), mode(home.models)) == (0o755, 0o755)


def test_a_home_among_other_things_closes_only_what_is_its_own(home: Home) -> None:
    old_home(home)
    (home.root / "thesis").mkdir()
    (home.root / "thesis" / "cache").mkdir()
    close_home(home)
    assert [mode(home.root / name) for name in ("", "thesis", "thesis/cache")] == [0o775, 0o775, 0o775]
    assert [mode(path) for path in (home.runs, home.models, home.settings)] == [0o700, 0o700, 0o600]


@pytest.mark.parametrize(
    ("folder", "file", "trusted"),
    [(0o700, 0o600, True), (0o755, 0o644, True), (0o700, 0o666, True), (0o750, 0o664, False), (0o755, 0o646, False),
     (0o775, 0o644, False), (0o777, 0o600, False), (0o701, 0o664, True)],
)  # fmt: skip
def test_commands_are_run_only_where_nobody_else_can_write_them(
    home: Home, folder: int, file: int, trusted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    home.root.mkdir()
    home.settings.write_text("theme = 'ansi'\non_finish = 'say so'\non_warning = 'say more'\n")
    home.settings.chmod(file)
    home.root.chmod(folder)
    settings = read_settings(home)
    assert settings.theme == "ansi"
    assert (settings.on_finish, settings.on_warning) == (("say so", "say more") if trusted else ("", ""))
    assert len(settings.problems) == (0 if trusted else 2)
    if not trusted:
        assert "line 2: on_finish: is not run: others can write it" in settings.problems[0]
        assert "chmod go-w" in settings.problems[0]
        home.root.joinpath("notes").write_text("")
        home.root.joinpath(".private").write_text("")
        main(["runs"])
        assert "warning: " in (said := capsys.readouterr().err) and "on_warning: is not run" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_commands_of_somebody_else_are_not_run(home: Home, tmp_path: Path) -> None:
    home.root.mkdir(0o700)
    home.settings.write_text("on_finish = 'say so'\n")
    os.chown(home.settings, 12345, -1)
    assert read_settings(home).on_finish == ""
    assert "belongs to somebody else" in read_settings(home).problems[0]
    # through a link into a folder that is not ours
    home.settings.unlink()
    (tmp_path / "theirs").mkdir(0o777)
    (tmp_path / "theirs").chmod(0o777)
    (tmp_path / "theirs" / "s.toml").write_text("on_finish = 'say so'\n")
    home.settings.symlink_to(tmp_path / "theirs" / "s.toml")
    assert read_settings(home).on_finish == ""
