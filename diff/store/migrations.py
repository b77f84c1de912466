"""Brings a database to the newest schema, and its retention to what is asked for.

Migrations are the numbered files in `schema/`, applied in order and never changed once released. Every statement
can be repeated (IF NOT EXISTS), because a process may die between a statement and its mark in the version table.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from diff.store.errors import StoreRefusedError

if TYPE_CHECKING:  # client imports this module where it is used
    from diff.store.client import Store

__all__ = ["Migration", "Retention", "migrate", "migrations", "set_retention", "statements"]

_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql\Z")
_INTERVAL: Final = re.compile(r"\bTTL ingested_at \+ (?:toIntervalDay\((\d+)\)|INTERVAL (\d+) DAY)")


class Migration(msgspec.Struct, frozen=True):
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """Tells whether a released file was changed."""
        return blake2b(self.text.encode(), digest_size=8).hexdigest()


class Retention(msgspec.Struct, frozen=True):
    """How many days rows are kept; 0 keeps them for ever.

    Counted from when they were stored, never from what a recording says.
    """

    evidence_days: int = 30
    """Frames and 2.0.1 messages."""
    findings_days: int = 396
    """Sessions, discrepancies, verdicts, dead letters and connections: thirteen months, a year compared with its last.
    What people acknowledged and changed is kept for ever."""


_EVIDENCE: Final = ("frames", "messages", "frame_counts", "applied_counts")
_FINDINGS: Final = (
    "sessions",
    "discrepancies",
    "dead_letters",
    "connections",
    "discrepancy_weeks",
    "charger_weeks",
    "session_weeks",
    "fingerprints",
    "noise_runs",
    "verdicts",
    "alerts",
)


def migrations() -> list[Migration]:
    """The migrations that this version of the product knows, in order."""
    found = [
        Migration(int(match[1]), entry.name.removesuffix(".sql"), entry.read_text())
        for entry in files("diff.store").joinpath("schema").iterdir()
        if (match := _FILE.match(entry.name)) is not None
    ]
    return sorted(found, key=lambda migration: migration.number)


def statements(text: str) -> list[str]:
    """The statements of a file: each ends with a semicolon at the end of a line; comment lines are left out."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", code) if part.strip()]


def migrate(store: Store) -> list[str]:
    """Apply what is missing and return its names.

    Raises `StoreRefusedError` where the database is newer than this product, or where a migration that was applied
    has been changed since.
    """
    known = migrations()
    _create_database(store)
    store.execute(_VERSION_TABLE)
    applied = {int(row[0]): str(row[1]) for row in store.execute("SELECT number, digest FROM schema_versions FINAL")}
    newer = sorted(set(applied) - {migration.number for migration in known})
    if newer:
        raise StoreRefusedError(f"the database has migration {newer[-1]:04d}, unknown here: use a newer shadow-csms")
    done = []
    for migration in known:
        if (digest := applied.get(migration.number)) is not None:
            if digest != migration.digest:
                raise StoreRefusedError(
                    f"migration {migration.name} was applied with other contents: add a new file, leave that one be"
                )
            continue
        for statement in statements(migration.text):
            store.execute(statement)
        store.insert(
            "schema_versions", ("number", "name", "digest"), [(migration.number, migration.name, migration.digest)]
        )
        done.append(migration.name)
    return done


def set_retention(store: Store, retention: Retention) -> list[str]:
    """Set how long rows are kept and return the tables that changed. Rows go when parts merge, not at once."""
    wanted = dict.fromkeys(_EVIDENCE, retention.evidence_days) | dict.fromkeys(_FINDINGS, retention.findings_days)
    query = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    present: dict[str, int] = {}
    for name, text in store.execute(query):
        match = _INTERVAL.search(str(text))
        present[str(name)] = int(match[1] or match[2]) if match else 0
    changed = []
    for table, days in wanted.items():
        if table not in present or present[table] == days:
            continue
        change = f"MODIFY TTL ingested_at + INTERVAL {days} DAY" if days else "REMOVE TTL"
        # 0: the parts that exist are not rewritten now, they follow when they merge.
        store.execute(f"ALTER TABLE {table} {change}", settings={"materialize_ttl_after_modify": 0})
        changed.append(table)
    return changed


def _create_database(store: Store) -> None:
    # A connection to a database that is not there is refused, so it is made from beside.
    with store.beside("default") as server:
        server.execute(f"CREATE DATABASE IF NOT EXISTS {store.address.database}")


_VERSION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_versions
(
    number UInt32,
    name String,
    digest String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number
"""
