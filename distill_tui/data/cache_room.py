"""Room for decoded sounds: how many bytes they need, what the disk and the limit leave, and which packs give way.

The packs that were used longest ago are deleted first, and never one that a living process uses.
"""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from distill_tui.data.corpus import Sound
from distill_tui.data.packs import Index, changing, stored_bytes, used_packs
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import Home
from distill_tui.text import printable

LIMIT_SHARE = 0.8
"""Of the room that the disk has for them, decoded sounds take no more than this if settings.toml sets no limit."""
RESERVE = 1 << 30
"""Bytes that stay free for checkpoints and logs, or half of what is free where that is less."""
LARGE = 10**9
"""Bytes that nobody takes without saying so."""


def decoded_samples(sound: Sound, rate: int) -> int:
    """Samples of a sound at `rate` Hz."""
    return round(sound.frames * rate / sound.rate)


def needed_bytes(sounds: Iterable[Sound], rate: int) -> int:
    """Bytes of sounds at `rate` Hz in the packs."""
    return sum(stored_bytes(decoded_samples(sound, rate)) for sound in sounds)


def gigabytes(count: float) -> str:
    """`12.3 GB`, and `0.4 MB` below a tenth of a gigabyte."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@dataclass(frozen=True)
class Room:
    """Bytes: `free` on the disk, `taken` by packs, `kept` of them by living processes, `limit` of what they may be."""

    free: int
    taken: int
    kept: int
    limit: int
    folder: Path

    def problem(self, need: int) -> str:
        """The reason why `need` bytes more have no room, even when all that may be deleted is; ''."""
        if not need:
            return ""
        shown = printable(str(self.folder))
        free = self.free + self.taken - self.kept
        if need > free - min(RESERVE, free // 2):
            return f"the decoded sounds need {gigabytes(need)} in {shown}, where {gigabytes(free)} are free"
        if need > self.limit - self.kept:
            return f"the decoded sounds need {gigabytes(need)} in {shown}, and their limit is {gigabytes(self.limit)}"
        return ""

    def excess(self, need: int) -> int:
        """Bytes of packs to delete before `need` bytes more are written."""
        on_disk = need + min(RESERVE, self.free // 2) - self.free
        return min(self.taken - self.kept, max(self.taken + need - self.limit, on_disk, 0))


WAY_OUT = (
    'Set [folders] cache in settings.toml to a larger disk, or cache_limit = "500 GB"; or lower model.sample_rate.'
)


def room_of(home: Home, index: Index) -> Room:
    """The room for a home's decoded sounds now."""
    used, packs = used_packs(index), index.packs()
    taken = sum(pack.bytes for pack in packs)
    free = free_bytes(index.folder)
    limit = home.cache_limit or int(LIMIT_SHARE * (free + taken))
    return Room(free, taken, sum(pack.bytes for pack in packs if pack.id in used), limit, home.cache)


def make_room(home: Home, index: Index, need: int, spared: Collection[str] = ()) -> None:
    """Delete packs, those unused for the longest first, until `need` bytes more have room.

    Args:
        spared: hashes of sounds that are about to be packed: what an earlier version decoded of them stays.

    Raises:
        DistillError: they have none; nothing was deleted.
    """
    room = room_of(home, index)
    if room.excess(need) or room.problem(need):
        # here, as numpy comes with it
        from distill_tui.data import float_cache

        float_cache.remove_all(home, spared)
        room = room_of(home, index)
    if problem := room.problem(need):
        raise DistillError(problem, WAY_OUT)
    used, excess = used_packs(index), room.excess(need)
    for pack in index.packs():
        if excess <= 0:
            return
        if pack.id not in used:
            index.drop(pack)
            excess -= pack.bytes


@dataclass(frozen=True)
class Plan:
    """Bytes that sounds still need in the cache, and the room there."""

    need: int
    room: Room

    @property
    def is_large(self) -> bool:
        """True if a person should know before so much is taken."""
        return self.need >= LARGE

    @property
    def text(self) -> str:
        """`12.3 GB of decoded sound go into CACHE; 40.0 GB are free`."""
        shown = printable(str(self.room.folder))
        return f"{gigabytes(self.need)} of decoded sound go into {shown}; {gigabytes(self.room.free)} are free"


def plan_room(home: Home, sounds: Iterable[Sound], rate: int) -> Plan | None:
    """The room that sounds at `rate` Hz need beside what is in the cache; None if that cannot be told here.

    Raises:
        RequestError: there is too little; nothing was changed.
    """
    listed = list(sounds)
    try:
        with changing(home) as index:
            there = index.find((sound.content for sound in listed), rate)
            plan = Plan(needed_bytes((s for s in listed if s.content not in there), rate), room_of(home, index))
    except DistillError:
        # whoever writes there will say what is wrong
        return None
    if problem := plan.room.problem(plan.need):
        raise RequestError(problem, WAY_OUT)
    return plan


def free_bytes(folder: Path) -> int:
    """Free bytes where a folder is, or will be; 0 if that is unknown."""
    with contextlib.suppress(OSError, StopIteration):
        return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    return 0


def cache_bytes(home: Home) -> int:
    """Bytes that the home's cache takes on the disk, all of it."""
    total = 0
    for folder, _, names in os.walk(home.cache):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
