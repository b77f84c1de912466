"""`device`: the model shown, reported, asked, set and compared, of recordings and of the store."""

from pathlib import Path

import pytest

from demo.native import NativeScript
from demo.script import Script
from ingest.recording import encode_line
from tests.app.conftest import Cli
from tests.running import call

KEYS = {"HeartbeatInterval": "600", "LocalPreAuthorize": "True", "NumberOfConnectors": "1", "AlderLight": "on"}
HEARTBEAT = "OCPPCommCtrlr/HeartbeatInterval"


def _old() -> Script:
    told = [{"key": key, "readonly": False, "value": value} for key, value in KEYS.items()]
    script = Script("CP1").boot().status(1, "Available").wait(5)
    return script.command("GetConfiguration", {}).answer({"configurationKey": told})


def _new() -> NativeScript:
    entry = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
        "variableAttribute": [{"type": "Actual", "value": "60"}],
        "variableCharacteristics": {"dataType": "integer", "unit": "s", "supportsMonitoring": False},
    }
    script = NativeScript("CP2").boot()
    script.asked("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    report = {"requestId": 1, "generatedAt": script.now, "seqNo": 0, "reportData": [entry]}
    return script.told("NotifyReport", report)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a recording of both stations, and a store that holds it."""
    directory = tmp_path_factory.mktemp("device")
    frames = [*_old().frames, *_new().frames]
    (directory / "recording.jsonl").write_bytes(b"".join(map(encode_line, frames)))
    outcome = call(["replay", "recording.jsonl", "--store", "--data-dir", "data"], directory)
    assert outcome.code == 0, outcome.err
    return directory


def test_store_and_recording_show_the_same_model(cli: Cli, kept: Path) -> None:
    """Variables with their provenance, and what became of every key."""
    of_store = cli("device", "show", "CP1", "--data-dir", kept / "data", "--json")
    of_recording = cli("device", "show", "CP1", "--recording", kept / "recording.jsonl", "--json")

    assert (of_store.code, of_recording.code) == (0, 0)
    assert of_store.json == of_recording.json
    entries = {one["address"]: one for one in of_store.json["entries"]}
    actual = entries[HEARTBEAT]["values"]["Actual"]
    assert (actual["text"], actual["certainty"], actual["origin"]) == ("600", "observed", "key HeartbeatInterval")
    assert {key["name"]: key["fate"] for key in of_store.json["keys"]} == {
        "HeartbeatInterval": "mapped",
        "LocalPreAuthorize": "mapped",
        "NumberOfConnectors": "mapped",
        "AlderLight": "unmapped",
    }


def test_the_model_is_readable(cli: Cli, kept: Path) -> None:
    """Who it is, how many variables, and two tables."""
    outcome = cli("device", "show", "CP1", "--recording", kept / "recording.jsonl")

    assert outcome.code == 0
    text = outcome.out.decode()
    for words in ("predicted from 1.6", HEARTBEAT, "AlderLight", "unmapped"):
        assert words in text


def test_reports_and_answers_are_those_of_a_station(cli: Cli, kept: Path) -> None:
    """GetBaseReport with its NotifyReports, GetVariables and SetVariables with their statuses."""
    given = ("--recording", kept / "recording.jsonl")
    report = cli("device", "report", "CP1", "--base", "configuration", *given).json
    got = cli("device", "get", "CP1", HEARTBEAT, "Nothing/Here", *given).json
    was_set = cli("device", "set", "CP1", f"{HEARTBEAT}=60", "AuthCtrlr/LocalPreAuthorize=perhaps", *given).json

    assert report["GetBaseReportResponse"] == {"status": "Accepted"}
    assert report["NotifyReportRequest"][0]["seqNo"] == 0
    statuses = [one["attributeStatus"] for one in got["getVariableResult"]]
    assert statuses == ["Accepted", "UnknownComponent"]
    assert [one["attributeStatus"] for one in was_set["setVariableResult"]] == ["Accepted", "Rejected"]


def test_two_models_are_held_against_each_other(cli: Cli, kept: Path) -> None:
    """Exit code 1 where they differ; the readable form names how."""
    given = ("--recording", kept / "recording.jsonl")
    document = cli("device", "compare", "CP1", "CP2", *given, "--json")
    text = cli("device", "compare", "CP1", "CP2", *given)

    assert (document.code, text.code) == (1, 1)
    kinds = {(one["kind"], one["address"]) for one in document.json["differences"]}
    assert ("changed", HEARTBEAT) in kinds
    assert ("missing", "AuthCtrlr/LocalPreAuthorize") in kinds
    assert b"Differences" in text.out


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("show", "CP9"), 1, "nothing of the device model of 'CP9'"),
        (("get", "CP1", "HeartbeatInterval"), 2, "write Component/Variable"),
        (("set", "CP1", "A/B"), 2, "write Component/Variable=VALUE"),
        (("report", "CP1", "--base", "everything"), 2, "choose full, configuration, summary"),
        (("compare", "CP2", "CP1"), 1, "reported no variable of 2.0.1"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    cli: Cli, kept: Path, arguments: tuple[str, ...], code: int, word: str
) -> None:
    """With what to do, and no traceback."""
    outcome = cli("device", *arguments, "--recording", kept / "recording.jsonl")

    assert outcome.code == code
    assert word in " ".join(outcome.err.split())
    assert "Traceback" not in outcome.err


def test_an_empty_recording_says_so(cli: Cli, tmp_path: Path) -> None:
    """Nothing was seen of it."""
    (tmp_path / "empty.jsonl").write_text("")

    outcome = cli("device", "show", "CP1", "--recording", "empty.jsonl")

    assert outcome.code == 1
    assert "check its id" in outcome.err
