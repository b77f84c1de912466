"""`replay` on recordings of real equipment: the document, and that it depends on nothing but the frames."""

import random
from decimal import Decimal
from pathlib import Path

import pytest

from tests.app.conftest import Cli

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/recordings"
HUAWEI = "huawei-like-two-sessions.jsonl"
MID_SESSION = "evbox-elvi-mid-session.jsonl"
NAMES = (HUAWEI, MID_SESSION, "evbox-elvi-startup.jsonl")

SESSION_KEYS = [
    "session_id", "charger_id", "connector_id", "evse_id", "primary_transaction_id", "shadow_transaction_id",
    "id_token", "started_at", "stopped_at", "stop_reason", "primary_energy_wh", "shadow_energy_wh", "complete",
]  # fmt: skip
DISCREPANCY_KEYS = {
    "id", "code", "class", "severity", "charger_id", "session_id", "primary", "shadow", "delta", "unit", "fingerprint",
    "frames",
}  # fmt: skip


def _recording(name: str) -> Path:
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"{name} is not here: put the shared recordings beside the checkout (../shared/recordings)")
    return path.resolve()


def _split(path: Path, into: Path, seed: int, parts: int) -> list[Path]:
    """Pieces of a recording, cut between random lines."""
    lines = path.read_bytes().splitlines(keepends=True)
    cuts = sorted(random.Random(seed).sample(range(1, len(lines)), parts - 1))
    pieces = []
    for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(lines)], strict=True)):
        pieces.append(into / f"piece-{seed}-{number}.jsonl")
        pieces[-1].write_bytes(b"".join(lines[begin:end]))
    return pieces


@pytest.mark.parametrize("name", NAMES)
def test_the_document_has_the_promised_shape(cli: Cli, name: str) -> None:
    """Keys, kinds of values, energies and deltas as decimal strings, and evidence for each discrepancy."""
    path = _recording(name)
    done = cli("replay", path, "--json")
    document = done.json
    assert (done.code, done.err) == (0, "")
    assert done.out.count(b"\n") == 1
    assert list(document)[:5] == ["frames", "malformed", "shadow_messages", "sessions", "discrepancies"]
    assert "messages" not in document
    assert document["frames"] == len(path.read_bytes().splitlines())
    assert document["malformed"] == 0
    assert document["shadow_messages"] > 0
    for session in document["sessions"]:
        assert list(session) == SESSION_KEYS
        assert isinstance(session["complete"], bool)
        for side in ("primary_energy_wh", "shadow_energy_wh"):
            assert session[side] is None or str(Decimal(session[side])) == session[side]
    assert document["discrepancies"]
    for row in document["discrepancies"]:
        assert set(row) >= DISCREPANCY_KEYS
        assert row["frames"]
        assert all(frame.startswith(f"{row['charger_id']}@") for frame in row["frames"])
        assert row["delta"] is None or isinstance(row["delta"], str)


def test_huawei_gives_two_complete_sessions(cli: Cli) -> None:
    """0 Wh and 248 Wh on both sides, `session.zero` for the first, a stop before its own end sample, no energy code."""
    document = cli("replay", _recording(HUAWEI), "--json").json
    first, second = document["sessions"]
    assert [first["primary_energy_wh"], first["shadow_energy_wh"]] == ["0", "0"]
    assert [second["primary_energy_wh"], second["shadow_energy_wh"]] == ["248", "248"]
    assert first["complete"]
    assert second["complete"]
    found = {(row["code"], row["session_id"]) for row in document["discrepancies"]}
    assert ("session.zero", first["session_id"]) in found
    assert ("session.zero", second["session_id"]) not in found
    assert ("clock.backwards", second["session_id"]) in found
    assert "session.energy" not in {code for code, _ in found}


