"""What stands beside the map: where the run is, the codebooks' health, and the code that is chosen."""

import math

from rich.text import Text

from distill_tui.files import printable
from distill_tui.runs.codemap import DEADNESS, CodeMap
from distill_tui.runs.state import RunState
from distill_tui.ui import words
from distill_tui.ui.explorer.scene import DEAD, LIVE, Chosen, Scene, Shows
from distill_tui.ui.widgets.braille import BLOCKS
from distill_tui.ui.widgets.painted import Painted
from distill_tui.ui.widgets.status import MARKS

COLLAPSE = 0.5
"""Nats of KL below which a VAE's latents tell nothing: posterior collapse."""
BAR = 10
ROOMY = 48
"""Characters from which on the definition of a dead code is written out."""


class ExplorerHead(Painted):
    """`● running   step 12,300   103 steps/s   epoch 4/100`, or what a map is of."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: list[tuple[str, str]] = []

    def show_run(self, state: RunState, wanted: str, note: str) -> None:
        """Show how a run is; `wanted` was asked for and has not happened yet; `note` is about its data."""
        mark, color = MARKS.get(state.state, ("?", "dim"))
        word = f"{mark} {state.state}" + (f" → {wanted}" if wanted else "")
        self._parts = [(word, color), (f"step {state.step:,}", "foreground")]
        pace = state.numbers.get("time/step")
        if pace and state.state == "running":
            self._parts.append((f"{1 / pace:,.0f} steps/s" if pace < 0.1 else f"{1 / pace:.1f} steps/s", "foreground"))
        self._parts.append((f"epoch {state.epoch_text}", "foreground"))
        if state.eta_seconds is not None and state.is_active:
            self._parts.append((f"ETA {words.duration(state.eta_seconds)}", "foreground"))
        if state.reason:
            self._parts.append((printable(state.reason), color))
        if note:
            self._parts.append((note, "dim"))
        self.repaint()

    def show_text(self, parts: list[tuple[str, str]]) -> None:
        """Show these texts, each in a theme's colour."""
        self._parts = parts
        self.repaint()

    def lines(self) -> list[Text]:
        line = Text()
        for number, (text, color) in enumerate(self._parts):
            gap = "   " if number and self.size.width >= 64 else "  " if number else ""
            room = self.size.width - line.cell_len - len(gap)
            if number > 1 and room < len(text):
                break
            line.append(gap)
            line.append(text, self.style(color, bold=number == 0))
        line.truncate(self.size.width, overflow="ellipsis")
        return [line]


class HealthLines(Painted):
    """`Level 1: 14/16 active (2 dead)` for each level, and what dead means here; of a VAE its KL."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._map: CodeMap | None = None
        self._shows = Shows()
        self._key = "d"
        self._kl: float | None = None
        self._is_kl = False

    def show(self, found: CodeMap | None, shows: Shows, key: str) -> None:
        """Show the health of a map's codebooks; `key` changes the definition."""
        self._map, self._shows, self._key, self._is_kl = found, shows, key, False
        self.repaint()

    def show_kl(self, nats: float | None) -> None:
        """Show the KL of a VAE's latents."""
        self._kl, self._is_kl = nats, True
        self.repaint()

    def lines(self) -> list[Text]:
        if self._is_kl:
            return self._kl_lines()
        if self._map is None:
            return [Text("no codes yet", self.style("dim"))]
        if not self._map.levels:
            return [Text("no codes", self.style("dim"))]
        scene = Scene(self._map)
        found = [self._level(scene, level) for level in range(len(self._map.levels))]
        over = f"last {self._map.batches} batches" if self._map.batches else "all the data"
        meaning = DEADNESS[self._shows.deadness]
        if self.size.width < ROOMY:
            # all of it is told when it is changed
            meaning = meaning.partition(" (")[0]
        meaning = f"over {over}; dead: {meaning}"
        line = Text.assemble((self._key, self.style("accent")), (f" {meaning}", self.style("dim")))
        wrapped = list(line.wrap(self.app.console, max(8, self.size.width)))
        return found + wrapped

    def _level(self, scene: Scene, level: int) -> Text:
        dead = scene.dead(level, self._shows.deadness)
        size, gone = len(dead), sum(dead)
        share = (size - gone) / size if size else 0.0
        color = "success" if share >= 0.5 else "warning" if share >= 0.25 else "error"
        line = Text.assemble(
            (f"Level {level + 1}: ", self.style("dim")),
            (f"{size - gone}/{size} active", self.style(color, bold=True)),
            (f" ({gone} dead)", self.style("foreground" if gone else "dim")),
        )
        if self.size.width - line.cell_len >= 8 and size:
            line.append("  ")
            line.append(_course(scene.levels[level].counts, self.size.width - line.cell_len), self.style(color))
        return line

    def _kl_lines(self) -> list[Text]:
        if self._kl is None or not math.isfinite(self._kl):
            return [Text(f"KL {words.number(self._kl)}", self.style("dim"))]
        line = Text.assemble(("KL ", self.style("dim")), (f"{self._kl:.2f} nats", self.style("foreground", bold=True)))
        if self._kl >= COLLAPSE:
            line.append("  ● good", self.style("success", bold=True))
            return [line]
        return [
            line.append("  ▲ posterior collapse", self.style("error", bold=True)),
            Text(f"below {COLLAPSE} nats latents tell nothing", self.style("dim")),
        ]


