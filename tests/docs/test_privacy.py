"""docs/privacy.md says what the code does: every table and topic, how long, and statements that delete."""

import re
from pathlib import Path

import pytest

from app.settings import Settings
from diff.store.client import Store
from diff.store.migrations import migrations, set_retention, statements
from ingest.topics import Topics

PAGE = (Path(__file__).resolve().parents[2] / "docs/privacy.md").read_text()
ROWS = {
    match[1]: match[2].strip()
    for match in re.finditer(r"^\| (?:table|topic) `([^`]+)` .*\| ([^|]*) \|$", PAGE, re.MULTILINE)
}
SETTINGS = Settings()
NOTHING_OF_PEOPLE = {
    *("chargers", "connections", "frame_counts", "applied", "applied_counts", "fingerprints", "judging_runs"),
    *("current_runs", "noise_runs", "verdicts", "alerts", "alert_watches"),
    *("discrepancy_weeks", "discrepancy_writes", "charger_weeks", "summarised_weeks", "judged_writes"),
    *("session_weeks", "session_writes", "summarised_session_weeks"),
}
PLAIN_TOPICS = {"ocpp.applied.v1", "ocpp.chargers.v1", "ocpp.rejudge.v1", "ocpp.connections.v1", "ocpp.alerts.v1"}


def _created() -> dict[str, str]:
    """The statement that makes each table."""
    found = {}
    for migration in migrations():
        for statement in statements(migration.text):
            if match := re.match(r"CREATE TABLE IF NOT EXISTS (\w+)", statement):
                found[match[1]] = statement
            if match := re.match(r"DROP TABLE IF EXISTS (\w+)", statement):
                del found[match[1]]
    # A table that changes its shape stands under another name meanwhile.
    return {name: text for name, text in found.items() if not name.endswith(("_weekly", "_monthly"))}


def test_every_table_is_told_with_its_time() -> None:
    """Days of the settings' defaults are those of the page and of the schema; what has no TTL is kept for ever."""
    days = {"evidence_days": SETTINGS.evidence_days, "findings_days": SETTINGS.findings_days}
    tables = _created()
    assert set(ROWS) & set(tables) == set(tables) - NOTHING_OF_PEOPLE
    for name, statement in tables.items():
        ttl = re.search(r"TTL ingested_at \+ INTERVAL (\d+) DAY", statement)
        if name in NOTHING_OF_PEOPLE:
            continue
        if ttl is None:
            assert ROWS[name].startswith("for ever"), name
        else:
            said = re.fullmatch(r"`(\w+)` \((\d+)\)", ROWS[name])
            assert said is not None, name
            assert int(said[2]) == days[said[1]] == int(ttl[1]), name


def test_every_topic_is_told_with_its_time() -> None:
    """As it is made; a compacted one keeps the newest."""
    topics = {topic.name: topic for topic in Topics().all() if "changelog" not in topic.name}
    assert {name for name in ROWS if "." in name} == set(topics) - PLAIN_TOPICS
    for name in set(topics) - PLAIN_TOPICS:
        config = topics[name].config
        if config["cleanup.policy"] == "compact":
            assert ROWS[name].startswith("newest"), name
        else:
            assert ROWS[name] == f"{int(config['retention.ms']) // 86_400_000} days", name


def test_figures_of_the_settings() -> None:
    """The journal's room and the age of keys."""
    assert f"`journal_bytes` ({SETTINGS.journal_bytes})" in PAGE
    assert f"`redaction_key_max_days` ({SETTINGS.redaction_key_max_days})" in PAGE


def _sql(kind: str) -> list[str]:
    (block,) = re.findall(rf"```sql\n-- {kind}:[^\n]*\n(.*?)```", PAGE, re.DOTALL)
    return statements(block)


def test_the_statements_that_delete_can_be_run(store: Store) -> None:
    """Each one as it stands; those of a charging station reach every table that tells of one."""
    set_retention(store, SETTINGS.retention())
    for statement in (*_sql("token"), *_sql("charging station")):
        store.execute(statement)
    query = """
    SELECT table FROM system.columns INNER JOIN system.tables AS t ON t.database = database AND t.name = table
    WHERE database = currentDatabase() AND columns.name = 'charger_id' AND t.engine LIKE '%%MergeTree'"""
    reached = {re.findall(r"ALTER TABLE (\w+)", statement)[0] for statement in _sql("charging station")}
    assert {str(row[0]) for row in store.execute(query)} == reached - {"summarised_weeks"}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"shadow-csms privacy (\w+)", PAGE))))
def test_commands_of_the_page_exist(command: str) -> None:
    """Each can be called."""
    from app.commands.privacy import app

    names = {one.name or (one.callback.__name__ if one.callback else "") for one in app.registered_commands}
    assert command in names
