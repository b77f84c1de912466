"""The primary's ledger, told by transcripts of what chargers and their CSMS said."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diff.books import MAX_ENDED, MAX_OPEN
from diff.ledger import Ledger, fold
from diff.primary import (
    Adopted,
    Collided,
    Duplicated,
    Ended,
    Forgotten,
    LedgerEvent,
    Opened,
    OrphanStop,
    PrimaryTransaction,
    Proposed,
    Refused,
    Repeated,
    RepeatedStop,
    State,
)
from ingest.exchange import Event, Pairing, pair
from ingest.frame import Direction, Frame, FrameKind, Gap
from ingest.ocppj import parse
from ingest.recording import Reader
from ingest.timestamps import parse_stamp

SHARED = Path(__file__).resolve().parents[2] / "../shared"
NOON = parse_stamp("2030-01-01T12:00:00Z").at or 0


class Wire:
    """One charger's connection: says messages, pairs them and folds them."""

    def __init__(self) -> None:
        self.state = Ledger()
        self.pairing = Pairing()
        self.events: list[LedgerEvent] = []
        self.connection = "c"
        self.seq = 0

    def frame(self, text: str, direction: Direction, kind: FrameKind = FrameKind.MESSAGE) -> Frame:
        self.seq += 1
        return Frame("CP", self.connection, self.seq, NOON + self.seq, kind, direction, text)

    def live(self, frame: Frame) -> list[LedgerEvent]:
        event: Event | None = None
        if frame.kind is FrameKind.MESSAGE:
            event = pair(self.pairing, frame, parse(frame.text))
        told = fold(self.state, frame, event)
        self.events += told
        return told

    def say(self, *messages: list[Any]) -> list[LedgerEvent]:
        """CALLs come from the charger and answers from the primary; what the last one brought is returned."""
        told: list[LedgerEvent] = []
        for message in messages:
            direction = Direction.CP_TO_CS if message[0] == 2 else Direction.CS_TO_CP
            told = self.live(self.frame(json.dumps(message), direction))
        return told

    def only_open(self) -> PrimaryTransaction:
        (transaction,) = self.state.open.values()
        return transaction

    def only_ended(self) -> PrimaryTransaction:
        (transaction,) = self.state.ended.values()
        return transaction


def start(message_id: str = "s", **fields: object) -> list[Any]:
    """A StartTransaction CALL."""
    payload = {"connectorId": 1, "idTag": "X", "meterStart": 1000, "timestamp": "2030-01-01T10:00:00Z"}
    return [2, message_id, "StartTransaction", payload | fields]


def answer(message_id: str = "s", transaction_id: object = 7, status: str = "Accepted") -> list[Any]:
    """The primary's answer to a start."""
    return [3, message_id, {"transactionId": transaction_id, "idTagInfo": {"status": status}}]


def stop(message_id: str = "e", **fields: object) -> list[Any]:
    """A StopTransaction CALL."""
    payload = {"transactionId": 7, "meterStop": 1900, "timestamp": "2030-01-01T11:00:00Z"}
    return [2, message_id, "StopTransaction", payload | fields]


