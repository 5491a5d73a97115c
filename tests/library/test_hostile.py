"""Damaged and hostile files: each is one clear error and exit code 2, runs no code, and takes no memory to speak of."""

import io
import json
import os
import pickle
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.errors import RequestError
from distill_tui.library.container import read_card, read_summary, read_tensors, verify
from distill_tui.library.header import MAX_HEADER
from tests.library.models import put_together, set_card, take_apart, write

READERS: tuple[Callable[[Path], object], ...] = (read_card, read_summary, read_tensors, verify)


def refused(path: Path, readers: tuple[Callable[[Path], object], ...] = READERS) -> str:
    """The one error that every reader gives."""
    said = set()
    for reader in readers:
        with pytest.raises(RequestError) as caught:
            reader(path)
        assert caught.value.exit_code == 2
        assert caught.value.message.startswith(f"{path}: ")
        assert len(caught.value.message) < len(str(path)) + 400
        said.add(caught.value.message.removeprefix(f"{path}: "))
    assert len(said) == 1
    return said.pop()


# -- files that are something else


class Trap:
    """Pickled, it makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_and_runs_no_code(tmp_path: Path, protocol: int) -> None:
    path, marker = tmp_path / "m.distill", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Trap(marker), protocol))
    said = refused(path)
    assert "not a .distill file" in said
    assert ("pickle" in said) == (protocol >= 2)
    assert not marker.exists()


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_checkpoint_of_torch_is_refused_and_runs_no_code(tmp_path: Path, as_zip: bool) -> None:
    path, marker = tmp_path / "m.distill", tmp_path / "ran"
    torch.save({"weights": torch.zeros(3), "trap": Trap(marker)}, path, _use_new_zipfile_serialization=as_zip)
    assert refused(path) == "a PyTorch pickle or zip, not a .distill file"
    assert not marker.exists()


def test_a_zip_a_text_and_random_bytes_are_not_models(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "hello")
    assert "zip" in refused(path)
    path.write_text("Dear sir or madam, this is a letter and no model.")
    assert refused(path).startswith("not a .distill file: its header claims")
    for seed in range(100):
        path.write_bytes(random.Random(seed).randbytes(seed * 7 + 9))
        assert "not a .distill file" in refused(path)


def test_a_missing_file_a_folder_a_pipe_and_an_empty_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.distill") == "no such file"
    (tmp_path / "file").write_text("x")
    assert refused(tmp_path / "file" / "m.distill") == "no such file"
    assert refused(tmp_path) == "is a folder, not a .distill file"
    os.mkfifo(tmp_path / "pipe.distill")
    assert refused(tmp_path / "pipe.distill") == "is not a regular file"
    (tmp_path / "empty.distill").touch()
    assert refused(tmp_path / "empty.distill") == "is empty"
    (tmp_path / "link.distill").symlink_to("link.distill")
    assert "cannot be read" in refused(tmp_path / "link.distill")
    assert "cannot be read" in refused(tmp_path / ("x" * 300))


def test_a_safetensors_file_of_another_program(tmp_path: Path) -> None:
    put_together(tmp_path / "m", {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4)
    assert refused(tmp_path / "m") == "a safetensors file, but not a .distill model: it has no card"
    put_together(tmp_path / "m", {"__metadata__": {"format": "pt"}}, b"")
    assert refused(tmp_path / "m") == "a safetensors file, but not a .distill model: its format is 'pt'"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "1"}, "version 1 of the format is older than this program's 2"),
        ({"version": "3"}, "version 3 of the format is newer than this program's 2"),
        ({"version": "99999999"}, "version 99999999 of the format is newer than this program's 2"),
        ({"version": "9" * 50}, "is damaged: its version is '99"),
        ({"version": "two"}, "is damaged: its version is 'two'"),
        ({"version": "02"}, "is damaged: its version is '02'"),
        ({"version": "²"}, "is damaged: its version is '²'"),
        ({"version": ""}, "is damaged: its version is ''"),
        ({"type": "gan"}, "a model of type 'gan'; this program has 'vqvae' only"),
        ({"format": "other_model"}, "a safetensors file, but not a .distill model: its format is 'other_model'"),
        ({"format": "\x1b[2J"}, "its format is"),
        ({"card": "{}"}, "its card is damaged: it differs from its recorded hash"),
        ({"card_sha256": ""}, "its card is damaged: it differs from its recorded hash"),
    ],
)
def test_another_version_type_or_format(tmp_path: Path, change: dict[str, str], said: str) -> None:
    path = tmp_path / "m.distill"
    write(path)
    header, weights = take_apart(path)
    header["__metadata__"] |= change
    put_together(path, header, weights)
    problem = refused(path)
    assert said in problem and "\x1b" not in problem


# -- headers that lie


@pytest.mark.parametrize("length", [MAX_HEADER + 1, 2**40, 2**50, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_header_that_claims_petabytes_takes_no_memory(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.distill"
    write(path)
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    tracemalloc.start()
    said = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.startswith(f"not a .distill file: its header claims {length:,} bytes")
    assert peak < 5_000_000


def test_a_header_that_claims_more_than_there_is_in_a_sparse_file(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    with path.open("wb") as file:
        file.write((2**62).to_bytes(8, "little") + b"{")
        file.truncate(2**33)
    assert "its header claims" in refused(path)


def test_tensors_larger_than_memory_are_not_read(tmp_path: Path) -> None:
    """The file is as large as it says (and sparse): nothing but the machine's memory is wrong with it."""
    path = tmp_path / "m.distill"
    write(path)
    header, _ = take_apart(path)
    size = 2**42
    tensors = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    put_together(path, {"__metadata__": header["__metadata__"], **tensors}, b"")
    try:
        os.truncate(path, path.stat().st_size + size)
    except OSError:
        pytest.skip("this file system has no files of 4 TB")
    assert "more than this machine's memory" in refused(path, (read_tensors,))


