"""A whole page, and the style that all pages share."""

from pathlib import Path

from distill_tui import __version__
from distill_tui.reporting.page.html import Child, Html, element, join

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of a page that has all of itself within: nothing is fetched, nothing runs."""


def stylesheet() -> str:
    """The CSS of all pages: dark and light by the reader's preference, and for paper."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def document(title: str, *body: Child, description: str = "") -> bytes:
    """A page in one file, UTF-8."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="dark light"),
        element("meta", name="generator", content=f"distill-tui {__version__}"),
        element("meta", name="description", content=description) if description else None,
        element("title", title),
        element("style", Html(stylesheet())),
    )
    page = join(Html("<!doctype html>\n"), element("html", head, element("body", *body), lang="en"), "\n")
    return page.encode("utf-8", "replace")
