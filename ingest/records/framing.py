"""A billing record as a `record` frame of its charging station, and back. Pure.

The frame's text is an envelope around the record's own, redacted text:

    {"form":"ocpi","connector":1,"key":"20300101T000000Z","record":{…}}

`key` is the version of the key that its tokens are pseudonyms under, where that is known.
Its connection id is the record's key and its version, `record:ocpi.BE.BEC:12345@65a1…`, its `seq` 0. The version is
computed from what the record says and not counted: several ways in without a common memory must give one record one
name, so that the same record delivered twice is one frame, and a corrected one is another.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec

from ingest.frame import Frame, FrameKind, Micros
from ingest.records.ocpi import read_ocpi
from ingest.records.record import BillingRecord, RecordError
from ingest.records.table import read_row

__all__ = ["Form", "frame_of", "read", "record_of", "version_of"]

Form = str
"""`ocpi` or `table`."""

_SECOND: Final = 1_000_000
_DIGEST_BITS: Final = 20
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder().encode


def read(form: Form, text: str, connector_id: int | None = None) -> BillingRecord:
    """Read the text of one record. Raises `RecordError`."""
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError) as error:
        raise RecordError("no-json", "the record", f"is no JSON: {error}", "deliver it again") from None
    return read_row(value) if form == "table" else read_ocpi(value, connector_id=connector_id)


def frame_of(
    charger_id: str,
    record: BillingRecord,
    form: Form,
    text: str,
    connector_id: int | None,
    received_at: Micros,
    key_version: str = "",
) -> Frame:
    """The frame of a record. `text`: the record's own, redacted under the key of that version."""
    connector = "null" if connector_id is None else str(connector_id)
    begin, end = f'{{"form":"{form}","connector":{connector},', f'"record":{text}}}'
    # The name of the key is no part of what the record says.
    connection_id = f"{record.key}@{_version(record, begin + end):x}"
    key = f'"key":{_encode(key_version).decode()},' if key_version else ""
    return Frame(charger_id, connection_id, 0, received_at, FrameKind.RECORD, text=begin + key + end)


def version_of(frame_id: str) -> int:
    """The version that the id of a record's frame names; 0 where it names none. A newer one is higher."""
    connection_id = frame_id.rpartition("/")[0]
    try:
        return int(connection_id.rpartition("@")[2][:16], 16)
    except ValueError:
        return 0


def record_of(frame: Frame) -> BillingRecord:
    """The record of a frame.

    Raises:
        RecordError: the text is no envelope, or the record cannot be used.

    """
    try:
        given: Any = _decode(frame.text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError) as error:
        raise RecordError("no-json", "the frame", f"is no JSON: {error}", "import the record again") from None
    if not isinstance(given, dict) or given.get("form") not in ("ocpi", "table"):
        raise RecordError("no-envelope", "the frame", "is no record as `records import` writes it", "import it again")
    connector = given.get("connector")
    connector_id = connector if isinstance(connector, int) and not isinstance(connector, bool) else None
    said = given.get("record")
    record = read_row(said) if given["form"] == "table" else read_ocpi(said, connector_id=connector_id)
    key = given.get("key")
    return msgspec.structs.replace(record, key_version=key[:64]) if isinstance(key, str) else record


def _version(record: BillingRecord, text: str) -> int:
    """Rises with `last_updated`, else with the end; the same text has the same number, another has another one."""
    seconds = max(0, (record.updated_at or record.stop_at or record.start_at) // _SECOND)
    digest = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
    return (seconds << _DIGEST_BITS) | (digest >> (32 - _DIGEST_BITS))
