"""`reconstruct`, `encode` and `decode`: sounds of every kind through a model that was really trained."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill_tui.cli.main import run as main
from tests.conftest import Trained
from tests.data.sounds import sine, write

M = "tones [a] b"


@pytest.fixture
def home(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISTILL_TUI_HOME", str(trained.home.root))
    return trained.home.root


def facts(path: Path) -> tuple[int, int, int, str]:
    info = soundfile.info(path)
    return info.frames, info.samplerate, info.channels, info.subtype


@pytest.mark.parametrize(
    ("name", "rate", "channels", "seconds", "subtype", "written"),
    [
        ("a.wav", 8000, 1, 0.5, "PCM_16", "PCM_16"),
        pytest.param("a.wav", 44100, 2, 0.5001, "PCM_24", "PCM_24", marks=pytest.mark.slow),
        pytest.param("a.wav", 11127, 3, 0.37, "FLOAT", "FLOAT", marks=pytest.mark.slow),
        pytest.param("a.flac", 96000, 1, 0.2, "PCM_24", "PCM_24", marks=pytest.mark.slow),
        pytest.param("a.wav", 48000, 1, 1 / 48000, "PCM_U8", "PCM_16", marks=pytest.mark.slow),
        pytest.param("a.ogg", 22050, 2, 0.3, "VORBIS", "PCM_16", marks=pytest.mark.slow),
    ],
)
def test_a_sound_comes_back_as_long_and_at_the_rate_that_it_had(
    home: Path, tmp_path: Path, name: str, rate: int, channels: int, seconds: float, subtype: str, written: str
) -> None:
    wave = np.stack([sine(seconds, rate, 300 * (i + 1)) for i in range(channels)], 1)
    source = write(tmp_path / name, wave, rate, subtype=subtype)
    assert main(["reconstruct", M, str(source), "--out", str(tmp_path / "out")]) == 0
    assert facts(tmp_path / "out" / "a.wav") == (soundfile.info(source).frames, rate, channels, written)


@pytest.mark.slow
def test_decode_of_encode_is_reconstruct_sample_for_sample(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", np.stack([sine(1.5, 22050, 300), sine(1.5, 22050, 500)], 1), 22050)
    codes, out = str(tmp_path / "a.npz"), str(tmp_path / "decoded.wav")
    assert main(["reconstruct", M, str(source), "--out", str(tmp_path / "out")]) == 0
    assert main(["encode", M, str(source), "--out", codes]) == 0
    assert main(["decode", M, codes, "--out", out]) == 0
    assert Path(out).read_bytes() == (tmp_path / "out" / "a.wav").read_bytes()
    with np.load(codes, allow_pickle=False) as file:
        assert file["codes"].shape[0] == 2
        assert file["codes"].shape[2] == 2
        assert (int(file["rate"]), int(file["source_rate"]), int(file["length"])) == (8000, 22050, 33075)
    assert main(["encode", M, str(source), "--out", codes, "--levels", "1"]) == 0
    assert main(["decode", M, codes, "--out", out]) == 0
    assert facts(Path(out))[:3] == (33075, 22050, 2)


def test_codes_of_a_beam_decode_to_what_reconstruct_makes_with_it(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, codes, out = write(tmp_path / "a.wav"), str(tmp_path / "a.npz"), tmp_path / "decoded.wav"
    assert main(["encode", M, str(source), "--out", codes, "--beam", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["beam"] == 4
    assert main(["decode", M, codes, "--out", str(out)]) == 0
    assert main(["reconstruct", M, str(source), "--out", str(tmp_path / "out"), "--beam", "4"]) == 0
    assert out.read_bytes() == (tmp_path / "out" / "a.wav").read_bytes()


@pytest.mark.slow
def test_a_long_sound_in_pieces_is_the_sound_at_once(trained: Trained) -> None:
    """Chunks of the stream are those of the whole, wherever the blocks were cut."""
    import torch

    from distill_tui.engine.inference import files
    from distill_tui.engine.inference.chunks import CHUNK_FRAMES
    from distill_tui.engine.inference.model import Model

    model = Model.load(trained.model)
    random = np.random.default_rng(0)
    hop = model.net.latent_hop
    for length in (1, hop, CHUNK_FRAMES * hop, int(3.3 * CHUNK_FRAMES * hop) + 17):
        wave = (0.1 * random.standard_normal((length, 2))).astype(np.float32)
        cuts = sorted(random.integers(0, length, 7).tolist())
        blocks = [block for block in np.split(wave, cuts) if len(block)]
        codes = torch.cat(list(files.encode_blocks(model, iter(blocks))), 1)
        assert torch.equal(codes, model.encode(torch.from_numpy(wave.T.copy())))
        beam = torch.cat(list(files.encode_blocks(model, iter(blocks), beam=4)), 1)
        assert torch.equal(beam, model.encode(torch.from_numpy(wave.T.copy()), beam=4))
        made = np.concatenate(list(files.decode_codes(model, codes)))
        assert np.array_equal(made.T, model.decode(codes).numpy())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """On two cores that other tests work on too, two threads wait for each other most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_memory_does_not_grow_with_the_length_of_a_sound(trained: Trained, tmp_path: Path) -> None:
    """Sixteen minutes take what two minutes take: their samples alone would be 31 MB, each time they are held."""
    from distill_tui.engine.inference import files
    from distill_tui.engine.inference.model import Model

    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("only Linux tells the peak of a part of a process")
    model = Model.load(trained.model)

    def peak(minutes: int) -> int:
        """The most memory in kB while so much sound goes there and back."""
        source, made = tmp_path / f"{minutes}.wav", tmp_path / "made.wav"
        write(source, np.tile(sine(1.0, model.sample_rate, 300), 60 * minutes), model.sample_rate)
        Path("/proc/self/clear_refs").write_text("5")
        files.decode_file(model, files.encode_file(model, source), made)
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    peak(2)
    assert peak(16) - peak(2) < 20_000


