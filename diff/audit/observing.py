"""Evidence out of frames, one charging station at a time: `feed` a frame and what the shadow read in it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import msgspec

from diff.audit.evidence import (
    DAY,
    LOGGED,
    MOST_NAMES,
    NATIVE_FIELDS,
    NATIVE_ONLY,
    NOT_SAID,
    OCPP16,
    OCPP201,
    OTHER,
    Connections,
    Evidence,
    FirmwareSeen,
    Pings,
    action_count,
    action_name,
    counts,
    latency_of,
    outcome,
    transfer_count,
    version_name,
)
from ingest.exchange import Answered, Called, DuplicateCall, Event, Orphan, Unreadable
from ingest.frame import UNKNOWN_TIME, Direction, Frame, FrameKind, Handshake, Micros
from ingest.ocppj import Call, CallError, CallResult

__all__ = ["Observer"]

_MOST_CONNECTIONS: Final = 4096
"""Connections that are remembered by name; the one silent longest goes first."""
_MOST_WAITING: Final = 1024
"""Counts of a connection that wait until it is known what it speaks."""
_MOST_CALLS: Final = 256
_MOST_ANSWERS: Final = 200_000
"""Answer times that are kept, the latest: more than a year of commands every five minutes."""
_SWITCHING_PROTOCOLS: Final = 101
_SOAP: Final = "SOAP"


class _Connection(msgspec.Struct):
    speaks: str = ""
    waiting: list[tuple[Direction, str, str]] = []
    calls: dict[tuple[Direction, str], tuple[Micros, str, str]] = {}
    """Of either side, by message id: when it came last, and vendor and message of a DataTransfer."""
    pings: set[Direction] = set()
    """Sides whose ping waits for its pong."""


class _Firmware(msgspec.Struct):
    first_at: Micros
    last_at: Micros = 0
    boots: int = 0


class Observer:
    """Counts what one charging station's frames show. Bounded: names and times beyond their limits are not kept."""

    def __init__(self, charger_id: str) -> None:
        self._charger_id = charger_id
        self._connections: dict[str, _Connection] = {}
        self._said: defaultdict[tuple[str, Direction, str], Counter[str]] = defaultdict(Counter)
        self._totals: Counter[str] = Counter()
        self._names: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._largest: dict[Direction, int] = {}
        self._pings: defaultdict[Direction, list[int]] = defaultdict(lambda: [0, 0])
        self._answers: list[Micros] = []
        self._firmwares: dict[str, _Firmware] = {}
        self._transfers: defaultdict[tuple[Direction, str, str], Counter[str]] = defaultdict(Counter)
        self._days: set[int] = set()
        self._first: Micros = UNKNOWN_TIME
        self._last: Micros = UNKNOWN_TIME

    def feed(self, frame: Frame, event: Event | None = None) -> None:
        """Count one frame of this charging station; `event` is its message as parsed and paired. Total."""
        if frame.kind is FrameKind.TICK:
            return
        self._totals["frames"] += 1
        self._when(frame.received_at)
        line = self._line(frame.connection_id)
        match frame.kind:
            case FrameKind.MESSAGE:
                self._message(line, frame, event)
            case FrameKind.OPENED:
                self._opened(line, frame.handshake)
            case FrameKind.CLOSED:
                self._name("closes", version_name(None if frame.close_code is None else str(frame.close_code)))
                for direction in line.pings:
                    self._pings[direction][1] += 1
                line.pings.clear()
            case FrameKind.GAP:
                self._totals["gaps"] += 1
                self._totals["gap_bytes"] += 0 if frame.gap is None else frame.gap.bytes_missing
            case FrameKind.PING | FrameKind.PONG:
                self._ping(line, frame)

    def evidence(self) -> Evidence:
        """What was seen. No more frames will come."""
        for line in self._connections.values():
            self._settle(line, version_name(line.speaks))
        totals, names = self._totals, self._names
        return Evidence(
            charger_id=self._charger_id,
            first_at=self._first,
            last_at=self._last,
            days=len(self._days),
            frames=totals["frames"],
            messages=totals["messages"],
            unreadable=totals["unreadable"],
            gaps=totals["gaps"],
            gap_bytes=totals["gap_bytes"],
            transactions=totals["transactions"],
            actions=tuple(sorted(action_count(key, numbers) for key, numbers in self._said.items())),
            connections=Connections(
                seen=totals["connections"],
                opened=totals["opened"],
                refused=totals["refused"],
                basic_auth=totals["basic_auth"],
                client_certificates=totals["client_certificates"],
                compressed=totals["compressed"],
                **{kind: counts(names[kind].items()) for kind in ("closes", "spoken", "offered", "tls")},
            ),
            pings=tuple(Pings(side, *numbers) for side, numbers in sorted(self._pings.items())),
            latency=latency_of(self._answers),
            largest=counts((side.value, size) for side, size in self._largest.items() if size),
            errors=counts(names["errors"].items()),
            firmwares=tuple(
                FirmwareSeen(version, seen.boots, seen.first_at, seen.last_at)
                for version, seen in sorted(self._firmwares.items(), key=lambda item: (item[1].first_at, item[0]))
            ),
            transfers=tuple(sorted(transfer_count(key, numbers) for key, numbers in self._transfers.items())),
        )

    # -- frames ------------------------------------------------------------------------------------------------

    def _when(self, at: Micros) -> None:
        if at == UNKNOWN_TIME:
            return
        self._first = at if self._first == UNKNOWN_TIME else min(self._first, at)
        self._last = max(self._last, at)
        self._days.add(at // DAY)

    def _line(self, name: str) -> _Connection:
        line = self._connections.pop(name, None)
        if line is None:
            line = _Connection()
            self._totals["connections"] += 1
        self._connections[name] = line
        if len(self._connections) > _MOST_CONNECTIONS:
            oldest = self._connections.pop(next(iter(self._connections)))
            self._settle(oldest, version_name(oldest.speaks))
        return line

    def _opened(self, line: _Connection, shake: Handshake | None) -> None:
        shake = shake or Handshake()
        if shake.status not in (None, _SWITCHING_PROTOCOLS) and shake.subprotocol != _SOAP:
            self._totals["refused"] += 1
            return
        self._totals["opened"] += 1
        self._totals["basic_auth"] += shake.basic_auth
        self._totals["client_certificates"] += shake.client_certificate_subject is not None
        self._totals["compressed"] += shake.compression
        self._name("spoken", version_name(shake.subprotocol))
        for offer in {version_name(offer) for offer in shake.offered}:
            self._name("offered", offer)
        if shake.tls_version:
            self._name("tls", version_name(shake.tls_version))
        if shake.subprotocol:
            self._settle(line, version_name(shake.subprotocol))

    def _ping(self, line: _Connection, frame: Frame) -> None:
        direction = frame.direction or Direction.CP_TO_CS
        if frame.kind is FrameKind.PONG:
            line.pings.discard(direction.opposite)
            return
        self._pings[direction][0] += 1
        self._pings[direction][1] += direction in line.pings
        line.pings.add(direction)

    def _name(self, kind: str, name: str) -> None:
        table = self._names[kind]
        table[name if name in table or len(table) < MOST_NAMES else OTHER] += 1

    # -- messages ----------------------------------------------------------------------------------------------

    def _message(self, line: _Connection, frame: Frame, event: Event | None) -> None:
        self._totals["messages"] += 1
        direction = frame.direction or Direction.CP_TO_CS
        size = len(frame.text.encode("utf-8", "surrogatepass"))
        self._largest[direction] = max(size, self._largest.get(direction, 0))
        match event:
            case Called(pending=pending):
                self._called(line, frame, direction, pending.call)
            case DuplicateCall(call=call):
                self._called(line, frame, direction, call)
            case Answered(request=request, answer=answer):
                self._answered(line, frame, request.call, answer)
                self._error(direction, answer)
            case Orphan(answer=answer):
                self._error(direction, answer)
            case Unreadable():
                self._totals["unreadable"] += 1
            case None:
                pass

    def _called(self, line: _Connection, frame: Frame, direction: Direction, call: Call) -> None:
        if not line.speaks:
            self._decide(line, direction, call)
        self._count(line, direction, call.action, "calls")
        about = (_word(call.payload, "vendorId"), _word(call.payload, "messageId"))
        line.calls.pop((direction, call.message_id), None)
        line.calls[direction, call.message_id] = (frame.received_at, *about)
        if len(line.calls) > _MOST_CALLS:
            del line.calls[next(iter(line.calls))]
        if call.action == "DataTransfer":
            self._transfer(direction, *about)["calls"] += 1
        elif call.action == "TransactionEvent":
            self._totals["transactions"] += call.payload.get("eventType") == "Started"
        elif call.action == "BootNotification":
            self._booted(call.payload, frame.received_at)

    def _answered(self, line: _Connection, frame: Frame, call: Call, answer: CallResult | CallError) -> None:
        direction = (frame.direction or Direction.CP_TO_CS).opposite
        error = isinstance(answer, CallError)
        fared = outcome(direction, call.action, _status(answer, call.action), error=error)
        self._count(line, direction, call.action, fared)
        called_at, vendor, message = line.calls.pop((direction, call.message_id), (UNKNOWN_TIME, "", ""))
        if direction is Direction.CS_TO_CP and called_at != UNKNOWN_TIME and frame.received_at >= called_at:
            self._answers.append(frame.received_at - called_at)
            del self._answers[:-_MOST_ANSWERS]
        if call.action == "DataTransfer":
            told = self._transfer(direction, vendor, message)
            told["answered"] += 1
            told["accepted"] += isinstance(answer, CallResult) and _status(answer, "") in ("", "Accepted")
        elif call.action == "StartTransaction" and not error:
            self._totals["transactions"] += 1

    def _error(self, direction: Direction, answer: CallResult | CallError) -> None:
        if isinstance(answer, CallError):
            self._name("errors", f"{direction.value} {answer.code[:LOGGED]}")

    def _booted(self, payload: dict[str, Any], at: Micros) -> None:
        station = payload.get("chargingStation")
        version = _word(station if isinstance(station, dict) else payload, "firmwareVersion")
        if not version or (version not in self._firmwares and len(self._firmwares) >= MOST_NAMES):
            return
        seen = self._firmwares.setdefault(version, _Firmware(at))
        seen.boots += 1
        seen.first_at, seen.last_at = min(seen.first_at, at), max(seen.last_at, at)

    def _transfer(self, direction: Direction, vendor: str, message: str) -> Counter[str]:
        key = (direction, vendor, message)
        if key not in self._transfers and len(self._transfers) >= MOST_NAMES:
            key = (direction, OTHER, "")
        return self._transfers[key]

    def _decide(self, line: _Connection, direction: Direction, call: Call) -> None:
        """What a connection speaks whose log does not say it: the first CALL that tells decides."""
        native = call.action in NATIVE_ONLY or NATIVE_FIELDS.get(call.action, "") in call.payload
        if native or direction is Direction.CP_TO_CS:
            self._settle(line, OCPP201 if native else OCPP16)

    def _count(self, line: _Connection, direction: Direction, action: str, field: str) -> None:
        action = action_name(action)
        if line.speaks:
            self._said[line.speaks, direction, action][field] += 1
            return
        line.waiting.append((direction, action, field))
        if len(line.waiting) > _MOST_WAITING:
            self._settle(line, NOT_SAID)

    def _settle(self, line: _Connection, speaks: str) -> None:
        line.speaks = speaks
        for direction, action, field in line.waiting:
            self._said[speaks, direction, action][field] += 1
        line.waiting.clear()


def _status(answer: CallResult | CallError, action: str) -> str:
    if isinstance(answer, CallError):
        return answer.code
    if action == "GetLocalListVersion":
        version = answer.payload.get("listVersion")
        return str(version) if type(version) is int else ""
    return _word(answer.payload, "status")


def _word(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    return value[:LOGGED] if isinstance(value, str) else ""
