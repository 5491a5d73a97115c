"""Sections, facts, tables and lines with roles."""

from collections.abc import Iterable, Mapping, Sequence

from distill_tui.reporting.lines import Line, Role
from distill_tui.reporting.page.html import Child, Html, element, join


def section(id: str, title: str, *children: Child) -> Html:
    """A part of a page under a heading; `id` is its anchor. Nothing where all of its content is empty."""
    content = join(*children)
    if not content:
        return Html()
    return element("section", element("h2", title, id=f"{id}-title"), content, id=id, aria_labelledby=f"{id}-title")


def spans(line: Line) -> Html:
    """A line's parts, each in the class of its role."""
    return join(*(text if role == "plain" else element("span", text, class_=role) for text, role in line.spans))


def paragraphs(lines: Iterable[Line]) -> Html:
    """A paragraph for each line; empty ones are left out."""
    return join(*(element("p", spans(line)) for line in lines if line.text.strip()))


def role(text: Child, role: Role) -> Html:
    """Text in a role."""
    return element("span", text, class_=role)


def facts(rows: Mapping[str, Child]) -> Html:
    """Titles with what is known of each."""
    if not rows:
        return Html()
    pairs = (element("div", element("dt", title), element("dd", value)) for title, value in rows.items())
    return element("dl", *pairs, class_="facts")


def table(head: Sequence[Child], rows: Sequence[Sequence[Child]], caption: str = "", class_: str = "") -> Html:
    """A table that scrolls within itself where it is too wide. The first cell of a row is its heading."""
    if not rows:
        return Html()
    titles = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = (
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    )
    inner = element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", titles) if any(head) else None,
        element("tbody", *body),
        class_=class_ or None,
    )
    return element("div", inner, class_="scroll")


def folded(title: str, *children: Child) -> Html:
    """Content that is shown on demand, and left out on paper."""
    return element("details", element("summary", title), *children)


def bullets(items: Iterable[Child], class_: str = "") -> Html:
    """A list; nothing for no items."""
    rows = [element("li", item) for item in items]
    return element("ul", *rows, class_=class_ or None) if rows else Html()
