"""A report laid out: one subject, or two of a kind side by side."""

import time
from collections.abc import Sequence

from distill_tui import __version__
from distill_tui.reporting.comparison import compare
from distill_tui.reporting.formatting import day
from distill_tui.reporting.page.document import document
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.page.text import facts, section, table
from distill_tui.reporting.report.listen import listen
from distill_tui.reporting.report.media import Media
from distill_tui.reporting.report.subject import Part, Subject

KINDS = {"run": "training run", "model": "model", "takes": "generated sounds"}


def report(subjects: Sequence[Subject], media: Media, now: float | None = None) -> bytes:
    """One or two subjects of a kind as an HTML file.

    Args:
        media: what holds the sounds so far; those of previews are added.
        now: seconds since 1970, for the footer.
    """
    names = [subject.name for subject in subjects]
    title = " and ".join(names)
    parts = [*_comparison(subjects), *_listen(subjects, media), *_merged(subjects)]
    kind = KINDS[subjects[0].kind]
    parts = [part for part in parts if part.content]
    contents = (element("li", element("a", part.title, href=f"#{part.id}")) for part in parts)
    body = [
        element(
            "header",
            element("p", f"distill-tui: {kind}" + ("s, side by side" if len(subjects) > 1 else ""), class_="dim"),
            element("h1", title),
            _beside([(subject.name, join(subject.lead, facts(subject.facts))) for subject in subjects]),
            element("nav", element("ul", *contents), aria_label="Contents") if len(parts) > 1 else None,
            class_="page",
        ),
        element("main", *(section(part.id, part.title, part.content) for part in parts)),
        element("footer", element("p", _footer(media, now))),
    ]
    return document(f"{title} - distill-tui", *body, description=f"{kind} {title}")


def _footer(media: Media, now: float | None) -> str:
    made = f"Made by distill-tui {__version__}, {day(time.time() if now is None else now)}."
    return f"{made} {media.note()}".rstrip()


def _listen(subjects: Sequence[Subject], media: Media) -> list[Part]:
    if not any(subject.previews for subject in subjects):
        return []
    steps = dict.fromkeys(f"step {subject.step:,}" for subject in subjects if subject.previews)
    note = element("p", f"Previews of {' and '.join(steps)}.", class_="dim")
    return [Part("listen", "Listen", join(note, listen(subjects, media)))]


def _comparison(subjects: Sequence[Subject]) -> list[Part]:
    """A table of what there is to compare."""
    compared = [subject.compared for subject in subjects if subject.compared is not None]
    if len(subjects) < 2 or len(compared) < len(subjects) or set(compared[0].facts) != set(compared[1].facts):
        return []
    rows: list[list[Child]] = []
    for row in compare(compared):
        cells = (element("span", v, class_="good") if n == row.better else v for n, v in enumerate(row.values))
        rows.append([row.title, *cells])
    return [Part("comparison", "Side by side", table(("", *(subject.name for subject in subjects)), rows))]


def _merged(subjects: Sequence[Subject]) -> list[Part]:
    """The parts of all, those with one anchor beside each other."""
    anchors = dict.fromkeys(part.id for subject in subjects for part in subject.parts if part.content)
    found = []
    for id in anchors:
        parts = [next((part for part in subject.parts if part.id == id), None) for subject in subjects]
        known = [part for part in parts if part is not None]
        contents = [
            (subject.name, part.content if part else Html()) for subject, part in zip(subjects, parts, strict=True)
        ]
        found.append(Part(id, known[0].title, _beside(contents)))
    return found


def _beside(contents: Sequence[tuple[str, Html]]) -> Html:
    """Contents in columns under the names of what they are of; one alone needs neither."""
    if len(contents) == 1:
        return contents[0][1]
    columns = (
        element("div", element("h3", name), content or element("p", "nothing", class_="dim"))
        for name, content in contents
    )
    return element("div", *columns, class_="two")
