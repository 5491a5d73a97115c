"""A folder of takes: sound files, and `takes.json`, an array that describes them.

Several processes may change one folder at once (the app, its worker, a command): each change is made under the lock
`.lock`, on `takes.json` as it is then. It is written aside, flushed and renamed. Nothing here needs numpy or torch.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write, describe_os_error, locked, make_folder, sync_folder
from distill_tui.foreign import MalformedError, decode, read_bytes
from distill_tui.takes.take import Take
from distill_tui.text import clean_name, printable, unused_name

LIST = "takes.json"
SUFFIXES = (".wav", ".flac")
"""Of sound files: one name is never used for both."""
TRASH = ".trash"
KEPT_DAYS = 30
"""Takes that were thrown away can be had back for so long."""
LONGEST_NAME = 255
MOST_BYTES = 1 << 28
"""A list of takes is not larger."""

Stamp = tuple[int, int, int]


class TakesFolder:
    """The takes of one folder, in the order in which they were made. The folder is made when something is added.

    Raises:
        RequestError: `path` is a file.
        DistillError: takes.json is damaged; nothing in the folder is changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: Stamp | None = None
        self._takes: list[Take] = []
        self._undo: list[tuple[str, bool | None]] = []
        if path.exists() and not path.is_dir():
            raise RequestError(f"{printable(str(path))}: is a file, not a folder", "Choose another folder.")
        self._read()

    @property
    def takes(self) -> list[Take]:
        """The takes as the file lists them now; it is read again only when it has changed. `file` tells where each is.

        Raises:
            DistillError: takes.json is damaged.
        """
        self._read()
        return list(self._takes)

    def file(self, take: Take) -> Path:
        """The sound file of a take; that of a take that was thrown away is in the trash. It may be gone."""
        return self.path / TRASH / take.path if take.kept is False else self.path / take.path

    def add(self, take: Take, content: bytes, suffix: str = ".wav", stem: str = "take") -> Take:
        """Write a sound file under a name that is not used, and list it.

        Args:
            take: what it is; `path` is filled in.
            content: the bytes of the file.
            stem: its name, made fit for a file, with a number where it is taken.

        Returns:
            the take with its path.

        Raises:
            DistillError: the disk is full or the folder cannot be written; earlier takes are untouched.
        """
        with self._changing():
            used = {Path(other.path).stem for other in self._takes}
            name = unused_name(
                clean_name(stem), lambda n: n in used or any(os.path.lexists(self.path / f"{n}{s}") for s in SUFFIXES)
            )
            take = msgspec.structs.replace(take, path=f"{name}{suffix}")
            target = self.path / take.path
            atomic_write(target, content, shared=True)
            try:
                self._write([*self._takes, take])
            except BaseException:
                # a sound that is not in the list would be nobody's; an interruption may come after it was listed
                with contextlib.suppress(OSError, DistillError):
                    self._read()
                    if not any(other.path == take.path for other in self._takes):
                        target.unlink()
                raise
        return take

    def keep(self, take: Take) -> Take:
        """Mark a take as kept; one in the trash comes back. Raises as `mark`."""
        return self.mark(take, True)

    def throw(self, take: Take) -> Take:
        """Throw a take away: its file goes to the folder's trash, and it stays listed. Raises as `mark`."""
        return self.mark(take, False)

    def mark(self, take: Take, kept: bool | None) -> Take:
        """Set `kept` of a take: True, False (thrown away) or None (undecided).

        Raises:
            RequestError: no such take is listed.
            DistillError: the folder cannot be written.
        """
        return self._mark(take.path, kept)

    def undo(self) -> Take | None:
        """Undo the last `keep`, `throw` or `mark` of this object; the take, or None where there is nothing to undo."""
        if not self._undo:
            return None
        name, before = self._undo[-1]
        take = self._mark(name, before)
        del self._undo[-2:]  # the one undone, and the undoing itself
        return take

    def copy(self, take: Take, target: Path) -> Path:
        """Copy the sound of a take into another folder, under an unused name; the new file.

        Raises:
            DistillError: it is gone, or the folder cannot be written.
        """
        source = self.file(take)
        name = unused_name(source.stem, lambda n: os.path.lexists(target / f"{n}{source.suffix}"))
        path = target / f"{name}{source.suffix}"
        try:
            content = source.read_bytes()
        except OSError as error:
            raise DistillError(f"cannot read {printable(str(source))}: {(error.strerror or '').lower()}") from error
        atomic_write(path, content, shared=True)
        return path

    def empty_old(self) -> int:
        """Delete the takes that were thrown away more than KEPT_DAYS ago for good; their number.

        Raises:
            DistillError: the folder cannot be written.
        """
        return self._delete(self._is_old)

    def delete_thrown(self, undecided: bool = False) -> int:
        """Delete the takes that were thrown away for good, and with `undecided` all that are not kept; their number.

        Raises:
            DistillError: the folder cannot be written.
        """
        return self._delete(lambda take: is_prunable(take, undecided))

    def thin(self, limit: int) -> int:
        """Delete takes that were thrown away, the oldest first, until all take at most `limit` bytes; their number.

        Those that nobody threw away stay, whatever they take; 0 is no limit.

        Raises:
            DistillError: the folder cannot be written.
        """
        if not limit:
            return 0
        thrown, sizes = [], dict[str, int]()
        for take in self.takes:
            with contextlib.suppress(OSError):
                found = self.file(take).stat()
                sizes[take.path] = found.st_size
                if take.kept is False:
                    thrown.append((found.st_mtime_ns, take.path))
        excess, meant = sum(sizes.values()) - limit, set[str]()
        for _, path in sorted(thrown):
            if excess <= 0:
                break
            excess -= sizes[path]
            meant.add(path)
        return self._delete(lambda take: take.kept is False and take.path in meant)

    def _delete(self, is_meant: Callable[[Take], bool]) -> int:
        if not any(is_meant(take) for take in self.takes):
            return 0
        with self._changing():
            old = [take for take in self._takes if is_meant(take)]
            paths = {take.path for take in old}
            self._write([take for take in self._takes if take.path not in paths])
            for take in old:
                with contextlib.suppress(OSError):
                    self.file(take).unlink()
            self._undo = [one for one in self._undo if one[0] not in paths]
        return len(old)

    def _is_old(self, take: Take) -> bool:
        """True for a take whose file has lain in the trash for long; a file there was changed when it was thrown."""
        if take.kept is not False:
            return False
        try:
            return time.time() - self.file(take).stat().st_mtime > KEPT_DAYS * 86400
        except OSError:
            return False

    def _mark(self, name: str, kept: bool | None) -> Take:
        with self._changing():
            place = next((place for place, take in enumerate(self._takes) if take.path == name), None)
            if place is None:
                raise RequestError(f"no take '{printable(name)}' in {printable(str(self.path))}")
            take = self._takes[place]
            marked = msgspec.structs.replace(take, kept=kept)
            self._move(self.file(take), self.file(marked))
            self._write([*self._takes[:place], marked, *self._takes[place + 1 :]])
            self._undo.append((name, take.kept))
        return marked

    def _move(self, source: Path, target: Path) -> None:
        """Move a file that may be gone; nothing is overwritten."""
        if source == target or not os.path.lexists(source) or os.path.lexists(target):
            return
        try:
            make_folder(target.parent, shared=True)
            source.rename(target)
            if target.parent.name == TRASH:
                # since when it is there
                os.utime(target)
            sync_folder(target.parent)
        except OSError as error:
            raise DistillError(*describe_os_error(error, target)) from error

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            make_folder(self.path, shared=True)
        except OSError as error:
            raise DistillError(*describe_os_error(error, self.path)) from error
        with locked(self.path / ".lock"):
            self._read()
            yield

    def _read(self) -> None:
        """Read takes.json if it has changed since."""
        file = self.path / LIST
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return
            takes = decode(read_bytes(file, MOST_BYTES), list[Take])
            if not all(_is_name(take.path) for take in takes):
                raise MalformedError("it names what is no file of its folder")
            self._takes, self._stamp = takes, stamp
        except FileNotFoundError:
            self._takes, self._stamp = [], None
        except (OSError, MalformedError) as error:
            reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            raise DistillError(
                f"{printable(str(file))}: cannot be read as a list of takes: {printable(reason)}",
                "Nothing was changed. Move that file away to begin a new list; the sounds stay where they are.",
            ) from None

    def _write(self, takes: list[Take]) -> None:
        file = self.path / LIST
        atomic_write(file, msgspec.json.format(msgspec.json.encode(takes), indent=2) + b"\n", shared=True)
        self._takes, self._stamp = takes, None


def is_prunable(take: Take, undecided: bool = False) -> bool:
    """True for a take that was thrown away, and with `undecided` for one that nobody kept either."""
    return take.kept is False or (undecided and take.kept is None)


def _is_name(path: str) -> bool:
    """Check that a path of a list is the name of a file in its folder, as a file system can have it."""
    return (
        Path(path).name == path not in ("", ".", "..") and "\0" not in path and len(os.fsencode(path)) <= LONGEST_NAME
    )
