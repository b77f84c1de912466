"""`coverage` and `weight`: without a source, over recordings, and over the store, which says the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.script import NOON, Script
from ingest.recording import encode_line
from tests.app.conftest import Cli
from tests.running import call

KEYS = {"protocol", "action", "direction", "part", "field", "handling", "seen"}


def _recording(path: Path) -> Path:
    script = Script("CP1").boot().status(1, "Preparing").start(1, "04A1B2C3", 1000, transaction=7).wait(600)
    script.meter(1, 7, 1500).stop(7, 3500).wait(86_400).boot()
    path.write_bytes(b"".join(map(encode_line, script.frames)))
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose store holds the recording."""
    directory = tmp_path_factory.mktemp("kept")
    recording = _recording(directory / "recording.jsonl")
    outcome = call(["replay", recording, "--store", "--data-dir", directory / "data"], directory)
    assert outcome.code == 0, outcome.err
    return directory


def _rows(text: bytes) -> dict[tuple[str, str, str, str, str], dict[str, Any]]:
    rows = json.loads(text)
    assert all(row.keys() == KEYS for row in rows)
    return {tuple(row[key] for key in ("protocol", "action", "direction", "part", "field")): row for row in rows}


class TestCoverage:
    """What becomes of each field, and how often it was seen."""

    def test_every_action_of_both_versions_is_listed_and_nothing_counted(self, cli: Cli) -> None:
        """39 and 64 actions, requests and answers; `seen` is null where nothing was looked at."""
        outcome = cli("coverage", "--json")
        assert outcome.code == 0
        rows = _rows(outcome.out)
        for protocol, actions in (("ocpp1.6", 39), ("ocpp2.0.1", 64)):
            named = {(row["action"], row["part"]) for row in rows.values() if row["protocol"] == protocol}
            assert len(named) == 2 * actions
        assert {row["seen"] for row in rows.values()} == {None}
        handlings = {row["handling"].partition(":")[0] for row in rows.values()}
        assert handlings <= {"mapped", "lossy", "synthesised", "no-equivalent", "schema", "rules"}
        assert rows["ocpp1.6", "Heartbeat", "cp>cs", "request", ""]["handling"] == "mapped"
        assert "rules: " in rows["ocpp2.0.1", "TransactionEvent", "cp>cs", "request", "seqNo"]["handling"]
        assert rows["ocpp2.0.1", "SetMonitoringLevel", "cs>cp", "request", "severity"]["handling"] == "schema"

    def test_recordings_and_store_are_counted_alike(self, cli: Cli, kept: Path) -> None:
        """The store's frames within a week of its newest are those of the recording that it holds."""
        of_recording = cli("coverage", kept / "recording.jsonl", "--json")
        of_store = cli("coverage", "--store", "--data-dir", kept / "data", "--json")
        assert (of_recording.code, of_store.code) == (0, 0), of_store.err
        assert of_recording.out == of_store.out
        rows = _rows(of_store.out)
        assert rows["ocpp1.6", "StartTransaction", "cp>cs", "request", "meterStart"]["seen"] == 1
        assert rows["ocpp1.6", "BootNotification", "cp>cs", "answer", "interval"]["seen"] == 2
        assert rows["ocpp1.6", "Reset", "cs>cp", "request", "type"]["seen"] == 0
        assert "1 charging stations in the store" in of_store.err
        assert "a week up to its newest frame" in of_store.err

    def test_a_stretch_of_time_bounds_what_is_counted(self, cli: Cli, kept: Path) -> None:
        """Up to the first hour: the second BootNotification, a day later, is not among it."""
        outcome = cli(
            "coverage", "--store", "--data-dir", kept / "data", "--json", "--since", "2030-01-01T11:00:00Z",
            "--until", "2030-01-01T13:00:00Z", "--charger", "CP1",
        )  # fmt: skip
        assert NOON == 1_893_499_200_000_000
        rows = _rows(outcome.out)
        assert rows["ocpp1.6", "BootNotification", "cp>cs", "answer", "interval"]["seen"] == 1

    def test_people_get_a_table_for_each_action_and_a_sum(self, cli: Cli, kept: Path) -> None:
        """What was never seen is said not to have passed."""
        outcome = cli("coverage", kept / "recording.jsonl", "--action", "Authorize", "--protocol", "ocpp1.6")
        assert outcome.code == 0
        assert b"Authorize (ocpp1.6)" in outcome.out
        assert b"idTag" in outcome.out
        assert b"never seen is not a pass" in outcome.out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--action", "Heartbeet"], "--action Heartbeet: there is none in OCPP 1.6 and 2.0.1"),
            (["--action", "StartTransaction", "--protocol", "ocpp2.0.1"], "there is none in ocpp2.0.1"),
            (["--protocol", "ocpp2.0"], "--protocol ocpp2.0: choose ocpp1.6 or ocpp2.0.1"),
            (["--since", "2030-01-01T00:00:00Z"], "--since, --until and --charger need --store"),
            (["--store", "--since", "yesterday"], "--since 'yesterday' is no time"),
            (
                ["--store", "--since", "2030-01-02T00:00:00Z", "--until", "2030-01-01T00:00:00Z"],
                "ends before it begins",
            ),
            (["--store", "some.jsonl"], "name recordings or --store, not both"),
            (["nowhere.jsonl"], "nowhere.jsonl: cannot be read: No such file"),
        ],
    )
    def test_what_cannot_be_counted_is_said_in_one_line(self, cli: Cli, arguments: list[str], message: str) -> None:
        """Exit code 2, and nothing on standard output."""
        outcome = cli("coverage", *arguments)
        assert (outcome.code, outcome.out) == (2, b"")
        assert message in outcome.err
        assert outcome.err.count("\n") == 1


