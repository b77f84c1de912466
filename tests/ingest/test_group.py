"""Leaving a consumer group, with a real broker."""

import time

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient

from ingest.group import leave
from ingest.topics import Topics


def test_a_member_that_leaves_is_gone_at_once(kafka: str, topics: Topics) -> None:
    """Its partitions are free for others, who need not wait until it counts as dead."""
    group = f"{topics.prefix}leaving"
    consumer = KafkaConsumer(topics.frames, bootstrap_servers=kafka, group_id=group, session_timeout_ms=45_000)
    deadline = time.monotonic() + 30
    while not consumer.assignment() and time.monotonic() < deadline:
        consumer.poll(200)
    assert consumer.assignment()
    begin = time.monotonic()
    leave(consumer)
    assert time.monotonic() - begin < 15
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        assert not admin.describe_groups([group])[group]["members"]
    finally:
        admin.close()
