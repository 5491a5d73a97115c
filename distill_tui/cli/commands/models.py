"""Commands: models, the library."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from distill_tui.annotation import changed_tags, clean_note
from distill_tui.cli.commands.audio import add_code_flags
from distill_tui.cli.commands.evaluate import MEASURES
from distill_tui.cli.commands.evaluate import evaluate as evaluate_sounds
from distill_tui.cli.commands.evaluate_generator import MEASURES as GENERATOR_MEASURES
from distill_tui.cli.commands.evaluate_generator import evaluate_generator
from distill_tui.cli.commands.notes import add_note_actions, print_note, print_tags
from distill_tui.cli.output import print_json, say
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import expand
from distill_tui.reporting import code_bits, model_list, sound_quality
from distill_tui.reporting.bitrate import entropy_kbps
from distill_tui.reporting.formatting import count, kbps, local_day, number, plural, table
from distill_tui.reporting.lines import texts
from distill_tui.reporting.model_report import TITLE, advice, levels_of, model_report
from distill_tui.reporting.quality import quality_document, quality_of_card, quality_text

if TYPE_CHECKING:
    from distill_tui.library.index import Entry
    from distill_tui.library.store import Library


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    # the same option at both levels must have no default: the inner one would overwrite what the outer one was given
    json = argparse.ArgumentParser(add_help=False)
    json.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document")
    common: dict[str, Any] = {"parents": [shared, json], "allow_abbrev": False}
    about = "The library of models. M is a name, an id, the beginning of an id, or the path of a .distill file."
    models = commands.add_parser("models", help="the library of models", description=about, **common)
    models.set_defaults(run=list_models)
    actions = models.add_subparsers(metavar="ACTION", parser_class=type(models))

    def add(name: str, run: Any, help: str, *arguments: str, **more: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help, **common, **more)
        for argument in arguments:
            optional = argument.endswith("?")
            parser.add_argument(
                argument.rstrip("?").lower(), metavar=argument.rstrip("?"), nargs="?" if optional else None
            )
        parser.set_defaults(run=run)
        return parser

    add("list", list_models, "all models, the newest first")
    add("show", show, "one model: where it comes from, its recipe, losses and health", "M")
    add("rename", rename, "give a model another name", "M", "NEW")
    delete_parser = add("delete", delete, "move a model to the trash", "M")
    delete_parser.add_argument("--yes", action="store_true", help="do not ask")
    add("restore", restore, "restore a model from the trash", "M")
    trash_parser = add("trash", trash, "what is in the trash")
    trash_parser.add_argument("--empty", action="store_true", help="delete all of it for good")
    export_parser = add("export", export, "copy a model to a file, to keep or give away", "M", "FILE")
    export_parser.add_argument(
        "--with-data", action="store_true", help="with the folders of its sounds, and the name and hash of each"
    )
    export_parser.add_argument("--with-notes", action="store_true", help="with the note and the tags that it was given")
    import_parser = add("import", import_model, "copy a model file into the library", "FILE")
    import_parser.add_argument("--name", help="what to call it (default: what the file is called)")
    raw = argparse.RawDescriptionHelpFormatter
    about = "how far sounds are from what a codec makes of them; how good and how new the takes of a generator are"
    epilog = f"{MEASURES}\n{GENERATOR_MEASURES}"
    evaluation = add("evaluate", evaluate, about, "M", epilog=epilog, formatter_class=raw)
    evaluation.add_argument(
        "data",
        metavar="DATA",
        nargs="*",
        help="folders and files; those trained on are marked; for a generator: sounds to compare its takes with "
        "(default: those that were held out)",
    )
    add_code_flags(evaluation)
    about = "of a codec: tell how far it is, on standard error, as JSON lines"
    evaluation.add_argument("--progress", action="store_true", help=about)
    evaluation.add_argument("--count", metavar="N", default="64", help="takes of each set of a generator (default: 64)")
    evaluation.add_argument("--seed", metavar="S", default="0", help="of the takes of a generator (default: 0)")
    evaluation.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... or mps (default: auto)")
    comparison = add("compare", compare, "recipes, losses and health side by side, and distances on the same sounds")
    comparison.add_argument("models", metavar="M", nargs="+")
    comparison.add_argument(
        "--data", metavar="DATA", action="append", help="sounds to put through each of them; may be given again"
    )
    comparison.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... or mps (default: auto)")
    add_note_actions(lambda name, help: add(name, {"note": note, "tag": tag}[name], help), "M")
    add("verify", verify, "check a model's file, or all of them, weights included", "M?")


def compare(options: argparse.Namespace) -> int:
    from distill_tui.cli.commands.models_compare import compare as compare_models

    return compare_models(options, _wants_json(options))


def _library(options: argparse.Namespace) -> "Library":
    from distill_tui.library.store import Library
    from distill_tui.paths import find_home

    return Library(find_home(options.home))


def _wants_json(options: argparse.Namespace) -> bool:
    return getattr(options, "json", False)


def _document(entry: "Entry") -> dict[str, Any]:
    """A model as `models list --json` shows it. A damaged file has the same keys, and what is wrong under `error`."""
    from distill_tui.library.card import Summary

    document: dict[str, Any] = {
        "name": entry.name,
        "path": str(entry.path),
        "size": entry.size,
        "kind": entry.kind or None,
    }
    if entry.summary is None:
        nothing: dict[str, Any] = {**dict.fromkeys((*Summary.__struct_fields__, "quality")), "note": "", "tags": []}
        return {**nothing, **document, "created": entry.created, "error": entry.error}
    given = {
        "quality": quality_document(quality_of_card(entry.summary)),
        "note": entry.annotation.note,
        "tags": entry.annotation.tags,
    }
    return {**msgspec.structs.asdict(entry.summary), **document, **given, "error": None}


def _print_or_say(options: argparse.Namespace, entry: "Entry", text: str) -> int:
    if _wants_json(options):
        print_json(_document(entry))
    else:
        say(text)
    return 0


def list_models(options: argparse.Namespace) -> int:
    nothing = "No models yet. Train one with: distill-tui train FOLDER"
    return _print_list(options, _library(options).list(), nothing)


def _print_list(options: argparse.Namespace, entries: "Sequence[Entry]", nothing: str) -> int:
    """Print the models, or say `nothing` where there are none; 0."""
    if _wants_json(options):
        print_json([_document(entry) for entry in entries])
    elif entries:
        print(_list_table(entries))
    else:
        say(nothing)
    return 0


def _list_table(entries: "Sequence[Entry]") -> str:
    measured = {entry.path: sound_quality.of_model(entry.summary) for entry in entries if entry.summary}
    measure = sound_quality.common_measure(list(measured.values()))
    head = ["NAME", "ID", "CREATED", "PARAMETERS", "BIT RATE", measure.upper(), "VAL LOSS", "RUN", "PROBLEM"]
    rows = []
    for entry in entries:
        cells = ["-"] * 5
        if facts := entry.summary:
            distance = code_bits.listed(facts) or sound_quality.value_text(
                "distance", sound_quality.listed(measured[entry.path], measure)
            )
            loss = number(facts.losses.get("val"))
            cells = [count(facts.parameters), kbps(facts.kbps), distance, loss, facts.run or "-"]
        rows.append([entry.name, entry.id or "-", local_day(entry.created), *cells, entry.error])
    heard = [quality_text(model_list.heard(entry.summary)) if entry.summary else "" for entry in entries]
    if any(heard):
        place = head.index("VAL LOSS")
        head.insert(place, "QUALITY")
        rows = [[*row[:place], text or "-", *row[place:]] for row, text in zip(rows, heard, strict=True)]
    if not any(entry.error for entry in entries):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table(head, rows)


def _given(entry: "Entry") -> list[str]:
    """The note and tags that a person gave the model, as lines of its report."""
    given = {"note": entry.annotation.note, "tags": " ".join(entry.annotation.tags)}
    return [
        f"{'' if row else title:{TITLE}}{text}"
        for title, said in given.items()
        if said
        for row, text in enumerate(said.split("\n"))
    ]


def show(options: argparse.Namespace) -> int:
    from distill_tui.library.container import read_card

    entry = _library(options).find(options.m)
    path = entry.path
    card = read_card(path)
    if _wants_json(options):
        found = {
            "entropy_kbps": entropy_kbps(levels_of(card), card.frame_rate),
            "advice": advice(card),
            "quality": quality_document(quality_of_card(card)),
            "note": entry.annotation.note,
            "tags": entry.annotation.tags,
        }
        print_json(
            {**msgspec.to_builtins(card), **found, "path": str(path), "size": path.stat().st_size, "kind": entry.kind}
        )
        return 0
    name, *rest = texts(model_report(card, path, path.stat().st_size))
    print("\n".join(_safe(text) for text in (name, *_given(entry), *rest)))
    return 0


def rename(options: argparse.Namespace) -> int:
    library = _library(options)
    old = library.find(options.m).name
    entry = library.rename(options.m, options.new)
    if not _wants_json(options):
        print(_safe(entry.name), flush=True)
    return _print_or_say(options, entry, _safe(f"'{old}' is now called '{entry.name}'."))


def note(options: argparse.Namespace) -> int:
    """Print or set the note on a model."""
    library = _library(options)
    entry = library.find(options.name)
    if options.text is not None:
        text = clean_note(options.text)
        entry = library.annotate(str(entry.path), lambda before: msgspec.structs.replace(before, note=text))
    if _wants_json(options):
        print_json(_document(entry))
        return 0
    return print_note(entry.annotation, options.text is not None)


def tag(options: argparse.Namespace) -> int:
    """Print or change the tags of a model."""
    library = _library(options)
    entry = library.find(options.name)
    if options.changes:
        entry = library.annotate(
            str(entry.path),
            lambda before: msgspec.structs.replace(before, tags=changed_tags(before.tags, options.changes)),
        )
    if _wants_json(options):
        print_json(_document(entry))
        return 0
    return print_tags(entry.annotation)


def delete(options: argparse.Namespace) -> int:
    library = _library(options)
    name = library.find(options.m).name
    if not options.yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RequestError(_safe(f"deleting '{name}' has to be confirmed"), "Add --yes.")
        print(_safe(f"Move '{name}' to the trash? [y/N] "), end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return 1
    entry = library.delete(options.m)
    return _print_or_say(
        options,
        entry,
        _safe(f"'{name}' is in the trash. Restore it with: distill-tui models restore {shlex.quote(name)}"),
    )


def restore(options: argparse.Namespace) -> int:
    entry = _library(options).restore(options.m)
    return _print_or_say(options, entry, _safe(f"'{entry.name}' is back in the library."))


def trash(options: argparse.Namespace) -> int:
    library = _library(options)
    if options.empty:
        gone = library.empty_trash()
        if _wants_json(options):
            print_json({"deleted": gone})
        else:
            say(f"Deleted for good: {plural(gone, 'model')}.")
        return 0
    return _print_list(options, library.trashed(), "The trash is empty.")


def export(options: argparse.Namespace) -> int:
    target = _library(options).export(options.m, expand(options.file), options.with_data, options.with_notes)
    if _wants_json(options):
        print_json({"path": str(target.absolute())})
    else:
        print(_safe(str(target)), flush=True)
    return 0


def import_model(options: argparse.Namespace) -> int:
    library = _library(options)
    entry = library.import_file(expand(options.file), options.name or "")
    same = [other.name for other in library.same_weights(entry)]
    if _wants_json(options):
        print_json({**_document(entry), "same_weights": same})
        return 0
    print(_safe(entry.name), flush=True)
    say(_safe(f"In the library as '{entry.name}' ({entry.id})."))
    if same:
        say(_safe(f"The same weights were there already: {', '.join(same)}"))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """How good a model is: a codec on sounds, or a generator's takes beside sounds.

    Raises:
        RequestError: a codec without sounds, or what either says.
    """
    from distill_tui.library.container import read_card

    path = _library(options).find(options.m).path
    if read_card(path).task == "prior":
        return evaluate_generator(options, path, _wants_json(options))
    if not options.data:
        raise RequestError("a codec is measured on sounds, and none were given", "distill-tui models evaluate M FOLDER")
    return evaluate_sounds(options, _wants_json(options))


def verify(options: argparse.Namespace) -> int:
    from distill_tui.library.container import verify as verify_file

    library = _library(options)
    entries = library.list() if options.m is None else [library.find(options.m)]
    results = []
    for entry in entries:
        error = ""
        try:
            verify_file(entry.path)
        except DistillError as problem:
            error = problem.message
        results.append({"name": entry.name, "path": str(entry.path), "ok": not error, "error": error or None})
        if not _wants_json(options):
            print(_safe(f"{entry.name}: {error or 'ok'}"), flush=True)
    if _wants_json(options):
        print_json(results)
    elif not entries:
        say("No models yet.")
    return 0 if all(result["ok"] for result in results) else 1


def _safe(text: str) -> str:
    """`text` without what could drive the terminal."""
    from distill_tui.text import printable

    return printable(text)
