"""The `.distill` file: a safetensors file that carries a card.

    8 bytes   length of the header, little-endian
    header    JSON: "__metadata__", then for each tensor its name, dtype, shape and data_offsets; spaces at its end
    the rest  the bytes of the tensors, one after the other

"__metadata__" holds texts: format (`distill_model`), version (`2`), type (`vqvae`), card (JSON: see `card.py`) and
card_sha256 (of that JSON's bytes, so that a damaged card never passes for a good one). The weights have a hash of their
own in the card. Reading cannot run code, and believes no number before it is checked against the file's size.

Before the card there is once more what lists show: summary (the card's JSON without its long parts), summary_sha256 and
weights_bytes. A list of thousands of models reads these first kilobytes only. A file can do without them.

The header is read and checked in `header.py`. Only `write_model` and `read_tensors` need torch.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import msgspec

from distill_tui import __version__
from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import MalformedError
from distill_tui.library.card import FORMAT, TYPE, VERSION, Card, Facts, Summary, check_parts, encode, now
from distill_tui.library.header import (
    ITEM_SIZES,
    MALFORMED,
    MAX_HEADER,
    SUFFIX,
    Header,
    Slot,
    open_model,
    read_header,
    read_summary_text,
    summary_metadata,
    wrong,
)
from distill_tui.recipe.upgrade import upgrade
from distill_tui.text import printable

if TYPE_CHECKING:
    import torch

CHUNK = 1 << 20

_F = TypeVar("_F", bound=Facts)
_card = msgspec.json.Decoder(Card)
_summary = msgspec.json.Decoder(Summary)


def read_card(path: Path) -> Card:
    """The card of a model, from the file's header alone; its name is the file's.

    Raises:
        RequestError: what is wrong with the file, or that it is missing.
    """
    with open_model(path) as file:
        return _decode_card(path, read_header(path, file))


def read_summary(path: Path) -> Summary:
    """Read the part of a card that lists show; faster than the whole card.

    Raises:
        RequestError: as `read_card`; what only the long parts of a card and the table of the tensors could have wrong
            is not found here.
    """
    with open_model(path) as file:
        text = read_summary_text(file) or read_header(path, file).card
    try:
        summary = _summary.decode(text)
        check_parts(summary)
    except (*MALFORMED, MalformedError) as error:
        raise wrong(path, f"its card is damaged: {error}") from None
    # a copy: the recipe as decoded would keep the text of the whole card in memory
    summary.recipe = summary.recipe.copy()
    return _named(path, summary)


def verify(path: Path) -> Card:
    """Check the whole file, its weights against their recorded hash too; the card. A megabyte of memory is enough.

    Raises:
        RequestError: what is wrong.
    """
    with open_model(path) as file:
        header = read_header(path, file)
        return _check_weights(path, file, header)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The weights of a model by name, on the CPU, checked as `verify` does.

    Raises:
        RequestError: what is wrong with the file, or that it does not fit into memory.
    """
    import safetensors.torch

    with open_model(path) as file:
        header = read_header(path, file)
        size = os.fstat(file.fileno()).st_size
        # Windows cannot be asked so
        if hasattr(os, "sysconf") and size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
            raise wrong(path, f"its {size / 1e9:.0f} GB are more than this machine's memory")
        _check_weights(path, file, header)
        file.seek(0)
        content = file.read()
    try:
        tensors: dict[str, torch.Tensor] = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, RuntimeError) as error:
        raise wrong(path, f"its weights cannot be read: {error}") from None
    return tensors


def write_model(path: Path, tensors: dict[str, torch.Tensor], card: Card) -> Card:
    """Write a model, atomically and flushed to the disk; its card as it can be read back, `weights_sha256` filled in.

    A file that is already there is replaced only if it is the same model, by its id.

    Raises:
        RequestError: another model, or another file, is there.
        DistillError: the disk is full or the folder cannot be written; nothing was changed.
    """
    import safetensors.torch

    # safetensors takes neither views nor tensors that share memory
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    content = safetensors.torch.save(plain)
    length = int.from_bytes(content[:8], "little")
    slots = msgspec.json.decode(content[8 : 8 + length], type=dict[str, Slot])
    for name, slot in slots.items():
        if slot.dtype not in ITEM_SIZES:
            raise ValueError(f"tensor {name!r} is of the kind {slot.dtype}, which a model cannot have")
    card = msgspec.structs.replace(card, weights_sha256=_hash_weights(BytesIO(content), slots, 8 + length))
    return _write(path, slots, card, BytesIO(content), 8 + length)


