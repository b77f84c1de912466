"""Numbers and lists as people read them in a verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

__all__ = ["count", "listed", "percent", "up"]


def count(number: int, one: str, many: str = "") -> str:
    """`1 session`, `1,200 sessions`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(rate: Decimal, *, down: bool = False) -> str:
    """A rate between 0 and 1 with three digits that count.

    Rounded to the side that flatters nobody: up, as for a bound, or down, as for a share that has to be reached.
    """
    if rate == 0:
        return "0 %"
    value = rate * 100
    digits = max(2 - value.adjusted(), 0)
    return f"{value.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR if down else ROUND_CEILING).normalize():f} %"


def up(value: Decimal) -> int:
    """The next whole number."""
    return int(value.to_integral_value(ROUND_CEILING))


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first ones, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
