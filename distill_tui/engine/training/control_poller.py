"""Poll control.json between steps: requests, and live settings of a run."""

import math
import time
from dataclasses import dataclass, field

from distill_tui.engine.training.price_limit import PriceLimit
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
    """The requests of a run, its live settings in force, and which requests have been answered.

    `stopping` is set by signals, and by the price that the run may cost; it counts like a request to stop. `too_dear`
    is why, in the latter case.
    """

    run: RunFolder
    log: LogWriter
    settings: dict[str, float]
    checkpoints: int = 0
    previews: int = 0
    stopping: bool = False
    price_limit: PriceLimit = field(default_factory=PriceLimit)
    too_dear: str = ""
    control: Control = field(default_factory=Control)
    _last_read: tuple[int, int, int] | None = None
    _checked_at: float = -math.inf
    _rejected: dict[str, list[float | str | None]] = field(default_factory=dict)

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

    def poll(self, step: int) -> None:
        """Read control.json if it has changed; settings take effect at `step`.

        Raises:
            DistillError: the run was removed, or is another worker's: nothing of it may be written any more.
        """
        self.check_run()
        self._read_requests(step)
        if not self.stopping and (reason := self.price_limit.reason(self.settings.get("train.max_price", 0.0))):
            self.stopping, self.too_dear = True, reason

    def _read_requests(self, step: int) -> None:
        try:
            status = self.run.control.stat()
        except OSError:
            return
        mark = (status.st_ino, status.st_mtime_ns, status.st_size)
        if mark == self._last_read:
            return
        self._last_read = mark
        try:
            self.control = read_control(self.run.control)
        except DistillError as error:
            self.log.write(WarningRaised(code="control", text=error.message, advice=error.hint, step=step))
            return
        self._apply(step)

    def check_run(self, now: bool = False) -> None:
        """Check a few times a second, or `now`, that the run is still there and this worker's.

        Raises:
            DistillError: it is not.
        """
        if not now and time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        if lost := self.run.why_lost() or self.log.why_lost():
            raise DistillError(lost, f"If its folder is still there: distill-tui resume {self.run.id}")

    def _apply(self, step: int) -> None:
        """Put requested settings into force; reject those that are not possible, once."""
        good: dict[str, float] = {}
        # a rejection holds for as long as the very same is requested
        self._rejected = {key: request for key, request in self._rejected.items() if request == self._requested(key)}
        for key, value in self.control.knobs.items():
            if value == self.settings.get(key, math.nan) or key in self._rejected:
                continue
            if key not in live_keys():
                self._reject(key, unknown_key(key, live_keys()), step)
                continue
            checked, problem = check(fields()[key], value)
            if problem:
                self._reject(key, problem, step)
            else:
                good[key] = checked
        # they are checked together: one may be lowered because another is raised
        if problem := nothing_to_learn_from(self.settings | good):
            for key in [key for key in SPECTRAL_WEIGHTS if key in good]:
                del good[key]
                self._reject(key, problem, step)
        for key, number in good.items():
            old, self.settings[key] = self.settings[key], number
            self.log.write(SettingChanged(key=key, old=old, new=number, step=step))

    def _requested(self, key: str) -> list[float | str | None]:
        """The requested value of a setting, and of those that it is checked together with."""
        together = SPECTRAL_WEIGHTS if key in SPECTRAL_WEIGHTS else (key,)
        return [self.control.knobs.get(one, "nothing") for one in together]

    def _reject(self, key: str, problem: str, step: int) -> None:
        self._rejected[key] = self._requested(key)
        self.log.write(SettingRejected(key=key, text=problem, step=step, value=self.control.knobs.get(key)))
