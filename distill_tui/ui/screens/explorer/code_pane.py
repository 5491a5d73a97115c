"""The code panel: the selected code with its uses and their places in the data, the selected point, codes by use."""

import math
from collections import Counter

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.runs.codebook_map import Place
from distill_tui.text import printable
from distill_tui.ui.screens.explorer.drawing import DEAD, LIVE
from distill_tui.ui.screens.explorer.excerpt import places_of
from distill_tui.ui.screens.explorer.scene import MapOptions, Scene, Selection
from distill_tui.ui.services.excerpts import moment
from distill_tui.ui.widgets.text_widget import LinesWidget

BAR = 10


class CodePane(LinesWidget):
    """The selected code: its count, its trail, its points, its main places in the data; then the codes by use."""

    DEFAULT_CSS = "CodePane { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scene: Scene | None = None
        self._options, self._selection = MapOptions(), Selection()

    def show(self, scene: Scene | None, options: MapOptions, selection: Selection) -> None:
        """Show the selection on this map."""
        self._scene, self._options, self._selection = scene, options, selection
        self.repaint()

    def lines(self) -> list[Text]:
        width, height = self.size
        if self._scene is None:
            return []
        found = self._point_lines()
        if self._selection.code is not None:
            found += self._code_lines(self._selection.level, self._selection.code)
        room = height - len(found)
        if room >= 4:
            ranking = self._ranking if self._scene.map.levels else self._groups
            found += ([Text()] if found else []) + ranking(room - bool(found))
        for line in found:
            line.truncate(width, overflow="ellipsis")
        return found[:height]

    def _point_lines(self) -> list[Text]:
        assert self._scene is not None
        found, point = self._scene.map, self._selection.point
        if point is None:
            return []
        name = printable(found.names[point]) if point < len(found.names) else f"point {point}"
        if point < len(found.starts):
            name = f"{name} at {moment(found.starts[point])}"
        label = found.labels[point]
        group = found.groups[label] if label < len(found.groups) else ""
        codes = [level.chosen[point] for level in found.levels if point < len(level.chosen)]
        lines = [
            Text(name, self.style("foreground", bold=True)),
            self.pair("in", f"{self._scene.letters[label]} {printable(group)}".strip()),
        ]
        return [*lines, self.pair("codes", " + ".join(str(code) for code in codes))] if codes else lines

    def _code_lines(self, level: int, code: int) -> list[Text]:
        assert self._scene is not None
        found = self._scene.map
        its = self._scene.levels[level]
        dead = self._scene.dead(level, self._options.deadness)[code]
        count, total = its.counts[code], sum(its.counts)
        rank = 1 + sum(other > count for other in its.counts)
        lines = [
            Text.assemble(
                (DEAD if dead else LIVE, self.style("error" if dead else "foreground", bold=True)),
                (f" level {level + 1}, code {code}", self.style("foreground", bold=True)),
                ("  dead" if dead else "", self.style("error")),
            ),
            self.pair("used", f"{count:,} times, {100 * count / max(1, total):.1f} % (no. {rank})"),
        ]
        served = self._scene.served(level, code)
        if served and found.groups:
            text = "  ".join(
                f"{formatting.shorten(printable(found.groups[label]), 14)} ({number})"
                for label, number in served.most_common(6)
            )
            lines.append(self.pair("of the points", text))
        lines += self._place_lines(places_of(found, self._selection))
        lines += self._moved(level, code)
        x, y = its.codes[code]
        lines.append(self.pair("at", f"({x:.3g}, {y:.3g})"))
        return lines

    def _place_lines(self, places: list[Place]) -> list[Text]:
        """List the places where the code is used most; the one that `enter` plays is marked."""
        if not places:
            return []
        lines = [Text("used most in", self.style("dim"))]
        here = self._selection.place % len(places)
        for number, place in enumerate(places):
            is_here = number == here
            lines.append(
                Text.assemble(
                    ("▸" if is_here else " ", self.style("accent")),
                    (f"{moment(place.start):>6} ", self.style("accent")),
                    (f"{place.uses:>4,}x ", self.style("dim")),
                    (printable(place.file), self.style("foreground", bold=is_here)),
                )
            )
        return lines

    def _moved(self, level: int, code: int) -> list[Text]:
        assert self._scene is not None
        found = self._scene.map
        trail = [then[code] for then in self._scene.levels[level].trail if code < len(then)]
        if not trail or not found.trail_steps:
            return []
        (x, y), (x0, y0) = self._scene.levels[level].codes[code], trail[0]
        return [self.pair("moved", f"{math.hypot(x - x0, y - y0):.2g} since step {found.trail_steps[0]:,}")]

    def _groups(self, rows: int) -> list[Text]:
        """List the groups of the points, for a map without codes."""
        assert self._scene is not None
        found = self._scene.map
        counted = Counter(found.labels)
        lines = [Text("points by group", self.style("dim"))]
        for label, number in counted.most_common(rows - 1):
            if 0 <= label < len(found.groups):
                letter, name = self._scene.letters[label], printable(found.groups[label])
                parts = ((f"{number:>5} ", self.style("dim")), (f"{letter} ", self.style("foreground", bold=True)))
                lines.append(Text.assemble(*parts, (name if name != letter else "", self.style("foreground"))))
        return lines

    def _ranking(self, rows: int) -> list[Text]:
        """List the level's codes, the most used first."""
        assert self._scene is not None
        counts = self._scene.levels[self._selection.level].counts
        dead = self._scene.dead(self._selection.level, self._options.deadness)
        total, most = max(1, sum(counts)), max(counts, default=1) or 1
        lines = [Text(f"codes of level {self._selection.level + 1} by use", self.style("dim"))]
        ordered = sorted(range(len(counts)), key=lambda code: -counts[code])
        for code in ordered[: rows - 1]:
            eighths = round(counts[code] / most * BAR * 8)
            bar = "█" * (eighths // 8) + _tip(eighths % 8)
            here = code == self._selection.code
            lines.append(
                Text.assemble(
                    ("▸" if here else " ", self.style("accent")),
                    (f"{code:>4} ", self.style("foreground", bold=here)),
                    (f"{bar:<{BAR}} ", self.style("error" if dead[code] else "series-train")),
                    (
                        f"{counts[code]:>7,} {100 * counts[code] / total:5.1f} %",
                        self.style("foreground" if here else "dim"),
                    ),
                    ("  dead" if dead[code] else "", self.style("error")),
                )
            )
        return lines


def _tip(eighths: int) -> str:
    """Return the end of a bar."""
    return " ▏▎▍▌▋▊▉"[eighths] if eighths else ""
