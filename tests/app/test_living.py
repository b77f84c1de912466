"""A batch lived: the same as one frame after the other, whatever the batches, and a poison frame harms nobody."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app import living
from app.living import Arrival, Batch, Living
from demo.lived import Lived
from demo.script import Script
from demo.traffic import frames as fleet_frames
from diff.discrepancy import Discrepancy, JudgedSession
from diff.published import decode
from diff.store.tables import ChargerFacts, DeadLetter
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
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

    def live(self, frames: Iterable[Frame], partition: int = 0) -> None:
        batch = self.living.live(Arrival(partition, number, frame) for number, frame in enumerate(frames))
        self.states.update(batch.states)
        self.batches.append(batch)
        for (topic, _), records in batch.outputs.items():
            self.out.setdefault(topic, []).extend(record.value for record in records)

    def forget(self) -> None:
        self.living.forget([(charger, data) for (_, charger), data in self.states.items()])

    @property
    def messages(self) -> list[ShadowMessage]:
        return [decode(value, ShadowMessage) for value in self.out.get(TOPICS.messages, [])]

    @property
    def versions(self) -> list[Discrepancy]:
        return [decode(value, Discrepancy) for value in self.out.get(TOPICS.discrepancies, [])]

    @property
    def sessions(self) -> dict[str, JudgedSession]:
        found = [decode(value, JudgedSession) for value in self.out.get(TOPICS.sessions, [])]
        return {session.session_id: session for session in found}

    @property
    def letters(self) -> list[DeadLetter]:
        return [decode(value, DeadLetter) for value in self.out.get(TOPICS.dead_letters, [])]


def _by_charger(items: list) -> dict[str, list]:
    return {key: [one for one in items if one.charger_id == key] for key in {one.charger_id for one in items}}


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
    lived = Lived().feed(FLEET)

    assert _by_charger(shelf.messages) == _by_charger(lived.messages)
    assert _by_charger(shelf.versions) == _by_charger(lived.versions)
    assert shelf.sessions == lived.sessions
    assert shelf.letters == []


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
    poison = replace(script.frames[6], text='["poison"]')
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
    lived = Lived().feed(script.frames)

    assert shelf.messages == lived.messages
    assert shelf.versions == lived.versions
    assert shelf.sessions == lived.sessions
    (letter,) = shelf.letters
    assert letter.reason == "ZeroDivisionError: half of the state is changed by now"
    assert letter.position == f"ocpp.frames.v1/0/{6 - known}"
    assert "poison" not in str(letter)


def test_a_record_that_is_no_frame_is_given_up() -> None:
    """With key, size and reason, and without its text."""
    shelf = Shelf()
    batch = shelf.living.live([Arrival(4, 17, None, "the header ce_type is missing", "CP1", 33)])

    (record,) = batch.outputs[TOPICS.dead_letters, 4]
    letter = decode(record.value, DeadLetter)
    assert (letter.charger_id, letter.position, letter.size) == ("CP1", "ocpp.frames.v1/4/17", 33)
    assert batch.states == {}


def test_a_state_that_cannot_be_read_is_begun_anew_and_told() -> None:
    """The letter says from which frame on; nothing stops."""
    shelf = Shelf()
    frames = Script("CP1").boot().start(1, "AA", 1000, transaction=7).frames
    shelf.states[0, "CP1"] = b"shadow-csms-state/99\n{}"
    shelf.forget()
    shelf.live(frames)

    (letter,) = shelf.letters
    assert "version 99" in letter.reason
    assert letter.reason.endswith(f"what came before {frames[0].frame_id} is forgotten")
    assert shelf.messages == Lived().feed(frames).messages


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
