"""Every defect reported of real equipment, lived as it was written down: no crash, and the right code."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import NOON
from ingest.frame import Frame
from ingest.recording import Reader
from ingest.timestamps import format_micros

QUIRKS = Path(__file__).resolve().parents[2] / "../shared/field-quirks.jsonl"

EXPECTED: dict[str, set[str]] = {
    # Beginning of the quirk's text → codes that it must lead to, and no others.
    "timestamp without zone": {"clock.no-zone"},
    "local time labelled Z": set(),
    "1970-01-01 timestamps": {"clock.epoch"},
    "two-digit UTC offset": {"clock.no-zone"},
    "new StartTransaction (new message id)": set(),  # neither was answered: a retry as 1.6 §3.7.1 has it
    "status clock about 1 min behind": set(),
    "sampledValue.value is a JSON number": {"schema.v16"},
    "several queued meterValue elements": {"schema.v16"},
    "meterValue is an object": {"schema.v16", "session.orphan-meter-values"},
    "empty sampledValue array": {"schema.v16", "session.orphan-meter-values"},
    "unit 'Hz'": {"schema.v16", "session.orphan-meter-values"},
    "errorCode 'Error'": {"schema.v16"},
    "truncated JSON": {"rpc.malformed"},
    "configuration value as JSON number": set(),
    "StopTransaction with empty transactionData": {"session.orphan-stop"},
    "meterStop -1": {"session.orphan-stop", "meter.placeholder"},
    "meterStop = meterStart - 1 Wh": {"session.zero"},
    "meterStop always equals meterStart": {"session.zero"},
    "StopTransaction/MeterValues with transactionId -1": {"session.orphan-stop", "session.misattributed"},
    "CSMS answers ConcurrentTx": {"session.orphan-stop"},
    "negative local transaction id": {"session.orphan-meter-values"},
    "transactionId near 2^63": {"session.orphan-meter-values"},
    "two StartTransactions, different message ids": {"session.duplicate-start", "session.zero"},
    "the same CALL re-sent": {"rpc.duplicate-id"},
    "same StopTransaction retried": {"rpc.duplicate-id", "session.orphan-stop"},
    "Authorize carries": {"schema.v16"},
    "vendor DataTransfer": set(),
    "MeterValues on connectorId 0": set(),
    "phase rows plus a total": set(),
    "literal 'none'": set(),
    "Faulted/OtherError on connector 0": set(),
    "textual vendorErrorCode": set(),
    "two registers under one measurand": {"session.orphan-meter-values", "meter.implausible", "meter.regression"},
    "MeterValues with a transactionId the CSMS never": {"session.orphan-meter-values"},
    "stop reason misreported": {"session.orphan-stop"},
    "reset reason put in idTag": {"session.orphan-stop"},
    "CALLERROR whose message id": set(),
    "closing MeterValues": {"session.orphan-stop", "session.after-end"},
    "only StopTransaction arrives": {"session.orphan-stop"},
    "StopTransaction without idTag": {"session.orphan-stop"},
    "status jumps Available->Charging": set(),
    "reboot during a transaction": {"rpc.before-boot"},  # its BootNotification is not answered
    "GetConfiguration reply": set(),
    "CSMS hands out colliding ids": set(),
    "2.0.1: evse without connectorId": {"schema.v16"},
    "2.0.1: Transaction.Begin register 0": {"schema.v16"},
    "transactionData left out": {"session.orphan-stop"},
    "handshake:": {"rpc.malformed"},
}


def _quirks() -> list[dict[str, Any]]:
    if not QUIRKS.exists():
        return []
    return [json.loads(line) for line in QUIRKS.read_text().splitlines() if line.strip()]


def _lines(quirk: dict[str, Any]) -> list[bytes]:
    """The quirk as a recording. Calls are answered by nobody, so that only the quirk itself is judged."""
    said = [{"frame": frame} for frame in quirk["frames"]] or [{"raw": quirk["raw"]}]
    lines = []
    for number, what in enumerate(said):
        frame = what.get("frame", [2])
        from_csms = frame[0] in (3, 4) and "StartTransaction" in json.dumps(quirk["frames"])
        direction = "cs>cp" if from_csms else "cp>cs"
        entry = {"t": format_micros(NOON + number * 1_000_000), "cp": "CP", "dir": direction, **what}
        lines.append(json.dumps(entry).encode())
    return lines


@pytest.mark.skipif(not QUIRKS.exists(), reason="field-quirks.jsonl is not beside the checkout (../shared)")
def test_every_quirk_has_its_expectation() -> None:
    """Each line is expected to lead to something, and each expectation belongs to one line."""
    texts = [quirk["quirk"] for quirk in _quirks()]
    for begin in EXPECTED:
        assert sum(text.startswith(begin) for text in texts) == 1, begin
    assert len(EXPECTED) == len(texts)


@pytest.mark.parametrize("quirk", _quirks(), ids=lambda quirk: quirk["quirk"][:40])
def test_a_quirk_is_lived_and_named(quirk: dict[str, Any]) -> None:
    """No crash, no refused event, and exactly the codes expected (less those of the clock of 2030 and of silence)."""
    frames = [frame for frame in Reader().read(_lines(quirk)) if isinstance(frame, Frame)]
    assert len(frames) == max(1, len(quirk["frames"]))
    lived = Lived().feed(frames).settle()
    (expected,) = [codes for begin, codes in EXPECTED.items() if quirk["quirk"].startswith(begin)]
    consequences = {"rpc.unanswered", "session.missing-in-primary", "session.never-ended", "clock.skew"}
    assert lived.codes() - consequences == expected
    assert lived.refused == []
