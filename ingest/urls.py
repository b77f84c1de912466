"""Taking credentials out of addresses: user information, query values, and secrets in paths (RFC 3986 §3)."""

from __future__ import annotations

import re
from typing import Final

from ingest.sensitive import Kind, classify

__all__ = ["Span", "addresses", "mask_url"]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_END: Final = re.compile(r"[\s\"'<>]")
_PARAMETER: Final = re.compile(r"[^&;]+")
_PATH_PARAMETER: Final = re.compile(r"[^/;,]+")
_PATH_USER: Final = re.compile(r"(?<![^/])([^/@:]+):([^/@]+)@")
_NO_COLON: Final = re.compile(r"[^:]+")
_HOST: Final = re.compile(r"\[[0-9A-Fa-f:.]*\]|[^:]*")

Span = tuple[int, int]
"""Start and end; the end is exclusive."""


def mask_url(text: str) -> str:
    """An address or a request target (`/ocpp/CP1?token=…`) with its credentials as asterisks, each as long as before.

    >>> mask_url("ftp://user:pw@host/fw.bin?sig=abc&v=2")
    'ftp://****:**@host/fw.bin?sig=***&v=*'
    """
    out = list(text)
    for _, credentials in addresses(text, whole=True):
        for start, end in credentials:
            out[start:end] = "*" * (end - start)
    return "".join(out)


def addresses(text: str, *, whole: bool) -> list[tuple[Span, list[Span]]]:
    """The addresses in a text: where each stands, and where in it credentials stand (which may overlap).

    With `whole` the text is one address, with or without a scheme. So is a text that begins with a scheme; in others
    an address is found by its `://` and ends at a space, a quote or an angle bracket.
    """
    scheme = _SCHEME.match(text)
    if scheme is not None or whole:
        start = 0 if scheme is None else scheme.end()
        authority = scheme is not None or text[:1] != "/"
        return [((0, len(text)), _spans(text, start, len(text), authority=authority))]
    found: list[tuple[Span, list[Span]]] = []
    at = 0
    while (start := text.find("://", at)) >= 0:
        stop = _END.search(text, start)
        at = len(text) if stop is None else stop.start()
        found.append(((start, at), _spans(text, start + 3, at, authority=True)))
    return found


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

    A password with an unescaped `/`, `?` or `#` makes no valid address, and yet it is written. `user:80/x@host` cannot
    be told from a host with a port and an `@` in the path, so after a colon everything up to the last `@` counts as
    user information: a host is lost rather than a password kept.
    """
    cut = _first(text, "/?#", start, end)
    at = text.rfind("@", start, cut)
    if at < 0 and not _HOST.fullmatch(text, start, cut):
        at = text.rfind("@", start, end)
    return at if at >= 0 else None


def _first(text: str, marks: str, start: int, end: int) -> int:
    return min((at for at in (text.find(mark, start, end) for mark in marks) if at >= 0), default=end)
