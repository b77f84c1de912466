"""`mapping check` and `mapping suggest`: what they print, and what they refuse."""

import json
from pathlib import Path

import pytest

from demo.script import Script
from ingest.recording import encode_line
from tests.app.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A station that tells two vendor keys and sends a DataTransfer."""
    keys = [{"key": "MaxCurrent", "readonly": False, "value": "32000"}, {"key": "Colour", "readonly": True}]
    boot = {"chargePointVendor": "Alder", "chargePointModel": "Terrace"}
    accepted = {"status": "Accepted", "currentTime": "2030-01-01T12:00:00Z", "interval": 300}
    script = Script("CP1").call("BootNotification", boot).answer(accepted)
    script = script.command("GetConfiguration", {}).answer({"configurationKey": keys})
    script = script.call("DataTransfer", {"vendorId": "com.alder", "data": "a=1"}).answer({"status": "Accepted"})
    path = tmp_path / "recording.jsonl"
    path.write_bytes(b"".join(map(encode_line, script.frames)))
    return path


def test_the_example_can_be_used(cli: Cli) -> None:
    """Counts of what it holds, and no warnings."""
    outcome = cli("mapping", "check", ROOT / "examples/vendor-mapping.toml")
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        b"3 [[station]] tables with rules for 7 keys and 3 kinds of DataTransfer (3 fields); 0 warnings" in outcome.out
    )


def test_what_is_doubtful_is_a_warning(cli: Cli, tmp_path: Path) -> None:
    """On stderr and in the document; the file can be used all the same."""
    rule = '[[station.key]]\nkey = "X"\nvariable = "A/Count"\n'
    (tmp_path / "m.toml").write_text(f"[[station]]\n{rule}{rule}")
    outcome = cli("mapping", "check", "m.toml")
    assert outcome.code == 0
    assert outcome.err == "warning: [[station]] number 1, key X: is never used: X of [[station]] number 1 comes first\n"
    document = cli("mapping", "check", "m.toml", "--json").json
    assert (document["keys"], len(document["warnings"])) == (2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "m.toml: cannot be read: No such file"),
        ("[[station]", "m.toml: no TOML"),
        ('[[station]]\n[[station.key]]\nkey = "X"\n', "number 1 (X) names no variable: write variable ="),
        (
            '[[station]]\n[[station.key]]\nkey = "HeartbeatInterval"\nvariable = "A/B"\n',
            "a mapping file never overrides the standard table",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    cli: Cli, tmp_path: Path, text: str | None, message: str
) -> None:
    """Exit code 2, and nothing on standard output."""
    if text is not None:
        (tmp_path / "m.toml").write_text(text)
    outcome = cli("mapping", "check", "m.toml")
    assert (outcome.code, outcome.out, len(outcome.lines)) == (2, b"", 1)
    assert message in outcome.err


def test_a_suggestion_is_a_file_that_can_be_used(cli: Cli, recording: Path, tmp_path: Path) -> None:
    """Printed, checked, and used as the setting: then there is less to suggest."""
    first = cli("mapping", "suggest", recording)
    assert first.code == 0
    assert "without a rule: 2 keys and 1 kinds of DataTransfer\n" in first.err
    (tmp_path / "m.toml").write_bytes(first.out)
    assert b"rules for 1 keys and 0 kinds" in cli("mapping", "check", "m.toml").out
    again = cli("mapping", "suggest", recording, env={"SHADOW_VENDOR_MAPPING_FILE": "m.toml"})
    assert "without a rule: 1 keys and 1 kinds of DataTransfer; 1 have a rule already" in again.err
    assert b'key = "MaxCurrent"' not in again.out


def test_a_suggestion_as_a_document(cli: Cli, recording: Path) -> None:
    """What was seen of each key, and its candidate."""
    (group,) = json.loads(cli("mapping", "suggest", recording, "--json").out)["stations"]
    rows = {row["key"]: row for row in group["keys"]}
    assert rows["MaxCurrent"]["candidate"]["scale"] == "0.001"
    assert (rows["MaxCurrent"]["most"], rows["Colour"]["candidate"], rows["Colour"]["readonly"]) == (
        "32000",
        None,
        [True],
    )
    assert [row["vendor_id"] for row in group["transfers"]] == ["com.alder"]


def test_recordings_and_store_suggest_alike(cli: Cli, recording: Path) -> None:
    """The store's frames are those of the recording that it holds."""
    assert cli("replay", recording, "--store", "--data-dir", "data").code == 0
    of_store = cli("mapping", "suggest", "--store", "--data-dir", "data")
    assert (of_store.code, of_store.out) == (0, cli("mapping", "suggest", recording).out)


def test_nothing_of_a_vendor_is_said_so(cli: Cli, recording: Path) -> None:
    """An empty file with the reason."""
    outcome = cli("mapping", "suggest", recording, "--vendor", "Birch")
    assert outcome.code == 0
    assert b"Nothing to suggest" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name recordings, or --store"),
        (["nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["x.jsonl", "--since", "2030-01-01T00:00:00Z"], "--since, --until and --charger need --store"),
    ],
)
def test_what_cannot_be_looked_into_is_said_in_one_line(cli: Cli, arguments: list[str], message: str) -> None:
    """Exit code 2, and nothing on standard output."""
    outcome = cli("mapping", "suggest", *arguments)
    assert (outcome.code, outcome.out, len(outcome.lines)) == (2, b"", 1)
    assert message in outcome.err
