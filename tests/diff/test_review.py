"""Sequences that once led the judgement astray, each with what it has to say now."""

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Frame, FrameKind, Handshake

CARD, OTHER = "04A2B3C4", "04D5E6F7"


def _boot() -> Script:
    return Script().boot()


def _codes(script: Script) -> set[str]:
    return Lived().feed(script.frames).settle().codes()


def test_an_absurd_clock_raises_nothing() -> None:
    """A station at the end of the year 9999 is named for its clock, and lived."""
    late = "9999-12-31T23:59:59Z"
    script = _boot()
    for status in ("Available", "Preparing", "Available"):
        script = script.status(1, status, at=late).wait(1)

    assert "clock.skew" in _codes(script)


def test_a_stop_under_anothers_id_ends_no_strangers_session() -> None:
    """StopTransaction with an id that a CSMS may have given elsewhere leaves the open transaction alone."""
    script = Script().status(1, "Preparing").authorize(CARD).start(1, CARD, 1000, transaction=7).wait(300)
    script = script.stop(5, 90000, "EVDisconnected").wait(900).stop(7, 3000, "Local", idTag=CARD)

    codes = _codes(script)
    assert "session.orphan-stop" in codes
    assert not {"session.energy", "session.after-end", "session.misattributed"} & codes


def test_what_came_unseen_is_no_overlap() -> None:
    """After a cut or a hole in the sequence another start proves nothing of the session before it."""
    cut = _boot().start(1, CARD, 1000, transaction=7).cut().close().wait(3600).open()
    hole = _boot().start(1, CARD, 1000, transaction=7).wait(600).skip(6).wait(600)

    for script in (cut, hole):
        codes = _codes(script.start(1, OTHER, 5000, transaction=8).wait(60).stop(8, 6000))
        assert "tap.gap" in codes
        assert "session.overlap" not in codes


def test_a_refused_start_without_a_transaction_is_owed_nothing() -> None:
    """The primary refuses with transactionId 0 and no stop follows: neither missing, nor overlapped by the next."""
    script = _boot().status(1, "Preparing").start(1, CARD, 1000, transaction=0, status="Invalid").wait(20)
    script = script.status(1, "Finishing").status(1, "Available").wait(1000).status(1, "Preparing")
    lived = Lived().feed(script.start(1, OTHER, 1000, transaction=6).wait(60).stop(6, 2000).frames).settle()

    assert not {"session.missing-in-primary", "session.overlap"} & lived.codes()
    assert ("Ended", "Deauthorized", "Idle", "DeAuthorized") in lived.course


def test_held_end_samples_travel_in_an_end_that_is_made_up() -> None:
    """The last register of a session that another one overtakes is in its Ended."""
    script = _boot().start(1, CARD, 1000, transaction=7).wait(60).meter(1, 7, 1500, "Transaction.End").wait(5)
    lived = Lived().feed(script.start(1, OTHER, 1500, transaction=8).frames)

    overtaken = next(iter(lived.sessions.values()))
    assert overtaken.shadow_energy_wh == 500


def test_a_status_of_the_last_session_says_nothing_of_the_next() -> None:
    """Charging that was reported in one session is not reported again in the next one."""
    script = _boot().start(1, CARD, 1000, transaction=7).status(1, "Charging").wait(60).stop(7, 2000)
    lived = Lived().feed(script.wait(5).start(1, OTHER, 2000, transaction=8).wait(60).stop(8, 3000).frames)

    assert [kind for kind, *_ in lived.course] == ["Started", "Updated", "Ended", "Started", "Ended"]


def test_a_reboot_that_was_commanded_is_a_reset_b12_fr_04() -> None:
    """Reset, boot, then StopTransaction Reboot: the Ended says ResetCommand and ImmediateReset."""
    script = _boot().start(1, CARD, 1000, transaction=7).remote("Reset", {"type": "Hard"}).close().wait(30).open()
    lived = Lived().feed(script.boot().stop(7, 1500, "Reboot").frames)

    assert lived.course[-1] == ("Ended", "ResetCommand", "EVConnected", "ImmediateReset")


def test_a_token_shown_to_stop_hides_no_cable_g01_fr_03() -> None:
    """Preparing on the other connector is Occupied although the token was authorized a moment ago, to stop."""
    script = _boot().start(1, CARD, 1000, transaction=7).wait(60).authorize(CARD).stop(7, 2000, idTag=CARD)
    lived = Lived().feed(script.status(2, "Preparing").frames)
    said = lived.requests("StatusNotification")

    assert any(one["evseId"] == 2 and one["connectorStatus"] == "Occupied" for one in said)


