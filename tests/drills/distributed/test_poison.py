"""Drill: in every action of OCPP 1.6, from either side, messages that are garbled in every way that we know of.

Each leaves a finding, or a dead letter where it is not even a frame; the sessions around them are judged as ever.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from ocpp.v16.enums import Action

from app.stack.broker import Broker
from diff.fleet import Fleet
from diff.store.engine import EmbeddedEngine
from ingest import cloudevents
from ingest.exchange import Unreadable
from ingest.frame import Direction, Frame, FrameKind, Handshake
from ingest.timestamps import format_micros
from tests.drills.distributed.load import Load
from tests.drills.distributed.outcome import Outcome
from tests.drills.distributed.runtime import Runtime

DEEP = 5_000
_WRONG = (
    '{"connectorId":{"a":[]},"idTag":17,"timestamp":true,"meterStart":"many","meterStop":[],"transactionId":"x","status":5,'
    '"errorCode":null,"meterValue":"none","chargePointVendor":[],"currentTime":0,"vendorId":{},"requestedMessage":1,'
    '"type":[],"key":7,"location":[],"retrieveDate":0,"listVersion":"one","updateType":{},"duration":"long","id":"x",'
    '"reservationId":"x","expiryDate":[],"csChargingProfiles":7,"certificateChain":1,"certificateType":1,"csr":1,'
    '"certificate":1,"certificateHashData":1,"log":1,"logType":1,"requestId":"x","firmware":1,"unknown":1}'
)
_HUGE = (
    f'{{"connectorId":{10**400},"meterStart":1e999,"meterStop":-1e-999,"transactionId":{2**64},"idTag":"{"9" * 5000}",'
    f'"timestamp":"99999-99-99T99:99:99.{"9" * 5000}Z","interval":{10**40},"listVersion":1{"0" * 5000},'
    '"reservationId":1e400,'
    '"meterValue":[{"timestamp":"+292277026596-12-04T15:30:07Z","sampledValue":[{"value":"1e999999999"},{"value":"NaN"}]}]}'
)
PAYLOADS = {
    "a list": "[1,2,3]",
    "a text": '"none"',
    "a number": "17",
    "null": "null",
    "wrong types": _WRONG,
    "huge numbers": _HUGE,
    "deep nesting": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep lists": "[" * DEEP + "]" * DEEP,
    "a lone surrogate": '{"idTag":"\\ud800","connectorId":"\\udfff","unknown":1}',
    "cut off": '{"connectorId":1,"idT',
    "not closed": '{"connectorId":1,"idTag":"A"}]]',
}


def garbled(action: str) -> Iterator[tuple[str, str]]:
    """How, and the text of a call."""
    for how, payload in PAYLOADS.items():
        yield how, f'[2,"{action}/{how}","{action}",{payload}]'
    yield "no payload", f'[2,"{action}/bare","{action}"]'
    yield "a number as its id", f'[2,17,"{action}",{{}}]'
    yield "another type", f'[5,"{action}/five","{action}",{{}}]'
    yield "no JSON", f"{action}?"


class Conversation:
    """One charging station's frames, made by hand: seconds apart, ids and places in order."""

    def __init__(self, charger_id: str, at: int) -> None:
        self.charger_id, self.at = charger_id, at
        self.frames: list[Frame] = []
        self.poison: dict[str, str] = {}
        """By frame id: what is wrong with it."""
        self._add(FrameKind.OPENED, handshake=Handshake(subprotocol="ocpp1.6", status=101))
        self.exchange("BootNotification", '{"chargePointVendor":"Elm","chargePointModel":"One"}', BOOTED)

    def exchange(self, action: str, payload: str, answer: str) -> None:
        """A good call of the charging station with its good answer."""
        name = f"good-{len(self.frames)}"
        self.say(Direction.CP_TO_CS, f'[2,"{name}","{action}",{payload}]')
        self.say(Direction.CS_TO_CP, f'[3,"{name}",{answer}]')

    def say(self, direction: Direction, text: str, wrong: str = "") -> None:
        frame = self._add(FrameKind.MESSAGE, direction=direction, text=text)
        if wrong:
            self.poison[frame.frame_id] = f"{self.charger_id}: {wrong}"

    def session(self, transaction_id: int) -> None:
        """A whole good session of 500 Wh."""
        stamp = f'"timestamp":"{format_micros(self.at)}"'
        start = f'{{"connectorId":1,"idTag":"A","meterStart":100,{stamp}}}'
        stop = f'{{"transactionId":{transaction_id},"meterStop":600,{stamp}}}'
        self.exchange("StartTransaction", start, f'{{"transactionId":{transaction_id},"idTagInfo":{ACCEPTED}}}')
        self.exchange("StopTransaction", stop, f'{{"idTagInfo":{ACCEPTED}}}')

    def _add(self, kind: FrameKind, **fields: object) -> Frame:
        self.at += 1_000_000
        frame = Frame(self.charger_id, f"{self.charger_id}@1", len(self.frames), self.at, kind, **fields)  # type: ignore[arg-type]
        self.frames.append(frame)
        return frame


BOOTED = '{"currentTime":"2026-06-01T08:00:00Z","interval":300,"status":"Accepted"}'
ACCEPTED = '{"status":"Accepted"}'