def meter_values(message_id: str = "m", **fields: object) -> list[Any]:
    """A MeterValues CALL that names a transaction."""
    sample = {"timestamp": "2030-01-01T10:30:00Z", "sampledValue": [{"value": "1400"}]}
    return [2, message_id, "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [sample]} | fields]


def available(connector: int = 1, at: str = "2030-01-01T09:00:00Z") -> list[Any]:
    """A StatusNotification CALL: nothing runs on that connector."""
    payload = {"connectorId": connector, "status": "Available", "errorCode": "NoError", "timestamp": at}
    return [2, f"available-{connector}-{at}", "StatusNotification", payload]


def kinds(events: Iterable[LedgerEvent]) -> list[type]:
    """What happened, in order."""
    return [type(event) for event in events]


def quirk(words: str) -> Wire:
    """Live the frames of a field quirk."""
    path = SHARED / "field-quirks.jsonl"
    if not path.exists():
        pytest.skip("the field quirks lie outside of the repository and are absent here")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (found,) = [line for line in lines if words in line["quirk"]]
    wire = Wire()
    wire.say(*found["frames"])
    return wire


def recording(name: str) -> Wire:
    """Live a recording of real equipment."""
    path = SHARED / "recordings" / name
    if not path.exists():
        pytest.skip(f"{name} lies outside of the repository and is absent here")
    wire = Wire()
    for frame in Reader().read(path.read_bytes().splitlines()):
        assert isinstance(frame, Frame)
        wire.live(frame)
    return wire


def test_start_answer_stop_is_one_billed_transaction() -> None:
    """The plain case: every field comes from the frame that 1.6 puts it in."""
    wire = Wire()
    assert kinds(wire.say(start())) == [Proposed]
    assert kinds(wire.say(answer())) == [Opened]
    assert kinds(wire.say(stop(idTag="Y", reason="Remote"))) == [Ended]
    assert wire.say([3, "e", {"idTagInfo": {"status": "Expired"}}]) == []
    assert wire.state.open == {}
    assert wire.only_ended() == PrimaryTransaction(
        opened_by="c/1",
        started_received_at=NOON + 1,
        state=State.ENDED,
        connector_id=1,
        transaction_id="7",
        message_id="s",
        id_token="X",
        meter_start=Decimal(1000),
        meter_start_text="1000",
        started_at=parse_stamp("2030-01-01T10:00:00Z").at,
        started_text="2030-01-01T10:00:00Z",
        authorization="Accepted",
        answered_at=NOON + 2,
        ended_by="c/3",
        stopped_received_at=NOON + 3,
        meter_stop=Decimal(1900),
        meter_stop_text="1900",
        stopped_at=parse_stamp("2030-01-01T11:00:00Z").at,
        stopped_text="2030-01-01T11:00:00Z",
        stop_reason="Remote",
        stop_id_token="Y",
        stop_answer="Expired",
        frames=("c/1", "c/2", "c/3", "c/4"),
    )
    assert wire.only_ended().billed_wh == 900
    assert wire.only_ended().key == "c/1"


def test_stop_without_a_reason_is_local() -> None:
    """1.6 ed2 §6.49: an absent reason means Local; an absent idTag stays absent."""
    wire = Wire()
    wire.say(start(), answer(), stop())
    assert wire.only_ended().stop_reason == "Local"
    assert wire.only_ended().stop_id_token is None


def test_start_without_an_answer_stays_proposed() -> None:
    """Nothing is billed before the primary has given an id, and a stop cannot name it."""
    wire = Wire()
    wire.say(start())
    assert kinds(wire.say(stop())) == [OrphanStop]
    assert wire.only_open().state is State.PROPOSED
    assert wire.only_open().transaction_id is None


def test_callerror_to_a_start_refuses_it() -> None:
    """The proposal stays, so that a repetition of the start can still be answered."""
    wire = Wire()
    (refused,) = wire.say(start(), [4, "s", "InternalError", "", {}])
    assert isinstance(refused, Refused)
    assert refused.status == "InternalError"
    assert refused.frames == ("c/1", "c/2")
    assert wire.only_open().state is State.PROPOSED
    assert kinds(wire.say(start("again"), answer("again"))) == [Opened]
    assert wire.only_open().key == "c/1"
    assert wire.only_open().frames == ("c/1", "c/2", "c/3", "c/4")


def test_invalid_token_still_opens_the_transaction() -> None:
    """1.6 ed2 §4.8: the primary gives an id whatever the status, and the charger decides whether to stop."""
    wire = Wire()
    assert kinds(wire.say(start(), answer(status="Invalid"))) == [Opened, Refused]
    assert wire.only_open().authorization == "Invalid"
    assert kinds(wire.say(stop(reason="DeAuthorized"))) == [Ended]


@pytest.mark.parametrize("issued", [0, -1, None, "none", True])
def test_refusal_without_a_usable_id_opens_nothing(issued: object) -> None:
    """ConcurrentTx with id 0 is how backends say that they opened no transaction."""
    wire = Wire()
    assert kinds(wire.say(start(), answer(transaction_id=issued, status="ConcurrentTx"))) == [Refused]
    assert wire.only_open().state is State.PROPOSED
    assert wire.only_open().authorization == "ConcurrentTx"


def test_accepted_start_without_an_id_is_open_and_cannot_be_stopped_by_name() -> None:
    """A missing id is no name: a stop without one closes nothing."""
    wire = Wire()
    assert kinds(wire.say(start(), [3, "s", {"idTagInfo": {"status": "Accepted"}}])) == [Opened]
    assert wire.only_open().transaction_id is None
    stopped = stop()
    del stopped[3]["transactionId"]
    assert kinds(wire.say(stopped)) == [OrphanStop]


def test_accepted_start_with_id_zero_is_closed_by_id_zero() -> None:
    """A primary whose ids are 0 still bills by them."""
    wire = Wire()
    assert kinds(wire.say(start(), answer(transaction_id=0), stop(transactionId=0))) == [Ended]


def test_retried_start_with_the_same_id_is_the_same_transaction() -> None:
    """The second answer is named, and the first answer's status stands."""
    wire = Wire()
    wire.say(start(), answer())
    assert wire.say(start("again")) == []
    (repeated,) = wire.say(answer("again", status="ConcurrentTx"))
    assert isinstance(repeated, Repeated)
    assert repeated.authorization == "ConcurrentTx"
    assert repeated.frames == ("c/3", "c/4")
    assert wire.only_open().authorization == "Accepted"


def test_retried_start_with_another_id_is_a_second_transaction() -> None:
    """The primary has two transactions for one start; the first remains open when the second is stopped."""
    wire = Wire()
    wire.say(start(), answer(), start("again"))
    events = wire.say(answer("again", 8))
    assert kinds(events) == [Opened, Duplicated]
    duplicated = events[1]
    assert isinstance(duplicated, Duplicated)
    assert (duplicated.first.transaction_id, duplicated.transaction.transaction_id) == ("7", "8")
    assert duplicated.transaction.key == "c/3"
    wire.say(stop(transactionId=8))
    assert wire.only_open().transaction_id == "7"


def test_retry_after_the_stop_with_the_same_id_opens_nothing() -> None:
    """A start that is replayed late must not leave a transaction that never ends."""
    wire = Wire()
    wire.say(start(), answer(), stop(), start("again"))
    assert kinds(wire.say(answer("again"))) == [Repeated]
    assert wire.state.open == {}


def test_same_text_answered_twice_with_two_ids_is_two_transactions() -> None:
    """A call that is sent again under its own message id may be answered twice; the second answer finds no call."""
    wire = Wire()
    wire.say(start(), start(), answer(transaction_id=7))
    assert kinds(wire.say(answer(transaction_id=8))) == [Opened, Duplicated]
    assert kinds(wire.say(answer(transaction_id=8))) == [Repeated]
    assert {known.transaction_id for known in wire.state.open.values()} == {"7", "8"}
    assert {known.meter_start for known in wire.state.open.values()} == {Decimal(1000)}


def test_set_clock_makes_a_retry_and_no_stranger() -> None:
    """The first start was stamped 1970; the second names the true time and the primary takes both as one."""
    wire = Wire()
    wire.say(start(timestamp="1970-01-01T00:00:03Z"), answer(), start("again"))
    assert kinds(wire.say(answer("again"))) == [Repeated]
    assert wire.only_open().key == "c/1"


@pytest.mark.parametrize("answered", [False, True])
def test_start_repeated_under_its_message_id_with_the_right_clock_is_the_same(*, answered: bool) -> None:
    """After a reconnect the charger sends its queue again; only the clock differs, and only the first was unset."""
    wire = Wire()
    wire.say(start(timestamp="1970-01-01T00:00:03Z"), *([answer()] if answered else []))
    wire.connection = "after the reconnect"
    assert wire.say(start()) == []
    assert kinds(wire.say(answer())) == ([Repeated] if answered else [Opened])
    assert wire.only_open().key == "c/1"


def test_message_id_of_an_answered_start_does_not_merge_two_sessions() -> None:
    """Message ids begin anew after a reboot, and a per-session register begins at 0 each time."""
    wire = Wire()
    wire.say(start(meterStart=0), answer())
    wire.connection = "after the reboot"
    assert kinds(wire.say(start(meterStart=0, timestamp="2030-01-02T10:00:00Z"))) == [Proposed]
    assert kinds(wire.say(answer(transaction_id=8))) == [Opened]


def test_start_that_says_nothing_is_not_the_adopted_transaction() -> None:
    """Of an adopted transaction the start is unknown; an empty one must not be taken for it."""
    wire = Wire()
    wire.say(meter_values(), [2, "", "StartTransaction", {"connectorId": 1}])
    assert kinds(wire.say(answer(""))) == [Opened, Collided]


def test_answer_on_another_connection_is_not_a_second_one() -> None:
    """A message id of one connection says nothing on another."""
    wire = Wire()
    wire.say(start(), answer())
    wire.connection = "other"
    assert wire.say(answer(transaction_id=8)) == []


def test_second_answer_to_a_refused_start_opens_it() -> None:
    """The call was sent twice under one message id; the primary failed at the first and accepted the second."""
    wire = Wire()
    wire.say(start(), start(), [4, "s", "InternalError", "", {}])
    assert kinds(wire.say(answer())) == [Opened]
    assert wire.only_open().key == "c/1"


def test_unset_clocks_and_zero_meters_do_not_merge_strangers() -> None:
    """Two sessions after two boots look alike; only the first one's id would make them one."""
    wire = Wire()
    boot = {"meterStart": 0, "timestamp": "1970-01-01T00:00:03Z"}
    wire.say(start(**boot), answer(), stop())
    wire.connection = "after the boot"
    assert kinds(wire.say(start(**boot))) == [Proposed]
    assert kinds(wire.say(answer(transaction_id=8))) == [Opened]
    assert wire.only_open().transaction_id == "8"
    assert wire.only_ended().transaction_id == "7"


def test_one_id_on_two_connectors_collides() -> None:
    """Both stand open under it, and a stop takes the one that was opened last."""
    wire = Wire()
    wire.say(start(), answer(), start("s2", connectorId=2, meterStart=50))
    events = wire.say(answer("s2"))
    assert kinds(events) == [Opened, Collided]
    collided = events[1]
    assert isinstance(collided, Collided)
    assert (collided.other.connector_id, collided.transaction.connector_id) == (1, 2)
    wire.say(stop())
    assert wire.only_ended().connector_id == 2
    assert wire.only_open().connector_id == 1


def test_constant_id_collides_with_the_start_whose_stop_was_lost() -> None:
    """Another start on the same connector is no repetition, whatever the primary calls it."""
    wire = Wire()
    wire.say(start(), answer(transaction_id=1), start("later", meterStart=5000, timestamp="2030-01-02T10:00:00Z"))
    assert kinds(wire.say(answer("later", 1))) == [Opened, Collided]


def test_constant_id_one_after_the_other_does_not_collide() -> None:
    """An id that is given again after its transaction has ended opens a new one."""
    wire = Wire()
    wire.say(start(), answer(transaction_id=1), stop(transactionId=1))
    wire.say(start("later", meterStart=1900, timestamp="2030-01-02T10:00:00Z"))
    assert kinds(wire.say(answer("later", 1))) == [Opened]
    assert kinds(wire.say(stop("e2", transactionId=1, meterStop=2000))) == [Ended]
    assert [known.billed_wh for known in wire.state.ended.values()] == [900, 100]
    (repeated,) = wire.say(stop("e3", transactionId=1))
    assert isinstance(repeated, RepeatedStop)
    assert repeated.transaction.message_id == "later"


def test_second_stop_changes_nothing() -> None:
    """The first one has been billed."""
    wire = Wire()
    wire.say(start(), answer(), stop())
    (repeated,) = wire.say(stop("e2", meterStop=9999))
    assert isinstance(repeated, RepeatedStop)
    assert repeated.stop.meter_stop == 9999
    assert wire.only_ended().billed_wh == 900


@pytest.mark.parametrize("named", [-1, 0, -1700000000, 2**63 - 1, "x", True, {}])
def test_stop_that_names_no_issued_id_is_an_orphan(named: object) -> None:
    """Such ids are never adopted, not even where the capture began in mid-session."""
    wire = Wire()
    (orphan,) = wire.say(stop(transactionId=named))
    assert isinstance(orphan, OrphanStop)
    assert orphan.stop.meter_stop == 1900
    assert wire.state == Ledger()


def test_stop_with_an_unknown_id_is_an_orphan_where_all_was_seen() -> None:
    """Once a connector was seen without a transaction, one that stops later would have been seen to begin."""
    wire = Wire()
    wire.say(available(1), available(2))
    assert kinds(wire.say(stop(transactionId=99))) == [OrphanStop]


def test_stop_from_before_the_first_idle_status_is_adopted() -> None:
    """StatusNotification may overtake queued transaction messages (1.6 ed2 §3.7.1)."""
    wire = Wire()
    wire.say(available(1, "2030-01-01T12:00:00Z"))
    assert kinds(wire.say(stop(transactionId=99))) == [Adopted, Ended]


def test_gap_makes_adoption_possible_again() -> None:
    """What began while the tap was blind is adopted, not called an orphan."""
    wire = Wire()
    wire.say(available(1), start(), answer(), stop())
    assert kinds(wire.say(stop(transactionId=99))) == [OrphanStop]
    gap = Gap(10, NOON, "buffer-full")
    wire.live(Frame("CP", "c", 90, NOON + 90, FrameKind.GAP, gap=gap))
    assert kinds(wire.say(stop("e3", transactionId=99))) == [Adopted, Ended]


def test_adopted_transaction_ends_without_energy() -> None:
    """Its start is unknown, so nothing is invented: no meterStart, no start time, no billed energy."""
    wire = Wire()
    (adopted,) = wire.say(meter_values())
    assert isinstance(adopted, Adopted)
    assert wire.say(meter_values("m2")) == []
    assert kinds(wire.say(stop())) == [Ended]
    ended = wire.only_ended()
    assert ended.adopted
    assert (ended.connector_id, ended.meter_start, ended.started_at, ended.billed_wh) == (1, None, None, None)
    assert ended.key == "c/1"


def test_connector_adopts_one_transaction_and_no_more() -> None:
    """A charger that names a new id with each reading would fill the books otherwise."""
    wire = Wire()
    sample = {"timestamp": "2030-01-01T10:40:00Z", "sampledValue": [{"value": "1"}]}
    assert kinds(wire.say(meter_values())) == [Adopted]
    assert wire.say(meter_values("m2", transactionId=8, meterValue=[sample])) == []
    assert kinds(wire.say(meter_values("m3", transactionId=9, connectorId=2))) == [Adopted]


@pytest.mark.parametrize("named", [-1, 0, -1700000000, 9223372036854760001])
def test_meter_values_with_a_local_id_adopt_nothing(named: int) -> None:
    """Such ids are the charger's own."""
    wire = Wire()
    assert wire.say(meter_values(transactionId=named)) == []
    assert wire.state.open == {}


def test_boot_ends_no_transaction() -> None:
    """The primary waits for the stop, which may come after the reboot."""
    wire = Wire()
    wire.say(start(), answer(), [2, "b", "BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"}])
    assert wire.only_open().state is State.OPEN
    assert kinds(wire.say(stop(reason="PowerLoss"))) == [Ended]


