"""WCAG contrast of a theme's text, as terminals of 16 million and of 256 colours show it."""

from collections.abc import Iterator
from functools import lru_cache

from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

READABLE = 4.5
"""The least contrast of text, from 1 to 21, that WCAG 2 asks for at level AA."""
BEHIND = ("background", "surface", "footer-background")
WRITTEN = (
    *("foreground", "dim", "primary", "accent", "success", "warning", "error"),
    *("series-train", "series-val", "series-recon", "series-commit"),
    *("hue-data", "hue-sound", "hue-machine", "secondary"),
)
PAIRS = (
    *((letters, behind) for behind in BEHIND for letters in WRITTEN),
    ("foreground", "panel"),
    ("tab-foreground", "tab-background"),
    ("block-cursor-foreground", "block-cursor-background"),
    ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
)
"""Variables of text, and of what it stands on."""

Triplet = tuple[int, int, int]


@lru_cache(1024)
def luminance(color: Triplet) -> float:
    """WCAG's relative luminance, of 0..1."""
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: Triplet, two: Triplet) -> float:
    """Contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def reduced(color: Color, system: ColorSystem) -> Triplet:
    """The colour as a terminal of that many colours shows it."""
    return RichColor.from_rgb(*color.rgb).downgrade(system).get_truecolor()


def contrasts(theme: Theme) -> Iterator[tuple[str, str, float]]:
    """(letters, behind, contrast): the worse of that in true colour and that in 256 colours.

    Nothing of a theme in the terminal's own colours: nobody but the terminal knows what they are.
    """
    if theme.ansi:
        return
    variables = {**theme.to_color_system().generate(), **theme.variables}
    for letters, behind in PAIRS:
        if letters not in variables or behind not in variables:
            continue
        under = _color(variables[behind], Color.parse(theme.background or "#000000"))
        over = None if under is None else _color(variables[letters], under)
        if under is None or over is None:
            continue
        shown = ratio(over.rgb, under.rgb)
        few = ratio(reduced(over, ColorSystem.EIGHT_BIT), reduced(under, ColorSystem.EIGHT_BIT))
        yield letters, behind, min(shown, few)


def contrast_problems(theme: Theme) -> list[str]:
    """Variables of a theme that are hard to read, in words, the worst first."""
    poor = sorted((contrast, over, under) for over, under, contrast in contrasts(theme) if contrast < READABLE)
    return [f"{over} on {under}: contrast {contrast:.1f}, text needs {READABLE}" for contrast, over, under in poor]


def _color(value: str, under: Color) -> Color | None:
    """A variable's colour over another; None for one that only a terminal or the style sheet knows."""
    name, _, share = value.partition(" ")
    if name in ("auto", "transparent"):
        return None
    color = Color.parse(name)
    if color.ansi is not None:
        return None
    if share.endswith("%"):
        return under.blend(color, float(share[:-1]) / 100)
    return under + color
