"""The embedded engine, seen by the unmodified clickhouse-driver and by raw sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from diff.store.client import Store
from diff.store.embedded import MAX_CONNECTIONS
from diff.store.engine import EmbeddedEngine
from diff.store.errors import StoreUnavailable
from diff.store.protocol import MAX_QUERY_BYTES


def driver(store: Store, **options: Any) -> Client:
    """The driver as it comes, with nothing of ours around it."""
    address = store.address
    options.setdefault("password", address.password)
    return Client(
        host=address.host, port=address.port, database=address.database, user=address.user, compression=False, **options
    )


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    """A driver client on a fresh database."""
    with driver(store) as client:
        yield client


def test_every_kind_of_value_comes_back(client: Client) -> None:
    """What the driver writes as a native block is what it reads again, type by type."""
    columns = {
        "id": "UInt64",
        "flag": "Bool",
        "small": "Int8",
        "wide": "Int128",
        "ratio": "Float64",
        "name": "String",
        "fixed": "FixedString(3)",
        "code": "LowCardinality(String)",
        "unit": "LowCardinality(Nullable(String))",
        "wh": "Nullable(Decimal(38, 6))",
        "price": "Decimal(9, 2)",
        "at": "DateTime64(6, 'UTC')",
        "day": "Date",
        "kind": "Enum8('a, (b)' = 1, 'c''d' = 2)",
        "uuid": "UUID",
        "ids": "Array(String)",
        "codes": "Array(LowCardinality(String))",
        "nested": "Array(Array(Nullable(UInt16)))",
        "facts": "Map(LowCardinality(String), String)",
        "pair": "Tuple(a UInt8, `b c` String)",
        "ip": "IPv4",
    }
    client.execute(
        f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in columns.items())}) "
        "ENGINE = MergeTree ORDER BY id"
    )
    at = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    uuid = UUID(int=77)
    long = Decimal("-12345678901234567890123456789012.123456")
    full: list[Any] = [1, True, -7, -(2**100), 0.5, "ünï\x00", "abc", "x", "Wh", long, Decimal("1.25"), at]
    full += [date(2024, 5, 6), "a, (b)", uuid, ["p", "q"], ["x", "y", "x"], [[1, None], []], {"k": "v", "l": "w"}]
    full += [(3, "t"), "10.0.0.1"]
    empty: list[Any] = [2, False, 0, 0, 0.0, "", "xyz", "", None, None, Decimal(0), at, date(1970, 1, 1), "c'd"]
    empty += [UUID(int=0), [], [], [], {}, (0, ""), "0.0.0.0"]
    assert client.execute("INSERT INTO t VALUES", [full, empty]) == 2
    first, second = client.execute("SELECT * FROM t ORDER BY id")
    assert tuple(map(str, first)) == tuple(map(str, full))
    assert tuple(map(str, second)) == tuple(map(str, empty))


def test_a_hundred_thousand_rows_in_many_blocks(client: Client) -> None:
    """A large insert arrives complete and a large result is read back complete, over several blocks each way."""
    client.execute("CREATE TABLE big (n UInt64, s String, c LowCardinality(String)) ENGINE = MergeTree ORDER BY n")
    rows = [(n, "é" * (n % 150), f"c{n % 300}") for n in range(100_000)]
    assert client.execute("INSERT INTO big (n, s, c) VALUES", rows, settings={"insert_block_size": 9_999}) == 100_000
    assert client.execute("SELECT * FROM big ORDER BY n", settings={"max_block_size": 7_000}) == rows


def test_an_empty_result_names_its_columns(client: Client) -> None:
    """As from a real server, the columns of a result are known where it has no rows."""
    rows, columns = client.execute("SELECT 1 AS a, 'x' AS b WHERE a > 1 -- why\n;", with_column_types=True)
    assert rows == []
    assert columns == [("a", "UInt8"), ("b", "String")]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT %(a)s || '-' || toString(%(b)s)", [("it's \\ %-7",)]),
        ("WITH 3 AS x SELECT x FORMAT CSV", [(3,)]),
        ("(SELECT 1 AS n) UNION ALL (SELECT 1 AS n)", [(1,), (1,)]),
        ("/* c */ SELECT 1 -- d", [(1,)]),
        ("EXISTS TABLE frames", [(1,)]),
        ("SELECT row_number() OVER (ORDER BY number) FROM numbers(2)", [(1,), (2,)]),
    ],
)
def test_statements_of_many_shapes(client: Client, query: str, rows: list[tuple[Any, ...]]) -> None:
    """Streamed and unstreamed statements, comments, FORMAT, and parameters that need escaping."""
    assert client.execute(query, {"a": "it's \\ %", "b": 7}) == rows


def test_settings_hold_for_their_query_only(client: Client) -> None:
    """A setting sent with a query is in force for it and gone for the next one."""
    query = "SELECT getSetting('max_block_size')"
    (usual,) = client.execute(query)[0]
    assert client.execute(query, settings={"max_block_size": 4321}) == [(4321,)]
    assert client.execute(query) == [(usual,)]
    with pytest.raises(ServerException) as refusal:
        client.execute("SELECT 1", settings={"no_such_setting": 1})
    assert refusal.value.code == 115
    assert client.execute(query) == [(usual,)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELEC 1", 62),
        ("SELECT * FROM no_such_table", 60),
        ("SELECT throwIf(number = 150000) FROM numbers(200000)", 395),
        ("SELECT 1; SELECT 2", 62),
    ],
)
def test_errors_carry_code_and_text_and_leave_the_client_usable(client: Client, query: str, code: int) -> None:
    """A wrong query, also one that fails after its first blocks, is an exception with ClickHouse's own code."""
    with pytest.raises(ServerException) as refusal:
        client.execute(query)
    assert refusal.value.code == code
    assert "DB::Exception" not in refusal.value.message
    assert client.execute("SELECT 1") == [(1,)]