def test_callerror_to_a_stop_is_named_and_billed() -> None:
    """The CALL ends the transaction; that the primary refused it is kept beside it."""
    wire = Wire()
    (refused,) = wire.say(start(), answer(), stop(), [4, "e", "InternalError", "", {}])
    assert isinstance(refused, Refused)
    assert wire.only_ended().stop_answer == "InternalError"
    assert wire.only_ended().billed_wh == 900


@pytest.mark.parametrize(
    ("meter_start", "meter_stop", "billed"),
    [
        (1000, -1, Decimal(-1001)),
        (269500, 269499, Decimal(-1)),
        (0, 2**32 + 5, Decimal(2**32 + 5)),
        ("1000", "1900.5", Decimal("900.5")),
        (0.1, 0.3, Decimal("0.2")),
        (10**18, 10**18 - 1, None),
        (True, 5, None),
        (None, 5, None),
        (1000, "VV:1230", None),
        (1000, "NaN", None),
        (1000, [1], None),
    ],
)
def test_energy_is_the_plain_difference(meter_start: object, meter_stop: object, billed: Decimal | None) -> None:
    """Exact, without plausibility, and unknown where a register is no number."""
    wire = Wire()
    wire.say(start(meterStart=meter_start), answer(), stop(meterStop=meter_stop))
    assert wire.only_ended().billed_wh == billed


