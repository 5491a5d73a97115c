"""The lines between the app and the warm process that generates (`engine.generate.worker`): one JSON value each.

The app writes commands to the process's standard input, the process answers with events on its standard output. It ends
when its input ends, or after IDLE_SECONDS without a command. Paths are written by `text.encode_path`.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from distill_tui.foreign import MalformedError
from distill_tui.takes.request import Request
from distill_tui.takes.take import Take
from distill_tui.text import without_surrogates

IDLE_SECONDS = 600.0
PICTURE = (16, 3)
"""Width and height of the small spectrogram of a take: two characters high, with a gap below it."""
SOURCES = ("like", "continue_file", "fill", "follow")
"""The fields of a request that name one source sound."""


class Open(Struct, tag="open", frozen=True):
    """Load the model of the file `model`, with the sounds that it was trained on. Answered by `Ready` or `Failed`."""

    model: str


class Make(Struct, tag="make", frozen=True):
    """Generate what `request` asks for with a model, into the folder of takes `folder`.

    Answered by `Progress` and `TakeMade`, and at last by `Done` or `Failed`, all with this `id`.
    """

    id: int
    model: str
    folder: str
    request: Request


class Cancel(Struct, tag="cancel", frozen=True):
    """End the request at work; its takes so far are kept."""


class Loading(Struct, tag="loading", frozen=True):
    """`step` of loading is at work, in words; of those that can be counted `done` of `total` is done."""

    step: str
    done: int = 0
    total: int = 0


class Ready(Struct, tag="ready", frozen=True):
    """A model is loaded: its kind (`codec` or `generator`), and the labels that can be asked for.

    `notice` says what a person should know of its sounds: that some are missing.
    """

    model: str
    kind: str
    labels: list[str]
    notice: str = ""


class Progress(Struct, tag="progress", frozen=True):
    """`done` of `total` parts of a request are done."""

    id: int
    done: int
    total: int


class TakeMade(Struct, tag="take", frozen=True):
    """A take is in the folder. `picture` is its spectrogram of PICTURE characters, as `data.spectrogram` prints it."""

    id: int
    take: Take
    picture: list[str] = []


class Done(Struct, tag="done", frozen=True):
    """A request has come to its end, or was cancelled, with so many takes."""

    id: int
    takes: int
    cancelled: bool = False


class Failed(Struct, tag="error", frozen=True):
    """A command failed: the message, and the way out. `id` is 0 for loading a model, `takes` what was made before."""

    id: int
    message: str
    hint: str = ""
    takes: int = 0


Command = Open | Make | Cancel
Event = Loading | Ready | Progress | TakeMade | Done | Failed


def encode(message: Command | Event) -> bytes:
    """A message as a line."""
    try:
        return msgspec.json.encode(message) + b"\n"
    except UnicodeEncodeError:
        # a name in it that is not valid text on this system: JSON cannot hold it as it is
        return msgspec.json.encode(without_surrogates(msgspec.to_builtins(message))) + b"\n"


def with_paths(request: Request, change: Callable[[str], str]) -> Request:
    """The request with `change` made of the path of each source sound: `encode_path` to write it, `decode_path` to
    open it."""
    named = {word: change(path) for word in SOURCES if (path := getattr(request, word))}
    if request.morph:
        named["morph"] = (change(request.morph[0]), change(request.morph[1]))  # type: ignore[assignment]
    return msgspec.structs.replace(request, **named)


_COMMANDS: Any = msgspec.json.Decoder(Command)
_EVENTS: Any = msgspec.json.Decoder(Event)


def decode_command(line: bytes) -> Command:
    """A line as a command.

    Raises:
        MalformedError: it is none.
    """
    return _decode(_COMMANDS, line)  # type: ignore[no-any-return]


def decode_event(line: bytes) -> Event:
    """A line as an event.

    Raises:
        MalformedError: it is none.
    """
    return _decode(_EVENTS, line)  # type: ignore[no-any-return]


def _decode(decoder: Any, line: bytes) -> Any:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedError(str(error)) from None
