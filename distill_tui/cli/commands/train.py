"""Commands: train, demo, resume."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING, Any, TextIO

from distill_tui.cli.recipe_flags import add_recipe_flags
from distill_tui.errors import DistillError, RequestError
from distill_tui.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.data.corpus import Corpus
    from distill_tui.paths import Home
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.folder import RunFolder

INTERRUPTED, STOPPED = 130, 3
"""Exit codes of a run that stopped and can go on: by ctrl+c here, or because of SIGTERM or a wish from elsewhere."""
CODES = (
    "Exit code: 0 it finished, 1 it failed, 2 the request was wrong, 3 it was stopped (by `stop` or SIGTERM) and can "
    "go on with `resume`, 130 the same by ctrl+c."
)
SEVERAL = (
    "Several GPUs of one machine: --devices 2, --devices all, --device cuda:0,1; processors share a training too, with "
    "--device cpu --devices 2. Several machines, with a home that they share: torchrun --nnodes 2 --nproc-per-node gpu "
    "--rdzv-backend c10d --rdzv-id ID --rdzv-endpoint HOST:29500 -m distill_tui train DATA --name NAME --or-resume on "
    "each, HOST being one of them; or Slurm: --slurm. The batch is shared by all, and the result is that of one device "
    "within rounding."
)
INSTEAD = "print progress lines instead of opening the app"


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    common: dict[str, Any] = {"parents": [shared], "allow_abbrev": False}
    train_parser = commands.add_parser(
        "train",
        help="train a model on a folder of sounds, in the foreground",
        description="Train on folders and files, in the foreground; the training itself is a process of its own, which "
        "goes on if this one or its terminal dies. Ctrl+c stops it with a checkpoint, twice kills it.",
        epilog=f"{CODES} {SEVERAL}",
        **common,
    )
    train_parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="a folder, walked with its sub-folders, or a file; else the recipe's, or your settings'",
    )
    add_recipe_flags(train_parser)
    train_parser.add_argument(
        "--or-resume",
        action="store_true",
        help="go on with the newest run called NAME if there is one: join it if it trains, end at once if it has "
        "finished; for scripts and machines that may be taken away at any time",
    )
    train_parser.add_argument(
        "--advice",
        choices=("quick", "good", "overnight"),
        help="set the preset and the minutes that `data` advises for these sounds on this machine; what else is given "
        "here wins",
    )
    train_parser.add_argument(
        "--slurm",
        action="store_true",
        help="print a Slurm job script for this very command line, which starts or resumes the run, and exit",
    )
    add_ways(train_parser)
    train_parser.set_defaults(run=train, with_ranks=True)

    demo_parser = commands.add_parser(
        "demo",
        help="make a few sounds, train on them for about a minute, and watch",
        description="Synthesise a small set of sounds, train on it, and open the app on the run.",
        **common,
    )
    demo_parser.add_argument("--epochs", metavar="N", help="train for so many epochs instead of about a minute")
    add_ways(demo_parser, INSTEAD, detach=False)
    demo_parser.set_defaults(run=demo)

    resume_parser = commands.add_parser(
        "resume",
        help="go on with a run from its newest good checkpoint",
        description="Go on with a run that was stopped, failed or crashed, to the same result as if it never had.",
        epilog=CODES,
        **common,
    )
    resume_parser.add_argument("name", metavar="RUN", help="a run's id, its name, or the beginning of its id")
    resume_parser.add_argument(
        "--devices", metavar="N|all|LIST", help="go on on so many GPUs, or these; with 1 on one (see train --devices)"
    )
    resume_parser.add_argument(
        "--max-price", metavar="X", help="what the run may now cost in all (see train --max-price)"
    )
    add_ways(resume_parser)
    resume_parser.set_defaults(run=resume, with_ranks=True)


def add_ways(
    parser: argparse.ArgumentParser, plain: str = "no colours and no line that is written over", detach: bool = True
) -> None:
    """Add the ways in which a run can be followed; `plain` says what --plain means here."""
    ways = parser.add_mutually_exclusive_group()
    if detach:
        ways.add_argument("--detach", action="store_true", help="print the run's id and return; the run goes on")
    ways.add_argument("--plain", action="store_true", help=plain)
    ways.add_argument("--json", action="store_true", help="print the run's events, one JSON document a line")


def train(options: argparse.Namespace) -> int:
    """Scan, make a run, start its worker, and follow it."""
    from distill_tui.cli.recipe_flags import chosen_recipe, keys_as_flags
    from distill_tui.library.pretrained import values_to_continue
    from distill_tui.paths import find_home
    from distill_tui.settings import read_settings

    join_rank_0(options)
    home = find_home(options.home)
    settings = read_settings(home)
    # where standard output is for a program, people still want to know
    out = sys.stderr if options.detach or options.json else sys.stdout
    recipe = chosen_recipe(options, settings.defaults, lambda model: values_to_continue(home, model))
    usual = [settings.data] if settings.data and not recipe.data.paths else []

    def advised(corpus: "Corpus") -> "Recipe":
        from distill_tui.cli.commands.data import advice_on

        advice = advice_on(home, corpus)
        values = {} if advice is None else advice.choice(options.advice).values
        return chosen_recipe(options, {**settings.defaults, **values}, lambda model: values_to_continue(home, model))

    finish = advised if options.advice else None
    with keys_as_flags(options):
        if options.slurm:
            from distill_tui.cli.slurm import job_script

            print(job_script(options, recipe.name, recipe.train.device == "cpu"), end="")
            return 0
        if options.or_resume:
            from distill_tui.cli.or_resume import start_or_resume

            return start_or_resume(options, home, options.data or usual, recipe, out, finish)
        run = prepare_run(home, options.data or usual, recipe, out, finish)()
    return go(options, home, run)


def prepare_run(
    home: "Home",
    data: list[str],
    recipe: "Recipe",
    out: TextIO,
    finish: "Callable[[Corpus], Recipe] | None" = None,
) -> "Callable[[], RunFolder]":
    """Scan the sounds; the function that then creates the run and describes it on `out`.

    Args:
        finish: the recipe once the sounds are known, in place of `recipe`.

    Raises:
        RequestError: there is nothing to train on. The function raises what `create_run` does.
    """
    from distill_tui.text import decode_path

    paths = data or [decode_path(path) for path in recipe.data.paths]
    if not paths:
        raise RequestError("no sounds to train on", "Name a folder or files: distill-tui train FOLDER")
    corpus = scan_sounds(home, paths, recipe, out)
    chosen = recipe if finish is None else finish(corpus)
    return lambda: create(home, chosen, corpus, out)


def create(home: "Home", recipe: "Recipe", corpus: "Corpus", out: TextIO) -> "RunFolder":
    """Create a run on the sounds of a scan, and describe it on `out`; errors as `create_run`."""
    from distill_tui.reporting.lines import line, texts
    from distill_tui.reporting.run_report import model_to_be, net_to_be, sounds_found
    from distill_tui.runs.service import create_run

    new = create_run(home, recipe, corpus)
    lines = [*sounds_found(corpus), model_to_be(new.recipe), *net_to_be(new.recipe)]
    if new.pretrained is not None:
        lines.append(line(f"starts from the weights of model '{new.pretrained.name}' ({new.pretrained.id})"))
    lines += [line(f"warning: {text}", "fair") for text in new.expectations]
    if new.room is not None and new.room.is_large:
        lines.append(line(new.room.text))
    lines.append(line(f"run: {new.folder.id}"))
    print("\n".join(printable(text) for text in texts(lines)), file=out, flush=True)
    return new.folder


def join_rank_0(options: argparse.Namespace) -> None:
    """As another process of a launcher than its first, train with that one, and do not return.

    Raises:
        RequestError: the launcher's processes cannot be told to leave.
    """
    from distill_tui.runs.launcher import launched

    place = launched()
    if place is None:
        return
    if options.detach:
        raise RequestError("--detach: processes of a launcher stay with it", "Leave --detach out.")
    if place.rank > 0:
        from distill_tui.runs.service import become_rank

        become_rank()


def scan_sounds(home: "Home", paths: list[str], recipe: "Recipe", out: TextIO) -> "Corpus":
    """Scan the sounds and keep them, decoded, in the same pass, with a line of progress."""
    from distill_tui.cli.commands.data import ProgressLine
    from distill_tui.data.cache_room import Plan
    from distill_tui.data.scan import scan
    from distill_tui.data.scan_packing import ScanPacking
    from distill_tui.data.silence_stderr import quiet_decoders

    def told(plan: Plan) -> None:
        if plan.is_large:
            print(printable(f"about {plan.text}"), file=out, flush=True)

    rate = recipe.model.sample_rate
    # the rate of the model that a run starts from is not known yet
    is_known = rate != "auto" or not recipe.train.start_from
    pack = ScanPacking(home, 0 if rate == "auto" else rate, told) if is_known else None
    progress = ProgressLine()
    with quiet_decoders():
        try:
            return scan(paths, recipe.data.validation_fraction, home, progress, pack)
        finally:
            progress.end()


def resume(options: argparse.Namespace) -> int:
    """Resume a run, and follow it."""
    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.paths import find_home
    from distill_tui.runs.folder import find_run
    from distill_tui.runs.service import resume_run

    join_rank_0(options)
    devices, max_price = _checked(options, "devices"), _checked(options, "max_price")
    home = find_home(options.home)
    run = find_run(home, options.name)
    return follow_on(options, ForegroundRun(run, lambda: resume_run(home, run, devices, max_price)))


def _checked(options: argparse.Namespace, word: str) -> Any:
    """The value of a flag that is the training's setting `word`; None where it was not given."""
    from distill_tui.recipe.fields import fields, parse

    text = getattr(options, word)
    if text is None:
        return None
    field = fields()[f"train.{word}"]
    value, problem = parse(field, text)
    if problem:
        raise RequestError(problem.replace(field.key, field.extra["flag"], 1))
    return value