def test_unreadable_register_is_kept_as_text() -> None:
    """Evidence is not thrown away."""
    wire = Wire()
    wire.say(start(meterStart="VV:1230"), answer(), stop(meterStop={"a": 1}, timestamp="0000-00-00"))
    ended = wire.only_ended()
    assert (ended.meter_start, ended.meter_start_text) == (None, "VV:1230")
    assert (ended.meter_stop, ended.meter_stop_text) == (None, "an object")
    assert (ended.stopped_at, ended.stopped_text) == (None, "0000-00-00")


def test_number_of_unbounded_size_is_survived() -> None:
    """1e99999999999999 is valid JSON and must be neither written out nor subtracted."""
    wire = Wire()
    for message in ('[2,"s","StartTransaction",{"meterStart":1e99999999999999,"connectorId":1e99999999999999}]', None):
        text = message or '[3,"s",{"transactionId":1e99999999999999,"idTagInfo":{"status":"Accepted"}}]'
        wire.live(wire.frame(text, Direction.CP_TO_CS if message else Direction.CS_TO_CP))
    assert wire.only_open().meter_start is None
    assert wire.only_open().meter_start_text == "1E+99999999999999"
    assert wire.only_open().transaction_id is None


def test_csms_calls_open_nothing() -> None:
    """A StartTransaction that travels from the primary to the charger is none."""
    wire = Wire()
    assert wire.live(wire.frame(json.dumps(start()), Direction.CS_TO_CP)) == []
    assert wire.live(wire.frame(json.dumps(answer()), Direction.CP_TO_CS)) == []
    assert wire.state == Ledger()


