"""Who may ask the page for something: the checks of a request before anything is looked up for it.

Without the token every answer is the same refusal, so that nobody learns from it what there is.
"""

import hmac
from collections.abc import Mapping

NAMES = ("localhost", "127.0.0.1", "[::1]")
"""Names in the Host header under which the page answers. Another one is a name that somebody made lead here (DNS
rebinding). The port may differ: the laptop's end of the SSH line has its own."""

HEADER = "X-Distill-Token"
"""A request that changes something says the token here as well: a page of elsewhere cannot."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer: nothing from elsewhere is loaded or run, and the address, which has the token, is told to nobody."""


def is_right_host(host: str | None) -> bool:
    """Check the Host header: one of NAMES, with any port."""
    if host is None:
        return False
    name, colon, port = host.strip().lower().rpartition(":")
    if not colon or (host.rstrip().endswith("]")):
        name, port = host.strip().lower(), "0"
    return name in NAMES and port.isascii() and port.isdigit() and len(port) <= 5


def is_token(given: str | None, token: str) -> bool:
    """Compare a token in a time that tells nothing of where it differs."""
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), token.encode())


def split_path(target: str) -> tuple[str, str, str]:
    """A request's target, still encoded, as token, what follows it, and the query; ('', '', '') for another form."""
    path, _, query = target.partition("?")
    if not path.startswith("/") or "#" in target:
        return "", "", ""
    token, slash, rest = path[1:].partition("/")
    # without the slash at its end the page's relative addresses would lead beside it
    return (token, rest, query) if slash else ("", "", "")


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Check that what changes something comes from the page itself or from a program that is no browser.

    A browser names the origin of every POST, `null` where it is hidden.
    """
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    return origin is None or origin.lower() == f"http://{(headers.get('Host') or '').strip().lower()}"
