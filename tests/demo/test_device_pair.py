"""Two charging stations of one model, one on 1.6 and one native, through the tap: what was planted is what is found."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.device import PLANTS, base_report, boot201, configuration, planted, rows
from demo.device_socket import NEW, OLD
from shadow import schema
from tests.running import ROOT, Running, call


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _recorded(directory: Path, *arguments: str) -> list[Path]:
    """Both stations told a CSMS all that they have, through a tap that wrote it down."""
    csms = _free_port()
    running = Running.start(
        ("record", "--upstream", f"ws://127.0.0.1:{csms}", "--listen-port", "0", "--data-dir", directory), directory
    )
    try:
        url = f"ws://127.0.0.1:{running.tap_port}/ocpp"
        command = [sys.executable, "-m", "demo.device_socket", "--url", url, "--listen", f"127.0.0.1:{csms}"]
        done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert running.stop() == 0
    finally:
        running.kill()
    return sorted((directory / "journal").glob("*.jsonl"))


def _compared(directory: Path, recordings: list[Path]) -> tuple[int, Any]:
    given = [part for recording in recordings for part in ("--recording", recording)]
    outcome = call(["device", "compare", OLD, NEW, *given, "--json"], directory)
    assert outcome.code in (0, 1), outcome.err
    return outcome.code, outcome.json


@pytest.mark.timeout(120)
def test_exactly_the_planted_differences_are_found(tmp_path: Path) -> None:
    """Each as what it is, none missed and none more."""
    code, found = _compared(tmp_path, _recorded(tmp_path, "--plant"))

    assert {(one["kind"], one["address"]) for one in found["differences"]} == {
        (plant.kind, plant.name) for plant in PLANTS
    }
    assert code == 1


@pytest.mark.timeout(120)
def test_a_firmware_that_kept_everything_differs_in_nothing(tmp_path: Path) -> None:
    """What only 2.0.1 can say is new, and no difference."""
    code, found = _compared(tmp_path, _recorded(tmp_path))

    assert (code, found["differences"], found["assumptions"]) == (0, [], [])
    assert found["compared"] > 50
    assert "ClockCtrlr/DateTime" not in found["new"]  # predicted: its messages carry timestamps
    assert "OCPPCommCtrlr/NetworkConfigurationPriority" in found["new"]


def test_what_the_pair_says_is_legal() -> None:
    """Keys by the schema of 1.6, boot and report by that of 2.0.1."""
    assert schema.violations(schema.V16, "GetConfiguration", response=True, payload=configuration()) == []
    assert schema.violations(schema.V201, "BootNotification", response=False, payload=boot201()) == []
    for part in base_report(planted(PLANTS), 1, "2026-05-04T12:00:00Z"):
        assert schema.violations(schema.V201, "NotifyReport", response=False, payload=part) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.kind} {plant.name}")
def test_a_plant_changes_one_variable(plant: Any) -> None:
    """The others stay what they are."""
    before, after = {row.name: row for row in rows()}, {row.name: row for row in planted([plant])}

    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}

    assert changed == {plant.name}
