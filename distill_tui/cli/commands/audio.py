"""Commands: reconstruct, encode, decode: sounds through a model of the library."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_tui.cli.output import print_json, say
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import expand
from distill_tui.reporting import sound_quality
from distill_tui.text import printable, unused_name

if TYPE_CHECKING:
    from distill_tui.engine.inference.model import Model
    from distill_tui.takes.sound_file import Format

MODEL_HELP = "a model: its name, its id, or the path of a .distill file"
BEAM_HELP = (
    "keep the N best sums of codes from level to level (1 to 256; default 1: the nearest code of each level). 8 lowers "
    "the error of the latents by 15 to 36 %%; the sound hardly gains"
)
MAX_BEAM = 256


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""

    def add(name: str, run: Any, help: str, description: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(
            name, parents=[shared], help=help, description=description, allow_abbrev=False
        )
        parser.add_argument("model", metavar="M", help=MODEL_HELP)
        parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, ... or mps")
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.set_defaults(run=run)
        return parser

    parser = add(
        "reconstruct",
        reconstruct,
        "sounds through a model: each comes out as long and at the rate that it had",
        "Put each sound through the model, and print its log-mel distance to the original. Files of the same "
        "length, rate and channels are written.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a sound file, or a folder with its sub-folders")
    parser.add_argument("--out", metavar="DIR", help="the folder to write to")
    parser.add_argument("--stdout", action="store_true", help="in place of --out, for one sound: WAV, for `| play -`")
    parser.add_argument(
        "--format",
        metavar="F",
        choices=("wav", "flac"),
        help="wav, or flac, which has 24 bits for floating point (default: [sounds] format of settings.toml, or wav)",
    )
    parser.add_argument("--progress", action="store_true", help="tell how far it is, on standard error, as JSON lines")
    add_code_flags(parser)
    parser = add(
        "encode",
        encode,
        "a sound to codes",
        "Write the codes of a sound as an .npz file: `codes` [channels, frames, levels], and what decoding needs.",
    )
    parser.add_argument("file", metavar="FILE", help="a sound file")
    parser.add_argument("--out", metavar="CODES", required=True, help="the .npz file to write")
    add_code_flags(parser)
    parser = add("decode", decode, "codes to a sound", "Write the sound of codes that `encode` made, as a WAV file.")
    parser.add_argument("codes", metavar="CODES", help="an .npz file that `encode` wrote")
    parser.add_argument(
        "--out", metavar="FILE", required=True, help="the WAV file to write; FLAC if it is called *.flac"
    )


def add_code_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of how codes are searched."""
    parser.add_argument("--levels", metavar="K", help="use the first K levels only (default: all)")
    parser.add_argument("--beam", metavar="N", default="1", help=BEAM_HELP)


def reconstruct(options: argparse.Namespace) -> int:
    """Each sound through the model; 1 when some could not be."""
    from distill_tui.data.silence_stderr import quiet_decoders

    if options.stdout:
        return _reconstruct_to_stdout(options)
    if options.out is None:
        raise RequestError("--out DIR, is missing", "See: distill-tui reconstruct --help")
    jobs = _targets(options.files, expand(options.out), sound_format(options))
    model = open_model(options.home, options.model, options.device)
    levels, beam = wanted_levels(options, model), wanted_beam(options, model)
    from distill_tui.engine.inference import evaluate

    results: list[dict[str, Any]] = []
    with quiet_decoders():
        for number, (source, target, problem) in enumerate(jobs):
            tell_progress(options, number, len(jobs))
            result: dict[str, Any] = {
                "file": str(source),
                "out": None,
                "distance": None,
                "measures": None,
                "pieces": None,
                "error": None,
            }
            results.append(result)
            try:
                if problem:
                    raise DistillError(f"{printable(str(source))}: {problem}")
                codes, _ = evaluate.reconstruct_file(model, source, target, levels, beam=beam)
                found = evaluate.compare_files(source, target)
                result["distance"], result["pieces"] = found.mel, found.pieces
                result["measures"] = sound_quality.summary([found.numbers])
                result["out"] = str(target)
            except DistillError as error:
                result["error"] = error.message
                say(f"distill-tui: {error}")
            else:
                _say_note(source, codes.note)
                if not options.json:
                    pieces = f" (mean of {result['pieces']} pieces)" if result["pieces"] > 1 else ""
                    print(f"{result['distance']:.4f}{pieces}  {printable(str(target))}", flush=True)
    tell_progress(options, len(jobs), len(jobs))
    done = [result["distance"] for result in results if result["error"] is None]
    mean = sum(done) / len(done) if done else None
    if options.json:
        from distill_tui.text import encode_path

        for result in results:
            result.update({key: encode_path(result[key]) for key in ("file", "out") if result[key]})
        facts = {"model": model.card.id, "levels": levels or model.levels, "beam": beam}
        print_json({**facts, "distance": mean, "files": results})
    elif len(done) > 1:
        print(f"{mean:.4f}  mean of {len(done)} sounds")
    return 0 if len(done) == len(results) else 1


