"""The topics as data, and as a real broker holds them."""

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from ingest.topic_admin import TopicError, create
from ingest.topics import Topics


def _admin(kafka: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=kafka)


def test_names_follow_the_convention() -> None:
    """Domain, dataset and version in dots and lower case, behind the prefix."""
    names = {topic.name for topic in Topics(prefix="lab.").all()}

    assert {
        "lab.ocpp.frames.v1",
        "lab.ocpp.shadow-messages.v1",
        "lab.ocpp.sessions.v1",
        "lab.ocpp.discrepancies.v1",
        "lab.ocpp.chargers.v1",
        "lab.ocpp.applied.v1",
        "lab.ocpp.device-facts.v1",
        "lab.ocpp.deadletter.v1",
        "lab.ocpp.rejudge.v1",
        "lab.ocpp.connections.v1",
        "lab.ocpp.alerts.v1",
        "lab.ocpp.primary-records.v1",
        "lab.ocpp.control.v1",
        "lab.shadow-worker-state-changelog",
    } == names


def test_what_a_worker_reads_and_writes_is_partitioned_alike() -> None:
    """Frames, results and state of one charging station lie in partitions of the same number."""
    assert {topic.partitions for topic in Topics(partitions=7).all()} == {7}


def test_topics_of_which_the_newest_counts_are_compacted() -> None:
    """State and facts of a charging station and what rules it never expire; everything else does."""
    topics = Topics()
    compacted = {topic.name for topic in topics.all() if topic.config["cleanup.policy"] == "compact"}

    assert compacted == {topics.state, topics.chargers, topics.control}
    assert all(int(topic.config["retention.ms"]) > 0 for topic in topics.all() if topic.name not in compacted)


@pytest.mark.parametrize(
    "wrong", [{"prefix": "a b"}, {"prefix": "ü."}, {"prefix": "x" * 101}, {"partitions": 0}, {"replication": 0}]
)
def test_what_kafka_does_not_take_is_refused(wrong: dict[str, object]) -> None:
    """Before anything is asked of a broker."""
    with pytest.raises(ValueError, match=r"prefix|partitions|replication"):
        Topics(**wrong)


def test_the_broker_holds_what_was_asked_for(kafka: str, topics: Topics) -> None:
    """Partitions and settings of every topic, as the broker tells them."""
    wanted = {topic.name: topic for topic in topics.all()}
    with _admin(kafka) as admin:
        found = {one["name"]: len(one["partitions"]) for one in admin.describe_topics(list(wanted))}
        told = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted])

    assert found == {name: topic.partitions for name, topic in wanted.items()}
    for name, topic in wanted.items():
        settings = {key: entry["value"] for key, entry in told["topic"][name].items()}
        assert {key: settings[key] for key in topic.config} == topic.config


def test_setting_up_twice_changes_nothing_and_mends_settings(kafka: str, topics: Topics) -> None:
    """The second call makes no topic; a setting that somebody changed is set again."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topics.frames, configs={"retention.ms": "1000"})
    with _admin(kafka) as admin:
        admin.alter_configs([resource])
        assert create(kafka, topics) == []
        told = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topics.frames)])

    kept = next(topic.config["retention.ms"] for topic in topics.all() if topic.name == topics.frames)
    assert told["topic"][topics.frames]["retention.ms"]["value"] == kept


def test_another_number_of_partitions_is_refused(kafka: str, topics: Topics) -> None:
    """It is named and never changed: the key's partition would change with it."""
    with pytest.raises(TopicError, match=r"frames.v1 has 3 partitions, not 5.*state"):
        create(kafka, Topics(prefix=topics.prefix, partitions=5))


def test_a_broker_that_is_away_is_named() -> None:
    """With its address and the next step."""
    with pytest.raises(TopicError, match=r"Kafka at 127\.0\.0\.1:1: .*start it"):
        create("127.0.0.1:1", Topics(), bootstrap_timeout_ms=500)
