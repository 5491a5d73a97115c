"""Spectrograms of the page's sounds as PNG files: a pair on one scale, made once."""

import threading
from collections import OrderedDict
from pathlib import Path

from distill_tui.serve.answer import Answer, Refused

WIDTH, HEIGHT = 480, 128
MOST_KEPT = 128
"""Pictures of about 40 KB."""
FRESH_SECONDS = 600

Key = tuple[tuple[tuple[str, int, int], ...], int]


class Pictures:
    """The newest spectrograms. One is made at a time: they must not take the machine from the training."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, paths: tuple[Path, ...], which: int) -> Answer:
        """The picture of one of these sounds, on the scale of all of them.

        Raises:
            Refused: it cannot be read.
        """
        stamps = tuple(map(_stamp, paths))
        with self._lock:
            if (stamps, which) not in self._kept:
                self._make(paths, stamps)
            content = self._kept[stamps, which]
            self._kept.move_to_end((stamps, which))
        if not content:
            raise Refused(404, "this sound cannot be drawn")
        # its address changes with the sound (`v`), so that what is shown again is not sent again
        return Answer("image/png", content, headers={"Cache-Control": f"private, max-age={FRESH_SECONDS}"})

    def _make(self, paths: tuple[Path, ...], stamps: tuple[tuple[str, int, int], ...]) -> None:
        # numpy is loaded when the first picture is asked for
        from distill_tui.reporting.page import spectrogram

        for index, image in enumerate(spectrogram.pictures(paths, WIDTH, HEIGHT)):
            self._kept[stamps, index] = b"" if image.error else spectrogram.png(image)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size
