"""Who gets an answer from the listening page, and who the same refusal as everybody else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.serve import guard
from distill_tui.serve.places import parse
from tests.serve.pages import TOKEN, Served, a_heard_run, linked, served, some_takes

SOUND = "previews/00000005/0-original.wav"


@pytest.fixture
def page(home: Home) -> Iterator[Served]:
    with served(home) as found:
        yield found


def test_without_the_token_everything_is_the_same_refusal(page: Served) -> None:
    run = a_heard_run(page.home)
    targets = ["/", "/favicon.ico", f"/{TOKEN}", f"/{TOKEN[:-1]}/", f"/{'0' * 32}/", "/style.css", f"/x/{TOKEN}/"]
    targets += [f"http://localhost:{page.port}/{TOKEN}/", f"/%30{TOKEN[1:]}/", "*", f"/{TOKEN.upper()}/"]
    targets += [f"/{'0' * 32}/sound/run/{run.id}/{SOUND}", f"/{'0' * 32}/no/such/thing", f"/?{TOKEN}/"]
    answers = {page.raw(target)[0::2] for target in targets}
    assert answers == {(403, b"Forbidden")}
    # nor does a POST tell more, with or without a body
    assert page.raw(f"/{'0' * 32}/open", "POST", b"{}")[0::2] == (403, b"Forbidden")
    assert page.ask("")[0] == 200


@pytest.mark.parametrize(
    ("host", "is_right"),
    [
        ("localhost", True),
        ("LocalHost:9000", True),
        ("127.0.0.1:8765", True),
        ("[::1]:8765", True),
        ("evil.example", False),
        ("localhost.evil.example:8765", False),
        ("evil.example:8765", False),
        ("127.0.0.1.nip.io", False),
        ("localhost:8765@evil.example", False),
        ("localhost:", False),
        ("localhost:80:80", False),
        ("localhost:x", False),
        ("", False),
        (None, False),
    ],
)
def test_only_this_machine_s_own_names_are_answered(host: str | None, is_right: bool) -> None:
    assert guard.is_right_host(host) is is_right


def test_a_name_that_was_made_lead_here_gets_nothing(page: Served) -> None:
    assert page.ask("", Host="evil.example")[0::2] == (403, b"Forbidden")
    assert page.ask("", Host=f"rebound.example:{page.port}")[0] == 403
    assert page.ask("", Host="localhost:1234")[0] == 200


def test_every_answer_keeps_the_address_and_the_page_to_themselves(page: Served) -> None:
    for status, headers, _ in (page.ask(""), page.ask("nothing"), page.raw("/"), page.ask("open", "PUT")):
        assert headers["referrer-policy"] == "no-referrer", status
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert "Python" not in headers["server"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_refused(page: Served, method: str) -> None:
    status, headers, _ = page.ask("", method)
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_path_that_climbs_leads_nowhere(page: Served) -> None:
    run = a_heard_run(page.home)
    secret = page.home.root / "secret.wav"
    secret.write_bytes(b"secret")
    (page.home.cache / "excerpts").mkdir(parents=True)
    (page.home.cache / "secret.wav").write_bytes(b"secret")
    some_takes(page.home)
    climbs = ["../../secret.wav", "..%2f..%2fsecret.wav", "%2e%2e/%2e%2e/secret.wav", "..%252f..%252fsecret.wav"]
    climbs += ["..\\..\\secret.wav", f"{SOUND}/../../../../secret.wav", "/secret.wav", "%00", f"{SOUND}%00.wav", "."]
    bases = [
        f"sound/run/{run.id}/",
        f"picture/run/{run.id}/",
        "sound/take/set/",
        "sound/excerpt/",
        "sound/run/",
        "sound/",
    ]
    bases += ["view/model/", "view/takes/", "view/excerpt/", "view/preview/", "", "static/"]
    for base in bases:
        for climb in climbs:
            status, _, body = page.ask(base + climb)
            assert (status, b"secret" in body) == (404, False), (base, climb)
    assert page.ask("sound/run/" + str(secret))[0] == 404


def test_only_files_that_a_run_lists_are_served(page: Served) -> None:
    run = a_heard_run(page.home)
    (run.previews / "00000005" / "other.wav").write_bytes(b"RIFF")
    for name in ("recipe.toml", "events.jsonl", "previews/00000005/other.wav", "previews", "previews/00000005/", ""):
        assert page.ask(f"sound/run/{run.id}/{name}")[0] == 404, name
    for name in ("take-0.wav/", "takes.json", ".lock", ".trash", "take-7.wav"):
        assert page.ask(f"sound/take/set/{name}")[0] == 404, name
    assert page.ask(f"sound/run/{run.id}/{SOUND}")[0] == 200


def test_a_link_that_leads_out_of_a_folder_is_not_followed(page: Served) -> None:
    run, takes = a_heard_run(page.home), some_takes(page.home)
    secret = page.home.root / "secret.wav"
    secret.write_bytes(b"RIFFsecret")
    linked(run.path / SOUND, secret)
    linked(takes.path / "take-0.wav", secret)
    excerpts = page.home.cache / "excerpts"
    excerpts.mkdir(parents=True)
    (excerpts / "x.wav").symlink_to(secret)
    (page.home.takes / "outside").symlink_to(page.home.root)
    for path in (f"run/{run.id}/{SOUND}", "take/set/take-0.wav", "excerpt/x.wav"):
        assert page.ask(f"sound/{path}")[0] == 404
        assert page.ask(f"picture/{path}")[0] == 404
    assert page.ask("view/takes/outside")[0] == 404
    # a link that stays inside is a file like another
    linked(run.path / SOUND, run.path / SOUND.replace("original", "reconstruction"))
    assert page.ask(f"sound/run/{run.id}/{SOUND}")[0] == 200


def test_what_changes_something_needs_the_token_twice_and_no_other_origin(page: Served) -> None:
    folder = some_takes(page.home)
    own = f"http://localhost:{page.port}"
    given = {"X_Distill_Token": TOKEN, "Origin": own}
    body = json.dumps({"kept": False})
    for headers in (
        {},
        {"Origin": own},
        {"X_Distill_Token": "0" * 32},
        given | {"Origin": "http://evil.example"},
        given | {"Origin": "null"},
        given | {"Origin": f"http://127.0.0.1:{page.port}"},
        given | {"Sec_Fetch_Site": "cross-site"},
        given | {"Sec_Fetch_Site": "same-site"},
    ):
        assert page.ask("take/set/take-0.wav", "POST", body, **headers)[0] == 403, headers
    assert [take.kept for take in folder.takes] == [None, None]
    assert page.ask("take/set/take-0.wav", "POST", body, **given, Sec_Fetch_Site="same-origin")[0] == 200
    assert [take.kept for take in folder.takes] == [False, None]
    # and GET changes nothing
    assert page.ask("take/set/take-1.wav?kept=false")[0] == 405
    for wrong in (b"", b"{", b"[]", b'{"kept": 1}', b'{"kept": true, "more": 1}', b"[" * 4000):
        assert page.ask("take/set/take-1.wav", "POST", wrong, **given)[0] == 400
    assert page.ask("take/set/take-1.wav", "POST", b"x" * 5000, **given)[0] == 413
    assert page.ask("take/set/no.wav", "POST", body, **given)[0] == 404


@pytest.mark.parametrize(
    "text",
    ["", "run", "run/", "run//x", "run/../x", "run/./x", "/run/x", "take/x", "take/a/b/c", "excerpt/a/b", "take/a/..",
     "run/a/b\0", "run/a\\b", "other/a/b", "run/" + "a" * 700],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert parse(text) is None


def test_names_are_text_wherever_they_stand(home: Home, page: Served) -> None:
    name = '<script>alert("x")</script>'
    run = a_heard_run(home, "evil")
    strange = run.path.rename(home.runs / "20260101-000000-<script>alert(1)<")
    folder = some_takes(home, 1, "a<b>")
    folder.add(folder.takes[0], b"RIFF", stem="<img onerror=x>")
    from tests.runs.support import a_run, started, write

    other = a_run(home, "other")
    event = started(other)
    event.name = name
    write(other, event)
    shown = b"".join(page.ask(path)[2] for path in ("view/runs", "view/takes", "view/takes/a%3Cb%3E", "view/models"))
    assert b"<script" not in shown
    assert b"<img o" not in shown
    assert b"&lt;script&gt;alert(&quot;x&quot;)" in shown
    assert strange.name.encode() not in shown
    assert page.ask("sound/run/20260101-000000-%3Cscript%3Ealert%281%29%3C/" + SOUND)[0] == 200


def test_the_token_is_written_for_its_owner_only(home: Home) -> None:
    from distill_tui.serve.address import read_token

    token = read_token(home)
    file = home.root / "page.token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_token(home) == token
    assert read_token(home, new=True) != token
    # one that others could read is not trusted, nor one that is too short
    file.chmod(0o644)
    changed = read_token(home)
    file.write_text("short")
    assert changed != token
    assert len(read_token(home)) == 32
    Path(file).unlink()