def test_resampling_there_and_back_keeps_length_and_place() -> None:
    from distill_tui.data.audio_io import fit_length, resampled

    wave = np.stack([sine(1.0, 44100, 440), sine(1.0, 44100, 660)], 1).astype(np.float32)
    there = list(resampled(iter(np.array_split(wave, 9)), 44100, 16000))
    assert sum(map(len, there)) == 16000
    back = np.concatenate(list(fit_length(resampled(iter(there), 16000, 44100), 44100)))
    assert back.shape == wave.shape
    assert np.abs(back[2000:-2000] - wave[2000:-2000]).max() < 1e-3


@pytest.mark.slow
def test_folders_keep_their_shape_and_nothing_is_overwritten(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in [x]"
    for name in ("a.wav", "a.flac", "deep er/a.wav"):
        write(folder / name)
    (folder / "notes.txt").write_text("not a sound, and no failure")
    write(tmp_path / "a.wav", sine(hertz=999))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    arguments = ["reconstruct", M, str(folder), str(tmp_path / "a.wav"), "--out", str(folder), "--json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    made = {str(Path(result["out"]).relative_to(folder)) for result in document["files"]}
    assert len(made) == 4
    assert "deep er/a-2.wav" in made
    assert all(path.read_bytes() == content for path, content in before.items())
    distances = [result["distance"] for result in document["files"]]
    assert document["distance"] == pytest.approx(np.mean(distances))
    assert all(distance > 0 for distance in distances)


def test_a_bad_file_is_named_and_the_others_are_made(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good.wav")
    bad = tmp_path / "bad\x1b.wav"
    bad.write_text("no sound")
    hole = write(tmp_path / "hole.wav", np.array([0.0, np.nan, 0.0]), 16000, subtype="FLOAT")
    out = tmp_path / "out"
    assert main(["reconstruct", M, str(bad), str(good), str(hole), "--out", str(out), "--json"]) == 1
    told = capsys.readouterr()
    assert "\x1b" not in told.err
    assert "NaN" in told.err
    results = json.loads(told.out)["files"]
    assert [result["error"] is None for result in results] == [False, True, False]
    assert [path.name for path in out.iterdir()] == ["good.wav"]


def test_wrong_requests_change_nothing(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write(tmp_path / "good.wav")
    out = tmp_path / "out"
    for arguments in (
        ["reconstruct", "nothing", str(good), "--out", str(out)],
        ["reconstruct", M, str(tmp_path / "gone.wav"), "--out", str(out)],
        ["reconstruct", M, str(good), "--out", str(good)],
        ["reconstruct", M, str(good), "--out", str(out), "--levels", "3"],
        ["reconstruct", M, str(good), "--out", str(out), "--device", "gpu"],
        ["encode", M, str(good), "--out", str(out), "--beam", "0"],
        ["encode", M, str(good), "--out", str(good)],
        ["encode", M, str(tmp_path), "--out", str(out)],
        ["decode", M, str(good), "--out", str(out)],
        ["decode", M, str(tmp_path / "gone.npz"), "--out", str(out)],
    ):
        assert main(arguments) == 2, arguments
        assert capsys.readouterr().err.startswith("distill-tui: ")
    assert [path.name for path in tmp_path.iterdir()] == ["good.wav"]


def test_codes_of_another_model_are_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from distill_tui.engine.inference.codes_file import Codes

    source, codes = write(tmp_path / "a.wav"), tmp_path / "a.npz"
    assert main(["encode", M, str(source), "--out", str(codes)]) == 0
    loaded = Codes.load(codes)
    for change in ({"weights_sha256": "0" * 64}, {"codes": loaded.codes + 8}, {"codes": loaded.codes[:, :-1]}):
        import msgspec

        msgspec.structs.replace(loaded, **change).save(tmp_path / "other.npz")
        assert main(["decode", M, str(tmp_path / "other.npz"), "--out", str(tmp_path / "o.wav")]) == 2
    assert "of model" in capsys.readouterr().err
    damaged = codes.read_bytes()
    (tmp_path / "cut.npz").write_bytes(damaged[: len(damaged) // 2])
    assert main(["decode", M, str(tmp_path / "cut.npz"), "--out", str(tmp_path / "o.wav")]) == 2
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.slow
def test_a_model_without_codebooks_stores_its_latents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.test_model import put, small

    monkeypatch.chdir(tmp_path)
    put(tmp_path / "m.distill", small(model__quantizer="vae"))
    write(tmp_path / "a.wav", sine(0.3, 16000, 300), 16000)
    assert main(["reconstruct", "m.distill", "a.wav", "--out", "out"]) == 0
    assert main(["encode", "m.distill", "a.wav", "--out", "a.npz"]) == 0
    assert main(["decode", "m.distill", "a.npz", "--out", "b.wav"]) == 0
    assert (tmp_path / "b.wav").read_bytes() == (tmp_path / "out" / "a.wav").read_bytes()
    assert main(["models", "evaluate", "m.distill", "a.wav"]) == 0
    assert "the latents are continuous" in capsys.readouterr().out
    for flag in ("--levels", "--beam"):
        assert main(["reconstruct", "m.distill", "a.wav", "--out", "more", flag, "2"]) == 2
        assert "has no codebooks" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_codes_are_refused_or_still_the_same(home: Path, trained: Trained, tmp_path: Path) -> None:
    """Hundreds of accidents: each is one clear error, or did not matter."""
    import random

    from distill_tui.engine.inference import files
    from distill_tui.engine.inference.codes_file import Codes
    from distill_tui.engine.inference.model import Model
    from distill_tui.errors import RequestError
    from tests.library.test_hostile import mutated

    model, path = Model.load(trained.model), tmp_path / "a.npz"
    files.encode_file(model, write(tmp_path / "a.wav", sine(0.5, 8000, 300), 8000)).save(path)
    content, codes = path.read_bytes(), Codes.load(path)
    refused = 0
    for seed in range(400):
        path.write_bytes(mutated(content, random.Random(seed)))
        try:
            found = Codes.load(path)
            files.check_codes(model, found)
            assert np.array_equal(found.codes, codes.codes), seed
        except RequestError as error:
            assert error.exit_code == 2
            refused += 1
    assert refused > 300


@pytest.mark.slow
def test_the_distance_of_long_sounds_is_told_in_pieces(trained: Trained, tmp_path: Path) -> None:
    from distill_tui.engine.inference.evaluate import compare_files

    a = write(tmp_path / "a.wav", sine(3.0, 16000), 16000)
    shutil.copy(a, tmp_path / "same.wav")
    same = compare_files(a, tmp_path / "same.wav")
    assert (same.mel, same.stft, same.pieces) == (0.0, 0.0, 1)
    assert same.si_sdr is not None
    assert same.si_sdr > 100
    long = write(tmp_path / "long.wav", sine(70.0, 16000), 16000)
    quiet = write(tmp_path / "quiet.wav", 0.5 * sine(70.0, 16000), 16000)
    found = compare_files(long, quiet)
    assert found.pieces == 2
    assert found.mel > 0.05
    assert found.si_sdr is not None
    assert found.si_sdr > 60, "a scale is no distortion"


@pytest.mark.slow
def test_progress_is_told_as_lines_of_json_beside_the_document(
    home: Path, trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reconstruct", M, str(trained.sounds), "--out", str(tmp_path / "out"), "--json", "--progress"]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.err.splitlines()] == [{"done": n, "total": 5} for n in range(6)]
    assert len(json.loads(told.out)["files"]) == 5


def test_a_foreign_file_is_told_what_it_is_not_and_no_way_to_run_it(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """numpy's own words advise to load it with pickle."""
    objects, text, cut = tmp_path / "objects.npy", tmp_path / "text.npz", tmp_path / "cut.npz"
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    text.write_text("no codes")
    cut.write_bytes(b"PK\x03\x04 and no more")
    for path in (objects, text, cut):
        home = ["--home", str(trained.home.root)]
        assert main([*home, "decode", str(trained.model), str(path), "--out", str(tmp_path / "out.wav")]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"distill-tui: {path}: not a file of codes, or a damaged one\n")
        assert "pickle" not in told


def test_one_sound_goes_to_a_pipe_and_flac_to_a_folder(
    home: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = write(tmp_path / "a.wav", sine(0.5, 8000, 300), 8000)
    single = write(tmp_path / "b.wav", sine(0.25, 8000, 300), 8000, subtype="FLOAT")
    out = tmp_path / "out"
    assert main(["reconstruct", M, str(source), "--out", str(out)]) == 0
    capfdbinary.readouterr()
    assert main(["reconstruct", M, str(source), "--stdout"]) == 0
    assert capfdbinary.readouterr().out == (out / "a.wav").read_bytes()
    for wrong in ([str(source), str(single)], [str(tmp_path)], [str(source), "--json"], [str(source), "--out", "x"]):
        assert main(["reconstruct", M, *wrong, "--stdout"]) == 2
    assert main(["reconstruct", M, str(source)]) == 2
    assert not capfdbinary.readouterr().out.startswith(b"RIFF")
    assert main(["reconstruct", M, str(source), str(single), "--out", str(out), "--format", "flac"]) == 0
    assert facts(out / "a.flac") == (4000, 8000, 1, "PCM_16")
    assert facts(out / "b.flac") == (2000, 8000, 1, "PCM_24"), "FLAC has no floating point"
