"""The recording format: JSON Lines, one frame a line. Reading is total, writing is exact.

Two kinds of line exist. What others' loggers give, `{"t", "dir", "cp", "frame" | "raw"}` and connection events
`{"t", "cp", "event": "open" | "close"}`; and what the tap writes, which adds `conn`, `seq`, `kind` and every other
thing a frame holds, so that replaying the tap's own recording equals the live run.

A line of the first kind gets its connection and sequence number here: one connection per charger until an event says
otherwise, named by its first moment. The counting goes on from file to file, so a recording may be split anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from ingest.frame import UNKNOWN_TIME, Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.timestamps import Flaw, format_micros, parse_stamp

__all__ = ["MAX_LINE", "Reader", "Rejected", "encode_line"]

MAX_LINE: Final = 8 * 1024 * 1024
"""Longest line that is read, in bytes. A longer one is rejected as a whole, unread."""


class Rejected(msgspec.Struct, frozen=True):
    """A line that holds no frame."""

    line: int
    """Counted over all that this reader has read, from 1."""
    reason: str
    size: int
    """Bytes; of a line that is too long at least so many."""
    charger_id: str = ""
    """Where it could be read all the same."""
    masked: str = ""
    """The reason without what stood in the line, which may be a secret: this is the one that may be stored."""


class _Line(msgspec.Struct, omit_defaults=True):
    """A line as it stands in the file, every field optional: what is missing is named, not guessed."""

    t: str | None = None
    dir: str | None = None
    cp: str | None = None
    frame: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    raw: str | None = None
    event: str | None = None
    subprotocol: str | None = None
    code: int | None = None
    conn: str | None = None
    seq: int | None = None
    kind: str | None = None
    text: str | None = None
    handshake: Handshake | None = None
    gap: Gap | None = None
    connectors: tuple[int, ...] | None = None
    zoneless: bool = False


class _Written(msgspec.Struct, omit_defaults=True):
    """A line as the tap writes it; what a frame does not hold is left out."""

    t: str
    cp: str
    conn: str
    seq: int
    kind: FrameKind
    dir: Direction | None = None
    text: str = ""
    handshake: Handshake | None = None
    gap: Gap | None = None
    code: int | None = None
    connectors: tuple[int, ...] | None = None
    zoneless: bool = False


_decode: Final = msgspec.json.Decoder(_Line, float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder().encode
_SHOWN: Final = 40
_EVENTS: Final = {"open": FrameKind.OPENED, "close": FrameKind.CLOSED}


class Reader:
    """Turns lines into frames. Feed it the lines of one or more files in order."""

    def __init__(self) -> None:
        self.lines = 0
        self.own = False
        """Whether the latest frame came from a line of the tap, whose text is redacted already."""
        self._now: Micros = UNKNOWN_TIME
        self._zoneless = False
        self._connection: dict[str, str] = {}
        self._connections: dict[str, int] = {}
        self._seq: dict[str, int] = {}

    def read(self, lines: Iterable[bytes]) -> Iterator[Frame | Rejected]:
        """Read lines (with or without their line ends); blank ones are passed over."""
        for raw in lines:
            self.lines += 1
            line = raw.strip()
            if line:
                yield self._read(line)

    def _read(self, line: bytes) -> Frame | Rejected:
        if len(line) > MAX_LINE:
            reason = f"a line of more than {MAX_LINE} bytes, the most that is read"
            return Rejected(self.lines, reason, len(line), masked=reason)
        try:
            entry = _decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError) as error:
            reason = f"no line of a recording: {error}"
            return Rejected(self.lines, reason, len(line), masked=reason)
        try:
            return self._frame(entry)
        except _BadLineError as error:
            return Rejected(self.lines, str(error), len(line), entry.cp or "", error.masked)

    def _frame(self, entry: _Line) -> Frame:
        received_at = self._time(entry.t)
        self.own = entry.kind is not None
        if self.own:
            return self._own(entry, received_at)
        charger_id = entry.cp
        if not charger_id:
            raise _BadLineError('no charger: "cp" is missing')
        if entry.event is not None:
            return self._event(entry, charger_id, received_at)
        if entry.dir not in ("cp>cs", "cs>cp"):
            raise _BadLineError('"dir" is {}, neither "cp>cs" nor "cs>cp"', entry.dir)
        if isinstance(entry.frame, msgspec.Raw):
            text = bytes(entry.frame).decode()
        elif entry.raw is not None:
            text = entry.raw
        else:
            raise _BadLineError('neither "frame" nor "raw" nor "event" stands in it')
        return self._foreign(charger_id, received_at, FrameKind.MESSAGE, direction=Direction(entry.dir), text=text)

    def _event(self, entry: _Line, charger_id: str, received_at: Micros) -> Frame:
        kind = _EVENTS.get(entry.event or "")
        if kind is None:
            raise _BadLineError('"event" is {}, neither "open" nor "close"', entry.event)
        if kind is FrameKind.OPENED and charger_id in self._connection:
            del self._connection[charger_id]
        if kind is FrameKind.CLOSED:
            return self._foreign(charger_id, received_at, kind, close_code=entry.code)
        shake = Handshake(subprotocol=entry.subprotocol, status=101)
        return self._foreign(charger_id, received_at, kind, handshake=shake)

    def _foreign(self, charger_id: str, received_at: Micros, kind: FrameKind, **rest: Any) -> Frame:
        """A frame of a log that numbers nothing: connection and sequence number are counted here."""
        connection_id = self._connection.get(charger_id)
        if connection_id is None:
            connection_id = self._connection[charger_id] = self._connect(charger_id, received_at)
        seq = self._seq.get(connection_id, 0)
        self._seq[connection_id] = seq + 1
        return Frame(charger_id, connection_id, seq, received_at, kind, zoneless=self._zoneless, **rest)

    def _connect(self, charger_id: str, received_at: Micros) -> str:
        """A name for a connection of a log that names none: its charger and first moment.

        Recordings of one charger that are kept side by side share no frame id; one that is read again has the same.
        """
        number = self._connections.get(charger_id, 0)
        self._connections[charger_id] = number + 1
        if received_at == UNKNOWN_TIME:
            return f"{charger_id}@{number}"
        name = f"{charger_id}@{format_micros(received_at)}"
        return f"{name}+{number}" if name in self._seq else name

    def _own(self, entry: _Line, received_at: Micros) -> Frame:
        try:
            kind = FrameKind(entry.kind or "")
        except ValueError:
            raise _BadLineError('"kind" is {}, no kind of frame', entry.kind) from None
        if entry.seq is None or entry.seq < 0 or not entry.conn:
            raise _BadLineError('a line with "kind" needs "conn" and "seq"')
        if not entry.cp and kind is not FrameKind.TICK:
            raise _BadLineError('no charger: "cp" is missing')
        try:
            direction = None if entry.dir is None else Direction(entry.dir)
        except ValueError:
            raise _BadLineError('"dir" is {}, neither "cp>cs" nor "cs>cp"', entry.dir) from None
        if kind is FrameKind.MESSAGE and direction is None:
            raise _BadLineError('a message needs "dir"')
        return Frame(
            entry.cp or "",
            entry.conn,
            entry.seq,
            received_at,
            kind,
            direction,
            entry.text or "",
            entry.handshake,
            entry.gap,
            entry.code,
            entry.connectors,
            zoneless=entry.zoneless,
        )

    def _time(self, text: str | None) -> Micros:
        """The time of a line: its own, or that of the line before where it has none (never invented)."""
        if text is not None:
            stamp = parse_stamp(text)
            if stamp.at is None:
                raise _BadLineError('"t" is {}: ' + stamp.detail, text)
            self._now = stamp.at
            self._zoneless = stamp.flaw is Flaw.NO_ZONE
        return self._now


def encode_line(frame: Frame) -> bytes:
    """Write a frame as one line (with its line end), with everything it holds.

    `text` stands as a string, not as `frame`: it must come back character for character.
    """
    entry = _Written(
        format_micros(frame.received_at),
        frame.charger_id,
        frame.connection_id,
        frame.seq,
        frame.kind,
        frame.direction,
        frame.text or "",
        frame.handshake,
        frame.gap,
        frame.close_code,
        frame.judged_connectors,
        frame.zoneless,
    )
    return _encode(entry) + b"\n"


class _BadLineError(Exception):
    """A line that is JSON but holds no frame; the message says why, `masked` says it without what stood there."""

    def __init__(self, reason: str, found: str | None = None) -> None:
        """`{}` in the reason stands for what was found: the message shows the beginning of it."""
        shown = "missing" if found is None else f"{found[:_SHOWN]!r}"
        super().__init__(reason.replace("{}", shown))
        self.masked = reason.replace("{}", "missing" if found is None else f"a text of {len(found)} characters")
