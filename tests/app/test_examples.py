"""The example consumers run as they stand, against a real broker and a real ClickHouse engine."""

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from demo.lived import Lived
from demo.traffic import Traffic
from diff.discrepancy import Discrepancy, Severity, Status
from diff.published import encode
from diff.store.client import Store
from diff.store.errors import StoreRefusedError
from ingest import cloudevents
from ingest.cloudevents import Record
from ingest.frame import Frame, FrameKind
from ingest.topics import Topics
from shadow.config import DEFAULT
from tests.running import until

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@cache
def _fleet() -> list[Frame]:
    """Traffic with every kind of fault planted."""
    return list(Traffic(seed=11, chargers=40, sessions_per_charger=2, fault_share=1.0))


@pytest.fixture(scope="module")
def versions() -> list[Discrepancy]:
    """Every version of every discrepancy of a fleet, in order."""
    return Lived(DEFAULT).feed(_fleet()).settle().versions


def _send(kafka: str, topic: str, records: list[Record]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=10)
    for key, value, headers in records:
        producer.send(topic, value, key, headers=headers)
    producer.flush()
    producer.close()


@pytest.fixture
def consumer(kafka: str, topics: Topics) -> Iterator[subprocess.Popen[str]]:
    """The plain consumer as a process."""
    command = [sys.executable, "-W", "ignore", str(EXAMPLES / "consume_discrepancies.py"), kafka, topics.discrepancies]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_the_plain_consumer_names_critical_ones_and_takes_them_back(
    kafka: str, topics: Topics, consumer: subprocess.Popen[str], versions: list[Discrepancy]
) -> None:
    """Each once, though everything is delivered twice; and it ends with Ctrl-C."""
    critical = {row.id: row for row in versions if row.severity is Severity.CRITICAL and row.status is Status.OPEN}
    taken_back = list(critical.values())[:2]
    later = [_later(row, versions) for row in taken_back]
    records = [encode(row) for row in versions]
    _send(kafka, topics.discrepancies, [*records, *records, *(encode(row) for row in later)])

    assert consumer.stdout is not None
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(consumer.stdout), daemon=True).start()

    def words(word: str) -> list[str]:
        return [line for line in list(lines) if line.startswith(word)]

    until(lambda: len(words("NEW")) >= len(critical) and len(words("WITHDRAWN")) >= 2, 30, "what was published")
    assert len(critical) > 3
    assert (len(words("NEW")), len(words("WITHDRAWN"))) == (len(critical), 2)
    assert any(" Wh on " in line for line in words("NEW"))
    consumer.send_signal(signal.SIGINT)
    assert consumer.wait(20) == 0


def _later(row: Discrepancy, versions: list[Discrepancy]) -> Discrepancy:
    newest = max(one.version for one in versions if one.id == row.id)
    return replace(row, status=Status.WITHDRAWN, version=newest + 1)


def _statements(database: str) -> list[str]:
    lines = (EXAMPLES / "clickhouse_kafka_engine.sql").read_text().splitlines()
    sql = "\n".join(line for line in lines if not line.lstrip().startswith("--")).replace("ocpp_shadow", database)
    return [part.strip() for part in sql.split(";") if part.strip()]


@pytest.fixture
def database(store: Store) -> Iterator[str]:
    """The name of a database that is gone at the end."""
    name = f"{store.address.database}_engine"
    yield name
    store.execute(f"DROP DATABASE IF EXISTS {name}")


def test_clickhouse_takes_the_statements(store: Store, database: str) -> None:
    """All of them, Kafka tables with their settings and virtual columns included; the engine here runs no consumer."""
    for statement in _statements(database):
        if "ENGINE = Kafka" in statement:
            # The embedded engine makes the table, and has no threads that would read it.
            with pytest.raises(StoreRefusedError, match="Shutdown was called"):
                store.execute(statement)
        else:
            store.execute(statement)
    found = store.rows("SELECT name, engine FROM system.tables WHERE database = %(name)s", {"name": database})
    engines = Counter(row["engine"] for row in found)
    assert engines == {"Kafka": 2, "MaterializedView": 4, "ReplacingMergeTree": 2, "MergeTree": 1}


