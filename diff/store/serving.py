"""One client of the embedded engine: its packets, carried out on a chDB session of its own.

A session per client keeps `USE`, settings and an insert in progress apart, as a server would. chDB runs sessions
side by side; within one session the client's own packets are in order, and a lock keeps it so.
"""

from __future__ import annotations

import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from diff.store.blocks import Buffer, ProtocolError, check_type, skip_block
from diff.store.protocol import Client, Hello, Query, Wire
from diff.store.spool import MAX_SPOOL_BYTES, open_spool

__all__ = ["Conversation", "EngineError", "Session"]

Session = Any
"""A `chdb.session.Session`; chDB is untyped."""

_INSERT: Final = re.compile(
    r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?P<table>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))?)\s*"
    r"(?P<columns>\([^()]*\))?\s*(?:VALUES|FORMAT\s+\w+)\s*;?\s*\Z",
    re.IGNORECASE,
)
_FORMAT: Final = re.compile(r"\s+FORMAT\s+\w+\s*;?\s*\Z", re.IGNORECASE)
_STREAMED: Final = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:SELECT|WITH|FROM)\b", re.IGNORECASE | re.DOTALL)
_SETTING: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}\Z")
_CODE: Final = re.compile(r"Code: (\d+)\.\s*(?:DB::Exception:\s*)?")

_UNEXPECTED_PACKET: Final = 101
_AUTHENTICATION_FAILED: Final = 516
_UNKNOWN: Final = 1002
_LINGER_SECONDS: Final = 5.0
_LINGER_BYTES: Final = 1 << 30