def test_books_let_go_of_the_oldest_proposal_first() -> None:
    """Beyond the limit something must go: first what was never billed, and it is named."""
    wire = Wire()
    wire.say(start("open"), answer("open"), start("never", connectorId=3))
    for number in range(MAX_OPEN - 2):
        wire.say(start(f"s{number}", meterStart=number), answer(f"s{number}", 100 + number))
    assert not [event for event in wire.events if isinstance(event, Forgotten)]
    (_, first) = wire.say(start("one more", connectorId=4))
    (_, second) = wire.say(answer("one more", 9), start("and another", connectorId=5))
    assert isinstance(first, Forgotten)
    assert isinstance(second, Forgotten)
    assert (first.transaction.connector_id, first.transaction.state) == (3, State.PROPOSED)
    assert (second.transaction.connector_id, second.transaction.state) == (5, State.PROPOSED)
    assert len(wire.state.open) == MAX_OPEN


def test_evidence_keeps_the_first_and_the_last_frames() -> None:
    """A start that is repeated without end does not grow the state."""
    wire = Wire()
    wire.say(start(), answer(), *(start(f"again{number}") for number in range(20)))
    assert wire.only_open().frames == ("c/1", "c/2", "c/3", "c/4", "c/19", "c/20", "c/21", "c/22")


