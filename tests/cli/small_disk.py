"""A small disk of its own for a test: for root, or in a user namespace for whoever may make one."""

import contextlib
import ctypes
import functools
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NEW_NAMESPACES = 0x00020000 | 0x10000000
"""CLONE_NEWNS and CLONE_NEWUSER of Linux."""
CANNOT = 77


def with_small_disks(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """A test that mounts: as it is for root, else in a child that is root in a namespace of its own.

    It is skipped only where neither can be: on macOS, and on a Linux that forbids user namespaces to this user.
    """

    @functools.wraps(test)
    def run(tmp_path: Path) -> None:
        if os.geteuid() == 0:
            test(tmp_path)
            return
        if sys.platform != "linux":
            pytest.skip("only root may mount here")
        # a child, since only a process with a single thread may enter a user namespace
        child = os.fork()
        if child == 0:
            os._exit(_in_namespace(lambda: test(tmp_path)))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == CANNOT:
            pytest.skip("this system forbids user namespaces to other users than root")
        assert code == 0, "see the traceback above"

    return run


def _in_namespace(test: Callable[[], None]) -> int:
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(NEW_NAMESPACES):
        return CANNOT
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError:
        return CANNOT
    try:
        test()
    except BaseException:  # noqa: BLE001 - pytest's own are among them
        traceback.print_exc()
        return 1
    return 0


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own in `folder`."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        # lazily: a worker that was killed a moment ago may hold it still
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Write until nothing more goes onto the disk."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"\1" * 4096):
            pass
