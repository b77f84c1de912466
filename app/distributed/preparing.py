"""`topics` and `migrate`: what has to exist before the distributed runtime starts. Repeating them is harmless."""

from __future__ import annotations

from app.settings import Settings
from app.storing import StoreStartError, open_store
from ingest.topic_admin import create

__all__ = ["make_topics", "migrate", "named_store"]


def make_topics(settings: Settings) -> int:
    """Make the topics that are missing. Raises `TopicError`."""
    wanted = settings.topics()
    made = create(settings.kafka_bootstrap, wanted, **settings.kafka_options())
    for name in made:
        print(f"made {name}")
    print(f"{len(made)} of {len(wanted.all())} topics made; all have {wanted.partitions} partitions")
    return 0


def migrate(settings: Settings) -> int:
    """Bring the tables to the newest version. Raises `StoreStartError`."""
    with open_store(named_store(settings), settings.retention()) as store:
        print(f"the tables of {store.address!r} are up to date")
    return 0


def named_store(settings: Settings) -> str:
    """The address of the ClickHouse server.

    Raises:
        StoreStartError: none is named. The embedded engine belongs to one process group and cannot be shared.

    """
    if not settings.store_url:
        raise StoreStartError("no store is named: set store_url (or --store-url) to a ClickHouse server")
    return settings.store_location()
