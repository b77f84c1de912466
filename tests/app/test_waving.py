"""`shadow-csms enrol wave`."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.distributed import control
from ingest.control import Message
from ingest.waves import within


def test_who_joins_when_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of ids: a larger percentage holds all of a smaller one, and nothing is said to any tap."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.txt").write_text("\n".join(f"CP-{n}" for n in range(50)) + "\nOTHER\n\n")
    joined: list[set[str]] = []
    for percent in ("10", "50"):
        arguments = ["--percent", percent, "--fleet", "fleet.txt", "--site", "CP-*", "--dry-run"]
        result = CliRunner().invoke(app, ["enrol", "wave", "pilot", *arguments, "--json"])
        assert result.exit_code == 0, result.stderr
        rows = json.loads(result.stdout)
        assert len(rows) == 50
        joined.append({row["charger"] for row in rows if row["joins"]})
    assert joined[0] < joined[1]
    text = CliRunner().invoke(app, ["enrol", "wave", "pilot", *arguments])
    assert f"{len(joined[1])} of 50 charging stations join pilot" in text.stdout


def test_the_taps_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each station of the wave becomes a rule on the control topic that names the wave, the reason and who said it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.txt").write_text("\n".join(f"CP-{n}" for n in range(20)))
    told: list[Message] = []
    monkeypatch.setattr(control, "tell", lambda _kafka, _topic, messages, **_: told.extend(messages))
    arguments = ["--percent", "60", "--fleet", "fleet.txt", "--reason", "agreed", "--by", "ann"]
    result = CliRunner().invoke(app, ["enrol", "wave", "pilot", *arguments])
    assert result.exit_code == 0, result.stderr
    assert f"{len(told)} of 20 charging stations are enrolled by pilot at 60 %" in result.stdout
    wanted = {f"CP-{n}" for n in range(20) if within(f"CP-{n}", "pilot", Decimal(60))}
    assert {one.key.decode() for one in told} == wanted
    rule = json.loads(told[0].value or b"")
    assert (rule["enrolled"], rule["reason"], rule["by"]) == (True, "wave pilot at 60 %: agreed", "ann")


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--percent", "x"], "no percentage"),
        (["--percent", "101"], "from 0 to 100"),
        (["--percent", "1.234"], "two decimals"),
        (["--percent", "10", "--json"], "--json needs --dry-run"),
        (["--percent", "10", "--fleet", "x", "--model", "One"], "need the store"),
        (["--percent", "10", "--fleet", "absent"], "absent: cannot be read"),
        (["--percent", "10"], "who belongs to the fleet?"),
    ],
)
def test_what_cannot_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], wrong: str) -> None:
    """One line and exit code 2."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["enrol", "wave", "pilot", *arguments])
    assert result.exit_code == 2
    assert wrong in result.stderr
