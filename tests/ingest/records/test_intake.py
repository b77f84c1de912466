"""The way in: documents of every form, EVSE maps, and the frames that come of them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.billing import steve_table
from demo.books import Billed
from ingest import cloudevents
from ingest.frame import Frame, FrameKind
from ingest.journal import Journal, JournalReader
from ingest.recording import Reader, encode_line
from ingest.records import inbox
from ingest.records.evse_map import EvseMap, EvseMapError, Place, parse_evse_map
from ingest.records.framing import record_of, version_of
from ingest.records.intake import Intake, Refused
from ingest.records.record import RecordError
from ingest.records.table import MappingError, parse_mapping
from ingest.redaction import Redactor

AT = 1_780_300_800_000_000
CDR: dict[str, Any] = {
    "id": "1",
    "start_date_time": "2026-06-01T08:00:00Z",
    "end_date_time": "2026-06-01T09:00:00Z",
    "cdr_token": {"uid": "04A1B2C3", "type": "RFID", "contract_id": "DE-ABC-C12345678-1"},
    "cdr_location": {"evse_uid": "E1", "evse_id": "DE*ABC*E1", "connector_id": "1"},
    "currency": "EUR",
    "total_cost": {"excl_vat": Decimal("1.00")},
    "total_energy": Decimal("2.500"),
    "last_updated": "2026-06-01T09:00:01Z",
}
MAP = EvseMap((Place(charger="CP1", connector_id=2, evse_uid="E1"), Place(charger="CP9", evse_id="DE*ABC*E9")))
STEVE = Path(__file__).resolve().parents[3] / "examples" / "steve-transactions.toml"


_encode = msgspec.json.Encoder(decimal_format="number").encode


def _json(value: Any) -> str:
    return _encode(value).decode()


def _take(text: str, intake: Intake | None = None, key: str = "") -> tuple[list[Frame], list[Refused]]:
    found = list((intake or Intake(lambda one: one, MAP)).ocpi(text, "file", AT, key))
    return [one for one in found if isinstance(one, Frame)], [one for one in found if isinstance(one, Refused)]


@pytest.mark.parametrize(
    "text",
    [
        _json(CDR),
        _json([CDR]),
        _json(CDR) + "\n" + _json(CDR) + "\n",
        "\ufeff" + _json({"data": [CDR], "status_code": 1000, "timestamp": "2026-06-01T09:00:01Z"}),
        _json({"data": CDR, "status_code": 1000}),
    ],
)
def test_every_form_of_document_gives_the_same_frame(text: str) -> None:
    """One object, a list, JSON Lines, the envelope of a response with a list or an object."""
    frames, refused = _take(text)
    assert refused == []
    assert {frame.frame_id for frame in frames} == {frames[0].frame_id}
    frame = frames[0]
    assert (frame.charger_id, frame.kind, frame.received_at, frame.seq) == ("CP1", FrameKind.RECORD, AT, 0)
    record = record_of(frame)
    assert (record.connector_id, record.energy_wh) == (2, 2500)
    assert version_of(frame.frame_id) > 0


def test_one_bad_record_costs_no_other() -> None:
    """A broken line, an EVSE that nobody mapped, a record without an end: each is named with its place."""
    strange = {**CDR, "cdr_location": {"evse_uid": "E7"}}
    lines = [_json(CDR), '{"id": ', _json(strange), _json({**CDR, "id": "2", "end_date_time": None}), _json(CDR)]
    frames, refused = _take("\n".join(lines))
    assert len(frames) == 2
    assert [(one.place, one.rule) for one in refused] == [
        ("file, line 2", "no-json"),
        ("file, line 3", "unmapped-evse"),
        ("file, line 4", "missing-field"),
    ]
    assert "E7" in refused[1].masked


def test_a_failed_response_holds_no_records() -> None:
    """An envelope without data is refused, not taken for a record."""
    frames, (refused,) = _take(_json({"status_code": 2001, "status_message": "no"}))
    assert frames == []
    assert refused.rule == "no-data"


def test_the_text_of_a_record_is_kept_as_it_came_but_for_redaction() -> None:
    """Spans are replaced and nothing is re-serialised; tokens become the pseudonyms that the wire has."""
    redactor = Redactor(b"k" * 32, "1")
    text = _json(CDR).replace('"total_energy":2.500', '"total_energy" :  2.500')
    (frame,), _ = _take(text, Intake(redactor.redact, MAP))
    assert '"total_energy" :  2.500' in frame.text
    assert "04A1B2C3" not in frame.text
    assert record_of(frame).tokens[0] == redactor.pseudonym("04A1B2C3")
    assert record_of(frame).tokens[1] == redactor.pseudonym("DE-ABC-C12345678-1")


def test_a_corrected_record_is_another_frame_with_a_higher_version() -> None:
    """The same content has the same name, whoever brings it; another content under one time has another."""
    (first,), _ = _take(_json(CDR))
    (later,), _ = _take(_json({**CDR, "last_updated": "2026-06-01T10:00:00Z"}))
    (other,), _ = _take(_json({**CDR, "total_energy": Decimal("2.6")}))
    assert first.connection_id.startswith("record:ocpi:1@")
    assert version_of(later.frame_id) > version_of(first.frame_id)
    assert len({first.frame_id, later.frame_id, other.frame_id}) == 3


def test_a_record_frame_goes_through_a_recording_and_through_kafka() -> None:
    """It comes back equal both ways."""
    (frame,), _ = _take(_json(CDR))
    assert list(Reader().read([encode_line(frame)])) == [frame]
    key, value, headers = cloudevents.encode(frame)
    assert cloudevents.decode(key, value, headers) == frame


def test_the_key_of_the_topic_names_the_charging_station() -> None:
    """Without a map the key is enough; a key that contradicts the map is refused."""
    (frame,), _ = _take(_json(CDR), Intake(lambda one: one), key="CP5")
    assert (frame.charger_id, record_of(frame).connector_id) == ("CP5", None)
    _, (refused,) = _take(_json(CDR), key="CP5")
    assert refused.rule == "contradicting-charger"


def test_an_evse_map_finds_uids_before_ids_and_connectors_before_all() -> None:
    """Ids are compared without their separators and case; what it does not know it does not guess."""
    text = """
    [[evse]]
    evse_uid = "A"
    charger = "CP1"
    [[evse]]
    evse_uid = "A"
    connector = "2"
    charger = "CP2"
    connector_id = 1
    [[evse]]
    evse_id = "DE*ABC*E9"
    charger = "CP9"
    """
    found = parse_evse_map(text)
    assert [found.find(*one) for one in (("Z", "", "1"), ("", "", ""))] == [None, None]
    places = [found.find("A", "", "1"), found.find("A", "", "2"), found.find("", "deabce9", "1")]
    assert [None if one is None else one.charger for one in places] == ["CP1", "CP2", "CP9"]
    table = parse_evse_map("evse_uid;charger;connector_id\nA;CP1;2\n", table=True)
    place = table.find("A", "", "1")
    assert place is not None
    assert (place.charger, place.connector_id) == ("CP1", 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[evse]]\ncharger = 'CP1'", "neither evse_uid nor evse_id"),
        ("[[evse]]\nevse_uid = 'A'", "evse.0.charger"),
        ("[[evse]]\nevse_uid = 'A'\ncharger = 'B'\nplug = 1", "evse.0.plug"),
        ("[[evse]]\nevse_uid='A'\ncharger='B'\n[[evse]]\nevse_uid='A'\ncharger='C'", "is B already"),
        ("evse = ", "no TOML"),
    ],
)
def test_a_broken_evse_map_says_which_entry(text: str, reason: str) -> None:
    """One line with the entry and the rule."""
    with pytest.raises(EvseMapError, match=reason):
        parse_evse_map(text)


# -- tables ----------------------------------------------------------------------------------------------------------


def _rows(text: str, mapping: str | None = None) -> tuple[list[Frame], list[Refused]]:
    given = parse_mapping(STEVE.read_text(encoding="utf-8") if mapping is None else mapping)
    found = list(Intake(lambda one: one).table(text, given, "table.csv", AT))
    return [one for one in found if isinstance(one, Frame)], [one for one in found if isinstance(one, Refused)]


_HEAD = "transaction_pk,charge_box_id,connector_id,id_tag,start_timestamp,start_value,stop_timestamp,stop_value\n"


def test_steves_export_is_read_with_the_mapping_that_is_included() -> None:
    """Charger, connector, token, times, the primary's transactionId, and the energy between the registers."""
    billed = Billed(41, "CP1", 2, "04A1B2C3", 1000, "2026-06-01T08:00:00.000Z", 6000, "2026-06-01T10:00:00.000+01:00")
    (frame,), refused = _rows(steve_table([billed]))
    assert refused == []
    assert frame.charger_id == "CP1"
    record = record_of(frame)
    assert (record.transaction_id, record.connector_id, record.tokens) == ("41", 2, ("04A1B2C3",))
    assert record.energy_wh == 5000
    assert (record.stop_at or 0) - record.start_at == 3_600_000_000
    assert record.key == "record:steve:41"


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("negative-energy", "1,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,50"),
        ("placeholder", "1,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,2147483647"),
        ("placeholder", "1,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,-1"),
        ("end-before-start", "1,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T07:00:00Z,200"),
        ("unknown-time", "1,CP1,1,A,1970-01-01T00:00:00Z,100,2026-06-01T07:00:00Z,200"),
        ("unreadable-time", "1,CP1,1,A,yesterday,100,2026-06-01T07:00:00Z,200"),
        ("not-a-number", '1,CP1,1,A,2026-06-01T08:00:00Z,"1,5",2026-06-01T09:00:00Z,50'),
        ("missing-field", "1,,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,150"),
        ("missing-field", "1,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,"),
        ("energy-unit", "1,CP1,1,A,2026-06-01T08:00:00Z,0,2026-06-01T09:00:00Z,90000000"),
    ],
)
def test_a_bad_row_is_refused_and_its_neighbours_are_taken(rule: str, row: str) -> None:
    """With its line and its rule."""
    good = "2,CP1,1,A,2026-06-01T08:00:00Z,100,2026-06-01T09:00:00Z,150"
    frames, (refused,) = _rows(f"{_HEAD}{row}\n{good}\n")
    assert len(frames) == 1
    assert (refused.rule, refused.place) == (rule, "table.csv, line 2")


