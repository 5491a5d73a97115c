"""`models evaluate` of a generator: how good and how new its takes are, beside references."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.cli.output import print_json, say
from distill_tui.errors import RequestError
from distill_tui.reporting import generator_quality
from distill_tui.reporting.formatting import plural
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.generate.bank import CodeBank
    from distill_tui.engine.generate.evaluate import GeneratorReport, SetScore
    from distill_tui.engine.generate.make import Maker
    from distill_tui.paths import Home

MOST_TAKES = 10_000
MEASURES = f"""\
Of a generator: sets of takes of each of its methods, and beside them the sounds
that were held out (as the codec gives them back), the same through the codec
again, training sounds with their frames shuffled, and random codes:

{generator_quality.HELP}

Sounds are compared by statistics of their log mel spectra; distance is the
kernel audio distance (Chung et al. 2025, arXiv 2502.15602), covered after
Naeem et al. 2020 (arXiv 2002.09797), told apart after Lopez-Paz and Oquab 2017
(arXiv 1610.06545).
"""


def evaluate_generator(options: argparse.Namespace, path: Path, as_json: bool) -> int:
    """Print the table of sets.

    Raises:
        RequestError: the numbers of the request are wrong, or there are too few sounds.
    """
    count = _number("--count", options.count, 2, MOST_TAKES)
    seed = _number("--seed", options.seed, 0, 2**53)
    if options.levels is not None or options.beam != "1":
        raise RequestError("--levels and --beam are for codecs; the takes of a generator use all levels")
    from distill_tui.cli.commands.audio import on_device
    from distill_tui.paths import find_home

    device, home = on_device(options.device), find_home(options.home)
    from distill_tui.engine.generate.evaluate import evaluate_generator as evaluate
    from distill_tui.engine.generate.make import Maker
    from distill_tui.engine.generate.novelty import Judge

    maker = Maker.open(path, home, device, with_judge=False)
    bank = _bank(home, maker, options.data)
    if len(bank.part(held_out=False)) < 2:
        raise RequestError(f"'{printable(maker.card.name)}' holds fewer than two training sounds to compare with")
    judge = Judge(bank, maker.codec.model, home.cache)
    report = evaluate(maker, judge, bank, count, seed, lambda score: None if as_json else _tell(score))
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 0


def _bank(home: "Home", maker: "Maker", data: list[str]) -> "CodeBank":
    """The bank of the generator, with the sounds of `data` in place of those that were held out.

    Those that the generator or its codec was trained on are left out, and that is told.
    """
    if not data:
        return maker.bank
    from distill_tui.data.known_sounds import splits_of
    from distill_tui.engine.generate.bank import CodeBank
    from distill_tui.engine.generate.codec_bank import bank_of_codec

    trained = {
        content
        for card in (maker.card, maker.codec.model.card)
        for content, split in (splits_of(card.data, card.run, home) or {}).items()
        if split != "validation"
    }
    ours = maker.bank.part(held_out=False)
    theirs = bank_of_codec(home, maker.codec.model, data, without=trained)
    if theirs.notice:
        say(theirs.notice)
    return CodeBank(
        [*ours.codes, *theirs.codes],
        [*ours.names, *theirs.names],
        [*ours.labels, *theirs.labels],
        [*ours.held_out, *(True for _ in theirs.codes)],
        [*ours.lengths, *theirs.lengths],
    )


def _number(flag: str, text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise RequestError(f"{flag}: '{printable(text)}' is not a whole number, {least} to {most:,}")
    return int(text)


def _tell(score: "SetScore") -> None:
    distance = generator_quality.value_text("distance", score.distance)
    say(f"{score.name}: {plural(score.sounds, 'sound')}, distance {distance}")


def _print(report: "GeneratorReport") -> None:
    import msgspec

    print(generator_quality.sets_table([(score.name, msgspec.structs.asdict(score)) for score in report.sets]))
    print()
    real = f"{plural(report.held_out, 'held-out sound')} and {plural(report.training, 'training sound')}"
    print(f"compared with {real}; the distance of the held-out sounds is that to the training sounds")
    if not report.held_out:
        print("fewer than two sounds were held out, so the training sounds stand for them")
    elif report.held_out < 20:
        print("so few held-out sounds make distance and covered coarse: compare rows, not runs")
    far = "a held-out sound {:.1f} dB from the nearest training sound"
    if not report.scale.held_out:
        far = "another one {:.1f} dB from its nearest"
    print(f"a copy of a training sound lies {report.scale.floor:.1f} dB from it, {far.format(report.scale.usual)}")
