"""Passive reading of the WebSocket upgrade (RFC 6455 §4, RFC 7692 §7): facts out, secrets never.

Pure and total: bytes in any chunking give a head, a head gives facts or the reason why it has none.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import msgspec

from ingest.frame import Handshake
from ingest.tap.soap import SUBPROTOCOL, is_soap
from ingest.urls import mask_url

__all__ = ["MAX_HEAD", "Deflate", "HeadReader", "Request", "Response", "facts", "read_request", "read_response"]

MAX_HEAD: Final = 16 * 1024
"""Longest HTTP head that is read, in bytes. HTTP sets no limit; servers commonly stop at 8 kB."""

_MAX_CHARGER_ID: Final = 255
"""OCPP 2.0.1 Part 4 §3.1.1 allows 48 characters, 1.6J §3.1 names no limit: longer than this is no identity."""

_REQUEST_LINE: Final = re.compile(r"([A-Z]+) (\S+) HTTP/1\.[01]$", re.ASCII)
_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] ([1-5]\d\d)(?: .*)?$")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_CREDENTIALS: Final = re.compile(r"^[^@]*:[^@]*@")
_PARAMETER: Final = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s;,"]+)))?$')


class HeadReader:
    """Gathers the bytes of one direction until the empty line that ends an HTTP head."""

    __slots__ = ("_bytes", "too_long")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.too_long = False
        """More than MAX_HEAD bytes came without an end; nothing is kept any longer."""

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Give the head (without its empty line) and the bytes behind it, or None while it is not complete."""
        if self.too_long:
            return None
        searched = max(0, len(self._bytes) - 3)
        self._bytes += data
        end = self._bytes.find(b"\r\n\r\n", searched)
        if 0 <= end <= MAX_HEAD:
            head, rest = bytes(self._bytes[:end]), bytes(self._bytes[end + 4 :])
            self._bytes.clear()
            return head, rest
        if len(self._bytes) > MAX_HEAD:
            self.too_long = True
            self._bytes.clear()
        return None


class Deflate(msgspec.Struct, frozen=True):
    """The permessage-deflate parameters agreed on (RFC 7692 §7.1), by the direction they bind."""

    charger_takeover: bool = True
    """Messages of the charging station build on the ones before (no `client_no_context_takeover`)."""
    csms_takeover: bool = True
    charger_window_bits: int = 15
    csms_window_bits: int = 15


class Request(msgspec.Struct, frozen=True):
    """What the charging station asked for."""

    path: str
    """The raw target, credentials and query values as asterisks."""
    charger_id: str
    """The percent-decoded last path segment (OCPP-J 1.6 §3.1.1), empty where there is none."""
    host: str
    offered: tuple[str, ...]
    basic_auth: bool
    upgrade: bool
    """It asked for a WebSocket."""
    soap: bool = False
    """It is a message of OCPP over SOAP, which asks for no WebSocket."""


class Response(msgspec.Struct, frozen=True):
    """What the CSMS answered."""

    status: int
    subprotocol: str | None = None
    deflate: Deflate | None = None
    flaw: str = ""
    """Why the frames that follow cannot be read, empty where they can."""


def read_request(head: bytes) -> Request | str:
    """Read a request head, or say why it is none."""
    lines = head.decode("latin-1").split("\r\n")
    found = _REQUEST_LINE.match(lines[0])
    if found is None:
        return "the first line is no HTTP/1.1 request (RFC 6455 §4.1)"
    fields = _fields(lines[1:])
    target = found.group(2)
    return Request(
        path=mask_url(target),
        charger_id=_charger_id(target),
        host=", ".join(fields.get("host", ()))[:255],
        offered=tuple(_tokens(fields.get("sec-websocket-protocol", ()))[:32]),
        basic_auth=any(value.lower().startswith("basic ") for value in fields.get("authorization", ())),
        upgrade="websocket" in [token.lower() for token in _tokens(fields.get("upgrade", ()))],
        soap=is_soap(found.group(1), fields),
    )


def read_response(head: bytes) -> Response | str:
    """Read a response head, or say why it is none."""
    lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.match(lines[0])
    if found is None:
        return "the first line is no HTTP/1.1 answer (RFC 6455 §4.2.2)"
    fields = _fields(lines[1:])
    status = int(found.group(1))
    chosen = _tokens(fields.get("sec-websocket-protocol", ()))
    deflate, flaw = _extensions(fields.get("sec-websocket-extensions", ())) if status == 101 else (None, "")
    return Response(status, chosen[0] if chosen else None, deflate, flaw)


def facts(request: Request, response: Response | None, peer: str) -> Handshake:
    """Put both halves together; `response` is None where the CSMS never answered."""
    agreed = None if response is None else response.subprotocol
    return Handshake(
        path=request.path,
        subprotocol=SUBPROTOCOL if request.soap else agreed,
        offered=request.offered,
        status=None if response is None else response.status,
        basic_auth=request.basic_auth,
        compression=response is not None and response.deflate is not None,
        peer=peer or None,
    )


def _fields(lines: list[str]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), []).append(value.strip())
    return fields


def _tokens(values: list[str] | tuple[()]) -> list[str]:
    return [token.strip()[:128] for value in values for token in value.split(",") if token.strip()]


def _charger_id(target: str) -> str:
    path = _ABSOLUTE.sub("", target, count=1).split("?", 1)[0].split("#", 1)[0]
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return ""
    # An identity that is not UTF-8 stays distinct and printable: two chargers must not fall together.
    identity = unquote(_CREDENTIALS.sub("", segments[-1]), errors="backslashreplace")
    return identity if len(identity) <= _MAX_CHARGER_ID else ""


def _extensions(values: list[str] | tuple[()]) -> tuple[Deflate | None, str]:
    extensions = [part.strip() for value in values for part in value.split(",") if part.strip()]
    if not extensions:
        return None, ""
    if len(extensions) > 1:
        return None, f"{len(extensions)} extensions were agreed, only permessage-deflate alone is read"
    name, *parameters = [part.strip() for part in extensions[0].split(";")]
    if name.lower() != "permessage-deflate":
        return None, f"the extension {name[:40]!r} is not known"
    return _deflate(parameters)


def _deflate(parameters: list[str]) -> tuple[Deflate | None, str]:
    takeover = {"client": True, "server": True}
    bits = {"client": 15, "server": 15}
    for parameter in parameters:
        found = _PARAMETER.match(parameter)
        key = found.group(1).lower() if found else ""
        value = (found.group(2) or found.group(3)) if found else None
        side, _, rest = key.partition("_")
        if side in takeover and rest == "no_context_takeover" and value is None:
            takeover[side] = False
        elif side in bits and rest == "max_window_bits" and value in {str(n) for n in range(8, 16)}:
            bits[side] = int(value or 15)
        else:
            return None, f"the permessage-deflate parameter {parameter[:40]!r} is not allowed (RFC 7692 §7.1)"
    return Deflate(takeover["client"], takeover["server"], bits["client"], bits["server"]), ""
