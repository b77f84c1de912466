"""Transactions whose boundaries are not those of 1.6: start and stop points other than the 1.6-compatible ones.

Before StartTransaction a cable or a token may begin one (`early`): StartTransaction then joins it. After that it may
have to wait for energy or a signature (`latent`), and it may end before StopTransaction does it (`overrun`).
With the default points none of this happens.
"""

from __future__ import annotations

from typing import Any, Final

from ingest.frame import Micros
from ingest.key_ring import comparable
from shadow.config import ShadowConfig
from shadow.station import events, registers, samples, transactions
from shadow.station.outbox import Outbox
from shadow.station.points import Stimulus, begins, ends
from shadow.station.state import PendingStart, StationState, Transaction

__all__ = [
    "due",
    "fire_due",
    "on_energy",
    "on_free_status",
    "on_pause",
    "on_signed",
    "on_token",
    "on_unplugged",
    "to_join",
]

_STOPPED_BY: Final = {
    # What stopped the energy → stoppedReason. 2.0.1 has no reason for an EVSE that offers nothing.
    "SuspendedEV": "StoppedByEV",
    "SuspendedEVSE": "Other",
}
_PLUGGED_STATES: Final = frozenset({"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE"})


def on_token(out: Outbox, tag: str, remote: PendingStart | None = None) -> None:
    """A token was accepted, on no connector that is known (E01.FR.03, F01.FR.19)."""
    if not begins(out.config.tx_start_points, Stimulus.TOKEN):
        return
    for one in transactions.open_transactions(out):
        if transactions.has_token(out, one, tag) and one.connector_id == 0:
            one.received_at = out.at  # shown again before its cable: it waits anew
            return
        if (one.early and one.id_token is None) or transactions.has_token(out, one, tag):
            return  # whose it is, or that it is shown to stop, StartTransaction or StopTransaction says
    early = transactions.new_transaction(out, 0, early=True, id_token=tag, started_at=out.at)
    trigger = "Authorized" if remote is None else "RemoteStart"
    info = {} if remote is None else {"remoteStartId": remote.remote_start_id}
    if remote is not None and remote in out.station.remote_starts:
        out.station.remote_starts.remove(remote)
        out.station.authorized[tag.lower()] = out.at  # so that Preparing proves no cable
    events.start(out, early, out.at, trigger, "Idle", info=info)


def on_free_status(out: Outbox, number: int, status: str, before: str | None, at: Micros, *, plugged: bool) -> None:
    """A status of a connector without a transaction; `plugged`: it proves a cable that was not there before."""
    if status == "Charging" and _resume(out, number, at):
        return
    free = not any(transactions.open_on(out, other) for other in out.siblings(number))  # E01.FR.14
    if plugged and free and status in _PLUGGED_STATES and begins(out.config.tx_start_points, Stimulus.PLUGGED):
        early = transactions.new_transaction(out, number, early=True, started_at=at)
        state = "EVConnected" if status == "Preparing" else status
        trigger = "CablePluggedIn" if status == "Preparing" else "ChargingStateChanged"
        events.start(out, early, at, trigger, state)
    waiting = [one for one in transactions.open_transactions(out) if one.early and one.connector_id == 0]
    if (before, status) == ("Preparing", "Available") and len(waiting) == 1:
        _time_out(out, waiting[0], at)  # OCA TC_004_2: nobody plugged in, and the station waits no longer


def to_join(out: Outbox, number: int, tag: str) -> Transaction | None:
    """The transaction that began before its StartTransaction."""
    running = transactions.open_on(out, number)
    unlike = running is not None and not comparable(running.key_version, out.key_version)
    if running is not None and running.early and (unlike or running.id_token in (None, tag)):
        return running
    for one in transactions.open_transactions(out):
        if one.early and one.connector_id == 0 and transactions.may_have_token(out, one, tag):
            return one
    return None


def on_energy(out: Outbox, transaction: Transaction, at: Micros) -> None:
    """Energy flows, or did: a latent transaction begins where that is a start point."""
    if transaction.latent and begins(out.config.tx_start_points, Stimulus.ENERGY):
        _begin_latent(out, transaction, at, "ChargingStateChanged", "Charging")


def on_signed(out: Outbox, transaction: Transaction, at: Micros) -> None:
    """The begin value was signed (E01.FR.04)."""
    if transaction.latent and begins(out.config.tx_start_points, Stimulus.SIGNED):
        _begin_latent(out, transaction, at, "SignedDataReceived", transaction.charging_state or "EVConnected")


