"""The style sheet, read once for each theme: Textual's own reads all of it anew whenever a screen first appears."""

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

MOST_KEPT = 512
"""Sources whose rules are kept: more than the classes of widgets that the app uses, or they drive each other out."""


class Sheet(Stylesheet):
    """Rules are read again only when the theme's variables have changed."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(MOST_KEPT)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        if self._require_parse:
            self.parse()
