"""Command: train-prior: a generator for a codec."""

import argparse
import sys
from typing import TYPE_CHECKING, Any, TextIO

from distill_tui.cli.commands.train import CODES, add_ways
from distill_tui.cli.recipe_flags import add_recipe_flags

if TYPE_CHECKING:
    from distill_tui.data.corpus import Corpus
    from distill_tui.library.pretrained import Codec
    from distill_tui.paths import Home
    from distill_tui.recipe.schema import Recipe

OF_THE_MACHINE = ("train.device", "train.max_price")
"""What a person's own defaults say of priors too; the others are of codecs."""
FLAGS = ("name", "train.epochs", "train.minutes", "train.learning_rate", "train.seed", *OF_THE_MACHINE)


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's command."""
    parser = commands.add_parser(
        "train-prior",
        help="train a generator of new sounds for a codec, in the foreground",
        description="Train a prior over the codes of a model, on the sounds that the model was trained on, or on DATA: "
        "the result is a generator, one file with its codec inside, that makes new sounds. A training is a run like "
        "any other; ctrl+c stops it with a checkpoint, twice kills it.",
        epilog=CODES,
        parents=[shared],
        allow_abbrev=False,
    )
    parser.add_argument("m", metavar="M", help="a codec: its name, id or path")
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="a folder or file; default: the sounds that the model was trained on"
    )
    add_recipe_flags(parser, FLAGS)
    add_ways(parser)
    parser.set_defaults(run=train_prior, with_ranks=True)


def train_prior(options: argparse.Namespace) -> int:
    """Find the codec and its sounds, make a run, start its worker, and follow it."""
    from distill_tui.cli.commands.train import create, go, join_rank_0
    from distill_tui.cli.recipe_flags import chosen_recipe, keys_as_flags
    from distill_tui.library.pretrained import codec_of
    from distill_tui.paths import find_home
    from distill_tui.recipe.fields import with_values
    from distill_tui.recipe.presets import PRIOR
    from distill_tui.settings import read_settings
    from distill_tui.text import encode_path

    join_rank_0(options)
    home = find_home(options.home)
    out = sys.stderr if options.detach or options.json else sys.stdout
    own = {key: value for key, value in read_settings(home).defaults.items() if key in OF_THE_MACHINE}
    recipe = chosen_recipe(options, PRIOR | own)
    codec = codec_of(home, with_values(recipe, {"prior.codec": options.m}))
    recipe = with_values(recipe, {"prior.codec": encode_path(codec.path), "train.start_from": ""})
    with keys_as_flags(options):
        corpus = _sounds(home, options.data, codec, recipe, out)
        run = create(home, recipe, corpus, out)
    return go(options, home, run)


def _sounds(home: "Home", data: list[str], codec: "Codec", recipe: "Recipe", out: TextIO) -> "Corpus":
    from distill_tui.cli.commands.train import scan_sounds
    from distill_tui.recipe.fields import with_values
    from distill_tui.runs.prior import as_trained, paths_of

    recipe = codec.take_shape(recipe)
    if data:
        return scan_sounds(home, data, recipe, out)
    recipe = with_values(recipe, {"data.validation_fraction": codec.recipe.data.validation_fraction})
    return as_trained(home, codec, scan_sounds(home, paths_of(codec), recipe, out))
