"""What workers and taps publish beside frames, as records and back: CloudEvents, the value JSON of the type. Pure.

Energies and deltas of sessions and discrepancies are JSON strings, so that no consumer makes floats of them; numbers
inside 2.0.1 messages stay JSON numbers with their digits, as 2.0.1 asks.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from diff.alerts.alert import Alert
from diff.applied import AppliedFrames
from diff.discrepancy import Discrepancy, JudgedSession
from diff.rejudge import RejudgeRequest
from diff.store.tables import ChargerFacts, ConnectionAccount, DeadLetter
from ingest.cloudevents import Record, UndecodableError, envelope
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

__all__ = ["TYPES", "Published", "decode", "encode"]

Published = (
    ShadowMessage
    | JudgedSession
    | Discrepancy
    | ChargerFacts
    | AppliedFrames
    | Fact
    | DeadLetter
    | ConnectionAccount
    | RejudgeRequest
    | Alert
)

TYPES: Final[dict[type[Any], str]] = {
    ShadowMessage: "ocpp.shadow-message.v1",
    JudgedSession: "ocpp.session.v1",
    Discrepancy: "ocpp.discrepancy.v1",
    ChargerFacts: "ocpp.charger.v1",
    AppliedFrames: "ocpp.applied.v1",
    Fact: "ocpp.device-fact.v1",
    DeadLetter: "ocpp.deadletter.v1",
    RejudgeRequest: "ocpp.rejudge.v1",
    ConnectionAccount: "ocpp.connection.v1",
    Alert: "ocpp.alert.v1",
}
"""The `ce_type` of each kind of record."""

_WORKER: Final = "/shadow-csms/worker"
_TAP: Final = "/shadow-csms/tap"
_WATCH: Final = "/shadow-csms/alerts"
_JSON: Final = b"application/json"
_MAX_VALUE: Final = 16 * 1024 * 1024

_numbers: Final = msgspec.json.Encoder(decimal_format="number").encode
_strings: Final = msgspec.json.Encoder(decimal_format="string").encode
_types: Final = {kind: name.encode() for kind, name in TYPES.items()}
_decoders: Final[dict[type[Any], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind, float_hook=Decimal) for kind in TYPES
}

PublishedT = TypeVar(
    "PublishedT",
    ShadowMessage,
    JudgedSession,
    Discrepancy,
    ChargerFacts,
    AppliedFrames,
    Fact,
    DeadLetter,
    RejudgeRequest,
    ConnectionAccount,
    Alert,
)


def encode(item: Published) -> Record:
    """Write one record; the same item gives the same bytes."""
    source = _WORKER
    match item:
        case ShadowMessage():
            name, at = item.message_id, item.at
        case JudgedSession():
            name, at = f"{item.session_id}@{item.version}", item.last_received_at
        case Discrepancy():
            name, at = f"{item.id}@{item.version}", item.observed_at
        case ChargerFacts():
            name, at = f"{item.charger_id}@{item.version}", item.last_seen
        case AppliedFrames(ranges=ranges):
            frames = sum(one.last - one.first + 1 for one in ranges)
            first, last = ranges[0], ranges[-1]
            name = f"{first.connection_id}/{first.first}-{last.connection_id}/{last.last}+{frames}"
            at = item.at
        case Fact():
            place = "" if item.connector_id is None else item.connector_id
            name, at = f"{item.frame_id}#{item.source}/{place}/{item.name}", item.at
        case DeadLetter():
            name, at = item.id, item.received_at
        case RejudgeRequest():
            name, at = f"{item.frame_id}@{item.since}-{item.until}+{item.late}", item.until
        case ConnectionAccount():
            name, at, source = f"{item.connection_id}@{item.at}", item.at, _TAP
        case Alert():
            name, at, source = f"{item.id}@{item.state}", item.at, _WATCH
    value = _numbers(item) if isinstance(item, ShadowMessage) else _strings(item)
    return Record(
        item.charger_id.encode(), value, envelope(name, source, _types[type(item)], at, item.charger_id, _JSON)
    )


def decode(value: bytes | None, kind: type[PublishedT]) -> PublishedT:
    """Read one record of a kind.

    Raises:
        UndecodableError: it is none, or too long.

    """
    if value is None or len(value) > _MAX_VALUE:
        size = "none" if value is None else f"{len(value)} bytes"
        raise UndecodableError(f"no {kind.__name__}: {size}, from 1 to {_MAX_VALUE} bytes are read")
    try:
        found: PublishedT = _decoders[kind].decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError) as error:
        raise UndecodableError(f"no {kind.__name__}: {error}") from None
    return found
