"""A batch lived: the same as one frame after the other, whatever the batches, and a poison frame harms nobody."""

import itertools
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.distributed import living
from app.distributed.living import Arrival, Batch, Living
from demo.lived import Lived
from demo.script import Script
from demo.traffic import frames as fleet_frames
from diff.applied import AppliedFrames
from diff.discrepancy import Discrepancy, JudgedSession
from diff.published import decode
from diff.rejudge import RejudgeRequest
from diff.store.tables import ChargerFacts, DeadLetter
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from shadow.config import DEFAULT
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

TOPICS = Topics()
FLEET = list(itertools.islice(fleet_frames(3, 6, 3), 900))


class Shelf:
    """A store of states, and what came out."""

    def __init__(self) -> None:
        self.states: dict[tuple[int, str], bytes] = {}
        self.living = Living(TOPICS, lambda partition, charger: self.states.get((partition, charger)))
        self.out: dict[str, list[bytes]] = {}
        self.batches: list[Batch] = []
        self.offsets: dict[int, int] = {}

    def live(self, frames: Iterable[Frame], partition: int = 0, offset: int | None = None) -> None:
        """Give frames to a worker, behind those before or at an offset."""
        begin = self.offsets.get(partition, 0) if offset is None else offset
        arrivals = [Arrival(partition, number, frame) for number, frame in enumerate(frames, begin)]
        self.offsets[partition] = begin + len(arrivals)
        batch = self.living.live(arrivals)
        self.states.update(batch.states)
        self.batches.append(batch)
        for (topic, _), records in (*batch.outputs.items(), *batch.requests.items()):
            self.out.setdefault(topic, []).extend(record.value for record in records)

    def forget(self) -> None:
        self.living.forget([(charger, data) for (_, charger), data in self.states.items()])

    @property
    def messages(self) -> list[ShadowMessage]:
        return [decode(value, ShadowMessage) for value in self.out.get(TOPICS.messages, [])]

    @property
    def facts(self) -> list[Fact]:
        return [decode(value, Fact) for value in self.out.get(TOPICS.device_facts, [])]

    @property
    def versions(self) -> list[Discrepancy]:
        return [decode(value, Discrepancy) for value in self.out.get(TOPICS.discrepancies, [])]

    @property
    def sessions(self) -> dict[str, JudgedSession]:
        found = [decode(value, JudgedSession) for value in self.out.get(TOPICS.sessions, [])]
        return {session.session_id: session for session in found}

    @property
    def applied(self) -> dict[str, set[int]]:
        """Numbers of the frames that were told as lived, by connection."""
        found: dict[str, set[int]] = {}
        for value in self.out.get(TOPICS.applied, []):
            for one in decode(value, AppliedFrames).ranges:
                found.setdefault(one.connection_id, set()).update(range(one.first, one.last + 1))
        return found

    @property
    def letters(self) -> list[DeadLetter]:
        return [decode(value, DeadLetter) for value in self.out.get(TOPICS.dead_letters, [])]


def _by_charger(items: list) -> dict[str, list]:
    return {key: [one for one in items if one.charger_id == key] for key in {one.charger_id for one in items}}


