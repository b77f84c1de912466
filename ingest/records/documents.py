"""From a JSON text to its records: one object, a list, JSON Lines, or the envelope of an OCPI response. Pure.

Each record keeps its own text, character for character: redaction replaces spans and nothing is re-serialised.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ingest.records.record import RecordError

__all__ = ["MAX_RECORD_TEXT", "RawRecord", "records_of"]

MAX_RECORD_TEXT: Final = 1024 * 1024
"""Longest record, in characters: signed meter data and a thousand charging periods fit."""
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_any: Final = msgspec.json.Decoder(Any).decode
_REMEDY: Final = "deliver one object, a list, JSON Lines, or an OCPI response with `data`"


class RawRecord(msgspec.Struct, frozen=True):
    """One record's text, and where it stood."""

    place: str
    text: str


def records_of(text: str) -> Iterator[RawRecord | tuple[str, RecordError, int]]:
    """The records of a text, or what is wrong in a place (place, error, size in characters)."""
    body = text.removeprefix("\ufeff").strip()
    if not body:
        return
    try:
        found = _whole(body.encode())
    except RecordError as error:
        yield "the document", error, len(body)
        return
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        if "\n" in body:
            yield from _lines(body)
        else:
            yield "the document", _no_json(error), len(body)
        return
    for number, raw in enumerate(found):
        yield _checked(f"record {number + 1}", bytes(raw).decode())


def _whole(body: bytes) -> list[msgspec.Raw]:
    if body[:1] == b"[":
        return _list(body)
    members = _object(body)
    if "status_code" not in members:
        return [msgspec.Raw(body)]
    data = bytes(members.get("data", b"null")).strip()
    if data[:1] == b"[":
        return _list(data)
    if data[:1] == b"{":
        return [msgspec.Raw(data)]
    raise RecordError(
        "no-data", "data", "holds no records: the response says that it failed", "ask the OCPI endpoint again"
    )


def _lines(body: str) -> Iterator[RawRecord | tuple[str, RecordError, int]]:
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            _any(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            yield place, _no_json(error), len(line)
        else:
            yield _checked(place, line.strip())


def _checked(place: str, text: str) -> RawRecord | tuple[str, RecordError, int]:
    if len(text) > MAX_RECORD_TEXT:
        found = f"has {len(text)} characters, at most {MAX_RECORD_TEXT} are read"
        return place, RecordError("too-long", "the record", found, "split it"), len(text)
    return RawRecord(place, text)


def _no_json(error: Exception) -> RecordError:
    return RecordError("no-json", "the document", f"is no JSON: {error}", _REMEDY)
