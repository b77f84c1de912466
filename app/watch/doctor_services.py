"""The part of `doctor` that asks Kafka and ClickHouse. It asks and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.distributed.overheard import overhearing
from app.settings import Settings
from app.watch.finding import Finding, Verdict
from app.watch.progress import told
from diff.store.client import Store
from diff.store.errors import StoreRefusedError, StoreUnavailable
from diff.store.migrations import migrations
from diff.store.queries.completeness import Balance, ConnectionBalance, Outcome, completeness, unreconciled
from ingest.frame import Micros
from ingest.topics import Topic, Topics

__all__ = ["kafka_findings", "store_findings"]

_MS: Final = 3_000
_SECONDS: Final = 3.0
_SKEW: Final = 5.0
"""Seconds that two clocks may differ before it is told. Times are compared to seconds in what is judged."""
_MUCH_LAG: Final = 10_000
_OLDEST: Final = (2, 5)
"""The broker that headers, idempotence and the offsets' API need."""


def kafka_findings(settings: Settings) -> Iterator[Finding]:
    """The brokers, the topics, the groups and the clocks of what was published."""
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    where, topics = f"{settings.kafka_bootstrap} ({settings.kafka_security_protocol})", settings.topics()
    options: dict[str, Any] = {"client_id": "shadow-doctor", **settings.kafka_options()}
    options |= {"bootstrap_timeout_ms": _MS, "request_timeout_ms": _MS}
    with overhearing() as heard:
        try:
            admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, **options)
        except (KafkaError, OSError) as error:
            todo = "start it, or correct kafka_bootstrap and the settings of its security"
            if settings.kafka_security().sasl:
                todo += "; one that hangs up may have refused the user or the password"
            yield Finding("kafka", Verdict.FAIL, heard.behind(f"{where}: {told(error)}"), todo)
            return
    try:
        yield _broker(admin, where)
        yield from _topics(admin, topics)
        places = _places(admin, topics)
        yield _group(admin, "worker", topics.worker, places.get(topics.frames, []))
        yield _group(admin, "sink", topics.sink, [place for name in _sunk(topics) for place in places.get(name, [])])
        yield _newest(admin, places.get(topics.frames, []))
    except (KafkaError, OSError) as error:
        todo = "look whether the broker is well, and whether this user may describe the cluster, its topics and groups"
        yield Finding("kafka", Verdict.FAIL, f"{where}: {told(error)}", todo)
    finally:
        admin.close()


def _broker(admin: Any, where: str) -> Finding:
    brokers = admin.describe_cluster()["brokers"]
    versions = {one["broker_id"]: admin.get_broker_version_data(one["broker_id"]).broker_version for one in brokers}
    speaks = ", ".join(sorted({".".join(map(str, version)) for version in versions.values()}))
    seen = f"{where}: {len(brokers)} broker{'s' * (len(brokers) != 1)}, speaking Kafka {speaks}"
    if any(version < _OLDEST for version in versions.values()):
        return Finding("kafka", Verdict.FAIL, seen, f"a broker of {'.'.join(map(str, _OLDEST))} or later is needed")
    return Finding("kafka", Verdict.OK, seen)


def _topics(admin: Any, topics: Topics) -> Iterator[Finding]:
    from kafka.admin import ConfigResource, ConfigResourceType

    wanted = {topic.name: topic for topic in topics.all()}
    existing = set(admin.list_topics()) & set(wanted)
    missing = sorted(set(wanted) - existing)
    if missing:
        yield Finding("topics", Verdict.FAIL, f"missing: {', '.join(missing)}", "`shadow-csms topics` makes them")
    if not existing:
        return
    found = admin.describe_topics(sorted(existing))
    wrong = [*_counts(found, wanted), *(line for one in found for line in _leaders(one, topics))]
    if wrong:
        todo = "set kafka_partitions to what exists, or choose another topic prefix; bring lost brokers back"
        yield Finding("topics", Verdict.FAIL, "; ".join(wrong), todo)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(existing)]
    differing = [
        f"{name}: {line}"
        for name, values in admin.describe_configs(resources)["topic"].items()
        for line in _settings(wanted[name], values)
    ]
    if differing:
        yield Finding("topics", Verdict.WARN, "; ".join(differing), "`shadow-csms topics` sets them as they should be")
    if not (missing or wrong or differing):
        yield Finding(
            "topics", Verdict.OK, f"{len(wanted)} topics of {topics.partitions} partitions, as they should be"
        )


