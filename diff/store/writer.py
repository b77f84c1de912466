"""Writes what was seen and judged to the store, in batches.

Made for delivery at least once: a row written twice is one row, so after any doubt the batch is written again, and
the caller commits its offset (or its place in the journal) only after `flush` has returned.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from diff.alerts.alert import Alert
from diff.applied import AppliedFrames
from diff.change import Change
from diff.discrepancy import Discrepancy, JudgedSession
from diff.noise import NoiseRun
from diff.store.client import Store
from diff.store.errors import StoreError, StoreRefusedError, StoreUnavailable
from diff.store.rows import (
    acknowledgement_row,
    alert_row,
    applied_rows,
    change_row,
    charger_row,
    connection_row,
    dead_letter_row,
    discrepancy_row,
    fact_row,
    frame_row,
    message_row,
    noise_row,
    session_row,
    verdict_row,
)
from diff.store.tables import TABLES, ChargerFacts, ConnectionAccount, DeadLetter, Row, StoredVerdict
from ingest.control import Acknowledgement
from ingest.exchange import Event
from ingest.frame import UNKNOWN_TIME, Frame, Micros
from ingest.ocppj import Message
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

__all__ = ["BackPressure", "Writer"]

_BLOCK_ROWS: Final = 20_000
_BLOCK_BYTES: Final = 32 * 1024 * 1024

_ROW_AT_FAULT: Final = frozenset({None, 6, 27, 33, 38, 41, 53, 69, 101, 117, 131, 321, 349, 407})
"""ClickHouse's codes for data that does not fit; None is the driver's own refusal. Any other refusal (no such table,
no right to write) concerns every row, and none of them may be given up for it."""

_ROW_OVERHEAD: Final = 256


class BackPressure(StoreError):  # noqa: N818 - a state that passes, not a fault
    """The store has been away for so long that no more rows are held. The row was not taken: give it again later."""

    def __init__(self, rows: int, retry_after: float) -> None:
        super().__init__(f"{rows} rows wait for the store, no more are taken; next try in {retry_after:g} s")
        self.retry_after = retry_after


class Writer:
    """Collects rows and writes them. Belongs to one thread.

    Rows are written when `max_rows` or `max_bytes` are together, and by `flush_due` when the oldest has waited
    `max_age` seconds. While the store is away rows are kept, up to `capacity` rows or `capacity_bytes`; then
    `BackPressure` is raised. Of the versions of one row only the newest is kept.
    """

    def __init__(
        self,
        store: Store,
        *,
        judging_run: str = "",
        max_rows: int = 5_000,
        max_bytes: int = 16 * 1024 * 1024,
        max_age: float = 1.0,
        capacity: int = 200_000,
        capacity_bytes: int = 256 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._judging_run = judging_run
        self._max_rows, self._max_bytes, self._max_age = max_rows, max_bytes, max_age
        self._capacity, self._capacity_bytes = capacity, capacity_bytes
        self._clock = clock
        self._batch: dict[str, dict[Row, Row]] = {name: {} for name in TABLES}
        self._held = self._bytes = 0
        self._since: float | None = None
        self._not_before = 0.0
        self.written = 0
        """Rows written since the start, repeats included."""
        self.by_table: Counter[str] = Counter()
        """The same by table."""
        self.refused = 0
        """Rows that the store would not take; each left a dead letter."""
        self.failure: StoreError | None = None
        """Why the last attempt to write failed; None while all is well."""

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return self._held

    def add_frame(self, frame: Frame, event: Event | Message | None = None) -> None:
        """Take a frame, with what its text turned out to be. All `add_` methods raise `BackPressure`."""
        self._add("frames", frame_row(frame, event))

    def add_message(self, message: ShadowMessage) -> None:
        """Take a 2.0.1 message."""
        self._add("messages", message_row(message, self._judging_run))

    def add_session(self, session: JudgedSession) -> None:
        """Take a session in its newest version."""
        self._add("sessions", session_row(session))

    def add_discrepancy(self, discrepancy: Discrepancy) -> None:
        """Take a discrepancy in its newest version, open or withdrawn."""
        self._add("discrepancies", discrepancy_row(discrepancy))

    def add_dead_letter(self, letter: DeadLetter) -> None:
        """Take what could not be read, mapped or stored."""
        self._add("dead_letters", dead_letter_row(letter))

    def add_connections(self, accounts: Iterable[ConnectionAccount]) -> None:
        """Take the tap's accounts."""
        for account in accounts:
            self._add("connections", connection_row(account))

    def add_charger(self, facts: ChargerFacts) -> None:
        """Take the newest facts of a charging station."""
        self._add("chargers", charger_row(facts))

    def add_applied(self, applied: AppliedFrames) -> None:
        """Take which frames were lived; numbers are counted as a set."""
        for row in applied_rows(applied):
            self._add("applied", row)

    def add_fact(self, fact: Fact) -> None:
        """Take what was observed of a device model; of one name the newest is kept."""
        self._add("device_facts", fact_row(fact))

    def add_acknowledgement(self, one: Acknowledgement) -> None:
        """Take what somebody acknowledged or revoked; each version stays."""
        self._add("acknowledgements", acknowledgement_row(one))

    def add_change(self, change: Change) -> None:
        """Take what somebody changed; each change stays."""
        self._add("changes", change_row(change))

    def add_noise_run(self, run: NoiseRun) -> None:
        """Take what living the same frames again showed."""
        self._add("noise_runs", noise_row(run))

    def add_verdict(self, verdict: StoredVerdict) -> None:
        """Take a verdict on a cohort."""
        self._add("verdicts", verdict_row(verdict))

    def add_alert(self, alert: Alert) -> None:
        """Take an alert that was said: opening and closing it are a row each."""
        self._add("alerts", alert_row(alert))

    def add_alert_watch(self, name: str, at: Micros, state: str) -> None:
        """Take what a watch remembers, as JSON; the newest counts."""
        self._add("alert_watches", (name, at, state))

    def flush_due(self) -> int:
        """Write if it is time to; never raises for a store that is away. Returns the rows written."""
        if self._since is None or self._clock() - self._since < self._max_age:
            return 0
        return self._try()

    def flush(self) -> int:
        """Write everything now and return how many rows.

        Raises `StoreUnavailable` or `StoreRefusedError`; then the rows that are not written yet are still held.
        """
        written = 0
        try:
            # Evidence first, and the letters about refused rows last: they arise on the way.
            for name in (*TABLES, "dead_letters"):
                written += self._write_table(name)
        except StoreError as error:
            self.failure = error
            wait = error.retry_after if isinstance(error, StoreUnavailable) else self._max_age
            self._not_before = self._clock() + wait
            raise
        self.failure = None
        self._since = None
        self._bytes = 0
        return written

    def _try(self) -> int:
        if self._clock() < self._not_before:
            return 0
        try:
            return self.flush()
        except StoreError:
            return 0  # kept in `failure`, the rows are held

    def _add(self, table: str, row: Row) -> None:
        if self._held >= self._capacity or self._bytes >= self._capacity_bytes:
            self._try()
            if self._held >= self._capacity or self._bytes >= self._capacity_bytes:
                raise BackPressure(self._held, max(self._not_before - self._clock(), 0.1))
        self._put(table, row)
        if self._held >= self._max_rows or self._bytes >= self._max_bytes:
            self._try()

    def _put(self, table: str, row: Row) -> None:
        shape, rows = TABLES[table], self._batch[table]
        key = tuple(row[place] for place in shape.key)
        before = rows.get(key)
        if before is not None:
            if shape.version is not None and before[shape.version] > row[shape.version]:
                return
            self._bytes -= _size(before)
        else:
            self._held += 1
        rows[key] = row
        self._bytes += _size(row)
        if self._since is None:
            self._since = self._clock()

    def _write_table(self, name: str) -> int:
        rows, written = self._batch[name], 0
        while rows:
            block = _first_block(rows)
            written += self._write(name, [rows[key] for key in block])
            for key in block:
                self._bytes -= _size(rows.pop(key))
            self._held -= len(block)
        return written

    def _write(self, name: str, rows: list[Row]) -> int:
        """Write rows; where the store refuses them, find the ones at fault and put dead letters in their place."""
        try:
            count = self._store.insert(name, TABLES[name].columns, rows)
        except StoreRefusedError as error:
            if error.code not in _ROW_AT_FAULT:
                raise
            if len(rows) > 1:
                half = len(rows) // 2
                return self._write(name, rows[:half]) + self._write(name, rows[half:])
            self._give_up(name, rows[0], error)
            return 0
        self.written += count
        self.by_table[name] += count
        return count

    def _give_up(self, name: str, row: Row, error: StoreRefusedError) -> None:
        self.refused += 1
        if name == "dead_letters":
            return  # counted; a letter about a letter would be refused for the same reason
        key = "/".join(ascii(row[place])[:100] for place in TABLES[name].key)
        charger_id = str(row[0]).encode("ascii", "backslashreplace").decode()
        received_at = row[TABLES[name].time]
        if not 0 <= received_at < 2**63:
            received_at = UNKNOWN_TIME  # it may be the very value that was refused
        letter = DeadLetter(charger_id, received_at, "writer", f"{name} {key}", str(error)[:1000], _size(row))
        self._put("dead_letters", dead_letter_row(letter))


def _first_block(rows: dict[Row, Row]) -> list[Row]:
    """Keys of as many rows as go into one block."""
    block: list[Row] = []
    size = 0
    for key, row in rows.items():
        if block and (len(block) >= _BLOCK_ROWS or size + _size(row) > _BLOCK_BYTES):
            break
        block.append(key)
        size += _size(row)
    return block


def _size(row: Row) -> int:
    """About how many bytes a row takes: its texts, and something for the rest."""
    return _ROW_OVERHEAD + sum(len(value) for value in row if isinstance(value, str))
