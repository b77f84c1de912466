"""Taking credentials out of addresses: user information, query values, and secrets in paths (RFC 3986 §3)."""

from __future__ import annotations

import re
from typing import Final

from ingest.sensitive import Kind, classify
from ingest.spans import apply

__all__ = ["mask_url", "url_spans"]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_END: Final = re.compile(r"[\s\"'<>]")
_PARAMETER: Final = re.compile(r"[^&;]+")
_PATH_PARAMETER: Final = re.compile(r"[^/;,]+")
_PATH_USER: Final = re.compile(r"(?<![^/])([^/@:]+):([^/@]+)@")
_NO_COLON: Final = re.compile(r"[^:]+")
_HOST_AND_PORT: Final = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")

Span = tuple[int, int]


def mask_url(text: str) -> str:
    """An address or a request target (`/ocpp/CP1?token=…`) with its credentials as asterisks, each as long as before.

    >>> mask_url("ftp://user:pw@host/fw.bin?sig=abc&v=2")
    'ftp://****:**@host/fw.bin?sig=***&v=*'
    """
    return apply(text, ((start, end, "*" * (end - start)) for start, end in url_spans(text, address=True)))


def url_spans(text: str, *, address: bool) -> list[Span]:
    """Where credentials stand in the addresses of a text.

    With `address` the whole text is one, with or without a scheme. So is one that begins with a scheme; in
    other texts an address ends at a space, a quote or an angle bracket.
    """
    scheme = _SCHEME.match(text)
    if scheme is not None:
        return _spans(text, scheme.end(), len(text), authority=True)
    if address:
        return _spans(text, 0, len(text), authority=text[:1] != "/")
    spans: list[Span] = []
    at = 0
    while (start := text.find("://", at)) >= 0:
        stop = _END.search(text, start)
        at = len(text) if stop is None else stop.start()
        spans += _spans(text, start + 3, at, authority=True)
    return spans


def _spans(text: str, start: int, end: int, *, authority: bool) -> list[Span]:
    spans: list[Span] = []
    user_end = _user_end(text, start, end) if authority else None
    if user_end is not None:
        spans += [found.span() for found in _NO_COLON.finditer(text, start, user_end)]
        start = user_end
    cut = _first(text, "?#", start, end)
    for found in _PATH_USER.finditer(text, start, cut):
        spans += [found.span(1), found.span(2)]
    for found in _PATH_PARAMETER.finditer(text, start, cut):
        name, equals, _ = found[0].partition("=")
        if equals and classify(name) is not Kind.PLAIN:
            spans.append((found.start() + len(name) + 1, found.end()))
    for found in _PARAMETER.finditer(text, cut + 1, end):
        # A parameter without `=` is a value as a whole.
        spans.append((found.start() + found[0].find("=") + 1, found.end()))
    return [(first, last) for first, last in spans if last > first]


def _user_end(text: str, start: int, end: int) -> int | None:
    """Where the user information ends, at its `@`.

    A password with an unescaped `/`, `?` or `#` makes no valid address, and yet it is written: where what looks
    like the host is no host and port, everything up to the last `@` counts as user information.
    """
    cut = _first(text, "/?#", start, end)
    at = text.rfind("@", start, cut)
    if at < 0 and not _HOST_AND_PORT.fullmatch(text, start, cut):
        at = text.rfind("@", start, end)
    return at if at >= 0 else None


def _first(text: str, marks: str, start: int, end: int) -> int:
    return min((at for at in (text.find(mark, start, end) for mark in marks) if at >= 0), default=end)
