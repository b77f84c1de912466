"""Commands beside a process that has the embedded store: they find it, and a file that was left behind does no harm."""

import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings
from app.store_file import FILE_NAME, left, running_url
from app.storing import embedded_store, the_store
from diff.store.queries.verdicts import verdict_history


def test_the_file_is_there_while_it_is_held_and_for_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600, the URL in it, gone at the end."""
    assert running_url(tmp_path) == ""
    with left(tmp_path, "clickhouse://shadow:secret@127.0.0.1:1/shadow"):
        assert running_url(tmp_path) == "clickhouse://shadow:secret@127.0.0.1:1/shadow"
        assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert running_url(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_nobody_holds_is_stale(tmp_path: Path) -> None:
    """What a killed process left behind counts for nothing, and the next one replaces it."""
    (tmp_path / FILE_NAME).write_text("clickhouse://shadow:old@127.0.0.1:1/shadow\n")
    assert running_url(tmp_path) == ""
    with left(tmp_path, "clickhouse://shadow:new@127.0.0.1:2/shadow"):
        assert running_url(tmp_path).endswith("new@127.0.0.1:2/shadow")


def test_a_directory_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Then commands find nothing, and the store runs all the same."""
    with left(tmp_path / "none", "clickhouse://127.0.0.1:1/shadow"):
        assert running_url(tmp_path / "none") == ""


def test_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    """A directory in its place."""
    (tmp_path / FILE_NAME).mkdir()
    assert running_url(tmp_path) == ""


def test_commands_work_beside_the_process_that_has_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict is given and kept in the store that is running, where that process sees it at once."""
    for name in [name for name in os.environ if name.startswith("SHADOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    words = ("--data-dir", "data")
    with embedded_store(tmp_path / "data"), the_store(Settings(data_dir=tmp_path / "data")) as store:
        assert CliRunner().invoke(app, ["gate", *words]).exit_code == 20
        assert [one.cohort for one in verdict_history(store)] == ["fleet"]
        assert CliRunner().invoke(app, ["noise", "--store", *words]).stdout.startswith("nothing was lived again")
        assert CliRunner().invoke(app, ["ack", "list", *words]).stdout == "nothing is acknowledged\n"
        (tmp_path / "data" / FILE_NAME).unlink()
        refused = CliRunner().invoke(app, ["gate", *words])
        assert (refused.exit_code, "is in use by process" in refused.stderr) == (2, True)