def _begin_latent(out: Outbox, transaction: Transaction, at: Micros, trigger: str, state: str) -> None:
    transaction.latent, transaction.token_told_by = False, out.frame_id
    held = [one for one in transaction.held if one.begin and one.measured_at <= at]  # J02.FR.10
    transaction.held = [one for one in transaction.held if one not in held]
    values = [one.meter_value for one in held]
    wh, began = transaction.meter_start, transaction.started_at
    if wh is not None and began is not None and not registers.is_placeholder(wh):
        values = [samples.register_sample(wh, "Transaction.Begin", began), *values]
    info = {} if transaction.remote_start_id is None else {"remoteStartId": transaction.remote_start_id}
    events.start(
        out,
        transaction,
        at,
        trigger,
        state,
        info=info,
        values=values,
        reservation_id=transaction.reservation_id,
        caused_by=(*dict.fromkeys(one.frame_id for one in held), out.frame_id),
    )


def on_pause(out: Outbox, transaction: Transaction, status: str, at: Micros) -> bool:
    """The energy stopped: the end where EnergyTransfer is a stop point. StopTransaction is still to come."""
    if transaction.charging_state != "Charging" or not ends(out.config.tx_stop_points, Stimulus.PAUSE):
        return False
    _end_before_stop(out, transaction, at, (_STOPPED_BY.get(status, "Other"), "ChargingStateChanged"), status)
    return True


def on_unplugged(out: Outbox, transaction: Transaction, at: Micros) -> bool:
    """The cable left: the end of what has no other. One that never became a transaction of 1.6 ends too (E06.FR.02)."""
    reasons = ("EVDisconnected", "EVCommunicationLost")
    if transaction.early:
        events.end(out, transaction, at, reasons)
        return True
    if transaction.latent or transaction.stop is not None or not ends(out.config.tx_stop_points, Stimulus.UNPLUGGED):
        return False
    _end_before_stop(out, transaction, at, reasons, "Idle")
    return True


def _end_before_stop(out: Outbox, transaction: Transaction, at: Micros, reasons: tuple[str, str], state: str) -> None:
    """End a transaction that 1.6 goes on with; its last reading is the end value, as E06.FR.11 asks for one."""
    values = [one.meter_value for one in transaction.held]
    if transaction.register is not None:
        measured = transaction.register_at or at
        values = [samples.register_sample(transaction.register, "Transaction.End", measured), *values]
    transaction.overrun = True
    events.end(out, transaction, at, reasons, meter_values=values, charging_state=state)


def _resume(out: Outbox, number: int, at: Micros) -> bool:
    """Energy flows again after a pause that ended the transaction: the next one, of the same session of 1.6."""
    if not begins(out.config.tx_start_points, Stimulus.ENERGY):
        return False
    known = out.station.transactions.values()
    old = next((one for one in reversed(known) if one.overrun and one.connector_id == number), None)
    if old is None:
        return False
    old.overrun = False
    token: dict[str, Any] = {"id_token": old.id_token, "key_version": old.key_version}
    new = transactions.new_transaction(out, number, **token, started_at=at, meter_start=old.register, latent=True)
    new.register, new.register_at, new.register_resolution = old.register, old.register_at, old.register_resolution
    for name in old.primary_ids:
        transactions.alias(out, new, int(name))
    on_energy(out, new, at)
    return True


def due(station: StationState, config: ShadowConfig) -> Micros | None:
    """When the next token has waited for its cable long enough."""
    if "Authorized" not in config.tx_start_points:
        return None  # nothing waits: asked with every frame, so answered at once
    waiting = (one.received_at + config.connection_timeout for one in station.transactions.values() if _waits(one))
    return min(waiting, default=None)


def fire_due(out: Outbox, until: Micros) -> None:
    """EVConnectTimeout (E03.FR.05, F02.FR.07): the token waited, and no cable came."""
    for one in transactions.open_transactions(out):
        if _waits(one) and one.received_at + out.config.connection_timeout <= until:
            _time_out(out, one, out.at)


def _waits(one: Transaction) -> bool:
    return one.early and not one.ended and one.connector_id == 0


def _time_out(out: Outbox, transaction: Transaction, at: Micros) -> None:
    transaction.cable_out = True
    events.end(out, transaction, at, ("Timeout", "EVConnectTimeout"))
