"""The parser process: `python -m ingest.tap.parser FD SETTINGS`. The relay starts it; nobody else needs to.

It reads the relay's records from an inherited socket, makes frames of them, and writes those to the journal. The only
thing it ever sends back is how far it has come. It ends when the relay closes the socket, and for no signal that a
terminal or a service manager sends to the whole group: what is still in the channel belongs into the journal.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.collector import look_seldom
from ingest.enrolment import MIRROR_ALL
from ingest.enrolment_file import EnrolmentFile
from ingest.field_policy import FieldPolicyError
from ingest.field_policy_file import read_fields
from ingest.field_redaction import redactor_of
from ingest.journal import Journal, JournalError, JournalLockedError
from ingest.priority import stand_back
from ingest.records import inbox
from ingest.redaction import Redactor
from ingest.redaction_key import KeyFileError
from ingest.ring_file import RingFile
from ingest.tap.channel import ACK, Op, RecordReader
from ingest.tap.mirror import Mirror
from ingest.tap.status import JournalStatus, TapStatus, describe, read_status, recover, write_status
from ingest.tap.turns import Turns

__all__ = ["ParserSettings", "main"]

_SYNC_SECONDS: Final = 0.2
_STATUS_SECONDS: Final = 1.0
_LOCK_SECONDS: Final = 10.0
"""How long a parser of a killed tap may take to finish its journal before the next one gives up."""
_READ: Final = 256 * 1024


class ParserSettings(msgspec.Struct, frozen=True):
    """What the relay hands to its parser."""

    run: str
    """Names this start of the tap; part of every `connection_id`."""
    journal: str
    status: str
    redaction_key: str
    enrolment: str | None
    overrides: str | None
    segment_bytes: int
    max_bytes: int
    certificate_header: str = ""
    """In it a trusted terminator names the charging station's certificate."""
    field_policy: str | None = None
    """The file of rules for vendors' data."""
    when_idle: bool = False
    """Work only while nothing else wants the processor, as long as that is enough."""


