"""What there is behind the token, each with its path."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

import msgspec

from distill_tui.errors import DistillError
from distill_tui.foreign import MalformedError, decode
from distill_tui.paths import Home
from distill_tui.reporting.page.document import stylesheet
from distill_tui.reporting.page.html import Html
from distill_tui.runs.folder import list_runs
from distill_tui.serve import lists
from distill_tui.serve.answer import HTML, STREAM, Answer, Reader, Refused, Request, json_answer
from distill_tui.serve.hub import LOOK_SECONDS, Hub
from distill_tui.serve.mailbox import Mailbox
from distill_tui.serve.pictures import Pictures
from distill_tui.serve.places import Place, parse
from distill_tui.serve.sound_views import SoundViews
from distill_tui.serve.sounds import Sounds, decoded, encoded
from distill_tui.serve.states import States, run_of

SCRIPTS = ("main.js", "bar.js", "keys.js", "player.js", "run.js", "views.js")
STATIC = {
    "": ("index.html", HTML),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    **{name: (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Files of the page itself, by their path; nothing else of the folder is served."""
BEAT_SECONDS = 15.0
"""A stream without news says so, or nobody would notice that its reader has left."""


class _Mark(msgspec.Struct, forbid_unknown_fields=True):
    kept: bool | None


class _Open(msgspec.Struct, forbid_unknown_fields=True):
    place: str


class PageRoutes:
    """The page of a home."""

    def __init__(self, home: Home, look_seconds: float = LOOK_SECONDS) -> None:
        self._home = home
        self._states, self._pictures = States(), Pictures()
        self._sounds = Sounds(home, self._states)
        self._views = SoundViews(self._sounds, self._pictures)
        self.hub = Hub(home, look_seconds)
        self._get: dict[str, Callable[[Request, str], Answer]] = {
            "newest": self._newest,
            "events": self._events,
            "view": self._view,
            "sound": self._sound,
            "picture": self._picture,
        }
        self._post: dict[str, Callable[[Request, str], Answer]] = {"take": self._mark, "open": self._open}

    def answer(self, request: Request) -> Answer:
        """The answer to an allowed request.

        Raises:
            Refused: there is nothing at its path.
        """
        first, _, rest = request.path.partition("/")
        if request.method == "POST":
            if first in self._post:
                return self._post[first](request, rest)
            raise Refused(405 if first in self._get or first in STATIC else 404)
        if request.path in STATIC:
            name, kind = STATIC[request.path]
            return Answer(kind, files(__package__).joinpath("static", name).read_bytes())
        if request.path == "style.css":
            return Answer(STATIC["page.css"][1], stylesheet().encode())
        if first in self._get:
            return self._get[first](request, rest)
        raise Refused(405 if first in self._post else 404)

    # the event stream

    def _events(self, request: Request, rest: str) -> Answer:
        if rest:
            raise Refused(404)
        try:
            ids = parse_qs(request.query, keep_blank_values=False, max_num_fields=8).get("run", [])
        except ValueError:
            raise Refused(400) from None
        run = run_of(self._home, ids[0]) if ids else None

        def stream(reader: Reader) -> None:
            mailbox = self.hub.join(run, reader.is_there)
            if mailbox is None:
                return
            try:
                _pass_on(mailbox, reader.write)
            finally:
                self.hub.leave(mailbox)

        if self.hub.is_full:
            raise Refused(503)
        return Answer(STREAM, stream=stream)

    def _newest(self, request: Request, rest: str) -> Answer:  # noqa: ARG002
        """The run that is shown first: the newest that trains, or the newest."""
        found = list_runs(self._home)
        run = next((run for run in found if run.is_alive()), next(iter(found), None))
        return json_answer({"id": run.id if run else ""})

    # parts of the page

    def _view(self, request: Request, rest: str) -> Answer:  # noqa: ARG002
        kind, _, name = rest.partition("/")
        return Answer(HTML, self._html(kind, decoded(name)).encode("utf-8", "replace"))

    def _html(self, kind: str, name: str) -> Html:
        home = self._home
        if kind == "takes" and name:
            return self._views.takes(self._sounds.set_of(name))
        if kind == "model":
            return lists.model(home, name, self._states)
        if kind == "excerpt":
            place = self._sounds.place(f"excerpt/{encoded(name)}")
            self._sounds.file(place)
            return self._views.single(place)
        if kind == "preview":
            id, _, seq = name.partition("/")
            run = run_of(home, id)
            if not (seq.isascii() and seq.isdigit() and len(seq) < 16):
                raise Refused(404)
            return self._views.preview(run, self._states.of(run), self._states.preview(run, int(seq)))
        if kind == "runs" and not name:
            return lists.runs(home, self._states)
        if kind == "models" and not name:
            return lists.models(home)
        if kind == "takes":
            return lists.sets(home)
        raise Refused(404)

    def _sound(self, request: Request, rest: str) -> Answer:
        return self._sounds.answer(self._sounds.place(rest), request.range)

    def _picture(self, request: Request, rest: str) -> Answer:  # noqa: ARG002
        place = self._sounds.place(rest)
        path = self._sounds.file(place)
        if place.kind == "run":
            run = run_of(self._home, place.owner)
            found = self._states.pair_of(run, place.file)
            if found is not None:
                preview, index, side = found
                pair = [self._file_or_none(Place("run", run.id, file)) for file in preview.pairs[index][:2]]
                if side < 2 and None not in pair:
                    return self._pictures.answer(tuple(pair), side)
        return self._pictures.answer((path,), 0)

    def _file_or_none(self, place: Place) -> Any:
        try:
            return self._sounds.file(place)
        except Refused:
            return None

    # what changes something

    def _mark(self, request: Request, rest: str) -> Answer:
        """Keep a take, throw it away or have it back, under the lock of its folder."""
        place = parse("take/" + decoded(rest))
        if place is None:
            raise Refused(404)
        wanted = _read(request, _Mark).kept
        folder, take = self._sounds.take(place)
        try:
            folder.mark(take, wanted)
        except DistillError as error:
            raise Refused(409, error.message) from None
        return json_answer({"kept": wanted})

    def _open(self, request: Request, rest: str) -> Answer:
        """Have the browsers that look go to a sound."""
        if rest:
            raise Refused(404)
        place = parse(_read(request, _Open).place)
        if place is None:
            raise Refused(404)
        return json_answer({"readers": self.hub.open({"hash": self._hash_of(place), "place": encoded(str(place))})})

    def _hash_of(self, place: Place) -> str:
        """Where on the page a sound is."""
        if place.kind == "run":
            run = run_of(self._home, place.owner)
            found = self._states.pair_of(run, place.file)
            return f"run/{encoded(run.id)}" + (f"/{found[0].seq}" if found else "")
        if place.kind == "take":
            return f"takes/{encoded(place.owner)}"
        return encoded(f"{place.kind}/{place.file or place.owner}")


def _read(request: Request, kind: type[Any]) -> Any:
    try:
        return decode(request.body, kind)
    except MalformedError:
        raise Refused(400) from None


def _pass_on(mailbox: Mailbox, write: Callable[[bytes], Any]) -> None:
    """Write what comes into a mailbox as server-sent events, until its reader leaves."""
    # a line that was cut is made again soon
    write(b"retry: 2000\n\n")
    while not mailbox.is_closed:
        messages = mailbox.take(BEAT_SECONDS)
        for topic, message in messages:
            write(b"event: " + topic.encode() + b"\ndata: " + message + b"\n\n")
        if not messages:
            write(b": still here\n\n")
