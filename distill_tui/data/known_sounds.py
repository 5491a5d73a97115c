"""The sounds that a model has heard, as its card lists them or, where they are many, the manifest of its run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.text import decode_path

MANIFEST = "sounds.json"
"""The file of a run's folder (`runs.folder`)."""


def find_sound(data: Mapping[str, Any], name: str) -> Path | None:
    """The file of a sound of a model's data; None where it is not there.

    Args:
        data: that of the model's card.
        name: of the sound, as the card lists it.
    """
    if ".." in Path(name).parts or "\0" in name:
        # the name comes from a file that anybody may have written
        return None
    for base in data.get("paths") or []:
        folder = Path(decode_path(str(base)))
        for path in (folder / name, folder.parent / name, folder):
            if path.name == Path(name).name and path.is_file():
                return path
    return None


def splits_of(data: Mapping[str, Any], run: str, home: Home | None) -> dict[str, str] | None:
    """The split that each sound was in, by the hash of its content; None if nobody knows.

    Args:
        data, run: those of a model's card.
        home: where its run may still lie.
    """
    listed = data.get("sounds")
    if isinstance(listed, list):
        rows = [row for row in listed if isinstance(row, list) and len(row) > 1]
        return {str(row[1]): str(row[2]) if len(row) > 2 else "training" for row in rows}
    if "manifest" not in data or home is None or not run:
        return None
    try:
        # the name comes from a file that anybody may have written
        corpus = Corpus.load(home.runs / Path(run).name / MANIFEST)
    except DistillError:
        return None
    return {sound.content: sound.split for sound in corpus.sounds} if corpus.hash == data["manifest"] else None
