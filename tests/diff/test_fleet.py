"""Many chargers: each with its own state, woken by ticks only where something is due."""

from demo.script import Script
from diff.fleet import Fleet
from ingest.frame import Frame, FrameKind


def test_chargers_have_states_of_their_own() -> None:
    """The same message id on two chargers is two calls."""
    fleet = Fleet()
    for charger_id in ("B", "A"):
        for frame in Script(charger_id).boot().call("Heartbeat", {}, message_id="1").frames:
            list(fleet.feed(frame))
    assert set(fleet.chargers) == {"A", "B"}
    assert all(len(state.shadow.pairing.pending) == 1 for state in fleet.chargers.values())


def test_a_tick_wakes_those_that_wait_in_order_of_name() -> None:
    """Two wait for an answer, one for nothing."""
    fleet = Fleet()
    late = 0
    for charger_id in ("B", "A", "C"):
        script = Script(charger_id).boot()
        if charger_id != "C":
            script.call("Heartbeat", {})
        for frame in script.frames:
            list(fleet.feed(frame))
        late = max(late, script.at + 61_000_000)
    woken = list(fleet.feed(Frame("", "tick", 0, late, FrameKind.TICK)))
    assert [judgement.discrepancies[0].charger_id for judgement in woken] == ["A", "B"]
    assert list(fleet.feed(Frame("", "tick", 1, late + 1, FrameKind.TICK))) == []


def test_a_tick_too_early_wakes_nobody() -> None:
    """Nothing is due, nothing is judged."""
    fleet = Fleet()
    script = Script().boot().call("Heartbeat", {})
    for frame in script.frames:
        list(fleet.feed(frame))
    assert list(fleet.feed(Frame("", "tick", 0, script.at + 59_000_000, FrameKind.TICK))) == []
