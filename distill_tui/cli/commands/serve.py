"""Command: serve, the listening page."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distill_tui.errors import RequestError

if TYPE_CHECKING:
    from distill_tui.paths import Home
    from distill_tui.serve.address import Listening
    from distill_tui.serve.server import PageServer


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "serve",
        parents=[shared],
        allow_abbrev=False,
        help="hear runs and takes in a browser, over SSH too",
        description="Serve the listening page until ctrl+c: runs as they train, models and takes, with their sound. It"
        " listens on this machine only and needs the token in its address; ssh -L brings it to a laptop's browser.",
    )
    parser.add_argument(
        "--port", type=_port, metavar="P", help="the port (default: 8765, or the next that is free; 0: any)"
    )
    parser.add_argument("--new-token", action="store_true", help="change the address: old bookmarks stop working")
    parser.add_argument("--json", action="store_true", help="print one JSON document when it answers")
    # the app's child ends with the app, however that ends
    parser.add_argument("--until-eof", action="store_true", help="end with standard input: for programs that start it")
    parser.set_defaults(run=serve)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: a number from 0 to 65535")
    return int(text)


def serve(options: argparse.Namespace) -> int:
    """Serve the page of the home until it is interrupted; say where it is if another process serves it."""
    from distill_tui.paths import find_home
    from distill_tui.serve.address import hold, listening, read_token

    home = find_home(options.home)
    page = listening(home)
    if page is not None:
        if options.new_token or options.port not in (None, page.port):
            raise RequestError(
                f"the page of this home is served on port {page.port}, by process {page.pid}",
                f"End that first: kill {page.pid}",
            )
        _tell(page, options, f"is served already, by process {page.pid}")
        return 0
    with hold(home) as tell:
        server, page = _listen(home, options.port, read_token(home, options.new_token))
        tell(page)
        _tell(page, options, "")
        _serve(server, options.until_eof)
    return 0


def _listen(home: "Home", port: int | None, token: str) -> "tuple[PageServer, Listening]":
    """A server on the port that was asked for, or on the first free one."""
    import os

    from distill_tui.serve.address import MOST_PORTS, PORT, Listening
    from distill_tui.serve.routes import PageRoutes
    from distill_tui.serve.server import PageServer

    ports = range(PORT, PORT + MOST_PORTS) if port is None else (port,)
    reason = ""
    for one in ports:
        try:
            server = PageServer(one, token, PageRoutes(home))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            continue
        return server, Listening(server.server_port, token, os.getpid())
    which = f"port {port}" if port is not None else f"the ports from {PORT} to {PORT + MOST_PORTS - 1}"
    raise RequestError(f"{which}: {reason}", "Choose another one with --port, or any with --port 0.")


def _tell(page: "Listening", options: argparse.Namespace, already: str) -> None:
    if options.json:
        from distill_tui.cli.output import print_json

        print_json({"address": page.address, "ssh": page.tunnel, "port": page.port, "pid": page.pid})
        return
    end = f"The page {already}." if already else "ctrl+c ends it."
    print(
        f"The listening page is at\n\n  {page.address}\n\nTo open it on another machine, run this there first:\n\n"
        f"  {page.tunnel}\n\nAnyone with the address can hear everything in this home. {end}",
        flush=True,
    )


def _serve(server: "PageServer", until_eof: bool) -> None:
    """Answer until SIGINT, SIGTERM or, as a child of the app, until the app has gone."""

    def end(*_: object) -> None:
        # shutdown waits for the loop, which runs in this thread
        threading.Thread(target=server.shutdown, daemon=True).start()

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        before[number] = signal.signal(number, end)
    if until_eof:
        threading.Thread(target=_wait_for_eof, args=(end,), daemon=True).start()
    try:
        server.serve_forever(poll_interval=1.0)
    finally:
        server.server_close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_eof(end: Callable[[], None]) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    end()
