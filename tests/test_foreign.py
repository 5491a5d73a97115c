"""Foreign bytes: whatever they are, it ends at once and with one kind of error."""

import os
import random
import socket
import time
from pathlib import Path

import msgspec
import pytest

from distill_tui import files
from distill_tui.errors import DistillError, RequestError
from distill_tui.foreign import MalformedError, NotRegularError, decode, decode_toml, open_regular, read_bytes
from distill_tui.paths import Home, expand, read_document
from distill_tui.settings import read_settings
from tests.hostile.damage import ODD_JSON, ODD_TOML, THINGS, put, toml_of
from tests.hostile.home import SETTINGS


class Some(msgspec.Struct):
    a: int = 0
    b: dict[str, float] = {}
    wanted: str = ""


@pytest.mark.parametrize("data", ODD_JSON, ids=lambda data: repr(data[:12]))
def test_odd_json_is_malformed_and_nothing_else(data: bytes) -> None:
    if data == b"{}":
        assert decode(data, Some) == Some()
    else:
        with pytest.raises(MalformedError) as caught:
            decode(data, Some)
        assert len(caught.value.message.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("data", ODD_TOML, ids=lambda data: repr(data[:12]))
def test_odd_toml_is_told_in_a_line_and_at_once(tmp_path: Path, data: bytes) -> None:
    home, began = Home(tmp_path), time.process_time()
    home.settings.write_bytes(data)
    for problem in read_settings(home).problems:
        assert problem.startswith(str(home.settings))
        assert len(problem) < 2000
    try:
        decode_toml(data.decode(errors="replace"))
    except MalformedError as error:
        assert "\n" not in error.message
    assert time.process_time() - began < 10


@pytest.mark.slow
def test_settings_damaged_in_any_way_never_fail(tmp_path: Path) -> None:
    home, chance = Home(tmp_path), random.Random(5)
    for _ in range(200):
        home.settings.write_bytes(toml_of(chance, SETTINGS.encode()))
        read_settings(home)


@pytest.mark.parametrize("thing", THINGS)
def test_only_regular_files_are_read(tmp_path: Path, thing: str) -> None:
    path = tmp_path / "it"
    put(thing, path)
    if thing == "an empty file":
        assert read_bytes(path) == b""
    else:
        with pytest.raises(OSError) as caught:
            read_bytes(path)
        assert caught.value.strerror
        assert read_document(path)[2] or thing in ("nothing", "a broken link")
    if thing in ("a pipe", "a link to /dev/zero"):
        with pytest.raises(NotRegularError):
            open_regular(path)


def test_more_than_is_wanted_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than 99 bytes"):
        read_bytes(path, 99)


@pytest.mark.parametrize("text", ["~nosuch/x", "~nosuch", "a" * 300, "/" + "b/" * 5000, "a\0b", "\ud800"])
def test_what_cannot_be_a_path_is_a_wrong_request(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        expand(text)
    assert len(caught.value.message) < 200


def test_paths_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/x") == tmp_path / "x"
    assert expand("x") == Path("x")
    assert os.fsencode(expand("x\udcff")) == b"x\xff"


@pytest.mark.parametrize("thing", ["pipe", "socket", "link to a device"])
def test_what_is_no_file_is_not_replaced_by_one_that_a_person_names(tmp_path: Path, thing: str) -> None:
    path = tmp_path / "x"
    with socket.socket(socket.AF_UNIX) as plug:
        if thing == "pipe":
            os.mkfifo(path)
        elif thing == "socket":
            plug.bind(str(path))
        else:
            path.symlink_to("/dev/null")
        before = path.lstat()
        with pytest.raises(DistillError, match="is not a regular file"):
            files.atomic_write(path, b"", shared=True)
    assert path.lstat().st_ino == before.st_ino
    assert [found.name for found in tmp_path.iterdir()] == ["x"]


def test_nothing_is_written_among_the_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link there may lead to a regular file, as /dev/stdout does under `> file`."""
    devices, path = tmp_path / "dev", tmp_path / "dev" / "stdout"
    devices.mkdir()
    (tmp_path / "file").touch()
    path.symlink_to(tmp_path / "file")
    monkeypatch.setattr(files, "DEVICES", os.path.realpath(devices))
    with pytest.raises(DistillError, match="is not a regular file"):
        files.atomic_write(path, b"", shared=True)
    assert path.is_symlink()
