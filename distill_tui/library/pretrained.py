"""A model as a beginning: its recipe for a new run, and its weights for a run that continues training from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.library import container
from distill_tui.library.card import Card
from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import check, fields, get, shape_keys, with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.text import decode_path, printable


@dataclass(frozen=True)
class Start:
    """The model that a run starts from: its whole file was checked."""

    path: Path
    id: str
    name: str
    recipe: Recipe

    def take_shape(self, recipe: Recipe) -> Recipe:
        """`recipe` with the model's values for what would shape its net and is still `auto`."""
        return with_values(recipe, {key: get(self.recipe, key) for key in shape_keys() if get(recipe, key) == "auto"})

    def check_shape(self, recipe: Recipe) -> None:
        """See that a net of `recipe`, resolved, can take the model's weights.

        Raises:
            RequestError: it cannot; every key that differs is named.
        """
        pairs = [(key, get(recipe, key), get(self.recipe, key)) for key in shape_keys()]
        different = [f"{key} is {mine}, the model's is {its}" for key, mine, its in pairs if mine != its]
        if different:
            raise RequestError(
                f"train.start_from: '{printable(self.name)}' has a net of another shape: {'; '.join(different)}",
                "Leave these as the model has them, or train from scratch.",
            )


def start_of(home: Home, recipe: Recipe) -> Start | None:
    """The model that `train.start_from` of a recipe names; None when it names none.

    Raises:
        RequestError: there is no such model, or what is wrong with its file.
    """
    if not recipe.train.start_from:
        return None
    entry = _named(home, recipe.train.start_from)
    card = container.verify(entry.path)
    if card.task == "prior":
        raise RequestError(
            f"train.start_from: '{printable(card.name)}' is a generator, and its codec cannot be trained on from here",
            "Name the codec that it was trained for.",
        )
    return Start(entry.path, card.id, card.name, with_values(Recipe(), recipe_values(entry)))


@dataclass(frozen=True)
class Codec:
    """The codec whose codes a prior learns: its whole file was checked."""

    path: Path
    card: Card
    recipe: Recipe

    def take_shape(self, recipe: Recipe) -> Recipe:
        """`recipe` with the codec's values for what describes it."""
        keys = [key for key in fields() if key.startswith("model.")]
        shaped = with_values(recipe, {key: get(self.recipe, key) for key in keys})
        shaped.automatic = sorted({*shaped.automatic, *(key for key in self.recipe.automatic if key in keys)})
        return shaped


def codec_of(home: Home, recipe: Recipe) -> Codec:
    """The codec that `prior.codec` of a recipe names.

    Raises:
        RequestError: there is no such model, what is wrong with its file, or it has no codes that a prior could learn.
    """
    if not recipe.prior.codec:
        raise RequestError("prior.codec: a prior needs a codec", "Train one with: distill-tui train-prior MODEL")
    entry = _named(home, recipe.prior.codec, "")
    card = container.verify(entry.path)
    name = printable(card.name)
    if card.task == "prior":
        raise RequestError(
            f"'{name}' is a generator: it has a prior already", "Name the codec that it was trained for."
        )
    if card.task != "codec":
        raise RequestError(f"'{name}' was trained on pictures: a prior needs a codec of sounds")
    own = with_values(Recipe(), recipe_values(entry))
    if not own.model.quantizer_facts.has_codes:
        raise RequestError(
            f"'{name}' has no codes that a prior could learn: its latents are continuous (quantizer vae)",
            "Train a codec with another --set quantizer=...",
        )
    return Codec(entry.path, card, own)


def _named(home: Home, wanted: str, where: str = "train.start_from: ") -> Entry:
    try:
        return Library(home).find(decode_path(wanted))
    except RequestError as error:
        raise RequestError(f"{where}{error.message}", error.hint) from None


def recipe_values(entry: Entry) -> dict[str, Any]:
    """The flat values of a model's recipe; keys of another release that are not known here are left out.

    Raises:
        RequestError: it has none, or values that this release does not take.
    """
    nested: dict[str, Any] = {}
    for key, value in entry.recipe.items():
        if key in fields():
            nested[key] = value
        elif isinstance(value, dict):
            nested[key] = {word: one for word, one in value.items() if f"{key}.{word}" in fields()}
    found = toml.from_dict(nested, printable(entry.name))
    if not found:
        raise RequestError(f"{printable(entry.name)}: its card holds no recipe", printable(entry.error))
    return found


def values_to_continue(home: Home, wanted: str) -> dict[str, Any]:
    """The flat values of a recipe that continues training from the model `wanted`: its own, and where to start.

    What shapes the net stays as it was. What else was chosen automatically, for the sounds and the machine of then,
    is `auto` again.

    Raises:
        RequestError: no such model, or it has no recipe.
    """
    entry = _named(home, wanted)
    values = recipe_values(entry)
    values.pop("reasons", None)
    chosen = fields().keys() & set(values.pop("automatic", [])) - set(shape_keys())
    again = {key: "auto" for key in chosen if not check(fields()[key], "auto")[1]}
    return {**values, **again, "name": entry.name, "train.start_from": wanted}
