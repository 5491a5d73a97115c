"""The library: save, find, rename, delete and restore, export and import."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_tui.errors import DistillError, RequestError
from distill_tui.library import container
from distill_tui.library.container import read_card, verify
from distill_tui.library.store import Library
from distill_tui.paths import Home
from tests.library.models import card, tensors, write


@pytest.fixture
def library(home: Home) -> Library:
    return Library(home)


def save(library: Library, name: str, run: str = "", seed: int = 0) -> str:
    """Save a model; its id."""
    return library.save(tensors(seed), card(name=name, run=run))[0].id


def names(library: Library) -> list[str]:
    return sorted(entry.name for entry in library.list())


def test_an_empty_library_lists_nothing_and_makes_no_folder(library: Library) -> None:
    assert library.list() == [] and not library.folder.exists()


def test_what_is_saved_is_listed_found_and_sound(library: Library) -> None:
    saved, path = library.save(tensors(), card(name="birds"))
    assert path == library.folder / "birds.distill"
    assert read_card(path) == saved == library.verify("birds")
    (entry,) = library.list()
    assert (entry.name, entry.id, entry.path, entry.created, entry.error) == (
        "birds",
        saved.id,
        path,
        saved.created,
        "",
    )
    assert entry.recipe == saved.recipe
    assert entry.summary is not None and entry.summary.losses == saved.losses
    for ref in ("birds", "birds.distill", saved.id, saved.id[:4], str(path)):
        assert library.find(ref).path == path


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(library: Library) -> None:
    ids = [save(library, "bi/rds", run=f"run-{i}", seed=i) for i in range(3)]
    assert names(library) == ["bi-rds", "bi-rds-2", "bi-rds-3"]
    assert [library.find(n).id for n in names(library)] == ids


@pytest.mark.slow
@settings(database=None, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=300))
def test_any_name_becomes_a_file_in_the_library_and_is_found_by_it(library: Library, name: str) -> None:
    saved, path = library.save(tensors(), card(name=name, run=""))
    assert path.parent == library.folder and path.is_file() and not path.name.startswith(".")
    assert library.find(saved.name).id == saved.id
    assert library.restore(library.delete(saved.name).name).id == saved.id
    library.delete(saved.id)
    library.empty_trash()


def test_a_run_has_one_model_and_a_resumed_run_updates_it(library: Library) -> None:
    first, path = library.save(tensors(0), card(name="birds", run="r1", step=10))
    library.rename("birds", "gulls")
    second, again = library.save(tensors(1), card(name="birds", run="r1", step=20))
    assert (second.id, second.name, again) == (first.id, "gulls", path.with_name("gulls.distill"))
    assert second.weights_sha256 != first.weights_sha256
    assert [(e.name, e.summary.step) for e in library.list() if e.summary] == [("gulls", 20)]
    assert verify(again) == second


def test_models_without_a_run_are_never_taken_for_one_another(library: Library) -> None:
    save(library, "a")
    save(library, "b")
    assert names(library) == ["a", "b"]


def test_an_id_that_is_taken_is_not_given_twice(library: Library) -> None:
    first, _ = library.save(tensors(), card(name="a", run="", id="0123456789ab"))
    second, _ = library.save(tensors(), card(name="b", run="", id="0123456789ab"))
    assert first.id == "0123456789ab" != second.id


def test_a_name_nobody_has_is_answered_with_the_nearest(library: Library) -> None:
    save(library, "seagulls")
    with pytest.raises(RequestError) as caught:
        library.find("seagul")
    assert str(caught.value) == "no model 'seagul'\nNearest: seagulls"
    for ref in ("", "x", "\0", "x" * 300, "nothing.distill", "/nowhere/m.distill", "~nobody-here/m.distill"):
        with pytest.raises(RequestError):
            library.find(ref)


def test_the_beginning_of_two_ids_is_refused_with_both(library: Library) -> None:
    for name, id in (("a", "abcd00000001"), ("b", "abcd00000002")):
        library.save(tensors(), card(name=name, run="", id=id))
    with pytest.raises(RequestError, match=r"'abcd' means 2 models: abcd0000000\d \([ab]\), abcd"):
        library.find("abcd")
    assert library.find("abcd00000001").name == "a"
    with pytest.raises(RequestError, match="no model 'abc'"):
        library.find("abc")


def test_a_name_goes_before_an_id(library: Library) -> None:
    library.save(tensors(), card(name="a", run="", id="beefbeefbeef"))
    save(library, "beef")
    assert library.find("beef").name == "beef"


def test_a_file_outside_is_found_by_its_path_and_not_changed(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "gift.distill")
    assert library.find(str(tmp_path / "gift.distill")).name == "gift"
    for change in (lambda r: library.rename(r, "x"), library.delete):
        with pytest.raises(RequestError, match="is not in the library"):
            change(str(tmp_path / "gift.distill"))
    assert (tmp_path / "gift.distill").is_file()


def test_a_path_into_the_library_is_the_model_however_it_is_written(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(library, "birds")
    monkeypatch.chdir(library.folder)
    assert library.find("./birds.distill").path == library.folder / "birds.distill"
    assert library.delete("../models/birds.distill").name == "birds"


def test_rename_cleans_numbers_and_refuses_nothing(library: Library) -> None:
    id = save(library, "a")
    save(library, "b")
    assert library.rename("a", "b").name == "b-2"
    assert library.rename("b-2", "c/d.distill").name == "c-d"
    assert library.rename(id, "c-d").name == "c-d"
    assert library.find("c-d").id == id
    assert read_card(library.find(id).path).name == "c-d"
    with pytest.raises(RequestError, match="cannot be the name"):
        library.rename("b", " /// ")
    assert names(library) == ["b", "c-d"]


def test_what_is_deleted_is_in_the_trash_and_comes_back(library: Library) -> None:
    first = save(library, "birds", seed=0)
    library.delete("birds")
    second = save(library, "birds", seed=1)
    library.delete(second)
    third = save(library, "birds", seed=2)
    assert [e.id for e in library.trashed()] == [second, first]
    assert library.restore("birds").name == "birds-2"
    assert library.find("birds-2").id == second
    assert library.restore(first[:12]).name == "birds-3"
    assert library.find("birds").id == third
    with pytest.raises(RequestError, match="no model 'birds' in the trash"):
        library.restore("birds")
    library.verify("birds-3")
    library.delete("birds")
    assert library.empty_trash() == 1 and library.trashed() == []
    assert names(library) == ["birds-2", "birds-3"]


def test_a_model_that_comes_back_after_its_run_saved_another_stays_as_it_was(library: Library) -> None:
    first, _ = library.save(tensors(0), card(name="birds", run="r1", step=10, created="2026-01-01T00:00:00Z"))
    library.delete("birds")
    library.save(tensors(1), card(name="birds", run="r1", step=20, created="2026-01-02T00:00:00Z"))
    back = library.restore(first.id)
    assert (back.name, back.id) == ("birds-2", first.id)
    # the run goes on: its newest model is updated, and not the one that was taken back
    library.save(tensors(2), card(name="birds", run="r1", step=30, created="2026-01-03T00:00:00Z"))
    assert {e.name: e.summary.step for e in library.list() if e.summary} == {"birds": 30, "birds-2": 10}
    assert library.verify("birds-2").weights_sha256 == first.weights_sha256


def test_a_model_that_comes_back_beside_its_own_copy_gets_another_id(library: Library, tmp_path: Path) -> None:
    id = save(library, "birds", run="r1")
    library.export("birds", tmp_path / "gift.distill")
    library.delete("birds")
    assert library.import_file(tmp_path / "gift.distill").id == id
    back = library.restore("birds")
    assert back.id != id
    assert library.verify("birds").notes[-1] == f"A copy of model {id} of run r1."
    assert library.find(id).name == "gift"
    assert library.trashed() == []


def test_a_damaged_file_can_be_renamed_and_deleted(library: Library) -> None:
    save(library, "fine")
    (library.folder / "bad.distill").write_text("junk")
    assert library.rename("bad", "worse").error
    library.delete("worse")
    assert names(library) == ["fine"]


def test_export_copies_and_refuses_to_overwrite(library: Library, tmp_path: Path) -> None:
    save(library, "birds")
    target = library.export("birds", tmp_path / "deep" / "birds.distill", with_data=True)
    assert target.read_bytes() == (library.folder / "birds.distill").read_bytes()
    assert library.export("birds", tmp_path) == tmp_path / "birds.distill"
    target.write_text("mine")
    with pytest.raises(RequestError, match="is there already"):
        library.export("birds", target)
    assert target.read_text() == "mine"


def test_what_is_given_away_tells_nothing_of_the_sounds(library: Library, tmp_path: Path) -> None:
    secret = "/home/ada/secret project"
    data = {"files": 1, "seconds": 2.0, "paths": [secret], "sounds": [["demo take.wav", "00ffabcd", "training"]]}
    recipe = {"data": {"paths": [secret], "crop_seconds": 1.0}, "train": {"start_from": f"{secret}/s.distill"}}
    notes = ["a dead codebook", "skipped demo take.wav: is empty"]
    library.save(tensors(), card(name="birds", data=data, recipe=recipe, notes=notes))
    whole = library.verify("birds")
    given = library.export("birds", tmp_path / "gift.distill")
    content = given.read_bytes()
    assert not any(word in content for word in (b"home", b"secret", b"demo take", b"00ffabcd"))
    found = container.verify(given)
    assert found.weights_sha256 == whole.weights_sha256 and found.id == whole.id
    assert found.data == {"files": 1, "seconds": 2.0}
    assert found.recipe == {"data": {"paths": [], "crop_seconds": 1.0}, "train": {"start_from": ""}}
    assert found.notes == ["a dead codebook"] and found.history == whole.history
    assert Library(Home(tmp_path / "other")).import_file(given).id == whole.id


def test_a_damaged_model_is_not_exported(library: Library, tmp_path: Path) -> None:
    save(library, "birds")
    path = library.folder / "birds.distill"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RequestError, match="weights are damaged"):
        library.export("birds", tmp_path / "gift.distill")
    assert not (tmp_path / "gift.distill").exists()


def test_import_keeps_the_id_of_a_model_that_is_new_here(library: Library, tmp_path: Path) -> None:
    given = write(tmp_path / "birds.distill")
    save(library, "birds")
    entry = library.import_file(tmp_path / "birds.distill")
    assert (entry.name, entry.id) == ("birds-2", given.id)
    assert library.verify("birds-2").weights_sha256 == given.weights_sha256


def test_a_copy_of_a_model_that_is_here_is_a_model_of_its_own(library: Library, tmp_path: Path) -> None:
    id = save(library, "birds", run="r1")
    library.import_file(library.export("birds", tmp_path / "before.distill"))
    copied = library.verify("before")
    assert copied.id != id and copied.run == ""
    assert copied.notes[-1] == f"A copy of model {id} of run r1."
    save(library, "birds", run="r1", seed=1)
    assert names(library) == ["before", "birds"]
    assert library.verify("before") == copied


def test_import_of_a_damaged_file_changes_nothing(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "m.distill")
    content = bytearray((tmp_path / "m.distill").read_bytes())
    content[-1] ^= 1
    (tmp_path / "m.distill").write_bytes(content)
    with pytest.raises(RequestError, match="weights are damaged"):
        library.import_file(tmp_path / "m.distill")
    with pytest.raises(RequestError, match="no such file"):
        library.import_file(tmp_path / "none.distill")
    assert library.list() == []


def test_a_home_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    library = Library(Home(tmp_path / "file"))
    with pytest.raises(DistillError, match="cannot write"):
        library.save(tensors(), card())
