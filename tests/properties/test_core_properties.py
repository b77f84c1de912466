"""What holds for the pure core whatever the frames: no crash, the same outcome, legal events, exact energy."""

import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from demo.lived import Lived
from demo.script import NOON, Script
from demo.traffic import Traffic
from diff.judge import JudgeState, judge, new_state
from ingest.frame import Direction, Frame, FrameKind
from ingest.recording import Reader, encode_line
from shadow import codec
from shadow.config import DEFAULT
from shadow.message import MessageType
from shadow.schema import V16, V201, violations

TAGS = ("04A1B2C3", "04a1b2c3", "driver-42", "", "NoAuthorization", "T" * 20)
STATUSES = (
    "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved", "Unavailable",
    "Faulted",
)  # fmt: skip
REASONS = (
    "DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot",
    "Remote", "SoftReset", "UnlockCommand",
)  # fmt: skip
CONTEXTS = ("Sample.Periodic", "Sample.Clock", "Transaction.Begin", "Transaction.End", "Trigger", "Interruption.Begin")

# -- schema-valid traffic, drawn step by step -------------------------------------------------------------------------

_connector = st.integers(1, 3)
_tag = st.sampled_from(TAGS)
_wh = st.integers(0, 5_000_000)
_id = st.one_of(st.integers(1, 4), st.sampled_from([-1, 0, 2**62]))
_ago = st.sampled_from([0, 0, 0, 1, 30, 4000, -500])
_kwh = st.decimals(min_value=0, max_value=9999, places=2, allow_nan=False).map(str)
_sample = st.fixed_dictionaries(
    {"value": st.one_of(_kwh, _wh.map(str), st.just("VV:1230"))},
    optional={
        "context": st.sampled_from(CONTEXTS),
        "measurand": st.sampled_from(
            ["Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "Temperature"]
        ),
        "unit": st.sampled_from(["Wh", "kWh", "W", "V"]),
        "phase": st.sampled_from(["L1", "L1-N"]),
        "location": st.sampled_from(["Outlet", "Inlet", "EV"]),
        "format": st.sampled_from(["Raw", "SignedData"]),
    },
)
_samples = st.lists(_sample, min_size=1, max_size=3)
_info = st.fixed_dictionaries(
    {"status": st.sampled_from(["Accepted", "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])},
    optional={
        "parentIdTag": st.just("P"),
        "expiryDate": st.sampled_from(["2031-01-01T00:00:00Z", "9999-12-31T23:59:60-14:00"]),
    },
)
_steps = st.one_of(
    st.tuples(st.just("boot")),
    st.tuples(st.just("status"), st.integers(0, 3), st.sampled_from(STATUSES), _ago),
    st.tuples(st.just("authorize"), _tag, _info),
    st.tuples(st.just("start"), _connector, _tag, _wh, _id, _info, _ago),
    st.tuples(st.just("start"), _connector, _tag, st.just(0), _id, _info, st.just(0)),
    st.tuples(st.just("meter"), st.integers(0, 3), st.none() | _id, st.lists(_samples, min_size=1, max_size=2), _ago),
    st.tuples(st.just("stop"), _id, _wh, st.none() | st.sampled_from(REASONS), st.none() | _tag, _ago),
    st.tuples(st.just("stop"), _id, _wh, st.none(), st.none(), st.just(0)),
    st.tuples(
        st.just("command"),
        st.sampled_from(
            [
                ("RemoteStartTransaction", {"idTag": "driver-42", "connectorId": 1}),
                ("RemoteStopTransaction", {"transactionId": 1}),
                ("Reset", {"type": "Soft"}),
                ("Reset", {"type": "Hard"}),
                ("UnlockConnector", {"connectorId": 1}),
                ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
                ("TriggerMessage", {"requestedMessage": "BootNotification"}),
                ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2}),
                ("DataTransfer", {"vendorId": "V", "data": "x"}),
            ]
        ),
        st.sampled_from(["Accepted", "Rejected"]),
    ),
    st.tuples(st.just("reconnect")),
    st.tuples(st.just("wait"), st.sampled_from([1, 61, 130, 700, 1000, 90_000])),
)


def _tell(steps: list[tuple[Any, ...]]) -> Script:
    script = Script().boot()
    for step in steps:
        match step:
            case ("boot",):
                script.boot()
            case ("status", connector, status, ago):
                script.status(connector, status, at=script.ago(ago))
            case ("authorize", tag, info):
                script.call("Authorize", {"idTag": tag}).answer({"idTagInfo": info})
            case ("start", connector, tag, wh, issued, info, ago):
                stamp = script.ago(ago)
                payload = {"connectorId": connector, "idTag": tag, "meterStart": wh, "timestamp": stamp}
                script.call("StartTransaction", payload).answer({"transactionId": issued, "idTagInfo": info})
            case ("meter", connector, named, elements, ago):
                stamp = script.ago(ago)
                script.meter_values(
                    connector, named, [{"timestamp": stamp, "sampledValue": samples} for samples in elements]
                )
            case ("stop", named, wh, reason, tag, ago):
                more = {} if tag is None else {"idTag": tag}
                script.stop(named, wh, reason, at=script.ago(ago), **more)
            case ("command", (action, payload), status):
                unlocked = {"Accepted": "Unlocked", "Rejected": "UnlockFailed"}[status]
                script.command(action, payload).answer({"status": unlocked if action == "UnlockConnector" else status})
            case ("reconnect",):
                script.close().wait(30).open()
            case ("wait", seconds):
                script.wait(seconds)
    return script


_stories = st.lists(_steps, max_size=25).map(_tell)


def _told(lived: Lived) -> tuple[Any, ...]:
    outcome = (lived.messages, lived.versions, lived.sessions, lived.compared, lived.unmapped, lived.refused)
    return (*outcome, lived.facts)


@settings(deadline=None, max_examples=150)
@given(_stories)
def test_what_is_valid_in_1_6_becomes_valid_in_2_0_1(story: Script) -> None:
    """Schema-valid exchanges give schema-valid messages only, and no event that the csms would refuse."""
    lived = Lived(DEFAULT).feed(story.frames).settle()
    assert "schema.v16" not in lived.codes(), [row.detail for row in lived.rows("schema.v16")]
    assert "schema.v201" not in lived.codes(), [row.detail for row in lived.rows("schema.v201")]
    assert lived.refused == []
    for message in lived.messages:
        response = message.type is MessageType.RESPONSE
        assert violations(V201, message.action, response=response, payload=message.payload) == []


@settings(deadline=None, max_examples=150)
@given(_stories)
def test_each_transaction_is_a_legal_one(story: Script) -> None:
    """Started at most once and first, Ended at most once and last, seqNo without holes, one per EVSE at a time."""
    lived = Lived(DEFAULT).feed(story.frames).settle()
    by_id: dict[str, list[dict[str, Any]]] = {}
    running: dict[int, str] = {}
    for event in lived.events:
        transaction_id = event["transactionInfo"]["transactionId"]
        by_id.setdefault(transaction_id, []).append(event)
        if event["eventType"] == "Started":
            assert event["evse"]["id"] not in running
            running[event["evse"]["id"]] = transaction_id
        if event["eventType"] == "Ended":
            running = {evse: one for evse, one in running.items() if one != transaction_id}
    for events in by_id.values():
        kinds = [event["eventType"] for event in events]
        assert kinds.count("Started") == (0 if kinds[0] != "Started" else 1)
        assert kinds.count("Ended") <= 1
        assert "Ended" not in kinds[:-1]
        first = 0 if kinds[0] == "Started" else 1
        assert [event["seqNo"] for event in events] == list(range(first, first + len(events)))
        assert sum("evse" in event for event in events) <= 1


@settings(deadline=None, max_examples=100)
@given(_stories, st.data())
def test_ticks_change_no_outcome(story: Script, data: st.DataObject) -> None:
    """However often and whenever the ticker speaks, every row and message is the same, in the same order."""
    moments = data.draw(st.lists(st.integers(NOON, story.at + 100_000_000_000), max_size=30))
    ticks = [Frame("", "tick", number, at, FrameKind.TICK) for number, at in enumerate(moments)]
    mixed = sorted([*story.frames, *ticks], key=lambda frame: frame.received_at)
    plain = Lived(DEFAULT).feed(story.frames).feed([Frame("", "end", 0, story.at * 2, FrameKind.TICK)])
    ticked = Lived(DEFAULT).feed(mixed).feed([Frame("", "end", 0, story.at * 2, FrameKind.TICK)])
    assert _told(plain) == _told(ticked)


@settings(deadline=None, max_examples=100)
@given(_stories, st.data())
def test_duplicated_frames_change_no_outcome(story: Script, data: st.DataObject) -> None:
    """At least once is how topics deliver: lines that come twice, or a batch that comes again, change nothing."""
    frames = story.frames
    cut = data.draw(st.integers(0, len(frames)))
    back = data.draw(st.integers(0, cut))
    again = [*frames[:cut], *frames[back:cut], *frames[cut:]]
    assert _told(Lived(DEFAULT).feed(again).settle()) == _told(Lived(DEFAULT).feed(frames).settle())


@settings(deadline=None, max_examples=60)
@given(_stories, st.data())
def test_a_recording_split_anywhere_is_the_same(story: Script, data: st.DataObject) -> None:
    """Written line by line, split over files and read again: the same frames, the same outcome."""
    lines = [encode_line(frame) for frame in story.frames]
    cut = data.draw(st.integers(0, len(lines)))
    reader = Reader()
    frames = [frame for part in (lines[:cut], lines[cut:]) for frame in reader.read(part)]
    assert frames == story.frames


@settings(deadline=None, max_examples=60)
@given(_stories, st.data())
def test_a_restart_anywhere_is_the_same(story: Script, data: st.DataObject) -> None:
    """The state goes through bytes and lives on: every row as if nothing had happened."""
    cut = data.draw(st.integers(0, len(story.frames)))
    outcomes = []
    for restart in (False, True):
        state, rows = new_state("CP1"), []
        for number, frame in enumerate(story.frames):
            if restart and number == cut:
                state = codec.decode(codec.encode(state), JudgeState)
            state, judgement = judge(state, frame)
            seen = judgement.observations
            rows.append((seen.messages, seen.facts, judgement.sessions, judgement.discrepancies))
        assert codec.decode(codec.encode(state), JudgeState) == state
        outcomes.append(rows)
    assert outcomes[0] == outcomes[1]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**6), st.sampled_from(["", "kwh", "end"])), max_size=6),
)
def test_energy_is_conserved(sessions: list[tuple[int, int, str]]) -> None:
    """Without a finer sample the energy of the csms is meterStop - meterStart, to the Wh; so is what is billed."""
    script = Script().boot()
    expected = []
    for number, (begin, gained, sampled) in enumerate(sessions, start=1):
        script.start(number, "AA", begin, transaction=number).wait(7200)
        if sampled == "kwh":
            coarse = Decimal(begin + gained).scaleb(-3).quantize(Decimal("0.01"))
            script.meter(number, number, str(coarse), "Transaction.End", unit="kWh")
        if sampled == "end":
            script.meter(number, number, begin + gained, "Transaction.End")
        script.stop(number, begin + gained)
        expected.append(gained)
    lived = Lived(DEFAULT).feed(script.frames).settle()
    assert [session.shadow_energy_wh for session in lived.sessions.values()] == expected
    assert [session.primary_energy_wh for session in lived.sessions.values()] == expected
    assert "session.energy" not in lived.codes()


