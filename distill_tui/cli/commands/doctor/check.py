"""The result of a check of this machine."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `needed`: without it there is no training here."""

    area: str
    name: str
    state: State
    text: str
    advice: str = ""
    needed: bool = False