def test_evbox_adopts_the_session_that_was_running(cli: Cli) -> None:
    """It is not complete and not invented, and its meter values are named as orphans."""
    document = cli("replay", _recording(MID_SESSION), "--json", "--messages").json
    (session,) = document["sessions"]
    assert (session["complete"], session["started_at"]) == (False, None)
    orphans = [row for row in document["discrepancies"] if row["code"] == "session.orphan-meter-values"]
    assert [row["session_id"] for row in orphans] == [session["session_id"]]
    events = [m["payload"]["eventType"] for m in document["messages"] if m["action"] == "TransactionEvent"]
    assert events
    assert "Started" not in events


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_requests_in_the_order_of_sending(cli: Cli, name: str) -> None:
    """`--messages` adds every request of both directions with the frames that caused it; causes never go back."""
    document = cli("replay", _recording(name), "--json", "--messages").json
    messages = document["messages"]
    assert len(messages) == document["shadow_messages"]
    assert {message["direction"] for message in messages} == {"cp>cs", "cs>cp"}
    last: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for message in messages:
        assert list(message) == ["charger_id", "action", "payload", "direction", "caused_by"]
        assert not message["action"].endswith("Response")
        seq = max(int(frame.rpartition("/")[2]) for frame in message["caused_by"])
        assert seq >= last.get(message["charger_id"], -1)
        last[message["charger_id"]] = seq
        if message["action"] == "TransactionEvent":
            transaction = message["payload"]["transactionInfo"]["transactionId"]
            assert message["payload"]["seqNo"] == numbers.get(transaction, message["payload"]["seqNo"])
            numbers[transaction] = message["payload"]["seqNo"] + 1


def test_facts_are_the_newest_of_each_name(cli: Cli) -> None:
    """`--facts` adds what was observed of the device model; without it nothing is said of it."""
    document = cli("replay", _recording(HUAWEI), "--json", "--facts").json
    facts = {(row["source"], row["connector_id"], row["name"]): row for row in document["facts"]}
    assert len(facts) == len(document["facts"]) > 3
    assert {row["charger_id"] for row in document["facts"]} == {document["sessions"][0]["charger_id"]}
    assert {source for source, *_ in facts} >= {"meter", "status"}
    assert "facts" not in cli("replay", _recording(HUAWEI), "--json").json


def test_facts_without_json_are_refused(cli: Cli) -> None:
    """There is no other place to say them in."""
    done = cli("replay", "x.jsonl", "--facts")
    assert (done.code, done.out, done.lines) == (2, b"", ["shadow-csms: --facts needs --json"])


def test_messages_without_json_are_refused(cli: Cli) -> None:
    """The combination has no meaning, and is not passed over in silence."""
    done = cli("replay", "x.jsonl", "--messages")
    assert (done.code, done.out, done.lines) == (2, b"", ["shadow-csms: --messages needs --json"])


@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_depends_on_the_frames_alone(cli: Cli, name: str, tmp_path: Path) -> None:
    """Again, given twice, from standard input, through a pipe, and in any split: stdout is the same byte for byte."""
    path = _recording(name)
    options = ("--json", "--messages")
    once = cli("replay", path, *options).out
    assert cli("replay", path, *options).out == once
    assert cli("replay", path, path, *options).out == once
    assert cli("replay", "-", *options, stdin=path.read_bytes()).out == once
    assert cli("replay", "/dev/stdin", *options, stdin=path.read_bytes()).out == once
    for seed, parts in enumerate((2, 3, 4)):
        pieces = _split(path, tmp_path, seed, parts)
        assert cli("replay", *pieces, *options).out == once
    assert cli("replay", pieces[0], "-", *pieces[2:], *options, stdin=pieces[1].read_bytes()).out == once


def test_a_recording_given_twice_is_said(cli: Cli) -> None:
    """What is passed over is named on stderr."""
    path = _recording(HUAWEI)
    assert cli("replay", path, path, "--json").lines == [f"{path}: the same recording again, passed over"]


def test_settling_takes_the_end_for_silence(cli: Cli) -> None:
    """With `--settle` the adopted session that nobody ended becomes a verdict, without it nothing is known yet."""
    path = _recording(MID_SESSION)
    before = {row["code"] for row in cli("replay", path, "--json").json["discrepancies"]}
    after = {row["code"] for row in cli("replay", path, "--json", "--settle").json["discrepancies"]}
    assert "session.never-ended" not in before
    assert "session.never-ended" in after


def test_a_summary_for_the_eye(cli: Cli) -> None:
    """Without `--json` the sessions and codes stand in tables."""
    done = cli("replay", _recording(HUAWEI))
    text = done.out.decode()
    assert (done.code, done.err) == (0, "")
    assert "2 sessions" in text
    assert "248" in text
    assert "session.zero" in text


def test_settings_change_the_verdict(cli: Cli) -> None:
    """A limit set in the environment arrives in the judgement: an answer of 1.1 s is slow where 1 s is allowed."""
    path = _recording(HUAWEI)
    strict = cli("replay", path, "--json", env={"SHADOW_SLOW_ANSWER_SECONDS": "1"}).json
    loose = cli("replay", path, "--json").json
    assert "rpc.slow-answer" in {row["code"] for row in strict["discrepancies"]}
    assert "rpc.slow-answer" not in {row["code"] for row in loose["discrepancies"]}