# -- anything at all --------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["Available", "2030-01-01T12:00:00Z", "1e400", "-1", "9999-12-31T23:59:60Z", "Charging"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["timestamp", "sampledValue", "value", "unit", "status"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_ACTIONS = (
    "Authorize", "BootNotification", "DataTransfer", "Heartbeat", "MeterValues", "StartTransaction",
    "StatusNotification", "StopTransaction", "RemoteStartTransaction", "RemoteStopTransaction", "Reset",
    "UnlockConnector", "ChangeAvailability", "TriggerMessage", "SetChargingProfile", "Nonsense",
)  # fmt: skip
_FIELDS = (
    "connectorId", "idTag", "meterStart", "meterStop", "timestamp", "transactionId", "reason", "transactionData",
    "meterValue", "status", "errorCode", "info", "type", "requestedMessage", "vendorId", "messageId", "data",
    "chargePointModel", "chargePointVendor", "firmwareVersion", "reservationId", "idTagInfo", "currentTime", "interval",
)  # fmt: skip
_likely = {
    "connectorId": st.integers(-1, 3) | _json,
    "transactionId": st.integers(-1, 3) | _json,
    "idTag": _tag | _json,
    "status": st.sampled_from(STATUSES) | st.just("Accepted") | _json,
    "timestamp": st.sampled_from(["2030-01-01T12:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]) | _json,
    "meterValue": st.lists(
        st.fixed_dictionaries({"timestamp": _json, "sampledValue": st.lists(_samples | _json, max_size=2) | _samples}),
        max_size=2,
    )
    | _json,
    "idTagInfo": _info | _json,
}
_payload = st.lists(st.sampled_from(_FIELDS), unique=True, max_size=8).flatmap(
    lambda names: st.fixed_dictionaries({name: _likely.get(name, _json) for name in names})
)
_message = st.one_of(
    st.tuples(st.just(2), st.sampled_from("abc"), st.sampled_from(_ACTIONS), _payload),
    st.tuples(st.just(3), st.sampled_from("abc"), _payload),
    st.tuples(st.just(4), st.sampled_from("abc"), st.text(max_size=4), st.just(""), st.just({})),
)
_text = _message.map(json.dumps) | st.text(max_size=20) | _json.map(json.dumps)


def _frames(said: Iterable[tuple[Direction, str, int]]) -> list[Frame]:
    frames, at = [], NOON
    for seq, (direction, text, passed) in enumerate(said):
        at += passed * 1_000_000
        frames.append(Frame("CP1", "CP1@0", seq, at, FrameKind.MESSAGE, direction, text))
    return frames


_noise = st.lists(
    st.tuples(st.sampled_from(list(Direction)), _text, st.sampled_from([0, 1, 70, 1000])), max_size=15
).map(_frames)


@settings(deadline=None, max_examples=400)
@given(_noise)
def test_nothing_that_is_said_stops_the_stream(frames: list[Frame]) -> None:
    """Any payload of any action, any answer, any text: lived, judged, stored and read back, never an exception."""
    lived = Lived(DEFAULT).feed(frames).settle()
    for state in lived.fleet.chargers.values():
        assert codec.decode(codec.encode(state), JudgeState) == state
    assert lived.refused == []
    assert "schema.v201" not in lived.codes(), [(row.path, row.detail) for row in lived.rows("schema.v201")]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.data())
def test_chargers_do_not_touch_each_other(seed: int, data: st.DataObject) -> None:
    """Fed charger by charger instead of by time, each charger's rows are the same."""
    traffic = list(Traffic(seed=seed, chargers=4, sessions_per_charger=1, fault_share=0.5))
    end = Frame("", "end", 0, traffic[-1].received_at * 2, FrameKind.TICK)
    together = Lived(DEFAULT).feed(traffic).feed([end])
    order = data.draw(st.permutations(sorted({frame.charger_id for frame in traffic})))
    apart = Lived(DEFAULT)
    grouped = {key: list(group) for key, group in groupby(sorted(traffic, key=_by_charger), key=_by_charger)}
    for charger_id in order:
        apart.feed(grouped[charger_id])
    apart.feed([end])
    assert together.discrepancies == apart.discrepancies
    assert together.sessions == apart.sessions


def _by_charger(frame: Frame) -> str:
    return frame.charger_id


def test_the_stories_are_valid_1_6() -> None:
    """The strategies draw what they claim: every drawn call of a long story keeps its schema."""
    story = _tell([("status", 1, "Charging", 0), ("stop", -1, 5, "Local", "AA", 0), ("boot",), ("wait", 1)])
    for frame in story.frames:
        if frame.text.startswith("[2"):
            _, _, action, payload = json.loads(frame.text)
            assert violations(V16, action, response=False, payload=payload) == []
    assert replace(story.frames[0], seq=0) == story.frames[0]
