"""Numbers and times as the screens write them: short, aligned, and calm about what is missing."""

import datetime
import math
import re
import time

from distill_tui.text import printable

MISSING = "-"
_WITHIN_QUANTITY = re.compile(
    r"(?<=\d) (?=(?:s|ms|min|h|Hz|kHz|kbps|[kMG]B|%)(?!\w))|(?<=\d min) (?=\d)|(?<=\d h) (?=\d)"
    r"|(?<=[\dkMG]) (?=parameters)"
)
"""The spaces of `2 min 34 s`, `44.1 kHz` and `1.7M parameters`."""
_TIED = "\u00a0"
_PIECES = re.compile(r" *(?:[^ ]*?[^\W\d]{2}-(?=[^\W\d]{2})|[^ ]+)")
"""Words with the spaces before them; a word may be broken after a hyphen between letters."""


def duration(seconds: float | None) -> str:
    """`1.4 s`, `48 s`, `3 min 20 s`, `2 h 05 min`; `-` when not known."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def number(value: float | None) -> str:
    """A loss in at most seven characters, four digits of it: `0.8123`, `12.35`, `1.2e-05`, `NaN`, `-`."""
    if value is None:
        return MISSING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.001 or size >= 100_000:
        text = f"{value:.1e}"
        return text if len(text) <= 8 else f"{value:.0e}"
    if size < 10:
        return f"{value:.4f}"
    return f"{value:.{max(0, 3 - int(math.log10(size)))}f}"


def setting(value: object) -> str:
    """A setting as one would type it: `0.001`, `8e-05`, `100`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:.6g}"
        return short if float(short) == value else repr(value)
    return str(value)


def percent(share: float | None) -> str:
    """A share of 0..1 as `98 %`, below one per cent as `0.4 %`; `-` when not known."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{share * 100:.{1 if 0 < share < 0.00995 else 0}f} %"


def count(value: float | None) -> str:
    """A whole number with thousands apart: `1,700`; `-` when not known."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}"


def short_count(value: float | None) -> str:
    """A big number in five characters: `812`, `1.7k`, `4.2M`; `-` when not known."""
    if value is None or not math.isfinite(value):
        return MISSING
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}"


def hertz(rate: float) -> str:
    """`44.1 kHz`, `8 kHz`, `11.025 kHz`."""
    return f"{rate / 1000:g} kHz"


def kbps(value: float | None) -> str:
    """The bit rate of codes in kilobits a second, `0.84 kbps`; `continuous` for latents that are no codes."""
    return f"{value:.2f} kbps" if value else "continuous"


def megabytes(size: int) -> str:
    """The size of a file in bytes as `1.2 MB`, a small one's as `3.4 kB`."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def clock(seconds: float) -> str:
    """A moment as the local time of day, `14:03:59`."""
    return _local("%H:%M:%S", seconds)


def day(seconds: float) -> str:
    """A moment as the local date and time, `2026-03-01 14:03`."""
    return _local("%Y-%m-%d %H:%M", seconds)


def local_day(created: str) -> str:
    """ISO 8601 in UTC as the local date and time; `-` when there is none."""
    try:
        moment = datetime.datetime.fromisoformat(created)
    except ValueError:
        return MISSING
    return day(moment.timestamp())


def _local(form: str, seconds: float) -> str:
    try:
        return time.strftime(form, time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        # beyond the calendar
        return MISSING


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by `…`."""
    # not at the top: `status` in tmux's status line must not wait for it
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def shorten_path(text: str, width: int) -> str:
    """A path in at most `width` cells: its beginning is what can go."""
    from rich.cells import cell_len, split_text

    cells = cell_len(text)
    return text if cells <= width else "…" + split_text(text, cells - max(0, width - 1))[1]


def plural(number_of: int, word: str) -> str:
    """`1 file`, `20 files`."""
    return f"{number_of:,} {word}{'' if number_of == 1 else 's'}"


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """`text` in lines of at most `width` cells, those after the first set in; no quantity is torn apart.

    Textual and rich break at a no-break space as well, so whoever wants whole quantities wraps here.
    """
    from rich.cells import cell_len, chop_cells

    width = max(width, indent + 2)
    lines, line = [], ""
    for piece in _PIECES.findall(_WITHIN_QUANTITY.sub(_TIED, text)):
        if not line or cell_len(line + piece) <= width:
            line += piece
        else:
            lines.append(line)
            line = " " * indent + piece.lstrip(" ")
        while cell_len(line) > width:
            # what has no place to break at is cut
            head = chop_cells(line, width)[0]
            lines.append(head)
            line = " " * indent + line[len(head) :]
    return [one.replace(_TIED, " ") for one in [*lines, line] if one.strip()]


def table(head: list[str], rows: list[list[str]]) -> str:
    """Rows as aligned columns; columns of numbers are right-aligned."""
    head, rows = [printable(cell) for cell in head], [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, numeric, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _is_number(text: str) -> bool:
    return not text or text == "-" or text.replace(",", "").rstrip(" %").replace(".", "", 1).lstrip("-").isdigit()
