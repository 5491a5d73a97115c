"""Ways to damage a file: bytes, values in JSON and TOML, and things that are no file where a file should be."""

import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**30,
    1e18,
    -1e308,
    1e308,
    0.5,
    "",
    "x",
    "../../x",
    "/dev/zero",
    "~nosuch/x",
    "\x1b[31m\x1b]0;x\x07\u202e\u009b",
    "\ufffd" * 300,
    "a" * 100_000,
    [],
    {},
    [[]],
    {"a": {"b": None}},
    [None] * 1000,
)
ODD_JSON = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"1",
    b'"x"',
    b"\xff\xfe\x00",
    b"{" * 200_000,
    b"[" * 200_000 + b"]" * 200_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b"9" * 100_000,
    b'{"wanted":"\xff"}',
    b'"\\ud800"',
    b"\0" * 4096,
    b" " * 1_000_000,
)
ODD_TOML = (
    b"",
    b"\xff",
    b"a = " + b"[" * 5_000,
    b"a = " + b"{b=" * 5_000,
    b"a." * 50_000 + b"b = 1",
    b"[" + b"a." * 50_000 + b"b]",
    b"n = " + b"9" * 100_000,
    b"n = 0x" + b"f" * 100_000,
    b"n = 1e999999",
    b"".join(b"k%d = 1\n" % i for i in range(100_000)),
    b"".join(b"[t%d]\n" % i for i in range(50_000)),
    b"a = [\n" * 3_000,
    b'theme = "' + b"x" * 1_000_000,
    b"\0" * 4096,
    b"train = 1\nmodel = 2\nkeys = 3\nfolders = 4\ncolors = 5\nvariables = 6\n",
    b'[folders]\nruns = "\\u0000"\n',
    b'[folders]\nruns = "' + b"r" * 300 + b'"\nmodels = "~nosuch/x"\ncache = "/dev/null/x"\n',
)


def bytes_of(chance: random.Random, content: bytes) -> bytes:
    """`content` with flipped bits, lost or added bytes, or cut off."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0 if data:
                data[min(place, len(data) - 1)] ^= 1 << chance.randrange(8)
            case 1:
                del data[place : place + chance.choice((1, 4, 100))]
            case 2:
                data[place:place] = chance.randbytes(chance.choice((1, 4, 100)))
            case 3:
                data = data[:place]
            case 4:
                data[place : place + 8] = chance.choice((b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7))
            case _:
                data[place:place] = data[: chance.choice((1, 16, 1000))]
    return bytes(data)


def value_of(chance: random.Random, document: Any) -> Any:
    """A JSON document with one value of it replaced, or a key lost."""
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else list(range(min(len(one), 20))) if isinstance(one, list) else []
        for key in keys:
            places.append((one, key))
            waiting.append(one[key])
    if not places:
        return chance.choice(ODD_VALUES)
    holder, key = chance.choice(places)
    if isinstance(holder, dict) and chance.random() < 0.15:
        del holder[key]
    else:
        holder[key] = chance.choice(ODD_VALUES)
    return document


def json_of(chance: random.Random, content: bytes) -> bytes:
    """A JSON file that is damaged in one of these ways."""
    way = chance.randrange(6)
    if way == 0:
        return bytes_of(chance, content)
    if way == 1:
        return chance.choice(ODD_JSON)
    return json.dumps(value_of(chance, json.loads(content))).encode()


def lines_of(chance: random.Random, content: bytes) -> bytes:
    """A file of JSON lines, some of them damaged or in another order."""
    lines = content.splitlines(keepends=True)
    for _ in range(chance.choice((1, 1, 3, 20))):
        place = chance.randrange(len(lines))
        if chance.random() < 0.1:
            lines.insert(place, lines.pop(chance.randrange(len(lines))))
        elif chance.random() < 0.1:
            lines[place] = lines[place].rstrip() * 2
        else:
            try:
                lines[place] = json_of(chance, lines[place]).replace(b"\n", b" ") + b"\n"
            except ValueError:
                lines[place] = bytes_of(chance, lines[place])
    return b"".join(lines)


def toml_of(chance: random.Random, content: bytes) -> bytes:
    """A TOML file that is damaged in one of these ways."""
    way = chance.randrange(4)
    if way == 0:
        return bytes_of(chance, content)
    if way == 1:
        return chance.choice(ODD_TOML)
    lines = content.decode().splitlines()
    settings = [i for i, line in enumerate(lines) if "=" in line]
    for _ in range(chance.choice((1, 3))):
        place = chance.choice(settings)
        key = lines[place].split("=")[0]
        odd = chance.choice((*ODD_VALUES, "auto", [1], {"a": 1}))
        written = json.dumps(odd, ensure_ascii=False).replace("null", "nan") if not isinstance(odd, dict) else "{a = 1}"
        lines[place] = f"{key}= {written}" if chance.random() < 0.8 else f"{key}s = 1\n{lines[place]}"
    return "\n".join(lines).encode()


def _put(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(f"{path.name}.was"))
    else:
        path.unlink(missing_ok=True)
    make(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _socket(path: Path) -> None:
    # by its name in its folder: the whole path may be longer than a socket's may be
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


THINGS: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a broken link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to its own folder": lambda path: path.symlink_to("."),
    "a socket": _socket,
    "an empty file": Path.touch,
    "a sparse file of a terabyte": _sparse,
    "nothing": lambda path: None,
}


def put(thing: str, path: Path) -> None:
    """Put one of THINGS in the place of a file or folder."""
    _put(path, THINGS[thing])
