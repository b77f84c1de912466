"""Packets and capture files for tests, by the letter of their formats."""

import struct
from collections.abc import Iterable
from itertools import pairwise

CHARGER, CSMS = ("10.0.0.7", 40000), ("10.0.0.1", 9000)
KEY = b"\x0a\x0b\x0c\x0d"
REQUEST = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
SYN, FIN, RST, ACK = 2, 1, 4, 16

End = tuple[str, int]


def text(message: bytes, *, masked: bool, first: int = 0x81) -> bytes:
    """One WebSocket frame."""
    assert len(message) < 126
    head = bytes([first, (0x80 if masked else 0) | len(message)])
    if not masked:
        return head + message
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(message))


def tcp(source: End, target: End, seq: int, ack: int | None, flags: int = 0, payload: bytes = b"") -> bytes:
    """An IPv4 datagram."""
    flags |= 0 if ack is None else ACK
    head = struct.pack("!HHIIBBHHH", source[1], target[1], seq % 2**32, (ack or 0) % 2**32, 0x50, flags, 500, 0, 0)
    size = 20 + len(head) + len(payload)
    address = [bytes(int(part) for part in end[0].split(".")) for end in (source, target)]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 6, 0, *address) + head + payload


def tcp6(source: int, target: int, seq: int, ack: int | None, flags: int = 0, payload: bytes = b"") -> bytes:
    """The same from ::1 to ::1."""
    flags |= 0 if ack is None else ACK
    head = struct.pack("!HHIIBBHHH", source, target, seq, ack or 0, 0x50, flags, 500, 0, 0)
    one = b"\0" * 15 + b"\1"
    return struct.pack("!IHBB16s16s", 6 << 28, len(head) + len(payload), 6, 64, one, one) + head + payload


def ethernet(datagram: bytes, *, vlans: Iterable[int] = ()) -> bytes:
    """An Ethernet frame, tagged or not."""
    kind = 0x86DD if datagram[0] >> 4 == 6 else 0x0800
    tags = b"".join(struct.pack("!HH", 0x8100, tag) for tag in vlans)
    return b"\x02" * 12 + tags + struct.pack("!H", kind) + datagram


def pcap(packets: Iterable[tuple[int, bytes]], *, link: int = 1, order: str = "<", nano: bool = False) -> bytes:
    """A pcap file of packets and their times in microseconds."""
    magic, unit = (0xA1B23C4D, 1000) if nano else (0xA1B2C3D4, 1)
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for at, data in packets:
        out += struct.pack(f"{order}IIII", at // 10**6, at % 10**6 * unit, len(data), len(data)) + data
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def pcapng(packets: Iterable[tuple[int, bytes]], *, links: tuple[int, ...] = (1,), order: str = "<") -> bytes:
    """A pcapng file; packet N is of interface N modulo their number, and the second one counts nanoseconds."""
    out = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    for number, link in enumerate(links):
        options = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0) if number == 1 else b""
        out += block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)
    for number, (at, data) in enumerate(packets):
        which = number % len(links)
        ticks = at * 1000 if which == 1 else at
        head = struct.pack(f"{order}IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
        out += block(6, head + data, order)
    return out


class Talk:
    """Both ends of a TCP connection: makes the packets of what they say."""

    def __init__(self, client: End = CHARGER, server: End = CSMS, *, isn: tuple[int, int] = (1000, 5000)) -> None:
        self.client, self.server = client, server
        self.seq = dict(zip((client, server), isn, strict=True))
        self.packets: list[bytes] = []

    def _send(self, source: End, flags: int = 0, payload: bytes = b"", *, ack: bool = True) -> None:
        target = self.server if source == self.client else self.client
        self.packets.append(tcp(source, target, self.seq[source], self.seq[target] if ack else None, flags, payload))
        self.seq[source] += len(payload) + bool(flags & (SYN | FIN))

    def open(self) -> "Talk":
        """SYN, SYN-ACK, ACK."""
        self._send(self.client, SYN, ack=False)
        self._send(self.server, SYN)
        self._send(self.client)
        return self

    def says(self, data: bytes, *, size: int = 1 << 20) -> "Talk":
        """The client sends, in segments of so many bytes."""
        for begin, end in pairwise([*range(0, len(data), size), len(data)]):
            self._send(self.client, payload=data[begin:end])
        return self

    def hears(self, data: bytes) -> "Talk":
        """The server sends."""
        self._send(self.server, payload=data)
        return self

    def close(self) -> "Talk":
        """FIN from both."""
        self._send(self.client, FIN)
        self._send(self.server, FIN)
        self._send(self.client)
        return self

    def session(self, count: int = 4) -> "Talk":
        """A whole WebSocket connection: upgrade, calls and answers, close code 1000."""
        self.open().says(REQUEST).hears(ANSWER)
        for number in range(count):
            self.says(text(b'[2,"%d","Heartbeat",{}]' % number, masked=True), size=7)
            self.hears(text(b'[3,"%d",{}]' % number, masked=False))
        return self.says(text(b"\x03\xe8", masked=True, first=0x88)).hears(text(b"\x03\xe8", masked=False, first=0x88))

    def timed(self, step: int = 1000) -> list[tuple[int, bytes]]:
        """The packets as Ethernet frames with their times."""
        return [(1_700_000_000_000_000 + n * step, ethernet(packet)) for n, packet in enumerate(self.packets)]
