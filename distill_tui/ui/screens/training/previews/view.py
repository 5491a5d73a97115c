"""The Previews view: its keys, what is chosen, and the pictures that it needs."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from distill_tui.reporting import formatting, sound_quality
from distill_tui.reporting import previews as reported
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.previews import on_disk
from distill_tui.runs.state import RunState
from distill_tui.ui.screens.training.previews.drawing import (
    Thumb,
    files_line,
    film_lines,
    head_line,
    pair_lines,
    sound_lines,
)
from distill_tui.ui.screens.training.previews.layout import GAP, Layout, lay_out, steps_shown
from distill_tui.ui.services.spectrograms import Film, Shot, Spectrogram
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.heat import flat_segments
from distill_tui.ui.widgets.text_widget import LinesWidget, joined, pad

REST_SECONDS = 0.12
"""Delay before spectrograms are computed, so that going through the sounds computes none on the way."""
NEAR = 4
"""Previews to each side of the chosen one whose pictures are made before they are looked at."""


class PreviewsView(LinesWidget, can_focus=True):
    """One preview at a time; it follows the newest until one goes back."""

    HELP_TEXT = (
        "The original at the left, its reconstruction at the right: time runs to the right, frequencies (mel scale) "
        "upwards, brighter is louder, all on one scale of 80 dB. What is missing on the right is not learned yet. "
        "The film above shows the same sound at other steps, and the original at its end. Training lowers the "
        "distance. l goes through the levels: what the first one gives back, what the second one adds, and so on. "
        "b plays original and reconstruction in an order that you do not know, and counts how often you tell which is "
        "which. "
        "Where nothing can be heard on this machine, the paths of the files and a command to fetch them are shown."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Step", key_display="←→", id="previews.earlier", tooltip="Another preview"),
        Binding(
            "right", "step(1)", "Step", show=False, key_display="←→", id="previews.later", tooltip="Another preview"
        ),
        Binding("up", "sound(-1)", "Sound", key_display="↑↓", id="previews.previous", tooltip="Choose the sound"),
        Binding(
            "down", "sound(1)", "Sound", show=False, key_display="↑↓", id="previews.next", tooltip="Choose the sound"
        ),
        Binding("enter", "listen(1)", "Listen", id="previews.listen", tooltip="Listen to the reconstruction"),
        Binding("o", "listen(0)", "Original", id="previews.original", tooltip="Listen to the original"),
        Binding("l", "levels", "Levels", id="previews.levels", tooltip="Hear and see fewer levels, then one more"),
        Binding(
            "b", "blind", "Blind A/B", id="previews.blind", tooltip="Tell original and reconstruction apart, blind"
        ),
        Binding("f", "fetch", "Fetch", id="previews.fetch", tooltip="Where the files are, and how to fetch them"),
    ]

    @dataclass
    class ListenAsked(Message):
        """Request to play a file."""

        path: Path

    @dataclass
    class FetchAsked(Message):
        """Request for the paths of these files."""

        paths: list[Path]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run: RunFolder | None = None
        self._state = RunState()
        self._chosen: int | None = None
        self._sound = 0
        self._levels = 0
        self._film = Film()
        self._pruned: frozenset[int] = frozenset()
        self._making: object = None

    def show(self, run: RunFolder, state: RunState) -> None:
        """Show the previews of this run."""
        if run != self._run:
            self._chosen, self._sound, self._levels = None, 0, 0
            self._pruned = frozenset()
        self._run, self._state = run, state
        self.refresh_bindings()
        self.repaint()

    # what is chosen

    @property
    def _previews(self) -> list[PreviewMade]:
        """The previews of the run without those that were found to be pruned."""
        if not self._pruned:
            return self._state.previews
        return [made for made in self._state.previews if made.seq not in self._pruned]

    @property
    def _index(self) -> int:
        count = len(self._previews)
        return count - 1 if self._chosen is None else min(self._chosen, count - 1)

    @property
    def preview(self) -> PreviewMade | None:
        """The preview shown."""
        return self._previews[self._index] if self._previews else None

    @property
    def sound(self) -> int:
        """Index of the chosen sound in the preview shown."""
        preview = self.preview
        return min(self._sound, len(preview.pairs) - 1) if preview and preview.pairs else 0

    @property
    def levels(self) -> int:
        """By how many of the first levels the sound is reconstructed; 0: by all."""
        preview = self.preview
        return self._levels if preview and self._levels in reported.levels_of(preview, self.sound) else 0

    def paths(self) -> list[Path]:
        """Original and reconstruction of the chosen sound, by as many levels as are chosen; [] when there is none."""
        preview = self.preview
        if self._run is None or preview is None or not preview.pairs:
            return []
        original, made, _ = preview.pairs[self.sound]
        if self.levels:
            made, _ = reported.levels_of(preview, self.sound)[self.levels]
        return [self._run.path / original, self._run.path / made]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("step", "sound", "listen", "levels", "blind", "fetch"):
            return bool(self.paths())
        return super().check_action(action, parameters)

    def action_step(self, by: int) -> None:
        last = len(self._previews) - 1
        index = min(last, max(0, self._index + by))
        # at the newest it goes on to the next one that is made
        self._chosen = None if index == last else index
        self.repaint()

    def action_sound(self, by: int) -> None:
        if self.preview and self.preview.pairs:
            self._sound = (self.sound + by) % len(self.preview.pairs)
            self.repaint()

    def action_levels(self) -> None:
        preview = self.preview
        if preview is None:
            return
        counts = [*reported.levels_of(preview, self.sound)]
        if not counts:
            self.notify(reported.why_no_levels(self._state, preview), timeout=6, markup=False)
            return
        # all, 1, 2, ..., all
        self._levels = next((count for count in counts if count > self.levels), 0)
        self.repaint()

    def action_blind(self) -> None:
        from distill_tui.ui.screens.training.previews.blind import BlindDialog

        if self._run is not None and (preview := self.preview) is not None:
            self.app.push_screen(BlindDialog(self._run, preview, self.sound, self.levels, self._state.is_prior))

    def action_listen(self, which: int) -> None:
        self.post_message(self.ListenAsked(self.paths()[which]))

    def action_fetch(self) -> None:
        self.post_message(self.FetchAsked(self.paths()))

    # pictures

    def _shots(self, place: Layout) -> tuple[list[Shot], list[Shot]]:
        """The pictures of the pair, and those of the film: its steps and the original."""
        large, small = (place.picture, 2 * place.rows), (place.thumb, 2 * place.film_rows)
        made = self._shot(self._index, large)
        if self.levels:
            made = made._replace(file=self.paths()[1])
        film = [self._shot(index, small) for index in self._steps(place)]
        if place.slots:
            film.append(_of_original(self._shot(self._index, small)))
        return [_of_original(made), made], film

    def _shot(self, index: int, size: tuple[int, int]) -> Shot:
        """The picture of the chosen sound in a preview."""
        assert self._run is not None
        previews = self._previews
        # a codec's original is the same in all of them, and so its picture and the scale of the others
        of_original = index if self._state.is_prior or self.sound >= len(previews[-1].pairs) else -1
        original, made = previews[of_original].pairs[self.sound][0], previews[index].pairs[self.sound][1]
        return Shot(self._run.path / made, self._run.path / original, previews[index].seq, *size)

    def _steps(self, place: Layout) -> list[int]:
        """Indices of the previews in the film; one with fewer sounds, by a request of another recipe, is left out."""
        if not place.slots:
            return []
        shown = steps_shown(len(self._previews), self._index, place.slots - 1)
        return [index for index in shown if self._has(index)]

    def _has(self, index: int) -> bool:
        """Whether the chosen sound is in a preview."""
        return self.sound < len(self._previews[index].pairs)

    def _ask_for(self, pair: list[Shot], film: list[Shot]) -> None:
        """Have the missing pictures made: those of the pair, those of the film, and what may be looked at next."""
        if self._making == (pair, film) or all(self._film.known(shot) for shot in (*pair, *film)):
            return
        self._making = (pair, film)
        size = pair[0].width, pair[0].height
        next_ones = [shot._replace(width=size[0], height=size[1]) for shot in film]
        near = range(max(0, self._index - NEAR), min(len(self._previews), self._index + NEAR + 1))
        next_ones += [self._shot(index, size) for index in near if self._has(index)]
        if self._run is not None and self.preview is not None:
            files = (file for file, _ in reported.levels_of(self.preview, self.sound).values())
            next_ones += [pair[1]._replace(file=self._run.path / file) for file in files]
        begin(self, "pictures", self._make, [pair, film, next_ones])

    async def _make(self, sets: list[list[Shot]]) -> None:
        await asyncio.sleep(REST_SECONDS)
        if await self._leave_out_pruned():
            return
        for shots in sets:
            await self._film.make(shots)
            self.repaint()
        self._making = None

    async def _leave_out_pruned(self) -> bool:
        """Look which previews were pruned since; True if others are shown now. All of them are never left out."""
        run, all_of_them, chosen = self._run, list(self._state.previews), self.preview
        if run is None:
            return False
        there = {made.seq for made in await asyncio.to_thread(on_disk, run, all_of_them)}
        pruned = frozenset(made.seq for made in all_of_them if made.pairs and made.seq not in there)
        if run != self._run or pruned == self._pruned or not there:
            return False
        self._pruned, self._making = pruned, None
        if self._chosen is not None and chosen is not None:
            # the chosen one, or the next after it
            self._chosen = sum(made.seq < chosen.seq for made in self._previews)
        self.repaint()
        return True

    # drawing

    def render_line(self, y: int) -> Strip:
        segments = flat_segments(self._shown[y], self._base) if y < len(self._shown) else None
        if segments is None:
            return super().render_line(y)
        return Strip(segments).adjust_cell_length(self.size.width, self._base)

    def lines(self) -> list[Text]:
        width, height = self.size
        preview, dim = self.preview, self.style("dim")
        if preview is None or not preview.pairs or self._run is None:
            return [Text(), *(Text(line, dim) for line in formatting.wrap(reported.none_yet(self._state), width))]
        place = lay_out(width, height, len(self._previews), len(preview.pairs))
        pair, film = self._shots(place)
        self._ask_for(pair, film)
        known = [picture for shot in pair if (picture := self._film.known(shot))]
        pictures = known if len(known) == len(pair) else None
        found = [head_line(self, self._state, self._previews, self._index)]
        if place.slots:
            found += film_lines(self, self._thumbs(film, place), place)
        found += [self._titles(preview, pictures, place), *pair_lines(self, pictures, place)]
        found += sound_lines(self, self._previews, preview, self.sound, place)
        if place.has_paths or len(found) < height:
            found.append(files_line(self, *self.paths()))
        return found[:height]

    def _thumbs(self, film: list[Shot], place: Layout) -> list[Thumb]:
        """The film's pictures with what is said of each."""
        found = []
        for index, shot in zip(self._steps(place), film, strict=False):
            made = self._previews[index]
            number = f"{made.step:,}"
            label = f"step {number}" if len(number) + 5 <= place.thumb else number
            distance = sound_quality.value_text("distance", made.pairs[self.sound][2])
            ways = (f"{after}  {distance}", f"{after} {distance}") if (after := reported.moment(made)) else ()
            more = next((way for way in ways if len(way) <= place.thumb), distance)
            found.append(Thumb(self._film.known(shot), label, more, is_lit=index == self._index))
        found.append(Thumb(self._film.known(film[-1]), self._names_of_sides[0][0], is_original=True))
        return found

    def _titles(self, preview: PreviewMade, pair: list[Spectrogram] | None, place: Layout) -> Text:
        found = Text(" " * place.axis)
        for index, (title, color) in enumerate(self._names_of_sides):
            parts = [Text(title, self.style(color, bold=True))]
            if index and self.levels:
                distance = reported.levels_of(preview, self.sound)[self.levels][1]
                parts.append(Text(reported.levels_text(self._state, self.levels), self.style("accent", bold=True)))
                if distance is not None:
                    parts.append(Text(f"distance {formatting.number(distance)}", self.style("foreground")))
            elif pair is not None and not pair[index].error:
                parts.append(Text(formatting.duration(pair[index].seconds), self.style("dim")))
                parts.append(Text(f"to {pair[index].rate / 2000:.3g} kHz", self.style("dim")))
            found.append_text(pad(joined(parts, place.picture, 2), place.picture))
            found.append(" " * GAP * (1 - index))
        return found

    @property
    def _names_of_sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What is shown at the left and at the right, with their colours."""
        left, right = ("nearest training sound", "take") if self._state.is_prior else ("original", "reconstruction")
        return (left, "series-recon"), (right, "series-val")


def _of_original(shot: Shot) -> Shot:
    """The picture of the original that belongs to another picture."""
    return shot._replace(file=shot.original, seq=0)
