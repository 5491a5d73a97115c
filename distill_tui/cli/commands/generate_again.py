"""`generate --again FILE`: a take made once more from what its file says."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.cli.commands.generate import as_document, open_maker, write
from distill_tui.cli.output import print_json, say
from distill_tui.errors import RequestError
from distill_tui.library.store import Library
from distill_tui.paths import expand, find_home
from distill_tui.takes.folder import TakesFolder
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.takes.take import Take


def again(options: argparse.Namespace) -> int:
    """Make a take again, write it under another name, and tell whether it is the same to the bit.

    Raises:
        RequestError: the file is no take, or its model or a sound that it was made from is gone or another.
    """
    import msgspec

    from distill_tui.takes.sound_file import Format, encode, read_take, same_samples

    file = expand(options.again).absolute()
    take = read_take(file)
    path = _model(options, take, printable(str(file)))
    _check_sources(take)
    folder = TakesFolder(expand(options.out).absolute() if options.out else file.parent)
    maker = open_maker(options.home, path, options.device, options.data or take.data, with_judge=False)
    if maker.bank_hash != take.bank:
        say("the training sounds are not the same as then, so the take may be another")
    made = maker.again(take)
    kind: Format = "flac" if file.suffix.lower() == ".flac" else "wav"
    identical = same_samples(file.read_bytes(), encode(made.wave, maker.sample_rate, made.take, kind))
    facts = made.take
    if identical:
        known = ("nearest", "novelty", "copied_frames", "copied_coarse", "frames", "created")
        facts = msgspec.structs.replace(facts, **{name: getattr(take, name) for name in known})
    written = write(folder, made.wave, maker.sample_rate, facts, kind, file.stem)
    if options.json:
        print_json([as_document(folder, written) | {"identical": identical}])
        return 0
    said = "the same to the bit as" if identical else "NOT the same as"
    print(f"{printable(str(folder.file(written)))}: {said} {printable(file.name)}")
    return 0


def _model(options: argparse.Namespace, take: "Take", file: str) -> Path:
    """The file of the model that made a take: the one that was named, or the one of the library with its weights."""
    library = Library(find_home(options.home))
    made_by = f"'{printable(take.model)}' (weights {printable(take.model_sha256[:12])})"
    if options.model is not None:
        entry = library.find(options.model)
        if entry.summary is None or entry.summary.weights_sha256 != take.model_sha256:
            raise RequestError(f"{file}: was made by {made_by}, not by '{printable(entry.name)}'")
        return entry.path
    for entry in library.list():
        if entry.summary and entry.summary.weights_sha256 == take.model_sha256:
            return entry.path
    raise RequestError(
        f"{file}: was made by {made_by}, which is not in the library",
        "Import it (distill-tui models import FILE), or name its file: distill-tui generate FILE --again TAKE",
    )


def _check_sources(take: "Take") -> None:
    """Check that the sounds that a take was made from are there, and the same."""
    from distill_tui.data.sound_file import content_of

    for path, content in take.sources.items():
        there = content_of(Path(path))
        if there != content:
            what = "has changed since" if there else "is gone"
            raise RequestError(f"{printable(path)}: {what}, and the take was made from it", "Put that file back.")