def _reconstruct_to_stdout(options: argparse.Namespace) -> int:
    """One sound through the model, as WAV to a pipe; nothing else goes there."""
    import tempfile

    from distill_tui.cli.output import check_sound_output, write_sound
    from distill_tui.data.silence_stderr import quiet_decoders

    check_sound_output(options, "out", "format", "progress")
    source = expand(options.files[0])
    _must_exist(source)
    if len(options.files) > 1 or source.is_dir():
        raise RequestError("--stdout: takes one sound file", "Write several to a folder with --out.")
    model = open_model(options.home, options.model, options.device)
    levels, beam = wanted_levels(options, model), wanted_beam(options, model)
    from distill_tui.engine.inference.evaluate import reconstruct_file

    with tempfile.TemporaryDirectory(prefix="distill-tui-") as folder:
        # a WAV file begins with its length, and is written in blocks
        target = Path(folder) / "reconstruction.wav"
        with quiet_decoders():
            codes, _ = reconstruct_file(model, source, target, levels, beam=beam)
        _say_note(source, codes.note)
        with target.open("rb") as file:
            write_sound(file)
    return 0


def sound_format(options: argparse.Namespace) -> "Format":
    """The format of sound files to write: that of `--format`, or a person's own, or WAV."""
    from distill_tui.paths import find_home
    from distill_tui.settings import read_settings

    chosen = options.format or read_settings(find_home(options.home)).sound_format
    return "flac" if chosen == "flac" else "wav"


def encode(options: argparse.Namespace) -> int:
    """A sound to a file of codes."""
    from distill_tui.data.silence_stderr import quiet_decoders

    source, target = expand(options.file), expand(options.out)
    _must_exist(source)
    if source.is_dir():
        raise RequestError(f"{printable(options.file)}: is a folder", "encode takes one sound file.")
    _refuse_same(source, target)
    model = open_model(options.home, options.model, options.device)
    levels, beam = wanted_levels(options, model), wanted_beam(options, model)
    from distill_tui.engine.inference.files import encode_file

    with quiet_decoders():
        codes = encode_file(model, source, levels, beam)
    codes.save(target)
    _say_note(source, codes.note)
    channels, frames, count = codes.codes.shape
    if options.json:
        print_json(
            {
                "out": str(target),
                "model": model.card.id,
                "channels": channels,
                "frames": frames,
                "levels": count,
                "beam": beam,
                "rate": codes.rate,
                "source_rate": codes.source_rate,
                "length": codes.length,
            }
        )
    else:
        print(f"{channels} x {frames} frames x {count} levels: {printable(str(target))}")
    return 0


def decode(options: argparse.Namespace) -> int:
    """A file of codes to a sound."""
    from distill_tui.engine.inference.codes_file import Codes
    from distill_tui.engine.inference.files import decode_file

    source, target = expand(options.codes), expand(options.out)
    codes = Codes.load(source)
    _refuse_same(source, target)
    model = open_model(options.home, options.model, options.device)
    decode_file(model, codes, target)
    if options.json:
        print_json({"out": str(target), "rate": codes.source_rate, "length": codes.length})
    else:
        print(f"{codes.length / codes.source_rate:.3f} s at {codes.source_rate} Hz: {printable(str(target))}")
    return 0


def open_model(home: str | None, wanted: str, device: str) -> "Model":
    """The model `wanted` (a name, an id or a path) on `device`.

    Raises:
        RequestError: there is no such model, or it cannot be used there.
    """
    from distill_tui.library.store import Library
    from distill_tui.paths import find_home

    device = on_device(device)
    path = Library(find_home(home)).find(wanted).path
    from distill_tui.engine.inference.model import Model

    return Model.load(path, device)


