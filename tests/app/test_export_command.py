"""`export` from the command line: files that others can read, and plain words where nothing can be exported."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from app.cli import app
from app.commands.export import What
from app.pages.exports import page
from diff.exports.columns import DATASETS
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from tests.diff.store.generated import AT, DAY, a_fault, add, generate

PAGE = Path(__file__).resolve().parents[2] / "docs/exports.md"


@pytest.fixture
def export(
    store: Store, engine: EmbeddedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run the command against a store with one discrepancy in it."""
    generate(store, 9)
    add(store, a_fault("session.energy", AT - DAY, path="=cmd()"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["export", *words, "--store-url", engine.url(store.address.database)])

    return run


def test_the_page_is_fresh() -> None:
    """Every column stands in docs/exports.md, which `make docs` writes."""
    assert PAGE.read_text() == page()


def test_every_table_can_be_asked_for() -> None:
    """The words of the command are the tables that there are."""
    assert [one.value for one in What] == list(DATASETS)


def test_forms(export: Callable[..., Result], tmp_path: Path) -> None:
    """CSV on stdout, JSON and Parquet by the file's name, all exact."""
    done = export("discrepancies")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (done.exit_code, row["path"], row["delta"]) == (0, "'=cmd()", "100")
    assert "1 rows of discrepancies as csv" in done.stderr

    assert export("sessions", "--output", "s.json").exit_code == 0
    rows = json.loads((tmp_path / "s.json").read_text())
    assert (len(rows), rows[0]["primary_energy_wh"], rows[0]["record_id"]) == (9, "1000", None)

    assert export("discrepancies", "--output", "d.parquet").exit_code == 0
    table = parquet.read_table(tmp_path / "d.parquet")
    assert str(table.schema.field("delta").type) == "decimal128(38, 6)"
    assert str(table.schema.field("observed_at").type) == "timestamp[us, tz=UTC]"
    assert table.column("delta").to_pylist() == [Decimal("100.000000")]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sessions", "--code", "x"), "--code does not narrow sessions"),
        (("sessions", "--since", "yesterday"), "--since 'yesterday' is no time"),
        (("sessions", "--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"), "ends before it begins"),
        (("sessions", "--output", "none/s.csv"), "none/s.csv: cannot be written: No such file"),
    ],
)
def test_what_cannot_be_exported_is_said(export: Callable[..., Result], words: tuple[str, ...], says: str) -> None:
    """One line, exit code 2."""
    done = export(*words)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
