"""Sessions that go wrong: starts, stops, and whose they are."""

from __future__ import annotations

from typing import Final

from demo.books import Behaviour
from demo.faults.kinds import Extra, Fault, Flow, Moment, Strike, register

__all__ = ["SESSION"]

_ORPHAN_ID: Final = 1_662_100_000

SESSION: Final[tuple[Fault, ...]] = (
    Fault(
        name="start-retried-other-id",
        codes=("session.duplicate-start",),
        also=("session.overlap", "session.never-ended", "session.missing-in-shadow"),
        detail="StartTransaction again under a new message id; the primary opens a second transaction",
        strikes=(Strike(action="StartTransaction", nth=1, again_after_ms=1200),),
        primary=Behaviour(retried_start_gets_another_id=True),
    ),
    Fault(
        name="stop-minus-one",
        codes=("session.orphan-stop",),
        also=("session.missing-in-primary",),
        detail="StopTransaction with transactionId -1, whose start was refused or lost",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="StopTransaction",
                payload={"transactionId": -1, "meterStop": "$register", "timestamp": "$now", "reason": "Local"},
            ),
        ),
    ),
    Fault(
        name="meter-values-unknown-id",
        codes=("session.orphan-meter-values",),
        detail="MeterValues that name a transaction which nobody opened",
        extras=(
            Extra(
                moment=Moment.IDLE,
                action="MeterValues",
                payload={
                    "connectorId": "$connector",
                    "transactionId": _ORPHAN_ID,
                    "meterValue": register("Sample.Periodic"),
                },
            ),
        ),
    ),
    Fault(
        name="offline-replay",
        codes=("session.offline-replay",),
        detail="a session of the last hour is delivered from the queue after a reconnect",
        flow=Flow.OFFLINE,
    ),
    Fault(
        name="end-after-stop",
        codes=("session.after-end",),
        detail="closing MeterValues (Transaction.End) arrive after StopTransaction, with its id",
        extras=(
            Extra(
                moment=Moment.AFTER_STOP,
                action="MeterValues",
                payload={
                    "connectorId": "$connector",
                    "transactionId": "$transaction",
                    "meterValue": register("Transaction.End"),
                },
            ),
        ),
    ),
    Fault(
        name="reboot-in-session",
        codes=("session.never-ended",),
        also=("session.overlap", "status.illegal-transition"),
        detail="BootNotification in mid-session, no StopTransaction ever",
        flow=Flow.REBOOT,
    ),
    Fault(
        name="second-start-on-connector",
        codes=("session.overlap",),
        also=("session.never-ended", "session.after-end", "session.stop-time", "session.stop-reason"),
        detail="a second start with another token while a transaction is open; both are stopped later",
        flow=Flow.OVERLAP,
    ),
    Fault(
        name="zero-session",
        codes=("session.zero",),
        detail="start and stop within half a second, no energy",
        flow=Flow.ZERO,
    ),
    Fault(
        name="colliding-ids",
        codes=("session.misattributed",),
        also=(
            "session.energy",
            "session.token",
            "session.overlap",
            "session.stop-reason",
            "session.orphan-stop",
            "session.orphan-meter-values",
            "session.never-ended",
            "session.after-end",
            "session.start-time",
            "session.stop-time",
            "session.missing-in-primary",
            "session.missing-in-shadow",
            "meter.register-vs-samples",
            "meter.regression",
            "meter.implausible",
        ),
        detail="the primary gives one transaction id to both connectors at once",
        flow=Flow.TWO_CONNECTORS,
        primary=Behaviour(constant_transaction_id=1),
    ),
)
