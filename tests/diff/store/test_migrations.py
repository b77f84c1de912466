"""The schema: numbered, repeatable, and what every table must keep to."""

from __future__ import annotations

import re

import pytest

from diff.store import migrations as module
from diff.store import queries
from diff.store.client import Store
from diff.store.errors import StoreRefusedError
from diff.store.migrations import Migration, Retention, migrations, set_retention, statements
from diff.store.tables import TABLES

_DERIVED = (
    "schema_versions",
    "frame_counts",
    "charger_weeks",
    "discrepancy_weeks",
    "discrepancy_writes",
    "judged_writes",
    "session_weeks",
    "session_writes",
    "summarised_weeks",
    "summarised_session_weeks",
    "applied_counts",
    "fingerprints",
    "judging_runs",
    "current_runs",
)
"""Not written by the writer."""
_UNKEPT = "applied"
"""Counted as it is written, and not kept itself."""
_KEPT = {
    _UNKEPT,
    "acknowledgements",
    "alert_watches",
    "changes",
    "chargers",
    "current_runs",
    "device_facts",
    "judging_runs",
    "discrepancy_writes",
    "judged_writes",
    "session_writes",
    "summarised_session_weeks",
    "schema_versions",
    "summarised_weeks",
}
_AGEING = {*TABLES, *_DERIVED} - _KEPT


def test_migrating_twice_applies_everything_once(bare_store: Store) -> None:
    """The first run makes the database and applies all files in order, the second finds nothing to do."""
    assert bare_store.migrate() == [migration.name for migration in migrations()]
    before = bare_store.execute("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()")
    assert bare_store.migrate() == []
    query = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    assert bare_store.execute(query) == before


def test_a_migration_that_died_half_way_is_completed(bare_store: Store) -> None:
    """Statements that were carried out before a crash, without their mark, do no harm when they are repeated."""
    bare_store.migrate()
    bare_store.execute("TRUNCATE TABLE schema_versions")
    bare_store.execute("DROP TABLE chargers")
    assert bare_store.migrate() == [migration.name for migration in migrations()]
    assert bare_store.execute("SELECT count() FROM chargers") == [(0,)]


def test_a_changed_migration_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A released file that was edited is named instead of being ignored."""
    changed = [Migration(one.number, one.name, one.text + "\n-- edited") for one in migrations()]
    monkeypatch.setattr(module, "migrations", lambda: changed)
    with pytest.raises(StoreRefusedError, match="0001_evidence was applied with other contents"):
        store.migrate()


def test_a_newer_database_is_refused(store: Store) -> None:
    """An old program does not write into a schema that it does not know."""
    store.insert("schema_versions", ("number", "name", "digest"), [(9999, "9999_future", "x")])
    with pytest.raises(StoreRefusedError, match="migration 9999, unknown here: use a newer shadow-csms"):
        store.migrate()


def test_numbers_are_unique_and_without_holes() -> None:
    """Migration files count from 1 upwards, one by one."""
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_every_statement_can_be_repeated() -> None:
    """No statement of any migration fails when it was carried out before."""
    for migration in migrations():
        for statement in statements(migration.text):
            assert re.match(
                r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS |ALTER TABLE .* (ADD|DROP) .* IF (NOT )?EXISTS "
                r"|ALTER TABLE \w+ (MODIFY SETTING|MATERIALIZE) |(DROP|TRUNCATE) (TABLE|VIEW) IF EXISTS "
                # Sets and maxima merge with themselves, and rows of one key are one.
                r"|INSERT INTO (frame_counts|message_counts|fingerprints|(discrepancy|judged|session)_writes)\n"
                # A table that changes places: what an attempt left behind is brought home by the next.
                r"|(INSERT INTO|RENAME TABLE|DROP TABLE) (sessions|discrepancies)(_weekly|_monthly)?\b",
                statement,
            )


def test_the_tables_keep_to_the_rules(store: Store) -> None:
    """Replacing engine, the writer's key and columns, weeks or months of tap time as partitions, and no float."""
    found = store.rows(
        "SELECT name, engine, sorting_key, partition_key FROM system.tables"
        " WHERE database = currentDatabase() AND name NOT IN %(others)s AND engine != 'MaterializedView'",
        {"others": _DERIVED},
    )
    assert {row["name"] for row in found} == set(TABLES)
    for row in found:
        table = TABLES[row["name"]]
        if table.name == _UNKEPT:
            assert row["engine"] == "Null"
            continue
        assert row["engine"] == "ReplacingMergeTree"
        assert row["sorting_key"].split(", ") == [table.columns[place] for place in table.key]
        if table.name not in ("chargers", "device_facts", "alert_watches"):
            place = "toMonday" if table.name in ("sessions", "discrepancies") else "toYYYYMM"
            assert row["partition_key"] == f"{place}({table.columns[table.time]})"
        query = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = %(table)s"
        query += " AND default_kind != 'MATERIALIZED'"
        columns = store.execute(query, {"table": table.name})
        assert not [kind for _, kind in columns if "Float" in kind]
        assert [name for name, _ in columns if name != "ingested_at"] == list(table.columns)


