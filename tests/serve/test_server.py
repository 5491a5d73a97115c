"""The page's server under load, with readers that do not read, and with requests that are none."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from distill_tui.paths import Home
from distill_tui.serve import server as server_module
from distill_tui.serve.mailbox import MOST_TOPICS, Mailbox
from tests.programs import until
from tests.serve.pages import TOKEN, Served, a_heard_run, served, tone

SOUND = "previews/00000005/0-original.wav"


@pytest.fixture
def page(home: Home) -> Iterator[Served]:
    with served(home) as found:
        yield found


@contextlib.contextmanager
def line(page: Served, request: str = "") -> Iterator[socket.socket]:
    """A connection on which something was said."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as connection:
        connection.sendall(request.encode())
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            found += data
    return found


def test_parts_of_a_sound_are_served(page: Served) -> None:
    run, whole = a_heard_run(page.home), tone()
    path = f"sound/run/{run.id}/{SOUND}"
    status, headers, body = page.ask(path)
    assert (status, body, headers["accept-ranges"], headers["content-type"]) == (200, whole, "bytes", "audio/wav")
    for wanted, start, end in (("0-3", 0, 4), ("10-", 10, len(whole)), ("-5", len(whole) - 5, len(whole))):
        status, headers, body = page.ask(path, Range=f"bytes={wanted}")
        assert (status, body) == (206, whole[start:end])
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(whole)}"
    assert page.ask(path, Range="bytes=0-999999999")[2] == whole
    assert page.ask(path, Range=f"bytes={len(whole)}-")[0] == 416
    assert page.ask(path, Range="bytes=-0")[0] == 416
    for odd in ("bytes=5-3", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=" + "9" * 400):
        assert page.ask(path, Range=odd)[0::2] == (200, whole), odd
    assert page.ask(path, "HEAD")[2] == b""


def test_a_head_that_is_too_large_is_refused(page: Served) -> None:
    assert page.ask("", X="a" * 20_000)[0] == 431
    with line(page, f"GET /{TOKEN}/ HTTP/1.1\r\nHost: localhost\r\n" + "X-A: b\r\n" * 3000) as connection:
        assert b" 431 " in everything(connection)
    with line(page, "GET /" + "a" * 70_000) as connection:
        assert everything(connection)[9:12] in (b"431", b"414", b"")
    no_host = f"GET /{TOKEN}/ HTTP/1.1\r\nConnection: close\r\n\r\n"
    for nonsense in ("\0\1\2\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", no_host):
        with line(page, nonsense) as connection:
            assert everything(connection)[9:12] in (b"400", b"403", b"505")
    with line(page, f"GET /{TOKEN}/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n") as connection:
        assert b" 403 " in connection.recv(100)


def test_odd_requests_are_answered_as_such_and_a_body_is_no_next_request(page: Served) -> None:
    for path, status in (("view/model/" + "a" * 5000, 404), ("events?" + "a=1&" * 50, 400), ("view/takes/%ff", 404)):
        assert page.ask(path)[0] == status, path[:20]
    # what stands in a body that nobody reads must not be answered
    inner = f"GET /{TOKEN}/newest HTTP/1.1\r\nHost: localhost\r\n\r\n"
    outer = f"GET /{TOKEN}/newest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(inner)}\r\n\r\n"
    with line(page, outer + inner) as connection:
        assert everything(connection).count(b"HTTP/1.1 200") == 1


def test_a_body_of_unknown_length_is_refused(page: Served) -> None:
    head = f"POST /{TOKEN}/open HTTP/1.1\r\nHost: localhost\r\nX-Distill-Token: {TOKEN}\r\n"
    for more in ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n", "Content-Length: -1\r\n\r\n"):
        with line(page, head + more) as connection:
            assert b" 411 " in everything(connection)


@pytest.mark.slow
def test_a_thousand_requests_are_answered_by_few_threads(page: Served) -> None:
    a_heard_run(page.home)
    most = 0

    def ask(number: int) -> int:
        nonlocal most
        most = max(most, sum("process_request_thread" in thread.name for thread in threading.enumerate()))
        return page.ask("newest" if number % 2 else "nothing")[0]

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(ask, range(1000)))
    assert answers.count(200) == answers.count(404) == 500
    assert most <= server_module.MOST_CONNECTIONS


def test_who_is_late_is_cut_off_and_others_wait_their_turn(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.3)
    with served(home, most=2) as page, line(page, "GET /") as one, line(page, "GET /") as two:
        # both places are taken by heads that never end
        assert page.ask("newest")[0] == 200
        assert everything(one) == everything(two) == b""


def test_where_there_is_no_place_for_long_it_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "WAIT_SECONDS", 0.05)
    request = f"GET /{TOKEN}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(home, most=1) as page, line(page, "GET /"), line(page, request) as refused:
        assert b" 503 " in everything(refused)


def test_a_reader_that_does_not_read_holds_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module.Handler, "timeout", 0.3)
    run = a_heard_run(home)
    with served(home) as page:
        (run.path / SOUND).write_bytes(b"RIFF" + bytes(30_000_000))
        request = f"GET /{TOKEN}/sound/run/{run.id}/{SOUND} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with line(page, request) as sound, line(page, f"GET /{TOKEN}/events?run={run.id} HTTP/1.1\r\nHost: x\r\n\r\n"):
            assert sound.recv(10) == b"HTTP/1.1 2"
            assert page.ask("newest")[0] == 200
            until(lambda: len(page.server._deadlines) == 0, "the slow reader to be cut off")
            assert len(everything(sound)) < 30_000_000


def test_a_mailbox_keeps_the_newest_message_of_a_topic_and_no_more() -> None:
    mailbox = Mailbox()
    for number in range(1000):
        mailbox.put("a", b"%d" % number)
        mailbox.put(f"topic {number}", b"")
    found = mailbox.take(0)
    assert found[0] == ("a", b"999")
    assert len(found) == MOST_TOPICS
    assert mailbox.take(0) == []
    before = time.monotonic()
    threading.Timer(0.02, mailbox.close).start()
    assert mailbox.take(10) == []
    assert time.monotonic() - before < 5


def test_nothing_is_said_of_requests(page: Served, capfd: pytest.CaptureFixture[str]) -> None:
    page.ask("newest")
    page.raw("/wrong")
    page.ask("sound/run/x/y.wav")
    out, err = capfd.readouterr()
    assert out == err == ""
