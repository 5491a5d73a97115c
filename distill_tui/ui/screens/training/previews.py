"""The previews: original and reconstruction as spectrograms side by side, through the steps and the sounds."""

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.reporting import formatting, sound_quality
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.services.spectrograms import Spectrogram, Spectrograms
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.heat import is_shaded, picture_row
from distill_tui.ui.widgets.text_widget import LinesWidget, joined, pad

REST_SECONDS = 0.12
"""Delay before spectrograms are computed, so that scrubbing through the steps computes none on the way."""
COURSE = 16
GAP = 2
LEAST_PICTURE_ROWS = 3
LEAST_NAME = 7
NUMBERS = 38
"""Cells beside the name of a sound: its mark, its distance and the course of that."""


def sound_name(preview: PreviewMade, index: int) -> str:
    """Name of a sound of a preview; older logs hold no names, only numbers."""
    return printable(preview.names[index]) if index < len(preview.names) else f"sound {index + 1}"


class PreviewsView(LinesWidget, can_focus=True):
    """One preview at a time; it follows the newest until one goes back."""

    HELP_TEXT = (
        "The original at the left, its reconstruction at the right: time runs to the right, frequencies (mel scale) "
        "upwards, brighter is louder, both on one scale of 80 dB. What is missing on the right is not learned yet. "
        "Training lowers the distance. Where nothing can be heard on this machine, the paths of the files "
        "and a command to fetch them are shown."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Step", key_display="←→", id="previews.earlier", tooltip="The preview before"),
        Binding(
            "right", "step(1)", "Step", show=False, key_display="←→", id="previews.later", tooltip="The preview after"
        ),
        Binding("up", "sound(-1)", "Sound", key_display="↑↓", id="previews.previous", tooltip="Choose the sound"),
        Binding(
            "down", "sound(1)", "Sound", show=False, key_display="↑↓", id="previews.next", tooltip="Choose the sound"
        ),
        Binding("enter", "listen(1)", "Listen", id="previews.listen", tooltip="Listen to the reconstruction"),
        Binding("o", "listen(0)", "Original", id="previews.original", tooltip="Listen to the original"),
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
        self._pictures = Spectrograms()
        self._making: object = None

    def show(self, run: RunFolder, state: RunState) -> None:
        """Show the previews of this run."""
        if run != self._run:
            self._chosen, self._sound = None, 0
        self._run, self._state = run, state
        self.refresh_bindings()
        self.repaint()

    # what is chosen

    @property
    def _index(self) -> int:
        count = len(self._state.previews)
        return count - 1 if self._chosen is None else min(self._chosen, count - 1)

    @property
    def preview(self) -> PreviewMade | None:
        """The preview shown."""
        return self._state.previews[self._index] if self._state.previews else None

    def paths(self) -> list[Path]:
        """Original and reconstruction of the chosen sound; [] when there is none."""
        preview = self.preview
        if self._run is None or preview is None or not preview.pairs:
            return []
        original, made, _ = preview.pairs[min(self._sound, len(preview.pairs) - 1)]
        return [self._run.path / original, self._run.path / made]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("step", "sound", "listen", "fetch"):
            return bool(self.paths())
        return super().check_action(action, parameters)

    def action_step(self, by: int) -> None:
        last = len(self._state.previews) - 1
        index = min(last, max(0, self._index + by))
        # at the newest it goes on to the next one that is made
        self._chosen = None if index == last else index
        self.repaint()

    def action_sound(self, by: int) -> None:
        if self.preview and self.preview.pairs:
            self._sound = (min(self._sound, len(self.preview.pairs) - 1) + by) % len(self.preview.pairs)
            self.repaint()

    def action_listen(self, which: int) -> None:
        self.post_message(self.ListenAsked(self.paths()[which]))

    def action_fetch(self) -> None:
        self.post_message(self.FetchAsked(self.paths()))

    # pictures

    def _pair(self, rows: int) -> list[Spectrogram] | None:
        """Both spectrograms at the size there is room for; None while they are being computed."""
        width = max(2, (self.size.width - GAP) // 2)
        key = self._pictures.key(tuple(self.paths()), width, max(1, rows) * 2)
        known = self._pictures.known(key)
        if known is None and self._making != key:
            self._making = key

            async def make() -> None:
                await asyncio.sleep(REST_SECONDS)
                await self._pictures.make(key)
                self._making = None
                self.repaint()

            self.run_worker(make(), group="pictures", exclusive=True)
        return known

    # drawing

    def lines(self) -> list[Text]:
        width, height = self.size
        preview, dim = self.preview, self.style("dim")
        if preview is None or not preview.pairs:
            return [Text(), *(Text(line, dim) for line in formatting.wrap(self._nothing(), width))]
        listed = min(len(preview.pairs), max(1, min(6, height // 4)))
        picture_rows = height - 2 - listed - 2
        if picture_rows < LEAST_PICTURE_ROWS:
            listed, picture_rows = 1, max(1, height - 4)
        pair = self._pair(picture_rows)
        found = [self._head(preview), self._titles(pair)]
        found += self._picture_rows(pair, picture_rows)
        found += self._sounds(preview, listed)
        for path in self.paths()[:: 1 if height - len(found) > 1 else -1][: max(0, height - len(found))]:
            found.append(Text(formatting.shorten_path(printable(str(path)), width), dim))
        return found[:height]

    def _nothing(self) -> str:
        if self._state.is_active:
            return "No preview yet: p asks for one, and the recipe makes one every few epochs."
        return "This run made no preview."

    def _head(self, preview: PreviewMade) -> Text:
        dim, plain = self.style("dim"), self.style("foreground", bold=True)
        count = len(self._state.previews)
        step = Text.assemble(
            ("◂ " if self._index else "  ", self.mark_style),
            (f"step {preview.step:,}", plain),
            (" ▸" if self._index < count - 1 else "  ", self.mark_style),
        )
        parts = [
            step,
            Text.assemble((f"epoch {self._state.epoch_of(preview.epoch)}", dim)),
            Text.assemble((f"preview {self._index + 1} of {count}", dim)),
        ]
        distances = [d for _, _, d in preview.pairs if d is not None]
        if distances:
            mean = Text(formatting.number(sum(distances) / len(distances)), self.style("foreground"))
            parts.append(Text.assemble(("mean distance ", dim), mean))
        return joined(parts, self.size.width, 2)

    def _titles(self, pair: list[Spectrogram] | None) -> Text:
        width = (self.size.width - GAP) // 2
        found = Text()
        for index, (title, color) in enumerate(self._names_of_sides):
            parts = [Text.assemble((title, self.style(color, bold=True)))]
            if pair is not None and not pair[index].error:
                picture = pair[index]
                parts.append(Text.assemble((formatting.duration(picture.seconds), self.style("dim"))))
                parts.append(Text.assemble((f"to {picture.rate / 2000:.3g} kHz", self.style("dim"))))
            found.append_text(pad(joined(parts, width, 2), width))
            found.append(" " * GAP * (1 - index))
        return found

    @property
    def _names_of_sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """What is shown at the left and at the right, with their colours."""
        left, right = ("nearest training sound", "take") if self._state.is_prior else ("original", "reconstruction")
        return (left, "series-recon"), (right, "series-val")

    def _picture_rows(self, pair: list[Spectrogram] | None, rows: int) -> list[Text]:
        width = (self.size.width - GAP) // 2
        if pair is None:
            waiting = Text("making the pictures …", self.style("dim"))
            return [waiting if row == rows // 2 else Text() for row in range(rows)]
        shaded = is_shaded(self.app)
        found = []
        for row in range(rows):
            line = Text()
            for index, picture in enumerate(pair):
                if picture.error:
                    said = printable(picture.error) if row == rows // 2 else ""
                    line.append_text(pad(Text(said, self.style("error")), width))
                else:
                    line.append_text(picture_row(picture, row, shaded))
                line.append(" " * GAP * (1 - index))
            found.append(line)
        return found

    def _sounds(self, preview: PreviewMade, rows: int) -> list[Text]:
        """The sounds with their distances and the course of those through the previews; the chosen one among them."""
        here = min(self._sound, len(preview.pairs) - 1)
        first = min(max(0, here - rows // 2), len(preview.pairs) - rows)
        found = []
        names = [sound_name(preview, index) for index in range(first, first + rows)]
        room = max(LEAST_NAME, min(max(cell_len(name) for name in names), self.size.width - NUMBERS))
        for index in range(first, first + rows):
            distance = preview.pairs[index][2]
            course = [
                math.nan if (d := made.pairs[index][2]) is None else d
                for made in self._state.previews[-COURSE:]
                if index < len(made.pairs)
            ]
            most = max((d for d in course if math.isfinite(d)), default=1.0)
            line = Text.assemble(
                ("▸ " if index == here else "  ", self.mark_style),
                pad(
                    Text(
                        formatting.shorten_path(names[index - first], room),
                        self.style("foreground" if index == here else "dim", bold=index == here),
                    ),
                    room,
                ),
                ("  distance ", self.style("dim")),
                (formatting.number(distance), self.style("foreground")),
            )
            if len(course) > 1:
                line.append("  " + blocks(course, most or 1.0), self.style("series-recon"))
            if index < len(preview.measures) and (words := sound_quality.words(preview.measures[index])):
                line.append(f"  {words}", self.style("warning"))
            found.append(line)
        return found
