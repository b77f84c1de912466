"""What the workers publish, as records and back: CloudEvents like the frames, the value JSON of the record type. Pure.

Energies and deltas of sessions and discrepancies are JSON strings, so that no consumer makes floats of them; numbers
inside 2.0.1 messages stay JSON numbers with their digits, as 2.0.1 asks.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from diff.discrepancy import Discrepancy, JudgedSession
from diff.rejudge import RejudgeRequest
from diff.store.tables import ChargerFacts, DeadLetter
from ingest.cloudevents import Record, UndecodableError, envelope
from shadow.message import ShadowMessage

__all__ = ["Published", "decode", "encode"]

Published = ShadowMessage | JudgedSession | Discrepancy | ChargerFacts | DeadLetter | RejudgeRequest

_SOURCE: Final = "/shadow-csms/worker"
_JSON: Final = b"application/json"
_MAX_VALUE: Final = 16 * 1024 * 1024

_numbers: Final = msgspec.json.Encoder(decimal_format="number").encode
_strings: Final = msgspec.json.Encoder(decimal_format="string").encode
_decoders: Final[dict[type[Any], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind, float_hook=Decimal)
    for kind in (ShadowMessage, JudgedSession, Discrepancy, ChargerFacts, DeadLetter, RejudgeRequest)
}

PublishedT = TypeVar("PublishedT", ShadowMessage, JudgedSession, Discrepancy, ChargerFacts, DeadLetter, RejudgeRequest)


def encode(item: Published) -> Record:
    """Write one record; the same item gives the same bytes."""
    match item:
        case ShadowMessage():
            name, at, type_ = item.message_id, item.at, b"ocpp.shadow-message.v1"
        case JudgedSession():
            name, at, type_ = f"{item.session_id}@{item.version}", item.last_received_at, b"ocpp.session.v1"
        case Discrepancy():
            name, at, type_ = f"{item.id}@{item.version}", item.observed_at, b"ocpp.discrepancy.v1"
        case ChargerFacts():
            name, at, type_ = f"{item.charger_id}@{item.version}", item.last_seen, b"ocpp.charger.v1"
        case DeadLetter():
            name, at, type_ = item.id, item.received_at, b"ocpp.deadletter.v1"
        case RejudgeRequest():
            name, at, type_ = f"{item.frame_id}@{item.since}+{item.late}", item.until, b"ocpp.rejudge.v1"
    value = _numbers(item) if isinstance(item, ShadowMessage) else _strings(item)
    return Record(item.charger_id.encode(), value, envelope(name, _SOURCE, type_, at, item.charger_id, _JSON))


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