def go(options: argparse.Namespace, home: "Home", run: "RunFolder") -> int:
    """Start the worker of a new run, and follow it or not; the exit code."""
    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.runs.service import start_worker

    return follow_on(options, ForegroundRun(run, lambda: start_worker(home, run)))


def follow_on(options: argparse.Namespace, following: "ForegroundRun") -> int:
    """Show a run that has its worker to its end, or return where that is not wanted; the exit code."""
    from distill_tui.reporting.notes import named, resume_hint
    from distill_tui.runs import events as e

    run = following.run
    if options.detach:
        following.wait_for_start()
        print(run.id, flush=True)
        return 0
    try:
        ending = _show(options, following)
    except BrokenPipeError:
        # whoever read our output has gone; the run does not depend on that
        with contextlib.suppress(OSError):
            print(f"{run.id} goes on. Watch it with: distill-tui watch {named(run)}", file=sys.stderr, flush=True)
        raise
    if isinstance(ending, e.Failed):
        log = f"Its log is {run.worker_log}"
        advice = ending.advice if str(run.worker_log) in ending.advice else f"{ending.advice}\n{log}".strip()
        raise DistillError(f"{run.id} failed at step {ending.step or following.state.step:,}: {ending.reason}", advice)
    if isinstance(ending, e.Stopped):
        print(resume_hint(run, ending), file=sys.stderr, flush=True)
        return INTERRUPTED if following.was_interrupted else STOPPED
    return 0


