"""A frame as a Kafka record and back: CloudEvents 1.0, binary content mode of the Kafka protocol binding. Pure.

The value is the text as mirrored, byte for byte in UTF-8; everything else that a frame holds stands in headers
(binding §3.2: attributes as `ce_NAME`, UTF-8). Names of extension attributes are lower-case letters and digits
(CloudEvents §3.1). A record that others wrote, or that was damaged, gives a reason and never a wrong frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.timestamps import format_micros, parse_stamp
from ingest.topics import MAX_RECORD

__all__ = ["Headers", "Record", "UndecodableError", "decode", "encode", "envelope", "header_map"]

Headers = list[tuple[str, bytes]]

_TYPE: Final = "ocpp.frame."
_VERSION: Final = ".v1"
_SOURCE: Final = "/shadow-csms/tap"
_TEXT: Final = b"text/plain; charset=utf-8"
"""Not application/json: the text is as the charging station sent it, and may be none."""
_MAX_ID: Final = 1024
_MAX_SEQ: Final = 2**63

_json: Final = msgspec.json.Encoder().encode
_handshake: Final = msgspec.json.Decoder(Handshake).decode
_gap: Final = msgspec.json.Decoder(Gap).decode
_connectors: Final = msgspec.json.Decoder(tuple[int, ...]).decode
_TYPES: Final = {kind: f"{_TYPE}{kind.value}{_VERSION}".encode() for kind in FrameKind}
_KINDS: Final = {name: kind for kind, name in _TYPES.items()}
_DIRECTIONS: Final = {direction.value.encode(): direction for direction in Direction}


class Record(NamedTuple):
    """Key, value and headers of a Kafka record."""

    key: bytes
    value: bytes
    headers: Headers


class UndecodableError(ValueError):
    """A record that holds no frame; the message names the header and what was wrong with it."""


def envelope(ce_id: str, source: str, type_: bytes, at: Micros, subject: str, content_type: bytes) -> Headers:
    """The headers that every record has."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type_),
        ("ce_time", format_micros(at).encode()),
        ("content-type", content_type),
    ]
    if subject:
        headers.append(("ce_subject", subject.encode()))
    return headers


def encode(frame: Frame) -> Record:
    """Write a frame. `decode` gives it back equal."""
    headers = envelope(frame.frame_id, _SOURCE, _TYPES[frame.kind], frame.received_at, frame.charger_id, _TEXT)
    headers.append(("ce_connection", frame.connection_id.encode()))
    headers.append(("ce_sequence", b"%d" % frame.seq))
    if frame.direction is not None:
        headers.append(("ce_direction", frame.direction.value.encode()))
    if frame.handshake is not None:
        headers.append(("ce_handshake", _json(frame.handshake)))
    if frame.gap is not None:
        headers.append(("ce_gap", _json(frame.gap)))
    if frame.close_code is not None:
        headers.append(("ce_closecode", b"%d" % frame.close_code))
    if frame.judged_connectors is not None:
        headers.append(("ce_connectors", _json(frame.judged_connectors)))
    if frame.zoneless:
        headers.append(("ce_zoneless", b"true"))
    return Record(frame.charger_id.encode(), frame.text.encode(), headers)


def header_map(headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None) -> Mapping[str, bytes]:
    """Headers by name. Kafka allows a name twice; then the first one counts, as in `encode` there is only one."""
    if headers is None:
        return {}
    if isinstance(headers, Mapping):
        return headers
    found: dict[str, bytes] = {}
    for name, value in headers:
        found.setdefault(name, value)
    return found


def decode(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None
) -> Frame:
    """Read a frame.

    Raises:
        UndecodableError: a header is missing or cannot be read, key and subject differ, or the value is too long or no
            UTF-8.

    """
    given = header_map(headers)
    kind = _KINDS.get(_needed(given, "ce_type"))
    if kind is None:
        raise UndecodableError(
            f"ce_type is {given['ce_type'][:60]!r}, no frame of this version ({_TYPE}KIND{_VERSION})"
        )
    charger_id = _text("key", key or b"")
    if _text("ce_subject", given.get("ce_subject") or b"") != charger_id:
        raise UndecodableError("key and ce_subject name different charging stations")
    if not charger_id and kind is not FrameKind.TICK:
        raise UndecodableError("no key: it must be the charging station's id")
    raw = value or b""
    if len(raw) > MAX_RECORD:
        raise UndecodableError(f"a value of {len(raw)} bytes, at most {MAX_RECORD} are read")
    return Frame(
        charger_id,
        _text("ce_connection", _needed(given, "ce_connection")),
        _number(given, "ce_sequence"),
        _time(given),
        kind,
        _direction(given, kind),
        _whole_text(raw),
        _optional(given, "ce_handshake", _handshake),
        _optional(given, "ce_gap", _gap),
        _number(given, "ce_closecode") if "ce_closecode" in given else None,
        _optional(given, "ce_connectors", _connectors),
        given.get("ce_zoneless") == b"true",
    )


def _needed(given: Mapping[str, bytes], name: str) -> bytes:
    value = given.get(name)
    if value is None:
        raise UndecodableError(f"the header {name} is missing")
    return value


def _text(name: str, raw: bytes) -> str:
    if len(raw) > _MAX_ID:
        raise UndecodableError(f"{name} of {len(raw)} bytes, at most {_MAX_ID} are read")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UndecodableError(f"{name} is no UTF-8: byte {error.start}") from None


def _whole_text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UndecodableError(f"the value is no UTF-8: byte {error.start}") from None


def _number(given: Mapping[str, bytes], name: str) -> int:
    raw = _needed(given, name)
    if not raw.isdigit() or len(raw) > 19 or int(raw) >= _MAX_SEQ:
        raise UndecodableError(f"{name} is {raw[:40]!r}, no number from 0 to 2^63 - 1")
    return int(raw)


def _time(given: Mapping[str, bytes]) -> Micros:
    stamp = parse_stamp(_text("ce_time", _needed(given, "ce_time")))
    if stamp.at is None:
        raise UndecodableError(f"ce_time is {given['ce_time'][:40]!r}: {stamp.detail}")
    return stamp.at


def _direction(given: Mapping[str, bytes], kind: FrameKind) -> Direction | None:
    raw = given.get("ce_direction")
    if raw is None:
        if kind is FrameKind.MESSAGE:
            raise UndecodableError("a message needs ce_direction")
        return None
    direction = _DIRECTIONS.get(raw)
    if direction is None:
        raise UndecodableError(f'ce_direction is {raw[:20]!r}, neither "cp>cs" nor "cs>cp"')
    return direction


def _optional(given: Mapping[str, bytes], name: str, read: Any) -> Any:
    raw = given.get(name)
    if raw is None:
        return None
    try:
        return read(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UndecodableError(f"{name} cannot be read: {error}") from None
