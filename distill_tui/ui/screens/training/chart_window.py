"""The visible part of a chart: zoom, pan and the cursor, in the units of the axis."""

from dataclasses import dataclass

CLOSEST = 2048
"""The greatest zoom factor."""


@dataclass
class ChartWindow:
    """A part of 0 to `whole`. `span` None is all of it; `end` None is the newest, which goes on as the run does.

    `cursor` None is the newest point.
    """

    whole: float = 1.0
    span: float | None = None
    end: float | None = None
    cursor: float | None = None

    @property
    def last(self) -> float:
        return self.whole if self.span is None or self.end is None else min(self.end, self.whole)

    @property
    def first(self) -> float:
        return 0.0 if self.span is None else max(0.0, self.last - self.span)

    @property
    def is_whole(self) -> bool:
        return self.span is None

    def reset(self) -> None:
        """Show everything, with the cursor at the newest."""
        self.span = self.end = self.cursor = None

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much, around the cursor if it stands somewhere, or else up to the newest."""
        old = self.last - self.first
        new = max(self.whole / CLOSEST, old * factor)
        if new >= self.whole:
            self.span = self.end = None
            return
        self.span = new
        if self.cursor is not None:
            # the cursor stays where it is on the screen
            share = (self.cursor - self._first_of(old)) / old if old else 0.5
            self._end_at(self.cursor + (1 - share) * new)

    def _first_of(self, span: float) -> float:
        return max(0.0, self.last - span)

    def pan(self, share: float) -> None:
        """Move by a share of what is shown: below 0 to what was before."""
        if self.span is not None:
            self._end_at(self.last + share * self.span)

    def _end_at(self, end: float) -> None:
        assert self.span is not None
        self.end = None if end >= self.whole else max(self.span, end)

    def move(self, by: float) -> None:
        """Move the cursor, and the window with it where it would leave it; beyond the newest it follows the newest."""
        at = (self.last if self.cursor is None else self.cursor) + by
        if at >= self.whole:
            self.cursor = None
            if self.span is not None:
                self.end = None
            return
        self.cursor = max(0.0, at)
        if self.span is None:
            return
        if self.cursor > self.last:
            self._end_at(self.cursor)
        elif self.cursor < self.first:
            self._end_at(self.cursor + self.span)
