"""Manifests of a run: a damaged one is told as that, and is never believed."""

import random
from pathlib import Path

import msgspec
import pytest

from distill_tui.data import corpus as corpus_module
from distill_tui.data.corpus import Corpus, Sound, assign_split
from distill_tui.data.images.dataset import Pictures, find_pictures
from distill_tui.data.known_sounds import splits_of
from distill_tui.data.scan import scan
from distill_tui.errors import DistillError
from distill_tui.library.card import Card, check_parts
from distill_tui.paths import Home
from tests.data.sounds import write

ARTEFACTS = Path(__file__).parents[1] / "artefacts"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    for name in ("a.wav", "b.wav", "ümläut.wav"):
        write(tmp_path / "sounds" / name)
    (tmp_path / "sounds" / "notes.txt").touch()
    return scan([tmp_path / "sounds"], 1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_no_damage_is_believed(corpus: Corpus, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "sounds.json"
    chance = random.Random(seed)
    for facts in (corpus, find_pictures(None, 0.2)):
        facts.save(path)
        good = path.read_bytes()
        assert type(facts).load(path) == facts
        for _ in range(40):
            damaged = bytearray(good)
            damaged[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            try:
                # white space between the parts, or the word for the hash: what was meant is there all the same
                assert type(facts).load(path) == facts, bytes(damaged)
            except DistillError as error:
                assert "sounds.json: damaged: " in error.message
                assert "Start a new run" in error.hint


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b"null",
        b'{"paths": 7}',
        b'{"paths": ["\xff"]}',
        b'{"paths": [], "hash": 12}',
    ],
    ids=range(7),
)
def test_what_is_no_manifest_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sounds.json").write_bytes(content)
    for kind in (Corpus, Pictures):
        with pytest.raises(DistillError, match=r"sounds\.json: damaged: "):
            kind.load(tmp_path / "sounds.json")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"gone\.json: cannot be read: No such file"):
        Corpus.load(tmp_path / "gone.json")
    with pytest.raises(DistillError, match="is a folder"):
        Corpus.load(tmp_path)


def test_a_manifest_of_a_release_that_wrote_no_hash_is_read(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "sounds.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(corpus), indent=1))
    assert Corpus.load(path) == corpus


@pytest.mark.parametrize("path", sorted(ARTEFACTS.glob("*/runs/*/sounds.json")), ids=lambda path: path.parent.name)
def test_the_split_of_early_releases_is_read(path: Path) -> None:
    assert Corpus.load(path).validation_fraction == 0.2


def test_the_card_of_many_sounds_stays_small_and_the_runs_manifest_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = [
        Sound(path=f"/x/{n}", name=f"{n % 3}/{n}.wav", content=f"{n:040x}", rate=8000, channels=1, seconds=1.0)
        for n in range(30)
    ]
    assign_split(sounds, 0.1)
    corpus = Corpus(paths=["/x"], sounds=sounds)
    home = Home(tmp_path)
    splits = {sound.content: str(sound.split) for sound in sounds}
    assert splits_of(corpus.described(), "run", None) == splits
    monkeypatch.setattr(corpus_module, "MOST_LISTED", 20)
    monkeypatch.setattr(corpus_module, "MOST_FOLDERS", 2)
    data = corpus.described()
    assert data["files"] == 30 and "sounds" not in data
    assert data["folders"] == {"0": 10, "1": 10, "(others)": 10}
    check_parts(Card(data=data))
    assert splits_of(data, "run", home) is None
    corpus.save(home.runs / "run" / "sounds.json")
    assert splits_of(data, "../run", home) == splits
    # of another run of the same name
    Corpus(paths=["/y"], sounds=sounds).save(home.runs / "run" / "sounds.json")
    assert splits_of(data, "run", home) is None
