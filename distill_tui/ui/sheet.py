"""The style sheet, read once for each theme: Textual's own reads all of it anew whenever a screen first appears."""

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet
from textual.css.tokenize import tokenize_value
from textual.css.tokenizer import Token

MOST_KEPT = 512
"""Sources whose rules are kept: more than the classes of widgets that the app uses, or they drive each other out."""


class Sheet(Stylesheet):
    """Rules are read again only when the theme's variables have changed."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(MOST_KEPT)
        self._tokens = Tokens(variables)

    @property
    def _variable_tokens(self) -> "Tokens":
        return self._tokens

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)
            self._tokens = Tokens(variables)
            self._require_parse = True

    def reparse(self) -> None:
        if self._require_parse:
            self.parse()


class Tokens(dict[str, list[Token]]):
    """A theme's variables in tokens, each when a rule first asks for it: of two hundred the first screen uses forty."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__({name: [] for name in variables})
        self._variables = variables

    def __getitem__(self, name: str) -> list[Token]:
        tokens = super().__getitem__(name)
        if not tokens:
            tokens = self[name] = list(tokenize_value(self._variables[name], ("__name__", "")))
        return tokens

    def copy(self) -> "Tokens":
        # Textual copies it for each source, lest one defines a variable: none of ours or its own does
        return self
