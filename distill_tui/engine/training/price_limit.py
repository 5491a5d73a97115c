"""A price at which a run stops."""

import time
from dataclasses import dataclass, field

from distill_tui.reporting.cost import HOUR, money


@dataclass
class PriceLimit:
    """The price of a run while its worker lives.

    `price` is of an hour, 0 if it is not known: nothing is then too dear. `earlier_seconds` is the time for which the
    run had a worker before this object was made.
    """

    price: float = 0.0
    currency: str = "$"
    earlier_seconds: float = 0.0
    _since: float = field(default_factory=time.monotonic, repr=False)

    def reason(self, limit: float) -> str:
        """Why the run stops at a price of `limit`, 0 for none; '' while it may go on."""
        if not (limit and self.price):
            return ""
        cost = (self.earlier_seconds + time.monotonic() - self._since) / HOUR * self.price
        if cost < limit:
            return ""
        return f"it has cost {money(cost, self.currency)}, and was to stop at {money(limit, self.currency)}"
