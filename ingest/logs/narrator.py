"""Connections and sequence numbers for what others logged without them. Pure; its state is plain data.

A connection is named by its charging station (and the name that the system gave it) and the moment of its first frame:
the same log read again gives the same names. Where an end is not logged, a connection goes on until another one of the
same charging station opens.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ingest.frame import UNKNOWN_TIME, Frame, FrameKind, Micros
from ingest.timestamps import format_micros

__all__ = ["Narrator"]

_MOST: Final = 100_000
"""Connections that are remembered; the one that was silent longest is forgotten, and named anew if it speaks again."""


class _Connection(msgspec.Struct):
    id: str
    seq: int = 0


class Narrator:
    """Gives frames their place."""

    def __init__(self, source: str, state: bytes = b"") -> None:
        """`state`: what another narrator of the same source gave. Raises `msgspec.MsgspecError` where it is none."""
        self._source = source
        self._living = msgspec.json.decode(state, type=dict[str, _Connection]) if state else {}

    def state(self) -> bytes:
        """What a narrator needs to go on counting where this one is."""
        return msgspec.json.encode(self._living)

    def key(self, charger_id: str, connection: str) -> str:
        """Under which a connection is known while it lives."""
        return f"{charger_id}\x1f{connection}"

    def frame(self, charger_id: str, connection: str, at: Micros, kind: FrameKind, **rest: Any) -> Frame:
        """A frame, with the next number of its connection."""
        key = self.key(charger_id, connection)
        if kind is FrameKind.OPENED:
            self._living.pop(key, None)
        known = self._living.pop(key, None)
        if known is None:
            moment = "" if at == UNKNOWN_TIME else f"@{format_micros(at)}"
            known = _Connection(f"{self._source}:{connection or charger_id}{moment}")
        self._living[key] = known
        frame = Frame(charger_id, known.id, known.seq, at, kind, **rest)
        known.seq += 1
        if kind is FrameKind.CLOSED:
            del self._living[key]
        elif len(self._living) > _MOST:
            del self._living[next(iter(self._living))]
        return frame
