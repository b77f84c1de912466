"""The traffic generator: well-formed, seeded, and honest about what it planted."""

import copy
from collections import Counter
from decimal import Decimal
from itertools import groupby

import ocpp.messages
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.faults import BY_NAME, FAULTS, Fault
from demo.traffic import Traffic, frames
from ingest.exchange import Answered, Called, Pairing, pair
from ingest.frame import Frame, FrameKind
from ingest.ocppj import Call, CallResult, Malformed, parse
from ingest.timestamps import parse_stamp


def _messages(stream: list[Frame]) -> list[Frame]:
    return [frame for frame in stream if frame.kind is FrameKind.MESSAGE]


def _validate(message: ocpp.messages.Call | ocpp.messages.CallResult) -> None:
    ocpp.messages._validate_payload(copy.deepcopy(message), "1.6")


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_clean_traffic_is_valid_by_the_official_schemas(seed: int) -> None:
    """Every call and answer of a fleet without faults pairs up and validates against its 1.6 schema."""
    pairing = Pairing()
    answered = 0
    for frame in _messages(list(frames(seed, 6, 3, faults=False))):
        event = pair(pairing, frame, parse(frame.text))
        if isinstance(event, Called):
            assert not event.reused_id
            call = ocpp.messages.unpack(frame.text)
            _validate(call)
        else:
            assert isinstance(event, Answered)
            result = ocpp.messages.unpack(frame.text)
            assert isinstance(result, ocpp.messages.CallResult)
            result.action = event.request.call.action
            _validate(result)
            answered += 1
    assert answered > 100
    assert not pairing.pending


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_clean_chargers_keep_the_rules_of_time_and_energy(seed: int) -> None:
    """Without faults registers never fall, stamps never run ahead or back, and the primary bills what was metered."""
    traffic = Traffic(seed=seed, chargers=6, sessions_per_charger=3, fault_share=0)
    registers: dict[tuple[str, int], Decimal] = {}
    for frame in _messages(list(traffic)):
        message = parse(frame.text)
        if not isinstance(message, Call) or message.action != "MeterValues":
            continue
        for element in message.payload["meterValue"]:
            at = parse_stamp(element["timestamp"]).at
            assert at is not None
            assert frame.received_at - 1_000_000 < at <= frame.received_at
            energy = element["sampledValue"][0]
            wh = Decimal(energy["value"]) * (1000 if energy["unit"] == "kWh" else 1)
            key = (frame.charger_id, message.payload["connectorId"])
            assert wh >= registers.get(key, Decimal(0))
            registers[key] = wh
    billed = {(row.charger_id, row.transaction_id): row.energy_wh for row in traffic.books.ledger}
    metered = {(row.charger_id, row.transaction_id): row.energy_wh for row in traffic.sessions}
    assert billed == metered
    assert len(billed) >= 18
    assert all(energy is not None and energy > 0 for energy in billed.values())
    assert traffic.books.orphan_stops == 0


def test_the_seed_decides_every_byte() -> None:
    """The same arguments give the same frames and ground truth, another seed gives others."""
    first, second = (Traffic(seed=11, chargers=12, sessions_per_charger=2) for _ in range(2))
    assert list(first) == list(second)
    assert first.planted == second.planted
    assert list(frames(12, 12, 2)) != list(frames(11, 12, 2))


def test_frames_are_in_order_and_without_holes() -> None:
    """Times never fall over the fleet, and sequence numbers of a connection count from 0."""
    stream = list(frames(5, 30, 2))
    times = [frame.received_at for frame in stream]
    assert times == sorted(times)
    by_connection = sorted(stream, key=lambda frame: (frame.connection_id, frame.seq))
    for _, group in groupby(by_connection, key=lambda frame: frame.connection_id):
        members = list(group)
        assert [frame.seq for frame in members] == list(range(len(members)))
        assert members[0].kind is FrameKind.OPENED
        assert members[-1].kind is FrameKind.CLOSED


def test_every_fault_of_the_table_can_be_planted() -> None:
    """A fleet of faulty chargers as large as the table plants each fault exactly once."""
    traffic = Traffic(seed=2, chargers=len(FAULTS), sessions_per_charger=2, fault_share=1)
    list(traffic)
    assert Counter(planted.fault for planted in traffic.planted) == Counter({fault.name: 1 for fault in FAULTS})


def _only(name: str) -> tuple[Traffic, list[Frame]]:
    traffic = Traffic(seed=9, chargers=1, sessions_per_charger=1, fault_share=1, faults=(BY_NAME[name],))
    return traffic, _messages(list(traffic))


def _calls(stream: list[Frame], action: str) -> list[Call]:
    parsed = [parse(frame.text) for frame in stream]
    return [message for message in parsed if isinstance(message, Call) and message.action == action]


