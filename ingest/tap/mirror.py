"""From the relay's records to frames: what the parser process knows of each connection. Pure.

Every connection is followed, because one may be enrolled in mid-life; only enrolled ones are decoded, and nothing of
the others leaves this module. A connection whose messages build on each other (permessage-deflate with context
takeover) can only be joined at its handshake and shows as `pending` until then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ingest.enrolment import Decision, Enrolment
from ingest.frame import Direction, Frame, FrameKind, Micros
from ingest.tap.channel import CUT, TOTALS, Op, Record
from ingest.tap.connection import Connection, Recovered, State
from ingest.tap.forwarded import read_forwarded
from ingest.tap.handshake import read_request, read_response
from ingest.tap.soap import MAX_ENVELOPE, identity
from ingest.tap.websocket import Closing, Event, Ping, Pong, Text, Undecodable, Unparsable
from ingest.tap.wire import Wire
from ingest.tap.writer import FrameWriter

__all__ = ["Mirror"]

_MAX_CLOSED: Final = 20_000
"""Closed connections remembered for the status."""

_MAX_EARLY: Final = 256 * 1024
"""Bytes of one direction kept while the other half of the handshake is not there yet."""

_wire: Final = msgspec.json.Decoder(Wire).decode
_KINDS: Final = {Ping: FrameKind.PING, Pong: FrameKind.PONG}
_DATA: Final = {Op.FROM_CHARGER: Direction.CP_TO_CS, Op.FROM_CSMS: Direction.CS_TO_CP}
_CHARGER: Final = Direction.CP_TO_CS
_MESSAGE: Final = FrameKind.MESSAGE
_MIRRORED: Final = State.MIRRORED
# Members of enumerations are looked up anew each time they are named, and these are named for every message.


class Mirror:
    """All connections of one tap."""

    def __init__(
        self,
        run: str,
        *,
        write: Callable[[Frame], str],
        redact: Callable[[str], str],
        enrolment: Enrolment,
        recovered: Iterable[Recovered] = (),
        certificate_header: str = "",
        key_version: str = "",
    ) -> None:
        """Prepare.

        `certificate_header`: in it a trusted terminator names the charging station's certificate. `key_version`: of
        the key that `redact` works with.
        """
        self._out = FrameWriter(write)
        self.counters = self._out.counters
        self.living: dict[int, Connection] = {}
        self.ended: deque[Connection] = deque(maxlen=_MAX_CLOSED)
        self.stopped = False
        """The tap ended in good order."""
        self._run = run
        self._redact, self._key_version = redact, key_version
        self._enrolment = enrolment
        self._certificate_header = certificate_header
        self._recovered = {entry.connection_id: entry for entry in recovered}
        self._ticks = Connection(0, f"tick-{run}", "", 0)
        self._take_over(self._ticks)
        self._started = False

    @property
    def now(self) -> Micros:
        """`received_at` of the last record."""
        return self._out.now

    @property
    def ticks(self) -> int:
        """Tick frames written in this run of the tap."""
        return self._ticks.seq

    def handle(self, record: Record) -> None:
        """Take one record. What goes wrong inside costs that one connection, never the others."""
        out = self._out
        out.now = max(out.now, record.at)
        if not self._started:
            self._started = True
            self._close_recovered(others_only=True)
        direction = _DATA.get(record.op)
        if direction is not None:
            connection = self.living.get(record.number)
            if connection is not None:
                self._copied(connection, direction, record.payload)
            return
        match record.op:
            case Op.TICK:
                self._out.emit(self._ticks, FrameKind.TICK)
            case Op.STOP:
                self.stopped = True
            case Op.SYNCED:
                self._close_recovered(others_only=False)
            case Op.OPENED:
                self._open(record)
            case _:
                connection = self.living.get(record.number)
                if connection is not None:
                    self._guarded(connection, record)

    def set_redaction(self, redact: Callable[[str], str], key_version: str) -> None:
        """Redact under another key whatever connects from now on: a connection keeps the key of its opening."""
        self._redact, self._key_version = redact, key_version

    def set_enrolment(self, enrolment: Enrolment) -> None:
        """Follow new rules at once."""
        before, self._enrolment = self._enrolment, enrolment
        seen: set[str] = set()
        for connection in self.living.values():
            if connection.is_open:
                if connection.state is State.MIRRORED:
                    seen.add(connection.charger_id)
                self._enrol(connection, fresh=False)
        self._part_from_absent(before, seen)

    def settle(self) -> None:
        """Write the gaps of frames that the journal had refused, as far as it takes them now."""
        self._out.settle()

    def end(self) -> None:
        """The relay is gone, and every socket with it."""
        for connection in list(self.living.values()):
            # Of a charging station that is not enrolled not even this is written.
            told = connection.announced and self._enrolment.decide(connection.charger_id).enrolled
            if told and not self.stopped:
                self._out.gap(connection, "tap-ended", 0, self._out.now, until_reconnect=True)
            self._closed(connection)

    def _open(self, record: Record) -> None:
        if record.number in self.living:
            return
        connection_id = f"{self._run}-{record.number:06d}"
        peer = record.payload.decode(errors="replace")
        connection = Connection(record.number, connection_id, peer, record.at, self._redact, self._key_version)
        self._take_over(connection)
        self.living[record.number] = connection

    def _copied(self, connection: Connection, direction: Direction, data: bytes) -> None:
        connection.received += len(data)
        try:
            if connection.state is _MIRRORED and connection.readers:
                self._feed(connection, direction, data)
            else:
                self._bytes(connection, direction, data)
        except Exception as error:  # noqa: BLE001 - one poisonous connection must not cost the others their mirror
            self._fault(connection, error)

    def _guarded(self, connection: Connection, record: Record) -> None:
        try:
            self._record(connection, record)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault(connection, error)

    def _fault(self, connection: Connection, error: Exception) -> None:
        self.counters.faults += 1
        self._unparsable(connection, f"fault of the parser: {type(error).__name__}")

    def _record(self, connection: Connection, record: Record) -> None:
        match record.op:
            case Op.WIRE:
                connection.wire = _wire(record.payload)
            case Op.HEAD_FROM_CHARGER:
                self._head(connection, Direction.CP_TO_CS, record.payload)
            case Op.HEAD_FROM_CSMS:
                self._head(connection, Direction.CS_TO_CP, record.payload)
            case Op.CUT:
                missing, since = CUT.unpack_from(record.payload)
                self._cut(connection, record.payload[CUT.size :].decode(), missing, since)
            case Op.TOTALS:
                connection.totals = TOTALS.unpack(record.payload)
            case Op.CLOSED:
                connection.totals = TOTALS.unpack(record.payload)
                self._closed(connection)

    def _bytes(self, connection: Connection, direction: Direction, data: bytes) -> None:
        match connection.state:
            case State.HANDSHAKE:
                self._head(connection, direction, data)
            case State.REFUSED if direction is Direction.CP_TO_CS:
                # A charger may ask again on the same socket, with credentials after a 401. It does so once it
                # has read the body of the refusal, so whatever the CSMS sends from here on is the next answer.
                connection.ask_again()
                self._head(connection, direction, data)
            case State.REFUSED | State.SOAP:
                connection.parsed += len(data)
            case State.MIRRORED | State.PENDING | State.NOT_ENROLLED if connection.readers:
                self._feed(connection, direction, data)

    def _head(self, connection: Connection, direction: Direction, data: bytes) -> None:
        """Follow the handshake; what came behind a head waits until both are there."""
        if connection.state is not State.HANDSHAKE:
            return
        reader = connection.heads.get(direction)
        if reader is None:
            connection.early[direction] += data
        else:
            found = reader.feed(data)
            if reader.too_long:
                self._unparsable(connection, "an HTTP head of more than 16384 bytes")
                return
            if found is None:
                return
            connection.early[direction] += found[1]
            if not self._half(connection, direction, found[0]):
                return
        if connection.request is not None and connection.request.soap:
            self._envelope(connection, direction)
        elif len(connection.early[direction]) > _MAX_EARLY:
            self._unparsable(connection, "the other side never finished its handshake")
        elif connection.request is not None and connection.response is not None:
            self._shaken(connection)

    def _envelope(self, connection: Connection, direction: Direction) -> None:
        """The envelope says whose it is; once the CSMS answers it is named (OCPP-S), and nothing more is read of it."""
        early = connection.early[direction]
        connection.early[direction] = early[:MAX_ENVELOPE]
        connection.parsed += max(0, len(early) - MAX_ENVELOPE)
        if direction is Direction.CP_TO_CS:
            connection.charger_id = identity(early) or connection.charger_id
        if connection.response is not None:
            if self._enrolment.decide(connection.charger_id).enrolled and not connection.announced:
                self._out.announce(connection)
            connection.parsed += sum(len(data) for data in connection.early.values())
            connection.early = dict.fromkeys(Direction, b"")
            connection.state = State.SOAP

    def _half(self, connection: Connection, direction: Direction, head: bytes) -> bool:
        """Take one half of the handshake. False where the connection is dead now, or this half was only interim."""
        if direction is Direction.CP_TO_CS:
            request = read_request(head)
            if isinstance(request, str):
                self._unparsable(connection, request)
                return False
            connection.request = request
            if connection.wire.trusted:
                connection.forwarded = read_forwarded(head, self._certificate_header)
            connection.charger_id = request.charger_id
            if not request.charger_id:
                self.counters.connections_without_charger += 1
        else:
            response = read_response(head)
            if isinstance(response, str):
                self._unparsable(connection, response)
                return False
            if 100 <= response.status < 200 and response.status != 101:
                rest, connection.early[direction] = connection.early[direction], b""
                self._head(connection, direction, rest)
                return False
            connection.response = response
        connection.parsed += len(head) + 4
        del connection.heads[direction]
        return True

    def _shaken(self, connection: Connection) -> None:
        response = connection.response
        if response is None or connection.request is None:
            return
        if response.status != 101:
            connection.state = State.REFUSED
            if self._enrolment.decide(connection.charger_id).enrolled and not connection.announced:
                self._out.announce(connection)
            hasty = connection.early[Direction.CP_TO_CS]
            if hasty:
                connection.ask_again()
                self._head(connection, Direction.CP_TO_CS, hasty)
            return
        connection.open()
        self._enrol(connection, fresh=True)
        if response.flaw:
            self._unparsable(connection, response.flaw)
            return
        for direction, data in connection.early.items():
            if data and connection.is_open:
                self._feed(connection, direction, data)
        connection.early = dict.fromkeys(Direction, b"")

    def _enrol(self, connection: Connection, *, fresh: bool) -> None:
        """Put the rules to a connection whose handshake is complete."""
        decision = self._enrolment.decide(connection.charger_id)
        if not decision.enrolled:
            if connection.state is State.MIRRORED:
                self._out.gap(connection, "unenrolled", 0, self._out.now, until_reconnect=True)
            connection.listen(State.NOT_ENROLLED)
        elif connection.state is State.MIRRORED:
            connection.connectors = decision.judged_connectors
        elif not fresh and connection.remembers:
            connection.listen(State.PENDING)
        else:
            self._join(connection, decision, fresh=fresh)

    def _part_from_absent(self, before: Enrolment, seen: set[str]) -> None:
        """Charging stations that are removed while they are not connected: their return will not be seen.

        Without a word about it their open sessions would count as silent, and in the end as never ended.
        """
        for connection in reversed(self.ended):
            charger_id = connection.charger_id
            if connection.seq and charger_id not in seen:
                seen.add(charger_id)
                if before.decide(charger_id).enrolled and not self._enrolment.decide(charger_id).enrolled:
                    self._out.gap(connection, "unenrolled", 0, self._out.now, until_reconnect=True)

    def _join(self, connection: Connection, decision: Decision, *, fresh: bool) -> None:
        connection.connectors = decision.judged_connectors
        connection.listen(State.MIRRORED)
        if not fresh or not connection.announced:
            self._out.announce(connection)
        if not fresh:
            since = connection.last_frame_at or connection.opened_at
            self._out.gap(connection, "joined-late", connection.unparsed, since, until_reconnect=False)

    def _feed(self, connection: Connection, direction: Direction, data: bytes) -> None:
        mirrored = connection.state is _MIRRORED
        for event in connection.readers[direction].feed(data):
            if mirrored and isinstance(event, Text):
                self._text(connection, direction, event)
                continue
            if isinstance(event, Unparsable):
                self._unparsable(connection, event.reason)
                return
            if isinstance(event, Closing) and connection.close_code is None:
                connection.close_code = event.code
            if mirrored:
                self._event(connection, direction, event)
        if mirrored:
            connection.parsed += len(data)

    def _event(self, connection: Connection, direction: Direction, event: Event) -> None:
        match event:
            case Ping() | Pong():
                self._out.emit(connection, _KINDS[type(event)], direction)
            case Undecodable(reason, size):
                self.counters.undecodable_messages += 1
                self._out.gap(connection, f"undecodable: {reason}", size, self._out.now, until_reconnect=False)

    def _text(self, connection: Connection, direction: Direction, event: Text) -> None:
        text, counters = event.text, self.counters
        counters.messages += 1
        if direction is _CHARGER:
            counters.messages_from_charger += 1
        if event.binary:
            counters.binary_messages += 1
        try:
            redacted = (connection.redact or self._redact)(text)
        except Exception:  # noqa: BLE001 - law 8: a text that could not be redacted is not written, and that is said
            counters.redaction_errors += 1
            self._out.gap(connection, "redaction-failed", len(text.encode()), self._out.now, until_reconnect=False)
            return
        self._out.emit(connection, _MESSAGE, direction, redacted)

    def _cut(self, connection: Connection, reason: str, missing: int, since: Micros) -> None:
        mirrored = connection.state is State.MIRRORED
        enrolled = self._enrolment.decide(connection.charger_id).enrolled
        if mirrored or enrolled:
            if not connection.announced:
                self._out.announce(connection)
            self._out.gap(connection, reason, missing, since, until_reconnect=True)
        connection.lose(reason)

    def _unparsable(self, connection: Connection, reason: str) -> None:
        self.counters.unparsable_connections += 1
        enrolled = self._enrolment.decide(connection.charger_id).enrolled
        if connection.state is State.MIRRORED or (connection.state is State.HANDSHAKE and enrolled):
            if not connection.announced:
                self._out.announce(connection)
            self._out.gap(connection, f"unparsable: {reason}", connection.unparsed, self._out.now, until_reconnect=True)
        connection.lose(reason)

    def _closed(self, connection: Connection) -> None:
        enrolled = self._enrolment.decide(connection.charger_id).enrolled
        if connection.state is State.HANDSHAKE and enrolled and not connection.announced:
            self._out.announce(connection)
        if connection.state is State.MIRRORED and connection.half_frame:
            self._out.gap(connection, "half-frame", connection.half_frame, self._out.now, until_reconnect=True)
        if connection.announced and enrolled:
            self._out.emit(connection, FrameKind.CLOSED, close_code=connection.close_code)
        connection.end(self._out.now)
        self.living.pop(connection.number, None)
        self.ended.append(connection)

    def _take_over(self, connection: Connection) -> None:
        """Go on counting where the process before this one stopped."""
        entry = self._recovered.pop(connection.connection_id, None)
        if entry is not None:
            connection.seq, connection.announced, connection.parsed = entry.next_seq, True, entry.parsed
            connection.last_frame_at = entry.last_frame_at

    def _close_recovered(self, *, others_only: bool) -> None:
        """End the connections that frames were written of and that the relay knows no more: nobody saw their end."""
        for entry in list(self._recovered.values()):
            own = entry.connection_id.startswith(f"{self._run}-")
            if (own and others_only) or not entry.charger_id:
                continue
            connection = Connection(0, entry.connection_id, "", entry.last_frame_at)
            connection.charger_id = entry.charger_id
            self._take_over(connection)
            # Also of one that was removed meanwhile: it was mirrored until then, and a session of it may be open.
            enrolled = self._enrolment.decide(connection.charger_id).enrolled
            reason = "tap-ended" if enrolled else "unenrolled"
            self._out.gap(connection, reason, 0, entry.last_frame_at, until_reconnect=True)
            self._out.emit(connection, FrameKind.CLOSED)
            connection.end(self._out.now)
            self.ended.append(connection)