def _conversation(action: str, at: int) -> Conversation:
    """Poison between two good sessions and heartbeats."""
    talk = Conversation(f"POISON-{action}", at)
    talk.session(1)
    for direction in Direction:
        for how, text in garbled(action):
            talk.say(direction, text, f"{how}, {direction.value}")
        # A call that is right, and answers to it that are not.
        for how in ("a list", "wrong types", "huge numbers", "deep nesting", "cut off"):
            talk.say(direction, f'[2,"ask/{how}{direction}","{action}",{{}}]')
            talk.say(direction.opposite, f'[3,"ask/{how}{direction}",{PAYLOADS[how]}]', f"{how} as the answer")
        talk.exchange("Heartbeat", "{}", '{"currentTime":"2026-06-01T08:00:00Z"}')
    talk.session(2)
    return talk


def _unnoticed(talk: Conversation) -> list[str]:
    """Poison of which neither a finding nor the reading of the frame says anything."""
    fleet, found = Fleet(), []
    for frame in talk.frames:
        judgements = list(fleet.feed(frame))
        seen = [judgement.observations for judgement in judgements]
        told = any(one.findings or one.unmapped or isinstance(one.event, Unreadable) for one in seen)
        if frame.frame_id in talk.poison and not told and not any(one.discrepancies for one in judgements):
            found.append(talk.poison[frame.frame_id])
    assert fleet.take_faults() == []
    return found


@pytest.mark.drill
def test_poison_stops_nothing(
    tmp_path: Path, drill_broker: Broker, drill_engine: EmbeddedEngine, tell: Callable[[str], None]
) -> None:
    """Every garbled message is stored as a frame and leaves a finding; records that are no frames leave dead letters;
    and everything around them is lived as it would have been.
    """
    now = time.time_ns() // 1000
    talks = [_conversation(action.value, now) for action in Action]
    with Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        runtime.start("worker")
        runtime.start("sink")
        runtime.publish(frame for talk in talks for frame in talk.frames[:40])
        no_frames = _publish_no_frames(runtime)
        runtime.publish(frame for talk in talks for frame in talk.frames[40:])
        runtime.drain()
        runtime.check()
        outcome = Outcome.of(runtime)
    poison = sum(len(talk.poison) for talk in talks)
    tell(
        f"poison: {poison} garbled messages in {len(talks)} actions, {no_frames} records that are none: {outcome.line}"
    )
    outcome.check()
    assert [row["reason"] for row in outcome.letters if row["source"] != "worker"] == []
    assert len(outcome.letters) == no_frames == outcome.record.undecodable
    assert [name for talk in talks for name in _unnoticed(talk)] == []
    whole = [row for row in outcome.stored["sessions"] if row["complete"]]
    assert len(whole) == 2 * len(talks)


def _publish_no_frames(runtime: Runtime) -> int:
    """Records in the topic of frames that hold none; gives how many."""
    frame = Frame("POISON-record", "POISON-record@1", 0, 1, FrameKind.MESSAGE, Direction.CP_TO_CS, "[]")
    key, value, headers = cloudevents.encode(frame)
    given = dict(headers)

    def but(**changed: bytes | None) -> list[tuple[str, bytes]]:
        return [(name, what) for name, what in {**given, **changed}.items() if what is not None]

    records = [
        (key, b"\xff\xfe[2", headers),
        (key, b'[2,"\xc3\x28","Heartbeat",{}]', headers),
        (key, value, []),
        (key, None, []),
        (b"\xff", value, headers),
        (None, value, headers),
        (b"someone else", value, headers),
        *((key, value, but(**{name: None})) for name in ("ce_type", "ce_connection", "ce_sequence", "ce_time")),
        (key, value, but(ce_sequence=b"-1")),
        (key, value, but(ce_sequence=b"9" * 5000)),
        (key, value, but(ce_time=b"yesterday")),
        (key, value, but(ce_type=b"ocpp.frame.none.v1")),
        (key, value, but(ce_direction=b"up")),
        (key, value, but(ce_handshake=b"[" * DEEP)),
        (key, value, but(ce_gap=b'{"bytes_missing":"many"}')),
    ]
    producer = KafkaProducer(bootstrap_servers=runtime.broker.bootstrap, acks="all")
    sent = [
        producer.send(runtime.topics.frames, what, name, headers=given, partition=number % runtime.topics.partitions)
        for number, (name, what, given) in enumerate(records)
    ]
    producer.flush()
    producer.close()
    assert all(one.get(0) for one in sent)
    return len(records)


@pytest.mark.drill
def test_poison_on_the_wire_costs_its_connection_at_most(
    tmp_path: Path,
    drill_broker: Broker,
    drill_engine: EmbeddedEngine,
    tell: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same through the tap, with broken UTF-8: what reaches the primary is what was sent, and the tap goes on."""
    caplog.set_level(logging.CRITICAL, "asyncio")  # what the primary's own package has to say of each of them
    texts = [text for action in Action for _, text in garbled(action.value)]
    with Load(chargers=6) as load, Runtime(tmp_path, drill_broker, drill_engine) as runtime:
        port = runtime.start_all(load)
        load.poison(port, texts)
        codes = load.broken_utf8(port, 5)
        runtime.recovered()
        wire = load.enough()
        runtime.drain()
        outcome = Outcome.of(runtime)
    said = [frame for frame in outcome.record.frames if frame.charger_id == "POISON"]
    tell(
        f"poison on the wire: {len(texts)} texts and {len(codes)} texts that are no UTF-8: {outcome.line}; {wire.line}"
    )
    outcome.check()
    assert outcome.letters == []
    assert (wire.failures, wire.changed) == ({}, [])
    assert sum(frame.direction is Direction.CP_TO_CS for frame in said) == len(texts) + 1
    assert codes == [1007] * 5
    broken = [frame for frame in outcome.record.frames if frame.charger_id == "BROKEN"]
    assert sum(frame.kind is FrameKind.OPENED for frame in broken) == 5
    assert sum(frame.kind is FrameKind.CLOSED for frame in broken) == 5