def test_a_session_that_never_stopped_is_no_bill_yet() -> None:
    """SteVe keeps such rows for ever."""
    (frame,), _ = _rows(_HEAD + "1,CP1,1,A,2026-06-01T08:00:00Z,100,,\n")
    assert record_of(frame).running


_OWN = """
name = "own"
delimiter = ";"
time_format = "%d.%m.%Y %H:%M"
{zone}
energy_unit = "kWh"
currency = "EUR"
[columns]
id = "Beleg"
charger = "Station"
start = "Beginn"
stop = "Ende"
energy = "kWh"
amount = "Betrag"
"""


def test_local_times_and_units_are_settled_by_the_mapping() -> None:
    """Summer and winter time of the zone, kWh to Wh, the currency of the mapping."""
    table = "Beleg;Station;Beginn;Ende;kWh;Betrag\n1;CP1;01.06.2026 10:00;01.06.2026 11:00;2.5;1.25\n"
    (frame,), _ = _rows(table, _OWN.format(zone='time_zone = "Europe/Berlin"'))
    record = record_of(frame)
    assert record.start_at == 1_780_300_800_000_000
    assert (record.energy_wh, record.cost, record.currency) == (2500, Decimal("1.25"), "EUR")
    _, (refused,) = _rows(table, _OWN.format(zone=""))
    assert refused.rule == "no-zone"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = 'x'", "columns"),
        (_OWN.format(zone='time_zone = "Mars/Olympus"'), "time_zone"),
        (_OWN.format(zone="colour = 1"), "colour"),
        ("name = 'x'\n[columns]\nid='a'\ncharger='b'\nstart='c'\nstop='d'", "name energy"),
        ("[", "no TOML"),
    ],
)
def test_a_broken_mapping_names_the_key(text: str, reason: str) -> None:
    """In one line."""
    with pytest.raises(MappingError, match=reason):
        parse_mapping(text)


