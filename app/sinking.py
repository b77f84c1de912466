"""`sink`: the process that writes what was published to ClickHouse."""

from __future__ import annotations

import signal

from app.live import say
from app.preparing import named_store
from app.settings import Settings
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.sink import Sink

__all__ = ["run"]


def run(settings: Settings) -> int:
    """Consume until SIGTERM or Ctrl-C; then what was taken is flushed and committed. Raises `StoreStartError`."""
    with Store.connect(named_store(settings)) as store:
        sink = Sink(
            settings.kafka_bootstrap,
            settings.topics(),
            store,
            judging_run=JUDGING_RUN,
            session_timeout_ms=round(settings.sink_session_seconds * 1000),
            heartbeat_interval_ms=round(settings.sink_session_seconds * 200),
            **settings.kafka_options(),
        )

        def stop(*_: object) -> None:
            sink.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        say(f"sink: from Kafka at {settings.kafka_bootstrap} to {store.address!r}")
        sink.run()
        say(f"sink: stopped behind {sink.records} records in {sink.flushes} flushes")
        return 0 if not sink.failure else 1