def on_device(name: str) -> str:
    """The device of `--device`, checked; sets what torch is to be loaded with.

    Raises:
        RequestError: there is no such device.
    """
    from distill_tui.machine import COMPUTING
    from distill_tui.recipe.fields import check, fields

    device, problem = check(fields()["train.device"], name)
    if problem:
        raise RequestError(problem.replace("train.device", "--device", 1))
    # before torch is loaded
    for key, value in COMPUTING.items():
        os.environ.setdefault(key, value)
    return str(device)


def wanted_levels(options: argparse.Namespace, model: "Model") -> int | None:
    if options.levels is None:
        return None
    if not model.levels:
        raise RequestError("--levels: this model has no codebooks, and so no levels")
    if not options.levels.isdecimal() or not 1 <= int(options.levels) <= model.levels:
        raise RequestError(f"--levels: '{printable(options.levels)}' is not a whole number, 1 to {model.levels}")
    return int(options.levels)


def wanted_beam(options: argparse.Namespace, model: "Model") -> int:
    """The width of the search for codes; 1 without `--beam`.

    Raises:
        RequestError: it is out of range, or the model has no codes to search.
    """
    if not options.beam.isdecimal() or not 1 <= int(options.beam) <= MAX_BEAM:
        raise RequestError(f"--beam: '{printable(options.beam)}' is not a whole number, 1 to {MAX_BEAM}")
    if options.beam != "1" and not model.levels:
        raise RequestError("--beam: this model has no codebooks, and so no codes to search")
    if options.beam != "1" and not model.net.bottleneck.can_search:
        raise RequestError(
            "--beam: the codes of residual_fsq lie on a grid that latents are bent to, and are not searched"
        )
    return int(options.beam)


def tell_progress(options: argparse.Namespace, done: int, total: int) -> None:
    """Tell how far a command is, with `--progress`: a line of JSON on standard error."""
    if options.progress:
        say(f'{{"done": {done}, "total": {total}}}')


def _say_note(source: Path, note: str) -> None:
    if note:
        say(f"{printable(str(source))}: {printable(note)}")


def _refuse_same(source: Path, target: Path) -> None:
    if os.path.realpath(source) == os.path.realpath(target):
        raise RequestError(f"{printable(str(target))}: --out would overwrite what is read")


def _must_exist(path: Path) -> None:
    if not os.path.lexists(path):
        raise RequestError(f"{printable(str(path))}: no such file")


def _targets(given: list[str], out: Path, kind: "Format") -> list[tuple[Path, Path, str]]:
    """(source, what to write, why it cannot be read or ''). Sub-folders of a given folder are kept; no two clash."""
    from distill_tui.data.discover import UNREAD_EXTENSIONS, find_files, sound_extensions

    for text in given:
        _must_exist(expand(text))
    if out.exists() and not out.is_dir():
        raise RequestError(f"{printable(str(out))}: is not a folder")
    wanted: dict[str, tuple[Path, Path, str]] = {}
    for text in given:
        root = expand(text).absolute()
        if not root.is_dir():
            wanted.setdefault(os.path.realpath(root), (root, out, ""))
            continue
        for file in find_files([root])[1]:
            source = Path(file.path)
            # a folder of sounds may hold notes and pictures: only what should be a sound can fail
            if source.suffix.lstrip(".").lower() in sound_extensions() | UNREAD_EXTENSIONS:
                folder = out / os.path.relpath(source.parent, root)
                wanted.setdefault(os.path.realpath(source), (source, folder, file.reason))
    if not wanted:
        raise RequestError(f"no sounds in {', '.join(printable(text) for text in given)}")
    taken: set[str] = set(wanted)  # never over an original: `--out .` is a slip that would cost sounds
    jobs = []
    for source, folder, reason in wanted.values():

        def is_taken(name: str, folder: Path = folder) -> bool:
            return os.path.realpath(folder / f"{name}.{kind}") in taken

        target = folder / f"{unused_name(source.stem, is_taken)}.{kind}"
        taken.add(os.path.realpath(target))
        jobs.append((source, target, reason))
    return jobs