def test_huawei_like_recording_bills_nothing_and_then_248_wh() -> None:
    """Two complete sessions of a real charger, the first stopped after half a second."""
    wire = recording("huawei-like-two-sessions.jsonl")
    assert kinds(wire.events) == [Proposed, Opened, Ended, Proposed, Opened, Ended]
    first, second = wire.state.ended.values()
    assert (first.billed_wh, first.transaction_id, first.stop_reason) == (Decimal(0), "1771262029", "Other")
    assert (second.billed_wh, second.transaction_id, second.stop_reason) == (Decimal(248), "1771262049", "Local")
    assert {first.id_token, second.id_token, second.stop_id_token} == {"TAGA0000000000000001"}
    assert {first.stop_answer, second.stop_answer, second.authorization} == {"Accepted"}
    assert second.stopped_at == parse_stamp("2026-02-16T17:15:48.000Z").at
    assert wire.state.open == {}


def test_evbox_recording_adopts_the_session_that_was_running() -> None:
    """The capture begins in mid-session; the boot in it was triggered and ends nothing."""
    wire = recording("evbox-elvi-mid-session.jsonl")
    assert kinds(wire.events) == [Adopted]
    adopted = wire.only_open()
    assert (adopted.transaction_id, adopted.connector_id, adopted.adopted) == ("1771091416", 1, True)
    assert (adopted.meter_start, adopted.started_at) == (None, None)


