"""Command: report: one HTML file about a run, a model or a folder of takes, or about two of a kind."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_tui.errors import RequestError

if TYPE_CHECKING:
    from distill_tui.paths import Home
    from distill_tui.reporting.report.media import Media
    from distill_tui.reporting.report.subject import Subject

GENERATOR = b'<meta name="generator" content="distill-tui '
"""What a report has near its beginning."""
DESCRIPTION = """\
Write one HTML file that opens in any browser, with its sounds and pictures inside: what it was trained on, the curves,
the codebooks, the previews to be heard, the warnings, the recipe, and how to repeat it; of takes each with the training
sound that is nearest to it. Nothing in it is fetched from elsewhere, and nothing runs.

X is a run, a model or a folder of takes; a run comes before the model of the same name, which is named by its file
(NAME.distill) or its id. With Y, another of the same kind, both stand side by side.
"""


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "report",
        parents=[shared],
        help="one HTML file about a run, a model or takes, with sounds and pictures inside",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("what", metavar="X", help="a run, a model or a folder of takes")
    parser.add_argument("other", metavar="Y", nargs="?", help="another of the same kind, to stand beside it")
    parser.add_argument("--out", metavar="FILE.html", help="the file to write (default: NAME.html, here)")
    parser.add_argument("--with-data", action="store_true", help="name folders, and files with theirs; else last parts")
    parser.add_argument("--force", action="store_true", help="replace a file that is no report")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=write_report)


def write_report(options: argparse.Namespace) -> int:
    """Write the file, and print its path."""
    from distill_tui.cli.output import print_json, say
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.files import atomic_write
    from distill_tui.paths import find_home
    from distill_tui.reporting.formatting import megabytes
    from distill_tui.reporting.report.media import Media
    from distill_tui.reporting.report.sheet import report
    from distill_tui.text import encode_path, printable

    home, media = find_home(options.home), Media()
    names = [options.what] if options.other is None else [options.what, options.other]
    with quiet_decoders():
        subjects = [subject(home, name, media, options.with_data) for name in names]
        if len({one.kind for one in subjects}) > 1:
            kinds = " and ".join(
                f"'{printable(name)}' is a {one.kind}" for name, one in zip(names, subjects, strict=True)
            )
            raise RequestError(f"two of a kind stand side by side: {kinds}".replace("a takes", "a folder of takes"))
        target = _target(options, subjects)
        content = report(subjects, media)
    try:
        atomic_write(target, content, shared=True)
    except Exception as error:
        if getattr(error, "hint", ""):
            error.hint = error.hint.replace("--home", "--out")  # type: ignore[attr-defined]
        raise
    if options.json:
        print_json(
            {
                "out": encode_path(target),
                "kind": subjects[0].kind,
                "names": [one.name for one in subjects],
                "bytes": len(content),
                "sounds": media.sounds,
                "compressed": media.compressed,
                "left_out": media.left_out,
            }
        )
        return 0
    say(f"{megabytes(len(content))}. {media.note()}".rstrip())
    print(printable(str(target)))
    return 0


def subject(home: "Home", name: str, media: "Media", with_data: bool) -> "Subject":
    """What a person means by a name or path: a run, a model, or a folder of takes, in this order.

    Raises:
        RequestError: there is none.
    """
    from distill_tui.library.header import SUFFIX
    from distill_tui.library.store import Library
    from distill_tui.paths import expand
    from distill_tui.reporting.report.model import model_subject
    from distill_tui.reporting.report.run import run_subject
    from distill_tui.reporting.report.takes import takes_subject
    from distill_tui.runs.folder import find_run
    from distill_tui.takes.folder import LIST
    from distill_tui.text import printable

    path = expand(name).absolute()
    folders = [path, home.takes / path.name] if os.sep not in name else [path]
    takes = next((folder for folder in folders if os.path.isfile(folder / LIST)), None)  # noqa: PTH113
    if takes is not None and os.sep in name:
        return takes_subject(takes, home, media, with_data)
    if not name.endswith(SUFFIX):
        try:
            return run_subject(find_run(home, name), with_data)
        except RequestError:
            if os.sep in name:
                raise RequestError(
                    f"{printable(str(path))}: neither a run's folder nor one of takes", "See: distill-tui report --help"
                ) from None
    try:
        return model_subject(Library(home).find(name).path, home, with_data)
    except RequestError as error:
        if takes is not None:
            return takes_subject(takes, home, media, with_data)
        if name.endswith(SUFFIX) or not error.message.startswith("no model"):
            raise
    raise RequestError(
        f"no run, model or folder of takes '{printable(name)}'",
        "List them with: distill-tui runs, distill-tui models",
    )


def _target(options: argparse.Namespace, subjects: "list[Subject]") -> Path:
    """The file to write.

    Raises:
        RequestError: there is something that is no report.
    """
    from distill_tui.foreign import open_regular
    from distill_tui.paths import expand
    from distill_tui.text import clean_name, printable

    name = f"{clean_name('-'.join(one.name for one in subjects), 'report')}.html"
    target = expand(options.out if options.out else name).absolute()
    if target.is_dir():
        target = target / name
    if os.path.lexists(target) and not options.force:
        try:
            with open_regular(target) as file:
                is_report = GENERATOR in file.read(2048)
        except OSError:
            is_report = False
        if not is_report:
            raise RequestError(
                f"{printable(str(target))}: is there already, and no report", "Choose another --out, or add --force."
            )
    return target