def _counts(found: list[dict[str, Any]], wanted: dict[str, Topic]) -> Iterator[str]:
    by_count: dict[tuple[int, int], list[str]] = {}
    for one in found:
        counts = len(one["partitions"]), wanted[one["name"]].partitions
        by_count.setdefault(counts, []).append(one["name"])
    for (count, should), names in by_count.items():
        if count != should:
            yield f"{count} partitions and not {should}: {', '.join(sorted(names))}"


def _leaders(found: dict[str, Any], topics: Topics) -> Iterator[str]:
    name, partitions = found["name"], found["partitions"]
    without = [one["partition_index"] for one in partitions if one["leader_id"] < 0]
    if without:
        yield f"{name}: no leader for partitions {sorted(without)}"
    behind = [one["partition_index"] for one in partitions if len(one["isr_nodes"]) < min(2, topics.replication)]
    if behind and not without:
        yield f"{name}: too few replicas in step for partitions {sorted(behind)}"


def _settings(topic: Topic, values: dict[str, Any]) -> Iterator[str]:
    for setting, value in topic.config.items():
        found = values.get(setting, {}).get("value", "the broker's default")
        if found != value:
            yield f"{setting} is {found}, not {value}"


def _sunk(topics: Topics) -> list[str]:
    frames_and_more = (topics.frames, topics.messages, topics.sessions, topics.discrepancies, topics.chargers)
    return [*frames_and_more, topics.applied, topics.device_facts, topics.dead_letters]


def _places(admin: Any, topics: Topics) -> dict[str, list[Any]]:
    """By topic: its partitions as they are, whatever they should be."""
    from kafka import TopicPartition

    existing = sorted(set(admin.list_topics()) & {topic.name for topic in topics.all()})
    return {
        found["name"]: [TopicPartition(found["name"], one["partition_index"]) for one in found["partitions"]]
        for found in (admin.describe_topics(existing) if existing else [])
    }


def _group(admin: Any, role: str, group: str, places: list[Any]) -> Finding:
    from kafka.admin import OffsetSpec
    from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

    check = f"{role} group"
    try:
        members = len(admin.describe_groups([group])[group]["members"])
        offsets = admin.list_group_offsets(group)[group]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError, KeyError):
        return Finding(check, Verdict.WARN, f"{group} is not known to Kafka yet", f"start a {role}")
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    begins = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    behind = 0
    for place in places:
        committed = offsets[place].offset if place in offsets else 0
        behind += max(0, ends[place].offset - max(committed, begins[place].offset))
    seen = f"{group}: {members} member{'s' * (members != 1)}, {behind} records behind"
    if not members:
        return Finding(
            check, Verdict.WARN, seen, f"start a {role}; Kafka keeps the records for as long as its topics say"
        )
    if behind > _MUCH_LAG:
        return Finding(
            check, Verdict.WARN, seen, f"if that grows: look at the {role}'s /readyz and log, or add another"
        )
    return Finding(check, Verdict.OK, seen)


def _newest(admin: Any, places: list[Any]) -> Finding:
    """Records bear the clock of the tap that published them: one from the future tells of two clocks that differ."""
    from kafka.admin import OffsetSpec

    if not places:
        return Finding("clock of the taps", Verdict.SKIP, "there is no topic of frames")
    found = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.MAX_TIMESTAMP))
    newest = max((one.timestamp for one in found.values()), default=-1)
    if newest < 0:
        return Finding("clock of the taps", Verdict.SKIP, "nothing was published yet")
    age = time.time() - newest / 1000
    if age < -_SKEW:
        todo = "set both clocks by NTP: times of what was seen are a tap's"
        return Finding("clock of the taps", Verdict.WARN, f"the newest frame is {-age:.1f} s ahead of our clock", todo)
    return Finding("clock of the taps", Verdict.OK, f"the newest frame was published {max(0.0, age):.1f} s ago")


