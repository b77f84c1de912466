"""Sessions that no charging station of the demo would live."""

from __future__ import annotations

from typing import Final

from demo.dialogues.kinds import TAG, Dialogue, booted, ended, running
from demo.script import Script

__all__ = ["SESSIONS"]


def _start_never_answered(script: Script, wh: int) -> None:
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": wh, "timestamp": booted(script).now}
    script.call("StartTransaction", payload).wait(1200)


def _start_on_connector_zero(script: Script, wh: int) -> None:
    booted(script).start(0, TAG, wh, transaction=900_001).wait(60).stop(900_001, wh + 1000)


def _start_with_corrected_clock(script: Script, wh: int) -> None:
    """A start that is never answered, then the same one again with the true time and another message id."""
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": wh, "timestamp": "1970-01-01T00:01:00Z"}
    booted(script).call("StartTransaction", payload).wait(60).close().open()
    script.start(1, TAG, wh, transaction=900_001).wait(600).stop(900_001, wh + 1000)


def _tag_too_long(script: Script, wh: int) -> None:
    booted(script).start(1, "T" * 37, wh, transaction=900_001).wait(60).stop(900_001, wh + 1000)


def _blocked_after_authorize(script: Script, wh: int) -> None:
    booted(script).authorize(TAG).start(1, TAG, wh, transaction=900_001, status="Blocked").wait(60)
    script.stop(900_001, wh, "DeAuthorized")


def _stopped_twice(script: Script, wh: int) -> None:
    running(script, wh).stop(-1, wh + 1000, "Local", idTag=TAG).stop(900_001, wh + 1000, "Remote")


def _older_sample_later(script: Script, wh: int) -> None:
    running(script, wh).meter(1, 900_001, wh + 500)
    script.wait(3).meter(1, 900_001, wh + 400, at=script.ago(300)).wait(60)
    ended(script, wh + 1000)


SESSIONS: Final[tuple[Dialogue, ...]] = (
    Dialogue(
        name="start-never-answered",
        codes=("session.missing-in-primary",),
        also=("rpc.unanswered", "session.never-ended", "keepalive.missed"),
        detail="StartTransaction is never answered",
        tell=_start_never_answered,
    ),
    Dialogue(
        name="start-on-connector-0",
        codes=("session.missing-in-shadow",),
        detail="a transaction on connector 0, which is no EVSE",
        also=("schema.v16", "session.orphan-stop", "topology.unknown-connector"),
        tell=_start_on_connector_zero,
    ),
    Dialogue(
        name="start-with-corrected-clock",
        codes=("session.start-time", "clock.epoch"),
        also=("rpc.unanswered", "clock.skew", "session.duplicate-start", "clock.backwards", "session.offline-replay"),
        detail="a start of 1970 that is never answered, then again with the true time",
        tell=_start_with_corrected_clock,
    ),
    Dialogue(
        name="tag-too-long",
        codes=("session.token", "schema.v16"),
        detail="an idTag of 37 characters, one more than 2.0.1 can say",
        tell=_tag_too_long,
    ),
    Dialogue(
        name="blocked-after-authorize",
        codes=("session.authorization",),
        also=("session.zero", "session.stop-reason"),
        detail="Authorize accepts a token and StartTransaction.conf blocks it",
        tell=_blocked_after_authorize,
    ),
    Dialogue(
        name="stopped-twice",
        codes=("session.stop-reason",),
        also=("session.misattributed", "session.orphan-stop", "session.after-end"),
        detail="stopped with -1 and Local, then with its id and Remote",
        tell=_stopped_twice,
    ),
    Dialogue(
        name="older-sample-later",
        codes=("session.out-of-order",),
        also=("session.offline-replay",),
        detail="a sample of five minutes ago behind a newer one",
        tell=_older_sample_later,
    ),
)