def test_refused_handshakes_push_no_living_connection_out() -> None:
    """Forty refused upgrades of the same identity leave the connection that lives as it was."""
    script = _boot().start(1, CARD, 1000, transaction=7)
    frames = list(script.frames)
    at = frames[-1].received_at
    refused = [
        Frame(frames[0].charger_id, f"refused-{number}", 0, at, FrameKind.OPENED, handshake=Handshake(status=401))
        for number in range(40)
    ]
    more = script.wait(60).stop(7, 2000).frames[len(frames) :]

    assert "tap.gap" not in Lived().feed([*frames, *refused, *more]).settle().codes()


def test_each_reboot_has_its_own_time_to_settle() -> None:
    """A second boot shortly before the first one's deadline gives the session its full time again."""
    script = _boot().start(1, CARD, 1000, transaction=7).wait(5).boot().wait(20).meter(1, 7, 1100).wait(560).boot()
    lived = Lived().feed(script.wait(25).tick().frames)

    assert "session.never-ended" not in lived.codes()


def test_a_token_blocked_weeks_later_is_no_mismatch() -> None:
    """Authorize said Accepted a month ago; a start that is refused now contradicts nothing."""
    script = _boot().authorize(CARD).start(1, CARD, 1000, transaction=7).wait(60).stop(7, 2000).wait(30 * 86400)

    assert "session.authorization" not in _codes(script.start(1, CARD, 2000, transaction=8, status="Blocked"))


def test_a_stop_in_whole_seconds_is_no_clock_that_went_back() -> None:
    """The end sample stands a fraction of a second behind its stop."""
    script = _boot().start(1, CARD, 1000, transaction=7).wait(600)
    script = script.meter(1, 7, 2000, "Transaction.End", at="2030-01-01T12:10:01.350Z")

    assert "clock.backwards" not in _codes(script.stop(7, 2000, at="2030-01-01T12:10:01Z"))


def test_an_empty_token_stops_like_none() -> None:
    """StopTransaction with idTag "" carries no idToken, and -1 with it still ends the one open transaction."""
    plain = Lived().feed(_boot().start(1, CARD, 1000, transaction=7).wait(60).stop(7, 1500, idTag="").frames)
    strange = Lived().feed(_boot().start(1, CARD, 1000, transaction=7).wait(60).stop(-1, 1500, idTag="").frames)

    assert "idToken" not in plain.events[-1]
    assert strange.course[-1][0] == "Ended"


def test_what_is_triggered_while_pending_is_in_order_b01_fr_08() -> None:
    """A StatusNotification that the CSMS asked for before it accepted the boot is not too early."""
    script = Script().boot("Pending").remote("TriggerMessage", {"requestedMessage": "StatusNotification"})

    assert "rpc.before-boot" not in _codes(script.status(1, "Available"))


def test_an_unanswered_start_may_be_sent_again() -> None:
    """One answer for two sends of the same start: a retry as 1.6 §3.7.1 has it, and one session."""
    script = _boot()
    start = {"connectorId": 1, "idTag": CARD, "meterStart": 1000, "timestamp": script.now}
    script = script.call("StartTransaction", start).close().wait(20).open().call("StartTransaction", start)
    script = script.answer({"transactionId": 7, "idTagInfo": {"status": "Accepted"}}).wait(60).stop(7, 2000)
    lived = Lived().feed(script.frames).settle()

    assert "session.duplicate-start" not in lived.codes()
    assert [session.complete for session in lived.sessions.values()] == [True]


def test_a_stop_of_something_unseen_invents_no_evse() -> None:
    """The first frame ever is a stop: it names no connector, so none is made up."""
    lived = Lived().feed(Script().stop(55, 1500).frames)

    assert lived.course[-1][0] == "Ended"
    assert "evse" not in lived.events[-1]


def test_a_call_sent_again_after_its_answer_waits_for_another() -> None:
    """The same text twice, each answered: a repeated id, and no answer that nobody asked for."""
    script = _boot().call("Heartbeat", {}, message_id="1").answer({"currentTime": _boot().now}, message_id="1")
    codes = _codes(script.call("Heartbeat", {}, message_id="1").answer({"currentTime": script.now}, message_id="1"))

    assert "rpc.duplicate-id" in codes
    assert "rpc.orphan-answer" not in codes
