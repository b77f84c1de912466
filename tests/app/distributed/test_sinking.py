"""`shadow-csms sink` as a process: its monitor, and an end in order."""

import itertools
import time
from pathlib import Path

from kafka.admin import KafkaAdminClient

from demo.traffic import frames as fleet_frames
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from tests.app.watched import Part, free_port, publish
from tests.running import until


def _frames(count: int) -> list[Frame]:
    return list(itertools.islice(fleet_frames(3, 8, 4), count))


def _stored(frames: list[Frame]) -> int:
    return sum(frame.kind is not FrameKind.TICK for frame in frames)


def _committed(kafka: str, topics: Topics) -> int:
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        offsets = admin.list_group_offsets(topics.sink)[topics.sink]
    return sum(one.offset for place, one in offsets.items() if place.topic == topics.frames)


def test_what_was_taken_is_stored_and_committed_before_the_sink_ends(
    tmp_path: Path, kafka: str, topics: Topics, engine: EmbeddedEngine, store: Store
) -> None:
    """SIGTERM while rows wait: exit status 0 within the budget, every row is stored, every offset committed."""
    frames = _frames(600)
    url = engine.url(store.address.database)
    with Part("sink", tmp_path, kafka, topics, store_url=url, stop_seconds="15") as part:
        part.running.said("^sink: from Kafka")
        published = publish(kafka, topics, frames[:300])
        until(lambda: part.metrics().get("shadow_sink_records_total") == published, 20, "records are taken")
        until(lambda: part.metrics().get("shadow_sink_waiting") == 0, 20, "they are stored")
        part.until("healthy")
        lag = f'shadow_consumer_lag{{topic="{topics.frames}"}}'
        until(lambda: part.metrics().get(lag) == 0, 20, "the lag is known")
        shown = part.metrics()
        published += publish(kafka, topics, frames[300:])
        until(lambda: part.metrics()["shadow_sink_records_total"] > shown["shadow_sink_records_total"], 20, "more")
        began = time.monotonic()
        assert part.running.stop() == 0
        took = time.monotonic() - began
        stopped = part.running.said(r"^sink: stopped behind (\d+) records") if part.running.lines else None

    assert took < 15
    assert stopped is not None
    assert _committed(kafka, topics) == int(stopped[1])
    assert shown['shadow_sink_rows_total{table="frames"}'] == _stored(frames[:300])
    assert shown["shadow_sink_flush_seconds_count"] >= 1
    assert abs(shown["shadow_last_frame_timestamp_seconds"] - frames[299].received_at / 1e6) < 1e-3

    with Part("sink", tmp_path, kafka, topics, store_url=url) as part:
        part.running.said("^sink: from Kafka")
        until(lambda: _committed(kafka, topics) == published, 30, "the rest is stored by the next")
        assert part.running.stop() == 0
    ((count, distinct),) = store.execute("SELECT count(), uniqExact(charger_id, connection_id, seq) FROM frames FINAL")
    assert (count, distinct) == (_stored(frames), _stored(frames))


def test_while_clickhouse_is_away_the_sink_is_degraded_and_commits_nothing(
    tmp_path: Path, kafka: str, topics: Topics
) -> None:
    """200 with the reason; it does not count as standing still; SIGTERM ends it with 1, nothing is lost."""
    url = f"clickhouse://u:hidden-word@127.0.0.1:{free_port()}/db"
    with Part("sink", tmp_path, kafka, topics, store_url=url, stall_seconds="3", stop_seconds="8") as part:
        publish(kafka, topics, _frames(50))
        status, _, reasons = part.until("degraded", "ClickHouse takes nothing")
        until(lambda: part.metrics()["shadow_sink_retries_total"] >= 3, 20, "it tries again")
        shown = part.metrics()
        began = time.monotonic()
        assert part.running.stop() == 1
        took = time.monotonic() - began

    assert (status, took < 8) == (200, True)
    assert shown["shadow_sink_failing"] == 1
    assert shown["shadow_consumer_standing_seconds"] == 0
    assert _committed(kafka, topics) == 0
    assert "hidden-word" not in reasons + "".join(part.running.lines)


def test_without_kafka_the_sink_waits_for_it(tmp_path: Path, topics: Topics) -> None:
    """Degraded from the start; SIGTERM ends it while it waits."""
    away = f"127.0.0.1:{free_port()}"
    with Part("sink", tmp_path, away, topics, store_url="clickhouse://u@127.0.0.1:1/db") as part:
        assert part.until("degraded", "Kafka cannot be reached yet")[0] == 200
        assert part.running.stop(seconds=10) == 130
    assert sum("Traceback" in line for line in part.running.lines) == 0
