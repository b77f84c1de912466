"""The commands as a user meets them: help, catalogue, settings, and what is said when one cannot begin."""

from pathlib import Path

import pytest

from app.settings import Settings
from diff.catalogue import CATALOGUE
from tests.app.conftest import Cli

COMMANDS = ("demo", "run", "record", "replay", "dashboard", "codes", "settings")


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    """The list of commands, each with a line that says what it does, and the exit code of something not asked well."""
    done = cli()
    assert done.code == 2
    text = done.out.decode() + done.err
    for command in COMMANDS:
        (line,) = [line for line in text.splitlines() if line.strip(" │").startswith(f"{command} ")]
        assert len(line.strip(" │").split()) > 4


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(cli: Cli, command: str) -> None:
    """`--help` names usage and options and exits with 0."""
    done = cli(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: python -m app.cli {command}" in done.out.decode() or f" {command} " in done.out.decode()
    assert "--help" in done.out.decode()


def test_an_unknown_command_is_named(cli: Cli) -> None:
    """A typing error exits with 2 and says which word it was."""
    done = cli("repaly")
    assert done.code == 2
    assert "repaly" in done.err


def test_codes_are_the_catalogue(cli: Cli) -> None:
    """`codes --json` is a list with five keys for each code, in the order of the catalogue."""
    done = cli("codes", "--json")
    rows = done.json
    assert (done.code, done.err) == (0, "")
    assert [row["code"] for row in rows] == list(CATALOGUE)
    for row in rows:
        assert list(row) == ["code", "class", "severity", "meaning", "remedy"]
        assert all(isinstance(value, str) and value for value in row.values())
    assert {row["class"] for row in rows} <= {"mismatch", "expected-loss", "quality"}
    assert {row["severity"] for row in rows} <= {"critical", "major", "minor", "info"}


def test_codes_for_the_eye_names_every_code(cli: Cli) -> None:
    """The table shows every code whole on a wide terminal."""
    text = cli("codes").out.decode()
    assert [code for code in CATALOGUE if code not in text] == []


def test_settings_tell_value_and_origin(cli: Cli, tmp_path: Path) -> None:
    """`settings --json` gives each setting once, its value as text and where it comes from."""
    (tmp_path / "mine.toml").write_text("currency = 'SEK'\ntick_seconds = 2\n")
    done = cli(
        "--config",
        "mine.toml",
        "settings",
        "--json",
        env={"SHADOW_TICK_SECONDS": "3", "SHADOW_STORE_URL": "clickhouse://me:topsecret@db:9000/x"},
    )
    document = done.json
    assert done.code == 0
    assert list(document) == list(Settings.model_fields)
    assert document["currency"] == {"value": "SEK", "from": "mine.toml"}
    assert document["tick_seconds"] == {"value": "3.0", "from": "SHADOW_TICK_SECONDS"}
    assert document["listen_port"] == {"value": "9310", "from": "default"}
    assert document["store_url"] == {"value": "clickhouse://me:***@db:9000/x", "from": "SHADOW_STORE_URL"}


def test_settings_for_the_eye_hold_no_password(cli: Cli) -> None:
    """The table names every setting, and masks the password of the store's address."""
    done = cli("settings", env={"SHADOW_STORE_URL": "clickhouse://me:topsecret@db:9000/x"})
    text = done.out.decode()
    assert done.code == 0
    assert [name for name in Settings.model_fields if name not in text] == []
    assert "topsecret" not in text + done.err


@pytest.mark.parametrize("command", [("settings",), ("run",), ("record",), ("dashboard",), ("replay", "x.jsonl")])
def test_settings_that_cannot_be_used_end_every_command_at_once(cli: Cli, tmp_path: Path, command: tuple[str]) -> None:
    """One line on stderr, nothing on stdout, exit code 2, and no data directory is left behind."""
    (tmp_path / "shadow-csms.toml").write_text("listen_porrt = 1\n")
    done = cli(*command)
    assert (done.code, done.out) == (2, b"")
    (line,) = done.lines
    assert line.startswith("shadow-csms: listen_porrt (in shadow-csms.toml): there is no such setting (`shadow-csms ")
    assert [path.name for path in tmp_path.iterdir()] == ["shadow-csms.toml"]
