"""`sink`: the process that writes what was published to ClickHouse."""

from __future__ import annotations

import signal

from app.distributed.preparing import named_store
from app.live import say
from app.settings import Settings
from app.watch import logs
from app.watch.watching import await_kafka, stop_in_time, watching_sink
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.sink import Sink
from diff.store.summaries import Summariser
from ingest.collector import look_seldom

__all__ = ["run"]


def run(settings: Settings) -> int:
    """Consume until SIGTERM or Ctrl-C; then what was taken is flushed and committed, within `stop_seconds`.

    Raises `StoreStartError`, `SecurityError`, `MonitorError`.
    """
    logs.begin("sink", settings)
    location = named_store(settings)
    await_kafka("sink", settings)
    with Store.connect(location) as store:
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
            if not sink.stopping:
                stop_in_time(settings.stop_seconds, "sink")
            sink.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        look_seldom()
        with watching_sink(sink, settings), Summariser(store):
            say(f"sink: from Kafka at {settings.kafka_bootstrap} to {store.address!r}")
            sink.run()
        say(f"sink: stopped behind {sink.records} records in {sink.flushes} flushes")
        return 0 if not sink.failure else 1
