"""What comes of recordings of real equipment: compared with outputs kept here, byte for byte.

The recordings stay where they are; the files beside this test hold only what this product made of them: codes,
sessions, counts, and the 2.0.1 messages by action with eventType and triggerReason. After a change that is meant,
write them anew with `UPDATE_GOLDEN=1 python -m pytest tests/golden` and read the difference before committing it.
"""

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.lived import Lived
from diff.discrepancy import Status
from ingest.frame import Frame
from ingest.recording import Reader, encode_line
from shadow.config import DEFAULT
from shadow.message import MessageType, ShadowMessage

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/recordings"
OUTPUTS = Path(__file__).parent / "outputs"
NAMES = ("huawei-like-two-sessions", "evbox-elvi-startup", "evbox-elvi-mid-session")


def _lines(name: str) -> list[bytes]:
    path = RECORDINGS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{name}.jsonl is not here: put the shared recordings beside the checkout (../shared/recordings)")
    return path.read_bytes().splitlines(keepends=True)


def _lived(lines: list[bytes]) -> Lived:
    frames = list(Reader().read(lines))
    assert all(isinstance(frame, Frame) for frame in frames)
    return Lived(DEFAULT).feed(frame for frame in frames if isinstance(frame, Frame)).settle()


def _said(message: ShadowMessage) -> str:
    if message.action == "TransactionEvent" and message.type is MessageType.REQUEST:
        payload = message.payload
        return f"TransactionEvent {payload['seqNo']} {payload['eventType']} {payload['triggerReason']}"
    return message.action if message.type is MessageType.REQUEST else f"{message.action}Response"


def _outcome(lived: Lived) -> dict[str, Any]:
    standing = [row for row in lived.discrepancies.values() if row.status is Status.OPEN]
    return {
        "messages": [_said(message) for message in lived.messages],
        "unmapped": dict(sorted(Counter(lived.unmapped).items())),
        "refused": lived.refused,
        "discrepancies": sorted([row.code, row.path, str(row.delta or ""), row.occurrences] for row in standing),
        "sessions": [
            {
                "primary_energy_wh": session.primary_energy_wh,
                "shadow_energy_wh": session.shadow_energy_wh,
                "stop_reason": session.stop_reason,
                "complete": session.complete,
                "compared": session.compared,
            }
            for session in lived.sessions.values()
        ],
    }


@pytest.mark.parametrize("name", NAMES)
def test_outcome_is_the_one_kept(name: str) -> None:
    """The whole outcome equals the file beside this test."""
    text = msgspec.json.format(msgspec.json.encode(_outcome(_lived(_lines(name)))), indent=1) + b"\n"
    kept = OUTPUTS / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_bytes(text)
    assert text == kept.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_of_the_recording_gives_the_same(name: str) -> None:
    """Written by the tap and read again, the frames are the same and so is everything that comes of them."""
    lines = _lines(name)
    frames = [frame for frame in Reader().read(lines) if isinstance(frame, Frame)]
    written = [encode_line(frame) for frame in frames]
    assert list(Reader().read(written)) == frames
    first, second = _lived(lines), _lived(written)
    assert (first.messages, first.versions, first.sessions) == (second.messages, second.versions, second.sessions)


def test_huawei_has_two_complete_sessions() -> None:
    """0 Wh and 248 Wh on both sides; zero for the first, a stop before its own end sample, no energy mismatch."""
    lived = _lived(_lines("huawei-like-two-sessions"))
    sessions = list(lived.sessions.values())
    assert [session.primary_energy_wh for session in sessions] == [Decimal(0), Decimal(248)]
    assert [session.shadow_energy_wh for session in sessions] == [Decimal(0), Decimal(248)]
    assert all(session.complete and session.compared for session in sessions)
    assert {row.session_id for row in lived.rows("session.zero")} == {sessions[0].session_id}
    assert {row.session_id for row in lived.rows("clock.backwards")} == {sessions[1].session_id}
    assert "session.energy" not in lived.codes()


def test_evbox_session_is_adopted_and_not_invented() -> None:
    """The capture begins in mid-session: no Started is made up, and its meter values are named orphans."""
    lived = _lived(_lines("evbox-elvi-mid-session"))
    (session,) = lived.sessions.values()
    assert not session.complete
    assert "Started" not in {event["eventType"] for event in lived.events}
    assert lived.events[0]["seqNo"] == 1
    assert [row.session_id for row in lived.rows("session.orphan-meter-values")] == [session.session_id]
    assert "session.missing-in-primary" not in lived.codes()


def test_evbox_remote_start_that_leads_to_nothing_makes_no_session() -> None:
    """An accepted command is no transaction."""
    lived = _lived(_lines("evbox-elvi-startup"))
    assert len(lived.requests("RequestStartTransaction")) == 1
    assert lived.sessions == {}
