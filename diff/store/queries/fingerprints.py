"""Fingerprints with their history: how often, on whom, how much, and whether they are new, back, or gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from diff.acknowledgement import Scope, covers
from diff.compare import COMPARED
from diff.fingerprint import place_of
from diff.fingerprint_state import History, Relative, Stated, cause_of, state_of
from diff.gates.evidence import AMOUNT_CODES, DAY
from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.queries.compared import sessions_by_day
from diff.store.queries.filters import FAULTS, SEVERITY_RANK
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from diff.store.queries.weeks import Weeks, summarised, sums
from ingest.control import Acknowledgement
from ingest.frame import Micros

__all__ = ["FingerprintLine", "at_the_same_place", "fingerprint_lines"]


class FingerprintLine(msgspec.Struct, frozen=True):
    """A fingerprint as it stands at a time."""

    fingerprint: str
    title: str
    code: str
    class_: str
    severity: str
    path: str
    vendor: str
    model: str
    firmware: str
    chargers: int
    sessions: int
    open: int
    occurrences: int
    first_seen: Micros
    last_seen: Micros
    wh: Decimal | None
    """Sum of the differences in Wh, without their signs; None where it is about no energy."""
    comparisons: int
    """Fields compared on charging stations of its vendor, model and firmware: the denominator of the rate."""
    state: str
    """See `diff.fingerprint_state.State`."""
    because: str
    acknowledged: bool
    """At least one acknowledgement in force is about it, if only for a part of its charging stations."""
    money: dict[str, Decimal] = {}
    """Sum of the amounts that its sessions are billed otherwise, without their signs, by currency: currencies are never
    added. Empty where no record and no tariff says an amount."""

    @property
    def per_thousand(self) -> Decimal | None:
        """Open discrepancies per 1,000 comparisons; None where nothing was compared."""
        return Decimal(self.open * 1000) / self.comparisons if self.comparisons else None


def fingerprint_lines(
    store: Store,
    at: Micros,
    run: str = CURRENT,
    *,
    chargers: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    codes: Sequence[str] | None = None,
    quiet_days: int = 7,
    limit: int = 1000,
    counted: bool = True,
    exact: bool = True,
) -> list[FingerprintLine]:
    """The fingerprints with open discrepancies up to a time, the worst and then the most frequent first.

    `chargers`: only what was seen on them; None is the whole fleet. `only`: these fingerprints; `codes`: theirs, which
    spares a question. `quiet_days`: see `state_of`. `counted`: False leaves `chargers` and `sessions` at 0, for those
    who have counted them already. `exact`: see `diff.store.queries.weeks.summarised`.
    """
    if only is not None and not only:
        return []
    rows_of = counting(store, run)
    weeks = summarised(store, rows_of, until=at + 1, exact=exact) if chargers is None else Weeks()
    asked, bound = _Asked(f"{rows_of} AND status = 'open' AND {FAULTS}", weeks), dict[str, object]()
    bound |= {"at": at, "limit": limit, "codes": tuple(codes or ())}
    if chargers is not None:
        asked, bound["chargers"] = replace(asked, place=_on_chargers(chargers)), tuple(chargers) or ("",)
    wanted = asked
    if only is not None:
        wanted = asked.filtered("fingerprint_key IN (SELECT arrayJoin(arrayMap(x -> sipHash64(x), %(only)s)))")
        bound["only"] = list(only)
    # A cause on other firmwares has the same code.
    if codes and only is not None and not counted:
        every = read(store, _LINES.format(found=asked.filtered("code IN %(codes)s").sql(), sets="0, 0"), bound)
        named = set(only)
        rows = [row for row in every if row[0] in named][:limit]
        relatives = _relatives((*row[:3], row[5], row[8], *row[13:15]) for row in every)
    else:
        sets = _COUNTED if counted else "0, 0"
        lines = _LINES.format(found=wanted.sql(with_sets=counted), sets=sets)
        rows = read(store, f"{lines} LIMIT %(limit)s", bound)
        bound["codes"] = tuple({row[2] for row in rows}) or ("",)
        relatives = _relatives(read(store, _CAUSES.format(found=asked.filtered("code IN %(codes)s").sql()), bound))
    if not rows:
        return []
    days = sessions_by_day(store, rows_of, until=at, place=_on_chargers(chargers), exact=exact)
    compared = _compared(read(store, _COMPARED.format(days=days), bound))
    money: dict[str, dict[str, Decimal]] = defaultdict(dict)
    if any(row[2] in AMOUNT_CODES for row in rows) and read(store, _BILLED):
        amounts = _MONEY.format(standing=wanted.rows, own=_on_chargers(chargers), rows=rows_of)
        for fingerprint, currency, amount in read(store, amounts, bound):
            money[fingerprint][currency] = amount
    told = acknowledgements(store, at)
    return [_line(row, relatives, compared, told, at, quiet_days, money.get(row[0], {})) for row in rows]


def at_the_same_place(
    store: Store, at: Micros, code: str, path: str, run: str = CURRENT, limit: int = 100
) -> list[FingerprintLine]:
    """The fingerprints of one code and place on whatever vendor, model and firmware, see `fingerprint_lines`.

    `chargers` and `sessions` are left at 0.
    """
    rows_of = counting(store, run)
    found = sums(f"{rows_of} AND status = 'open' AND code = %(code)s", summarised(store, rows_of))
    rows = read(store, _PLACES.format(found=found), {"code": code})
    wanted = [fingerprint for fingerprint, other in rows if place_of(other) == place_of(path)]
    listed = wanted[:limit]
    return fingerprint_lines(store, at, run, only=listed, codes=[code], limit=limit, counted=False, exact=False)


def _on_chargers(chargers: Sequence[str] | None) -> str:
    return "1" if chargers is None else "charger_id IN %(chargers)s"


def _line(
    row: tuple[Any, ...],
    relatives: dict[tuple[str, str, str], list[tuple[str, Relative]]],
    compared: dict[tuple[str, str, str], list[tuple[int, int]]],
    told: Iterable[Acknowledgement],
    at: Micros,
    quiet_days: int,
    money: Mapping[str, Decimal],
) -> FingerprintLine:
    found, days = row[:-1], row[-1]
    fingerprint, title, code, _, _, path, vendor, model, firmware, *_, first, last, wh = found
    last = min(last, at)
    by_day = compared.get((vendor, model, firmware), [])
    since = sum(sessions for day, sessions in by_day if day > last // DAY)
    others = [one for key, one in relatives[cause_of(code, path, title)] if key != fingerprint]
    stated: Stated = state_of(History(first, last, days, since), others, at, quiet_days=quiet_days)
    covered = any(
        not one.revoked
        and one.at <= at < one.expires
        and covers(
            one, Scope(fingerprint, one.vendor or vendor, one.model or model, one.firmware or firmware, one.charger)
        )
        for one in told
    )
    comparisons = len(COMPARED) * sum(sessions for _, sessions in by_day)
    values = (*found[:-2], last, wh, comparisons, stated.state.value, stated.because, covered, dict(money))
    return msgspec.convert(dict(zip(FingerprintLine.__struct_fields__, values, strict=True)), FingerprintLine)


def _relatives(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], list[tuple[str, Relative]]]:
    found: dict[tuple[str, str, str], list[tuple[str, Relative]]] = defaultdict(list)
    for fingerprint, title, code, path, firmware, first, last in rows:
        found[cause_of(code, path, title)].append((fingerprint, Relative(firmware, first, last)))
    return found


def _compared(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
    found: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for vendor, model, firmware, day, sessions in rows:
        found[vendor, model, firmware].append((day, sessions))
    return found


class _Asked(msgspec.Struct, frozen=True):
    """Which discrepancies, and which weeks of them stand as sums."""

    where: str
    weeks: Weeks
    place: str = "1"
    """On which charging stations: a condition that only rows can answer."""

    def filtered(self, condition: str) -> _Asked:
        return replace(self, where=f"{self.where} AND {condition}")

    @property
    def rows(self) -> str:
        return f"{self.where} AND {self._also}"

    @property
    def _also(self) -> str:
        return f"first_received_at {_UP_TO} AND {self.place}"

    def sql(self, *, with_sets: bool = False) -> str:
        return sums(self.where, self.weeks, also=self._also, with_sets=with_sets)


_UP_TO: Final = "<= fromUnixTimestamp64Micro(%(at)s, 'UTC')"
_COUNTED: Final = "uniqExactMerge(d.chargers), uniqExactMerge(d.sessions) - max(d.sessionless)"
_LINES: Final = f"""
    SELECT any(d.fingerprint), any(d.title), any(d.code), any(d.class), any(d.severity) AS severity, any(d.path),
        any(d.vendor), any(d.model), any(d.firmware), {{sets}}, sum(d.row_count) AS n, sum(d.occurrences),
        toUnixTimestamp64Micro(min(d.first_received_at)),
        toUnixTimestamp64Micro(max(d.observed_at)),
        sum(d.magnitude), arraySort(arrayDistinct(arrayFlatten(groupArray(d.days))))
    FROM {{found}} AS d
    GROUP BY fingerprint_key
    ORDER BY {SEVERITY_RANK}, n DESC, fingerprint_key"""
_PLACES: Final = """
    SELECT any(d.fingerprint), any(d.path) FROM {found} AS d
    GROUP BY fingerprint_key ORDER BY sum(d.row_count) DESC, fingerprint_key"""
_BILLED: Final = "SELECT 1 FROM sessions WHERE record_currency IS NOT NULL LIMIT 1"
# What a bill is wrong by stands in the row of its session, with its currency. A fingerprint whose records only name a
# session, as a late one does, weighs nothing; where two causes move one bill, each has its whole amount.
_MONEY: Final = f"""
    SELECT any(d.fingerprint), assumeNotNull(s.record_currency) AS currency,
        sum(abs(multiIf(d.code = 'session.record-amount', d.delta,
            d.code = 'session.missing-in-shadow', s.record_amount, s.amount_delta))) AS amount
    FROM (SELECT *, fingerprint_key FROM discrepancies FINAL
        WHERE {{standing}} AND code IN {AMOUNT_CODES!r} AND startsWith(path, 'CDR')) AS d
    INNER JOIN (SELECT charger_id, session_id, record_amount, record_currency, amount_delta FROM sessions FINAL
        WHERE {{rows}} AND record_currency IS NOT NULL AND {{own}}) AS s
    ON d.charger_id = s.charger_id AND d.session_id = s.session_id
    GROUP BY fingerprint_key, currency HAVING amount != 0"""
_CAUSES: Final = """
    SELECT any(d.fingerprint), any(d.title), any(d.code), any(d.path), any(d.firmware),
        toUnixTimestamp64Micro(min(d.first_received_at)), toUnixTimestamp64Micro(max(d.observed_at))
    FROM {found} AS d GROUP BY fingerprint_key"""
_COMPARED: Final = """
    SELECT vendor, model, firmware, day, sum(s.compared_count) FROM {days} AS s
    GROUP BY vendor, model, firmware, day HAVING sum(s.compared_count) > 0"""
