"""`whatif`: over recordings and over the store, which says the same."""

import json
from pathlib import Path

import pytest

from demo.script import Script
from ingest.recording import encode_line
from tests.app.conftest import Cli


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A session whose cable stays for five minutes after the stop."""
    script = Script().boot().status(1, "Available").wait(10).status(1, "Preparing")
    script.start(1, "04A1B2C3", 1000, transaction=7).status(1, "Charging").wait(600)
    script.stop(7, 3500, "Local").status(1, "Finishing").wait(300).status(1, "Available").wait(60).status(
        1, "Available"
    )
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(map(encode_line, script.frames)))
    return path


def test_recordings_and_store_move_alike(cli: Cli, recording: Path, tmp_path: Path) -> None:
    """Both settings are named, the cohort is summed, the session is told with the id that the store has."""
    arguments = ("--tx-stop", "EVConnected", "--json")
    of_recording = cli("whatif", recording, *arguments)
    assert of_recording.code == 0, of_recording.err
    document = json.loads(of_recording.out)
    assert document["before"]["tx_stop_points"] == ["Authorized", "EVConnected"]
    assert document["after"]["tx_stop_points"] == ["EVConnected"]
    (sums,) = document["cohorts"].values()
    assert (sums["sessions"], sums["moved"], sums["start_seconds"], sums["price"]) == (1, 1, "0", None)
    assert 299 < float(sums["stop_seconds"]) < 302

    replayed = cli("replay", recording, "--store", "--data-dir", tmp_path / "data", "--json")
    of_store = json.loads(cli("whatif", "--store", "--data-dir", tmp_path / "data", *arguments).out)
    assert {**of_store, "read": ""} == {**document, "read": ""}
    assert [row["session_id"] for row in of_store["sessions"]] == [
        row["session_id"] for row in replayed.json["sessions"]
    ]


def test_people_get_sums_and_the_sessions_that_move_most(cli: Cli, recording: Path) -> None:
    """Two tables and what the settings are."""
    outcome = cli("whatif", recording, "--tx-stop", "EVConnected", "--cohort", "vendor=Al*")
    assert outcome.code == 0
    assert b"In sum, after minus before" in outcome.out
    assert b"session.stop-time 0 before, 1 after" in outcome.out
    assert b"1 sessions would move" in outcome.out


def test_another_tariff_moves_the_bills(cli: Cli, recording: Path, tmp_path: Path) -> None:
    """2.5 kWh at 0.49 before, at 0.59 after; a file that is none is named."""
    for price in ("0.49", "0.59"):
        tariff = (
            f'[[tariffs]]\nid = "t"\ncurrency = "EUR"\n[[tariffs.elements]]\n'
            f'price_components = [{{ type = "ENERGY", price = {price}, step_size = 1 }}]\n'
            '[[assign]]\nchargers = ["*"]\ntariff = "t"\n'
        )
        (tmp_path / f"{price}.toml").write_text(tariff, encoding="utf-8")
    env = {"SHADOW_TARIFF_FILE": str(tmp_path / "0.49.toml")}
    outcome = cli("whatif", recording, "--tariff", tmp_path / "0.59.toml", "--json", env=env)
    (sums,) = json.loads(outcome.out)["cohorts"].values()
    assert sums["price"] == {"EUR": {"sessions": 1, "before": "1.23", "after": "1.48"}}
    text = cli("whatif", recording, "--tariff", tmp_path / "0.59.toml", env=env).out.decode()
    assert "EUR 1.23 before, 1.48 after (+0.25) in 1 sessions" in text
    refused = cli("whatif", recording, "--tariff", tmp_path / "absent.toml")
    assert refused.code == 2
    assert "absent.toml" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run.jsonl"], "nothing would change: give --tx-start, --tx-stop, --energy-tolerance or --tariff"),
        (["run.jsonl", "--tx-start", "Plugged"], "tx_start_points = Plugged: choose from"),
        (["run.jsonl", "--tx-stop", "ParkingBayOccupancy"], "add one of"),
        (["run.jsonl", "--energy-tolerance", "-1"], "is no number of Wh"),
        (["run.jsonl", "--energy-tolerance", "NaN"], "is no number of Wh"),
        (["run.jsonl", "--tx-start", "Authorized", "--cohort", "Alder"], "--cohort 'Alder': write vendor=GLOB"),
        (["--tx-start", "Authorized"], "name recordings, or --store"),
        (["nowhere.jsonl", "--tx-start", "Authorized"], "nowhere.jsonl: cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    cli: Cli, recording: Path, arguments: list[str], message: str
) -> None:
    """Exit code 2, and nothing on standard output."""
    outcome = cli("whatif", *arguments)
    assert (outcome.code, outcome.out) == (2, b"")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