Header = dict[str, Any]


def offsets(name: str, begin: Any, end: Any) -> Callable[[Header], Any]:
    return lambda h: h[name].update(data_offsets=[begin, end])


def field(name: str, key: str, value: Any) -> Callable[[Header], Any]:
    return lambda h: h[name].update({key: value})


@pytest.mark.parametrize(
    "change",
    [
        offsets("encoder.bias", 0, 2**62),
        offsets("encoder.bias", 10**30, 10**30 + 16),
        offsets("encoder.bias", -16, 0),
        offsets("encoder.bias", 16, 0),
        offsets("encoder.bias", 0.0, 16.0),
        offsets("encoder.bias", "0", "16"),
        offsets("encoder.bias", True, 16),
        offsets("encoder.bias", None, None),
        field("encoder.bias", "data_offsets", [0]),
        field("encoder.bias", "data_offsets", [0, 16, 32]),
        field("encoder.bias", "shape", [2**62, 2**62]),
        field("encoder.bias", "shape", [2**63] * 10_000),
        field("encoder.bias", "shape", [5]),
        field("encoder.bias", "shape", []),
        field("encoder.bias", "shape", [-4]),
        field("encoder.bias", "shape", [4.0]),
        field("encoder.bias", "shape", "4"),
        field("encoder.bias", "shape", None),
        field("encoder.bias", "dtype", "F64"),
        field("encoder.bias", "dtype", "F31"),
        field("encoder.bias", "dtype", "\x1b]0;title\x07"),
        field("encoder.bias", "dtype", 32),
        field("nothing", "shape", [0, 0, 1]),
        lambda h: h["encoder.bias"].pop("dtype"),
        lambda h: h["encoder.bias"].pop("data_offsets"),
        lambda h: h.update({"encoder.bias": None}),
        lambda h: h.update({"encoder.bias": [1, 2, 3]}),
        lambda h: h.update({"twice": h["encoder.bias"]}),
        lambda h: h.update({"more": {"dtype": "F32", "shape": [2], "data_offsets": [10**6, 10**6 + 8]}}),
        lambda h: h.pop("encoder.bias"),
        lambda h: h.update({"renamed": h.pop("encoder.bias")}),
        lambda h: h["__metadata__"].update(format=1),
        lambda h: h["__metadata__"].pop("card"),
        lambda h: h.update(__metadata__=[]),
        lambda h: h.update(__metadata__="distill_model"),
        lambda h: h.clear(),
        lambda h: h.pop("__metadata__"),
    ],
)
def test_a_table_of_tensors_that_lies(tmp_path: Path, change: Callable[[Header], Any]) -> None:
    path = tmp_path / "m.distill"
    write(path)
    header, weights = take_apart(path)
    change(header)
    put_together(path, header, weights)
    assert "\x1b" not in refused(path, (read_tensors, verify))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{",
        '{"name": ',
        '{"step": "many"}',
        '{"step": 1e999}',
        '{"id": "../../etc/passwd"}',
        '{"id": "a\\nb"}',
        '{"created": "yesterday"}',
        '{"losses": [1, 2]}',
        '{"health": {"level": 1}}',
        '{"recipe": 7}',
        '{"weights_sha256": 7}',
        '{"later": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"step": ' + "9" * 10_000 + "}",
    ],
    ids=lambda text: text[:30],
)
def test_a_card_that_is_no_card(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.distill"
    write(path)
    header, weights = take_apart(path)
    set_card(header, text)
    put_together(path, header, weights)
    refused(path, (read_card, read_tensors, verify))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff" * 50,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"__metadata__":{"format":"distill_model"',
        b'{"__metadata__":{"format":"\\ud800"}}',
        b'{"__metadata__":{"\xff":"x"}}',
        b'{"__metadata__":{}} and more',
        b'{"__metadata__":NaN}',
    ],
    ids=lambda header: repr(header[:40]),
)
def test_a_header_that_is_no_json(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "m.distill"
    put_together(path, header, b"weights")
    refused(path)


# -- damage


def mutated(content: bytes, choose: random.Random) -> bytes:
    """`content` with one to three accidents."""
    changed = bytearray(content)
    header = 8 + int.from_bytes(content[:8], "little")
    for _ in range(choose.randint(1, 3)):
        # half of the accidents hit the length and the header, a small part of a large file
        at = choose.randrange(min(choose.choice((8, header, len(changed))), len(changed)) or 1)
        match choose.randrange(7):
            case 0:
                changed[at : at + 1] = bytes((choose.randrange(256),))
            case 1 if changed:
                changed[min(at, len(changed) - 1)] ^= 1 << choose.randrange(8)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + choose.randint(1, 40)]
            case 4:
                changed[at:at] = choose.randbytes(choose.randint(1, 40))
            case 5:
                changed[at : at + 8] = choose.choice((b"\xff", b"\0", b"\x7f", b"9", b"[")) * 8
            case 6:
                piece = changed[at : at + choose.randint(1, 200)]
                to = choose.randrange(len(changed) or 1)
                changed[to : to + len(piece)] = piece
    return bytes(changed)


