"""`replay --store`: what is kept is whole, redacted, and the same however often it is done."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from tests.running import Outcome, call

TAG, PARENT = "04A1B2C3D4E5F6", "GROUP-4711"
PASSWORD = "correct-horse-battery"
TABLES = ("frames", "messages", "sessions", "discrepancies", "dead_letters", "chargers", "device_facts")


def _recording() -> bytes:
    """A clean session between two lines without a frame, a password, and a text that is no message."""
    entries: list[tuple[int, str, Any]] = [
        (1, "cp>cs", [2, "b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]),
        (2, "cs>cp", [3, "b", {"status": "Accepted", "currentTime": "2026-03-01T10:00:02Z", "interval": 300}]),
        (3, "cs>cp", [2, "k", "ChangeConfiguration", {"key": "AuthorizationKey", "value": PASSWORD}]),
        (4, "cp>cs", [3, "k", {"status": "Accepted"}]),
        (9, "cp>cs", [2, "a", "Authorize", {"idTag": TAG}]),
        (9, "cs>cp", [3, "a", {"idTagInfo": {"status": "Accepted", "parentIdTag": PARENT}}]),
        (10, "cp>cs", [2, "s", "StartTransaction", {
            "connectorId": 1, "idTag": TAG, "meterStart": 100, "timestamp": "2026-03-01T10:00:10Z"}]),
        (11, "cs>cp", [3, "s", {"transactionId": 7, "idTagInfo": {"status": "Accepted", "parentIdTag": PARENT}}]),
        (50, "cp>cs", [2, "e", "StopTransaction", {
            "transactionId": 7, "idTag": TAG, "meterStop": 600, "timestamp": "2026-03-01T10:00:50Z"}]),
        (51, "cs>cp", [3, "e", {"idTagInfo": {"status": "Accepted"}}]),
    ]  # fmt: skip
    lines = [
        json.dumps({"t": f"2026-03-01T10:00:{second:02}Z", "dir": direction, "cp": "CP-1", "frame": frame})
        for second, direction, frame in entries
    ]
    unreadable = {
        "t": "2026-03-01T10:00:55Z",
        "dir": "cp>cs",
        "cp": "CP-1",
        "raw": f'[2,"x","Authorize",{{"idTag":"{TAG}"',
    }
    bad = f'{{"t": "2026-03-01T10:00:20Z", "cp": "CP-1", "dir": "{TAG}", "frame": ["{TAG}"]}}'
    return "\n".join([*lines[:8], f"junk {TAG}", bad, *lines[8:], json.dumps(unreadable)]).encode() + b"\n"


def _contents(data_dir: Path) -> dict[str, list[dict[str, Any]]]:
    with EmbeddedEngine(data_dir / "store") as engine, Store.connect(engine.url()) as store:
        return {name: store.rows(f"SELECT * EXCEPT ingested_at FROM {name} FINAL ORDER BY ALL") for name in TABLES}


class Kept:
    """One recording, kept twice, and the store after each time."""

    def __init__(self, directory: Path) -> None:
        path = directory / "recording.jsonl"
        path.write_bytes(_recording())
        self.plain = call(["replay", path, "--json"], directory)
        self.runs: list[Outcome] = []
        self.stores: list[dict[str, list[dict[str, Any]]]] = []
        for _ in range(2):
            self.runs.append(call(["replay", path, "--json", "--store", "--data-dir", "data"], directory))
            self.stores.append(_contents(directory / "data"))
        self.data_dir = directory / "data"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Done once for all tests of this file."""
    return Kept(tmp_path_factory.mktemp("kept"))


def test_every_frame_session_and_discrepancy_is_there(kept: Kept) -> None:
    """The rows of the store are those of the document that the same command printed."""
    assert [run.code for run in kept.runs] == [0, 0]
    document, store = kept.runs[0].json, kept.stores[0]
    assert document["frames"] == len(store["frames"]) == 11
    sent = [row for row in store["messages"] if row["type"] == "request"]
    assert len(sent) == document["shadow_messages"] > 0
    assert {row["session_id"] for row in store["sessions"]} == {row["session_id"] for row in document["sessions"]}
    assert {row["id"] for row in store["discrepancies"]} == {row["id"] for row in document["discrepancies"]}
    assert [row["code"] for row in document["discrepancies"]] == ["rpc.malformed"]
    (session,) = store["sessions"]
    assert (session["primary_energy_wh"], session["shadow_energy_wh"]) == (500, 500)
    assert session["compared"]
    assert {"key", "boot", "boot-answer"} <= {row["source"] for row in store["device_facts"]}
    assert kept.runs[0].lines[0].startswith("kept in the store: ")


def test_no_token_and_no_password_is_kept(kept: Kept) -> None:
    """Tags stand nowhere as they were sent, not even those in broken lines; pseudonyms keep length and pattern."""
    everything = json.dumps(kept.stores[1], default=str)
    for secret in (TAG, PARENT, PASSWORD):
        assert secret.lower() not in everything.lower()
    (session,) = kept.stores[1]["sessions"]
    assert session["id_token"] != TAG
    assert re.fullmatch(r"[0-9A-Z]{14}", session["id_token"])
    start = next(row for row in kept.stores[1]["frames"] if row["message_id"] == "s" and row["message_type"] == "call")
    assert json.loads(start["text"])[3]["idTag"] == session["id_token"]
    for path in kept.data_dir.rglob("*"):
        if path.is_file() and path.name != "redaction-key.json":
            assert TAG.encode() not in path.read_bytes(), path


def test_lines_without_a_frame_leave_dead_letters(kept: Kept) -> None:
    """Each says which line of which recording, why, how large, and when the frame before it came."""
    letters = sorted(kept.stores[0]["dead_letters"], key=lambda row: row["position"])
    assert [row["position"].rpartition("/")[2] for row in letters] == [
        "recording.jsonl, line 10",
        "recording.jsonl, line 9",
    ]
    assert [row["charger_id"] for row in letters] == ["CP-1", ""]
    assert [row["reason"].partition(":")[0] for row in letters] == [
        '"dir" is a text of 14 characters, neither "cp>cs" nor "cs>cp"',
        "no line of a recording",
    ]
    for row in letters:
        assert row["source"] == "recording"
        assert row["size"] > 10
        assert row["received_at"].isoformat().startswith("2026-03-01T10:00:11")


def test_the_same_replay_again_changes_nothing(kept: Kept) -> None:
    """Not one row more, not one value different: ids come from the frames."""
    first, second = kept.stores
    assert {name: len(rows) for name, rows in first.items()} == {name: len(rows) for name, rows in second.items()}
    assert first == second


def test_keeping_changes_pseudonyms_only(kept: Kept) -> None:
    """But for the token, sessions and codes are those of the replay that keeps nothing."""
    plain, stored = kept.plain.json, kept.runs[0].json
    assert [row["id_token"] for row in plain["sessions"]] == [TAG]
    for document in (plain, stored):
        for row in document["sessions"]:
            del row["id_token"]
    assert plain["sessions"] == stored["sessions"]
    keys = ("id", "code", "session_id", "delta", "occurrences", "frames")
    rows = [[[row[key] for key in keys] for row in document["discrepancies"]] for document in (plain, stored)]
    assert rows[0] == rows[1]
