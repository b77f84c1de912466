"""The PROXY protocol, versions 1 and 2, read and written: who the charging station is, behind a load balancer. Pure.

Source: "The PROXY protocol", versions 1 & 2, HAProxy 2.x (proxy-protocol.txt), §2.1 and §2.2.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Final

import msgspec

__all__ = ["MAX_HEADER", "Proxied", "ProxyError", "read", "write_v1", "write_v2"]

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V2: Final = Struct("!12sBBH")
_LONGEST_V1: Final = 107
MAX_HEADER: Final = 4096
"""Bytes of a version 2 header with all its TLVs; a certificate's name and a few more fit."""
_TLV_SSL: Final = 0x20
_TLV_VERSION: Final = 0x21
_TLV_COMMON_NAME: Final = 0x22
_TLV_CIPHER: Final = 0x23
_CLIENT_SSL: Final = 0x01
_MAX_TEXT: Final = 255

Address = tuple[str, int]


class ProxyError(Exception):
    """What stands there is no PROXY header; the message says what is wrong with it."""


class Proxied(msgspec.Struct, frozen=True):
    """What a header says."""

    size: int
    """Bytes of the header."""
    source: Address | None = None
    """The charging station; None for a health check of the proxy itself (`LOCAL`), or an unknown one."""
    destination: Address | None = None
    tls_version: str | None = None
    """TLS that the proxy terminated (version 2 only)."""
    tls_cipher: str | None = None
    common_name: str | None = None
    """Of the client certificate that the proxy has seen (version 2 only)."""


def read(data: bytes | bytearray) -> Proxied | None:
    """Read the header at the beginning; None where more bytes are needed.

    Raises:
        ProxyError: it is none.
    """
    begin = bytes(data[:12])
    if begin[:1] == b"\r" and _SIGNATURE.startswith(begin):
        return _read_v2(data)
    if b"PROXY ".startswith(begin[:6]) or begin.startswith(b"PROXY "):
        return _read_v1(data)
    raise ProxyError("the connection does not begin with a PROXY header")


def write_v1(source: Address | None, destination: Address | None) -> bytes:
    """Write version 1, one line of text."""
    pair = _pair(source, destination)
    if pair is None:
        return b"PROXY UNKNOWN\r\n"
    (host, port), (to_host, to_port) = pair
    family = "TCP4" if host.version == 4 else "TCP6"
    return f"PROXY {family} {host} {to_host} {port} {to_port}\r\n".encode()


def write_v2(source: Address | None, destination: Address | None) -> bytes:
    """Write version 2, binary."""
    pair = _pair(source, destination)
    if pair is None:
        return _V2.pack(_SIGNATURE, 0x20, 0x00, 0)
    (host, port), (to_host, to_port) = pair
    body = host.packed + to_host.packed + port.to_bytes(2, "big") + to_port.to_bytes(2, "big")
    return _V2.pack(_SIGNATURE, 0x21, 0x11 if host.version == 4 else 0x21, len(body)) + body


def _read_v1(data: bytes | bytearray) -> Proxied | None:
    end = data.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        if len(data) >= _LONGEST_V1:
            raise ProxyError("a PROXY line of more than 107 bytes")
        return None
    words = bytes(data[:end]).decode("latin-1").split(" ")
    if len(words) >= 2 and words[1] == "UNKNOWN":
        return Proxied(end + 2)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ProxyError("a PROXY line that is not TCP4, TCP6 or UNKNOWN with two addresses and two ports")
    try:
        hosts = [ip_address(word) for word in words[2:4]]
        ports = [_port(word) for word in words[4:]]
    except ValueError:
        raise ProxyError("a PROXY line with something else in the place of an address or port") from None
    if any(host.version != int(words[1][-1]) for host in hosts):
        raise ProxyError(f"a PROXY line whose addresses are not {words[1]}")
    return Proxied(end + 2, (str(hosts[0]), ports[0]), (str(hosts[1]), ports[1]))


def _read_v2(data: bytes | bytearray) -> Proxied | None:
    if len(data) < _V2.size:
        return None
    _, command, family, size = _V2.unpack_from(data)
    if command not in (0x20, 0x21):
        raise ProxyError(f"a PROXY header of version {command >> 4}, command {command & 15}; 2 and 0 or 1 are known")
    total = _V2.size + size
    if total > MAX_HEADER:
        raise ProxyError(f"a PROXY header of {total} bytes, at most {MAX_HEADER} are read")
    if len(data) < total:
        return None
    body = bytes(data[_V2.size : total])
    width = {0x11: 4, 0x21: 16}.get(family, 0)
    if command == 0x20 or not width:
        return Proxied(total)
    fixed = 2 * width + 4
    if len(body) < fixed:
        raise ProxyError("a PROXY header that is too short for its addresses")
    kind = IPv4Address if width == 4 else IPv6Address
    hosts = [str(kind(body[at : at + width])) for at in (0, width)]
    ports = [int.from_bytes(body[at : at + 2], "big") for at in (2 * width, 2 * width + 2)]
    return Proxied(total, (hosts[0], ports[0]), (hosts[1], ports[1]), **_tls(body[fixed:]))


def _tls(tlvs: bytes) -> dict[str, str]:
    """What the TLV of TLS says (§2.2.6); nothing where the proxy's client spoke none."""
    names = {_TLV_VERSION: "tls_version", _TLV_COMMON_NAME: "common_name", _TLV_CIPHER: "tls_cipher"}
    for kind, value in _values(tlvs):
        if kind == _TLV_SSL and len(value) >= 5 and value[0] & _CLIENT_SSL:
            return {
                names[inner]: text.decode("utf-8", "replace")[:_MAX_TEXT]
                for inner, text in _values(value[5:])
                if inner in names
            }
    return {}


def _values(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 3 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        if at + 3 + size > len(data):
            raise ProxyError("a PROXY header with a TLV that is longer than the header")
        found.append((data[at], data[at + 3 : at + 3 + size]))
        at += 3 + size
    return found


def _port(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 5) or int(word) > 65_535:
        raise ValueError(word)
    return int(word)


def _pair(
    source: Address | None, destination: Address | None
) -> tuple[tuple[IPv4Address | IPv6Address, int], tuple[IPv4Address | IPv6Address, int]] | None:
    """Both addresses in one family, as the header needs them."""
    if source is None or destination is None:
        return None
    hosts = [ip_address(address[0].partition("%")[0]) for address in (source, destination)]
    if hosts[0].version != hosts[1].version:
        hosts = [host if host.version == 6 else IPv6Address(f"::ffff:{host}") for host in hosts]
    return (hosts[0], source[1]), (hosts[1], destination[1])
