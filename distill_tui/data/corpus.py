"""The sounds of a run: files of each split, and why others were skipped."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from distill_tui.data.manifest import Manifest
from distill_tui.errors import RequestError
from distill_tui.foreign import decode
from distill_tui.recipe.resolve import DataFacts
from distill_tui.text import decode_path, printable

MOST_LISTED, MOST_FOLDERS = 2000, 200
"""Files that a model's card lists, and folders that it counts where there are more files."""
OTHERS = "(others)"
MOST_LABELS = 256
"""Kinds of sound that a prior can be asked for."""
Split = Literal["training", "validation", "by time"]
Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]*\Z", max_length=128)]
"""It becomes a part of a file's name."""


class Sound(Struct, kw_only=True):
    """A sound file that can be used.

    `path` is where it lies, as `encode_path` writes it (open `file` instead), `name` its path below the folder that
    was given, `content` the hash of its bytes, `rate` in Hz, `seconds` those that could be decoded, `note` what is odd
    about it, `tonality` in bits (`data.tonality`; None where an earlier version scanned it). A sound that is split `by
    time` is the only one: its last part is held out.
    """

    path: str
    name: str
    content: Hash
    rate: Annotated[int, Meta(gt=0, le=1 << 31)]
    channels: Annotated[int, Meta(gt=0, le=1 << 16)]
    seconds: Annotated[float, Meta(ge=0, le=1e9)]
    format: str = ""
    note: str = ""
    split: Split = "training"
    tonality: Annotated[float, Meta(ge=-16, le=16)] | None = None

    @property
    def file(self) -> Path:
        """The file to open."""
        return Path(decode_path(self.path))

    @property
    def label(self) -> str:
        """The kind of sound: the first folder of its name, '' where there is none."""
        return label_of(self.name)

    @property
    def frames(self) -> int:
        """Samples of a channel, at the file's own rate."""
        return round(self.seconds * self.rate)


def label_of(name: str) -> str:
    """The kind of sound that a name tells, its first folder; '' where there is none."""
    folder, separator, _ = name.partition("/")
    return folder if separator else ""


class Skipped(Struct, kw_only=True):
    """A file that cannot be used, and why."""

    path: str
    name: str
    reason: str


