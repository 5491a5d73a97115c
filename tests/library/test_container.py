"""`.distill` files: written and read back, and readable by whoever reads safetensors."""

import hashlib
import json
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_tui.errors import DistillError, RequestError
from distill_tui.library.container import copy_model, read_card, read_summary, read_tensors, verify, write_model
from tests.library.models import card, put_together, set_card, take_apart, tensors, write

KINDS = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Same names, kinds, shapes and bits."""

    def bits(tensor: torch.Tensor) -> bytes:
        plain = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.reshape(-1))
        return bytes(plain.view(torch.uint8).tolist())

    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and a[name].shape == b[name].shape and bits(a[name]) == bits(b[name])
        for name in a
    )


@st.composite
def odd_tensors(draw: st.DrawFn) -> torch.Tensor:
    """Any kind and shape, 0-d and empty among them; sometimes a view that is not contiguous."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    kind = draw(st.sampled_from(KINDS))
    made = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    tensor = torch.randint(0, 100, shape, generator=made).to(kind)
    view = draw(st.sampled_from(("as it is", "transposed", "every second", "expanded")))
    if view == "transposed":
        return tensor.transpose(0, -1) if tensor.ndim else tensor
    if view == "every second":
        return tensor[::2] if tensor.ndim else tensor
    return tensor.unsqueeze(0).expand(3, *tensor.shape) if view == "expanded" else tensor


@pytest.mark.slow
@settings(database=None, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.dictionaries(st.text(max_size=20).filter(lambda n: n != "__metadata__"), odd_tensors(), max_size=5),
    name=st.text(max_size=20),
)
def test_any_tensors_come_back_bit_by_bit(tmp_path: Path, made: dict[str, torch.Tensor], name: str) -> None:
    path = tmp_path / "model.distill"
    path.unlink(missing_ok=True)
    written = write_model(path, made, card(notes=[name]))
    assert read_card(path) == written == verify(path)
    assert same(read_tensors(path), made)


def test_tensors_that_share_memory_are_written_each(tmp_path: Path) -> None:
    base = torch.arange(10.0)
    shared = {"all": base, "tail": base[5:], "again": base}
    write_model(tmp_path / "m.distill", shared, card())
    assert same(read_tensors(tmp_path / "m.distill"), shared)


def test_a_parameter_is_written_without_its_gradient(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    write_model(tmp_path / "m.distill", {"p": parameter}, card())
    assert not read_tensors(tmp_path / "m.distill")["p"].requires_grad


def test_a_kind_of_number_that_files_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'c' is of the kind C64"):
        write_model(tmp_path / "m.distill", {"c": torch.zeros(2, dtype=torch.complex64)}, card())
    assert not list(tmp_path.iterdir())


def test_it_is_a_safetensors_file_with_the_kind_in_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    write(path)
    assert same(safetensors.torch.load_file(path), tensors())
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert {k: metadata[k] for k in ("format", "version", "type")} == {
        "format": "distill_model",
        "version": "2",
        "type": "vqvae",
    }


def test_the_hash_is_what_the_documentation_says(tmp_path: Path) -> None:
    written = write(tmp_path / "m.distill")
    digest = hashlib.sha256()
    kinds = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}
    for name, tensor in sorted(tensors().items()):
        described = [name, kinds[tensor.dtype], list(tensor.shape)]
        digest.update(json.dumps(described, separators=(",", ":")).encode() + b"\n")
        digest.update(tensor.numpy().tobytes())
    assert written.weights_sha256 == digest.hexdigest()


def test_the_hash_is_of_the_weights_alone(tmp_path: Path) -> None:
    first = write(tmp_path / "a.distill")
    assert write(tmp_path / "b.distill", name="other", step=7).weights_sha256 == first.weights_sha256
    assert write(tmp_path / "c.distill", seed=1).weights_sha256 != first.weights_sha256


def test_what_a_card_leaves_open_is_filled_in(tmp_path: Path) -> None:
    first = write(tmp_path / "a.distill", created="", program="")
    second = write(tmp_path / "b.distill")
    assert first.id and second.id and first.id != second.id
    assert first.created.endswith("Z") and first.program
    assert first.name == "a"


def test_a_model_is_called_what_its_file_is_called(tmp_path: Path) -> None:
    write(tmp_path / "a.distill")
    (tmp_path / "a.distill").rename(tmp_path / "gulls.distill")
    assert read_card(tmp_path / "gulls.distill").name == "gulls"
    assert read_summary(tmp_path / "gulls.distill").name == "gulls"


def test_a_summary_says_what_the_card_says(tmp_path: Path) -> None:
    full, short = write(tmp_path / "a.distill"), read_summary(tmp_path / "a.distill")
    assert json.loads(bytes(short.recipe)) == full.recipe
    for field in set(short.__struct_fields__) - {"recipe", "data"}:
        assert getattr(short, field) == getattr(full, field)


def test_another_model_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.distill"
    first = write(path)
    before = path.read_bytes()
    with pytest.raises(RequestError, match="another model is there"):
        write(path, seed=1)
    with pytest.raises(RequestError, match="another model is there"):
        write(path, seed=1, id="0123456789ab")
    assert path.read_bytes() == before
    assert write(path, seed=1, id=first.id).weights_sha256 != first.weights_sha256
    (tmp_path / "notes.distill").write_text("not a model")
    with pytest.raises(RequestError):
        write(tmp_path / "notes.distill")
    assert (tmp_path / "notes.distill").read_text() == "not a model"


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DistillError, match="cannot write"):
        write(tmp_path / "file" / "a.distill")


def test_a_copy_has_the_weights_and_another_card(tmp_path: Path) -> None:
    first = write(tmp_path / "a.distill")
    copied = copy_model(tmp_path / "a.distill", tmp_path / "b.distill", card(id="feedfeedfeed", step=5))
    assert copied == verify(tmp_path / "b.distill")
    assert (copied.id, copied.step, copied.name, copied.weights_sha256) == (
        "feedfeedfeed",
        5,
        "b",
        first.weights_sha256,
    )
    assert same(read_tensors(tmp_path / "b.distill"), tensors())


def test_a_card_with_fields_of_a_later_program_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.distill"
    written = write(path)
    header, weights = take_apart(path)
    set_card(header, json.dumps({**json.loads(header["__metadata__"]["card"]), "later": [1, {"x": None}]}))
    put_together(path, header, weights)
    assert read_card(path) == written
    assert read_summary(path).id == written.id
