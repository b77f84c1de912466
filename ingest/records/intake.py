"""The way in, without any I/O: a delivered text becomes `record` frames, and what cannot be used is named.

One bad record costs itself: its neighbours go on. What an EVSE map does not know is refused by name, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ingest.frame import Frame, Micros
from ingest.records import framing
from ingest.records.documents import records_of
from ingest.records.evse_map import EvseMap
from ingest.records.record import BillingRecord, RecordError
from ingest.records.table import Mapping, RawRow, rows
from ingest.redaction import Redactor

__all__ = ["Intake", "Refused"]


class Refused(msgspec.Struct, frozen=True):
    """A record that was not taken."""

    place: str
    """`NAME, line 12` or `NAME, record 3`."""
    rule: str
    """One word for counting."""
    reason: str
    masked: str
    """The reason without what stood in the record: this is the one that may be stored."""
    size: int
    """Characters."""
    charger_id: str = ""
    record_id: str = ""
    """Of a row of a table."""


class Intake:
    """Takes deliveries."""

    def __init__(
        self,
        redact: Callable[[str], str],
        evses: EvseMap | None = None,
        *,
        redactor_at: Callable[[Micros], Redactor] | None = None,
    ) -> None:
        """Prepare. `redact`: `ingest.redaction.Redactor.redact`, where it does not matter under which key.

        `redactor_at`: the redactor whose key was current at a time. A record is redacted under the key of its
        session's time: its tokens then say no more than those of the session do, meet them as they stand in nearly all
        cases, and the same record delivered after a new key is still the same frame.
        """
        self._redact, self._redactor_at = redact, redactor_at
        self._evses = evses or EvseMap()

    def ocpi(self, text: str, name: str, at: Micros, key: str = "") -> Iterator[Frame | Refused]:
        """The records of a JSON text. `key`: the charging station, where the way in says it."""
        for one in records_of(text):
            if isinstance(one, tuple):
                place, error, size = one
                yield _refused(f"{name}, {place}", error, size, key)
                continue
            place = f"{name}, {one.place}"
            try:
                record = framing.read("ocpi", one.text)
                charger_id, connector_id = self._placed(record, key)
                yield self._frame(charger_id, record, "ocpi", one.text, connector_id, at)
            except RecordError as error:
                yield _refused(place, error, len(one.text), key)

    def table(self, text: str, mapping: Mapping, name: str, at: Micros) -> Iterator[Frame | Refused]:
        """The rows of a table. Raises `ingest.records.table.MappingError`."""
        for one in rows(text.splitlines(keepends=True), mapping):
            if isinstance(one, RawRow):
                record = framing.read("table", one.text)
                yield self._frame(one.charger_id, record, "table", one.text, record.connector_id, at)
            else:
                yield _refused(f"{name}, line {one.line}", one.error, 0, one.charger_id, one.record_id)

    def _frame(
        self, charger_id: str, record: BillingRecord, form: str, text: str, connector_id: int | None, at: Micros
    ) -> Frame:
        if self._redactor_at is None:
            return framing.frame_of(charger_id, record, form, self._redact(text), connector_id, at)
        redactor = self._redactor_at(record.start_at)
        redacted = redactor.redact(text)
        return framing.frame_of(charger_id, record, form, redacted, connector_id, at, redactor.key_version)

    def _placed(self, record: BillingRecord, key: str) -> tuple[str, int | None]:
        """Charging station and 1.6 connector of an OCPI record."""
        place = self._evses.find(record.evse_uid, record.evse_id, record.connector)
        if place is not None:
            if key and key != place.charger:
                raise RecordError(
                    "contradicting-charger",
                    "evse_uid",
                    "is another charging station in the EVSE map than the record's key says",
                    "correct the map or the sender",
                )
            return place.charger, place.connector_id
        if key:
            return key, None
        named = record.evse_uid or record.evse_id or "(no evse_uid)"
        raise RecordError(
            "unmapped-evse",
            "evse_uid",
            f"{named[:60]}, connector {record.connector[:20] or '-'}, is not in the EVSE map",
            "add it to the file that --evse-map or the setting evse_map_file names",
        )


def _refused(place: str, error: RecordError, size: int, charger_id: str, record_id: str = "") -> Refused:
    return Refused(place, error.rule, str(error), error.masked, size, charger_id, record_id)
