"""Address of the listening page: its token, its port, whether it answers now, and the lines to type on the laptop.

The token is random, kept in the home for its owner only, and part of the address, so that a bookmark outlives a
restart. A lock that the serving process holds says that the page answers, and on which port.
"""

import contextlib
import fcntl
import getpass
import os
import re
import secrets
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import PRIVATE, atomic_write, describe_os_error, make_folder
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.paths import Home

HOST = "127.0.0.1"
"""Where the page answers. Not `localhost`, which is [::1] first: another user of the machine may listen there, and
would be told the token."""
PORT = 8765
"""The page's usual port, so that a bookmark and a line in one's SSH settings stay right."""
MOST_PORTS = 20
"""Ports from PORT on that are tried."""
TOKEN_BYTES = 16
PATIENCE = 0.5
"""Seconds to wait for the lock, which others hold for a moment to see whether it is held."""
_TOKEN = re.compile(r"[0-9a-f]{32}")


class _Held(msgspec.Struct):
    """What the serving process writes into its lock."""

    pid: int = 0
    port: int = 0
    host: str = ""
    token: str = ""


@dataclass(frozen=True)
class Listening:
    """A page that answers on `port` of this machine."""

    port: int
    token: str
    pid: int = 0

    @property
    def address(self) -> str:
        """What is opened in a browser, here or at the other end of the SSH line."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    @property
    def tunnel(self) -> str:
        """The line to type on the laptop."""
        return tunnel(self.port)


def tunnel(port: int = PORT, environment: Mapping[str, str] = os.environ) -> str:
    """The `ssh` command that brings this machine's `port` to the machine where it is typed."""
    target, ssh_port = ssh_target(environment)
    other_port = ["-p", ssh_port] if ssh_port != "22" else []
    return shlex.join(["ssh", *other_port, "-L", f"{port}:{HOST}:{port}", target])


def ssh_target(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """User and address by which SSH reaches this machine, `user@host`, and the port of its SSH server.

    They are those of the SSH connection that this process came by; else the name of the machine.
    """
    address, port = socket.gethostname(), "22"
    with contextlib.suppress(ValueError):
        _, _, address, port = environment.get("SSH_CONNECTION", "").split()
    try:
        user = getpass.getuser() + "@"
    except (KeyError, OSError):
        user = ""
    return f"{user}{address}", port


def read_token(home: Home, new: bool = False) -> str:
    """The token of this home's page, made when there is none; `new` makes another one.

    Raises:
        DistillError: it cannot be written.
    """
    file = home.root / "page.token"
    if not new:
        with contextlib.suppress(OSError, ValueError):
            found = read_bytes(file, SMALL_FILE).decode("ascii").strip()
            # one that others could read is none
            if _TOKEN.fullmatch(found) and not file.stat().st_mode & 0o077:
                return found
    token = secrets.token_hex(TOKEN_BYTES)
    atomic_write(file, f"{token}\n".encode())
    return token


def listening(home: Home) -> Listening | None:
    """The page of this home that answers on this machine now; None if there is none."""
    file = home.root / "page.lock"
    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    finally:
        os.close(handle)
    with contextlib.suppress(OSError, MalformedError):
        found = decode(read_bytes(file, SMALL_FILE), _Held)
        # a home on a network disk may be served by another machine
        if 0 < found.port < 65536 and found.host == socket.gethostname() and _TOKEN.fullmatch(found.token):
            return Listening(found.port, found.token, found.pid)
    return None


def _lock(handle: int) -> None:
    """Lock the page's lock, once whoever only asks whether it is held has let go of it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RequestError("another process serves the page of this home", "See: distill-tui serve") from None
            time.sleep(0.02)
        except OSError:
            # a file system without locks: the page can be served, but the app does not find it
            return
        else:
            return


@contextlib.contextmanager
def hold(home: Home) -> Iterator[Callable[[Listening], None]]:
    """Hold this home's page as the process that serves it; what is yielded tells others where it answers.

    Raises:
        RequestError: another process serves it.
        DistillError: its lock cannot be made.
    """
    file = home.root / "page.lock"
    try:
        make_folder(file.parent)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise DistillError(*describe_os_error(error, file)) from error
    try:
        _lock(handle)
        os.ftruncate(handle, 0)

        def tell(page: Listening) -> None:
            os.pwrite(handle, msgspec.json.encode(_Held(page.pid, page.port, socket.gethostname(), page.token)), 0)

        yield tell
    finally:
        os.close(handle)
