"""Pictures of what is seen in a browser: the listening page and a report."""

import tempfile
from pathlib import Path

from distill_tui.runs.folder import RunFolder
from tests.browser import Tab, chromium, find_chromium
from tests.pictures.place import Place
from tests.serve.pages import served

PAGES = ("listening-page", "report")
SIZE = (1100, 742)


def page(place: Place, name: str, run: RunFolder, target: Path) -> None:
    """Write one picture as PNG, of what a browser shows first.

    Raises:
        SystemExit: there is no Chromium.
    """
    program = find_chromium()
    if program is None:
        raise SystemExit(f"{name}: there is no Chromium on this machine")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "report.html"
        if name == "report":
            place.run("report", run.id, "--out", str(made))
        with served(place.home) as answers, chromium(Path(folder) / "profile", program) as browser:
            tab = browser.open("about:blank")
            tab.look(*SIZE, dark=True)
            tab("Emulation.setScrollbarsHidden", hidden=True)
            tab("Page.navigate", url=made.as_uri() if name == "report" else f"{answers.address}#run/{run.id}")
            _wait(tab, "'main'" if name == "report" else "'.sound-item img'")
            tab.picture(target)


def _wait(tab: Tab, what: str) -> None:
    """Until that is there, with all pictures of the page."""
    tab.until(f"document.readyState === 'complete' && document.querySelector({what})")
    tab.until("[...document.querySelectorAll('img')].every((img) => img.loading === 'lazy' || img.complete)")
    tab.until("new Promise((done) => setTimeout(() => done(true), 500))")