def test_a_retried_start_is_answered_with_another_id() -> None:
    """Two starts with one payload and two message ids open two transactions at the primary."""
    traffic, stream = _only("start-retried-other-id")
    first, second = _calls(stream, "StartTransaction")
    assert first.payload == second.payload
    assert first.message_id != second.message_id
    assert len({row.transaction_id for row in traffic.books.ledger}) == 2


def test_a_reboot_leaves_its_session_open_on_both_sides() -> None:
    """After a reboot in mid-session there are two boots, two connections and no stop."""
    traffic, stream = _only("reboot-in-session")
    assert len(_calls(stream, "BootNotification")) == 2
    assert not _calls(stream, "StopTransaction")
    assert len({frame.connection_id for frame in stream}) == 2
    assert [row.energy_wh for row in traffic.sessions] == [None]
    assert [row.energy_wh for row in traffic.books.ledger] == [None]


def test_colliding_ids_stand_on_two_connectors_at_once() -> None:
    """Both starts are answered with the same id before either of them stops."""
    _, stream = _only("colliding-ids")
    actions = [m.action for m in map(parse, (f.text for f in stream)) if isinstance(m, Call)]
    starts = [place for place, action in enumerate(actions) if action == "StartTransaction"]
    assert len(starts) == 2
    assert starts[1] < actions.index("StopTransaction")
    assert {call.payload["connectorId"] for call in _calls(stream, "StartTransaction")} == {1, 2}
    assert {call.payload["transactionId"] for call in _calls(stream, "StopTransaction")} == {1}


@pytest.mark.parametrize("seed", range(5))
def test_a_register_runs_backwards_whatever_the_power(seed: int) -> None:
    """One reading lies below the one before it, and the next one is right again."""
    fault = BY_NAME["register-backwards"]
    traffic = Traffic(seed=seed, chargers=1, sessions_per_charger=1, fault_share=1, faults=(fault,))
    values = [
        Decimal(call.payload["meterValue"][0]["sampledValue"][0]["value"])
        for call in _calls(_messages(list(traffic)), "MeterValues")
    ]
    assert values[2] < values[1]
    assert sorted(values[:2] + values[3:]) == values[:2] + values[3:]


def test_an_offline_session_arrives_late_but_whole() -> None:
    """The replayed session is stamped fifty minutes back and billed as the meter counted it."""
    traffic, stream = _only("offline-replay")
    frame = next(f for f in stream if "StartTransaction" in f.text)
    message = parse(frame.text)
    assert isinstance(message, Call)
    stamped = parse_stamp(message.payload["timestamp"]).at
    assert stamped is not None
    assert 2_900_000_000 < frame.received_at - stamped < 3_100_000_000
    assert [row.energy_wh for row in traffic.books.ledger] == [3600]


def test_a_truncated_text_is_malformed_and_stays_unanswered() -> None:
    """Exactly one text of the charger cannot be parsed, and no answer bears its id."""
    _, stream = _only("truncated-json")
    broken = [f for f in stream if isinstance(parse(f.text), Malformed)]
    assert len(broken) == 1
    message_id = broken[0].text.split('"')[1]
    assert not any(isinstance(m, CallResult) and m.message_id == message_id for m in (parse(f.text) for f in stream))


@pytest.mark.parametrize(
    ("name", "found"),
    [("stop-placeholder-minus-one", -1), ("stop-placeholder-maximum", 2_147_483_647)],
)
def test_a_placeholder_stands_in_place_of_the_register(name: str, found: int) -> None:
    """MeterStop is the placeholder while the end sample tells the truth."""
    _, stream = _only(name)
    (stop,) = _calls(stream, "StopTransaction")
    assert stop.payload["meterStop"] == found
    end = stop.payload["transactionData"][-1]["sampledValue"][0]
    assert Decimal(end["value"]) > 1_000_000


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if "schema.v16" in fault.codes], ids=lambda f: f.name)
def test_schema_faults_break_the_official_schema(fault: Fault) -> None:
    """What is planted as schema.v16 is refused by the 1.6 schemas, in one message and no other."""
    _, stream = _only(fault.name)
    refused = 0
    for frame in stream:
        message = ocpp.messages.unpack(frame.text)
        if isinstance(message, ocpp.messages.Call):
            try:
                _validate(message)
            except ocpp.exceptions.OCPPError:
                refused += 1
    assert refused == 1


def test_the_codes_of_the_table_name_only_known_families() -> None:
    """No fault promises a code twice, or both as a must and as a may."""
    for fault in FAULTS:
        named = [*fault.codes, *fault.also]
        assert len(named) == len(set(named)), fault.name
        assert fault.codes
        assert {code.partition(".")[0] for code in named} <= {"session", "meter", "clock", "schema", "rpc", "status"}


def test_frames_are_made_as_they_are_drawn() -> None:
    """The first frame comes before any session has been lived."""
    traffic = Traffic(seed=1, chargers=3, sessions_per_charger=50)
    assert next(iter(traffic)).kind is FrameKind.OPENED
    assert traffic.sessions == []
