"""Themes: one TOML file each. Every colour has a fallback; a bad file is reported once and skipped.

A file's name is the theme's name. It holds `dark`, `ansi`, a table `[colors]` with Textual's base colours, and a table
`[variables]` with any CSS variable, those of `DEFAULT_VARIABLES` among them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from distill_tui.foreign import SMALL_FILE, MalformedError, read_toml

DEFAULT_THEME = "distill"

BASE = {
    True: {
        "primary": "#5fafaf",
        "secondary": "#87afd7",
        "accent": "#d7af5f",
        "warning": "#d7af5f",
        "error": "#d75f5f",
        "success": "#87af5f",
        "foreground": "#d0d0d0",
        "background": "#121212",
        "surface": "#1c1c1c",
        "panel": "#262626",
    },
    False: {
        "primary": "#005f87",
        "secondary": "#5f00af",
        "accent": "#875f00",
        "warning": "#875f00",
        "error": "#af0000",
        "success": "#005f00",
        "foreground": "#262626",
        "background": "#f0f0f0",
        "surface": "#e6e6e6",
        "panel": "#ffffff",
    },
}

DEFAULT_VARIABLES = {
    "dim": "#8a8a8a",
    "faint": "#444444",
    "series-train": "#5fafaf",
    "series-val": "#d7af5f",
    "series-recon": "#87afd7",
    "series-commit": "#d787af",
    "edge": "#444444",
    "hatch": "#262626",
    "hue-data": "#5fafaf",
    "hue-sound": "#af87d7",
    "hue-machine": "#d7875f",
    "tab-background": "#5fafaf",
    "tab-foreground": "#121212",
}
"""Variables of our style sheet beside Textual's own, for a theme that does not come from a file."""


def own_themes() -> Path:
    """The folder of the themes that come with the program: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def load_themes(folders: Iterable[Path], only: str = "*") -> tuple[dict[str, Theme], list[str]]:
    """Read the themes of these folders, by name, and their problems; a later folder's replace an earlier one's.

    `only` names the one to read, if the others can wait.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        try:
            files = sorted(
                folder.glob("*.toml") if only == "*" else (file for file in [folder / f"{only}.toml"] if file.is_file())
            )
        except OSError:
            continue
        for file in files:
            try:
                theme, wrong = read_theme(file)
            except (OSError, MalformedError) as error:
                problems.append(f"theme {file.name} was skipped: {getattr(error, 'strerror', None) or error}")
                continue
            themes[theme.name] = theme
            problems += [f"theme {file.name}: {problem}" for problem in wrong]
    return themes, problems


def read_theme(file: Path) -> tuple[Theme, list[str]]:
    """Read the theme of a file; also its problems: what was replaced by a fallback.

    Raises:
        OSError, MalformedError: the file is no theme at all.
    """
    _, document = read_toml(file, SMALL_FILE)
    dark = document.get("dark", True)
    ansi = document.get("ansi", False)
    given, variables = document.get("colors", {}), document.get("variables", {})
    if not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise MalformedError("`dark` and `ansi` are true or false")
    if not isinstance(given, dict) or not isinstance(variables, dict):
        raise MalformedError("`colors` and `variables` are tables")
    colors, problems = dict(BASE[dark]), list[str]()
    for name, value in given.items():
        if name not in colors:
            problems.append(f"colors.{name}: no such colour; it was ignored")
        elif not _is_color(value):
            problems.append(f"colors.{name}: {_short(value)} is not a colour; {colors[name]} is used")
        else:
            colors[name] = value
    good = _own_variables(colors, ansi)
    for name, value in variables.items():
        if _is_variable(value):
            good[name] = value
        else:
            problems.append(f"variables.{name}: {_short(value)} is not a colour or style; its default is used")
    theme = Theme(name=file.stem, primary=colors["primary"], dark=dark, ansi=ansi, variables=good)
    for name, value in {**colors, "boost": colors["panel"]}.items():
        setattr(theme, name, value)
    return theme, problems


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _own_variables(colors: dict[str, str], ansi: bool) -> dict[str, str]:
    """`DEFAULT_VARIABLES` in a theme's own colours."""
    # bright black is the screen's own colour in Solarized
    quiet = "ansi_default" if ansi else f"{colors['foreground']} 70%"
    return {
        "dim": quiet,
        "faint": "ansi_bright_black" if ansi else f"{colors['foreground']} 30%",
        "series-train": colors["primary"],
        "series-val": colors["accent"],
        "series-recon": colors["secondary"],
        "series-commit": colors["error"],
        "edge": "ansi_bright_black" if ansi else f"{colors['foreground']} 25%",
        "hatch": "ansi_bright_black" if ansi else f"{colors['foreground']} 12%",
        "hue-data": colors["primary"],
        "hue-sound": colors["secondary"],
        "hue-machine": colors["accent"],
        "tab-background": colors["primary"],
        "tab-foreground": colors["background"],
        "footer-background": colors["surface"],
        "block-cursor-blurred-background": colors["surface"],
        "block-cursor-blurred-foreground": colors["foreground"],
    }


def _is_color(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        Color.parse(value)
    except ColorParseError:
        return False
    return True


STYLES = {"bold", "dim", "italic", "reverse", "underline", "none", "not", "strike"}


def _is_variable(value: Any) -> bool:
    """A colour, one with a share of opacity, or words of text style. References to other variables are taken on trust
    of their form only, so a file cannot name one that is not there: they are not taken at all."""
    if not isinstance(value, str) or not value.split():
        return False
    words = value.split()
    if set(words) <= STYLES:
        return True
    if len(words) == 2 and words[1].endswith("%") and words[1][:-1].isdigit():
        words = words[:1]
    return len(words) == 1 and _is_color(words[0])
