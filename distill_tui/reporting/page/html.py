"""HTML that is safe by construction: text is escaped unless it is `Html` already."""

import base64
import html as standard
from collections.abc import Iterable
from typing import TypeAlias

from distill_tui.text import printable

VOID = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))
"""Elements without content or end."""


class Html(str):
    """Markup, to be put into a page as it is."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"
"""Content of an element: `Html` as it is, other text and numbers escaped, None is nothing, and rows of these."""
Attribute = str | int | float | bool | None


def escape(text: str) -> Html:
    """Text as markup, with what cannot be shown replaced; also within the quotes of an attribute."""
    # newlines and tabs mean nothing in HTML, and may stay
    shown = text if text.isascii() and text.isprintable() else "".join(c if c in "\n\t" else printable(c) for c in text)
    return Html(standard.escape(shown))


def join(*children: Child) -> Html:
    """Markup of these, one after the other."""
    return Html("".join(_markup(child) for child in children))


def element(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """An element, `<p class="dim">text</p>`.

    Args:
        children: its content.
        attributes: by name; `class_` is class, `aria_label` is aria-label. True is an attribute without a value; False
            and None leave it out.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(*children)}</{tag}>")


def data_uri(content: bytes, kind: str) -> str:
    """An address that holds a file; `kind` is its media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_text(value))}"'


def _markup(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str | int | float):
        return escape(_text(child))
    return "".join(_markup(one) for one in child)


def _text(value: str | int | float) -> str:
    """Numbers of drawings need no more than two digits behind the point."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