def copy_model(source: Path, target: Path, card: Card, *, shared: bool = False) -> Card:
    """Write the weights of the file `source` with another card to `target`, as `write_model` does; the card.

    `shared` as for `atomic_write`.

    Raises:
        RequestError: `source` is damaged, or another file is at `target`.
        DistillError: as `write_model`.
    """
    with open_model(source) as file:
        header = read_header(source, file)
        weights = _check_weights(source, file, header).weights_sha256
        card = msgspec.structs.replace(card, weights_sha256=weights)
        return _write(target, header.slots, card, file, header.start, shared)


def _write(
    path: Path, slots: dict[str, Slot], card: Card, weights: IO[bytes], start: int, shared: bool = False
) -> Card:
    """Write header and weights, the latter from `start` of the file `weights`."""
    card = msgspec.structs.replace(
        card,
        format=FORMAT,
        version=VERSION,
        type=TYPE,
        id=card.id or secrets.token_hex(6),
        created=card.created or now(),
        program=card.program or __version__,
        name=path.name.removesuffix(SUFFIX),
    )
    text = encode(card)
    metadata = {
        **summary_metadata(msgspec.json.encode(_summary.decode(text)), _end(slots)),
        "card": text.decode(),
        "card_sha256": hashlib.sha256(text).hexdigest(),
    }
    packed = msgspec.json.encode({"__metadata__": metadata, **{name: slots[name] for name in slots}})
    packed += b" " * (-len(packed) % 8)
    if len(packed) > MAX_HEADER:
        raise DistillError(
            f"{printable(str(path))}: a card of {len(packed) / 1e6:.0f} MB is more than a model file may have"
        )
    if path.exists() and read_card(path).id != card.id:
        raise wrong(path, "another model is there", "Choose another name.")

    def content(file: IO[bytes]) -> None:
        file.write(len(packed).to_bytes(8, "little"))
        file.write(packed)
        weights.seek(start)
        while chunk := weights.read(CHUNK):
            file.write(chunk)

    atomic_write(path, content, shared=shared)
    return _named(path, _card.decode(text))


def _end(slots: dict[str, Slot]) -> int:
    """Size of the tensors in bytes."""
    return max((slot.data_offsets[1] for slot in slots.values()), default=0)


def _decode_card(path: Path, header: Header) -> Card:
    try:
        card = _card.decode(header.card)
        check_parts(card)
        card.recipe = upgrade(card.recipe)
    except (*MALFORMED, MalformedError) as error:
        raise wrong(path, f"its card is damaged: {error}") from None
    return _named(path, card)


def _named(path: Path, facts: _F) -> _F:
    """`facts`, called what the file is called."""
    facts.name = path.name.removesuffix(SUFFIX)
    return facts


def _check_weights(path: Path, file: IO[bytes], header: Header) -> Card:
    card = _decode_card(path, header)
    if _hash_weights(file, header.slots, header.start) != card.weights_sha256:
        raise wrong(path, "its weights are damaged: they differ from their recorded hash")
    return card


def _hash_weights(file: IO[bytes], slots: dict[str, Slot], start: int) -> str:
    """SHA-256 over the tensors in order of their names: of each a line of JSON [name, dtype, shape], then its bytes."""
    digest = hashlib.sha256()
    for name in sorted(slots):
        slot = slots[name]
        digest.update(msgspec.json.encode([name, slot.dtype, slot.shape]) + b"\n")
        file.seek(start + slot.data_offsets[0])
        left = slot.data_offsets[1] - slot.data_offsets[0]
        while left > 0:
            chunk = file.read(min(left, CHUNK))
            if not chunk:
                break
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()
