"""Where a connector's status and its transaction contradict each other, judged when both have had time to come right.

A status overtakes the StartTransaction that it follows, and Available the StopTransaction before it: those are queued
and sent again, statuses are not (1.6 §3.7.1). So a contradiction is only noted when it is seen. It is named when the
grace is over and nothing in between has explained it.
"""

from __future__ import annotations

from typing import Final

from ingest.frame import UNKNOWN_TIME, Micros
from shadow.station import transactions
from shadow.station.connector_status import say_status
from shadow.station.outbox import Outbox
from shadow.station.state import Connector, Doubt, StationState, Transaction

__all__ = ["due", "fire_due", "forget", "watch"]

_WITH_TRANSACTION: Final = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
"""1.6 §4.9: statuses of a connector on which a transaction runs."""


def watch(out: Outbox, number: int, connector: Connector, status: str) -> None:
    """Note a status that has just come and that the transactions known so far contradict."""
    if connector.doubt is not None and connector.doubt.status == status:
        return  # it is said again: the grace runs from the first time
    connector.doubt = None
    if out.at == UNKNOWN_TIME:
        return
    running = transactions.open_on(out, number)
    if status == "Available":
        contradicts = running is not None and running.stop is None
    else:
        # Before the first Available or start that was seen, a transaction may run that nobody saw begin.
        runs = running is not None or transactions.goes_on(out, number)
        contradicts = status in _WITH_TRANSACTION and not runs and connector.seen_since is not None
    if contradicts:
        connector.doubt = _doubt(out, status)
    if status == "Available":
        _watch_siblings(out, number)


def _watch_siblings(out: Outbox, number: int) -> None:
    """The EVSE is free again: a connector of it that stays Unavailable was not so because of the other one."""
    for other in out.siblings(number):
        connector = out.station.connectors.get(other)
        if connector is not None and connector.status == "Unavailable" and connector.reported != "Unavailable":
            connector.doubt = _doubt(out, "Unavailable")


def _doubt(out: Outbox, status: str) -> Doubt:
    return Doubt(status, out.frame_id, out.at, out.at + out.config.status_grace)


def due(station: StationState) -> Micros | None:
    """When the next doubt is to be judged; None where there is none."""
    earliest: Micros | None = None
    for one in station.connectors.values():  # asked with every frame: no generator
        doubt = one.doubt
        if doubt is not None and (earliest is None or doubt.due < earliest):
            earliest = doubt.due
    return earliest


def fire_due(out: Outbox, until: Micros) -> None:
    """Name what still contradicts when its grace is over, and say what was withheld and is so all the same."""
    for number, connector in out.station.connectors.items():
        doubt = connector.doubt
        if doubt is None or doubt.due > until:
            continue
        connector.doubt = None
        running = transactions.open_on(out, number)
        if doubt.status == "Unavailable":
            connector.reported = "Unavailable"
            say_status(out, number, "Unavailable", out.now_text, made_time=True, caused_by=(doubt.frame_id,))
        elif doubt.status == "Available":
            if running is not None and not _is_explained(out, running, doubt):
                _name(out, number, doubt, running)
        elif connector.seen_since is not None and not _may_belong(out, number, doubt):
            _name(out, number, doubt, None)


def forget(station: StationState) -> None:
    """Something may have gone unseen, or waits in a queue: what was doubtful proves nothing any more."""
    for connector in station.connectors.values():
        connector.doubt = None
        connector.last = None


def _is_explained(out: Outbox, running: Transaction, doubt: Doubt) -> bool:
    """Begun since then; or before a reboot, of which `session.never-ended` says what is to be said."""
    booted = out.station.booted_at
    return running.received_at >= doubt.since or (booted is not None and booted >= running.received_at)


def _may_belong(out: Outbox, number: int, doubt: Doubt) -> bool:
    """Whether there is a transaction that the status can speak of: there, on the same EVSE, or on none that is known.

    One that has ended counts where it began or ended after the status came.
    """
    places = {0, number, *out.siblings(number)}
    for one in out.station.transactions.values():
        if one.connector_id in places and (not one.ended or one.received_at >= doubt.since):
            return True
    return False


def _name(out: Outbox, number: int, doubt: Doubt, running: Transaction | None) -> None:
    out.find(
        "status.contradicts-session",
        f"StatusNotification.status={doubt.status}",
        frames=(doubt.frame_id,) if running is None else (running.opened_by, doubt.frame_id),
        connector_id=number,
        transaction_id=None if running is None else running.transaction_id,
        found=doubt.status,
        expected="no transaction" if running is None else running.transaction_id,
        detail="a transaction is open" if running is not None else "no transaction is open or has begun since",
    )