def test_retention_counts_from_storing_and_can_be_changed(store: Store) -> None:
    """Retention is altered once, found again, and removed with 0; it never depends on a recording's own dates."""
    assert set_retention(store, Retention()) == []
    assert set(set_retention(store, Retention(evidence_days=7, findings_days=0))) == _AGEING
    assert set_retention(store, Retention(evidence_days=7, findings_days=0)) == []
    frames, sessions = store.execute(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase()"
        " AND name IN ('frames', 'sessions') ORDER BY name"
    )
    assert "TTL ingested_at + toIntervalDay(7)" in frames[0]
    assert "TTL" not in sessions[0]
    assert set(set_retention(store, Retention())) == _AGEING


def test_an_old_recording_is_not_thrown_away_and_an_old_row_is(store: Store) -> None:
    """Rows of years ago stay when they were stored today, and go when they were stored long ago."""
    columns = ("charger_id", "connection_id", "seq", "received_at", "ingested_at")
    store.insert("frames", columns[:4], [("C", "C@0", 1, 1_500_000_000_000_000)])
    store.insert("frames", columns, [("C", "C@0", 2, 1_500_000_000_000_000, 1_500_000_000)])
    store.execute("OPTIMIZE TABLE frames FINAL")
    assert store.execute("SELECT seq FROM frames") == [(1,)]


def test_statements_are_split_at_line_ends_only() -> None:
    """A semicolon within a line or in a comment ends no statement."""
    text = "-- one; two\nSELECT ';' AS a,\n  1; \n\n  -- three\nSELECT 2\n;\nSELECT 3;"
    assert statements(text) == ["SELECT ';' AS a,\n  1", "SELECT 2", "SELECT 3"]


def test_what_was_stored_before_a_migration_is_counted_as_what_comes_after_it(bare_store: Store) -> None:
    """A database that has rows gets its counts, and no row counts twice however often they are made."""
    bare_store.migrate()
    columns = ("charger_id", "connection_id", "seq", "received_at", "kind")
    frames = [("C", "C@0", seq, 1_700_000_000_000_000, "gap" if seq == 3 else "message") for seq in range(5)]
    bare_store.insert("frames", columns, frames)
    again = next(one for one in migrations() if one.name == "0004_reading")
    for statement in statements(again.text):
        bare_store.execute(statement)
    bare_store.insert("frames", columns, frames[2:])
    counted = bare_store.execute("SELECT groupBitmapMerge(seqs), groupBitmapMerge(gaps) FROM frame_counts")
    assert counted == [(5, 1)]
    overview = queries.overview(bare_store)
    assert (overview.frames, overview.gap_frames, overview.chargers) == (5, 1, 1)
