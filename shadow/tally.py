"""How often each field was seen: counted over the frames of recordings or of the store.

A field counts once for each message that holds it, however often a list repeats it. A field that 2.0.1 asks for and
1.6 does not have is counted in the 2.0.1 messages that the shadow made of the frames.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from msgspec.structs import replace

from ingest.exchange import Answered, Called
from ingest.frame import Direction, Frame, FrameKind, Micros
from ingest.ocppj import Call, CallResult
from shadow import subprotocol
from shadow.config import DEFAULT, ShadowConfig
from shadow.mapping.coverage import ARROW, OCPP16, OCPP201, Row
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER, REQUEST
from shadow.message import MessageType, Observations, ShadowMessage
from shadow.state import ChargerState
from shadow.station import plug_and_charge
from shadow.step import step

__all__ = ["FieldTally"]

_PROTOCOLS: Final = {"": OCPP16, OCPP16: OCPP16, OCPP201: OCPP201}
"""Empty: a log that does not say. Other subprotocols have no rows."""
_SILENCE: Final[Micros] = 86_400_000_000
"""Longer than anything waits in the shadow for what may still come."""
_LONGEST_PATH: Final = 200
_MAX_NAMES: Final = 20_000
"""Different fields that are counted. The schemas have some two thousand; a fuzzer has any number."""
_MAX_CAUSES: Final = 4096
"""Frames of a charging station whose action is remembered: what a later 2.0.1 message was made of."""

_Wire = tuple[str, str, str, str, str]
"""Protocol, 1.6 or 2.0.1 action, direction of the request, part, field."""
_Made = tuple[str, str, MessageType, str]
"""1.6 action that caused it, 2.0.1 action, its type, field."""


class _Charger:
    def __init__(self, charger_id: str) -> None:
        self.state = ChargerState(charger_id)
        self.causes: dict[str, str] = {}
        self.last: Micros = 0


class FieldTally:
    """Counts fields, frame by frame. Frames of one charging station come in their order."""

    def __init__(self, config: ShadowConfig = DEFAULT) -> None:
        self._config = config
        self._chargers: dict[str, _Charger] = {}
        self._wire: Counter[_Wire] = Counter()
        self._made: Counter[_Made] = Counter()
        self.messages = 0
        """Requests and answers whose fields were counted."""
        self.elsewhere = 0
        """Messages of a subprotocol that has no rows."""

    def feed(self, frame: Frame) -> None:
        """Count what one frame holds."""
        if frame.kind is FrameKind.TICK:
            return
        charger = self._chargers.get(frame.charger_id)
        if charger is None:
            charger = self._chargers[frame.charger_id] = _Charger(frame.charger_id)
        charger.last = max(charger.last, frame.received_at)
        charger.state, seen = step(charger.state, frame, self._config)
        if frame.kind is FrameKind.MESSAGE:
            self._message(charger, frame, seen)
        for message in seen.messages:
            self._derived(charger, message)

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station will come: what still waits in the shadow is said."""
        charger = self._chargers.pop(charger_id, None)
        if charger is None:
            return
        end = Frame(charger_id, "end", 0, charger.last + _SILENCE, FrameKind.TICK)
        _, seen = step(charger.state, end, self._config)
        for message in seen.messages:
            self._derived(charger, message)

    def end(self) -> None:
        """No more frames will come."""
        for charger_id in list(self._chargers):
            self.forget(charger_id)

    def _message(self, charger: _Charger, frame: Frame, seen: Observations) -> None:
        protocol = _PROTOCOLS.get(subprotocol.of(charger.state, frame.connection_id))
        if protocol is None:
            self.elsewhere += 1
            return
        match seen.event:
            case Called(pending=pending):
                self._count(protocol, pending.call, pending.direction, REQUEST, pending.call.payload)
            case Answered(request=pending, answer=CallResult(payload=payload)):
                self._count(protocol, pending.call, pending.direction, ANSWER, payload)
            case Answered(request=pending):
                pass
            case _:
                return
        if protocol == OCPP16:
            charger.causes[frame.frame_id] = pending.call.action
            if len(charger.causes) > _MAX_CAUSES:
                del charger.causes[next(iter(charger.causes))]

    def _count(self, protocol: str, call: Call, direction: Direction, part: str, payload: dict[str, Any]) -> None:
        self.messages += 1
        for field in {"", *_paths(payload), *(_paths_inside(call, payload) if protocol == OCPP16 else ())}:
            key = (protocol, call.action, direction.value, part, field)
            if key in self._wire or len(self._wire) < _MAX_NAMES:
                self._wire[key] += 1

    def _derived(self, charger: _Charger, message: ShadowMessage) -> None:
        if message.type is MessageType.ERROR:
            return
        actions = {charger.causes[cause] for cause in message.caused_by if cause in charger.causes}
        for field in _paths(message.payload) if actions else ():
            for action in actions:
                self._made[action, message.action, message.type, field] += 1

    def seen(self, row: Row) -> int:
        """In how many messages the field of a row was seen; of a row without a field, how many messages there were."""
        if not row.field.startswith(ARROW):
            return self._wire[row.protocol, row.action, row.direction, row.part, row.field]
        message, _, field = row.field.removeprefix(ARROW).partition(".")
        table = TABLES.get((row.action, row.part))
        types: tuple[MessageType, ...] = (MessageType.REQUEST, MessageType.RESPONSE)
        if table is not None and message == table.message:
            types = (MessageType.REQUEST,) if row.part == REQUEST else (MessageType.RESPONSE,)
        return sum(self._made[row.action, message, type_, field] for type_ in types)

    def counted(self, rows: list[Row]) -> list[Row]:
        """The same rows with what was seen of them."""
        return [replace(row, seen=self.seen(row)) for row in rows]

    def unnamed(self, rows: list[Row]) -> list[tuple[str, str, str]]:
        """Action, part and field of what was seen and is no field of any row: `schema.v16` names those."""
        known = {(row.protocol, row.action, row.part, row.field) for row in rows}
        actions = {(row.protocol, row.action) for row in rows}
        found = {
            (action, part, field)
            for protocol, action, _, part, field in self._wire
            if field and (protocol, action) in actions and (protocol, action, part, field) not in known
        }
        return sorted(found)


def _paths_inside(call: Call, payload: dict[str, Any]) -> set[str]:
    """The fields of the Plug & Charge message inside a DataTransfer, or inside its answer."""
    wrapped = plug_and_charge.inside(call, payload) if call.action == "DataTransfer" else None
    return set() if wrapped is None else {path for path in _paths({"data": wrapped}) if path != "data"}


def _paths(payload: dict[str, Any]) -> set[str]:
    """The fields that a payload holds, dotted, lists without positions. The depth is bounded by the parser."""
    found: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", payload)]
    while waiting:
        prefix, value = waiting.pop()
        if isinstance(value, dict):
            for name, child in value.items():
                path = f"{prefix}.{name}" if prefix else name
                if len(path) <= _LONGEST_PATH:
                    found.add(path)
                    waiting.append((path, child))
        elif isinstance(value, list):
            waiting.extend((prefix, child) for child in value)
    return found