class _Parser:
    def __init__(self, settings: ParserSettings, sock: socket.socket) -> None:
        self._settings = settings
        self._socket = sock
        self._status_path = Path(settings.status)
        self._reader = RecordReader()
        self._relay: dict[str, Any] = {}
        self._records = 0
        self._acked = -1
        self._behind = 0.0
        """Seconds since the relay stamped what was handled last, while there is more."""
        self._next_sync = self._next_status = time.monotonic()
        self._ring = RingFile(Path(settings.redaction_key))
        self._fields = None if settings.field_policy is None else read_fields(Path(settings.field_policy))
        redactor = self._redactor()
        self._enrolment = _enrolment(settings)
        if self._enrolment is not None:
            self._enrolment.reload()
        self._journal = _open_journal(settings)
        self._inbox = inbox.directory_of(Path(settings.journal))
        self._mirror = Mirror(
            settings.run,
            write=self._journal.append,
            redact=redactor.redact,
            enrolment=MIRROR_ALL if self._enrolment is None else self._enrolment.current,
            recovered=recover(read_status(self._status_path), Path(settings.journal)),
            certificate_header=settings.certificate_header,
            key_version=redactor.key_version,
        )

    def run(self) -> None:
        """Read until the relay closes the channel."""
        if self._settings.when_idle:
            Turns(self._piece, lambda: self._behind).run()
        else:
            while self._piece():
                pass
        self._finish()

    def _piece(self) -> bool:
        """Handle what is there, and what is due by the clock; False at the end."""
        if not self._take():
            return False
        now = time.monotonic()
        if now >= self._next_sync:
            self._next_sync = now + _SYNC_SECONDS
            self._acknowledge()
        if now >= self._next_status:
            self._next_status = now + _STATUS_SECONDS
            self._each_second()
        return True

    def _take(self) -> bool:
        """Handle what is there; False where the relay has closed the channel."""
        if not select.select([self._socket], [], [], _SYNC_SECONDS)[0]:
            self._behind = 0.0
            return True
        try:
            data = self._socket.recv(_READ)
        except OSError:
            return False
        records = self._reader.feed(data)
        for record in records:
            self._records += 1
            if record.op is Op.COUNTERS:
                self._relay = msgspec.json.decode(record.payload)
            else:
                self._mirror.handle(record)
        if records:
            self._behind = time.time() - records[-1].at / 1e6
        return bool(data)

    def _acknowledge(self) -> None:
        """Sync the journal and tell the relay how far it is safe."""
        self._journal.sync()
        if self._journal.acknowledged < self._journal.accepted or self._acked == self._records:
            return
        self._acked = self._records
        # A relay that is gone is told nothing, and what it sent before it went is still read, up to its end.
        with suppress(OSError):
            self._socket.sendall(ACK.pack(self._records, self._mirror.now))

    def _each_second(self) -> None:
        if self._enrolment is not None and self._enrolment.reload():
            self._mirror.set_enrolment(self._enrolment.current)
        self._look_at_redaction()
        try:
            self._journal.measure()
            self._mirror.settle()
            inbox.take(self._inbox, self._journal, self._mirror.now)
            self._journal.flush()
            write_status(self._status_path, self._status())
        except OSError as error:
            # The disk is full or gone: the status is stale, which shows by its time, and the mirror goes on.
            _say(f"the status cannot be written: {error.strerror or error}")

    def _look_at_redaction(self) -> None:
        """A new key and other rules count for connections that open from now on."""
        ruled = self._fields is not None and self._fields.reload()
        if self._ring.reload() or ruled:
            redactor = self._redactor()
            self._mirror.set_redaction(redactor.redact, redactor.key_version)
            under = f"key {redactor.key_version}{' and another field policy' if ruled else ''}"
            _say(f"connections that open from now on are redacted under {under}")

    def _redactor(self) -> Redactor:
        return redactor_of(self._ring.current.current, None if self._fields is None else self._fields.current)

    def _status(self) -> TapStatus:
        journal, mirror = self._journal, self._mirror
        segment, offset = journal.position
        return TapStatus(
            at=time.time_ns() // 1000,
            run=self._settings.run,
            relay=self._relay,
            mirror=msgspec.structs.asdict(mirror.counters),
            journal=JournalStatus(
                segment,
                offset,
                journal.settled,
                journal.accepted,
                journal.acknowledged,
                journal.torn_bytes,
                journal.error,
            ),
            enrolment_error="" if self._enrolment is None else self._enrolment.error,
            key_error="; ".join(filter(None, (self._ring.error, self._fields.error if self._fields else ""))),
            key_version=self._ring.current.current.version,
            ticks=mirror.ticks,
            connections=describe(mirror.living.values(), reversed(mirror.ended)),
        )

    def _finish(self) -> None:
        self._mirror.end()
        self._mirror.settle()
        self._acknowledge()
        self._each_second()
        self._journal.close()


def _enrolment(settings: ParserSettings) -> EnrolmentFile | None:
    """None mirrors every charging station."""
    if settings.enrolment is None and settings.overrides is None:
        return None
    paths = [None if name is None else Path(name) for name in (settings.enrolment, settings.overrides)]
    return EnrolmentFile(*paths)


def _open_journal(settings: ParserSettings) -> Journal:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            journal = Journal(
                Path(settings.journal), segment_bytes=settings.segment_bytes, max_bytes=settings.max_bytes
            )
        except JournalLockedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
            continue
        if journal.torn_bytes:
            _say(
                f"the journal ended in half a line; {journal.torn_bytes} bytes that nobody had acknowledged are cut off"
            )
        return journal


def _say(text: str) -> None:
    sys.stderr.write(f"tap parser: {text}\n")
    sys.stderr.flush()


def main(arguments: list[str]) -> int:
    """Run until the channel ends; gives the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stand_back(when_idle=False)
    settings = msgspec.json.decode(arguments[1], type=ParserSettings)
    with socket.socket(fileno=int(arguments[0])) as sock:
        try:
            parser = _Parser(settings, sock)
        except (FieldPolicyError, JournalError, KeyFileError) as error:
            _say(str(error))
            return 3
        look_seldom()
        parser.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
