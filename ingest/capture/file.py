"""Capture files cut into packets: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). Pure and total.

Bytes in any chunking give packets, so that a file and a pipe from `tcpdump -w -` are read alike. What is no capture any
more ends the reading with one `Flaw`: lengths cannot be trusted behind it, and what came before stands. Times are whole
microseconds; a finer stamp is cut, never rounded up.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Literal

import msgspec

from ingest.frame import Micros

__all__ = ["MAX_BLOCK", "MAX_PACKET", "CaptureReader", "Flaw", "Packet"]

MAX_PACKET: Final = 262_144
"""Bytes of the longest packet: libpcap's own largest snapshot length."""
MAX_BLOCK: Final = 16 * 1024 * 1024
"""Bytes of the longest pcapng block, as in Wireshark."""

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_OLD_PACKET: Final = 2
_SIMPLE_PACKET: Final = 3
_PACKET: Final = 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_RESOLUTION: Final = 9
_OFFSET: Final = 14
_MAX_INTERFACES: Final = 4096
_LATEST: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999: a stamp beyond it is no time."""

_MAGICS: Final[dict[bytes, tuple[Literal["<", ">"], int]]] = {
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
}
"""How a pcap file begins: its byte order and the stamps a second."""
_SECTION_BYTES: Final = _SECTION.to_bytes(4, "big")
_GZIP: Final = b"\x1f\x8b"


class Packet(msgspec.Struct, frozen=True):
    """One packet."""

    at: Micros
    link: int
    """Its link type (LINKTYPE_…)."""
    data: bytes
    size: int
    """Bytes on the wire; more than `data` has where the snapshot length cut it."""


class Flaw(msgspec.Struct, frozen=True):
    """Why nothing more is read, and at which byte of the file."""

    at_byte: int
    reason: str


class _Interface(msgspec.Struct, frozen=True):
    link: int
    snapshot: int
    per_second: int = 1_000_000
    offset: int = 0
    """Seconds to be added to every stamp."""


class CaptureReader:
    """Reads one capture."""

    def __init__(self) -> None:
        self.ended = False
        """A flaw ended it."""
        self._buffer = bytearray()
        self._used = 0
        """Bytes before the buffer."""
        self._form: Literal["", "pcap", "pcapng"] = ""
        self._order: Literal["<", ">"] = "<"
        self._interfaces: list[_Interface] = []
        self._now: Micros = 0

    def feed(self, data: bytes) -> list[Packet | Flaw]:
        """Take the next bytes, cut anywhere."""
        if self.ended:
            return []
        self._buffer += data
        found: list[Packet | Flaw] = []
        start = 0
        try:
            if not self._form:
                start = self._begin()
            if self._form == "pcap":
                start = self._records(start, found)
            elif self._form == "pcapng":
                start = self._blocks(start, found)
        except _FlawError as error:
            self.ended = True
            found.append(Flaw(self._used + error.at, error.reason))
            self._buffer.clear()
            return found
        del self._buffer[:start]
        self._used += start
        return found

    def end(self) -> Flaw | None:
        """Nothing more comes: the flaw of a capture that ends within a packet, or never began."""
        if self.ended:
            return None
        self.ended = True
        if not self._form:
            return Flaw(0, "an empty file" if not self._buffer else "no capture: shorter than the head of one")
        if self._buffer:
            return Flaw(self._used, f"the capture ends within a packet: {len(self._buffer)} bytes of it are there")
        return None

    def _begin(self) -> int:
        """Read what the file is; give the bytes used, 0 while too few are there."""
        head = bytes(self._buffer[:24])
        if head[:2] == _GZIP:
            raise _FlawError(0, "compressed with gzip: unpack it first, as `zcat FILE | shadow-csms tap pcap -`")
        if len(head) < 4:
            return 0
        if head[:4] == _SECTION_BYTES:
            self._form = "pcapng"
            return 0
        if head[:4] not in _MAGICS:
            raise _FlawError(0, f"no capture: it begins with {head[:4].hex()}, neither pcap nor pcapng")
        if len(head) < 24:
            return 0
        self._order, per_second = _MAGICS[head[:4]]
        snapshot, link = Struct(f"{self._order}II").unpack(head[16:])
        # The upper bits say how long the frame check sequence is; LINKTYPE has sixteen.
        self._interfaces = [_Interface(link & 0xFFFF, snapshot, per_second)]
        self._form = "pcap"
        return 24

    def _records(self, start: int, found: list[Packet | Flaw]) -> int:
        buffer, [interface] = self._buffer, self._interfaces
        head = _HEADS[self._order]
        while len(buffer) - start >= 16:
            seconds, part, captured, size = head.unpack_from(buffer, start)
            if captured > MAX_PACKET:
                raise _FlawError(start, f"a packet of {captured} bytes, at most {MAX_PACKET} can be")
            if len(buffer) - start - 16 < captured:
                break
            at = seconds * 1_000_000 + part * 1_000_000 // interface.per_second
            data = bytes(buffer[start + 16 : start + 16 + captured])
            found.append(Packet(at, interface.link, data, max(size, captured)))
            start += 16 + captured
        return start

    def _blocks(self, start: int, found: list[Packet | Flaw]) -> int:
        buffer = self._buffer
        while len(buffer) - start >= 12:
            if buffer[start : start + 4] == _SECTION_BYTES:
                self._section(start)
            kind, length = _PAIRS[self._order].unpack_from(buffer, start)
            if length % 4 or not 12 <= length <= MAX_BLOCK:
                raise _FlawError(start, f"a block of {length} bytes: a multiple of 4 from 12 to {MAX_BLOCK} can be")
            if len(buffer) - start < length:
                break
            body = bytes(buffer[start + 8 : start + length - 4])
            if buffer[start + length - 4 : start + length] != buffer[start + 4 : start + 8]:
                raise _FlawError(start, "a block whose two lengths differ")
            packet = self._block(kind, body, start)
            if packet is not None:
                found.append(packet)
            start += length
        return start

    def _section(self, start: int) -> None:
        """A new section: its byte order is its own, and so are its interfaces."""
        magic = bytes(self._buffer[start + 8 : start + 12])
        if magic == _BYTE_ORDER.to_bytes(4, "big"):
            self._order = ">"
        elif magic == _BYTE_ORDER.to_bytes(4, "little"):
            self._order = "<"
        else:
            raise _FlawError(start, f"a section whose byte order is {magic.hex()}")
        self._interfaces = []

    def _block(self, kind: int, body: bytes, start: int) -> Packet | None:
        match kind:
            case _ if kind == _INTERFACE:
                if len(body) < 8:
                    raise _FlawError(start, "an interface of too few bytes")
                if len(self._interfaces) >= _MAX_INTERFACES:
                    raise _FlawError(start, f"more than {_MAX_INTERFACES} interfaces")
                self._interfaces.append(_interface(body, self._order))
            case _ if kind == _PACKET and len(body) >= 20:
                number = _WORD[self._order].unpack_from(body)[0]
                return self._packet(number, body, start)
            case _ if kind == _OLD_PACKET and len(body) >= 20:
                number = _SHORT[self._order].unpack_from(body)[0]
                return self._packet(number, body, start)
            case _ if kind == _SIMPLE_PACKET and len(body) >= 4:
                return self._simple(body, start)
            case _ if kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
                raise _FlawError(start, "a packet of too few bytes")
        return None

    def _packet(self, number: int, body: bytes, start: int) -> Packet:
        interface = self._interface_of(number, start)
        high, low, captured, size = _HEADS[self._order].unpack_from(body, 4)
        if captured > min(MAX_PACKET, len(body) - 20):
            raise _FlawError(start, f"a packet of {captured} bytes in a block of {len(body)}")
        at = (high << 32 | low) * 1_000_000 // interface.per_second + interface.offset * 1_000_000
        self._now = min(max(at, 0), _LATEST)
        return Packet(self._now, interface.link, body[20 : 20 + captured], max(size, captured))

    def _simple(self, body: bytes, start: int) -> Packet:
        """A packet without a time: that of the one before."""
        interface = self._interface_of(0, start)
        size = _WORD[self._order].unpack_from(body)[0]
        captured = min(size, len(body) - 4, interface.snapshot or size)
        if captured > MAX_PACKET:
            raise _FlawError(start, f"a packet of {captured} bytes, at most {MAX_PACKET} can be")
        return Packet(self._now, interface.link, body[4 : 4 + captured], size)

    def _interface_of(self, number: int, start: int) -> _Interface:
        if number >= len(self._interfaces):
            raise _FlawError(start, f"a packet of interface {number}, which the section does not describe")
        return self._interfaces[number]


def _interface(body: bytes, order: Literal["<", ">"]) -> _Interface:
    link, _, snapshot = Struct(f"{order}HHI").unpack_from(body)
    per_second, offset, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, length = Struct(f"{order}HH").unpack_from(body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _RESOLUTION and len(value) == 1:
            power = value[0] & 0x7F
            per_second = 2**power if value[0] & 0x80 else 10**power
        elif code == _OFFSET and len(value) == 8:
            offset = Struct(f"{order}q").unpack(value)[0]
        elif code == 0:
            break
        at += 4 + length + -length % 4
    return _Interface(link, snapshot, per_second, offset)


class _FlawError(Exception):
    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at, self.reason = at, reason


_HEADS: Final = {"<": Struct("<IIII"), ">": Struct(">IIII")}
_PAIRS: Final = {"<": Struct("<II"), ">": Struct(">II")}
_WORD: Final = {"<": Struct("<I"), ">": Struct(">I")}
_SHORT: Final = {"<": Struct("<H"), ">": Struct(">H")}
