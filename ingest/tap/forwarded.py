"""Header lines that speak of the charging station behind a proxy: written on request, read where they are believed.

Writing X-Forwarded-For is, with the PROXY line, the only change that the tap ever makes to what a charging station
sent, and only where the operator asks for it. Pure.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ingest.tap.wire import Wire

__all__ = ["Forwarded", "add_forwarded_for", "read_forwarded", "told"]

_MAX_VALUE: Final = 500
_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"


class Forwarded(msgspec.Struct, frozen=True):
    """What a trusted terminator says in its headers."""

    peer: str = ""
    """The last address in X-Forwarded-For: the one that the terminator itself has added."""
    tls: bool = False
    """The charging station spoke TLS to it (X-Forwarded-Proto: https or wss)."""
    certificate_subject: str = ""


def add_forwarded_for(head: bytes, host: str) -> bytes:
    """Add a line to an HTTP head that ends with its empty line. Lines that stand there stay: readers join them."""
    return head[:-2] + f"X-Forwarded-For: {host}\r\n\r\n".encode()


def read_forwarded(head: bytes, certificate_header: str) -> Forwarded:
    """Read the headers of a request that came through a trusted terminator."""
    wanted = certificate_header.lower().encode()
    peer, tls, subject = "", False, ""
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        name, text = name.strip().lower(), value.strip()[:_MAX_VALUE].decode("utf-8", "replace")
        if not colon:
            continue
        if name == _FOR:
            peer = text.rpartition(",")[2].strip()[:64]
        elif name == _PROTO:
            tls = text.rpartition(",")[2].strip().lower() in ("https", "wss")
        elif wanted and name == wanted:
            subject = "".join(one if one.isprintable() else "?" for one in text)
    return Forwarded(peer, tls, subject)


def told(wire: Wire, forwarded: Forwarded | None) -> Wire:
    """What is known of the socket, with what the terminator says of the one before it."""
    if forwarded is None:
        return wire
    return msgspec.structs.replace(
        wire,
        # Which version it was only the terminator knows; that there was one counts.
        tls_version=wire.tls_version or ("TLS" if forwarded.tls else None),
        certificate_subject=wire.certificate_subject or forwarded.certificate_subject or None,
    )