def _numbers(frames: Iterable[Frame]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for frame in frames:
        if frame.kind not in (FrameKind.TICK, FrameKind.RECORD):
            found.setdefault(frame.connection_id, set()).add(frame.seq)
    return found


@given(st.lists(st.integers(1, 200), min_size=1, max_size=8), st.lists(st.booleans(), min_size=1, max_size=5))
@settings(deadline=None, max_examples=15)
def test_batches_change_nothing(sizes: list[int], forgets: list[bool]) -> None:
    """Any cutting into batches, with states taken from their bytes or from memory, gives what single frames give."""
    shelf, rest = Shelf(), iter(FLEET)
    for size, forget in zip(itertools.cycle(sizes), itertools.cycle(forgets), strict=False):
        part = list(itertools.islice(rest, size))
        if not part:
            break
        shelf.live(part)
        if forget:
            shelf.forget()
    lived = Lived(DEFAULT).feed(FLEET)

    assert _by_charger(shelf.messages) == _by_charger(lived.messages)
    assert _by_charger(shelf.facts) == _by_charger(lived.facts)
    assert _by_charger(shelf.versions) == _by_charger(lived.versions)
    assert shelf.sessions == lived.sessions
    assert shelf.letters == []
    assert shelf.applied == _numbers(FLEET)


@pytest.mark.parametrize("forget", [False, True])
def test_a_tick_wakes_what_is_due_in_its_partition(*, forget: bool) -> None:
    """Also after the worker was given its partitions anew; other partitions wait for their own tick."""
    shelf = Shelf()
    one, two = Script("CP1").boot().call("Heartbeat", {}), Script("CP2").boot().call("Heartbeat", {})
    shelf.live(one.frames, 0)
    shelf.live(two.frames, 1)
    if forget:
        shelf.forget()
    tick = Frame("", "tick", 0, two.at + 3_600_000_000, FrameKind.TICK)
    shelf.live([tick], 1)

    assert {(row.charger_id, row.code) for row in shelf.versions if row.code == "rpc.unanswered"} == {
        ("CP2", "rpc.unanswered")
    }
    assert set(shelf.batches[-1].states) == {(1, "CP2")}
    shelf.live([tick], 0)
    assert "CP1" in {row.charger_id for row in shelf.versions if row.code == "rpc.unanswered"}


@pytest.mark.parametrize("known", [0, 5])
def test_a_frame_that_cannot_be_lived_is_given_up_alone(known: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves a letter with its place; all others are lived as if it had never come, also by its own station."""
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7).wait(600).stop(7, 3500)
    poison = replace(script.frames[6], seq=99, text='["poison"]')
    frames = [*script.frames[:6], poison, *script.frames[6:]]
    judge = living.judge

    def brittle(state, frame, config, policy):
        found = judge(state, frame, config, policy)
        if frame.text == '["poison"]':
            raise ZeroDivisionError("half of the state is changed by now")
        return found

    monkeypatch.setattr(living, "judge", brittle)
    shelf = Shelf()
    if known:
        shelf.live(frames[:known])
    shelf.live(frames[known:])
    lived = Lived(DEFAULT).feed(script.frames)

    assert shelf.messages == lived.messages
    assert shelf.versions == lived.versions
    assert shelf.sessions == lived.sessions
    assert shelf.applied == _numbers(script.frames)
    (letter,) = shelf.letters
    assert letter.reason.startswith("ZeroDivisionError in ")
    assert "half of the state" not in letter.reason
    assert letter.position == "ocpp.frames.v1/0/6"
    assert "poison" not in str(letter)


def test_a_record_that_is_no_frame_is_given_up() -> None:
    """With key, size and reason, and without its text."""
    shelf = Shelf()
    batch = shelf.living.live([Arrival(4, 17, None, "the header ce_type is missing", "CP1", 33)])

    (record,) = batch.outputs[TOPICS.dead_letters, 4]
    letter = decode(record.value, DeadLetter)
    assert (letter.charger_id, letter.position, letter.size) == ("CP1", "ocpp.frames.v1/4/17", 33)
    assert batch.states == {}


@pytest.mark.parametrize("forget", [False, True])
def test_a_state_that_cannot_be_read_is_lived_anew_from_the_topic(*, forget: bool) -> None:
    """The outcome is that of the whole topic; letters say why, and from when on; others pass over what they know."""
    shelf = Shelf()
    mine = Script("CP1").boot().start(1, "AA", 1000, transaction=7).wait(600).stop(7, 3500).frames
    other = Script("CP2").boot().start(1, "AB", 0, transaction=8).frames
    topic = [*mine[:4], *other, *mine[4:]]
    shelf.live(topic[:-2])
    before = dict(shelf.out)
    shelf.states[0, "CP1"] = b"shadow-csms-state/99\n{}"
    shelf.forget()
    shelf.out.clear()
    shelf.live(topic[-2:])

    assert shelf.batches[-1].rebuild == {0}
    assert shelf.messages == []
    if forget:
        shelf.forget()
        assert shelf.living.again == {0: 0}
    shelf.live(topic, offset=0)
    assert shelf.messages == Lived(DEFAULT).feed(mine).messages
    assert [letter.charger_id for letter in shelf.letters] == ["CP1", "CP1"]
    assert "version 99" in shelf.letters[0].reason
    assert shelf.letters[1].reason.startswith(f"the state is known from {mine[0].frame_id} on")
    shelf.forget()
    assert shelf.living.again == {}
    assert before[TOPICS.messages]


def test_a_state_of_the_release_before_is_read() -> None:
    """Fields that came later have their defaults, and the charging station lives on."""
    shelf = Shelf()
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7)
    known = len(script.frames)
    shelf.live(script.frames)
    header, _, body = shelf.states[0, "CP1"].partition(b"\n")
    document = msgspec.json.decode(body)
    for field in ("offset", "rebuilt_until", "order"):
        del document[field]
    shelf.states[0, "CP1"] = header + b"\n" + msgspec.json.encode(document)
    shelf.forget()
    shelf.live(script.wait(600).stop(7, 3500).frames[known:])

    assert shelf.letters == []
    assert shelf.messages == Lived(DEFAULT).feed(script.frames).messages


def test_a_record_that_comes_again_brings_nothing() -> None:
    """Offsets tell, also where the connection has long been forgotten."""
    shelf = Shelf()
    frames = Script("CP1").boot().start(1, "AA", 1000, transaction=7).frames
    shelf.live(frames)
    shelf.forget()
    shelf.out.clear()
    shelf.live(frames, offset=0)

    assert shelf.out == {}


def test_a_topic_that_was_made_anew_is_read_from_its_beginning() -> None:
    """States that know more than the topic holds do not let its records pass unseen."""
    shelf = Shelf()
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7)
    shelf.live(script.frames)
    known = len(script.frames)
    more = script.wait(600).stop(7, 3500).frames[known:]
    shelf.forget()

    assert shelf.living.begin(0, known)
    assert not shelf.living.begin(0, 2)
    shelf.live(more, offset=0)
    assert shelf.messages == Lived(DEFAULT).feed(script.frames).messages


def test_late_frames_ask_for_their_range_to_be_judged_again() -> None:
    """At once, and again when no session is open any longer; frames in order ask for nothing."""
    shelf = Shelf()
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7).wait(600).stop(7, 3500)
    frames = script.wait(3).call("Heartbeat", {}).wait(3).call("Heartbeat", {}).frames
    shelf.live([*frames[:3], frames[4]])
    assert TOPICS.rejudge not in shelf.out
    shelf.live([frames[3]])
    (first,) = [decode(value, RejudgeRequest) for value in shelf.out[TOPICS.rejudge]]
    assert (first.charger_id, first.since, first.until, first.late) == (
        "CP1",
        frames[3].received_at,
        frames[4].received_at,
        1,
    )
    shelf.forget()
    shelf.live(frames[5:8])
    requests = [decode(value, RejudgeRequest) for value in shelf.out[TOPICS.rejudge]]
    assert [one.until for one in requests] == [frames[4].received_at, frames[7].received_at]
    shelf.live(frames[8:])
    assert len(shelf.out[TOPICS.rejudge]) == 2


def test_facts_of_a_charger_are_told_once_a_batch() -> None:
    """With the time of its first frame, also from later batches."""
    shelf = Shelf()
    frames = Script("CP1").boot().call("Heartbeat", {}).frames
    for frame in frames:
        shelf.live([frame])
        shelf.forget()
    facts = [decode(value, ChargerFacts) for value in shelf.out[TOPICS.chargers]]

    assert [one.last_seen for one in facts] == [frame.received_at for frame in frames]
    assert {one.first_seen for one in facts} == {frames[0].received_at}
    assert facts[-1].vendor