class Corpus(Manifest, kw_only=True, dict=True):
    """The result of a scan: usable sounds in order of their paths, and skipped files.

    What is summed up over all sounds is kept beside the fields until the split changes: forms ask for it at every key.
    """

    paths: list[str]
    sounds: list[Sound] = []
    skipped: list[Skipped] = []
    twins: list[tuple[str, str]] = []
    """Names of near-twins (`data.near_twins`), the earlier first."""
    # as the files of earlier versions call it
    validation_fraction: Annotated[float, Meta(gt=0, lt=1)] = field(default=0.1, name="validation_share")

    def document(self) -> dict[str, Any]:
        document = super().document()
        if not document["twins"]:
            # as in files of earlier versions: whose hash models have recorded
            del document["twins"]
        return document

    @property
    def name(self) -> str:
        """The default name of a run: that of the folder or file given first."""
        first = Path(self.paths[0] if self.paths else "sounds")
        return (first.stem if first.is_file() else first.name) or "sounds"

    @property
    def seconds(self) -> float:
        return sum(s.seconds for s in self.sounds)

    def split_seconds(self, split: Literal["training", "validation"]) -> float:
        """Seconds of sound in one part of the split."""
        share = self.validation_fraction if split == "validation" else 1 - self.validation_fraction
        return sum(s.seconds * (share if s.split == "by time" else s.split == split) for s in self.sounds)

    def split_files(self, split: Literal["training", "validation"]) -> int:
        """Files in one part of the split; a file that is split by time counts in both."""
        return sum(s.split in (split, "by time") for s in self.sounds)

    @property
    def labels(self) -> list[str]:
        """The kinds of sound that can be told apart: its folders, if two or more hold sounds to train on."""
        found = sorted({sound.label for sound in self.sounds if sound.label and sound.split != "validation"})
        return found[:MOST_LABELS] if len(found) > 1 else []

    def facts(self) -> DataFacts:
        """Facts for the automatic values of a recipe.

        Raises:
            RequestError: there is no usable sound.
        """
        facts: DataFacts = self.kept("facts", self._sum_up)
        return facts

    def kept(self, name: str, sum_up: Callable[[], Any]) -> Any:
        """The result of `sum_up`, worked out once for these sounds and this split of them."""
        key, known = (len(self.sounds), self.validation_fraction), self.__dict__.setdefault("kept_sums", {})
        if name not in known or known[name][0] != key:
            known[name] = (key, sum_up())
        return known[name][1]

    def _sum_up(self) -> DataFacts:
        if not self.sounds:
            raise self.no_sounds()
        by_rate: dict[int, float] = {}
        files_by_rate: dict[int, int] = {}
        for sound in self.sounds:
            by_rate[sound.rate] = by_rate.get(sound.rate, 0.0) + sound.seconds
            files_by_rate[sound.rate] = files_by_rate.get(sound.rate, 0) + 1
        lengths = sorted(s.seconds for s in self.sounds)
        tonalities = sorted(s.tonality for s in self.sounds if s.tonality is not None)
        return DataFacts(
            files=len(self.sounds),
            training_seconds=self.split_seconds("training"),
            validation_seconds=self.split_seconds("validation"),
            median_seconds=lengths[len(lengths) // 2],
            seconds_by_rate=by_rate,
            files_by_rate=files_by_rate,
            tonality=tonalities[len(tonalities) // 2] if tonalities else None,
        )

    def no_sounds(self) -> RequestError:
        """The error for data without one usable sound."""
        where = ", ".join(printable(decode_path(path)) for path in self.paths)
        if not self.skipped:
            return RequestError(f"no sound files in {where}", "WAV, FLAC, OGG, AIFF and MP3 files are found.")
        first = self.skipped[0]
        more = f" (and {len(self.skipped) - 1} more)" if len(self.skipped) > 1 else ""
        return RequestError(
            f"no usable sound in {where}: {printable(first.name)}: {first.reason}{more}",
            "See each with: distill-tui data FOLDER",
        )

    def described(self) -> dict[str, Any]:
        """The data as a model's card describes it: of many files their number by folder, and the manifest's hash."""
        told: dict[str, Any] = {
            "paths": self.paths[:MOST_LISTED],
            "files": len(self.sounds),
            "seconds": self.seconds,
        }
        if len(self.sounds) <= MOST_LISTED:
            return told | {"sounds": [[sound.name, sound.content, sound.split] for sound in self.sounds]}
        counts = Counter(os.path.dirname(sound.name) for sound in self.sounds).most_common()  # noqa: PTH120
        folders = dict(counts[:MOST_FOLDERS])
        if rest := sum(count for _, count in counts[MOST_FOLDERS:]):
            folders[OTHERS] = rest
        return told | {"manifest": self.hash, "folders": folders}

    def to_json(self) -> dict[str, Any]:
        """The corpus as `distill-tui data --json` prints it; `from_json` reads it back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        built["totals"] = {
            "files": len(self.sounds),
            "skipped": len(self.skipped),
            "seconds": self.seconds,
            **{
                split: {"files": self.split_files(split), "seconds": self.split_seconds(split)}
                for split in ("training", "validation")
            },
        }
        return built

    @classmethod
    def from_json(cls, document: bytes) -> "Corpus":
        """The corpus of a JSON document of `to_json`.

        Raises:
            MalformedError: it is none.
        """
        return decode(document, cls)


def assign_split(sounds: Iterable[Sound], validation_fraction: float) -> None:
    """Give every sound its part: sorted by name, every n-th is held out, n = 1 / share; one alone is split by time."""
    ordered = sorted(sounds, key=lambda s: s.name)
    if len(ordered) == 1:
        ordered[0].split = "by time"
        return
    every = max(2, min(len(ordered), round(1 / validation_fraction)))
    for index, sound in enumerate(ordered):
        sound.split = "validation" if index % every == every - 1 else "training"
