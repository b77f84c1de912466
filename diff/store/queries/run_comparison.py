"""Two judging runs side by side: what only one of them finds, and what they say differently.

Withdrawn rows do not count.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from diff.store.client import Store
from diff.store.queries.filters import SEVERITY_RANK
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from ingest.frame import Micros

__all__ = ["AmountSum", "CodeLine", "RunComparison", "SessionSums", "compare_runs"]

_MOST: Final = 1000


class CodeLine(msgspec.Struct, frozen=True):
    """The discrepancies of one code or fingerprint."""

    code: str
    fingerprint: str
    """Empty on a line for the whole code."""
    title: str
    severity: str
    only_a: int
    only_b: int
    changed: int
    """In both, with other values or another severity."""
    same: int


class SessionSums(msgspec.Struct, frozen=True):
    """The sessions of both runs. Energies in Wh, summed exactly over those that know theirs."""

    a: int
    b: int
    only_a: int
    only_b: int
    changed: int
    """In both, with other times, energies, amounts, or compared in one only."""
    compared_a: int
    compared_b: int
    primary_wh_a: Decimal
    primary_wh_b: Decimal
    shadow_wh_a: Decimal
    shadow_wh_b: Decimal


class AmountSum(msgspec.Struct, frozen=True):
    """What the sessions of one currency cost, in both runs."""

    currency: str
    billed_a: Decimal
    billed_b: Decimal
    shadow_a: Decimal
    shadow_b: Decimal
    delta_a: Decimal
    delta_b: Decimal


class RunComparison(msgspec.Struct, frozen=True):
    """Two runs over a range."""

    a: str
    b: str
    since: Micros
    until: Micros
    codes: tuple[CodeLine, ...]
    fingerprints: tuple[CodeLine, ...]
    """Those that differ, the ones with the most differences first; at most a thousand."""
    sessions: SessionSums
    amounts: tuple[AmountSum, ...]

    @property
    def equal(self) -> bool:
        """They find the same, and say the same of it."""
        found = any(line.only_a or line.only_b or line.changed for line in self.codes)
        sums = self.sessions
        return not (found or sums.only_a or sums.only_b or sums.changed)


def compare_runs(
    store: Store, a: str, b: str, since: Micros, until: Micros, only: frozenset[str] | None = None
) -> RunComparison:
    """Compare two runs over rows whose first evidence came in a range, its end left out. Each may be `live`.

    `only`: of these charging stations; None is all.
    """
    chosen = ("",) if only is None else (*sorted(only), "")
    params = {"since": since, "until": until, "only": chosen, "all": only is None}
    place = {"a": counting(store, a), "b": counting(store, b)}
    by_code = [CodeLine(*row) for row in read(store, _BY_CODE.format(**place), params)]
    lines = [CodeLine(*row) for row in read(store, _BY_FINGERPRINT.format(**place), params)]
    sums = SessionSums(*(_zero(value) for value in read(store, _SESSIONS.format(**place), params)[0]))
    amounts = [AmountSum(*(_zero(value) for value in row)) for row in read(store, _AMOUNTS.format(**place), params)]
    return RunComparison(a, b, since, until, tuple(by_code), tuple(lines), sums, tuple(amounts))


def _zero(value: Any) -> Any:
    return Decimal() if value is None else value


_PLACE: Final = """status = 'open' AND ({a} OR {b}) AND (charger_id IN %(only)s OR %(all)s)
            AND first_received_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')
            AND first_received_at < fromUnixTimestamp64Micro(%(until)s, 'UTC')"""
# One pass over the rows of both, and no join: each row says whose it is, and the two of one id stand in one group.
_FOUND: Final = f"""
    SELECT any(d.code) AS code, argMin(d.fingerprint, if({{a}}, 0, 1)) AS fingerprint, any(d.title) AS title,
        min({SEVERITY_RANK}) AS rank, argMin(toString(d.severity), {SEVERITY_RANK}) AS worst,
        countIf({{a}}) > 0 AS in_a, countIf({{b}}) > 0 AS in_b,
        uniqExact((toString(d.severity), d.primary, d.shadow, d.delta)) > 1 AS differs
    FROM discrepancies AS d FINAL WHERE {_PLACE} GROUP BY d.charger_id, d.id"""
_COUNTS: Final = """countIf(in_a AND NOT in_b) AS only_a, countIf(in_b AND NOT in_a) AS only_b,
        countIf(in_a AND in_b AND differs) AS changed, countIf(in_a AND in_b AND NOT differs)"""
_BY_CODE: Final = f"""
    SELECT code, '', '', argMin(worst, rank), {_COUNTS} FROM ({_FOUND}) AS f GROUP BY code ORDER BY min(rank), code"""
_BY_FINGERPRINT: Final = f"""
    SELECT any(code), fingerprint, any(title), argMin(worst, rank), {_COUNTS} FROM ({_FOUND}) AS f
    GROUP BY fingerprint HAVING only_a + only_b + changed > 0
    ORDER BY only_a + only_b + changed DESC, fingerprint LIMIT {_MOST}"""
_LIVED: Final = f"""
    SELECT countIf({{a}}) > 0 AS in_a, countIf({{b}}) > 0 AS in_b, any(s.record_currency) AS currency,
        uniqExact((s.started_at, s.stopped_at, s.stop_reason, s.primary_energy_wh, s.shadow_energy_wh, s.compared,
            s.record_id, s.record_amount, s.shadow_amount, s.amount_delta)) > 1 AS differs,
        countIf(s.compared AND {{a}}) AS compared_a, countIf(s.compared AND {{b}}) AS compared_b,
        sumIf(s.primary_energy_wh, {{a}}) AS primary_a, sumIf(s.primary_energy_wh, {{b}}) AS primary_b,
        sumIf(s.shadow_energy_wh, {{a}}) AS shadow_a, sumIf(s.shadow_energy_wh, {{b}}) AS shadow_b,
        sumIf(s.record_amount, {{a}}) AS billed_a, sumIf(s.record_amount, {{b}}) AS billed_b,
        sumIf(s.shadow_amount, {{a}}) AS cost_a, sumIf(s.shadow_amount, {{b}}) AS cost_b,
        sumIf(s.amount_delta, {{a}}) AS delta_a, sumIf(s.amount_delta, {{b}}) AS delta_b
    FROM sessions AS s FINAL WHERE {_PLACE} GROUP BY s.charger_id, s.session_id"""
_SESSIONS: Final = f"""
    SELECT countIf(in_a), countIf(in_b), countIf(in_a AND NOT in_b), countIf(in_b AND NOT in_a),
        countIf(in_a AND in_b AND differs), sum(compared_a), sum(compared_b), sum(primary_a), sum(primary_b),
        sum(shadow_a), sum(shadow_b)
    FROM ({_LIVED}) AS l"""
_AMOUNTS: Final = f"""
    SELECT currency, sum(billed_a), sum(billed_b), sum(cost_a), sum(cost_b), sum(delta_a), sum(delta_b)
    FROM ({_LIVED}) AS l WHERE currency IS NOT NULL GROUP BY currency ORDER BY currency"""
