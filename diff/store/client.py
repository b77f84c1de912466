"""The one client of ClickHouse: writer, queries, dashboard and command line all go through `Store`.

It is clickhouse-driver over the native protocol, the same against the embedded engine and a real server.
"""

from __future__ import annotations

import logging
import re
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, LifoQueue
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from diff.store.errors import StoreRefusedError, StoreUnavailable

__all__ = ["Address", "Store"]

# The driver logs a traceback for each refused connection; `StoreUnavailable` says the same in one line.
logging.getLogger("clickhouse_driver.connection").setLevel(logging.CRITICAL)

_POOL: Final = 8
_MIGRATION_SECONDS: Final = 4 * 3600.0
_FIRST_RETRY: Final = 0.5
_LAST_RETRY: Final = 30.0
_PASSING: Final = frozenset({159, 202, 203, 236, 241, 242, 243, 252, 319, 425})
"""ClickHouse's codes for states that pass: too slow, too many queries, no connection, aborted, no memory, read only,
no disk, too many parts, unknown outcome, a system call that failed."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")

_INSERT_SETTINGS: Final = {
    # An insert is durable when it returns: the journal may only move on behind what is stored.
    "async_insert": 0,
    # A recording may span more months than the default of 100 partitions a block.
    "max_partitions_per_insert_block": 0,
}


class Address(msgspec.Struct, frozen=True):
    """Where ClickHouse is. Printing it does not show the password."""

    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool = False
    """With TLS; the server's certificate and its name are always verified."""
    ca_file: str = ""
    """Whose certificates are trusted (PEM); empty trusts the usual authorities."""

    def __repr__(self) -> str:
        scheme = "clickhouses" if self.secure else "clickhouse"
        return f"{scheme}://{self.user}@{self.host}:{self.port}/{self.database}"

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `clickhouse[s]://user:password@host:port/database[?ca_file=PATH]`. Raises `ValueError`."""
        parts = urlsplit(url)
        if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname:
            raise ValueError("the store's URL must read clickhouse://user:password@host:port/database")
        database = unquote(parts.path.strip("/")) or "shadow"
        if _NAME.match(database) is None:
            raise ValueError(f"{database[:80]!r} is no name of a database: letters, digits and _ are allowed")
        secure = parts.scheme == "clickhouses"
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        ca_file = query.pop("ca_file", "")
        if query or (ca_file and not secure):
            raise ValueError("the store's URL takes ?ca_file=PATH with clickhouses:// and nothing else behind a ?")
        return cls(
            parts.hostname,
            parts.port or (9440 if secure else 9000),
            database,
            unquote(parts.username or "default"),
            unquote(parts.password or ""),
            secure,
            ca_file,
        )


class Store:
    """ClickHouse, for any number of threads: each statement takes a connection of its own from a small pool.

    Every method raises `StoreUnavailable` while ClickHouse is away and `StoreRefusedError` where it says no.
    Nothing is connected before the first statement, and a lost connection is made anew by the next one.
    """

    def __init__(self, address: Address, *, timeout: float = 60.0, connect_timeout: float = 3.0) -> None:
        self.address = address
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._idle: LifoQueue[Any] = LifoQueue()
        self._places = threading.BoundedSemaphore(_POOL)
        self._failures = 0

    @classmethod
    def connect(cls, url: str, *, timeout: float = 60.0, connect_timeout: float = 3.0) -> Store:
        """A store at a URL (see `Address.parse`). `timeout`: seconds for a statement. Raises `ValueError`."""
        return cls(Address.parse(url), timeout=timeout, connect_timeout=connect_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def execute(
        self,
        query: str,
        params: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Carry out a statement and return its rows. `%(name)s` in it stands for a value of `params`, escaped."""
        with self._client() as client:
            result = client.execute(query, params=dict(params) if params else None, settings=dict(settings or {}))
            return result if isinstance(result, list) else []

    def rows(
        self,
        query: str,
        params: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows of a query, each by column name."""
        with self._client() as client:
            found, columns = client.execute(
                query, params=dict(params) if params else None, settings=dict(settings or {}), with_column_types=True
            )
        names = [name for name, _ in columns]
        return [dict(zip(names, row, strict=True)) for row in found]

    def stream(
        self,
        query: str,
        params: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a query as they come: one block of them is in memory. It has a connection until it ends.

        What goes wrong is raised in the middle of it.
        """
        with self._client() as client:
            done = False
            try:
                yield from client.execute_iter(
                    query, params=dict(params) if params else None, settings=dict(settings or {})
                )
                done = True
            finally:
                if not done:
                    client.disconnect()  # the rest of the answer is still on its way

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
        """Insert rows (values in the order of `columns`) and return how many; they are durable when this returns.

        Whole numbers stand for DateTime64 as they are (microseconds), so no time goes through a float.
        """
        from clickhouse_driver import errors

        if not rows:
            return 0
        names = ", ".join(f"`{_checked(name)}`" for name in columns)
        query = f"INSERT INTO {_checked(table)} ({names}) VALUES"
        with self._client() as client:
            try:
                client.execute(query, list(rows), settings=dict(_INSERT_SETTINGS))
            except (TypeError, ValueError, AttributeError, ArithmeticError, struct.error) as error:
                # What the driver raises while it encodes a value that its column cannot hold. It has hung up by then.
                raise StoreRefusedError(f"a row for {table} cannot be encoded: {error}") from None
            except errors.TypeMismatchError as error:
                reason = str(error.message).rsplit("detailed info. ", 1)[-1]
                raise StoreRefusedError(f"a row for {table} cannot be encoded: {reason}") from None
        return len(rows)

    def ping(self) -> bool:
        """Whether ClickHouse answers a query now."""
        try:
            return self.execute("SELECT 1") == [(1,)]
        except StoreUnavailable:
            return False

    def migrate(self) -> list[str]:
        """Bring the database to the newest schema (see `diff.store.migrations`) and return what was applied."""
        from diff.store.migrations import migrate

        # A table that changes its shape is copied, which takes minutes where it holds years of a large fleet.
        with Store(self.address, timeout=_MIGRATION_SECONDS, connect_timeout=self._connect_timeout) as patient:
            return migrate(patient)

    def beside(self, database: str) -> Store:
        """A store at the same server in another database."""
        address = msgspec.structs.replace(self.address, database=_checked(database))
        return Store(address, timeout=self._timeout, connect_timeout=self._connect_timeout)

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                self._idle.get_nowait().disconnect()
            except Empty:
                return

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from clickhouse_driver import errors

        if not self._places.acquire(timeout=self._timeout):
            raise StoreUnavailable(f"all {_POOL} connections to {self.address!r} are busy", _FIRST_RETRY)
        try:
            client = self._take()
            try:
                yield client
            except errors.ServerException as error:
                text = str(error.message).split(" Stack trace:", 1)[0].strip()
                if error.code in _PASSING:
                    raise self._away(text) from None
                raise StoreRefusedError(text, error.code) from None
            except (errors.NetworkError, errors.SocketTimeoutError, EOFError, OSError) as error:
                client.disconnect()
                raise self._away(str(error) or type(error).__name__) from None
            except errors.Error as error:
                client.disconnect()
                raise StoreRefusedError(str(error)) from None
            self._failures = 0
            self._idle.put(client)
        finally:
            self._places.release()

    def _take(self) -> Any:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._new_client()

    def _new_client(self) -> Any:
        from clickhouse_driver import Client

        return Client(
            host=self.address.host,
            port=self.address.port,
            database=self.address.database,
            user=self.address.user,
            password=self.address.password,
            secure=self.address.secure,
            verify=True,
            ca_certs=self.address.ca_file or None,
            compression=False,  # the embedded engine has none, and it would need a further package
            client_name="shadow-csms",
            connect_timeout=self._connect_timeout,
            send_receive_timeout=self._timeout,
            sync_request_timeout=self._connect_timeout,
        )

    def _away(self, reason: str) -> StoreUnavailable:
        delay = min(_FIRST_RETRY * 2 ** min(self._failures, 16), _LAST_RETRY)
        self._failures += 1
        return StoreUnavailable(f"ClickHouse at {self.address!r} is away ({reason})", delay)


def _checked(name: str) -> str:
    if _NAME.match(name) is None:
        raise ValueError(f"{name[:80]!r} is no name of a table, column or database")
    return name
