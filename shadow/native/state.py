"""What is remembered of a charging station while it speaks 2.0.1 itself: what its rules look back on."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ingest.frame import Micros

__all__ = [
    "NativeRemoteStart",
    "NativeState",
    "NativeTransaction",
]


class NativeTransaction(msgspec.Struct, omit_defaults=True):
    """A transaction as native TransactionEvents told it: what the rules of the specification look back on."""

    started: bool = False
    ended: bool = False
    whole: bool = False
    """Seen from Started on, and nothing was cut since."""
    interrupted: bool = False
    """The connection broke since its last event, or that was told late: events may have been dropped (E04.FR.07)."""
    seq_no: int = 0
    """The highest so far."""
    missing: list[int] = msgspec.field(default_factory=list)
    recent: dict[int, int] = msgspec.field(default_factory=dict)
    """Digests of the latest events by seqNo, to tell a resend (E13.FR.02) from another event."""
    evse_id: int | None = None
    connector_id: int | None = None
    asked_evse: bool = False
    """That its EVSE is lacking was said."""
    charging_state: str | None = None
    id_token: str | None = None
    stop_authorized: bool = False
    abnormal: bool = False
    remote_start_id: int | None = None
    """What its next event must carry (F01.FR.25)."""
    register: Decimal | None = None
    """Latest total import register, in Wh."""
    register_resolution: Decimal = Decimal(1)
    register_at: Micros | None = None


class NativeRemoteStart(msgspec.Struct, omit_defaults=True):
    """A RequestStartTransaction or ReserveNow that was accepted and waits for its event."""

    id_token: str | None
    evse_id: int | None = None
    accepted_at: Micros = 0


class NativeState(msgspec.Struct, omit_defaults=True):
    """What is remembered of a charging station while it speaks 2.0.1 itself: apart from all that 1.6 told."""

    opened_by: str = ""
    """The frame that opened its latest connection on ocpp2.0.1; empty once its way back to 1.6 was named."""
    booted: bool = False
    boot_status: str | None = None
    """Answer to the last BootNotification; `waiting` before it came, None before the first."""
    calls_before_boot: list[str] = msgspec.field(default_factory=list)
    triggered: dict[str, Micros] = msgspec.field(default_factory=dict)
    """When the CSMS last asked for a message that may be sent before acceptance, by action."""
    transactions: dict[str, NativeTransaction] = msgspec.field(default_factory=dict)
    """Open and recently ended ones by transactionId, oldest first."""
    remote_starts: dict[int, NativeRemoteStart] = msgspec.field(default_factory=dict)
    remote_start_ids: list[int] = msgspec.field(default_factory=list)
    """remoteStartIds used lately."""
    reported: list[str] | None = None
    """Connectors whose status was told since the last accepted boot, `evse/connector`; None before the first boot."""
    parts: dict[str, int] = msgspec.field(default_factory=dict)
    """Number of the next part of each report that is under way, by action and requestId."""
    requested: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """requestIds that the CSMS gave lately, by the action that must bring them back."""
    reservations: dict[int, NativeRemoteStart] = msgspec.field(default_factory=dict)
    """Accepted reservations by id: token and EVSE."""
