"""The card: what a `.distill` file says about its model. Plain JSON, read without torch or numpy.

A field that a reader does not know is ignored, one that a file leaves out has its default. A number that is not finite
is null in the file and None in a card that was read.
"""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from distill_tui.foreign import convert, decode
from distill_tui.recipe.schema import TASK_OF_NET
from distill_tui.text import without_surrogates

FORMAT = "distill_model"
VERSION = 2
TYPE = "vqvae"

# What is more than can be is damage, and must not surprise whoever shows it.
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Number = Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)] | Annotated[float, Meta(ge=-1e100, le=1e100)] | None


class Facts(Struct, kw_only=True):
    """What a card and its summary share.

    `name` is what the file is called, without `.distill`: whoever reads a card sets it from there, so a file can be
    renamed without being rewritten. `created` is ISO 8601 in UTC, `program` the version of distill-tui that wrote it,
    `run` the id of its run, `started_from` the id of the model whose weights that run began with. `seconds_trained` is
    time, `seconds_of_sound` the sound that training saw. `rate` is in Hz, `frame_rate` in latent frames a second,
    `parameters` a count. `health` has one entry a level: level (from 0), utilization (share), perplexity, dead (count),
    churn (share), frames (latent frames that were counted), over `health_window` in words; where that is empty, the
    file is an older one and the numbers are of held-out sound. `losses` are the last ones by name: train, val, ..., and
    `distance`, the one of held-out data that the best epoch was chosen by. `distances` are what that was made of, of
    held-out sound: mel, lsd, buzz, level, attack, level_median, attack_median, dull_above (see
    `reporting.sound_quality`); none for images and in older files, where the distance of sound is its mel. `anchors`
    are the same distances of what 0 % and 100 % of quality are, `floor` and `ceiling` (see
    `runs.events.AnchorsMeasured`); {} where they were not measured.
    """

    format: str = FORMAT
    version: Count = VERSION
    type: str = TYPE
    id: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_-]{0,64}\Z")] = ""
    name: str = ""
    created: Annotated[str, Meta(pattern=r"\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z-]{0,20})?\Z")] = ""
    program: str = ""
    run: str = ""
    started_from: str = ""
    step: Count = 0
    epoch: Count = 0
    seconds_trained: Number = 0.0
    seconds_of_sound: Number = 0.0
    parameters: Count = 0
    rate: Count = 0
    frame_rate: Number = 0.0
    kbps: Number = 0.0
    weights_sha256: str = ""
    health: list[dict[str, Number]] = []
    health_window: str = ""
    losses: dict[str, Number] = {}
    distances: dict[str, Number] = {}
    anchors: dict[str, dict[str, Number]] = {}
    finished: bool = False


class Summary(Facts, kw_only=True):
    """What lists show: a card without its long parts, the recipe still in JSON."""

    recipe: Raw = Raw(b"{}")


class Card(Facts, kw_only=True):
    """The whole description of a model.

    `recipe` is complete and nested. `history` holds the series of the training by name, each of the same three lists
    `steps`, `epochs` and `values` (see `reporting.series.thin`). `level_distances` are those of held-out sound with the
    first 1, 2, ... levels; empty where that was not measured. `data` has `files` (a count) and `seconds`; and,
    unless they were left out of an export, `paths` and `sounds`, a list of [name, hash of the content, part of the
    split]; a generator of many sounds has the names of those in its bank, `bank`, in place of `sounds`. `notes` are
    lines for people. `codec` is of a generator the card of the codec inside it, without its history and its sounds.
    """

    recipe: dict[str, Any] = {}
    history: dict[str, dict[str, list[Number]]] = {}
    level_distances: Annotated[list[Number], Meta(max_length=256)] = []
    data: dict[str, Any] = {}
    notes: list[str] = []
    codec: dict[str, Any] = {}

    @property
    def task(self) -> str:
        """The task of the recipe: see `Recipe.task`."""
        return task_of(self.recipe)


class _Data(Struct):
    """What is shown of a card's `data`."""

    files: Count = 0
    seconds: Number = None
    paths: list[str] = []
    sounds: list[Annotated[list[str], Meta(min_length=2)]] = []
    folders: dict[str, Count] = {}
    bank: list[str] = []


class _Recipe(Struct):
    """What is shown of a recipe without its being checked as one."""

    preset: str = ""
    automatic: list[str] = []
    reasons: list[str] = []
    data: dict[str, Any] = {}
    model: dict[str, Any] = {}
    loss: dict[str, Any] = {}
    prior: dict[str, Any] = {}
    train: dict[str, Any] = {}


def task_of(recipe: Mapping[str, Any]) -> str:
    """The task of a nested recipe that nobody has checked: see `Recipe.task`."""
    prior, model = recipe.get("prior"), recipe.get("model")
    if isinstance(prior, Mapping) and prior.get("net"):
        return "prior"
    return TASK_OF_NET.get(str(model.get("net")) if isinstance(model, Mapping) else "", "codec")


def check_parts(facts: Facts) -> None:
    """See that the parts of a card that are free have the shape that whoever shows it reckons with.

    Raises:
        MalformedError: they do not.
    """
    if isinstance(facts, Summary):
        decode(bytes(facts.recipe), _Recipe)
    elif isinstance(facts, Card):
        convert(facts.recipe, _Recipe)
        convert(facts.data, _Data)


def as_codec(card: Card, name: str) -> dict[str, Any]:
    """A codec's card as a generator's card carries it (`Card.codec`); `name` is what the codec was called."""
    short = msgspec.structs.replace(without_data(card), name=name, history={}, notes=[])
    built: dict[str, Any] = msgspec.to_builtins(short)
    return built


def encode(card: Card) -> bytes:
    """The card as JSON."""
    try:
        return msgspec.json.encode(card)
    except UnicodeEncodeError:
        # a sound file whose name is not valid text on this system: JSON cannot hold it as it is
        return msgspec.json.encode(without_surrogates(msgspec.to_builtins(card)))


def without_data(card: Card) -> Card:
    """The card without what tells of the sounds more than how many they were: folders, names of files, their hashes."""
    recipe = {**card.recipe}
    for section, key, empty in (("data", "paths", []), ("train", "start_from", ""), ("prior", "codec", "")):
        if isinstance(inner := recipe.get(section), dict) and key in inner:
            recipe[section] = {**inner, key: empty}
    listed = card.data.get("sounds")
    names = [str(row[0]) for row in listed if isinstance(row, list) and row] if isinstance(listed, list) else []
    folders = card.data.get("folders")
    names += [str(name) for name in folders] if isinstance(folders, dict) else []
    names += [str(name) for name in card.data.get("bank") or []]
    told = [str(path) for path in card.data.get("paths") or []] + names
    return msgspec.structs.replace(
        card,
        recipe=recipe,
        data={key: card.data[key] for key in ("files", "seconds") if key in card.data},
        notes=[note for note in card.notes if not any(name and name in note for name in told)],
    )


def now() -> str:
    """This moment as `created` wants it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
