"""Vendor keys and DataTransfers that nothing maps yet, counted over frames: what a mapping file could speak of. Pure.

Of a configuration key or field that may hold a token or a secret no value is kept, and of a CSV text none at all: its
columns have no names that would tell.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from ingest.exchange import Answered, Called, PendingCall
from ingest.frame import Frame, FrameKind
from ingest.ocppj import CallResult
from shadow import subprotocol
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.seen import Seen, is_plain
from shadow.device_model.vendor import Parser
from shadow.device_model.vendor_file import MAX_ENTRIES
from shadow.device_model.vendor_values import parsed
from shadow.mapping.keys import find
from shadow.mapping.plug_and_charge import VENDOR as PLUG_AND_CHARGE
from shadow.mapping.vendor_keys import MappedKey, find_key, is_standard
from shadow.state import ChargerState
from shadow.station.fields import objects, text
from shadow.step import step

__all__ = ["StationsSeen", "TransferId", "TransferSeen", "VendorTally", "parser_of"]

_ROOM: Final = MAX_ENTRIES // 2
"""Keys, DataTransfers and fields that are kept, of a charging station and of all: they fit into one mapping file."""
_LONGEST: Final = 10_000
"""Characters of a DataTransfer that are looked at."""
_FEW_COLUMNS: Final = 2
"""A sentence has a comma or two as well."""
_QUERY: Final = re.compile(r"\??[\w.\-\[\]]{1,60}=[^&;]*(?:[&;][\w.\-\[\]]{1,60}=[^&;]*)*", re.ASCII)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_DONE: Final = frozenset({"Accepted", "RebootRequired"})

TransferId = tuple[str, str, str]
"""Direction, vendorId, messageId (empty: none)."""


class TransferSeen(msgspec.Struct):
    """DataTransfers of one kind."""

    stations: int = 0
    messages: int = 0
    parsers: set[Parser] = msgspec.field(default_factory=set)
    """How their data could be read."""
    fields: dict[str, Seen] = msgspec.field(default_factory=dict)
    """By the name that the parser gives; of the last parser alone, where there were several."""

    @property
    def parser(self) -> Parser:
        """The one that reads all of them."""
        return next(iter(self.parsers)) if len(self.parsers) == 1 else Parser.TEXT


class StationsSeen(msgspec.Struct):
    """What the charging stations of one vendor and model have that nothing maps."""

    vendor: str
    """As BootNotification says it; empty where none was seen."""
    model: str
    stations: int = 0
    keys: dict[str, Seen] = msgspec.field(default_factory=dict)
    """By name in lower case."""
    transfers: dict[TransferId, TransferSeen] = msgspec.field(default_factory=dict)


class _Charger:
    def __init__(self, charger_id: str) -> None:
        self.state = ChargerState(charger_id)
        self.keys: dict[str, Seen] = {}
        self.transfers: dict[TransferId, TransferSeen] = {}
        self.entries = 0

    def has_room(self) -> bool:
        self.entries += 1
        return self.entries <= _ROOM


class VendorTally:
    """Counts vendor keys and DataTransfers, frame by frame. Frames of one charging station come in their order."""

    def __init__(self, config: ShadowConfig = DEFAULT, vendor: str = "*", model: str = "*") -> None:
        self._config = config
        self._globs = (vendor, model)
        self._chargers: dict[str, _Charger] = {}
        self._found: dict[tuple[str, str], StationsSeen] = {}
        self._room = _ROOM
        self.left_out = 0
        """Keys, DataTransfers and fields that there was no room for."""
        self.mapped = 0
        """Keys and DataTransfers of stations that the mapping file has a rule for already."""

    def feed(self, frame: Frame) -> None:
        """Count what one frame holds."""
        if frame.kind is FrameKind.TICK:
            return
        charger = self._chargers.get(frame.charger_id)
        if charger is None:
            charger = self._chargers[frame.charger_id] = _Charger(frame.charger_id)
        charger.state, seen = step(charger.state, frame, self._config)
        if subprotocol.is_native(charger.state, frame.connection_id):
            return
        match seen.event:
            case Called(pending=pending) if pending.call.action == "DataTransfer":
                self._transfer(charger, pending)
            case Answered(request=pending, answer=CallResult(payload=payload)):
                self._answer(charger, pending, payload)
            case _:
                pass

    def _answer(self, charger: _Charger, request: PendingCall, payload: dict[str, Any]) -> None:
        match request.call.action:
            case "GetConfiguration":
                for one in objects(payload.get("configurationKey")):
                    readonly = one.get("readonly")
                    known = readonly if isinstance(readonly, bool) else None
                    self._key(charger, text(one, "key"), text(one, "value"), readonly=known)
            case "ChangeConfiguration" if text(payload, "status") in _DONE:
                self._key(
                    charger, text(request.call.payload, "key"), text(request.call.payload, "value"), readonly=None
                )
            case _:
                pass

    def _key(self, charger: _Charger, name: str | None, value: str | None, *, readonly: bool | None) -> None:
        if not name or is_standard(find(name)):
            return
        seen = charger.keys.get(name.lower())
        if seen is None:
            if not charger.has_room():
                self.left_out += 1
                return
            seen = charger.keys[name.lower()] = Seen(name, secret=not is_plain(name), stations=1)
        seen.add(value or "", readonly=readonly)

    def _transfer(self, charger: _Charger, request: PendingCall) -> None:
        payload = request.call.payload
        vendor_id = text(payload, "vendorId") or ""
        if not vendor_id or vendor_id.lower() == PLUG_AND_CHARGE:
            return
        kind = (request.direction.value, vendor_id, text(payload, "messageId") or "")
        seen = charger.transfers.get(kind)
        if seen is None:
            if not charger.has_room():
                self.left_out += 1
                return
            seen = charger.transfers[kind] = TransferSeen(stations=1)
        seen.messages += 1
        data = _data(payload.get("data"))
        if not data:
            return
        parser = parser_of(data)
        if seen.parsers and seen.parsers != {parser}:
            seen.fields.clear()
        seen.parsers.add(parser)
        if len(seen.parsers) > 1 or parser is Parser.TEXT:
            return
        for path, value in parsed(parser, data).items():
            field = seen.fields.get(path)
            if field is None:
                if not charger.has_room():
                    self.left_out += 1
                    continue
                shown = parser is not Parser.CSV
                field = seen.fields[path] = Seen(path, secret=shown and not is_plain(path), shown=shown, stations=1)
            field.add(value)

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station will come: it is counted among those of its vendor and model."""
        charger = self._chargers.pop(charger_id, None)
        if charger is None or not (charger.keys or charger.transfers):
            return
        station = charger.state.station
        wanted = zip((station.vendor, station.model), self._globs, strict=True)
        if not all(fnmatchcase(value, glob) for value, glob in wanted):
            return
        kind = (station.vendor, station.model)
        group = self._found.get(kind)
        if group is None:
            group = self._found[kind] = StationsSeen(*kind)
        group.stations += 1
        for key in charger.keys.values():
            row = find_key(self._config.vendor_mapping, *kind, charger_id, key.name)
            self._join(group.keys, key.name.lower(), key, mapped=isinstance(row, MappedKey))
        for name, transfer in charger.transfers.items():
            rule = self._config.vendor_mapping.transfer(*kind, charger_id, *name)
            self._join_transfer(group, name, transfer, mapped=rule is not None)

    def end(self) -> None:
        """No more frames will come."""
        for charger_id in list(self._chargers):
            self.forget(charger_id)

    def found(self) -> list[StationsSeen]:
        """What nothing maps, by vendor and model; stations that said neither come last."""
        groups = [one for one in self._found.values() if one.keys or one.transfers]
        return sorted(groups, key=lambda one: (not one.vendor, one.vendor, one.model))

    def _join(self, rows: dict[str, Seen], name: str, seen: Seen, *, mapped: bool = False) -> None:
        row = rows.get(name)
        if mapped:
            self.mapped += 1
        elif row is not None:
            row.join(seen)
        elif self._takes():
            rows[name] = seen

    def _join_transfer(self, group: StationsSeen, name: TransferId, seen: TransferSeen, *, mapped: bool) -> None:
        row = group.transfers.get(name)
        if mapped:
            self.mapped += 1
        elif row is None and self._takes():
            row = group.transfers[name] = TransferSeen()
        if mapped or row is None:
            return
        row.stations += seen.stations
        row.messages += seen.messages
        row.parsers |= seen.parsers
        if len(row.parsers) > 1:
            row.fields.clear()  # their names are those of one parser
            return
        for path, field in seen.fields.items():
            self._join(row.fields, path, field)

    def _takes(self) -> bool:
        self._room -= 1
        self.left_out += self._room < 0
        return self._room >= 0


def parser_of(data: str) -> Parser:
    """How a text can be read: JSON, a query string, CSV, or as one value."""
    if data.lstrip()[:1] in ("{", "[") and parsed(Parser.JSON, data):
        return Parser.JSON
    if _QUERY.fullmatch(data.strip()):
        return Parser.QUERY
    return Parser.CSV if len(parsed(Parser.CSV, data)) > _FEW_COLUMNS else Parser.TEXT


def _data(data: Any) -> str:
    """The data of a DataTransfer as text: 1.6 says a string, the field also sends objects."""
    if isinstance(data, dict | list):
        return _encode(data).decode()[:_LONGEST]
    return data[:_LONGEST] if isinstance(data, str) else ""
