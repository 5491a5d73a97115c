"""The live settings: each with what is set, what is active, and since which step."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from distill_tui.recipe.fields import Field, check, fields, get, live_keys
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.runs.control import Control
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.text_widget import LinesWidget, pad

WIDE = 37
"""Cells from which on there is room for all columns."""
LEAST = 1e-5
"""The smallest value above 0 of a knob that is turned by a factor."""


@dataclass
class Knob:
    """A live setting as it stands. `refused` tells why the last wish was not granted."""

    field: Field
    wanted: float
    applied: float
    step: int | None = None
    refused: str = ""

    @property
    def waits(self) -> bool:
        """True while the worker has not answered a request."""
        return self.wanted != self.applied and not self.refused


def knobs_of(recipe: Recipe, control: Control, state: RunState) -> list[Knob]:
    """The live settings of a run, but for those that mean nothing to its net."""
    turned = {event.key: event for event in state.knobs}
    refused = {event.key: event for event in state.refused}
    found = []
    for key in live_keys():
        if not turns_something(recipe, key):
            continue
        base = float(get(recipe, key))
        event = turned.get(key)
        applied = event.new if event else base
        knob = Knob(
            fields()[key],
            applied if (asked := control.knobs.get(key)) is None else asked,
            applied,
            event.step if event else None,
        )
        refusal = refused.get(key)
        if refusal and knob.waits and (event is None or refusal.seq > event.seq):
            knob.refused = refusal.text
        found.append(knob)
    return found


def turns_something(recipe: Recipe, key: str) -> bool:
    """True if a live setting changes anything in a run of this recipe."""
    if key == "train.max_price":
        return recipe.train.max_price > 0
    if recipe.task == "prior":
        return not key.startswith("loss.")
    model = recipe.model
    means = {
        "loss.mel_weight": recipe.task == "codec",
        "loss.stft_weight": recipe.task == "codec",
        "loss.commitment_weight": "commit" in model.quantizer_facts.losses,
        "loss.codebook_weight": "codebook" in model.quantizer_facts.losses,
        "loss.kl_weight": "kl" in model.quantizer_facts.losses,
        "loss.adversarial_weight": recipe.train.adversarial_fraction > 0,
        "loss.feature_weight": recipe.train.adversarial_fraction > 0,
    }
    return means.get(key, True)


def turned(field: Field, value: float, direction: int) -> float:
    """`value` one step up (1) or down (-1): by the declared factor or step, and never outside the bounds."""
    factor, step = field.extra.get("factor"), field.extra.get("step")
    new = float(f"{value * factor**direction:.4g}") if factor else round(value + direction * float(step or 1), 10)
    if factor and field.ge == 0 and new < LEAST:
        # no factor leads to 0, nor away from it
        new = LEAST if direction > 0 else 0.0
    if field.ge is not None:
        new = max(field.ge, new)
    if field.le is not None:
        new = min(field.le, new)
    return new if not check(field, new)[1] else value


class Knobs(LinesWidget, can_focus=True):
    """The knobs: up and down choose one, left and right turn it, enter types it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up",
            "choose(-1)",
            "Setting",
            key_display="↑↓",
            show=False,
            id="knob.previous",
            tooltip="Choose a live setting",
        ),
        Binding(
            "down",
            "choose(1)",
            "Setting",
            key_display="↑↓",
            show=False,
            id="knob.next",
            tooltip="Choose a live setting",
        ),
        Binding(
            "left", "turn(-1)", "Tune", key_display="←→", show=False, id="knob.down", tooltip="Tune the chosen setting"
        ),
        Binding("right", "turn(1)", "Tune", key_display="←→", id="knob.up", tooltip="Tune the chosen setting"),
        Binding("enter", "type", "Exact", show=False, id="knob.type", tooltip="Type the exact value"),
    ]

    chosen: reactive[int] = reactive(0)

    @dataclass
    class Turned(Message):
        """A knob was turned to `value`."""

        key: str
        value: float

    @dataclass
    class ExactAsked(Message):
        """Request to type a knob's exact value."""

        knob: Knob

    def allow_focus(self) -> bool:
        """Allow focus only where it is seen: a setting without room on a small screen must not be changed unseen."""
        return self.display and super().allow_focus()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._knobs: list[Knob] = []
        self._live = False

    def show(self, knobs: list[Knob], live: bool) -> None:
        """Show these knobs; those of a run that has ended for good (not `live`) cannot be turned."""
        self._knobs, self._live = knobs, live
        self.repaint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("turn", "type"):
            return self._live and bool(self._knobs)
        return super().check_action(action, parameters)

    def watch_chosen(self) -> None:
        self.repaint()

    def action_choose(self, by: int) -> None:
        if self._knobs:
            self.chosen = (self.chosen + by) % len(self._knobs)

    def action_turn(self, direction: int) -> None:
        if not self._knobs:
            return
        knob = self._knobs[self.chosen]
        new = turned(knob.field, knob.wanted, direction)
        if new != knob.wanted:
            # shown at once: two quick presses turn twice, before any answer comes
            knob.wanted = new
            self.repaint()
            self.post_message(self.Turned(knob.field.key, new))

    def action_type(self) -> None:
        if self._knobs:
            self.post_message(self.ExactAsked(self._knobs[self.chosen]))

    def lines(self) -> list[Text]:
        dim = self.style("dim")
        # where it is narrow, the last column still tells whether the desired value is applied
        wide = self.size.width >= WIDE
        head = pad(Text("  setting", dim), 19)
        head.append(f"{'set':>7}{'active' if wide else '':>{8 * wide}}{'since':>6}", dim)
        found = [head]
        for index, knob in enumerate(self._knobs):
            here = index == self.chosen
            focused = here and self.has_focus
            line = Text("▸ " if focused else "  ", self.style("accent" if self._live else "dim"))
            line.append(knob.field.title, self.style("foreground" if focused and self._live else "dim"))
            line = pad(line, 19)
            line.append(
                f"{formatting.setting(knob.wanted):>7}",
                self.style("warning" if knob.waits else "foreground" if self._live else "dim"),
            )
            if wide:
                applied = self.style("dim" if knob.waits or not self._live else "foreground")
                line.append(f"{formatting.setting(knob.applied):>8}", applied)
            since = "no" if knob.refused else "waits" if knob.waits else _since(knob.step)
            line.append(f"{since:>6}", self.style("error" if knob.refused else "warning" if knob.waits else "dim"))
            found.append(line)
        return found


def _since(step: int | None) -> str:
    if step is None:
        return "start"
    return f"{step:,}" if step < 10_000 else formatting.short_count(step)
