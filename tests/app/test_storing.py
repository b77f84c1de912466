"""Opening the store: schema and retention."""

from app.settings import Settings
from app.storing import open_store
from diff.store.client import Store


def test_rows_are_kept_for_as_long_as_the_settings_say(bare_store: Store, engine) -> None:
    """The table of frames carries the days of `evidence_days` after the store was opened."""
    settings = Settings(evidence_days=7)
    url = engine.url(bare_store.address.database)
    with open_store(url, settings.retention()) as store:
        (row,) = store.rows(
            "SELECT create_table_query AS text FROM system.tables"
            " WHERE database = currentDatabase() AND name = 'frames'"
        )

    assert "toIntervalDay(7)" in row["text"]
