"""Reading native 2.0.1 payloads, whatever they hold. Total: what does not fit is absent, the schema check names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from zlib import crc32

from ingest.frame import Micros
from ingest.timestamps import parse_stamp
from shadow.quantities import ENERGY_REGISTER, Reading, decimal_of, energy_reading

__all__ = ["Event", "integer", "listed", "nested", "text", "token"]

_LONGEST: Final = 255
_LARGEST: Final = 2**63
_LONGEST_STAMP: Final = 64
_BILLED_AT: Final = frozenset({"Outlet", "Cable", "Body"})


def text(payload: dict[str, Any], key: str) -> str | None:
    """A string, cut at 255 characters."""
    value = payload.get(key)
    return value[:_LONGEST] if isinstance(value, str) else None


def integer(payload: dict[str, Any], key: str) -> int | None:
    """An integer of at most 63 bits."""
    value = payload.get(key)
    return value if type(value) is int and abs(value) < _LARGEST else None


def nested(payload: dict[str, Any], key: str) -> dict[str, Any]:
    """An object; empty where there is none."""
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def listed(payload: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list; none where there is no list."""
    value = payload.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def token(payload: dict[str, Any], key: str = "idToken") -> str | None:
    """An IdTokenType as one text: two tokens are equal where idToken and type match, without case (C01.FR.25)."""
    given = nested(payload, key)
    value = text(given, "idToken")
    return None if value is None else f"{text(given, 'type')}:{value}".lower()


def _moment(payload: dict[str, Any]) -> Micros | None:
    stamp = text(payload, "timestamp")
    return None if stamp is None else parse_stamp(stamp[:_LONGEST_STAMP]).at


class Event:
    """One TransactionEventRequest (2.0.1 §1.60.1), read once."""

    __slots__ = (
        "at", "charging_state", "connector_id", "digest", "evse_id", "has_evse", "id_token", "kind", "offline",
        "payload", "remote_start_id", "seq_no", "stopped_reason", "transaction_id", "trigger",
    )  # fmt: skip

    def __init__(self, payload: dict[str, Any]) -> None:
        info, evse = nested(payload, "transactionInfo"), nested(payload, "evse")
        self.payload = payload
        self.kind = text(payload, "eventType")
        self.trigger = text(payload, "triggerReason")
        self.seq_no = integer(payload, "seqNo")
        self.at = _moment(payload)
        self.offline = payload.get("offline") is True
        self.transaction_id = text(info, "transactionId")
        self.charging_state = text(info, "chargingState")
        self.stopped_reason = text(info, "stoppedReason")
        self.remote_start_id = integer(info, "remoteStartId")
        self.has_evse = bool(evse)
        self.evse_id, self.connector_id = integer(evse, "id"), integer(evse, "connectorId")
        self.id_token = token(payload)
        # A resend repeats the event; only its offline flag may be another (E13.FR.02, E04.FR.03).
        self.digest = crc32(f"{self.kind}\x1f{self.trigger}\x1f{payload.get('timestamp')}".encode("utf-8", "replace"))

    @property
    def meter_values(self) -> list[dict[str, Any]]:
        """Its MeterValueType elements."""
        return listed(self.payload, "meterValue")

    @property
    def contexts(self) -> set[str]:
        """ReadingContextEnumType of its samples; an absent context is Sample.Periodic (§2.41)."""
        samples = (sample for value in self.meter_values for sample in listed(value, "sampledValue"))
        return {text(sample, "context") or "Sample.Periodic" for sample in samples}

    def moments(self) -> Iterator[Micros]:
        """The times of its MeterValueType elements."""
        for value in self.meter_values:
            at = _moment(value)
            if at is not None:
                yield at

    def registers(self) -> Iterator[tuple[Micros, Reading]]:
        """Its total import registers with their times, oldest first."""
        found: list[tuple[Micros, Reading]] = []
        for value in self.meter_values:
            at = _moment(value)
            for sample in listed(value, "sampledValue") if at is not None else ():
                reading = _register(sample)
                if reading is not None and at is not None:
                    found.append((at, reading))
        yield from sorted(found, key=lambda one: one[0])


def _register(sample: dict[str, Any]) -> Reading | None:
    measurand = sample.get("measurand", ENERGY_REGISTER)
    number = decimal_of(sample.get("value"))
    if measurand != ENERGY_REGISTER or "phase" in sample or number is None:
        return None
    if sample.get("location", "Outlet") not in _BILLED_AT:
        return None
    unit = nested(sample, "unitOfMeasure")
    return energy_reading(number, text(unit, "unit"), integer(unit, "multiplier") or 0)