@pytest.mark.slow
def test_of_a_thousand_damaged_files_each_is_refused_or_still_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    card = write(path)
    content, tensors, summary = path.read_bytes(), read_tensors(path), read_summary(path)
    refusals = 0
    tracemalloc.start()
    for seed in range(1000):
        path.write_bytes(mutated(content, random.Random(seed)))
        try:
            assert read_card(path) == card, seed
        except RequestError:
            refusals += 1
        try:
            assert read_summary(path) == summary, seed
        except RequestError:
            refusals += 1
        try:
            assert verify(path) == card, seed
            read = read_tensors(path)
            assert read.keys() == tensors.keys()
            assert all(torch.equal(read[name], tensors[name]) for name in tensors), seed
        except RequestError:
            refusals += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusals > 1800
    assert peak < 20_000_000


def test_a_list_reads_the_first_kilobytes_only(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path, notes=["x" * 10**6])
    summary = read_summary(path)
    content = bytearray(path.read_bytes())
    content[10**6] ^= 1
    path.write_bytes(content)
    tracemalloc.start()
    assert read_summary(path) == summary
    assert tracemalloc.get_traced_memory()[1] < 200_000
    tracemalloc.stop()
    # what lies deeper is found by whoever looks there
    assert "its card is damaged" in refused(path, (read_card, verify))
    # a summary that was tampered with is not believed: the card is asked, and this one is damaged
    content[content.index(b'"summary":') + 40] ^= 1
    path.write_bytes(content)
    assert "its card is damaged" in refused(path)


def test_a_summary_with_long_names_is_found_in_the_card(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    recipe = {"data": {"paths": ["long " * 10_000, "\udcff"]}}
    write(path, recipe=recipe)
    assert json.loads(bytes(read_summary(path).recipe))["data"]["paths"] == ["long " * 10_000, "?"]


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path)
    content = path.read_bytes()
    for length in [*range(200), *range(200, len(content), 7), len(content) - 1]:
        path.write_bytes(content[:length])
        said = refused(path, (read_card, read_summary))
        assert "cut off" in said or said == "is empty", length


def test_every_flipped_bit_of_the_weights_is_found(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path)
    content = path.read_bytes()
    _, weights = take_apart(path)
    start = len(content) - len(weights)
    for at in range(start, len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        assert refused(path, (verify, read_tensors)) == "its weights are damaged: they differ from their recorded hash"


def test_bytes_after_the_end_are_found(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path)
    with path.open("ab") as file:
        file.write(b"\0" * 5)
    assert refused(path) == "has 5 bytes after its end"


def test_a_name_that_would_drive_the_terminal_is_shown_harmless(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mred\x07.distill"
    path.write_text("x")
    with pytest.raises(RequestError) as caught:
        read_card(path)
    assert not {"\x1b", "\x07"} & set(str(caught.value))


def test_json_as_another_program_spaces_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    card = write(path)
    header, weights = take_apart(path)
    buffer = io.StringIO()
    json.dump(header, buffer, indent=3, sort_keys=True)
    put_together(path, buffer.getvalue().encode() + b"   ", weights)
    assert verify(path) == card


@pytest.mark.slow
def test_a_hundred_thousand_tensors_are_refused_before_they_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path)
    header, weights = take_apart(path)
    del header["__metadata__"]["summary"]
    header |= {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}
    put_together(path, header, weights)
    assert refused(path) == "claims 100,006 tensors, more than any net here has"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("data", {"files": "many"}),
        ("data", {"seconds": "long"}),
        ("data", {"sounds": [[1]]}),
        ("recipe", {"model": None}),
        ("recipe", {"automatic": 3}),
        ("parameters", 10**30),
        ("rate", -1),
        ("kbps", 1e300),
        ("losses", {"val": 1e308}),
    ],
)
def test_a_card_whose_parts_have_another_shape_is_damaged(tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "m.distill"
    write(path)
    header, weights = take_apart(path)
    del header["__metadata__"]["summary"]
    set_card(header, json.dumps({**json.loads(header["__metadata__"]["card"]), part: value}))
    put_together(path, header, weights)
    # what lists show does not hold the long parts
    assert refused(path, (read_card, verify) if part == "data" else READERS).startswith("its card is damaged: ")