def _show(options: argparse.Namespace, following: "ForegroundRun") -> Any:
    from distill_tui.cli.display import JsonLines, LineDisplay
    from distill_tui.cli.terminal_style import TerminalStyle
    from distill_tui.paths import find_home
    from distill_tui.recipe import toml
    from distill_tui.reporting.run_line import end_text
    from distill_tui.reporting.run_report import closing_report
    from distill_tui.settings import read_settings

    if options.json:
        return following.to_the_end(JsonLines())
    ink, settings = TerminalStyle(options.plain), read_settings(find_home(options.home))
    try:
        ending = following.to_the_end(LineDisplay(ink, settings.notify))
    except DistillError:
        # the worker died, and nobody may be looking
        ink.bell()
        ink.notify(end_text(following.state), settings.notify)
        ink.title(f"{printable(following.state.name)}: crashed")
        raise
    report = closing_report(following.state, toml.load(following.run.recipe), settings)
    print("\n".join(map(ink.paint, report)), flush=True)
    return ending


def demo(options: argparse.Namespace) -> int:
    """Make sounds, train on them, and show it in the app, or as lines where there is no terminal for it."""
    import shlex

    from distill_tui.cli.app import open_app
    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.cli.terminal_style import TerminalStyle
    from distill_tui.paths import find_home
    from distill_tui.recipe.fields import fields, parse
    from distill_tui.reporting.notes import named
    from distill_tui.runs.demo import demo_recipe, write_demo
    from distill_tui.runs.quick_state import quick_state
    from distill_tui.runs.service import start_worker

    epochs, problem = None, ""
    if options.epochs is not None:
        epochs, problem = parse(fields()["train.epochs"], options.epochs)
    if problem:
        raise RequestError(problem.replace("train.epochs", "--epochs"))
    home = find_home(options.home)
    out = sys.stderr if options.json else sys.stdout
    run = prepare_run(home, [write_demo(home)], demo_recipe(epochs), out)()
    if options.plain or options.json or not TerminalStyle().cursor or not sys.stdin.isatty():
        options.detach = False
        code = go(options, home, run)
    else:
        ForegroundRun(run, lambda: start_worker(home, run)).wait_for_start()
        code = open_app(options.home, str(run.path))
    state = quick_state(run)
    if state.model:
        print(f"See the model with: distill-tui models show {shlex.quote(state.model.name)}", file=sys.stderr)
    elif state.is_active:
        print(f"{run.id} goes on. Watch it with: distill-tui watch {named(run)}", file=sys.stderr)
    return code
