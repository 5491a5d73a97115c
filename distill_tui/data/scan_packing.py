"""Packing in a scan: sounds are decoded into the cache while they are examined, so that the disk is read once.

The rate must be known before the first file is read: it is the recipe's, or the one that the headers of some of the
files lead to. Where there is no room for all, or the cache cannot be written, the scan goes on without.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from distill_tui.data.audio_io import resampled
from distill_tui.data.cache_room import Plan, make_room, room_of
from distill_tui.data.discover import FoundFile
from distill_tui.data.packer import Encoded, Packer
from distill_tui.data.packs import Use, changing, stored_bytes, sweep
from distill_tui.data.scan_cache import Finding
from distill_tui.data.sound_file import Samples, UnreadableSoundError, open_sound
from distill_tui.data.thread_pool import as_ready
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.recipe.resolve import model_rate

MOST_HEADERS = 1000
"""Files whose headers are read to choose the rate and to estimate the space."""


class ScanPacking:
    """Keeps the sounds of a scan, decoded.

    Args:
        rate: in Hz; 0 for the automatic rate of a model of these sounds.
        told: called with the bytes that will be taken and the room that there is, before anything is written; without
            it nothing large is kept, as nobody would know.
    """

    def __init__(self, home: Home, rate: int = 0, told: Callable[[Plan], object] | None = None) -> None:
        self._home, self._rate, self._told = home, rate, told
        self._use, self._packer = Use(), None

    _packer: Packer | None

    def begin(self, files: Sequence[FoundFile], known: Iterable[Finding]) -> None:
        """Choose the rate, and make room for the sounds of these files."""
        some = (
            [files[i * len(files) // MOST_HEADERS] for i in range(MOST_HEADERS)] if len(files) > MOST_HEADERS else files
        )
        headers = [header for _, result in as_ready(some, lambda file, _: _header(file)) if (header := result())]
        if not headers:
            return
        scale = len(files) / len(some)
        rate = self._rate or model_rate(_seconds_by_rate(headers, scale, known))
        need = int(scale * sum(stored_bytes(round(frames * rate / native)) for native, frames in headers))
        try:
            with changing(self._home) as index:
                sweep(index)
                plan = Plan(need, room_of(self._home, index))
                if plan.room.problem(need) or (plan.is_large and self._told is None):
                    return
                make_room(self._home, index, need)
        except DistillError:
            return
        if self._told is not None:
            self._told(plan)
        self._packer = Packer(self._home, rate, self._use)

    def encode(self, blocks: Iterator[Samples], rate: int) -> Encoded | None:
        """A sound for the packs; None if none are kept."""
        if self._packer is None:
            return None
        try:
            # a generator of its own, which may be given up while `blocks` goes on
            return self._packer.encode(resampled((block for block in blocks), rate, self._packer.rate))
        except DistillError as error:
            if isinstance(error, UnreadableSoundError):
                raise
            self._packer = None
            return None

    def add(self, content: str, sound: Encoded) -> None:
        """Keep a sound."""
        packer = self._packer
        try:
            if packer is not None:
                packer.add(content, sound)
        except DistillError:
            self._packer = None

    def end(self) -> None:
        """Write what waits."""
        packer, self._packer = self._packer, None
        try:
            if packer is not None:
                packer.flush()
        except DistillError:
            return


def _header(file: FoundFile) -> tuple[int, int] | None:
    """Rate and frames of a file, as its header has them; None where that is no sound."""
    try:
        with open_sound(Path(file.path)) as opened:
            # a stream does not say how long it is: half its bytes, at least
            return opened.rate, min(opened.promised, 8 * file.stamp[0])
    except UnreadableSoundError:
        return None


def _seconds_by_rate(headers: list[tuple[int, int]], scale: float, known: Iterable[Finding]) -> dict[int, float]:
    seconds: dict[int, float] = {}
    for rate, frames in headers:
        seconds[rate] = seconds.get(rate, 0.0) + scale * frames / rate
    for finding in known:
        if finding.rate and not finding.reason:
            seconds[finding.rate] = seconds.get(finding.rate, 0.0) + finding.frames / finding.rate
    return seconds
