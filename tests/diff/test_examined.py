"""Traffic examined: what stands at the end, and how much was looked at."""

import pytest

from demo.native import NativeScript
from demo.script import Script
from diff.examined import Examination, Examined
from tests.diff.spoken import V16, V201, examined
from tests.rotating import RING, mirrored, redactor


def _session() -> Script:
    script = Script().boot().status(1, "Preparing").authorize("AA").start(1, "AA", 1000, transaction=7).ping().pong()
    return script.wait(600).stop(7, 2000)


def test_what_was_looked_at_is_counted_by_protocol() -> None:
    """Requests and answers, events, tokens, boots, connections, pings; nothing of the other protocol."""
    (one,) = examined(_session().frames)
    seen = one.counts[V16].seen
    assert (seen["messages"], seen["requests"], seen["connections"], seen["pings"]) == (10, 5, 1, 1)
    assert (seen["boots"], seen["events"] >= 2, seen["tokens"] >= 2) == (1, True, True)
    assert not +one.counts[V201].seen
    assert (one.vendor, one.model) == ("Alder", "Curb 11")


def test_a_native_station_is_counted_apart() -> None:
    """Also one that changes its protocol on the way."""
    script = NativeScript().boot().status(1, "Occupied").started("t").ended("t").close().open(V16)
    (one,) = examined(script.frames)
    assert one.counts[V201].seen["events"] == 2
    assert [one.counts[name].seen["connections"] for name in (V16, V201)] == [1, 1]
    assert {row.discrepancy.code: row.protocol for row in one.rows}["rollout.fell-back"] == V16


def test_the_end_is_silence_only_where_that_is_asked_for() -> None:
    """An open session has not failed to end because the recording ends; what waited for its turn is said."""
    running = Script().boot().status(1, "Preparing").start(1, "AA", 1000, transaction=7)
    rows = [examined(running.frames, settle=settle)[0].rows for settle in (False, True)]
    codes = [{row.discrepancy.code for row in some} for some in rows]
    assert "session.never-ended" not in codes[0]
    assert "session.never-ended" in codes[1]
    assert examined(running.frames)[0].counts[V16].seen["events"] >= 1


def test_what_was_taken_back_does_not_stand() -> None:
    """A call answered late is no unanswered call."""
    script = Script().boot().call("Heartbeat", {}).wait(70).tick().answer({"currentTime": "2030-01-01T12:00:00Z"})
    assert {row.discrepancy.code for row in examined(script.frames)[0].rows} == {"rpc.slow-answer"}


@pytest.mark.parametrize(
    ("token", "kind", "rule"),
    [
        ("", "ISO14443", "idToken:empty"),
        ("", "NoAuthorization", None),
        ("04a1b2c3", "ISO14443", "idToken:case"),
        ("04A1B2C3", "ISO14443", None),
        ("hello", "Central", None),  # the station itself says that it is Central: no guess
    ],
)
def test_tokens_that_no_schema_forbids(token: str, kind: str, rule: str | None) -> None:
    """Native: empty, and written in another way than before."""
    script = NativeScript().boot().told("Authorize", {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}})
    script.told("Authorize", {"idToken": {"idToken": token, "type": kind}})
    (one,) = examined(script.frames)
    assert {name for name in +one.counts[V201].noticed if name.startswith("idToken")} == ({rule} if rule else set())


def test_a_token_whose_type_had_to_be_guessed() -> None:
    """An idTag of 1.6 of no known form is Central, and that is a guess; an empty one is empty."""
    (one,) = examined(Script().boot().authorize("hello!").authorize("04A1B2C3").authorize("").frames)
    noticed = one.counts[V16].noticed
    assert (noticed["idToken:type-guessed"], noticed["idToken:empty"], noticed["idToken:case"]) == (1, 1, 0)


def test_stations_come_in_order_of_name_and_are_let_go_one_by_one() -> None:
    """Of the store one comes after another: what was handed out is not held."""
    found: list[Examined] = []
    examination = Examination(found.append)
    for name in ("B", "A"):
        for frame in Script(name).boot().frames:
            examination.feed(frame)
    examination.forget("B")
    examination.forget("B")
    examination.end()
    assert [one.charger_id for one in found] == ["B", "A"]


def test_how_authorizations_were_judged_is_handed_out() -> None:
    """Without tokens: by the mapping alone."""
    (one,) = examined(Script().boot().authorize("AA").frames)
    assert (one.judged_by_tokens, one.judged_by_mapping) == (0, 1)


def test_tokens_under_another_key_are_not_held_against_those_before() -> None:
    """A token that is written otherwise is named; one that only looks so, under another key, is not."""
    alike = RING.reveal(redactor("k1").pseudonym("A").lower(), "k2") or ""
    for versions, token, named in ((("k1", "k1"), "a", 1), (("k1", "k2"), alike, 0)):
        script = Script().boot().authorize("A").close().open().boot().authorize(token)
        (one,) = examined(mirrored(script.frames, versions))
        assert one.counts[V16].noticed["idToken:case"] == named