@pytest.mark.parametrize(
    ("words", "expected", "billed"),
    [
        ("timestamp without zone designator", [Proposed], []),
        ("new StartTransaction (new message id) with the ORIGINAL timestamp", [Proposed], []),
        ("empty transactionData", [Adopted, Ended], [None]),
        ("meterStop -1 for 'unknown'", [Adopted, Ended], [None]),
        ("meterStop = meterStart - 1 Wh", [Proposed, Opened, Ended], [Decimal(-1)]),
        ("meterStop always equals meterStart", [Proposed, Opened, Ended], [Decimal(0)]),
        ("for a transaction started offline, sent although", [Proposed, Opened, OrphanStop], []),
        ("CSMS answers ConcurrentTx with transactionId 0", [Proposed, Refused, OrphanStop], []),
        ("negative local transaction id", [], []),
        ("transactionId near 2^63", [], []),
        ("CSMS answers the second with the SAME transactionId", [Proposed, Opened, Repeated, Ended], [Decimal(0)]),
        ("the same CALL re-sent several times", [Proposed], []),
        ("transactionId changed to -1", [Adopted, Ended, OrphanStop], [None]),
        ("two registers under one measurand", [Adopted], []),
        ("a transactionId the CSMS never issued", [Adopted], []),
        ("stop reason misreported", [Adopted, Ended], [None]),
        ("reset reason put in idTag", [Adopted, Ended], [None]),
        ("closing MeterValues (Transaction.End) arrive AFTER", [Adopted, Ended], [None]),
        ("its StartTransaction is lost", [OrphanStop], []),
        ("StopTransaction without idTag", [Adopted, Ended], [None]),
        ("status jumps Available->Charging", [Proposed], []),
        ("reboot during a transaction", [], []),
        ("CSMS hands out colliding ids", [], []),
        ("transactionData left out", [Adopted, Ended], [None]),
    ],
)
def test_field_quirk_is_booked_as_the_primary_would(
    words: str, expected: list[type], billed: list[Decimal | None]
) -> None:
    """Each defect reported of real chargers and backends that touches a transaction."""
    wire = quirk(words)
    assert kinds(wire.events) == expected
    assert [known.billed_wh for known in wire.state.ended.values()] == billed


def test_state_survives_its_encoding() -> None:
    """The books are stored between frames: what comes back is equal and goes on alike."""
    wire = Wire()
    wire.say(
        available(2),
        start(meterStart=0.25),
        answer(),
        stop(meterStop="1.5"),
        start("p"),
        meter_values("m", transactionId=5),
    )
    wire.say(start("o", connectorId=2), answer("o", 9))
    stored = msgspec.msgpack.encode(wire.state)
    again = msgspec.msgpack.decode(stored, type=Ledger)
    assert again == wire.state
    assert msgspec.msgpack.encode(again) == stored
    wire.state = again
    assert kinds(wire.say(stop("e9", transactionId=9))) == [Ended]


