"""Statuses that contradict the transactions: named after the grace, and only where nothing explains them."""

import pytest

from demo.lived import Lived
from demo.script import Script

CODE = "status.contradicts-session"


def _idle() -> Script:
    return Script().boot().status(1, "Available").wait(10)


def _running() -> Script:
    return _idle().status(1, "Preparing").start(1, "AA", 1000, transaction=7).status(1, "Charging").wait(60)


def _named(script: Script) -> list[tuple[str | None, str | None]]:
    return [(row.primary, row.shadow) for row in Lived().feed(script.wait(400).tick().frames).rows(CODE)]


@pytest.mark.parametrize("status", ["Charging", "SuspendedEV", "SuspendedEVSE"])
def test_energy_without_a_transaction_is_named_after_the_grace(status: str) -> None:
    """Five minutes after the status came, at that time and whichever frame or tick reveals it."""
    script = _idle().status(1, status)
    seen_at = script.at - 100_000
    for wait in (301, 4000):
        lived = Lived().feed([*script.frames, *Script(connected=False, at=script.at).wait(wait).tick().frames])
        (row,) = lived.rows(CODE)
        assert (row.primary, row.shadow, row.connector_id) == (status, "no transaction", 1)
        assert row.observed_at == seen_at + 300_000_000
        assert row.frames == (script.frames[-2].frame_id,)
    assert (
        Lived().feed([*script.frames, *Script(connected=False, at=script.at).wait(299).tick().frames]).rows(CODE) == []
    )


def test_a_status_before_its_start_is_no_contradiction() -> None:
    """SAP and many more send Charging first; a start that is sent again may take minutes."""
    assert _named(_idle().status(1, "Charging").wait(240).start(1, "AA", 0, transaction=7)) == []
    short = _idle().status(1, "Charging").wait(100).start(1, "AA", 0, transaction=7).wait(60).stop(7, 100)
    assert _named(short) == []


def test_a_status_after_the_stop_is_none_either() -> None:
    """SuspendedEVSE, Finishing, Available after StopTransaction."""
    assert _named(_running().stop(7, 2000).status(1, "SuspendedEVSE").wait(200).status(1, "Finishing")) == []


def test_what_may_have_begun_unseen_is_not_judged() -> None:
    """A capture that begins in mid-session: no Available was seen, so a transaction may run that nobody saw begin."""
    assert _named(Script(connected=False).status(1, "Charging")) == []
    assert _named(_idle().status(1, "Charging").cut()) == []


@pytest.mark.parametrize("again", ["boot", "reconnect"])
def test_a_queue_may_hold_the_explanation(again: str) -> None:
    """After a boot or a reconnect what was doubtful proves nothing any more."""
    script = _idle().status(1, "Charging").wait(100)
    assert _named(script.boot() if again == "boot" else script.close().open()) == []


def test_the_transaction_of_the_other_connector_of_an_evse_counts() -> None:
    """A transaction that is on no connector at all may be the one."""
    script = _idle().stop(99, 2000).status(1, "Charging")
    assert _named(script) == [("Charging", "no transaction")]  # an ended one explains nothing
    adopted = _idle().status(1, "Charging").wait(60).meter(1, 55, 2000, at="2030-01-01T11:59:00Z")
    assert _named(adopted) == []


def test_available_with_an_open_transaction_is_named_after_the_grace() -> None:
    """C1 of §4.9 asks for a StopTransaction that does not come."""
    script = _running().status(1, "Available")
    lived = Lived().feed(script.wait(400).tick().frames)
    (row,) = lived.rows(CODE)
    (session,) = lived.sessions
    assert (row.primary, row.session_id) == ("Available", session)
    assert row.shadow == lived.events[0]["transactionInfo"]["transactionId"]


def test_a_stop_within_the_grace_explains_available() -> None:
    """Available overtakes its StopTransaction, which may be sent again for minutes."""
    assert _named(_running().status(1, "Available").wait(200).stop(7, 2000)) == []
    assert _named(_running().status(1, "Available").wait(200).status(1, "Charging")) == []


def test_available_after_a_reboot_is_said_by_never_ended() -> None:
    """One cause, one code: the station rebooted in mid-session and no end came."""
    lived = Lived().feed(_running().close().open().boot().status(1, "Available").frames).settle()
    assert {CODE, "session.never-ended"} & lived.codes() == {"session.never-ended"}


def test_the_grace_runs_from_the_first_time_that_it_is_said() -> None:
    """A station that repeats its status each minute does not put the verdict off."""
    script = _idle()
    for _ in range(6):
        script.status(1, "Charging").wait(60)
    assert len(Lived().feed(script.frames).rows(CODE)) == 1
