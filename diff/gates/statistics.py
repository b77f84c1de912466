"""What counts say about a rate: exact one-sided binomial bounds (Clopper and Pearson, 1934), in decimals. Pure.

Seeing `k` of `n`, the upper bound is the rate at which so few would be seen with probability `alpha` only; the lower
bound is the rate at which so many would. With `alpha` = 0.05 each of them holds at 95 %. Of none in n the upper bound
is 1 - alpha^(1/n), which the rule of three rounds up to 3/n.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

__all__ = ["ALPHA", "at_most", "clean_trials_needed", "lower_bound", "rule_of_three", "upper_bound"]

ALPHA: Final = Decimal("0.05")
"""5 % on one side: bounds hold at 95 %."""

_EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""(1-p)^n of a million trials has an exponent that the usual context takes for zero."""
_CLOSE: Final = Decimal("1e-12")
"""Bounds are good to this, and to the safe side."""
_NOTHING: Final = Decimal("1e-36")
"""A term so much smaller than the sum of those before it changes no digit that counts."""
_ONE: Final = Decimal(1)
_MOST_TRIALS: Final = 2**53


def at_most(seen: int, trials: int, rate: Decimal) -> Decimal:
    """The probability of seeing at most `seen` in `trials` at a rate: the binomial distribution.

    Raises:
        ValueError: counts that cannot be, or a rate outside 0 … 1.

    """
    _check(seen, trials)
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate lies between 0 and 1, not at {rate}")
    if seen >= trials or rate == 0:
        return _ONE
    if rate == 1:
        return Decimal(0)
    with localcontext(_EXACT):
        odds = rate / (1 - rate)
        # Each term is the one beside it times a ratio that falls on the way outwards. Only the share of the lower ones
        # is asked for, so that no binomial coefficient need be known, and what adds nothing more is left out.
        low = term = _ONE
        for number in range(seen, 0, -1):
            ratio = number / ((trials - number + 1) * odds)
            term *= ratio
            low += term
            if ratio < 1 and term < low * _NOTHING:
                break
        high, term = Decimal(0), _ONE
        for number in range(seen + 1, trials + 1):
            ratio = (trials - number + 1) * odds / number
            term *= ratio
            high += term
            if ratio < 1 and term < high * _NOTHING:
                break
        return low / (low + high)


def upper_bound(seen: int, trials: int, alpha: Decimal = ALPHA) -> Decimal:
    """The highest rate that what was seen does not speak against. 1 where nothing was tried: nothing is known.

    Raises:
        ValueError: counts that cannot be.

    """
    _check(seen, trials)
    if seen >= trials:
        return _ONE
    with localcontext(_EXACT):
        if seen == 0:
            return 1 - (alpha.ln() / trials).exp()
        low, high = Decimal(seen) / trials, _ONE
        # The bound lies near the rate itself: found from there in steps that double, then by halves.
        step = 1 / Decimal(trials)
        while low + step < 1 and at_most(seen, trials, low + step) > alpha:
            low, step = low + step, step * 2
        high = min(high, low + step)
        while high - low > _CLOSE:
            middle = (low + high) / 2
            if at_most(seen, trials, middle) > alpha:
                low = middle
            else:
                high = middle
        return high


def lower_bound(seen: int, trials: int, alpha: Decimal = ALPHA) -> Decimal:
    """The lowest rate that what was seen does not speak against: what is proven to be exceeded. 0 where none was seen.

    Raises:
        ValueError: counts that cannot be.

    """
    _check(seen, trials)
    if seen == 0:
        return Decimal(0)
    # Seeing at least so many of one kind is seeing at most the rest of the other.
    with localcontext(_EXACT):
        return 1 - upper_bound(trials - seen, trials, alpha)


def rule_of_three(trials: int) -> Decimal:
    """What none in `trials` says at 95 %: a rate of at most 3/n. 1 where that says nothing."""
    _check(0, trials)
    return _ONE if trials < 3 else _EXACT.divide(Decimal(3), Decimal(trials))


def clean_trials_needed(seen: int, trials: int, limit: Decimal, alpha: Decimal = ALPHA) -> int:
    """How many more trials without another one bring the upper bound down to a limit; 0 where it is there already.

    Raises:
        ValueError: counts that cannot be, or a limit that is not between 0 and 1.

    """
    _check(seen, trials)
    if not 0 < limit < 1:
        raise ValueError(f"a limit lies between 0 and 1, not at {limit}")

    def enough(more: int) -> bool:
        return seen < trials + more and at_most(seen, trials + more, limit) <= alpha

    if enough(0):
        return 0
    low, high = 0, max(trials, seen, 1)
    while not enough(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check(seen: int, trials: int) -> None:
    if not 0 <= seen <= trials <= _MOST_TRIALS:
        raise ValueError(f"{seen} of {trials} cannot be seen")
