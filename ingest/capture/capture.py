"""A capture, read: bytes of capture files in, frames out, as the tap writes them. Pure.

Packets go through the assembler into the tap's own mirror: handshake, WebSocket, compression, enrolment and redaction
are the same code as in the path. The run that names the connections is the time of the first packet, so that the same
capture gives the same frames, and read twice nothing counts twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ingest.capture.assembler import Assembler, Limits
from ingest.capture.conversation import Fate
from ingest.capture.file import CaptureReader, Flaw, Packet
from ingest.capture.packets import NoSegment, read_packet
from ingest.enrolment import MIRROR_ALL, Enrolment
from ingest.frame import Frame, Micros
from ingest.tap.channel import Record
from ingest.tap.mirror import Mirror
from ingest.timestamps import format_micros

__all__ = ["Capture", "Report"]

_NAMED: Final = 20


class Report(msgspec.Struct, frozen=True):
    """What a capture held, for people and machines."""

    packets: int
    cut_packets: int
    """Of them, those that the snapshot length cut."""
    unread: dict[str, int]
    """Packets without a TCP segment, by what they are."""
    connections: dict[str, int]
    """By what they turned out to be; those that live left out."""
    living: int
    with_holes: int
    retired: int
    strays: int
    frames: int
    messages: int
    gaps: int
    unparsable: int
    first: Micros | None
    last: Micros | None
    remarks: tuple[str, ...]
    """What could not be read, and what to do."""


class Capture:
    """Reads one capture, or several that follow each other."""

    def __init__(
        self,
        write: Callable[[Frame], str],
        redact: Callable[[str], str],
        *,
        enrolment: Enrolment = MIRROR_ALL,
        ports: Iterable[int] = (),
        limits: Limits | None = None,
        key_version: str = "",
    ) -> None:
        """`write` takes the frames, and gives the reason where it refuses one, which a gap then tells.

        `key_version`: of the key that `redact` works with.
        """
        self._write, self._redact, self._enrolment = write, redact, enrolment
        self._key_version = key_version
        self._assembler = Assembler(self._handle, ports=ports, limits=limits)
        self._reader = CaptureReader()
        self._mirror: Mirror | None = None
        self._packets = self._cut_packets = 0
        self._unread: Counter[str] = Counter()
        self._first: Micros | None = None
        self.flaws: list[Flaw] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        for item in self._reader.feed(data):
            if isinstance(item, Flaw):
                self.flaws.append(item)
            else:
                self._packet(item)

    def end_file(self) -> Flaw | None:
        """One file ends; the connections go on in the next. Gives what was wrong with the file."""
        flaw = self._reader.end()
        if flaw is not None:
            self.flaws.append(flaw)
        self._reader = CaptureReader()
        flaws, self.flaws = self.flaws, []
        return flaws[0] if flaws else None

    def end(self) -> None:
        """Nothing more comes."""
        self._assembler.end()
        if self._mirror is not None:
            self._mirror.settle()

    def report(self) -> Report:
        """What was read so far."""
        counters = None if self._mirror is None else self._mirror.counters
        assembler = self._assembler
        return Report(
            packets=self._packets,
            cut_packets=self._cut_packets,
            unread=dict(sorted(self._unread.items())),
            connections={fate.value: count for fate, count in sorted(assembler.fates.items())},
            living=assembler.living,
            with_holes=assembler.cut,
            retired=assembler.retired,
            strays=assembler.strays,
            frames=0 if counters is None else counters.frames,
            messages=0 if counters is None else counters.messages,
            gaps=0 if counters is None else counters.gaps,
            unparsable=0 if counters is None else counters.unparsable_connections,
            first=self._first,
            last=assembler.now or None,
            remarks=tuple(self._remarks()),
        )

    def _packet(self, packet: Packet) -> None:
        self._packets += 1
        self._cut_packets += packet.size > len(packet.data)
        if self._first is None:
            self._first = packet.at
        segment = read_packet(packet)
        if isinstance(segment, NoSegment):
            self._unread[segment.value] += 1
            self._assembler.pass_time(packet.at)
        else:
            self._assembler.take(packet.at, segment)

    def _handle(self, record: Record) -> None:
        if self._mirror is None:
            run = "pcap-" + format_micros(self._first or 0).replace(":", "").replace("-", "")
            self._mirror = Mirror(
                run,
                write=self._write,
                redact=self._redact,
                enrolment=self._enrolment,
                key_version=self._key_version,
            )
        self._mirror.handle(record)
        # Of connections that ended nothing is shown, as the tap does in its status.
        self._mirror.ended.clear()

    def _remarks(self) -> list[str]:
        fates, unread = self._assembler.fates, self._unread
        remarks = []
        for (fate, server), count in list(self._assembler.examples.items())[:_NAMED]:
            remarks.append(f"{count} connections with {server} are {fate.value} (TLS): tap after the terminator")
        if fates[Fate.MIDWAY]:
            remarks.append(f"{fates[Fate.MIDWAY]} connections began before the capture and showed no upgrade: not read")
        if self._assembler.cut:
            remarks.append(f"{self._assembler.cut} connections lack packets: a gap each, until they reconnect")
        if self._cut_packets:
            remarks.append(f"{self._cut_packets} packets were cut by the snapshot length: capture with `tcpdump -s 0`")
        if unread[NoSegment.FRAGMENT]:
            remarks.append(f"{unread[NoSegment.FRAGMENT]} IP fragments were passed over: what they held is missing")
        if unread[NoSegment.LINK]:
            remarks.append(f"{unread[NoSegment.LINK]} packets are of a link type that is not read")
        return remarks