def _without_kafka(statement: str) -> str:
    """The same table, fed by hand: what the Kafka engine gives beside the value stands in columns."""
    if "ENGINE = Kafka" not in statement:
        return statement
    head, _, _ = statement.partition("\n)\nENGINE")
    names = ("_topic", "_partition", "_offset", "_key", "_error", "_raw_message")
    plain = [f"{name} {'UInt64' if name in ('_partition', '_offset') else 'String'} MATERIALIZED ''" for name in names]
    nested = [f"`_headers.{name}` Array(String) MATERIALIZED []" for name in ("name", "value")]
    columns = ",\n    ".join((*plain, *nested)).replace("UInt64 MATERIALIZED ''", "UInt64 MATERIALIZED 0")
    return f"{head},\n    {columns}\n)\nENGINE = Null"


def test_the_statements_make_the_right_rows(store: Store, database: str, versions: list[Discrepancy]) -> None:
    """Newest versions with exact differences, messages with their headers, and errors aside; each record twice."""
    for statement in _statements(database):
        store.execute(_without_kafka(statement))
    for _ in range(2):
        _feed(store, f"{database}.discrepancies_queue", [encode(row).value for row in versions])
        _feed(store, f"{database}.frames_queue", map(_queued, _fleet()))
    broken = {"text": "", "_topic": "f", "_partition": 1, "_offset": 7, "_error": "broken", "_raw_message": "abc"}
    _feed(store, f"{database}.frames_queue", [json.dumps(broken).encode()])

    newest = {row.id: row for row in versions}
    rows = store.rows(f"SELECT * FROM {database}.discrepancies FINAL")
    assert {row["id"]: (row["version"], row["status"], row["delta"], tuple(row["frames"])) for row in rows} == {
        key: (row.version, row.status, row.delta, row.frames) for key, row in newest.items()
    }
    stored = store.execute(f"SELECT charger_id, connection_id, seq, direction, text FROM {database}.frames FINAL")
    assert sorted(stored) == sorted(_row(frame) for frame in _fleet() if frame.kind is FrameKind.MESSAGE)
    ((moment,),) = store.execute(f"SELECT max(toUnixTimestamp64Micro(received_at)) FROM {database}.frames")
    assert moment == max(frame.received_at for frame in _fleet() if frame.kind is FrameKind.MESSAGE)
    errors = store.execute(f"SELECT topic, partition, offset, error, size FROM {database}.errors")
    assert errors == [("f", 1, 7, "broken", 3)]


def _feed(store: Store, table: str, records: Iterable[bytes]) -> None:
    """Insert JSON texts as the Kafka engine reads them: fields by name, unknown ones passed over."""
    columns = {f"`{row['name']}`": row["type"] for row in store.rows(f"DESCRIBE TABLE {table}")}
    names, shape = ", ".join(columns), ", ".join(f"{name} {kind}" for name, kind in columns.items())
    query = f"INSERT INTO {table} ({names}) SELECT {names} FROM format(JSONEachRow, %(shape)s, %(data)s)"
    rest = iter(records)
    while part := list(itertools.islice(rest, 100)):  # a query has a longest size
        data = b"\n".join(part).decode()
        store.execute(query, {"shape": shape, "data": data}, {"insert_allow_materialized_columns": 1})


def _queued(frame: Frame) -> bytes:
    key, value, headers = cloudevents.encode(frame)
    row = {
        "text": value.decode(),
        "_topic": "frames",
        "_key": key.decode(),
        "_headers.name": [name for name, _ in headers],
    }
    return json.dumps({**row, "_headers.value": [one.decode() for _, one in headers]}).encode()


def _row(frame: Frame) -> tuple[str, str, int, str, str]:
    return (frame.charger_id, frame.connection_id, frame.seq, str(frame.direction), frame.text)
