"""The client: its address, its threads, its errors."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from diff.store.client import Address, Store
from diff.store.engine import EmbeddedEngine
from diff.store.errors import StoreRefusedError, StoreUnavailable


def test_an_address_is_read_with_its_defaults() -> None:
    """Port, user and database have ClickHouse's or our defaults; escapes are undone."""
    assert Address.parse("clickhouse://db") == Address("db", 9000, "shadow", "default", "")
    assert Address.parse("clickhouses://u:p%40%2F@db/x") == Address("db", 9440, "x", "u", "p@/", secure=True)


def test_an_address_does_not_show_its_password() -> None:
    """Neither repr nor the errors of a store hold the password."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    store = Store.connect(f"clickhouse://u:geheim@127.0.0.1:{port}/x")
    assert "geheim" not in repr(store.address)
    with pytest.raises(StoreUnavailable) as away:
        store.execute("SELECT 1")
    assert "geheim" not in str(away.value)
    assert f"clickhouse://u@127.0.0.1:{port}/x is away" in str(away.value)


@pytest.mark.parametrize("url", ["http://db:8123/x", "clickhouse:///x", "clickhouse://db/x;DROP", "db:9000", ""])
def test_a_wrong_url_is_refused(url: str) -> None:
    """What is no URL of a ClickHouse database is said so at once."""
    with pytest.raises(ValueError, match=r"must read clickhouse://|no name of a database"):
        Address.parse(url)


@pytest.mark.parametrize("name", ["a b", "a`", "", "1a", "t; DROP TABLE frames"])
def test_names_are_checked_before_they_stand_in_a_statement(store: Store, name: str) -> None:
    """A table or column name that needs quoting is refused; values never stand in the text."""
    with pytest.raises(ValueError, match="no name of a table"):
        store.insert(name, ("charger_id",), [("C",)])
    with pytest.raises(ValueError, match="no name of a table"):
        store.insert("frames", (name,), [("C",)])


def test_many_threads_share_a_store(store: Store) -> None:
    """More threads than connections: each gets its own answer."""

    def ask(number: int) -> int:
        (row,) = store.rows("SELECT %(n)s AS n, sleep(0.01)", {"n": number})
        return int(row["n"])

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(ask, range(200))) == list(range(200))


def test_rows_come_by_name_and_an_empty_result_is_an_empty_list(store: Store) -> None:
    """`rows` names its columns and says nothing where there is nothing."""
    assert store.rows("SELECT 1 AS a, 'x' AS b") == [{"a": 1, "b": "x"}]
    assert store.rows("SELECT * FROM frames FINAL") == []
    assert store.insert("frames", ("charger_id",), []) == 0


def test_a_refusal_carries_its_code_and_the_store_goes_on(store: Store) -> None:
    """ClickHouse's refusals are one type, with the code, and do not spoil the connection."""
    with pytest.raises(StoreRefusedError, match=r"code 60.*no_such") as refusal:
        store.execute("SELECT * FROM no_such")
    assert refusal.value.code == 60
    with pytest.raises(StoreRefusedError, match="a row for frames cannot be encoded"):
        store.insert("frames", ("seq",), [("seven",)])
    with pytest.raises(StoreRefusedError, match="a row for frames cannot be encoded"):
        store.insert("frames", ("seq", "text"), [(1, "a"), (2,)])
    assert store.ping()


def test_a_statement_that_takes_too_long_is_unavailability(engine: EmbeddedEngine) -> None:
    """Where no answer comes in time the caller is told when to try again, and the next statement works."""
    with Store.connect(engine.url("default"), timeout=0.3) as store:
        with pytest.raises(StoreUnavailable) as away:
            store.execute("SELECT sleep(1.5)")
        assert away.value.retry_after > 0
        assert store.ping()


def test_no_server_at_all_is_unavailability_whose_delay_grows_to_a_bound() -> None:
    """The delay doubles with each failure and stays below half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    store = Store.connect(f"clickhouse://127.0.0.1:{port}/x")
    delays = []
    for _ in range(9):
        with pytest.raises(StoreUnavailable) as away:
            store.execute("SELECT 1")
        delays.append(away.value.retry_after)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert not store.ping()
