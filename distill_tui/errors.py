"""The errors that a person may see: what is wrong and where, then the way out."""

from collections.abc import Iterable


class DistillError(Exception):
    """Something failed (exit code 1). `hint` is the way out, shown on a line of its own."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class RequestError(DistillError):
    """The request was wrong (usage, recipe, data, name) and nothing was changed (exit code 2)."""

    exit_code = 2


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """` (did you mean 'train'?)` for the choice that is nearest to `word`; '' where none is near."""
    # here, as only a mistake needs it
    import difflib

    near = difflib.get_close_matches(word, list(choices), 1, 0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""