class EngineError(Exception):
    """The engine refused a statement: ClickHouse's code and text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Conversation:
    """Serves one client until it hangs up."""

    def __init__(
        self,
        sock: socket.socket,
        new_session: Callable[[], Session],
        directory: Path,
        version: tuple[int, int, int],
        password: str,
    ) -> None:
        self._socket = sock
        self._wire = Wire(sock)
        self._new_session = new_session
        self._directory = directory
        self._version = version
        self._password = password

    def serve(self, refusal: str = "") -> None:
        """Greet, then answer packets. `refusal` turns the client away with that text."""
        session: Session = None
        try:
            hello = self._greeting()
            if refusal:
                self._wire.send_exception(202, refusal)
                return
            if not hmac.compare_digest(hello.password.encode(), self._password.encode()):
                self._wire.send_exception(_AUTHENTICATION_FAILED, "wrong password for the embedded engine")
                return
            session = self._new_session()
            if not self._enter(session, hello.database):
                return
            self._wire.send_hello(self._version)
            self._answer(session)
        except (EOFError, OSError):
            pass  # the client hung up: nothing to answer, and what it had not finished was not committed
        except ProtocolError as error:
            self._part(error)
        finally:
            if session is not None:
                session.close()

    def _greeting(self) -> Hello:
        if self._wire.packet() is not Client.HELLO:
            raise ProtocolError("the first packet must be Hello")
        return self._wire.hello()

    def _enter(self, session: Session, database: str) -> bool:
        try:
            with _refusals():
                session.query(f"USE {_identifier(database or 'default')}")
        except EngineError as error:
            self._wire.send_exception(error.code, str(error))
            return False
        return True

    def _answer(self, session: Session) -> None:
        while True:
            match self._wire.packet():
                case Client.PING:
                    self._wire.send_pong()
                case Client.QUERY:
                    self._query(session, self._wire.query())
                case Client.CANCEL:
                    pass  # arrives after the answer has been sent: statements are carried out in one go
                case other:
                    raise ProtocolError(f"packet {other.name} where a query was due")

    def _query(self, session: Session, query: Query) -> None:
        try:
            with _refusals(), _settings(session, query.settings):
                if (insert := _INSERT.match(query.text)) is not None:
                    self._insert(session, insert["table"], insert["columns"] or "")
                else:
                    self._select(session, _FORMAT.sub("", query.text))
        except EngineError as error:
            self._wire.send_exception(error.code, str(error))
        else:
            self._wire.send_end()

    def _select(self, session: Session, text: str) -> None:
        """Send a result: first its columns in an empty block, as clients expect it, then block by block."""
        if _STREAMED.match(text) is None:
            native = session.query(text, "Native").bytes()
            for number, block in enumerate(_split(native)):
                if number == 0:
                    self._wire.send_header(_header(block))
                self._wire.send_block(block)
            return
        stream = session.send_query(text, "Native")
        try:
            header: list[tuple[str, str]] = []
            for chunk in stream:  # chDB gives one block a chunk
                block = chunk.bytes()
                if not header:
                    header = _header(block)
                    self._wire.send_header(header)
                self._wire.send_block(block)
        finally:
            stream.close()
        if not header:
            self._wire.send_header(_columns(session, f"({text.rstrip().rstrip(';')}\n)"))

    def _insert(self, session: Session, table: str, columns: str) -> None:
        """Tell the client the columns, then then hand its blocks to chDB as they stand."""
        if columns:
            header = _columns(session, f"(SELECT {columns[1:-1]} FROM {table})")
        else:
            header = _columns(session, f"TABLE {table}")
        for _, kind in header:
            check_type(kind)
        self._wire.send_header(header)
        statement = f"INSERT INTO {table} {columns} FROM INFILE '{{}}' FORMAT Native"
        failure: EngineError | None = None
        with open_spool(self._directory) as spool:
            more = True
            while more:
                rows, block = self._wire.block()
                more = rows > 0
                # After a refusal the rest is read and dropped, so that the client hears the reason and not a reset.
                if failure is not None:
                    continue
                if more:
                    spool.write(block)
                if spool.size and (not more or spool.size >= MAX_SPOOL_BYTES):
                    failure = _failure_of(session, statement.format(spool.path))
                    spool.empty()
        if failure is not None:
            raise failure

    def _part(self, error: ProtocolError) -> None:
        """Say why, and let the client read it: closing with unread bytes would reset the connection."""
        try:
            self._wire.send_exception(_UNEXPECTED_PACKET, str(error))
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(_LINGER_SECONDS)
            left = _LINGER_BYTES
            while left > 0 and (piece := self._socket.recv(1 << 20)):
                left -= len(piece)
        except OSError:
            pass  # it has gone, or it goes on sending for too long: both end here


def _failure_of(session: Session, statement: str) -> EngineError | None:
    try:
        with _refusals():
            session.query(statement)
    except EngineError as error:
        return error
    return None


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what chDB raises (RuntimeError and its own subclass of Exception) into code and text."""
    from chdb import ChdbError

    try:
        yield
    except (ChdbError, RuntimeError) as error:
        text = str(error)
        code = _CODE.search(text)
        raise EngineError(int(code[1]) if code else _UNKNOWN, text[code.end() :] if code else text) from None


@contextmanager
def _settings(session: Session, settings: dict[str, str]) -> Iterator[None]:
    """Have the settings of one query, and only for it."""
    done: list[str] = []
    try:
        for name, value in settings.items():
            if _SETTING.match(name) is None:
                raise EngineError(115, f"{name[:80]!r} is no name of a setting")
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            session.query(f"SET {name} = '{quoted}'")
            done.append(name)
        yield
    finally:
        for name in done:
            session.query(f"SET {name} = DEFAULT")


def _columns(session: Session, source: str) -> list[tuple[str, str]]:
    """Names and types of a table or a bracketed query, without the columns that cannot be inserted."""
    text = session.query(f"DESCRIBE {source}", "JSONCompactEachRow").bytes().decode()
    rows = [json.loads(line) for line in text.splitlines()]
    return [(row[0], row[1]) for row in rows if row[2] not in ("MATERIALIZED", "ALIAS", "EPHEMERAL")]


def _header(native: bytes) -> list[tuple[str, str]]:
    """Names and types of the columns of a block."""
    columns: list[tuple[str, str]] = []
    skip_block(_buffer(native), columns)
    return columns


def _buffer(native: bytes) -> Buffer:
    source = Buffer(lambda _: b"", limit=len(native))
    source.data += native
    return source


def _split(native: bytes) -> Iterator[bytes]:
    """The blocks of a result that came in one piece."""
    source = _buffer(native)
    while source.position < len(native):
        start = source.position
        skip_block(source)
        yield source.since(start)


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
