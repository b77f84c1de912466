"""The noise floor: living the same frames in other ways gives nothing, and what it would show is shown."""

import pytest
from msgspec.structs import replace

from demo.script import Script
from demo.traffic import Traffic
from diff import noise
from diff.judgement import JudgeState
from diff.noise import WAYS, lived_again
from ingest.frame import Frame, FrameKind
from shadow import codec

SETTLED = 3 * 86_400_000_000


@pytest.fixture(scope="module")
def traffic() -> list[Frame]:
    """A fleet with faults of many kinds."""
    return list(Traffic(seed=3, chargers=5, sessions_per_charger=2, fault_share=1.0))


def test_a_fleet_with_faults_lived_again_gives_the_same(traffic: list[Frame]) -> None:
    """Duplicates, batches, workers and shuffled connections change no session, discrepancy or message."""
    found = lived_again(traffic, traffic[-1].received_at + SETTLED)
    assert found.named == ()
    assert (found.frames, found.chargers, found.differences) == (len(traffic), 5, 0)
    assert found.sessions >= 10
    assert found.discrepancies > 5


def test_two_connections_at_once_may_arrive_in_any_order() -> None:
    """The old socket's stop comes before or behind the new one's boot: judged again, it is one outcome."""
    script = Script("CP1").boot().status(1, "Preparing").start(1, "TAG", 1000, transaction=7).wait(60)
    script.meter(1, 7, 1500).wait(30)
    old = list(script.frames)
    later = [replace(frame, connection_id="other", received_at=frame.received_at + 200_000_000) for frame in
             Script("CP1").boot().frames]  # fmt: skip
    found = lived_again([*old, *later], later[-1].received_at + SETTLED)
    assert found.named == ()
    assert found.sessions == 1


def test_ticks_of_a_recording_move_nothing() -> None:
    """They stay where their time falls."""
    frames = list(Script("CP1").boot().start(1, "TAG", 1000, transaction=7).wait(600).stop(7, 3000).frames)
    ticks = [Frame("", "t", seq, frames[0].received_at + seq * 5_000_000, FrameKind.TICK) for seq in range(200)]
    assert lived_again([*frames, *ticks], frames[-1].received_at + SETTLED).differences == 0


def test_a_state_that_forgets_shows_as_noise(traffic: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lost its count of comparisons would pass; one that lost its discrepancies does not."""

    def forgetful(data: bytes, kind: type[JudgeState]) -> JudgeState:
        state = codec_decode(data, kind)
        state.records.by_id.clear()
        state.pairs.by_id.clear()
        return state

    codec_decode = codec.decode
    monkeypatch.setattr(noise.codec, "decode", forgetful)
    found = lived_again(traffic, traffic[-1].received_at + SETTLED)
    assert found.differences > 0
    assert {one.way for one in found.named} == {"other batches"}
    first = str(found.named[0])
    assert first.endswith("(other batches)")
    assert "DEMO-" in first


def test_what_differs_is_named_without_values(traffic: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and fields by name: values may be about people."""

    def changed(*given: object) -> noise._Life:
        life = WAYS_BEFORE["other workers"](*given)  # type: ignore[arg-type]
        for key, row in life.sessions.items():
            life.sessions[key] = replace(row, id_token="ANOTHER")
        return life

    monkeypatch.setitem(WAYS, "other workers", changed)
    found = lived_again(traffic, traffic[-1].received_at + SETTLED)
    assert {(one.what, one.fields) for one in found.named} == {("session", ("id_token",))}
    assert "ANOTHER" not in str(found.named)


WAYS_BEFORE = dict(WAYS)


def test_nothing_lived_is_nothing() -> None:
    """No frames, no differences, and a count that says so."""
    assert lived_again([], 0) == noise.LivedAgain(0, 0, 0, 0, 0, ())
