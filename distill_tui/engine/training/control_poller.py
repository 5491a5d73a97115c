"""What is wanted of a run, as its worker hears it: control.json is looked at between steps."""

import math
import time
from dataclasses import dataclass, field

from distill_tui.errors import DistillError
from distill_tui.recipe.fields import check, fields, live_keys, unknown_key
from distill_tui.recipe.resolve import SPECTRAL_WEIGHTS, nothing_to_learn_from
from distill_tui.runs.control import Control, read_control
from distill_tui.runs.events import SettingChanged, SettingRejected, WarningRaised
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter

CHECK_SECONDS = 0.25
"""How often a worker makes sure that its run is still there and its own."""


@dataclass
class ControlPoller:
    """The wishes, the knobs in force, and which requests have been answered.

    `stopping` is set by signals; it counts like a wish to stop.
    """

    run: RunFolder
    log: LogWriter
    knobs: dict[str, float]
    checkpoints: int = 0
    previews: int = 0
    stopping: bool = False
    control: Control = field(default_factory=Control)
    _seen: tuple[int, int, int] | None = None
    _checked_at: float = -math.inf
    _refused: dict[str, list[float | str | None]] = field(default_factory=dict)

    @property
    def wants_stop(self) -> bool:
        return self.stopping or self.control.wanted == "stopped"

    @property
    def wants_pause(self) -> bool:
        return self.control.wanted == "paused" and not self.wants_stop

    @property
    def wants_checkpoint(self) -> bool:
        return self.control.checkpoint > self.checkpoints

    @property
    def wants_preview(self) -> bool:
        return self.control.preview > self.previews

    def look(self, step: int) -> None:
        """Read the wishes if they have changed; knobs take effect at `step`.

        Raises:
            DistillError: the run was removed, or is another worker's: nothing of it may be written any more.
        """
        self.check_run()
        try:
            found = self.run.control.stat()
        except OSError:
            return
        mark = (found.st_ino, found.st_mtime_ns, found.st_size)
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self.control = read_control(self.run.control)
        except DistillError as error:
            self.log.write(WarningRaised(code="control", text=error.message, advice=error.hint, step=step))
            return
        self._turn(step)

    def check_run(self, now: bool = False) -> None:
        """See, a few times a second or `now`, that the run is still there and this worker's."""
        if not now and time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        if lost := self.run.why_lost() or self.log.why_lost():
            raise DistillError(lost, f"If its folder is still there: distill-tui resume {self.run.id}")

    def _turn(self, step: int) -> None:
        """Put the knobs that are wanted and can be into force; refuse the others, once."""
        good: dict[str, float] = {}
        # a refusal holds for as long as the very same is asked for
        self._refused = {key: asked for key, asked in self._refused.items() if asked == self._asked(key)}
        for key, value in self.control.knobs.items():
            if value == self.knobs.get(key, math.nan) or key in self._refused:
                continue
            if key not in live_keys():
                self._refuse(key, unknown_key(key, live_keys()), step)
                continue
            checked, problem = check(fields()[key], value)
            if problem:
                self._refuse(key, problem, step)
            else:
                good[key] = checked
        # they are looked at together: one may be turned down because another is turned up
        if problem := nothing_to_learn_from(self.knobs | good):
            for key in [key for key in SPECTRAL_WEIGHTS if key in good]:
                del good[key]
                self._refuse(key, problem, step)
        for key, number in good.items():
            old, self.knobs[key] = self.knobs[key], number
            self.log.write(SettingChanged(key=key, old=old, new=number, step=step))

    def _asked(self, key: str) -> list[float | str | None]:
        """What is asked for a knob now, and for those that it is looked at together with."""
        together = SPECTRAL_WEIGHTS if key in SPECTRAL_WEIGHTS else (key,)
        return [self.control.knobs.get(one, "nothing") for one in together]

    def _refuse(self, key: str, problem: str, step: int) -> None:
        self._refused[key] = self._asked(key)
        self.log.write(SettingRejected(key=key, text=problem, step=step, value=self.control.knobs.get(key)))
