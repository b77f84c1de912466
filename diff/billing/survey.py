"""A table of the primary's transactions, looked over by itself: what in it cannot be, counted and grouped. Pure.

Nothing of the wire is needed, so that an operator's table of past years says at once what kinds of trouble its
charging stations bring. What a single row breaks is refused when it is read (`ingest.records.table`) and counted here
by its rule; what only rows beside each other show is found here: within a connector, in the order of the starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from ingest.frame import Micros
from ingest.records.record import BillingRecord, RecordKind

__all__ = ["MEANINGS", "Anomaly", "Survey"]

_HOUR: Final[Micros] = 3_600_000_000
_MOST_POWER_W: Final = Decimal(1_000_000)
_EXAMPLES: Final = 5
_PER_SESSION: Final = 3
"""Rows from which on registers that all begin at 0 are taken for registers of sessions."""

MEANINGS: Final[dict[str, str]] = {
    "duplicate-start": "the same connector, token, start and register more than once",
    "register-regression": "the register begins below where the session before it ended",
    "overlap": "begins before the session before it on the connector has ended",
    "never-stopped": "has no stop, and another session follows on the connector",
    "zero-energy": "no energy",
    "zero-duration": "ends when it begins",
    "late-stop": "the primary took the stop in more than an hour later",
    "implausible-power": "a mean power above 1 MW",
    "negative-energy": "stop register below the start register",
    "placeholder": "a register of 2147483647, 4294967295 or -1",
    "end-before-start": "ends before it begins",
    "unknown-time": "a time of a clock that was never set",
    "unreadable-time": "a time that is none",
    "no-zone": "a time without a zone, and the mapping names none",
    "missing-field": "a cell that every row needs is empty",
    "energy-unit": "a mean power above 5 MW: another unit",
    "not-a-number": "a number that is none",
}
"""Anomalies, those of refused rows by the rule that refused them; other rules speak for themselves."""


class Anomaly(msgspec.Struct, frozen=True):
    """One kind of trouble in a table."""

    name: str
    cases: int
    """Duplicates: the starts that stand there more than once. Else as `rows`."""
    rows: int
    chargers: int
    examples: tuple[str, ...]
    """Ids of the first rows."""

    @property
    def meaning(self) -> str:
        """In words; empty where the rule says it."""
        return MEANINGS.get(self.name, "")


class _Row(msgspec.Struct, frozen=True):
    """What is kept of a row until all have been seen."""

    id: str
    token: str
    start_at: Micros
    stop_at: Micros | None
    begin: Decimal | None
    end: Decimal | None
    energy: Decimal | None
    recorded_at: Micros | None


class _Found(msgspec.Struct):
    cases: int = 0
    rows: int = 0
    chargers: set[str] = msgspec.field(default_factory=set)
    examples: list[str] = msgspec.field(default_factory=list)

    def add(self, charger_id: str, ids: Iterable[str]) -> None:
        self.cases += 1
        self.chargers.add(charger_id)
        for one in ids:
            self.rows += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append(one)


class Survey:
    """Looks over the rows of one or several tables. Memory grows with the rows: a few hundred bytes each."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
        self._refused: dict[str, _Found] = defaultdict(_Found)
        self.rows = 0
        """Rows of tables, those that were refused included."""

    def take(self, charger_id: str, record: BillingRecord) -> None:
        """A row that was read. Other records are passed over: a second CDR may be a correction."""
        if record.kind is not RecordKind.TABLE:
            return
        self.rows += 1
        token = record.tokens[0] if record.tokens else ""
        row = _Row(
            record.id,
            token,
            record.start_at,
            record.stop_at,
            record.meter_start_wh,
            record.meter_stop_wh,
            record.energy_wh,
            record.updated_at,
        )
        self._rows[record.source, charger_id, record.connector].append(row)

    def refuse(self, charger_id: str, record_id: str, rule: str) -> None:
        """A row that could not be read."""
        self.rows += 1
        self._refused[rule].add(charger_id, (record_id,))

    def anomalies(self) -> list[Anomaly]:
        """What was found, in the order of `MEANINGS`, other rules of refusal behind. Rows may be in several."""
        found: dict[str, _Found] = defaultdict(_Found, self._refused)
        for (_, charger_id, _), rows in sorted(self._rows.items()):
            for name, ids in _of_connector(rows):
                found[name].add(charger_id, ids)
        order = list(MEANINGS)
        names = sorted(found, key=lambda name: (order.index(name) if name in MEANINGS else len(order), name))
        return [
            Anomaly(name, one.cases, one.rows, len(one.chargers), tuple(one.examples))
            for name, one in ((name, found[name]) for name in names)
        ]


def _of_connector(rows: list[_Row]) -> Iterator[tuple[str, tuple[str, ...]]]:
    starts: dict[tuple[str, Micros, Decimal | None], list[_Row]] = {}
    for row in rows:
        starts.setdefault((row.token, row.start_at, row.begin), []).append(row)
    for same in starts.values():
        if len(same) > 1:
            yield "duplicate-start", tuple(row.id for row in same)
    # Of duplicates the one that ended counts: the others are no sessions.
    sessions = [max(same, key=lambda row: (row.stop_at is not None, row.stop_at or 0)) for same in starts.values()]
    sessions.sort(key=lambda row: (row.start_at, row.id))
    for row in sessions:
        for name in _of_row(row):
            yield name, (row.id,)
    begun = [row.begin for row in sessions if row.begin is not None]
    per_session = len(begun) >= _PER_SESSION and not any(begun)
    yield from _between(sessions, registers=not per_session)


def _of_row(row: _Row) -> Iterator[str]:
    if row.stop_at is None:
        return
    if not row.energy:
        yield "zero-energy"
    elif row.stop_at > row.start_at and row.energy * _HOUR / (row.stop_at - row.start_at) > _MOST_POWER_W:
        yield "implausible-power"
    if row.stop_at == row.start_at:
        yield "zero-duration"
    if row.recorded_at is not None and row.recorded_at - row.stop_at > _HOUR:
        yield "late-stop"


def _between(sessions: list[_Row], *, registers: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each session beside the ones before it. `registers`: they go on from session to session."""
    ended: Micros | None = None
    register: Decimal | None = None
    for place, row in enumerate(sessions):
        if ended is not None and row.start_at < ended:
            yield "overlap", (row.id,)
        if registers and register is not None and row.begin is not None and row.begin < register:
            yield "register-regression", (row.id,)
        if row.stop_at is None:
            if place + 1 < len(sessions):
                yield "never-stopped", (row.id,)
        else:
            ended = row.stop_at if ended is None else max(ended, row.stop_at)
        known = row.begin if row.end is None else row.end
        register = register if known is None else known
