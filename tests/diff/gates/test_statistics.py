"""Exact binomial bounds, against values of other programs and against themselves."""

from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diff.gates.statistics import at_most, clean_trials_needed, lower_bound, rule_of_three, upper_bound

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("seen", "trials", "alpha", "lower", "upper"),
    [
        # One-sided 95 %: qbeta(0.05, k, n-k+1) and qbeta(0.95, k+1, n-k) of R.
        (0, 10, "0.05", "0", "0.2588656"),
        (1, 10, "0.05", "0.0051162", "0.3941633"),
        (5, 100, "0.05", "0.0199056", "0.1022534"),
        (0, 300, "0.05", "0", "0.0099361"),
        (10, 10, "0.05", "0.7411344", "1"),
        # Clopper and Pearson's own example: two-sided 95 % of 3 in 10.
        (3, 10, "0.025", "0.0667395", "0.6524529"),
    ],
)
def test_bounds_are_those_of_the_tables(seen: int, trials: int, alpha: str, lower: str, upper: str) -> None:
    """To seven digits."""
    digits = Decimal("1e-7")
    assert lower_bound(seen, trials, Decimal(alpha)).quantize(digits) == Decimal(lower)
    assert upper_bound(seen, trials, Decimal(alpha)).quantize(digits) == Decimal(upper)


@settings(deadline=None, max_examples=60)
@given(counts, st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000))
def test_the_distribution_is_the_sum_of_its_terms(count: tuple[int, int], rate: Fraction) -> None:
    """Against the same sum in exact fractions."""
    seen, trials = count
    exact = sum(comb(trials, i) * rate**i * (1 - rate) ** (trials - i) for i in range(seen + 1))
    found = at_most(seen, trials, Decimal(rate.numerator) / rate.denominator)
    assert abs(Fraction(found) - exact) < Fraction(1, 10**20)


@settings(deadline=None, max_examples=60)
@given(counts)
def test_bounds_enclose_the_rate_and_narrow_with_more_of_the_same(count: tuple[int, int]) -> None:
    """The rate itself lies within; ten times the evidence never makes them wider."""
    seen, trials = count
    rate = Decimal(seen) / trials
    assert lower_bound(seen, trials) <= rate <= upper_bound(seen, trials)
    assert upper_bound(10 * seen, 10 * trials) <= upper_bound(seen, trials)


@settings(deadline=None, max_examples=60)
@given(counts)
def test_bounds_are_monotone(count: tuple[int, int]) -> None:
    """One more fault never lowers a bound, one more clean trial never raises it."""
    seen, trials = count
    assert upper_bound(seen, trials + 1) <= upper_bound(seen, trials)
    assert lower_bound(seen, trials + 1) <= lower_bound(seen, trials)
    if seen < trials:
        assert upper_bound(seen + 1, trials) >= upper_bound(seen, trials)
        assert lower_bound(seen + 1, trials) >= lower_bound(seen, trials)


@pytest.mark.parametrize("trials", [3, 30, 300, 30_000, 3_000_000])
def test_the_rule_of_three_is_never_too_bold(trials: int) -> None:
    """3/n lies above the exact bound of none in n, and close to it where n is large."""
    exact, rule = upper_bound(0, trials), rule_of_three(trials)
    assert exact <= rule
    assert trials < 30 or rule - exact < rule / 10


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 20), st.integers(0, 3000), st.sampled_from([Decimal("0.005"), Decimal("0.01"), Decimal("0.2")]))
def test_the_trials_that_are_needed_are_just_enough(seen: int, clean: int, limit: Decimal) -> None:
    """With so many the bound is within the limit, with one less it is not."""
    trials = seen + clean
    more = clean_trials_needed(seen, trials, limit)
    assert upper_bound(seen, trials + more) <= limit + Decimal("1e-11")
    assert more == 0 or upper_bound(seen, trials + more - 1) > limit


def test_large_counts_take_no_long_time_and_keep_their_digits() -> None:
    """Half of a million, and none of ten million: neither ends in zero nor in an hour."""
    assert Decimal("0.5008") < upper_bound(500_000, 1_000_000) < Decimal("0.5009")
    assert Decimal("2.99e-7") < upper_bound(0, 10_000_000) < Decimal("3e-7")


def test_nothing_tried_says_nothing() -> None:
    """The rate may be anything."""
    assert (lower_bound(0, 0), upper_bound(0, 0), rule_of_three(0)) == (0, 1, 1)
    for seen, trials in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="cannot be seen"):
            upper_bound(seen, trials)
    with pytest.raises(ValueError, match="between 0 and 1"):
        at_most(1, 2, Decimal(2))
    with pytest.raises(ValueError, match="between 0 and 1"):
        clean_trials_needed(0, 0, Decimal(0))
