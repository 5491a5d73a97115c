"""The blind test: original and reconstruction as X and Y, in an order that the listener does not know."""

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.errors import DistillError
from distill_tui.reporting import blind_test
from distill_tui.reporting.previews import levels_of, sound_name
from distill_tui.runs.blind_tests import Answer, keep_answers, read_answers
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.services.audio_player import AudioPlayer, player
from distill_tui.ui.services.workers import begin

KEYS = "x y  play     1  it is X     2  it is Y     0  unsure     esc  close"
SHORT_KEYS = "esc  close"


class BlindDialog(Dialog[None]):
    """Plays X and Y, takes what is said, keeps the score in the run's folder, and goes on with another sound."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "play(0)", "Play X", id="blind.x"),
        Binding("y", "play(1)", "Play Y", id="blind.y"),
        Binding("1", "answer(0)", "X is the original", id="blind.first"),
        Binding("2", "answer(1)", "Y is the original", id="blind.second"),
        Binding("0", "answer(-1)", "Cannot tell", id="blind.unsure"),
    ]

    def __init__(self, run: RunFolder, preview: PreviewMade, sound: int, levels: int, is_prior: bool) -> None:
        """Test a preview, beginning with the sound of index `sound`, by `levels` levels (0: all)."""
        self._can_hear = player(Path(preview.pairs[sound][0]).suffix) is not None
        super().__init__("Blind A/B test", KEYS if self._can_hear else SHORT_KEYS, "wide")
        self._run, self._preview, self._sound, self._levels = run, preview, sound, levels
        self._original = "training sound" if is_prior else "original"
        self._made = "take" if is_prior else "reconstruction"
        self._given: list[Answer] = []
        self._player = AudioPlayer(self)
        self._said = ""
        self._is_swapped = False
        self._random = random.SystemRandom()
        self._file = asyncio.Lock()

    def body(self) -> Iterable[Widget]:
        yield Static(id="blind-sound", classes="dialog-text", markup=False)
        yield Static(id="blind-score", classes="dialog-text", markup=False)

    def on_mount(self) -> None:
        self._next(self._sound)
        begin(self, "blind-read", self._read)

    async def _read(self) -> None:
        async with self._file:
            kept = await asyncio.to_thread(read_answers, self._run)
        self._given = [*kept, *self._given]
        self._show()

    def _next(self, sound: int) -> None:
        """Begin with a sound, in an order that nobody knows."""
        self._sound, self._is_swapped = sound, self._random.random() < 0.5
        self._show()

    def _paths(self) -> list[Path]:
        """X and Y."""
        original, made, _ = self._preview.pairs[self._sound]
        known = levels_of(self._preview, self._sound)
        if self._levels in known:
            made = known[self._levels][0]
        both = [self._run.path / original, self._run.path / made]
        return both[::-1] if self._is_swapped else both

    def action_play(self, which: int) -> None:
        if self._can_hear:
            begin(self, "playing", self._player.play, self._paths()[which])

    def action_answer(self, which: int) -> None:
        if not self._can_hear:
            return
        self._player.stop()
        is_right = None if which < 0 else which == int(self._is_swapped)
        self._said = f"{'XY'[self._is_swapped]} was the {self._original}: "
        self._said += "you could not tell." if is_right is None else "right." if is_right else "wrong."
        answer = Answer(step=self._preview.step, sound=self._sound, levels=self._levels, is_right=is_right)
        self._given.append(answer)
        # a group of its own: none of them cancels another
        begin(self, f"blind-keep-{len(self._given)}", self._keep, answer)
        others = [index for index in range(len(self._preview.pairs)) if index != self._sound and self._has(index)]
        self._next(self._random.choice(others) if others else self._sound)

    def _has(self, index: int) -> bool:
        """Whether a sound is reconstructed by as many levels."""
        return not self._levels or self._levels in levels_of(self._preview, index)

    async def _keep(self, answer: Answer) -> None:
        """Add the answer to the file, which another terminal may have changed meanwhile."""

        def keep() -> None:
            keep_answers(self._run, [*read_answers(self._run), answer])

        try:
            async with self._file:
                await asyncio.to_thread(keep)
        except DistillError as error:
            self.notify(f"The answer is not kept: {error.message}", severity="error", timeout=8, markup=False)

    def _show(self) -> None:
        here = [one for one in self._given if one.step == self._preview.step and one.levels == self._levels]
        self.query_one("#blind-sound", Static).update(self._question())
        if not self._can_hear and not self._given:
            return
        lines = [f"Score at step {self._preview.step:,}: {blind_test.score_text(here)}.", blind_test.verdict(here)]
        if len(here) != len(self._given):
            lines.append(f"Of this run, all steps: {blind_test.score_text(self._given)}.")
        if self._said:
            lines.insert(0, self._said)
        self.query_one("#blind-score", Static).update("\n".join(lines))

    def _question(self) -> str:
        name = sound_name(self._preview, self._sound)
        if not self._can_hear:
            return (
                f"{name}\nIt cannot be heard here: this machine has no sound device, or no player. "
                "W in the previews starts the listening page, which plays both in a browser on your own machine; "
                "f says how to fetch the files."
            )
        return f"{name}\nWhich one is the {self._original} and not the {self._made}: X or Y?"
