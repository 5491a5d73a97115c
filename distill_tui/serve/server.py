"""The HTTP server of the page: bounded in connections, in time and in what it reads of a request."""

import contextlib
import io
import select
import socket
import sys
import threading
import time
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any, Protocol

from distill_tui.serve import guard
from distill_tui.serve.address import HOST
from distill_tui.serve.answer import Answer, Refused, Request, part_of

MOST_CONNECTIONS = 64
"""Connections that are served at once, a thread each; the next one waits, at most WAIT_SECONDS, and is then refused."""
WAIT_SECONDS = 2.0
MOST_HEAD, MOST_BODY = 16384, 4096
"""Bytes of a request's head and body."""
HEAD_SECONDS, ANSWER_SECONDS, STALLED_SECONDS = 10.0, 300.0, 15.0
"""A head that has not come, an answer that was not taken in so long, and a reader that took nothing for so long."""
CHUNK = 1 << 16


class Routes(Protocol):
    """What there is behind the token."""

    def answer(self, request: Request) -> Answer: ...


class PageServer(ThreadingHTTPServer):
    """Answers on loopback alone, whoever knows the token."""

    daemon_threads = True
    request_queue_size = 128
    # a second server on the same port must fail, and not take every other connection
    allow_reuse_port = False

    def __init__(self, port: int, token: str, routes: Routes, most: int = MOST_CONNECTIONS) -> None:
        """Listen on `port` of loopback (0: any).

        Raises:
            OSError: the port is taken.
        """
        self.token, self.routes = token, routes
        self._slots = threading.BoundedSemaphore(most)
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__((HOST, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks this machine's name up, which may take seconds
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._wait_for_slot():
            with contextlib.suppress(OSError):
                request.settimeout(0.1)
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            # no thread could be started
            self._slots.release()
            raise

    def _wait_for_slot(self) -> bool:
        """Wait for a slot, cutting off who is late meanwhile; False if there is none for too long."""
        end = time.monotonic() + WAIT_SECONDS
        while not self._slots.acquire(timeout=min(0.1, WAIT_SECONDS)):
            self.service_actions()
            if time.monotonic() > end:
                return False
        return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._deadlines.pop(request, None)
            self._slots.release()

    def expect_within(self, connection: socket.socket, seconds: float | None) -> None:
        """Cut a connection off after so many seconds, unless this is called again; None: never."""
        if seconds is None:
            self._deadlines.pop(connection, None)
        else:
            self._deadlines[connection] = time.monotonic() + seconds

    def service_actions(self) -> None:
        """Cut off who is late. A time-out of a socket alone would let one byte every few seconds hold a thread."""
        now = time.monotonic()
        for connection, deadline in list(self._deadlines.items()):
            if now > deadline:
                self._deadlines.pop(connection, None)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say that a mistake was made, in a line; a reader that left is none."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"distill-tui serve: a mistake in this program: {error!r}", file=sys.stderr)


class _Head(io.RawIOBase):
    """A connection's bytes, at most so many lines of a head."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream, self.left = stream, MOST_HEAD

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._stream.readline(self.left + 1 if size is None or size < 0 else min(size, self.left + 1))
        self.left -= len(line)
        if self.left < 0:
            raise LineTooLong("head")
        return line

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests, one after the other."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "distill-tui", ""
    timeout = STALLED_SECONDS

    def __init__(self, request: Any, client_address: Any, server: BaseServer) -> None:
        self._sent = False
        super().__init__(request, client_address, server)

    def setup(self) -> None:
        super().setup()
        self._head = _Head(self.rfile)
        self.rfile = self._head  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        self._sent, self._head.left = False, MOST_HEAD
        # for a refusal of what is no request
        self.command, self.request_version, self.requestline = "", "HTTP/1.1", ""
        self.server.expect_within(self.connection, HEAD_SECONDS)
        try:
            super().handle_one_request()
        except LineTooLong:
            self.close_connection = True
            self.send_error(431)

    def do_GET(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        self.server.expect_within(self.connection, ANSWER_SECONDS)
        try:
            self._send(self.server.routes.answer(self._checked()))
        except Refused as refused:
            # what of the request was not read would be taken for the next one
            self.close_connection = self.close_connection or self.command == "POST"
            self.send_error(refused.status, refused.text)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            self.close_connection = True
            if not self._sent:
                self.send_error(500)
            raise

    def _checked(self) -> Request:
        """The request, once it is known to be allowed.

        Raises:
            Refused: it is not; without host and token always with the same words.
        """
        token, path, query = guard.split_path(self.path)
        right = guard.is_right_host(self._only("Host")) & guard.is_token(token, self.server.token)
        if not right:
            raise Refused(403)
        body = b""
        if self.command != "POST":
            # a body that nobody reads would be taken for the next request
            if not {"Content-Length", "Transfer-Encoding"}.isdisjoint(self.headers):
                self.close_connection = True
        else:
            if not (guard.is_token(self._only(guard.HEADER), self.server.token) and self._is_ours()):
                raise Refused(403)
            body = self._body()
        return Request(self.command, path, query, body, self.headers.get("Range", ""))

    def _only(self, name: str) -> str | None:
        """A header that is there once; None else."""
        values = self.headers.get_all(name) or []
        return values[0] if len(values) == 1 else None

    def _is_ours(self) -> bool:
        return guard.is_same_origin({name: value for name, value in self.headers.items()})  # noqa: C416

    def _body(self) -> bytes:
        length = self._only("Content-Length") or ""
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            raise Refused(411)
        if len(length) > 8 or int(length) > MOST_BODY:
            raise Refused(413)
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        if answer.stream is not None:
            self.close_connection = True
            self._begin(200, {"Content-Type": answer.kind})
            self.server.expect_within(self.connection, None)
            if self.command != "HEAD":
                answer.stream(self)
            return
        with answer.open() as file:
            start, end, size = part_of(answer.range, file)
            headers = {"Content-Type": answer.kind, "Content-Length": str(end - start), **answer.headers}
            if answer.has_ranges:
                headers["Accept-Ranges"] = "bytes"
            if (start, end) != (0, size):
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self._begin(206 if "Content-Range" in headers else answer.status, headers)
            file.seek(start)
            left = end - start if self.command != "HEAD" else 0
            while left and (data := file.read(min(CHUNK, left))):
                self.wfile.write(data)
                left -= len(data)
            # a file that became shorter meanwhile: the reader must see that something is missing
            self.close_connection = self.close_connection or bool(left)

    def write(self, data: bytes) -> None:
        self.wfile.write(data)

    def is_there(self) -> bool:
        waiting = select.poll()
        waiting.register(self.connection, select.POLLIN)
        try:
            return not waiting.poll(0) or bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self._sent = True
        # what came may have been no request of a version that has a status and headers
        self.request_version = self.protocol_version
        self.send_response(status)
        for name, value in {**guard.HEADERS, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse a request in a word; nothing of it is repeated."""
        # http.server says 501 for a method that it has no function for
        code, text = (405, "") if code == 501 else (code, message or "")
        self.close_connection = self.close_connection or code not in (403, 404, 409)
        body = (text or self.responses.get(code, ("refused", ""))[0]).encode("ascii", "replace")
        if code not in (403, 404, 409, 416):
            body = self.responses.get(code, ("refused", ""))[0].encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        if code == 405:
            headers["Allow"] = "GET, HEAD, POST"
        with contextlib.suppress(OSError):
            self._begin(code, headers)
            if self.command != "HEAD":
                self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: an address has the token in it."""
