"""Command: generate: new sounds from a codec or a generator, and sounds of the user's changed."""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_tui.cli.output import print_json, say
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import expand, find_home
from distill_tui.takes.check import check_request
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.request import Request
from distill_tui.text import encode_path, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from distill_tui.engine.generate.make import Maker
    from distill_tui.takes.sound_file import Format
    from distill_tui.takes.take import Take

DESCRIPTION = """\
Write new sounds into a folder, each as a WAV or FLAC file that says how it was made (in its comment, and in takes.json
beside it), with its nearest training sound and how new it is: 0 is a training sound through its codec, 1 as far from
the training sounds as a held-out sound usually is.

M is a generator (see train-prior), or a codec, which needs no training for this: it mixes and walks through the codes
of the sounds that it was trained on.
"""
EPILOG = """\
methods:
  prior   draws codes from a generator's prior: the newest sounds, and what knows best how a sound begins and ends
  blend   the latents of two training sounds of a kind mixed, or the lower levels of one under the upper ones of the
          other: at once, and near to the training sounds in quality
  walk    goes through the codes of the training sounds, and jumps from one to another where they meet: any length
  auto    the prior of a generator, otherwise a blend; what is more than twice as long as the training sounds is a walk

what serves which edit (the first that the model has is auto's):
  --like      prior (drawn with a pull to the sound), blend or walk (mixed with a new sound of its kind)
  --continue  prior, walk (from where training sounds meet the end of the sound); the sound itself comes back through
              the codec, as what follows it does
  --fill      walk (the part of a training sound that fits both sides), blend (a straight line of latents), prior
              (the draw of several that meets the other side); outside of the gap the sound's own samples stay
  --morph     blend: in turn by seed along time, by levels along time, and half-way between the two
  --follow    prior, blend, walk: one new sound, begun at each onset of the sound, at its loudness
  --loop      any: a sound that fades is followed by itself; of another the part whose ends meet best
Takes of minutes are walks, or parts drawn one after the other; a sound that has faded is followed by a new one.

Take n of a request follows from the seed + n alone, whatever it is made with; on the CPU it is the same to the bit.
"""


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "generate",
        parents=[shared],
        help="new sounds, each with its nearest training sound",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "model", metavar="M", nargs="?", help="a generator or a codec: its name, its id, or the path of a .distill file"
    )
    add = parser.add_argument
    add("--out", metavar="DIR", help="the folder to write to; takes that are there already stay, and are added to")
    add("--count", metavar="N", default="1", help="takes to make (default: 1)")
    add("--seconds", metavar="X", help="length of each, up to 600 (default: the sound's own end)")
    add("--seed", metavar="S", help="of the first take (default: 0, or the first that the folder has no take of)")
    add("--method", metavar="METHOD", default="auto", choices=("auto", "prior", "blend", "walk"), help="see below")
    add("--label", metavar="L", default="", help="the kind of sound: the folder of the training sounds")
    add(
        "--temperature", metavar="T", default="", help="of the prior, one number or one a level: 1,0.9,0.7 (default: 1)"
    )
    add("--top-p", metavar="P", default="", help="of the prior: share of the chances drawn from (default: 0.95)")
    add("--like", metavar="FILE", default="", help="variations of a sound")
    add("--strength", metavar="X", help="of --like: 0 is the sound itself, 1 a new one of its kind (default: 0.5)")
    add("--continue", metavar="FILE", dest="continue_file", default="", help="a sound, and what follows it")
    add("--fill", metavar="FILE", default="", help="a sound with a part of it made anew")
    add("--from", metavar="A", dest="start", help="of --fill: where the part begins, in seconds")
    add("--to", metavar="B", dest="end", help="of --fill: where it ends")
    add("--morph", metavar="FILE", nargs=2, help="one sound turning into another")
    add("--follow", metavar="FILE", default="", help="new sounds with the loudness and timing of a sound")
    add("--loop", action="store_true", help="loops: the end meets the beginning without a seam")
    add("--max-copy", metavar="FRAMES", help="latent frames of a training sound that may follow one another unchanged")
    add("--novelty", metavar="X", help="draw takes again, up to 8 times, until they are at least this new")
    add("--again", metavar="FILE", help="make a take again from what its file says, and tell if it is the same")
    add("--data", metavar="DATA", action="append", default=[], help="use these sounds, not those M was trained on")
    add(
        "--format",
        metavar="F",
        choices=("wav", "flac"),
        help="wav or flac, 16 bits (default: [sounds] format of settings.toml, or wav)",
    )
    add("--stdout", action="store_true", help="in place of --out, for one take: WAV, for `| play -`")
    add("--device", metavar="D", default="cpu", help="cpu (default), auto, cuda, cuda:1, ... or mps")
    add("--quick", action="store_true", help="do not look for the nearest training sound: starts seconds sooner")
    add("--json", action="store_true", help="print one JSON array of the takes")
    parser.set_defaults(run=generate)


