"""Clocks that were never set, that go wrong, and stamps without a zone."""

from __future__ import annotations

from typing import Final

from demo.books import Behaviour
from demo.faults.kinds import Extra, Fault, Moment, Restamp, Shift, Strike, status

__all__ = ["CLOCK"]

CLOCK: Final[tuple[Fault, ...]] = (
    Fault(
        name="charger-without-zone",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="timestamps of the charging station carry no zone designator",
        strikes=(Strike(action="*", edits=(Restamp(0, ""),)),),
        lasting=True,
    ),
    Fault(
        name="two-digit-offset",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="timestamps with the offset +02",
        strikes=(Strike(action="*", edits=(Restamp(2, "+02"),)),),
        lasting=True,
    ),
    Fault(
        name="primary-without-zone",
        codes=("clock.no-zone",),
        also=("schema.v16",),
        detail="currentTime of the primary carries no zone designator",
        primary=Behaviour(current_time_without_zone=True),
    ),
    Fault(
        name="clock-never-set",
        codes=("clock.epoch",),
        also=("clock.skew", "clock.backwards"),
        detail="a status stamped 1970-01-01",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StatusNotification",
                payload={**status("Available"), "timestamp": "1970-01-01T00:00:01.120Z"},
            ),
        ),
    ),
    Fault(
        name="clock-all-zeros",
        codes=("clock.unparseable",),
        also=("schema.v16", "schema.v201", "clock.epoch"),
        detail="a status stamped 0000-00-00",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StatusNotification",
                payload={**status("Available"), "timestamp": "0000-00-00T00:00:00Z"},
            ),
        ),
    ),
    Fault(
        name="clock-ahead",
        codes=("clock.skew",),
        detail="the clock is seven minutes ahead",
        strikes=(Strike(action="*", edits=(Shift(420),)),),
        lasting=True,
    ),
    Fault(
        name="clock-behind",
        codes=("clock.skew",),
        also=("session.offline-replay",),
        detail="the clock is five minutes behind; a late delivery would look alike",
        strikes=(Strike(action="*", edits=(Shift(-300),)),),
        lasting=True,
    ),
    Fault(
        name="stop-before-its-end-sample",
        codes=("clock.backwards",),
        also=("session.out-of-order",),
        detail="StopTransaction is stamped three seconds before its own Transaction.End sample",
        strikes=(Strike(action="StopTransaction", nth=1, edits=(Shift(-3, "timestamp"),)),),
    ),
)
