"""What a connector's status says of the transaction on it: its chargingState, and the cable (E02.FR.13, E01.FR.18).

What 2.0.1 also knows and 1.6 gives no evidence for is not said: EVConnectTimeout after the EV side was unplugged
(E10.FR.02: 1.6 goes on until its StopTransaction, which says why), Available and Occupied meanwhile (TC_E_26: due with
a fixed cable only, and 1.6 does not tell which it is), numberOfPhasesUsed (E02.FR.18), ChargingRateChanged (K11.FR.04).
"""

from __future__ import annotations

from typing import Final

from ingest.frame import Micros
from shadow.station import boundaries, events, transactions
from shadow.station.outbox import Outbox
from shadow.station.state import Transaction
from shadow.station.tables import CHARGING_STATES, STOP_REASONS

__all__ = ["on_status"]

_EV_SIDE_GONE: Final = "EV side disconnected"
"""1.6 §4.9: the info that goes with SuspendedEV or Finishing when the cable left the car."""


def on_status(out: Outbox, transaction: Transaction, status: str, info: str, at: Micros) -> None:
    """A 1.6 status of a connector on which a transaction runs; `info` and `at` are the status's own."""
    if status == "Available":
        # C1/D1/E1 of §4.9: the cable is out while 1.6 has not stopped; the StopTransaction that follows says why.
        transaction.cable_out = True
        if transactions.is_void(transaction):
            # 1.6 refused the start and stops nothing; 2.0.1 has to end what it began (E05.FR.10).
            events.end(out, transaction, at, STOP_REASONS["DeAuthorized"])
        elif not boundaries.on_unplugged(out, transaction, at):
            events.on_cable_out(out, transaction, at)
        return
    if status == "Faulted":
        if transaction.charging_state == "Charging":
            events.update(out, transaction, at, "AbnormalCondition", charging_state="SuspendedEVSE")
        return
    state = CHARGING_STATES.get(status)
    if _EV_SIDE_GONE in info and status in ("SuspendedEV", "Finishing"):
        transaction.cable_out = True
        if boundaries.on_unplugged(out, transaction, at):
            return
        if status == "SuspendedEV" and transaction.charging_state != "Idle":
            # StopTransactionOnEVSideDisconnect=false: 1.6 goes on, so the transaction does too (TC_E_26).
            events.update(out, transaction, at, "EVCommunicationLost", charging_state="Idle")
        return
    if state is None or (transaction.cable_out and status == "Finishing"):
        return
    transaction.cable_out = False
    if state.startswith("Suspended") and boundaries.on_pause(out, transaction, state, at):
        return
    if state == "Charging":
        boundaries.on_energy(out, transaction, at)
    if transaction.charging_state == "Idle":
        events.update(out, transaction, at, "CablePluggedIn", charging_state="EVConnected")  # E10
    if state == transaction.charging_state:
        return
    events.update(out, transaction, at, "ChargingStateChanged", charging_state=state)
