"""Spectrograms of the page's sounds as PNG files: a pair on one scale, made once."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.serve.answer import Answer, Refused

if TYPE_CHECKING:
    from distill_tui.data.spectrogram import SpectrogramImage

MOST_KEPT = 64
"""Sets of pictures, about 60 KB a picture."""
FRESH_SECONDS = 600

Stamps = tuple[tuple[str, int, int], ...]


class Pictures:
    """The newest spectrograms. One set is made at a time: they must not take the machine from the training."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Stamps, list[SpectrogramImage]] = OrderedDict()
        self._lock = threading.Lock()

    def images(self, paths: tuple[Path, ...]) -> "list[SpectrogramImage]":
        """The spectrograms of these sounds on one scale of loudness; each has an `error` where it cannot be read."""
        # numpy is loaded when the first picture is asked for
        from distill_tui.reporting.page import spectrogram

        stamps = tuple(map(_stamp, paths))
        with self._lock:
            found = self._kept.pop(stamps, None) or spectrogram.pictures(paths)
            self._kept[stamps] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def answer(self, paths: tuple[Path, ...], which: int) -> Answer:
        """The picture of one of these sounds, on the scale of all of them.

        Raises:
            Refused: it cannot be read.
        """
        from distill_tui.reporting.page import spectrogram

        image = self.images(paths)[which]
        if image.error:
            raise Refused(404, "this sound cannot be drawn")
        # its address changes with the sound (`v`), so that what is shown again is not sent again
        headers = {"Cache-Control": f"private, max-age={FRESH_SECONDS}"}
        return Answer("image/png", spectrogram.png(image), headers=headers)


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size
