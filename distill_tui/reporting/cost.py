"""The price of a run: the time for which it has had a worker, at the price of an hour in settings.toml."""

from typing import Any

from distill_tui.runs.state import RunState
from distill_tui.settings import Settings

HOUR = 3600.0


def money(amount: float, currency: str) -> str:
    """`$1.37`, `12.40 EUR`: a sign stands before the number, a word behind it."""
    text = f"{amount:,.2f}"
    return f"{text} {currency}" if currency[-1:].isalpha() else f"{currency}{text}"


def cost_so_far(state: RunState, settings: Settings) -> float:
    """The price of a run up to its last event, all its sessions together; 0 where no price is known."""
    return state.worker_seconds / HOUR * settings.price


def cost_at_end(state: RunState, settings: Settings) -> float | None:
    """The price of a run at its end, by its ETA; None while that is not known."""
    if not state.is_active:
        return cost_so_far(state, settings)
    if state.eta_seconds is None:
        return None
    return cost_so_far(state, settings) + state.eta_seconds / HOUR * settings.price


def cost_text(state: RunState, settings: Settings) -> str:
    """`$1.37 so far, $2.10 at the end`, `$2.04` of a run that has ended; '' where no price is known."""
    if not settings.price or not state.session_at:
        return ""
    so_far = money(cost_so_far(state, settings), settings.currency)
    if not state.is_active:
        return so_far
    end = cost_at_end(state, settings)
    return f"{so_far} so far" + (f", {money(end, settings.currency)} at the end" if end is not None else "")


def cost_summary(state: RunState, settings: Settings) -> dict[str, Any] | None:
    """The price as `--json` prints it; None where none is known."""
    if not settings.price or not state.session_at:
        return None
    end = cost_at_end(state, settings)
    return {
        "currency": settings.currency,
        "price_per_hour": settings.price,
        "so_far": round(cost_so_far(state, settings), 4),
        "at_end": round(end, 4) if end is not None else None,
    }