IDS = st.sampled_from([7, 8, -1, 0, "7", 7.0, True, None, 2**63, 10**60, {}, []])
REGISTERS = st.one_of(st.integers(-5, 10**20), st.sampled_from([None, "x", "1.5", True, [], {}, 1.5, float(10**30)]))
TIMES = st.sampled_from(["2030-01-01T10:00:00Z", "1970-01-01T00:00:00Z", "", None, 5, "2030-01-01T11:00:00", [], {}])
MESSAGE_IDS = st.sampled_from(["a", "b", "c"])
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "connectorId": st.sampled_from([0, 1, 2, -1, 70000, "1", 1.0, None, True, {}]),
        "idTag": st.sampled_from(["X", "Y", None, 5, {}, "long" * 200]),
        "meterStart": REGISTERS,
        "meterStop": REGISTERS,
        "timestamp": TIMES,
        "transactionId": IDS,
        "reason": st.sampled_from(["Local", "", None, 7, []]),
        "status": st.sampled_from(["Available", "Charging", None, 3]),
        "meterValue": st.sampled_from([None, [], {}, [5], [{"timestamp": "2030-01-01T10:00:00Z"}], [{"timestamp": 5}]]),
        "idTagInfo": st.sampled_from([None, {}, {"status": "Accepted"}, {"status": "Blocked"}, {"status": 4}, []]),
    },
)
ACTIONS = st.sampled_from(["StartTransaction", "StopTransaction", "MeterValues", "StatusNotification", "Heartbeat"])
MESSAGES = st.one_of(
    st.tuples(st.just(2), MESSAGE_IDS, ACTIONS, PAYLOADS),
    st.tuples(st.just(3), MESSAGE_IDS, PAYLOADS),
    st.tuples(st.just(4), MESSAGE_IDS, st.just("InternalError"), st.just(""), st.just({})),
    st.just(("no message",)),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(MESSAGES, st.booleans(), st.sampled_from(["c", "d"])), max_size=60))
def test_any_conversation_is_booked_without_an_exception(script: list[tuple[Any, bool, str]]) -> None:
    """Whatever is said, in whichever direction: nothing raises and the books are consistent."""
    wire = Wire()
    for message, turned, connection in script:
        wire.connection = connection
        direction = Direction.CP_TO_CS if (message[0] == 2) is not turned else Direction.CS_TO_CP
        wire.live(wire.frame(json.dumps(message), direction))
    assert all(known.state is not State.ENDED for known in wire.state.open.values())
    assert all(known.state is State.ENDED for known in wire.state.ended.values())
    assert not wire.state.open.keys() & wire.state.ended.keys()
    assert all(key == known.key for key, known in (wire.state.open | wire.state.ended).items())
    assert all(known.billed_wh is None or known.billed_wh.is_finite() for known in wire.state.ended.values())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(wire.state), type=Ledger) == wire.state
    opened = [event.transaction.key for event in wire.events if isinstance(event, Opened | Adopted)]
    ended = [event.transaction.key for event in wire.events if isinstance(event, Ended)]
    assert len(set(ended)) == len(ended)
    assert set(ended) <= set(opened)


@settings(deadline=None, max_examples=15)
@given(st.integers(65, 200), st.integers(0, 2**32))
def test_books_stay_bounded(count: int, seed: int) -> None:
    """However many transactions a charger opens and ends, the stored state does not grow without limit."""
    wire = Wire()
    for number in range(count):
        name = f"{seed}-{number}"
        wire.say(start(name, connectorId=number, meterStart=number, idTag="T" * 5000), answer(name, number + 1))
        if number % 2:
            wire.say(stop(f"e{name}", transactionId=number + 1))
    assert len(wire.state.open) <= MAX_OPEN
    assert len(wire.state.ended) <= MAX_ENDED
    assert len(wire.state.seen_since) <= 64
    assert len(msgspec.msgpack.encode(wire.state)) < 200_000
