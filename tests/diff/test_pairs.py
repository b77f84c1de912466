"""The two sides of a session side by side: what its row says, and what is forgotten."""

from demo.lived import Lived
from demo.script import Script
from diff.pairs import Pairs
from diff.primary import PrimaryTransaction, State
from shadow.message import ShadowSession

TAG = "04A1B2C3"


def _primary(key: str, state: State) -> PrimaryTransaction:
    return PrimaryTransaction(key, 1, state, transaction_id=key)


def test_a_session_that_only_the_primary_has_is_told_by_it() -> None:
    """Times, token and energy are the primary's; the shadow's columns stay empty."""
    script = Script().boot()
    script.start(0, TAG, 1000, transaction=7, at="2030-01-01T12:00:00Z").wait(60)
    lived = Lived().feed(script.stop(7, 2500, at="2030-01-01T12:01:00Z").frames).settle()
    (row,) = [session for session in lived.sessions.values() if session.primary_transaction_id == "7"]
    assert (row.shadow_transaction_id, row.shadow_energy_wh, row.evse_id) == (None, None, None)
    assert (row.id_token, row.primary_energy_wh) == (TAG, 1500)
    assert row.started_at is not None
    assert row.stopped_at == row.started_at + 60_000_000
    assert not row.complete


def test_a_session_is_told_by_the_shadow_where_both_have_it() -> None:
    """One row with both ids; its version rises with every change."""
    script = Script().boot().start(2, TAG, 1000, transaction=7).wait(60).stop(7, 2500, "Remote")
    lived = Lived().feed(script.frames).settle()
    (row,) = lived.sessions.values()
    assert (row.connector_id, row.evse_id, row.primary_transaction_id) == (2, 2, "7")
    assert row.shadow_transaction_id == lived.events[0]["transactionInfo"]["transactionId"]
    assert (row.stop_reason, row.complete, row.compared) == ("Remote", True, True)


def test_what_ended_stands_for_the_primary_then_what_it_opened() -> None:
    """A proposal that nobody answered stands for nothing where there is more."""
    pairs = Pairs()
    pair = pairs.opened("CP", "c/1", 1)
    for key, state in (("a", State.PROPOSED), ("b", State.OPEN), ("c", State.OPEN), ("d", State.ENDED)):
        pairs.primary_changed(pair, _primary(key, state))
        assert pair.primary is not None
        assert pair.primary.key == {"a": "a", "b": "b", "c": "b", "d": "d"}[key]


def test_eight_that_ended_are_remembered_and_compared_ones_forgotten_first() -> None:
    """A session that runs is not forgotten for those that ended; beyond 64 of them the oldest goes."""
    pairs = Pairs()
    for number in range(24):
        pair = pairs.opened("CP", f"c/{number}", number)
        pairs.shadow_changed(pair, ShadowSession(f"tx{number}", ended=number % 2 == 1))
        pair.compared = number == 5
    assert [number for number in range(0, 24, 2) if pairs.by_transaction(f"tx{number}") is None] == []
    assert [number for number in range(1, 24, 2) if pairs.by_transaction(f"tx{number}") is None] == [1, 3, 5]

    for number in range(24, 120):
        pair = pairs.opened("CP", f"c/{number}", number)
        pairs.shadow_changed(pair, ShadowSession(f"tx{number}"))
    assert len(pairs.by_id) == 72
    assert pairs.by_transaction("tx0") is None
    assert pairs.by_transaction("tx119") is pair


def test_what_a_repeated_start_opens_belongs_to_its_session() -> None:
    """Until the session is forgotten, with all its names."""
    pairs = Pairs()
    pair = pairs.opened("CP", "c/1", 1)
    pairs.repeated(pair, "c/9")
    assert pairs.by_primary(_primary("c/9", State.OPEN)) is pair
    for number in range(70):
        pairs.opened("CP", f"d/{number}", number)
    assert pairs.by_primary(_primary("c/9", State.OPEN)) is None
    assert pairs.of_primary == {}


def test_where_the_sides_differ_the_row_has_the_times_of_the_shadow() -> None:
    """The first start was stamped 1970 and is the shadow's; the discrepancy says what the primary has."""
    script = Script().boot()
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": "1970-01-01T00:01:00Z"}
    script.call("StartTransaction", payload).wait(60).close().open().start(1, TAG, 1000, transaction=7).wait(600)
    lived = Lived().feed(script.stop(7, 2000).frames).settle()
    (row,) = lived.sessions.values()
    assert row.started_at == 60_000_000
    assert "session.start-time" in lived.codes()
