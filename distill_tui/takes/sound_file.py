"""The sound file of a take: WAV or FLAC, with its description as JSON in a comment of the file.

A WAV file has it in a `LIST INFO ICMT` chunk after the samples, a FLAC file as the Vorbis comment `COMMENT`; both are
what other programs show as the comment.
"""

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, decode, read_bytes
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.request import Request
from distill_tui.takes.take import Take, settings_of
from distill_tui.text import escape_json, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Format = Literal["wav", "flac"]
MARK = "distill_take"
"""The first key of the JSON object in a file."""


def save_take(
    folder: TakesFolder, wave: "NDArray[np.float32]", rate: int, take: Take, kind: Format = "wav", stem: str = ""
) -> Take:
    """Write a take into its folder.

    Args:
        wave: float32 [samples] in -1..1; 16 bits are written.
        rate: in Hz.
        stem: of the file's name; "" for its label or method and its seed.

    Returns:
        the take with its path.

    Raises:
        DistillError: the disk is full or the folder cannot be written.
    """
    stem = stem or f"{take.label.replace('/', '-') or take.method}-{take.seed:04d}"
    return folder.add(take, encode(wave, rate, take, kind), f".{kind}", stem)


def encode(wave: "NDArray[np.float32]", rate: int, take: Take, kind: Format = "wav") -> bytes:
    """The bytes of a take's file."""
    import soundfile

    from distill_tui.data.audio_io import pcm16

    comment = describe(take)
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, 1, "PCM_16", format=kind.upper()) as file:
        if kind == "flac":
            file.comment = comment.decode()
        file.write(pcm16(wave))
    content = buffer.getvalue()
    return content if kind == "flac" else _with_comment(content, comment)


def same_samples(one: bytes, other: bytes) -> bool:
    """Compare the samples of two sound files, to the bit."""
    import numpy as np
    import soundfile

    try:
        a, b = (soundfile.read(io.BytesIO(content), dtype="int32") for content in (one, other))
    except soundfile.SoundFileError:
        return False
    return a[1] == b[1] and bool(np.array_equal(a[0], b[0]))


def describe(take: Take) -> bytes:
    """The description of a take as one line of ASCII JSON, without its path and without settings at their default."""
    settings = msgspec.convert(take.settings, Request, strict=False) if take.settings else Request()
    plain = msgspec.to_builtins(msgspec.structs.replace(take, path="", kept=None))
    defaults = msgspec.to_builtins(Request())
    own = msgspec.to_builtins(settings)
    plain["settings"] = {key: value for key, value in own.items() if value != defaults[key]}
    return escape_json(msgspec.json.encode({MARK: 1} | plain))


def read_take(path: Path) -> Take:
    """The description in a take's file; `path` is the file's name.

    Raises:
        RequestError: there is no such file, or it holds no description of a take that makes sense.
    """
    name = printable(str(path))
    try:
        content = read_bytes(path, 1 << 32)
        comment = _wav_comment(content) if content[:4] == b"RIFF" else _flac_comment(content)
        if not comment:
            raise MalformedError("nothing in it says how it was made")
        document = decode(comment)
        if not isinstance(document, dict) or MARK not in document:
            raise MalformedError("its comment is not one of distill-tui")
        take = msgspec.convert(document, Take)
    except FileNotFoundError:
        raise RequestError(f"{name}: no such file") from None
    except (OSError, MalformedError, msgspec.ValidationError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        raise RequestError(
            f"{name}: not a take: {printable(reason)}", "Takes are made by: distill-tui generate"
        ) from None
    take = msgspec.structs.replace(take, path=path.name)
    settings_of(take)
    return take


def _with_comment(content: bytes, comment: bytes) -> bytes:
    """A WAV file with a comment: libsndfile itself drops one of more than 2 kB."""
    text = comment + b"\0" * (2 - len(comment) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(text)) + text
    content = content + b"\0" * (len(content) % 2) + b"LIST" + struct.pack("<I", len(info)) + info
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def _wav_comment(content: bytes) -> bytes:
    for kind, body in _chunks(content, 12):
        if kind == b"LIST" and body[:4] == b"INFO":
            for inner, text in _chunks(body, 4):
                if inner == b"ICMT":
                    return text.rstrip(b"\0")
    return b""


def _chunks(content: bytes, start: int) -> list[tuple[bytes, bytes]]:
    """The chunks of a RIFF list from byte `start` on; what is broken off ends it."""
    found = []
    while start + 8 <= len(content):
        kind, size = content[start : start + 4], int.from_bytes(content[start + 4 : start + 8], "little")
        found.append((kind, content[start + 8 : start + 8 + size]))
        start += 8 + size + size % 2
    return found


def _flac_comment(content: bytes) -> bytes:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            return str(file.comment).encode()
    except soundfile.SoundFileError:
        raise MalformedError("not a sound that can be read") from None
