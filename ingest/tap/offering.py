"""Messages offered by a CSMS in its own process: a bounded queue, and a thread that makes a journal of it.

Whoever offers is a CSMS that must go on whatever becomes of the shadow. So `offer` only appends to a queue and looks at
two counters; redaction, the disk and every error are the thread's. What does not fit is dropped and counted, and the
next frame of that connection is preceded by a gap that says how much is missing and since when. Memory is bounded by
`MAX_BYTES` and `MAX_ITEMS`.

The journal is that of a tap: `shadow-csms replay DIRECTORY/journal/*.jsonl`, the embedded runtime, and the publisher to
Kafka read it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

import msgspec

from ingest.field_policy_file import read_fields
from ingest.field_redaction import redactor_of
from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.journal import Journal
from ingest.ocppj import MAX_TEXT
from ingest.redaction_key import read_ring

__all__ = ["MAX_BYTES", "MAX_ITEMS", "Offering", "OfferingCounters"]

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_ITEMS: Final = 50_000
_MAX_CONNECTIONS: Final = 100_000
_OVERHEAD: Final = 200
"""Bytes that an item takes beside its text."""
_MAX_ID: Final = 255
_BATCH: Final = 1_000
_WAIT_SECONDS: Final = 0.2
_DIRECTIONS: Final = {direction.value: direction for direction in Direction}


class OfferingCounters(msgspec.Struct):
    """What came of what was offered."""

    offered: int = 0
    taken: int = 0
    dropped: int = 0
    """There was no room."""
    refused: int = 0
    """It was no message: not text, too long, no charger, no direction."""
    written: int = 0
    """Frames in the journal."""
    unwritten: int = 0
    """Taken, and then neither redacted nor written; a gap says so."""


class _Item(msgspec.Struct):
    charger_id: str
    connection: str
    at: Micros
    kind: FrameKind
    direction: Direction | None = None
    text: str | bytes = ""
    handshake: Handshake | None = None
    close_code: int | None = None
    missing: int = 0
    """Bytes that were dropped before it on this connection, at least."""
    since: Micros = 0

    @property
    def size(self) -> int:
        return len(self.text) + _OVERHEAD


class _Line(msgspec.Struct):
    """How far a connection has come in the journal."""

    connection_id: str
    seq: int = 0
    missing: int = 0
    since: Micros = 0


class Offering:
    """One journal that a process offers to."""

    def __init__(
        self,
        directory: Path | str,
        *,
        field_policy: Path | str | None = None,
        max_bytes: int = MAX_BYTES,
        max_items: int = MAX_ITEMS,
    ) -> None:
        """Open the journal and start the thread. `field_policy`: a file of rules for vendors' data, read once.

        Raises:
            FieldPolicyError: the rules cannot be read or followed.
            JournalError: the directory cannot be used, or another process writes to its journal.
            KeyFileError: the redaction key in it cannot be used; where there is none one is made.

        """
        self.counters = OfferingCounters()
        root = Path(directory)
        rules = None if field_policy is None else read_fields(Path(field_policy)).current
        ring = read_ring(root / "redaction-key.json", create=True)
        self._redactor = redactor_of(ring.current, rules)
        self._journal = Journal(root / "journal")
        self._max_bytes, self._max_items = max_bytes, max_items
        self._queue: deque[_Item] = deque()
        self._bytes = 0
        self._lost: dict[tuple[str, str], tuple[int, Micros]] = {}
        self._guard = threading.Lock()
        """Held for a few additions, never while anything is waited for."""
        self._wake = threading.Event()
        self._stopping = False
        self._run = f"offer-{time.time_ns() // 1000}"
        self._numbers = 0
        self._now: Micros = 0
        self._lines: dict[tuple[str, str], _Line] = {}
        self._thread = threading.Thread(target=self._work, name="shadow-csms-offering", daemon=True)
        self._thread.start()

    def offer(self, charger_id: str, direction: str, text: str | bytes, *, connection: object = None) -> bool:
        """Offer a message, sent by the charging station (`cp>cs`) or the CSMS (`cs>cp`). Never blocks, never raises.

        `connection`: whatever tells the connections of one charging station apart; its text is what counts.
        """
        try:
            known = _DIRECTIONS.get(direction)
            held: object = text  # a CSMS may be written without types
            if known is None or not isinstance(held, str | bytes) or len(held) > MAX_TEXT:
                return self._refuse()
            return self._put(charger_id, connection, FrameKind.MESSAGE, direction=known, text=text)
        except Exception:  # noqa: BLE001 - a CSMS must go on whatever is wrong here
            return self._refuse()

    def opened(self, charger_id: str, *, subprotocol: str | None = None, connection: object = None) -> bool:
        """A charging station has connected. Never blocks, never raises."""
        try:
            shake = Handshake(subprotocol=subprotocol, status=101, key_version=self._redactor.key_version)
            return self._put(charger_id, connection, FrameKind.OPENED, handshake=shake)
        except Exception:  # noqa: BLE001 - as above
            return self._refuse()

    def closed(self, charger_id: str, code: int | None = None, *, connection: object = None) -> bool:
        """Its connection has ended. Never blocks, never raises."""
        try:
            return self._put(charger_id, connection, FrameKind.CLOSED, close_code=code)
        except Exception:  # noqa: BLE001 - as above
            return self._refuse()

    def stop(self, seconds: float = 5.0) -> bool:
        """Write what was taken and let go; False where that takes longer than so many seconds."""
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _put(
        self,
        charger_id: str,
        connection: object,
        kind: FrameKind,
        *,
        direction: Direction | None = None,
        text: str | bytes = "",
        handshake: Handshake | None = None,
        close_code: int | None = None,
    ) -> bool:
        if not 0 < len(charger_id) <= _MAX_ID or self._stopping:
            return self._refuse()
        charger_id.encode()
        name = "" if connection is None else str(connection)[:_MAX_ID]
        at = time.time_ns() // 1000
        item = _Item(charger_id, name, at, kind, direction, text, handshake, close_code)
        with self._guard:
            self.counters.offered += 1
            missing, since = self._lost.get((charger_id, name), (0, at))
            if len(self._queue) >= self._max_items or self._bytes + item.size > self._max_bytes:
                self.counters.dropped += 1
                if len(self._lost) < _MAX_CONNECTIONS:
                    self._lost[charger_id, name] = (missing + max(1, len(text)), since)
                return False
            if missing:
                del self._lost[charger_id, name]
                item.missing, item.since = missing, since
            self.counters.taken += 1
            self._bytes += item.size
            self._queue.append(item)
        self._wake.set()
        return True

    def _refuse(self) -> bool:
        with self._guard:
            self.counters.offered += 1
            self.counters.refused += 1
        return False

    def _work(self) -> None:
        while True:
            self._wake.wait(_WAIT_SECONDS)
            self._wake.clear()
            stopping = self._stopping
            while self._queue:
                for _ in range(min(_BATCH, len(self._queue))):
                    item = self._queue.popleft()
                    try:
                        self._take(item)
                    except Exception:  # noqa: BLE001 - one poisonous item must not cost the others the thread
                        self.counters.unwritten += 1
                    with self._guard:
                        self._bytes -= item.size
                self._journal.sync()
            if stopping:
                self._tell_lost()
                self._journal.close()
                return
            self._journal.sync()

    def _take(self, item: _Item) -> None:
        self._now = max(self._now, item.at)
        line = self._line(item)
        if item.missing:
            line.missing, line.since = line.missing + item.missing, item.since
        text = ""
        if item.kind is FrameKind.MESSAGE:
            try:
                text = item.text if isinstance(item.text, str) else item.text.decode()
                text = self._redactor.redact(text)
                text.encode()
            except Exception:  # noqa: BLE001 - law 8: what could not be redacted is not written, and that is said
                self._owe(line, len(item.text))
                return
        if line.missing:
            gap = Gap(line.missing, line.since, "buffer-full", until_reconnect=False)
            if not self._write(line, Frame(item.charger_id, "", 0, self._now, FrameKind.GAP, gap=gap)):
                self._owe(line, len(item.text))
                return
            line.missing = 0
        frame = Frame(
            item.charger_id, "", 0, self._now, item.kind, item.direction, text, item.handshake, None, item.close_code
        )
        if not self._write(line, frame):
            self._owe(line, len(item.text))
        if item.kind is FrameKind.CLOSED:
            self._lines.pop((item.charger_id, item.connection), None)

    def _line(self, item: _Item) -> _Line:
        key = (item.charger_id, item.connection)
        line = None if item.kind is FrameKind.OPENED else self._lines.pop(key, None)
        if line is None:
            self._numbers += 1
            line = _Line(f"{self._run}-{self._numbers:06d}")
        self._lines[key] = line
        if len(self._lines) > _MAX_CONNECTIONS:
            del self._lines[next(iter(self._lines))]
        return line

    def _owe(self, line: _Line, size: int) -> None:
        self.counters.unwritten += 1
        line.since = line.since if line.missing else self._now
        line.missing += max(1, size)

    def _write(self, line: _Line, frame: Frame) -> bool:
        if self._journal.append(msgspec.structs.replace(frame, connection_id=line.connection_id, seq=line.seq)):
            return False
        line.seq += 1
        self.counters.written += 1
        return True

    def _tell_lost(self) -> None:
        """What was dropped last of each connection has no next frame to stand before."""
        with self._guard:
            lost, self._lost = self._lost, {}
        for (charger_id, connection), (missing, since) in lost.items():
            item = _Item(charger_id, connection, since, FrameKind.GAP)
            gap = Gap(missing, since, "buffer-full", until_reconnect=False)
            self._write(self._line(item), Frame(charger_id, "", 0, max(self._now, since), FrameKind.GAP, gap=gap))