class TestWeight:
    """What the telemetry weighs in both versions."""

    def test_recordings_and_store_weigh_alike(self, cli: Cli, kept: Path) -> None:
        """Counts, means over the sessions and the observed time, and ratios."""
        of_recording = json.loads(cli("weight", kept / "recording.jsonl", "--json").out)
        of_store = json.loads(cli("weight", "--store", "--data-dir", kept / "data", "--json").out)
        for one in (of_recording, of_store):
            del one["read"]
        assert of_recording["sessions"] == 1
        assert of_recording["charger_days"] == pytest.approx(1.007, abs=0.001)
        assert of_recording["total"]["1.6"]["messages"] == 12
        assert of_recording["per_session"]["1.6"]["messages"] == 8
        assert of_recording["total"]["ratio"]["deflated_bytes"] > 0.5
        # Pseudonyms stand in the place of tokens in the store: bytes differ, messages do not.
        for version in ("1.6", "2.0.1"):
            assert of_store["total"][version]["messages"] == of_recording["total"][version]["messages"]
        assert of_store["actions"].keys() == of_recording["actions"].keys()

    def test_people_get_one_table(self, cli: Cli, kept: Path) -> None:
        """With a line for a session, one for a charger-day, and one for each action."""
        outcome = cli("weight", kept / "recording.jsonl")
        assert outcome.code == 0
        for word in (b"a session", b"a charger-day", b"BootNotification", b"TransactionEvent"):
            assert word in outcome.out

    def test_nothing_observed_has_no_mean(self, cli: Cli, tmp_path: Path) -> None:
        """An empty recording gives zeros and nulls, and no division by nothing."""
        empty = tmp_path / "empty.jsonl"
        empty.write_bytes(b"")
        document = json.loads(cli("weight", empty, "--json").out)
        assert document["total"]["1.6"]["messages"] == 0
        assert document["per_session"]["1.6"]["plain_bytes"] is None
        assert document["total"]["ratio"]["plain_bytes"] is None
        assert cli("weight", empty).code == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "name recordings, or --store"),
            (["--store", "some.jsonl"], "name recordings, or --store"),
            (["some.jsonl", "--since", "2030-01-01T00:00:00Z"], "need --store"),
            (["nowhere.jsonl"], "nowhere.jsonl: cannot be read: No such file"),
        ],
    )
    def test_what_cannot_be_weighed_is_said_in_one_line(self, cli: Cli, arguments: list[str], message: str) -> None:
        """Exit code 2, and nothing on standard output."""
        outcome = cli("weight", *arguments)
        assert (outcome.code, outcome.out) == (2, b"")
        assert message in outcome.err
