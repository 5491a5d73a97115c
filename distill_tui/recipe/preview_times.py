"""When a training makes previews by itself: after a minute, and then each time twice as late."""

import math
from dataclasses import dataclass

FIRST_PREVIEW = 60.0
"""Seconds of training after which the first preview is made; each next one takes twice as long."""
MOST_PREVIEW_SHARE = 0.03
"""Of the time in training, which previews by time may take."""


def next_preview(trained: float) -> float:
    """Seconds of training at which the next preview by time is due: 60, 120, 240, ..., the first beyond `trained`."""
    return FIRST_PREVIEW * 2.0 ** max(0, math.floor(math.log2(max(trained, FIRST_PREVIEW / 2) / FIRST_PREVIEW)) + 1)


@dataclass
class PreviewTimes:
    """The times of previews: they follow from the time in training alone, so a resumed run goes on with them.

    `spent` is the time that previews took in this session. Where they are slow, some times are left out.
    """

    due: float = FIRST_PREVIEW
    spent: float = 0.0

    def start(self, trained: float) -> None:
        """Begin at `trained` seconds of training."""
        self.due = next_preview(trained)

    def add(self, trained: float, took: float) -> None:
        """Note a preview that took so many seconds and ended at `trained`; the next is one that can be afforded."""
        self.spent += took
        self.due = next_preview(trained)
        while self.spent + took > MOST_PREVIEW_SHARE * self.due:
            self.due *= 2
