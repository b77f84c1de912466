"""Whatever schema-valid OCPP 1.6 is said, in whatever order: what the shadow makes of it is right 2.0.1.

The dialogues are drawn from the official schemas. `pytest --hypothesis-profile=deep` draws many more of them.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from demo.script import Script
from ingest import ocppj
from ingest.frame import Direction, Frame, FrameKind
from ingest.ocppj import Call, CallResult
from shadow import codec, topology
from shadow.config import DEFAULT, SECOND, ShadowConfig, checked
from shadow.message import Finding, MessageType, Observations, ShadowMessage
from shadow.native.rules import check
from shadow.quantities import ENERGY_REGISTER
from shadow.schema import V201, violations
from shadow.state import ChargerState
from shadow.step import step
from tests.properties.dialogues import HUGE, dialogues, native_dialogues

_many = settings(deadline=None, max_examples=max(300, settings().max_examples))
"""A few seconds a property; a profile may ask for more."""


def _lived(frames: list[Frame], config: ShadowConfig = DEFAULT) -> tuple[ChargerState, list[Observations]]:
    """Each frame lived by the core alone, and one tick at the end behind every deadline."""
    state, all_seen = ChargerState("CP1"), []
    end = Frame("", "end", 0, frames[-1].received_at + 10**13 if frames else 0, FrameKind.TICK)
    for frame in (*frames, end):
        state, seen = step(state, frame, config)
        all_seen.append(seen)
    return state, all_seen


def _messages(seen: list[Observations]) -> list[ShadowMessage]:
    return [message for one in seen for message in one.messages]


def _findings(seen: list[Observations]) -> list[Finding]:
    return [finding for one in seen for finding in one.findings]


@_many
@given(dialogues())
def test_the_dialogues_are_valid_16_and_what_comes_of_them_is_valid_201(story: Script) -> None:
    """No message of the dialogue breaks a 1.6 schema, and no derived message a 2.0.1 schema."""
    _, seen = _lived(story.frames)
    named = [(one.code, one.path, one.found) for one in _findings(seen) if one.code.startswith("schema.")]
    # A Plug & Charge message inside is text to 1.6: what is wrong with it is named, and the dialogue is valid 1.6.
    assert [one for one in named if not one[1].startswith("DataTransfer.")] == []
    for message in _messages(seen):
        if message.type is not MessageType.ERROR:
            response = message.type is MessageType.RESPONSE
            assert violations(V201, message.action, response=response, payload=message.payload) == []


_points = st.sets(st.sampled_from(["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"]), min_size=1)
_configs = st.builds(
    ShadowConfig,
    tx_start_points=_points.map(frozenset),
    tx_stop_points=_points.map(frozenset),
    reorder_horizon=st.sampled_from([0, 2 * SECOND, 300 * SECOND]),
    topology=st.sampled_from([topology.DEFAULT, topology.parse({"station": [{"connectors": {1: [1, 1], 2: [1, 2]}}]})]),
)


@_many
@given(dialogues(longest=30), _configs)
def test_each_transaction_is_legal_for_the_csms(story: Script, config: ShadowConfig) -> None:
    """The 2.0.1 CSMS refuses no event; one Started at most, one Ended at most and last, seqNo without holes.

    Whatever the operator has chosen: start and stop points, the reorder horizon, two cables on one EVSE.
    """
    assert checked(config) == config
    _, seen = _lived(story.frames, config)
    assert [refused for one in seen for refused in one.refused] == []
    by_id: dict[str, list[dict[str, Any]]] = {}
    for message in _messages(seen):
        if message.action == "TransactionEvent" and message.type is MessageType.REQUEST:
            by_id.setdefault(message.payload["transactionInfo"]["transactionId"], []).append(message.payload)
    for events in by_id.values():
        kinds = [event["eventType"] for event in events]
        assert "Started" not in kinds[1:]
        assert "Ended" not in kinds[:-1]
        first = 0 if kinds[0] == "Started" else 1
        assert [event["seqNo"] for event in events] == list(range(first, first + len(events)))


BY_16 = {
    "E01.FR.12": "the primary answered a stop with a token by an empty StopTransaction.conf, which 1.6 allows",
    "E01.FR.13": "its StartTransaction names no reservation though its token has one, expired ones included",
    "J02.FR.16": "the station's own register runs backwards",
    "E06.FR.11": "its Transaction.End samples came and no StopTransaction did",
    "B01.FR.05": "it told no status of a connector before it charged there",
    "B01.FR.08": "it spoke before its BootNotification was accepted",
}
"""Requirements of TransactionEvents that station or primary break in 1.6: the shadow tells what was said."""


@_many
@given(dialogues("sessions", "sessions", "plausible", "mixed", longest=30))
def test_transaction_events_keep_the_requirements_of_201(story: Script) -> None:
    """The rules that judge a native station judge the virtual one: none is broken but by what 1.6 itself said.

    Without a reorder horizon: the rules look back on what was said, and a Started that waits is said behind commands
    that came after it.
    """
    # The rules read integers of at most 63 bits, and take an EVSE of a larger number for none.
    assume(not any(f'"connectorId":{HUGE}' in frame.text for frame in story.frames))
    _, seen = _lived(story.frames, ShadowConfig(reorder_horizon=0))
    broken = [one for one in check(_messages(seen)) if "TransactionEvent" in one.path]
    assert [(one.path, one.fault) for one in broken if one.rule.id not in BY_16] == []


@_many
@given(dialogues(longest=30))
def test_every_answer_answers_a_request(story: Script) -> None:
    """A 2.0.1 response or error stands behind a request of its action, from the other side, that nothing answered yet.

    Both are made of the same 1.6 call: an answer to what was never asked would be an orphan on a real connection.
    """
    _, seen = _lived(story.frames)
    waiting: Counter[tuple[str, Direction, str]] = Counter()
    for message in _messages(seen):
        if message.type is MessageType.REQUEST:
            waiting.update((message.action, message.direction, cause) for cause in message.caused_by)
            continue
        key = (message.action, message.direction.opposite, message.caused_by[0])
        assert waiting[key] > 0, (message, [(frame.direction, frame.text) for frame in story.frames])
        waiting[key] -= 1


@_many
@given(dialogues())
def test_living_it_again_gives_the_same(story: Script) -> None:
    """The same frames give the same observations and the same state, which goes through bytes unchanged."""
    state, seen = _lived(story.frames)
    again, seen_again = _lived(story.frames)
    assert seen == seen_again
    assert codec.encode(state) == codec.encode(again)
    assert codec.decode(codec.encode(state), ChargerState) == state


@_many
@given(dialogues("sessions", "sessions", "plausible", "mixed", longest=30))
def test_energy_is_conserved_or_a_code_says_why_not(story: Script) -> None:
    """What 1.6 reported from meterStart to meterStop is what the TransactionEvents carry, to the digit.

    Where it is not, a finding of the shadow names the transaction or one of its frames and says why.
    """
    _, seen = _lived(story.frames)
    events = [one for one in _messages(seen) if one.action == "TransactionEvent" and one.type is MessageType.REQUEST]
    explained = [one for one in _findings(seen) if one.code.partition(".")[0] in ("meter", "session", "tap", "clock")]
    for start, stop, reported in _reported(story.frames):
        own = [one for one in events if start in one.caused_by or stop in one.caused_by]
        ids = {one.payload["transactionInfo"]["transactionId"] for one in own}
        carried = _carried([one.payload for one in events if one.payload["transactionInfo"]["transactionId"] in ids])
        if len(ids) == 1 and carried == reported:
            continue
        assert any(one.transaction_id in ids or start in one.frames or stop in one.frames for one in explained), (
            reported,
            carried,
            [(frame.received_at, frame.text) for frame in story.frames],
        )


def _reported(frames: list[Frame]) -> list[tuple[str, str, Decimal]]:
    """The transactions as the 1.6 frames alone tell them: frame of start and of stop, and the Wh between.

    Read without the product's state: a start whose answer gave an id that was given once, and the one stop with it.
    """
    calls: dict[str, tuple[Frame, Call]] = {}
    starts: dict[int, tuple[str, int]] = {}
    stops: dict[int, tuple[str, int]] = {}
    given: Counter[int] = Counter()
    stopped: Counter[int] = Counter()
    for frame in frames:
        message = ocppj.parse(frame.text)
        if isinstance(message, Call) and frame.direction is Direction.CP_TO_CS:
            calls[message.message_id] = (frame, message)
            if message.action == "StopTransaction":
                stops[message.payload["transactionId"]] = (frame.frame_id, message.payload["meterStop"])
                stopped[message.payload["transactionId"]] += 1
        elif isinstance(message, CallResult) and message.message_id in calls:
            called, call = calls[message.message_id]
            if call.action == "StartTransaction":
                issued = message.payload["transactionId"]
                starts[issued] = (called.frame_id, call.payload["meterStart"])
                given[issued] += 1
    return [
        (start, stops[issued][0], Decimal(stops[issued][1] - meter))
        for issued, (start, meter) in starts.items()
        if given[issued] == stopped[issued] == 1
    ]


def _carried(events: list[dict[str, Any]]) -> Decimal | None:
    """The energy of a transaction's TransactionEvents in Wh: the last register of the end less the first of the begin.

    E01.FR.09 and E06.FR.11 put meterStart into Started and meterStop into Ended.
    """
    ends: dict[str, list[Decimal]] = {"Transaction.Begin": [], "Transaction.End": []}
    for event in events:
        for element in event.get("meterValue", ()):
            for sample in element["sampledValue"]:
                unit = sample.get("unitOfMeasure", {})
                if (
                    sample.get("context") in ends
                    and sample.get("measurand", ENERGY_REGISTER) == ENERGY_REGISTER
                    and "phase" not in sample
                    and (unit.get("unit", "Wh"), unit.get("multiplier", 0)) == ("Wh", 0)
                    and event["eventType"] in ("Started", "Ended")
                ):
                    ends[sample["context"]].append(Decimal(str(sample["value"])))
    if not ends["Transaction.Begin"] or not ends["Transaction.End"]:
        return None
    return ends["Transaction.End"][0] - ends["Transaction.Begin"][0]


def test_a_plain_session_is_reported_and_carried() -> None:
    """The two readings of the last property agree on an ordinary session: it does not pass by finding nothing."""
    story = Script().boot().start(1, "04A1B2C3", 1000, transaction=7).wait(600).stop(7, 3500)
    _, seen = _lived(story.frames)
    assert [wh for _, _, wh in _reported(story.frames)] == [Decimal(2500)]
    assert _carried([one.payload for one in _messages(seen) if one.action == "TransactionEvent"]) == Decimal(2500)


@_many
@given(native_dialogues())
def test_native_dialogues_are_lived_as_they_stand(story: Script) -> None:
    """Whatever valid 2.0.1 is said: no schema finding, every message into the csms unchanged, and the same again."""
    state, seen = _lived(story.frames)
    assert [(one.path, one.found) for one in _findings(seen) if one.code.startswith("schema.")] == []
    assert codec.decode(codec.encode(state), ChargerState) == state
    assert _lived(story.frames)[1] == seen
    said = Counter(_texts(story))
    for message in _messages(seen):
        if message.type is not MessageType.ERROR and message.action != "BootNotification":
            assert said[_canonical(message.payload)] > 0


def _texts(story: Script) -> list[bytes]:
    parsed = (ocppj.parse(frame.text) for frame in story.frames)
    payloads = (one.payload for one in parsed if isinstance(one, Call | CallResult))
    return [_canonical(payload) for payload in payloads]


_canonical = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