def generate(options: argparse.Namespace) -> int:
    """Make and write takes; 130 when interrupted, with those that were made."""
    if options.again is not None and not options.stdout:
        from distill_tui.cli.commands.generate_again import again

        return again(options)
    if options.stdout:
        return _to_stdout(options)
    if options.model is None or options.out is None:
        missing = "M, a model" if options.model is None else "--out DIR"
        raise RequestError(f"{missing}, is missing", "See: distill-tui generate --help")
    request = request_of(options)
    folder = TakesFolder(expand(options.out).absolute())
    if options.seed is None:
        request = _with_seed(request, 1 + max((take.seed for take in folder.takes), default=-1))
    check_request(request)
    if options.quick and request.novelty is not None:
        raise RequestError("--novelty: does not go with --quick, which does not look how new takes are")
    maker = open_maker(options.home, options.model, options.device, options.data, not options.quick)
    if (request.temperature or request.top_p) and "prior" not in maker.methods:
        say("--temperature and --top-p are for the prior: this model has none")
    return _write(options, maker, request, folder)


def _write(options: argparse.Namespace, maker: "Maker", request: Request, folder: TakesFolder) -> int:
    """Make takes into a folder; what was made before an error stays, and is told."""
    from distill_tui.cli.commands.audio import sound_format
    from distill_tui.paths import find_home
    from distill_tui.reporting.formatting import plural
    from distill_tui.settings import read_settings

    done: list[Take] = []
    code, kind = 0, sound_format(options)
    try:
        for made in maker.make(request):
            take = write(folder, made.wave, maker.sample_rate, made.take, kind)
            done.append(take)
            if not options.json:
                print(f"{len(done)}/{request.count}  {line(folder, take)}", flush=True)
        if gone := folder.thin(read_settings(find_home(options.home)).sound_limit):
            say(f"{plural(gone, 'take')} thrown away before deleted: the folder took more than [sounds] limit")
    except KeyboardInterrupt:
        code = 130
        say(f"interrupted: {len(done)} of {request.count} takes are in {printable(str(folder.path))}")
    except DistillError as error:
        if not done:
            raise
        code = error.exit_code
        say(f"distill-tui: {error}\n{len(done)} of {request.count} takes are in {printable(str(folder.path))}")
    if options.json:
        print_json([as_document(folder, take) for take in done])
    return code


def _to_stdout(options: argparse.Namespace) -> int:
    """Make one take, and write it as WAV to a pipe; what is said of it goes to standard error."""
    import io

    from distill_tui.cli.output import check_sound_output, write_sound

    check_sound_output(options, "out", "again", "format")
    if options.model is None:
        raise RequestError("M, a model, is missing", "See: distill-tui generate --help")
    request = request_of(options)
    if request.count != 1:
        raise RequestError("--stdout: takes one sound, not --count", "Write several to a folder with --out.")
    check_request(request)
    if options.quick and request.novelty is not None:
        raise RequestError("--novelty: does not go with --quick, which does not look how new takes are")
    maker = open_maker(options.home, options.model, options.device, options.data, not options.quick)
    from distill_tui.reporting import novelty
    from distill_tui.takes.sound_file import encode

    for made in maker.make(request):
        if made.take.nearest is not None:
            say(printable(novelty.line(made.take).text))
        write_sound(io.BytesIO(encode(made.wave, maker.sample_rate, made.take)))
    return 0


