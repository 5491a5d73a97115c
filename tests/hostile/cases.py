"""A case: what is damaged, how, and which commands then have to cope with it. All of it follows from a number."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import damage
from tests.hostile.home import Place
from tests.library.models import put_together, set_card, take_apart

Content = Callable[[random.Random, bytes], bytes]
Command = tuple[str, ...]
"""Arguments of the program; or `app`, a screen, and a run; or what only a worker, `doctor` or `explore` does."""

LISTS: tuple[Command, ...] = (("runs",), ("runs", "--json"), ("status",), ("status", "--line"), ("status", "--json"))
LIBRARY: tuple[Command, ...] = (
    ("models",),
    ("models", "list", "--json"),
    ("models", "show", "{model}"),
    ("models", "show", "{model}", "--json"),
    ("models", "verify"),
    ("models", "compare", "{model}", "{model}"),
    ("models", "export", "{model}", "{out}"),
    ("models", "import", "{model}"),
    ("models", "rename", "tones", "other"),
    ("reconstruct", "{model}", "{sound}", "--out", "{out}"),
    ("encode", "{model}", "{sound}", "--out", "{out}"),
    ("decode", "{model}", "{codes}", "--out", "{out}"),
    ("app", "library"),
)
LOG: tuple[Command, ...] = (
    *LISTS,
    ("status", "{recorded}"),
    ("status", "{recorded}", "--json"),
    ("runs", "compare", "{recorded}", "{trained}"),
    ("runs", "compare", "{recorded}", "{trained}", "--json"),
    ("runs", "export", "{recorded}"),
    ("runs", "export", "{recorded}", "--json"),
    ("export-tensorboard", "{recorded}", "{out}"),
    ("pause", "{recorded}", "--timeout", "0.2"),
    ("app", "training", "{recorded}"),
    ("app", "config"),
    ("app", "library"),
)
ASKING: tuple[Command, ...] = (
    ("pause", "{recorded}", "--timeout", "0.2"),
    ("stop", "{recorded}", "--timeout", "0.2"),
    ("tune", "{recorded}", "learning_rate=0.5", "--timeout", "0.2"),
    ("checkpoint", "{recorded}", "--timeout", "0.2"),
    ("app", "training", "{recorded}"),
    ("status", "{recorded}"),
)
HOME: tuple[Command, ...] = (
    *LISTS,
    ("models",),
    ("models", "trash"),
    ("data", "{sounds}"),
    ("completion", "runs"),
    ("completion", "models"),
    ("runs", "delete", "{recorded}", "--yes"),
    ("pause", "{recorded}", "--timeout", "0.2"),
    ("runs", "export", "{recorded}", "--out", "{out}"),
    ("app", "config"),
    ("app", "training", "{recorded}"),
    ("app", "library"),
    ("app", "runs"),
    ("app", "explorer", "{explored}"),
)
SETTINGS: tuple[Command, ...] = (
    ("problems",),
    ("models",),
    ("status", "--line"),
    ("train",),
    ("runs",),
    ("app", "config"),
    ("app", "training", "{recorded}"),
)
RECIPE: tuple[Command, ...] = (
    ("train", "--recipe", "{recipe}", "{nosounds}"),
    ("train", "{nosounds}", "--recipe", "{recipe}", "--json"),
)
RUN_RECIPE: tuple[Command, ...] = (
    *LISTS,
    ("runs", "compare", "{recorded}", "{trained}"),
    ("tune", "{recorded}", "learning_rate=0.5", "--timeout", "0.2"),
    ("app", "training", "{recorded}"),
    ("app", "config"),
    ("map", "{trained}"),
)
NOTES: tuple[Command, ...] = (
    ("runs",),
    ("runs", "--json"),
    ("status", "{recorded}", "--line"),
    ("models", "--json"),
    ("app", "training", "{recorded}"),
    ("app", "library"),
    ("app", "runs"),
    ("runs", "tag", "{recorded}", "+x"),
    ("models", "note", "tones", "y"),
    ("app", "runs"),
)
SOUND: tuple[Command, ...] = (
    ("data", "{sounds}"),
    ("data", "{sound}", "--json"),
    ("encode", "{model}", "{sound}", "--out", "{out}"),
    ("reconstruct", "{model}", "{sounds}", "--out", "{out}", "--json"),
    ("models", "evaluate", "{model}", "{sound}"),
)
EXPLORER: tuple[Command, ...] = (
    ("app", "explorer", "{explored}"),
    ("app", "training", "{explored}"),
    ("map", "{explored}"),
    ("map", "{explored}", "--json"),
)


CHECKPOINT: tuple[Command, ...] = (("map", "{trained}"), ("restore",), ("restore",), ("status",))


def as_bytes(chance: random.Random, content: bytes) -> bytes:
    return damage.bytes_of(chance, content)


def checkpoint_of(chance: random.Random, content: bytes) -> bytes:
    """A checkpoint with a right hash, of which a value is odd or lost, or a tensor has another shape."""
    import hashlib
    import io

    import torch

    state = torch.load(io.BytesIO(content[:-32]), weights_only=True)
    for _ in range(chance.choice((1, 3))):
        if chance.random() < 0.3:
            part = state[chance.choice(("net", "averaged"))]
            part[chance.choice(list(part))] = torch.zeros(chance.choice(((), (1,), (3, 3), (0,))))
        else:
            state = damage.value_of(chance, state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue() + hashlib.blake2b(buffer.getvalue(), digest_size=32).digest()


@dataclass(frozen=True)
class Target:
    """A file of the home, how it can be damaged, and who reads it."""

    name: str
    path: Callable[[Place], Path]
    ways: tuple[Content, ...]
    commands: tuple[Command, ...]
    weight: int = 1


def the_model(place: Place) -> Path:
    return place.home.models / "tones.distill"


def the_checkpoint(place: Place) -> Path:
    return max(place.trained.checkpoints.iterdir())


TARGETS = (
    Target("control.json", lambda p: p.recorded.control, (damage.json_of,), ASKING, 2),
    Target("events.jsonl", lambda p: p.recorded.events, (damage.lines_of, as_bytes), LOG, 5),
    Target("worker.lock", lambda p: p.recorded.lock, (damage.json_of,), ASKING),
    Target("worker.log", lambda p: p.recorded.worker_log, (as_bytes,), (("status", "{recorded}"), *ASKING)),
    Target(
        "seen.json", lambda p: p.recorded.path / "seen.json", (damage.json_of,), (("app", "training", "{recorded}"),)
    ),
    Target("notes on a run", lambda p: p.recorded.annotations, (damage.json_of, as_bytes), NOTES, 2),
    Target("notes on models", lambda p: p.home.models / ".notes.json", (damage.json_of, as_bytes), NOTES, 2),
    Target("the list of runs", lambda p: p.home.cache / "runs-1.json", (damage.json_of, as_bytes), NOTES[-2:]),
    Target("a run's recipe", lambda p: p.recorded.recipe, (damage.toml_of,), RUN_RECIPE, 2),
    Target("a recipe", lambda p: p.recipe, (damage.toml_of,), RECIPE, 2),
    Target("settings.toml", lambda p: p.home.settings, (damage.toml_of,), SETTINGS, 3),
    Target("a theme", lambda p: p.home.root / "themes" / "mine.toml", (damage.toml_of,), SETTINGS[-2:]),
    Target("sounds.json", lambda p: p.trained.sounds, (damage.json_of,), (("map", "{trained}"), ("restore",))),
    Target("pictures.json", lambda p: p.explored.pictures, (damage.json_of,), EXPLORER),
    Target("map.json", lambda p: p.explored.map, (damage.json_of,), EXPLORER, 2),
    Target("the index", lambda p: p.home.models / ".index.json", (damage.json_of,), LIBRARY, 2),
    Target("the scan memory", lambda p: next(p.home.cache.glob("scans*.sqlite")), (as_bytes,), SOUND[:2]),
    Target("a model", the_model, (as_bytes,), LIBRARY, 2),
    Target("a model's card", the_model, (), LIBRARY, 4),
    Target("codes", lambda p: p.codes, (as_bytes,), (("decode", "{model}", "{codes}", "--out", "{out}"),)),
    Target("a checkpoint", the_checkpoint, (as_bytes, checkpoint_of, checkpoint_of, checkpoint_of), CHECKPOINT, 2),
    Target("a sound", lambda p: p.sounds / "tone-0.wav", (as_bytes,), SOUND, 2),
    Target("an IDX file", lambda p: p.pictures / "train-images-idx3-ubyte", (as_bytes,), (("pictures",),)),
)
PLACES: tuple[tuple[str, Callable[[Place], Path]], ...] = (
    ("the home", lambda p: p.home.root),
    ("runs", lambda p: p.home.runs),
    ("models", lambda p: p.home.models),
    ("cache", lambda p: p.home.cache),
    ("a run's folder", lambda p: p.recorded.path),
    ("checkpoints", lambda p: p.recorded.checkpoints),
    ("previews", lambda p: p.recorded.previews),
    ("the library's lock", lambda p: p.home.models / ".lock"),
    ("the trash", lambda p: p.home.models / ".trash"),
    ("themes", lambda p: p.home.root / "themes"),
    ("settings.toml", lambda p: p.home.settings),
)
ODD_ARGUMENTS = (
    "",
    "-",
    "--",
    "-1",
    "~nosuch",
    "~nosuch/x",
    "a" * 300,
    "a/" * 3000,
    "/" + "b" * 5000,
    "\udcff\udc80",
    "\x1b[31mred",
    "$(touch ran)",
    "..",
    "../..",
    "/dev/zero",
    "/dev/null",
    "/proc/self/mem",
    "9" * 5000,
    "1e999",
    "nan",
    "1" * 400,
    "{home}",
    "{sounds}",
    "\u202e",
    "k=" + "9" * 5000,
    "learning_rate=1e999",
    "x.y.z=1",
    "epochs=" + "9" * 400,
    "name=\udcff",
)
WITH_ARGUMENTS: tuple[Command, ...] = (
    ("status", "?"),
    ("runs", "compare", "?"),
    ("runs", "export", "?"),
    ("runs", "export", "{recorded}", "--out", "?/x"),
    ("runs", "delete", "?"),
    ("export-tensorboard", "{recorded}", "?/x"),
    ("pause", "?"),
    ("tune", "{recorded}", "?"),
    ("tune", "{recorded}", "?", "--timeout", "?"),
    ("resume", "?"),
    ("watch", "?"),
    ("data", "?"),
    ("data", "{sounds}", "--validation-share", "?"),
    ("train", "?", "--epochs", "x"),
    ("train", "{nosounds}", "--recipe", "?"),
    ("train", "{nosounds}", "--set", "?"),
    ("train", "{nosounds}", "--name", "?"),
    ("train", "{nosounds}", "--epochs", "?"),
    ("train", "{nosounds}", "--start-from", "?"),
    ("models", "show", "?"),
    ("models", "rename", "tones", "?"),
    ("models", "export", "tones", "?/x"),
    ("models", "import", "?"),
    ("models", "restore", "?"),
    ("models", "delete", "?"),
    ("reconstruct", "?", "{sound}", "--out", "{out}"),
    ("reconstruct", "tones", "?", "--out", "{out}"),
    ("reconstruct", "tones", "{sound}", "--out", "?/x"),
    ("encode", "tones", "?", "--out", "{out}"),
    ("encode", "tones", "{sound}", "--out", "?/x"),
    ("decode", "tones", "?", "--out", "{out}"),
    ("decode", "tones", "{codes}", "--out", "?/x"),
    ("decode", "tones", "{codes}", "--device", "?", "--out", "{out}"),
    ("models", "evaluate", "tones", "?"),
    ("map", "?"),
    ("explore", "--data", "?", "--epochs", "x"),
    ("completion", "?"),
    ("--home", "?/x", "status"),
    ("--home", "?/x", "models"),
    ("?",),
    ("models", "?"),
)


@dataclass(frozen=True)
class Case:
    """One case: `apply` damages a copy of the home, then come the `commands`; `touched` may change, nothing else."""

    number: int
    what: str
    commands: tuple[Command, ...]
    apply: Callable[[Place], None]
    touched: Callable[[Place], Path] | None = None
    alive: bool = False


def make(number: int) -> Case:
    """The case of a number."""
    chance = random.Random(number)
    kind = chance.random()
    if kind < 0.62:
        return _of_target(number, chance)
    return _of_place(number, chance) if kind < 0.8 else _of_arguments(number, chance)


def _of_target(number: int, chance: random.Random) -> Case:
    target = chance.choices(TARGETS, [target.weight for target in TARGETS])[0]
    commands = tuple(chance.sample(target.commands, min(2, len(target.commands))))
    alive = "recorded" in str(commands) and chance.random() < 0.5
    if chance.random() < 0.15:
        thing = chance.choice(list(damage.THINGS))
        what = f"{target.name}: {thing}"
        return Case(number, what, commands, lambda p: damage.put(thing, target.path(p)), target.path)
    if not target.ways:
        return Case(number, target.name, commands, lambda p: _card(chance, target.path(p)), target.path, alive)
    way = chance.choice(target.ways)

    def apply(place: Place) -> None:
        path = target.path(place)
        content = path.read_bytes() if path.exists() else b'{"wanted":"running","knobs":{},"checkpoint":0}'
        path.write_bytes(way(chance, content))

    return Case(number, target.name, commands, apply, target.path, alive and target.name != "worker.lock")


def _card(chance: random.Random, path: Path) -> None:
    """A model file whose hashes are right, and whose header, card or summary is odd."""
    import hashlib
    import json

    header, weights = take_apart(path)
    metadata = header["__metadata__"]
    way = chance.randrange(4)
    if way == 0:
        put_together(path, damage.value_of(chance, header), weights)
        return
    if way == 1:
        header |= {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}
        put_together(path, header, weights)
        return
    card = damage.json_of(chance, metadata["card"].encode()).decode(errors="replace")
    set_card(header, card)
    summary = metadata.pop("summary", "{}")
    if way == 2:
        summary = damage.json_of(chance, summary.encode()).decode(errors="replace")
        metadata |= {"summary_sha256": hashlib.sha256(summary.encode()).hexdigest(), "summary": summary}
        order = ("format", "version", "type", "weights_bytes", "summary_sha256", "summary", "card", "card_sha256")
        header["__metadata__"] = {key: metadata[key] for key in order if key in metadata}
    packed = json.dumps(header, separators=(",", ":")).encode()
    put_together(path, packed, weights)


def _of_place(number: int, chance: random.Random) -> Case:
    name, path = chance.choice(PLACES)
    thing = chance.choice([thing for thing in damage.THINGS if "sparse" not in thing or "settings" in name])
    commands = tuple(chance.sample(HOME, 2))
    return Case(number, f"{name}: {thing}", commands, lambda p: damage.put(thing, path(p)), path)


def _of_arguments(number: int, chance: random.Random) -> Case:
    odd = chance.choice(ODD_ARGUMENTS)
    command = tuple(word.replace("?", odd) for word in chance.choice(WITH_ARGUMENTS))
    return Case(number, f"argument {odd[:20]!r}", (command,), lambda p: None)
