"""`generate` of a model that was loaded in Python: see `generate_takes`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from distill_tui.engine.generate.make import Made, Maker
from distill_tui.errors import RequestError, did_you_mean
from distill_tui.paths import find_home
from distill_tui.takes.request import Request

if TYPE_CHECKING:
    from distill_tui.engine.generate.generator import Generator
    from distill_tui.engine.inference.model import Model

Paths = Sequence[str | os.PathLike[str]]
FILES = ("like", "continue_file", "fill", "follow")


def generate_takes(
    source: "Model | Generator",
    count: int,
    options: dict[str, Any],
    data: Paths = (),
    home: str | os.PathLike[str] | None = None,
    judge: bool = False,
) -> list[Made]:
    """Make takes: what `Model.generate` and `Generator.generate` do, and where their arguments are described."""
    request = _request(count, options)
    key = (tuple(os.fspath(path) for path in data), str(home), judge)
    kept = vars(source).setdefault("_makers", {})
    if key not in kept:
        kept[key] = Maker.of(source, find_home(home), [Path(path).absolute() for path in data], judge)
    maker: Maker = kept[key]
    return list(maker.make(request))


def _request(count: int, options: dict[str, Any]) -> Request:
    """The request of keyword arguments.

    Raises:
        RequestError: one is unknown, or not of its type.
    """
    fields = Request.__struct_fields__
    for name in options:
        if name not in fields:
            raise RequestError(f"generate: no argument '{name}'{did_you_mean(name, fields)}")
    given = dict(options)
    for name in ("temperature", "top_p"):
        if isinstance(given.get(name), int | float):
            given[name] = (given[name],)
    for name in FILES:
        if given.get(name):
            given[name] = str(Path(given[name]).absolute())
    if given.get("morph"):
        given["morph"] = tuple(str(Path(path).absolute()) for path in given["morph"])
    try:
        return msgspec.convert(given | {"count": count}, Request, strict=True)
    except msgspec.ValidationError as error:
        raise RequestError(f"generate: {error}") from None
