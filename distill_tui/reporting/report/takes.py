"""A folder of takes as a subject of a report: each with its nearest training sound, how new it is, how it was made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_tui.data.known_sounds import find_sound
from distill_tui.errors import DistillError
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import novelty, take_text
from distill_tui.reporting.formatting import plural
from distill_tui.reporting.page import spectrogram
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.page.sound import Heard, side_by_side
from distill_tui.reporting.page.text import role, spans, table
from distill_tui.reporting.report.media import Media
from distill_tui.reporting.report.subject import Part, Subject
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take

MOST_TAKES = 100
"""Takes that are shown: the kept ones first, in the order in which they were made."""
AROUND_SECONDS = 0.1
"""Seconds of the nearest sound that are heard beyond the length of the take."""


def takes_subject(path: Path, home: Home, media: Media, with_data: bool = False) -> Subject:
    """The takes of a folder that were not thrown away.

    Raises:
        DistillError: its list cannot be read.
    """
    folder = TakesFolder(path)
    takes = sorted((take for take in folder.takes if take.kept is not False), key=lambda take: not take.kept)
    shown = takes[:MOST_TAKES]
    data = _Data.of(home, takes)
    told: dict[str, Child] = {
        "takes": f"{len(takes):,}, {sum(take.kept is True for take in takes):,} of them kept",
        "made by": ", ".join(dict.fromkeys(take.model for take in takes if take.model)) or None,
        "methods": _counted(take.method for take in takes),
        "labels": _counted(take.label for take in takes if take.label) or None,
    }
    left = f"{plural(len(takes) - len(shown), 'more take')} in the folder." if len(takes) > len(shown) else ""
    parts = [
        Part("novelty", "How new they are", _novelty(takes)),
        Part("takes", "Takes", join(*(_take(folder, take, data, media, with_data) for take in shown), _scale(shown))),
        Part("more", "More", element("p", left) if left else Html()),
    ]
    lead = element("p", f"{plural(len(takes), 'generated sound')}")
    facts: dict[str, Child] = {title: text for title, text in told.items() if text}
    return Subject("takes", path.name, lead, facts, parts)


@dataclass(frozen=True)
class _Data:
    """The data of the models that made takes, by the hash of their weights."""

    by_model: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, home: Home, takes: Sequence[Take]) -> "_Data":
        wanted = {take.model_sha256 for take in takes if take.nearest is not None}
        found: dict[str, Mapping[str, Any]] = {}
        try:
            entries = Library(home).list() if wanted else []
        except DistillError:
            entries = []
        for entry in entries:
            weights = entry.summary.weights_sha256 if entry.summary else ""
            if weights in wanted and weights not in found:
                try:
                    found[weights] = read_card(entry.path).data
                except DistillError:
                    continue
        return cls(found)

    def nearest(self, take: Take) -> Path | None:
        """The file of a take's nearest training sound; None where it is not there."""
        if take.nearest is None:
            return None
        paths = {"paths": take.data} if take.data else self.by_model.get(take.model_sha256, {})
        return find_sound(paths, take.nearest.path)


def _counted(words: Any) -> str:
    return ", ".join(f"{number} {word}" for word, number in Counter(words).most_common(12))


def _novelty(takes: Sequence[Take]) -> Html:
    """How many takes are copies, close, new, and what that means."""
    found = Counter(novelty.verdict(take) for take in takes)
    if not takes or set(found) == {None}:
        return element("p", "Not compared with the training sounds.", class_="dim") if takes else Html()
    rows: list[list[Child]] = []
    for verdict in novelty.Verdict:
        if found[verdict]:
            rows.append([role(verdict.value, verdict.role), plural(found[verdict], "take")])
    if found[None]:
        rows.append([role("not compared", "dim"), plural(found[None], "take")])
    return join(table(("", ""), rows), element("p", novelty.HELP, class_="dim"))


def _take(folder: TakesFolder, take: Take, data: _Data, media: Media, with_data: bool) -> Html:
    own = folder.file(take)
    nearest = data.nearest(take)
    images = spectrogram.pictures([own, *([nearest] if nearest else [])])
    source, why = media.sound(own)
    note = why or ", ".join([take_text.length(take.seconds), take_text.loudness(take.loudness)])
    heard = [Heard("take", source, note, spectrogram.figure(images[0], take.path))]
    if take.nearest is not None:
        name = take.nearest.path if with_data else take.nearest.path.rpartition("/")[2]
        title = f"nearest training sound: {name}"
        if nearest is None:
            heard.append(Heard(title, "", "It is not where the model's sounds were."))
        else:
            source, why = media.sound(nearest, take.nearest.start, take.seconds + AROUND_SECONDS)
            place = f"from {take.nearest.start:.2f} s" if take.nearest.start >= 0.005 else ""
            heard.append(Heard(title, source, why or place or None, spectrogram.figure(images[1], name)))
    line = novelty.line(take)
    words = spans(line) if with_data or take.nearest is None else _without_folder(line, take)
    below = [
        element("p", words),
        element("p", take_text.origin(take), ", kept" if take.kept else None, class_="dim"),
        element("p", role(take.note, "fair")) if take.note else None,
    ]
    return side_by_side(take.path, heard, *below)


def _without_folder(line: Any, take: Take) -> Html:
    """What is said of a take's novelty with the last part of its nearest sound's name alone."""
    assert take.nearest is not None
    whole, short = take.nearest.path, take.nearest.path.rpartition("/")[2]
    return spans(line._replace(spans=tuple((text.replace(whole, short), role) for text, role in line.spans)))


def _scale(takes: Sequence[Take]) -> Html:
    return element("p", spectrogram.scale_note(), class_="dim") if takes else Html()
