"""Recognising OCPP over SOAP (OCPP-S 1.2, 1.5, 1.6): XML posted over HTTP, named and mirrored no further. Pure.

Each request is an HTTP POST whose path is the service, not the charging station (OCPP-S 1.6 §3): its identity stands
in the envelope's header, as `chargeBoxIdentity`.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

__all__ = ["MAX_ENVELOPE", "SUBPROTOCOL", "identity", "is_soap"]

SUBPROTOCOL: Final = "SOAP"
"""Stands in the place of the WebSocket subprotocol, in the `opened` frame of such a connection."""

MAX_ENVELOPE: Final = 64 * 1024
"""Bytes of a request that are searched: the header comes first, and the longest honest one is below 2 kB."""

_MAX_IDENTITY: Final = 255
_XML: Final = ("text/xml", "application/soap+xml")
"""SOAP 1.1 and 1.2; OCPP-S asks for 1.2, and both are seen."""

_IDENTITY: Final = re.compile(rb"<(?:[A-Za-z_][\w.\-]*:)?chargeBoxIdentity(?:\s[^<>]*)?>([^<>]{1,1024})</")


def is_soap(method: str, fields: dict[str, list[str]]) -> bool:
    """Whether a request is one of SOAP: a POST with a SOAPAction, or with XML. Field names are in lower case."""
    if method != "POST":
        return False
    types = (value.split(";", 1)[0].strip().lower() for value in fields.get("content-type", ()))
    return "soapaction" in fields or any(kind in _XML for kind in types)


def identity(body: bytes) -> str:
    """The charging station that a request is of; empty where the envelope, or what came of it, does not say it."""
    found = _IDENTITY.search(body[:MAX_ENVELOPE])
    if found is None:
        return ""
    named = unescape(found[1].decode(errors="backslashreplace")).strip()
    return named if len(named) <= _MAX_IDENTITY else ""