def write(
    folder: TakesFolder, wave: "NDArray[np.float32]", rate: int, take: "Take", kind: "Format", stem: str = ""
) -> "Take":
    """Write a take, as `save_take`; where it cannot be written, the way out is another --out."""
    from distill_tui.takes.sound_file import save_take

    try:
        return save_take(folder, wave, rate, take, kind, stem)
    except DistillError as error:
        raise type(error)(error.message, error.hint.replace("--home", "--out")) from None


def request_of(options: argparse.Namespace) -> Request:
    """The request that the flags say.

    Raises:
        RequestError: a number is none, or flags do not go together.
    """
    if not options.like and options.strength is not None:
        raise RequestError("--strength: is for --like")
    if not options.fill and (options.start is not None or options.end is not None):
        raise RequestError("--from and --to: are for --fill")
    if options.fill and (options.start is None or options.end is None):
        raise RequestError("--fill: needs --from and --to, in seconds")
    seconds, novelty = _number("--seconds", options.seconds), _number("--novelty", options.novelty)
    strength = _number("--strength", options.strength)
    morph = [_file(text) for text in options.morph or ()]
    return Request(
        method=options.method,
        count=_whole("--count", options.count) or 0,
        seconds=seconds,
        seed=_whole("--seed", options.seed) or 0,
        temperature=_numbers("--temperature", options.temperature),
        top_p=_numbers("--top-p", options.top_p),
        label=options.label,
        like=_file(options.like),
        strength=0.5 if strength is None else strength,
        continue_file=_file(options.continue_file),
        fill=_file(options.fill),
        start=_number("--from", options.start) or 0.0,
        end=_number("--to", options.end) or 0.0,
        morph=(morph[0], morph[1]) if morph else None,
        follow=_file(options.follow),
        loop=options.loop,
        max_copy=_whole("--max-copy", options.max_copy),
        novelty=novelty,
    )


def open_maker(home: str | None, wanted: str | Path, device: str, data: list[str], with_judge: bool) -> "Maker":
    """The maker of a model (a name, an id or a path).

    Raises:
        RequestError: there is no such model, it cannot be used there, or its sounds are gone.
    """
    import os

    from distill_tui.cli.commands.data import ProgressLine
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.library.store import Library
    from distill_tui.machine import COMPUTING
    from distill_tui.recipe.fields import check, fields

    device, problem = check(fields()["train.device"], device)
    if problem:
        raise RequestError(problem.replace("train.device", "--device", 1))
    place = find_home(home)
    path = Library(place).find(str(wanted)).path
    # before torch is loaded
    for name, value in COMPUTING.items():
        os.environ.setdefault(name, value)
    from distill_tui.engine.generate.make import Maker

    progress = ProgressLine("encoded")
    with quiet_decoders():
        try:
            maker = Maker.open(path, place, device, [str(expand(one).absolute()) for one in data], with_judge, progress)
        finally:
            progress.end()
    if maker.bank.notice:
        say(maker.bank.notice)
    return maker


def line(folder: TakesFolder, take: "Take") -> str:
    """A take in one line."""
    from distill_tui.reporting import novelty

    parts = [printable(str(folder.file(take))), f"{take.seconds:.2f} s", take.method]
    if take.nearest is not None:
        parts.append(printable(novelty.line(take).text))
    return "  ".join([*parts, *([f"({printable(take.note)})"] if take.note else [])])


def as_document(folder: TakesFolder, take: "Take") -> dict[str, Any]:
    """A take as JSON shows it: with the whole path of its file."""
    import msgspec

    built: dict[str, Any] = msgspec.to_builtins(take)
    return built | {"path": encode_path(folder.file(take))}


def _with_seed(request: Request, seed: int) -> Request:
    import msgspec

    return msgspec.structs.replace(request, seed=seed)


def _file(text: str) -> str:
    return str(expand(text).absolute()) if text else ""


def _number(flag: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{flag}: '{printable(text)}' is not a number")
    return value


def _whole(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 15:
        raise RequestError(f"{flag}: '{printable(text)}' is not a whole number")
    return int(text)


def _numbers(flag: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    return tuple(_each(flag, text)) if text else ()


def _each(flag: str, text: str) -> Iterator[float]:
    for part in text.split(","):
        value = _number(flag, part.strip())
        if value is not None:
            yield value
