"""Asking the listening page of a home to show a sound: one small request over loopback."""

import http.client
import json

from distill_tui.foreign import MalformedError, decode
from distill_tui.paths import Home
from distill_tui.serve import guard
from distill_tui.serve.address import HOST, Listening, listening
from distill_tui.serve.places import Place

SECONDS = 2.0
"""Patience with a page that does not answer."""
MOST_ANSWER = 4096


def open_on_page(home: Home, place: Place) -> tuple[Listening | None, int]:
    """Have the browsers that look at the page go to a sound; the page that answers, and how many looked at it."""
    page = listening(home)
    return (page, post(page, "open", {"place": str(place)}).get("readers", 0)) if page else (None, 0)


def post(page: Listening, route: str, document: dict[str, object]) -> dict[str, int]:
    """Send one request to the page; its answer, {} if it does not give one."""
    line = http.client.HTTPConnection(HOST, page.port, timeout=SECONDS)
    try:
        line.request(
            "POST",
            f"/{page.token}/{route}",
            json.dumps(document),
            {"Content-Type": "application/json", guard.HEADER: page.token},
        )
        answer = line.getresponse()
        return decode(answer.read(MOST_ANSWER), dict[str, int]) if answer.status == 200 else {}
    except (OSError, http.client.HTTPException, MalformedError, UnicodeError):
        return {}
    finally:
        line.close()
