"""Making the topics, and checking that those that exist are as they must be."""

from __future__ import annotations

from typing import Any

from ingest.topics import Topic, Topics

__all__ = ["TopicError", "create", "delete"]


class TopicError(Exception):
    """Topics that cannot be made or are not as they must be; the message names them and says what to do."""


def create(bootstrap: str, topics: Topics, **security: Any) -> list[str]:
    """Make the topics that are missing, set the settings of all, and return the names of the new ones.

    Repeating it is harmless. `security`: further settings of the client (SASL, TLS).

    Raises:
        TopicError: the broker is away or refuses, or a topic has another number of partitions. That is never mended
            here: charging stations would lose their state.

    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    wanted = {topic.name: topic for topic in topics.all()}
    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap, **security) as admin:
            existing = set(admin.list_topics()) & set(wanted)
            _check_partitions(admin, wanted, existing)
            missing = [topic for name, topic in wanted.items() if name not in existing]
            if missing:
                admin.create_topics(
                    {one.name: _new(one, topics.replication) for one in missing}, wait_for_metadata=True
                )
            if existing:
                _set(admin, [wanted[name] for name in existing])
    except KafkaError as error:
        raise TopicError(f"Kafka at {bootstrap}: {error}; start it, or correct the address and the rights") from None
    return [one.name for one in missing]


def delete(bootstrap: str, topics: Topics, **security: Any) -> None:
    """Delete the topics that exist, with all that they hold."""
    from kafka.admin import KafkaAdminClient

    with KafkaAdminClient(bootstrap_servers=bootstrap, **security) as admin:
        existing = set(admin.list_topics())
        doomed = [topic.name for topic in topics.all() if topic.name in existing]
        if doomed:
            admin.delete_topics(doomed)


def _new(topic: Topic, replication: int) -> dict[str, Any]:
    return {"num_partitions": topic.partitions, "replication_factor": replication, "configs": topic.config}


def _check_partitions(admin: Any, wanted: dict[str, Topic], existing: set[str]) -> None:
    wrong = []
    for found in admin.describe_topics(sorted(existing)) if existing else []:
        topic = wanted[found["name"]]
        count = len(found["partitions"])
        if count != topic.partitions:
            wrong.append(f"{topic.name} has {count} partitions, not {topic.partitions}")
    if wrong:
        raise TopicError(
            f"{'; '.join(wrong)}: set the number of partitions to what exists, or choose another topic prefix "
            "(the number cannot be changed without moving charging stations away from their state)"
        )


def _set(admin: Any, topics: list[Topic]) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, one.name, configs=one.config) for one in topics])
