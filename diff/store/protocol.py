"""The server's side of ClickHouse's native TCP protocol, as far as the embedded engine speaks it.

Revision 54429 is announced: the newest one with settings as strings and before the interserver secret, chunked
packets and custom serialisations, none of which a client on loopback needs. Layout: ClickHouse
`src/Server/TCPHandler.cpp`, `src/Core/Protocol.h`.
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum
from typing import Final

import msgspec

from diff.store.blocks import Buffer, ProtocolError, skip_block

__all__ = ["MAX_QUERY_BYTES", "REVISION", "Client", "Hello", "Query", "Wire"]

REVISION: Final = 54429
MAX_QUERY_BYTES: Final = 4 * 1024 * 1024
"""Longest query text. Data travels in blocks, so only a list of literals could ask for more."""

_MAX_TEXT: Final = 64 * 1024
_MAX_SETTINGS: Final = 256


class Client(IntEnum):
    """What a client sends."""

    HELLO = 0
    QUERY = 1
    DATA = 2
    CANCEL = 3
    PING = 4


class _Server(IntEnum):
    HELLO = 0
    DATA = 1
    EXCEPTION = 2
    PONG = 4
    END_OF_STREAM = 5


class Hello(msgspec.Struct, frozen=True):
    """Who connects, and to which database."""

    client: str
    database: str
    user: str
    password: str


class Query(msgspec.Struct, frozen=True):
    """A query with its settings."""

    text: str
    settings: dict[str, str]


class Wire:
    """One client's socket: packets in, packets out. Every read is bounded."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.buffer = Buffer(sock.recv)
        self._out = bytearray()

    def packet(self) -> Client:
        """The type of the next packet. Raises `EOFError` where the client has hung up between packets."""
        self.buffer.mark()
        kind = self.buffer.varint()
        try:
            return Client(kind)
        except ValueError:
            raise ProtocolError(f"packet type {kind} is not one that this engine knows") from None

    def hello(self) -> Hello:
        """The rest of a Hello packet."""
        client = self.buffer.text(_MAX_TEXT)
        for _ in range(3):
            self.buffer.varint()
        database, user, password = (self.buffer.text(_MAX_TEXT) for _ in range(3))
        return Hello(client, database, user, password)

    def query(self) -> Query:
        """The rest of a Query packet, and the empty block of external tables that follows it."""
        self.buffer.text(_MAX_TEXT)
        self._client_info()
        settings: dict[str, str] = {}
        while name := self.buffer.text(_MAX_TEXT):
            self.buffer.varint()
            settings[name] = self.buffer.text(_MAX_TEXT)
            if len(settings) > _MAX_SETTINGS:
                raise ProtocolError(f"more than {_MAX_SETTINGS} settings")
        self.buffer.varint()
        if self.buffer.varint():
            raise ProtocolError("compression is not offered by this engine: connect with compression=False")
        text = self.buffer.text(MAX_QUERY_BYTES)
        if self.block()[0]:
            raise ProtocolError("external tables are not taken by this engine")
        return Query(text, settings)

    def block(self) -> tuple[int, bytes]:
        """The next Data packet: its number of rows and its bytes as they stood, without the block info."""
        if (kind := self.packet()) is not Client.DATA:
            raise ProtocolError(f"packet type {kind.name} where data was due")
        self.buffer.text(_MAX_TEXT)
        while field := self.buffer.varint():
            self.buffer.skip(1 if field == 1 else 4)
        start = self.buffer.position
        rows = skip_block(self.buffer)
        return rows, self.buffer.since(start)

    def send_hello(self, version: tuple[int, int, int]) -> None:
        """Answer a Hello."""
        self._varint(_Server.HELLO)
        self._text("ClickHouse")
        for number in (version[0], version[1], REVISION):
            self._varint(number)
        self._text("UTC")
        self._text("shadow-csms embedded")
        self._varint(version[2])
        self.flush()

    def send_pong(self) -> None:
        """Answer a Ping."""
        self._varint(_Server.PONG)
        self.flush()

    def send_block(self, native: bytes) -> None:
        """Send one block that stands in the Native format."""
        self._varint(_Server.DATA)
        self._text("")
        # Block info: field 1 "is overflows" = 0, field 2 "bucket number" = -1, end.
        self._out += b"\x01\x00\x02" + struct.pack("<i", -1) + b"\x00"
        self._out += native
        self.flush()

    def send_header(self, columns: list[tuple[str, str]]) -> None:
        """Send an empty block that names the columns and their types."""
        header = bytearray(_number(len(columns)) + _number(0))
        for name, kind in columns:
            for text in (name.encode(), kind.encode()):
                header += _number(len(text)) + text
        self.send_block(bytes(header))

    def send_exception(self, code: int, message: str) -> None:
        """Say that the query failed."""
        self._varint(_Server.EXCEPTION)
        self._out += struct.pack("<i", code)
        self._text("DB::Exception")
        self._text(message)
        self._text("")
        self._out += b"\x00"
        self.flush()

    def send_end(self) -> None:
        """Say that the query is done."""
        self._varint(_Server.END_OF_STREAM)
        self.flush()

    def flush(self) -> None:
        """Send what has been written."""
        out, self._out = self._out, bytearray()
        self._socket.sendall(out)

    def _client_info(self) -> None:
        if not self.buffer.read(1)[0]:
            return
        for _ in range(3):
            self.buffer.text(_MAX_TEXT)
        self.buffer.skip(1)
        for _ in range(3):
            self.buffer.text(_MAX_TEXT)
        for _ in range(3):
            self.buffer.varint()
        self.buffer.text(_MAX_TEXT)
        self.buffer.varint()

    def _varint(self, value: int) -> None:
        self._out += _number(value)

    def _text(self, text: str) -> None:
        raw = text.encode()
        self._out += _number(len(raw)) + raw


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
