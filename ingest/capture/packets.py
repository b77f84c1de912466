"""A packet taken apart as far as its TCP segment. Pure and total; the one owner of dpkt.

What carries no TCP is named, not guessed at. Of a fragmented datagram only the first fragment holds ports, and no part
holds all: fragments are counted, and what they held shows as missing bytes of its stream.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from dpkt.ethernet import Ethernet
from dpkt.ip import IP
from dpkt.ip6 import IP6
from dpkt.loopback import Loopback
from dpkt.sll import SLL
from dpkt.sll2 import SLL2
from dpkt.tcp import TCP, TH_ACK, TH_FIN, TH_RST, TH_SYN

from ingest.capture.file import Packet

__all__ = ["End", "NoSegment", "Segment", "name_of", "read_packet"]

End = tuple[bytes, int]
"""An address and a port."""

_VLANS: Final = frozenset({0x8100, 0x88A8, 0x9100})
_DEEPEST: Final = 8
"""Layers between the link and IP: tags, labels, PPPoE."""
_FRAGMENT_HEADER: Final = 44


class NoSegment(StrEnum):
    """What a packet is that holds no TCP segment."""

    LINK = "of a link type that is not read"
    NOT_IP = "not IP"
    NOT_TCP = "not TCP"
    FRAGMENT = "an IP fragment"
    MALFORMED = "malformed"


class Segment(msgspec.Struct, frozen=True):
    """A TCP segment (RFC 9293 §3.1)."""

    source: End
    target: End
    seq: int
    ack: int | None
    """None where the ACK bit is not set."""
    syn: bool
    fin: bool
    rst: bool
    payload: bytes
    size: int
    """Bytes of the payload on the wire; more than `payload` has where the capture cut the packet."""


def _raw(data: bytes) -> Any:
    return IP6(data) if data[:1] and data[0] >> 4 == 6 else IP(data)


_LINKS: Final[dict[int, Callable[[bytes], Any]]] = {
    0: Loopback,  # NULL: BSD loopback
    1: Ethernet,
    12: _raw,  # DLT_RAW where the file was written without the mapping to LINKTYPE
    14: _raw,
    101: _raw,  # RAW
    108: Loopback,  # LOOP: OpenBSD loopback
    113: SLL,  # Linux, `tcpdump -i any`
    228: IP,
    229: IP6,
    276: SLL2,  # Linux, `tcpdump -i any` of newer versions
}


def read_packet(packet: Packet) -> Segment | NoSegment:
    """Take a packet apart."""
    link = _LINKS.get(packet.link)
    if link is None:
        return NoSegment.LINK
    try:
        return _read(link(packet.data))
    except Exception:  # noqa: BLE001 - dpkt raises what it meets on the way: a packet is sound or it is not
        return NoSegment.MALFORMED


def name_of(end: End) -> str:
    """An end as text, `10.0.0.1:9000` or `[::1]:9000`."""
    address = ip_address(end[0])
    return f"{address}:{end[1]}" if address.version == 4 else f"[{address}]:{end[1]}"


def _read(layer: Any) -> Segment | NoSegment:
    layer = _network(layer)
    if isinstance(layer, IP):
        if layer.mf or layer.offset:
            return NoSegment.FRAGMENT
        total = layer.len - 4 * layer.hl if layer.len else None
    elif isinstance(layer, IP6):
        if any(getattr(one, "frag_off", 0) or getattr(one, "m_flag", 0) for one in layer.all_extension_headers):
            return NoSegment.FRAGMENT
        total = layer.plen - sum(one.length for one in layer.all_extension_headers) if layer.plen else None
    else:
        return NoSegment.NOT_IP
    tcp = layer.data
    if not isinstance(tcp, TCP):
        return NoSegment.MALFORMED if layer.p == 6 else NoSegment.NOT_TCP
    flags = tcp.flags
    payload = bytes(tcp.data)
    # Without a length (segmentation offload) what was captured is all that is known.
    size = len(payload) if total is None else max(len(payload), total - 4 * tcp.off)
    return Segment(
        (layer.src, tcp.sport),
        (layer.dst, tcp.dport),
        tcp.seq,
        tcp.ack if flags & TH_ACK else None,
        bool(flags & TH_SYN),
        bool(flags & TH_FIN),
        bool(flags & TH_RST),
        payload,
        size,
    )


def _network(layer: Any) -> Any:
    """The IP datagram inside, or whatever it ends in."""
    for _ in range(_DEEPEST):
        if isinstance(layer, IP | IP6):
            return layer
        if isinstance(layer, SLL | SLL2) and isinstance(layer.data, bytes):
            return _network(_untagged(layer.ethtype, layer.data))
        if not hasattr(layer, "data"):
            return layer
        layer = layer.data
    return layer


def _untagged(kind: int, data: bytes) -> Any:
    """What stands behind the tags of a cooked packet, of which dpkt reads none."""
    while kind in _VLANS and len(data) > 4:
        kind, data = int.from_bytes(data[2:4], "big"), data[4:]
    return {0x0800: IP, 0x86DD: IP6}.get(kind, bytes)(data)