def store_findings(settings: Settings) -> Iterator[Finding]:
    """ClickHouse: whether it answers, its schema and its clock."""
    url = settings.store_location()
    if not url:
        seen = "no store_url: `shadow-csms run` has an engine of its own, a sink needs a server"
        yield Finding("clickhouse", Verdict.SKIP, seen)
        return
    with Store.connect(url, timeout=_SECONDS, connect_timeout=_SECONDS) as store:
        where = repr(store.address)
        try:
            began = time.time()
            # Beside the database, which may not be there yet.
            with store.beside("default") as server:
                version, now = server.execute("SELECT version(), toUnixTimestamp64Milli(now64(3))")[0]
            ended = time.time()
        except StoreUnavailable as error:
            todo = "start it, or correct store_url; Kafka keeps what is not stored"
            yield Finding("clickhouse", Verdict.FAIL, error.reason, todo)
            return
        except StoreRefusedError as error:
            yield Finding("clickhouse", Verdict.FAIL, f"{where}: {error}", "correct user, password or rights")
            return
        yield Finding("clickhouse", Verdict.OK, f"{where}: ClickHouse {version}")
        schema = _schema(store)
        yield schema
        yield _clock(now / 1000, began, ended)
        if schema.verdict is Verdict.OK:
            yield _completeness(store, now * 1000)


def _completeness(store: Store, now: Micros) -> Finding:
    """From the wire to the store: whether the numbers of every connection reconcile."""
    try:
        sums = {one.outcome: one for one in completeness(store, now)}
        worst = unreconciled(store, now, limit=1)
    except (StoreRefusedError, StoreUnavailable) as error:
        return Finding("completeness", Verdict.WARN, f"not counted: {error}", "look when the store is less busy")
    if not sums:
        return Finding("completeness", Verdict.SKIP, "no tap has reported a connection in the last 29 days")
    parts = ", ".join(f"{one.connections} {outcome.value}" for outcome, one in sums.items())
    steps = (
        ("bytes parsed", "bytes_parsed", "bytes_forwarded"),
        ("frames published", "frames_published", "published_of"),
        ("frames applied", "frames_applied", "applied_of"),
        ("frames stored", "frames_stored", "frames"),
    )
    shares = [(name, _sum(sums, count), _sum(sums, of)) for name, count, of in steps]
    told = ", ".join(f"{count:,} of {of:,} {name}" for name, count, of in shares if of)
    seen = f"{_sum(sums, 'connections')} connections: {parts}; {told}"
    if not worst:
        return Finding("completeness", Verdict.OK, seen)
    [one] = worst
    named = f"{one.charger_id} ({one.connection_id}, {one.outcome.value}: {_numbers(one)})"
    todo = f"begin with {named}: docs/runbook.md#frames-are-missing"
    return Finding("completeness", Verdict.WARN, seen, todo)


def _sum(sums: Mapping[Outcome, Balance], field: str) -> int:
    return sum(getattr(one, field) for one in sums.values())


def _numbers(one: ConnectionBalance) -> str:
    """Every step of a connection, from the wire to the store."""
    published = "not told" if one.frames_published is None else f"{one.frames_published:,}"
    applied = "not told" if one.frames_applied is None else f"{one.frames_applied:,}"
    return (
        f"bytes forwarded {one.bytes_forwarded:,}, mirrored {one.bytes_mirrored:,}, parsed {one.bytes_parsed:,};"
        f" frames {one.frames:,}, published {published}, applied {applied}, stored {one.frames_stored:,};"
        f" gaps {one.gaps:,}"
    )


def _schema(store: Store) -> Finding:
    known = migrations()
    try:
        applied = {int(number) for (number,) in store.execute("SELECT number FROM schema_versions FINAL")}
    except StoreRefusedError:
        return Finding(
            "schema", Verdict.FAIL, f"{store.address.database} has no schema", "`shadow-csms migrate` makes it"
        )
    missing = [one.name for one in known if one.number not in applied]
    newer = sorted(applied - {one.number for one in known})
    if newer:
        seen = f"the database has migration {newer[-1]:04d}, unknown here"
        return Finding("schema", Verdict.FAIL, seen, "use a newer shadow-csms")
    if missing:
        return Finding(
            "schema", Verdict.FAIL, f"not applied: {', '.join(missing)}", "`shadow-csms migrate` applies them"
        )
    return Finding("schema", Verdict.OK, f"{len(known)} migrations, the newest is {known[-1].name}")


def _clock(theirs: float, began: float, ended: float) -> Finding:
    """Their clock was read between two readings of ours."""
    off = theirs - ended if theirs > ended else min(0.0, theirs - began)
    seen = (
        f"ClickHouse's clock is within {abs(off):.1f} s of ours"
        if abs(off) <= _SKEW
        else (f"ClickHouse's clock is {abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} ours")
    )
    if abs(off) > _SKEW:
        return Finding("clock of ClickHouse", Verdict.WARN, seen, "set both clocks by NTP: retention goes by its clock")
    return Finding("clock of ClickHouse", Verdict.OK, seen)