def _course(counts: list[int], width: int) -> str:
    """The counts, the greatest first, as blocks; a dot for none. As many of them as there is room for, evenly."""
    ordered = sorted(counts, reverse=True)
    most = ordered[0] or 1
    if len(ordered) > width:
        ordered = [ordered[i * len(ordered) // width] for i in range(width)]
    return "".join(BLOCKS[max(1, round(count / most * 8))] if count else "·" for count in ordered)


class CodePane(Painted):
    """The chosen code: its count, its trail, what chose it, where in the data it is used most; then codes by use."""

    DEFAULT_CSS = "CodePane { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scene: Scene | None = None
        self._shows, self._chosen = Shows(), Chosen()

    def show(self, scene: Scene | None, shows: Shows, chosen: Chosen) -> None:
        """Show what is chosen on this map."""
        self._scene, self._shows, self._chosen = scene, shows, chosen
        self.repaint()

    def lines(self) -> list[Text]:
        width, height = self.size
        if self._scene is None:
            return []
        found = self._point_lines()
        if self._chosen.code is not None:
            found += self._code_lines(self._chosen.level, self._chosen.code)
        room = height - len(found)
        if room >= 4 and self._scene.map.levels:
            found += ([Text()] if found else []) + self._ranking(room - bool(found))
        for line in found:
            line.truncate(width, overflow="ellipsis")
        return found[:height]

    def _pair(self, word: str, value: str) -> Text:
        return Text.assemble((word + " ", self.style("dim")), (value, self.style("foreground")))

    def _point_lines(self) -> list[Text]:
        assert self._scene is not None
        found, point = self._scene.map, self._chosen.point
        if point is None:
            return []
        name = found.names[point] if point < len(found.names) else f"point {point}"
        label = found.labels[point]
        group = found.groups[label] if label < len(found.groups) else ""
        codes = [level.chosen[point] for level in found.levels if point < len(level.chosen)]
        return [
            Text(printable(name), self.style("foreground", bold=True)),
            self._pair("in", f"{self._scene.letters[label]} {printable(group)}".strip()),
            self._pair("codes", " + ".join(str(code) for code in codes) or words.MISSING),
        ]

    def _code_lines(self, level: int, code: int) -> list[Text]:
        assert self._scene is not None
        found = self._scene.map
        its = self._scene.levels[level]
        dead = self._scene.dead(level, self._shows.deadness)[code]
        count, total = its.counts[code], sum(its.counts)
        rank = 1 + sum(other > count for other in its.counts)
        x, y = its.codes[code]
        lines = [
            Text.assemble(
                (DEAD if dead else LIVE, self.style("error" if dead else "foreground", bold=True)),
                (f" level {level + 1}, code {code}", self.style("foreground", bold=True)),
                ("  dead" if dead else "", self.style("error")),
            ),
            self._pair("used", f"{count:,} times, {100 * count / max(1, total):.1f} % (number {rank})"),
        ]
        lines.append(self._pair("at", f"({x:.3g}, {y:.3g})"))
        lines += self._moved(level, code)
        served = self._scene.served(level, code)
        if served and found.groups:
            text = "  ".join(
                f"{number} {words.shorten(printable(found.groups[label]), 14)}"
                for label, number in served.most_common(6)
            )
            lines.append(self._pair("of the points", text))
        places = its.places[code] if code < len(its.places) else []
        if places:
            lines.append(Text("used most in", self.style("dim")))
        for place in places:
            minutes, seconds = divmod(place.start, 60)
            when = f"{int(minutes)}:{seconds:04.1f}"
            line = Text.assemble(
                (f"{when:>7} ", self.style("accent")),
                (f"{place.uses:>4,}x ", self.style("dim")),
                (printable(place.file), self.style("foreground")),
            )
            lines.append(line)
        return lines

    def _moved(self, level: int, code: int) -> list[Text]:
        assert self._scene is not None
        found = self._scene.map
        trail = [then[code] for then in self._scene.levels[level].trail if code < len(then)]
        if not trail or not found.trail_steps:
            return []
        (x, y), (x0, y0) = self._scene.levels[level].codes[code], trail[0]
        return [self._pair("moved", f"{math.hypot(x - x0, y - y0):.2g} since step {found.trail_steps[0]:,}")]

    def _ranking(self, rows: int) -> list[Text]:
        """The level's codes, those used most first."""
        assert self._scene is not None
        counts = self._scene.levels[self._chosen.level].counts
        dead = self._scene.dead(self._chosen.level, self._shows.deadness)
        total, most = max(1, sum(counts)), max(counts, default=1) or 1
        lines = [Text(f"codes of level {self._chosen.level + 1} by use", self.style("dim"))]
        ordered = sorted(range(len(counts)), key=lambda code: -counts[code])
        for code in ordered[: rows - 1]:
            eighths = round(counts[code] / most * BAR * 8)
            bar = "█" * (eighths // 8) + _tip(eighths % 8)
            here = code == self._chosen.code
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
    """The end of a bar."""
    return " ▏▎▍▌▋▊▉"[eighths] if eighths else ""
