"""How often each field was seen, in 1.6, in native 2.0.1 and in what the shadow made of 1.6."""

import json

from demo.script import Script
from ingest.frame import Direction, Frame
from shadow.mapping.coverage import OCPP16, OCPP201, Row, rows16
from shadow.tally import FieldTally


def _tallied(frames: list[Frame]) -> FieldTally:
    tally = FieldTally()
    for frame in frames:
        tally.feed(frame)
    tally.end()
    return tally


def _seen(
    tally: FieldTally, action: str, part: str, field: str, direction: str = "cp>cs", protocol: str = OCPP16
) -> int:
    return tally.seen(Row(protocol, action, direction, part, field, ""))


SESSION = Script().boot().start(1, "04A1B2C3", 1000, transaction=7).meter(1, 7, 1500).stop(7, 3500)


def test_fields_count_once_a_message() -> None:
    """However many samples a message has; nested fields too, and answers under the action that they answer."""
    element = {"timestamp": "2030-01-01T12:00:00Z", "sampledValue": [{"value": "1", "unit": "Wh"}, {"value": "2"}]}
    tally = _tallied(Script().meter_values(1, None, [element, element]).authorize("AA").frames)
    assert _seen(tally, "MeterValues", "request", "meterValue.sampledValue.unit") == 1
    assert _seen(tally, "MeterValues", "request", "transactionId") == 0
    assert _seen(tally, "MeterValues", "answer", "") == 1
    assert _seen(tally, "Authorize", "answer", "idTagInfo.status") == 1
    assert _seen(tally, "Authorize", "request", "idTag", direction="cs>cp") == 0


def test_a_repeated_call_counts_once() -> None:
    """The same text again under the same id is a retry, not another message."""
    story = (
        Script().call("Authorize", {"idTag": "AA"}, message_id="x").call("Authorize", {"idTag": "AA"}, message_id="x")
    )
    assert _seen(_tallied(story.frames), "Authorize", "request", "idTag") == 1


def test_made_fields_are_counted_in_the_201_messages() -> None:
    """`→ TransactionEvent.seqNo` was seen as often as a start became a TransactionEvent; a held event too."""
    tally = _tallied(SESSION.frames)
    assert _seen(tally, "StartTransaction", "request", "→ TransactionEvent.seqNo") == 1
    assert _seen(tally, "Heartbeat", "request", "→ TransactionEvent.seqNo") == 0
    assert _seen(tally, "StartTransaction", "request", "→ TransactionEvent.cableMaxCurrent") == 0


def test_native_201_is_counted_by_itself() -> None:
    """By the subprotocol of the connection; one without rows is only counted as a whole."""
    native = Script(connected=False).open("ocpp2.0.1").call("Heartbeat", {}).answer({"currentTime": "x"}).frames
    tally = _tallied(native)
    assert _seen(tally, "Heartbeat", "answer", "currentTime", protocol=OCPP201) == 1
    assert _seen(tally, "Heartbeat", "answer", "currentTime") == 0
    withdrawn = _tallied(Script(connected=False).open("ocpp2.0").call("Heartbeat", {}).frames)
    assert (withdrawn.messages, withdrawn.elsewhere) == (0, 1)


def test_answers_pair_on_their_own_connection_only() -> None:
    """A connection that closed takes its open calls along."""
    story = Script().call("Authorize", {"idTag": "AA"}, message_id="x").close().open()
    story.text('[3,"x",{"idTagInfo":{"status":"Accepted"}}]', Direction.CS_TO_CP)
    assert _seen(_tallied(story.frames), "Authorize", "answer", "idTagInfo") == 0


def test_plug_and_charge_is_counted_inside_of_its_data_transfer() -> None:
    """By the names of 2.0.1, though the application note has a plain idToken; text of another vendor stays text."""
    asked = {"vendorId": "org.openchargealliance.iso15118pnc", "messageId": "Authorize", "data": '{"idToken": "DE"}'}
    info = {"status": "Accepted", "expiryDate": "2031-01-01T00:00:00Z"}
    told = {"status": "Accepted", "data": json.dumps({"idTokenInfo": info})}
    script = Script().call("DataTransfer", asked).answer(told)
    script.call("DataTransfer", {**asked, "vendorId": "Alder"}).answer(told)
    tally = _tallied(script.frames)
    assert _seen(tally, "DataTransfer", "request", "data") == 2
    assert _seen(tally, "DataTransfer", "request", "data.Authorize") == 1
    assert _seen(tally, "DataTransfer", "request", "data.Authorize.idToken.idToken") == 1
    assert _seen(tally, "DataTransfer", "request", "→ Authorize.idToken.type") == 1
    assert _seen(tally, "DataTransfer", "answer", "data.Authorize.idTokenInfo.cacheExpiryDateTime") == 1
    assert tally.unnamed(rows16()) == []


def test_what_no_schema_has_is_listed() -> None:
    """A field of its own making, with its action; an unknown action is not a field."""
    tally = _tallied(Script().call("Heartbeat", {"mood": {"today": 1}}).call("Nonsense", {"a": 1}).frames)
    assert tally.unnamed(rows16()) == [("Heartbeat", "request", "mood"), ("Heartbeat", "request", "mood.today")]


def test_rows_keep_their_order_and_get_their_count() -> None:
    """What was never seen is 0, and not absent."""
    rows = rows16()
    counted = _tallied(SESSION.frames).counted(rows)
    assert [row.field for row in counted] == [row.field for row in rows]
    by_field = {(row.action, row.part, row.field): row.seen for row in counted}
    assert by_field["StartTransaction", "request", "meterStart"] == 1
    assert by_field["StartTransaction", "request", "reservationId"] == 0


def test_the_end_of_one_charging_station_is_not_the_end_of_all() -> None:
    """The store gives one charging station's frames after another's: the counts are those of all."""
    tally = FieldTally()
    for name in ("A", "B"):
        for frame in Script(name).authorize("AA").frames:
            tally.feed(frame)
        tally.forget(name)
    assert _seen(tally, "Authorize", "request", "idTag") == 2