def test_insert_errors_are_told_and_commit_nothing(client: Client) -> None:
    """An insert that ClickHouse refuses midway says why and leaves no rows and a usable client."""
    client.execute("CREATE TABLE strict (n UInt64, CONSTRAINT small CHECK n < 100) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(ServerException) as refusal:
        client.execute("INSERT INTO strict VALUES", [(n,) for n in range(200)], settings={"insert_block_size": 10})
    assert refusal.value.code == 469
    with pytest.raises(ServerException, match="no_such"):
        client.execute("INSERT INTO strict (no_such) VALUES", [(1,)])
    assert client.execute("SELECT count() FROM strict WHERE n >= 100") == [(0,)]


def test_inline_values_and_insert_select_work(client: Client) -> None:
    """Inserts that need no block from the client are ordinary statements."""
    client.execute("CREATE TABLE small (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.execute("INSERT INTO small VALUES (1), (2)")
    client.execute("INSERT INTO small SELECT number FROM numbers(3, 2)")
    assert client.execute("SELECT groupArray(n) FROM (SELECT n FROM small ORDER BY n)") == [([1, 2, 3, 4],)]


def test_a_column_type_that_cannot_be_walked_is_named(client: Client) -> None:
    """A type whose blocks the engine cannot pass on is refused before any data is sent, with what to do."""
    client.execute("CREATE TABLE odd (j JSON) ENGINE = MergeTree ORDER BY tuple()")
    with pytest.raises(ServerException, match=r"columns of type JSON cannot be inserted.*send a String"):
        client.execute("INSERT INTO odd VALUES", [({"a": 1},)])


def test_a_query_beyond_the_limit_is_refused(client: Client) -> None:
    """A query text above the limit is not read; the refusal names the limit, and the engine lives on."""
    with pytest.raises(ServerException, match=str(MAX_QUERY_BYTES)):
        client.execute(f"SELECT '{'x' * MAX_QUERY_BYTES}'")
    assert client.execute("SELECT 1") == [(1,)]


def test_a_block_beyond_the_limit_is_refused_and_the_client_hears_why(client: Client) -> None:
    """A block with too many rows is refused with a reason, although the client is still sending it."""
    client.execute("CREATE TABLE wide (n UInt8) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(ServerException, match="4194304 are taken"):
        client.execute(
            "INSERT INTO wide VALUES", [[1] * 4_194_305], columnar=True, settings={"insert_block_size": 5_000_000}
        )
    assert client.execute("SELECT count() FROM wide") == [(0,)]


def test_compression_is_refused_with_the_remedy(store: Store) -> None:
    """A client that asks for compression is told to switch it off."""
    with driver(store) as client:
        client.execute("SELECT 1")
        client.connection.compression = 1  # as the driver sends it where its package for compression is there
        with pytest.raises(ServerException, match="compression=False"):
            client.execute("SELECT 1")


def test_a_wrong_password_is_refused(store: Store) -> None:
    """Without the engine's password nobody gets in."""
    with driver(store, password="guess") as client, pytest.raises(ServerException) as refusal:
        client.execute("SELECT 1")
    assert refusal.value.code == 516


def test_clients_do_not_see_each_others_database(store: Store) -> None:
    """`USE` changes the database of one client only."""
    with driver(store) as one, driver(store) as two:
        one.execute("USE system")
        assert one.execute("SELECT currentDatabase()") == [("system",)]
        assert two.execute("SELECT currentDatabase()") == [(store.address.database,)]


def test_many_clients_write_and_read_at_once(store: Store) -> None:
    """Eight clients at once: every row is there once, and no answer is mixed up with another's."""
    store.execute("CREATE TABLE busy (worker UInt8, n UInt64) ENGINE = MergeTree ORDER BY (worker, n)")

    def work(worker: int) -> None:
        with driver(store) as client:
            for part in range(10):
                client.execute("INSERT INTO busy VALUES", [(worker, part * 100 + n) for n in range(100)])
                assert client.execute("SELECT %(w)s, count() FROM busy WHERE worker = %(w)s", {"w": worker}) == [
                    (worker, (part + 1) * 100)
                ]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert store.execute("SELECT worker, count(), uniqExact(n) FROM busy GROUP BY worker ORDER BY worker") == [
        (worker, 1000, 1000) for worker in range(8)
    ]


def test_a_client_that_vanishes_in_mid_insert_commits_nothing(store: Store) -> None:
    """An insert whose client is gone before its end is dropped, and others are served on."""
    store.execute("CREATE TABLE cut (n UInt64) ENGINE = MergeTree ORDER BY n")
    client = driver(store)
    connection = client.get_connection()
    connection.force_connect()
    connection.send_query("INSERT INTO cut VALUES")
    connection.send_external_tables(None)
    connection.fout.write(b"\x02\x00\x01\x00\x02\xff\xff\xff\xff\x00\x01\x05\x01n\x06UInt64" + bytes(8))
    connection.fout.flush()
    connection.disconnect()
    assert store.execute("SELECT count() FROM cut") == [(0,)]


@pytest.mark.parametrize(
    "noise",
    [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x00" + b"\xff" * 9 + b"\x01", b"\x01\x00", b""],
    ids=["http", "ones", "huge-text", "query-first", "nothing"],
)
def test_noise_on_the_port_harms_nobody(store: Store, noise: bytes) -> None:
    """Whatever is sent to the port, its sender is hung up on and others are served on."""
    with socket.create_connection((store.address.host, store.address.port), timeout=10) as sock:
        sock.sendall(noise)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    assert store.ping()


def test_the_port_is_bound_to_loopback_only(engine: EmbeddedEngine) -> None:
    """Nothing outside this machine can reach the engine."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    listening = [line.split() for line in lines if line.split()[3] == "0A"]
    addresses = [fields[1].split(":")[0] for fields in listening if int(fields[1].split(":")[1], 16) == engine.port]
    assert addresses == ["0100007F"]


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true within ten seconds; the engine accepts and lets go of clients in its own time."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_one_client_too_many_is_turned_away_until_another_leaves(tmp_path: Path) -> None:
    """The number of clients is bounded; one beyond it is told to come again, and gets in once another has left."""
    with (
        EmbeddedEngine(tmp_path / "data") as engine,
        Store.connect(engine.url("default")) as store,
        ExitStack() as held,
    ):
        for _ in range(MAX_CONNECTIONS):
            held.enter_context(socket.create_connection((engine.host, engine.port)))
        assert eventually(lambda: not store.ping())
        with pytest.raises(StoreUnavailable, match="64 clients are connected already"):
            store.execute("SELECT 1")
        held.close()
        assert eventually(store.ping)
