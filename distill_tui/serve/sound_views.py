"""Sounds as parts of HTML: pairs of a preview, takes with keep and throw away, and an excerpt.

What the page's script plays carries its place in `data-place`: an address below `sound/`.
"""

from pathlib import Path

from distill_tui.reporting import formatting, novelty, sound_quality, take_text
from distill_tui.reporting.page import spectrogram, text
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.serve.answer import Refused
from distill_tui.serve.pictures import Pictures
from distill_tui.serve.places import Place
from distill_tui.serve.sounds import Sounds, encoded
from distill_tui.serve.states import versions_of
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take

MOST_TAKES = 200
"""Takes of a set that are shown, the newest ones."""
SIDES = ("original", "reconstruction")
SIDES_OF_PRIOR = ("nearest training sound", "take")


class SoundViews:
    """Draws sounds with their spectrograms."""

    def __init__(self, sounds: Sounds, pictures: Pictures) -> None:
        self._sounds, self._pictures = sounds, pictures

    def preview(self, run: RunFolder, state: RunState, preview: PreviewMade) -> Html:
        """A preview: each sound with its original and its reconstruction, to switch between."""
        sides = SIDES_OF_PRIOR if state.is_prior else SIDES
        rows = [self._pair(run, preview, index, sides) for index in range(len(preview.pairs))]
        return element("ol", *rows, class_="sounds-list")

    def _pair(self, run: RunFolder, preview: PreviewMade, index: int, sides: tuple[str, str]) -> Html:
        distance = preview.pairs[index][2]
        (_, original), (_, made), *fewer = versions_of(preview, index)
        name = preview.names[index] if index < len(preview.names) else f"sound {index + 1}"
        places = [Place("run", run.id, file) for file in (original, made)]
        measures = preview.measures[index] if index < len(preview.measures) else {}
        words = sound_quality.words(measures)
        told: list[Child] = [f"distance {formatting.number(distance)}" if distance is not None else ""]
        if words:
            told += [" · ", text.role(words, "fair")]
        by_levels = [
            _heard(Place("run", run.id, file), f"{formatting.plural(count, 'level')}", name, str(preview.seq))
            for count, file in fewer
            if self._path(Place("run", run.id, file))
        ]
        below = element("p", "reconstruction by ", *by_levels, class_="levels") if by_levels else None
        return self._item(name, list(zip(sides, places, strict=True)), told, str(preview.seq), below)

    def takes(self, folder: TakesFolder) -> Html:
        """A set of takes: those that were not thrown away, and below them the others."""
        name = folder.path.name
        takes = folder.takes
        here = [take for take in reversed(takes) if take.kept is not False]
        thrown = [take for take in reversed(takes) if take.kept is False]
        kept = sum(take.kept is True for take in here)
        older = len(here) - MOST_TAKES
        return join(
            element("h1", name),
            element("p", f"{formatting.plural(len(here), 'take')}, {kept} kept", class_="dim"),
            element("ol", *(self._take(name, take) for take in here[:MOST_TAKES]), class_="sounds-list"),
            element("p", f"and {older:,} older ones", class_="dim") if older > 0 else None,
            text.folded(
                f"{len(thrown)} thrown away",
                element("ol", *(self._take(name, take) for take in thrown[:MOST_TAKES]), class_="sounds-list"),
            )
            if thrown
            else None,
        )

    def _take(self, owner: str, take: Take) -> Html:
        place = Place("take", owner, take.path)
        told: list[Child] = [take_text.length(take.seconds), " · ", text.role(take_text.origin(take), "dim")]
        about = join(element("p", text.spans(novelty.line(take))), element("p", take.note) if take.note else None)
        marks = element("p", *_marks(place, take), class_="marks")
        return self._item(take.path, [("take", place)], told, "", join(about, marks), "kept" * bool(take.kept))

    def single(self, place: Place) -> Html:
        """One sound by itself."""
        name = place.file.rpartition("/")[2]
        item = self._item(name, [("sound", place)], [], "")
        return join(element("h1", name), element("ol", item, class_="sounds-list"))

    def _item(
        self,
        name: str,
        versions: list[tuple[str, Place]],
        told: list[Child],
        version: str,
        below: Html | None = None,
        class_: str = "",
    ) -> Html:
        """One sound of a list, in one or two versions."""
        paths = [self._path(place) for _, place in versions]
        drawn = []
        for (side, place), path in zip(versions, paths, strict=True):
            if path is None:
                drawn.append(element("div", element("h4", side), element("p", "The file is gone.", class_="dim")))
                continue
            where = f"picture/{encoded(str(place))}" + (f"?v={encoded(version)}" if version else "")
            button = _heard(place, side, name, version, "" if len(versions) > 1 else "play")
            figure = self._figure(tuple(filter(None, paths)), path, f"{side} of {name}", where)
            drawn.append(element("div", button, figure, class_="version"))
        return element(
            "li",
            element("h3", name),
            element("p", *told, class_="told"),
            element("div", *drawn, class_="versions"),
            below,
            class_=f"sound-item {class_}".rstrip(),
            tabindex="-1",
            data_name=name,
        )

    def _figure(self, paths: tuple[Path, ...], path: Path, name: str, source: str) -> Html:
        """The picture of a sound, of pairs with axes: a list of takes must not wait for its pictures."""
        if len(paths) > 1:
            image = self._pictures.images(paths)[paths.index(path)]
            return spectrogram.figure(image, name, source)
        picture = element("img", src=source, alt=f"Spectrogram of {name}", loading="lazy", class_="spectrogram")
        return element("div", picture, class_="chart sound bare")

    def _path(self, place: Place) -> Path | None:
        try:
            return self._sounds.file(place)
        except Refused:
            return None


def _heard(place: Place, side: str, name: str, version: str, words: str = "") -> Html:
    """The button that plays a version of a sound."""
    return element(
        "button",
        element("span", words or side),
        type="button",
        class_="heard",
        data_place=encoded(str(place)),
        data_version=version or None,
        data_side=side,
        aria_label=f"Play {side} of {name}",
    )


def _marks(place: Place, take: Take) -> list[Html]:
    """The buttons that keep a take, throw it away or bring it back."""
    where = encoded(str(place))

    def button(words: str, mark: str, pressed: bool | None = None) -> Html:
        state = None if pressed is None else str(pressed).lower()
        return element(
            "button",
            words,
            type="button",
            data_mark=mark,
            data_take=where,
            id=f"{mark}-{where}",
            aria_pressed=state,
            aria_label=f"{words} {take.path}",
        )

    if take.kept is False:
        return [button("Bring back", "undecided")]
    keep = "undecided" if take.kept else "keep"
    return [button("Kept" if take.kept else "Keep", keep, bool(take.kept)), button("Throw away", "throw")]
