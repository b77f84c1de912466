"""Money, critical, rate: what disagrees, weighed against how much was compared. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from diff.compare import COMPARED
from diff.gates.evidence import DAY, MONEY_CODES, CohortEvidence, Fault
from diff.gates.gate import Outcome, Result
from diff.gates.statistics import clean_trials_needed, lower_bound, rule_of_three, upper_bound
from diff.gates.thresholds import Thresholds
from diff.gates.words import count, listed, percent, up

__all__ = ["clean_streak", "critical", "money", "rate"]

_HUNDRED: Final = Decimal(100)


def money(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD with any session that is billed otherwise; INCONCLUSIVE with too few to say that there is none.

    An acknowledgement changes nothing here: a known wrong amount is a wrong amount.
    """
    wrong, n, asked = evidence.money_sessions, evidence.weighed, thresholds.money.sessions
    bound = upper_bound(min(wrong, n), n) if n else Decimal(1)
    threshold = f"0 in ≥ {asked:,} settled sessions"
    value = f"{count(wrong, 'session')} with another energy, payer, attribution or amount"

    def result(outcome: Outcome, because: str, change: str = "", named: Iterable[str] = ()) -> Result:
        return Result("money", outcome, value, threshold, n, "settled sessions", because, change, bound, tuple(named))

    if wrong:
        groups = _groups(one for one in evidence.faults if one.code in MONEY_CODES)
        titles = [f"{fingerprint} {title}" for (fingerprint, title), _ in groups.most_common(3)]
        latest = max((one.last_seen for one in evidence.faults if one.code in MONEY_CODES), default=evidence.at)
        days = max(-(-(latest + thresholds.evidence_days * DAY - evidence.at) // DAY), 1)
        known = sum(one.open for one in evidence.faults if one.code in MONEY_CODES and one.acknowledged)
        aside = f", {known} of them acknowledged, which does not count here" if known else ""
        return result(
            Outcome.HOLD,
            f"{wrong:,} of {n:,} sessions would be billed otherwise{aside}: {listed(titles, 1)}",
            f"the cause mended and {count(days, 'day')} without it, until the last one leaves the"
            f" {thresholds.evidence_days} days of evidence; or its withdrawal by later evidence",
            (fingerprint for (fingerprint, _), _ in groups.most_common(10)),
        )
    unweighed = evidence.sessions - n
    blind = f"; of {unweighed:,} more a side gave no energy" if unweighed else ""
    if n < asked:
        says = f"none in {n:,} says only: at most {percent(bound)}" if n else "nothing was compared"
        return result(
            Outcome.INCONCLUSIVE,
            f"{says}{blind}",
            f"{count(asked - n, 'more settled session')} without one",
        )
    three, weekly = rule_of_three(n), evidence.weekly_sessions
    return result(
        Outcome.GO,
        f"none in {n:,}: at 95 % at most {percent(three)} (rule of three; exactly {percent(bound)}), at"
        f" {weekly:,} sessions a week at most {count(up(three * weekly), 'session')} a week{blind}",
    )


def critical(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD while something critical was seen lately that nobody answers for; INCONCLUSIVE on days nobody looked at."""
    asked = thresholds.critical.days
    begin = evidence.at - asked * DAY
    open_ones = [one for one in _unacknowledged(evidence) if one.last_seen > begin]
    looked = [day for day in evidence.days[:asked] if day.sessions >= thresholds.critical.sessions_per_day]
    clean = clean_streak(evidence, thresholds)
    value = f"{count(sum(one.open for one in open_ones), 'open unacknowledged one', 'open unacknowledged ones')}"
    threshold = f"none for {asked} days running"
    named = tuple(dict.fromkeys(one.fingerprint for one in sorted(open_ones, key=lambda one: -one.last_seen)))

    def result(outcome: Outcome, because: str, change: str = "") -> Result:
        return Result("critical", outcome, value, threshold, len(looked), "days with comparisons", because, change,
                      named=named[:10])  # fmt: skip

    if open_ones:
        latest = max(open_ones, key=lambda one: one.last_seen)
        wait = -(-(latest.last_seen - begin) // DAY)
        where = count(len({one.charger_id for one in open_ones}), "charging station")
        return result(
            Outcome.HOLD,
            f"{latest.title} ({latest.fingerprint}) on {where}",
            f"{count(wait, 'more day')} without one, or an acknowledgement of"
            f" {count(len(named), 'fingerprint')} with reason, owner and expiry",
        )
    if len(looked) < asked:
        return result(
            Outcome.INCONCLUSIVE,
            f"on {count(asked - len(looked), 'day')} of the last {asked} nothing was compared",
            f"{count(asked - clean, 'more day')} running with at least"
            f" {count(max(thresholds.critical.sessions_per_day, 1), 'compared session')} each",
        )
    return result(Outcome.GO, f"clean for {count(clean, 'day')}, each with comparisons")


def rate(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD where more major ones than allowed are proven, INCONCLUSIVE while the bound is too wide to say."""
    limit = thresholds.rate.upper_percent / _HUNDRED
    major = [one for one in evidence.faults if one.severity == "major"]
    counted = [one for one in major if thresholds.rate.count_acknowledged or not one.acknowledged]
    n = evidence.comparisons
    found = sum(one.open for one in counted)
    seen = min(found, n)
    bound = upper_bound(seen, n) if n else Decimal(1)
    known = sum(one.open for one in major if one.acknowledged)
    aside = f", {known:,} acknowledged" if known else ""
    value = f"{found:,} major in {count(n, 'comparison')}{aside}: at most {percent(bound)}"
    threshold = f"upper 95 % bound ≤ {percent(limit)}"
    groups = _groups(counted)
    named = tuple(fingerprint for (fingerprint, _), _ in groups.most_common(10))

    def result(outcome: Outcome, because: str, change: str = "") -> Result:
        return Result("rate", outcome, value, threshold, n, "comparisons", because, change, bound, named)

    if bound <= limit:
        return result(
            Outcome.GO, f"{found:,} major discrepancies in {n:,} comparisons: at 95 % at most {percent(bound)}"
        )
    more = clean_trials_needed(seen, n, limit)
    needed = (
        f"{count(more, 'more comparison')} without a major one, which are"
        f" {count(-(-more // len(COMPARED)), 'settled session')}"
    )
    if lower_bound(seen, n) > limit:
        (_, title), most = groups.most_common(1)[0]
        return result(Outcome.HOLD, f"more than {percent(limit)} is proven; most of it ({most:,}) is {title}", needed)
    return result(
        Outcome.INCONCLUSIVE,
        f"between {percent(lower_bound(seen, n))} and {percent(bound)}: the bound is too wide",
        needed,
    )


def clean_streak(evidence: CohortEvidence, thresholds: Thresholds) -> int:
    """Whole days up to now, each with comparisons, without anything critical that nobody answers for."""
    covered = 0
    for day in evidence.days:
        if day.sessions < max(thresholds.critical.sessions_per_day, 1):
            break
        covered += 1
    ages = [(evidence.at - one.last_seen) // DAY for one in _unacknowledged(evidence)]
    return min(covered, *ages) if ages else covered


def _unacknowledged(evidence: CohortEvidence) -> list[Fault]:
    return [one for one in evidence.faults if one.severity == "critical" and one.open and not one.acknowledged]


def _groups(faults: Iterable[Fault]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in faults:
        found[one.fingerprint, one.title] += one.open
    return found
