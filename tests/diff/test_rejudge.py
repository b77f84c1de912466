"""Judging again: whatever order frames came in, the corrected outcome is that of the canonical order."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from demo.script import Script
from demo.traffic import frames as fleet_frames
from diff.discrepancy import Status
from diff.fleet import Fleet
from diff.rejudge import Outcome, RejudgeRequest, correct, judge_again, merged
from ingest.frame import Frame

FRAMES: dict[str, list[Frame]] = {}
for _frame in itertools.islice(fleet_frames(11, 8, 2), 4000):
    FRAMES.setdefault(_frame.charger_id, []).append(_frame)
CHARGERS = sorted(key for key, frames in FRAMES.items() if len(frames) > 60)


def _arrived(frames: list[Frame]) -> Outcome:
    """The outcome of frames as they come."""
    fleet, sessions, discrepancies = Fleet(), {}, {}
    for frame in frames:
        for judgement in fleet.feed(frame):
            sessions.update((row.session_id, row) for row in judgement.sessions)
            discrepancies.update((row.id, row) for row in judgement.discrepancies)
    return Outcome(sessions, discrepancies)


def _late(frames: list[Frame]) -> RejudgeRequest:
    """The request that a worker would make: from the earliest frame that came behind its place."""
    latest, since = frames[0].order_key, 0
    for frame in frames:
        if frame.order_key < latest:
            since = min(since or frame.received_at, frame.received_at)
        latest = max(latest, frame.order_key)
    return RejudgeRequest(frames[0].charger_id, since or latest[0], latest[0], 1, frames[-1].frame_id)


def _said(outcome: Outcome) -> tuple[dict, dict]:
    """What holds, without how often it was corrected."""
    return (
        {key: replace(row, version=0) for key, row in outcome.sessions.items() if row.status is Status.OPEN},
        {key: replace(row, version=0) for key, row in outcome.discrepancies.items() if row.status is Status.OPEN},
    )


def _corrected(stored: Outcome, request: RejudgeRequest, frames: list[Frame], **known: bool) -> Outcome:
    again = judge_again(frames, request.until)
    fixed = correct(request, stored, again, min(frame.received_at for frame in frames), **known)
    for row in fixed.sessions:
        assert row.session_id not in stored.sessions or row.version > stored.sessions[row.session_id].version
    for row in fixed.discrepancies:
        assert row.id not in stored.discrepancies or row.version > stored.discrepancies[row.id].version
    return Outcome(
        {**stored.sessions, **{row.session_id: row for row in fixed.sessions}},
        {**stored.discrepancies, **{row.id: row for row in fixed.discrepancies}},
    )


@given(st.sampled_from(CHARGERS), st.integers(0, 2**32), st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_any_arrival_ends_in_the_canonical_outcome(charger_id: str, seed: int, moves: int) -> None:
    """Frames delayed by some places, within and across connections; judged again twice, nothing more changes."""
    chance, arrived = random.Random(seed), list(FRAMES[charger_id])
    for _ in range(moves):
        frame = arrived.pop(chance.randrange(len(arrived)))
        arrived.insert(min(len(arrived), arrived.index(chance.choice(arrived)) + chance.randrange(9)), frame)
    request, stored = _late(arrived), _arrived(arrived)
    corrected = _corrected(stored, request, arrived, whole_life=True)
    canonical = judge_again(arrived, request.until)

    assert _said(corrected) == _said(canonical)
    assert correct(request, corrected, canonical, 0, whole_life=True) == correct(
        request, canonical, canonical, 0, whole_life=True
    )


def test_requests_of_one_charging_station_become_one() -> None:
    """Over all that they ask for; another charging station keeps its own."""
    other = RejudgeRequest("CP2", 1, 2, 1, "b/0")
    one, last = RejudgeRequest("CP1", 5, 20, 1, "a/0"), RejudgeRequest("CP1", 7, 30, 3, "a/1")

    assert merged([one, other, last]) == [RejudgeRequest("CP1", 5, 30, 3, "a/1"), other]
    assert merged([]) == []


def test_an_order_that_was_right_is_left_alone() -> None:
    """Judging again what came in order corrects nothing."""
    frames = FRAMES[CHARGERS[0]]
    request = RejudgeRequest(CHARGERS[0], frames[0].received_at, frames[-1].received_at, 1, "")
    again = judge_again(frames, request.until)

    fixed = correct(request, _arrived(frames), again, frames[0].received_at, whole_life=True)
    assert (fixed.sessions, fixed.discrepancies) == ((), ())


def test_a_stop_that_overtook_its_start_is_put_right() -> None:
    """The session that was made up of half a story is withdrawn, and the whole one stands."""
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7).wait(600).stop(7, 3500)
    frames = script.frames
    arrived = [*frames[:3], *frames[5:], *frames[3:5]]
    stored = _arrived(arrived)
    lived_on = _late(arrived).until + 10_000_000  # past the reorder horizon of the last frame
    corrected = _corrected(stored, replace(_late(arrived), until=lived_on), arrived, whole_life=True)

    assert any(row.status is Status.WITHDRAWN for row in corrected.discrepancies.values())
    (session,) = [row for row in corrected.sessions.values() if row.status is Status.OPEN]
    assert (session.primary_energy_wh, session.shadow_energy_wh, session.complete) == (2500, 2500, True)
    assert not [row for row in corrected.discrepancies.values() if row.status is Status.OPEN]


@pytest.mark.parametrize("whole_life", [True, False])
def test_what_began_before_the_stored_frames_is_left_alone(*, whole_life: bool) -> None:
    """Of a session whose start has expired the store holds the truth that was seen then."""
    script = Script("CP1").boot().start(1, "AA", 1000, transaction=7).wait(600).stop(7, 3500)
    stored, rest = _arrived(script.frames), script.frames[5:]
    request = RejudgeRequest("CP1", rest[0].received_at, rest[-1].received_at, 1, "")
    corrected = _corrected(stored, request, rest, whole_life=whole_life)

    assert (corrected.sessions == stored.sessions) is not whole_life
