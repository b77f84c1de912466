"""Inflating the messages of one direction (RFC 7692 §7.2.2), with a bound on what comes out."""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["InflateError", "Inflater"]

_TAIL: Final = b"\x00\x00\xff\xff"
"""What a sender cuts off each message (RFC 7692 §7.2.1)."""


class InflateError(Exception):
    """A message that is not what permessage-deflate allows; the message says why."""


class Inflater:
    """The decompression context of one direction."""

    __slots__ = ("_bits", "_context", "_ended", "_takeover")

    def __init__(self, *, takeover: bool, window_bits: int) -> None:
        # zlib's own compressor uses a window of 9 bits where 8 were agreed; reading with more is always right.
        self._bits = -max(window_bits, 9)
        self._takeover = takeover
        self._context: zlib._Decompress | None = None
        self._ended = False

    def inflate(self, data: bytes, limit: int) -> bytes:
        """Give the message behind `data`.

        Raises:
            InflateError: the stream is broken, or holds more than `limit` bytes. The context is lost then.
        """
        if self._ended:
            raise InflateError("the compression context ended with a final block (RFC 7692 §7.2.3.4)")
        context = self._context if self._context is not None else zlib.decompressobj(self._bits)
        try:
            message = context.decompress(data + _TAIL, limit + 1)
        except zlib.error as error:
            raise InflateError(f"not a deflate stream: {str(error)[:80]}") from None
        if len(message) > limit or context.unconsumed_tail:
            raise InflateError(f"inflates to more than {limit} bytes")
        if self._takeover:
            self._context = context
            self._ended = context.eof
        return message
