"""The mapping tables against the official schemas of OCPP 1.6: no field is forgotten, none is invented."""

from collections import Counter

import pytest

from ingest.frame import Direction
from shadow import schema
from shadow.mapping.coverage import (
    ARROW,
    OCPP16,
    UNCLASSIFIED,
    classified,
    fields,
    rows16,
    synthesised,
)
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER, REQUEST, Handling, Table, fixed, group, lost, made, moved, same

ACTIONS = schema.actions(schema.V16)
OF_THE_STATION = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
)
"""1.6 §4 and the operations of the security extension that the charging station initiates; §5 is the CSMS's."""


@pytest.mark.parametrize("part", [REQUEST, ANSWER])
@pytest.mark.parametrize("action", ACTIONS)
class TestEachMessage:
    """Run those of one action with `-k NAME`."""

    def test_every_field_is_classified_exactly_once(self, action: str, part: str) -> None:
        """Each path of the official schema, nested ones too, stands in one rule of the message's table."""
        table = TABLES.get((action, part))
        assert table is not None, "there is no table"
        named = Counter(path for path, _ in classified(table))
        wanted = {*fields(schema.V16, action, part), *table.beyond}
        assert {path: named[path] for path in wanted} == dict.fromkeys(wanted, 1)

    def test_no_field_is_named_that_the_schema_has_not(self, action: str, part: str) -> None:
        """What a table names is in the schema, or stands in its list of fields beyond it; no such list is longer."""
        table = TABLES.get((action, part))
        assert table is not None, "there is no table"
        named = {path for path, _ in classified(table)}
        official = set(fields(schema.V16, action, part))
        assert named - official == set(table.beyond)

    def test_messages_and_made_fields_exist_in_201(self, action: str, part: str) -> None:
        """Every 2.0.1 field that is made is one of the official 2.0.1 schema of the message that carries it."""
        table = TABLES.get((action, part))
        assert table is not None, "there is no table"
        assert not [name for name in (table.message, *table.also) if name and not schema.is_known(schema.V201, name)]
        invented = []
        for name in synthesised(table):
            message, _, path = name.removeprefix(ARROW).partition(".")
            parts = (part,) if message == table.message else (REQUEST, ANSWER)
            known = {field for one in parts for field in fields(schema.V201, message, one)}
            invented += [name] if path not in known else []
        assert invented == []

    def test_directions_are_those_of_the_specification(self, action: str, part: str) -> None:
        """1.6 §4 lists what a charging station sends, §5 what a CSMS sends; DataTransfer stands in both."""
        table = TABLES.get((action, part))
        assert table is not None, "there is no table"
        if action == "DataTransfer":
            assert set(table.directions) == set(Direction)
        else:
            by_station = action in OF_THE_STATION
            assert table.directions == ((Direction.CP_TO_CS if by_station else Direction.CS_TO_CP),)


def test_the_official_schemas_have_39_actions() -> None:
    """28 of the standard and 11 of the security extension: a package that ships fewer would prove less."""
    assert len(ACTIONS) == 39
    assert set(ACTIONS) > OF_THE_STATION


def test_nested_fields_are_dotted_and_lists_have_no_positions() -> None:
    """The official schema of MeterValues, as its rows name it; references of the security extension are followed."""
    assert fields(schema.V16, "MeterValues", REQUEST)[:5] == (
        "connectorId",
        "transactionId",
        "meterValue",
        "meterValue.timestamp",
        "meterValue.sampledValue",
    )
    assert "meterValue.sampledValue.unit" in fields(schema.V16, "MeterValues", REQUEST)
    assert "log.remoteLocation" in fields(schema.V16, "GetLog", REQUEST)
    assert fields(schema.V16, "Heartbeat", REQUEST) == ()


def test_what_is_lost_is_lost_with_all_that_is_inside() -> None:
    """One rule for a lost object names each of its members; a mapped object needs a rule for each."""
    whole = Table(
        action="MeterValues",
        part=REQUEST,
        directions=(Direction.CP_TO_CS,),
        message="MeterValues",
        rules=(lost("meterValue", why="for this test"),),
    )
    assert ("meterValue.sampledValue.unit", Handling.NO_EQUIVALENT) in classified(whole)
    by_member = Table(
        action="MeterValues",
        part=REQUEST,
        directions=(Direction.CP_TO_CS,),
        message="MeterValues",
        rules=(group("meterValue", "meterValue", moved("timestamp", "timestamp", lossy=True)), same("meterValue")),
    )
    assert classified(by_member) == [
        ("meterValue", Handling.MAPPED),
        ("meterValue.timestamp", Handling.LOSSY),
        ("meterValue", Handling.MAPPED),
    ]


def test_made_fields_are_named_under_their_message() -> None:
    """A made field inside a group has its whole path; one that is made twice is one row."""
    table = Table(
        action="Reset",
        part=REQUEST,
        directions=(Direction.CS_TO_CP,),
        message="Reset",
        also=("NotifyEvent",),
        rules=(
            made("evseId"),
            fixed("evseId", 1),
            group("type", "inner", made("deep")),
            group("other", "", made("lifted")),
            made("NotifyEvent.seqNo"),
        ),
    )
    assert synthesised(table) == ["→ Reset.evseId", "→ Reset.inner.deep", "→ Reset.lifted", "→ NotifyEvent.seqNo"]


def test_rows_hold_every_message_of_16_and_nothing_unclassified() -> None:
    """39 actions, request and answer, DataTransfer from both sides; a message without fields is one row."""
    rows = rows16()
    assert {(row.action, row.part) for row in rows} == {
        (action, part) for action in ACTIONS for part in (REQUEST, ANSWER)
    }
    assert {row.direction for row in rows if row.action == "DataTransfer"} == {"cp>cs", "cs>cp"}
    assert [(row.field, row.handling) for row in rows if row.action == "Heartbeat" and row.part == REQUEST] == [
        ("", Handling.MAPPED)
    ]
    assert {row.protocol for row in rows} == {OCPP16}
    assert [row for row in rows if row.handling == UNCLASSIFIED] == []
