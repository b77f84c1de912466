"""A charging station that is removed from the mirror brings no verdict about what was not seen of it."""

from collections.abc import Callable

import pytest

from demo.lived import Lived
from demo.script import Script

Part = Callable[[Script], Script]
LACKS = {
    "session.never-ended", "session.missing-in-primary", "session.missing-in-shadow", "session.misattributed",
    "session.overlap", "rpc.unanswered",
}  # fmt: skip


def _charging() -> Script:
    return Script("CP1").boot().authorize("T").start(1, "T", 0, transaction=7).wait(60).meter(1, 7, 500)


def _starting(script: Script) -> Script:
    payload = {"connectorId": 2, "idTag": "T", "meterStart": 0, "timestamp": script.now}
    return script.call("StartTransaction", payload)


def _stopping(script: Script) -> Script:
    return script.call("StopTransaction", {"transactionId": 7, "meterStop": 900, "timestamp": script.now})


SITUATIONS: dict[str, Part] = {
    "charging": lambda script: script,
    "starting": _starting,
    "stopping": _stopping,
    "away": lambda script: script.close(),
    "rebooted": lambda script: script.boot(),
    "asking": lambda script: script.call("Heartbeat", {}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_that_was_not_seen_is_held_against_it(situation: str) -> None:
    """Whatever went on when it was removed, days of silence bring no verdict; without the gap they would."""
    part = SITUATIONS[situation]
    removed = Lived().feed(part(_charging()).cut(0).frames).settle()
    assert removed.codes() & LACKS == set()
    assert "tap.gap" in removed.codes()
    silent = Lived().feed(part(_charging()).frames).settle()
    assert silent.codes() & LACKS


@pytest.mark.parametrize("situation", SITUATIONS)
def test_its_return_brings_no_verdict_either(situation: str) -> None:
    """A day later, with another session running, or with the end of the one from before."""
    part = SITUATIONS[situation]
    away = part(_charging()).cut(0).wait(86_400).open().boot()
    other = away.status(1, "Available").start(1, "T", 5000, transaction=9).wait(60).stop(9, 6000)
    assert Lived().feed(other.frames).settle().codes() & LACKS == set()

    stopped = part(_charging()).cut(0).wait(86_400).open().boot().stop(7, 9000)
    assert Lived().feed(stopped.frames).settle().codes() & LACKS == set()