@pytest.mark.parametrize(("table", "reason"), [("", "empty"), ("a,b\n1,2\n", "no column transaction_pk")])
def test_a_table_without_the_columns_is_refused_as_a_whole(table: str, reason: str) -> None:
    """It is another table than the mapping means."""
    with pytest.raises(MappingError, match=reason):
        _rows(table)


def test_a_frame_without_an_envelope_is_no_record() -> None:
    """Whoever writes to the topic of frames must write what `records import` writes."""
    for text in ("", "[]", '{"form":"other","record":{}}'):
        with pytest.raises(RecordError):
            record_of(Frame("CP1", "record:x:1", 0, AT, FrameKind.RECORD, text=text))


# -- the inbox -------------------------------------------------------------------------------------------------------


def test_records_left_in_the_inbox_reach_the_journal_in_order(tmp_path: Path) -> None:
    """Taken one file at a time, stamped no earlier than now, and gone when they are safe."""
    frames, _ = _take("\n".join(_json({**CDR, "id": str(number)}) for number in range(700)))
    directory = inbox.directory_of(tmp_path / "journal")
    journal = Journal(tmp_path / "journal")
    assert inbox.take(directory, journal, AT) == 0
    assert inbox.put(directory, frames, "1") == 2
    assert [inbox.take(directory, journal, AT + 5) for _ in range(3)] == [500, 200, 0]
    journal.close()
    assert list(directory.iterdir()) == []
    lines = JournalReader(tmp_path / "journal").follow()
    found = [one for one in Reader().read(lines) if isinstance(one, Frame)]
    assert [one.frame_id for one in found] == [one.frame_id for one in frames]
    assert {one.received_at for one in found} == {AT + 5}


def test_a_full_journal_leaves_records_in_the_inbox(tmp_path: Path) -> None:
    """They wait there until there is room."""
    frames, _ = _take(_json(CDR))
    directory = inbox.directory_of(tmp_path / "journal")
    journal = Journal(tmp_path / "journal", max_bytes=10)
    inbox.put(directory, frames, "1")
    assert inbox.take(directory, journal, AT) == 0
    assert len(list(directory.iterdir())) == 1
    journal.close()
