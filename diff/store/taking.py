"""Records of the topics become rows: what the sink and a back-fill do alike.

Frames are paired with their answers as the worker pairs them, so that an answer's row names its action. Of the control
topic acknowledgements become rows; the rest of it is for taps. A record that holds nothing becomes a dead letter.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from diff import published
from diff.applied import AppliedFrames
from diff.discrepancy import Discrepancy, JudgedSession
from diff.store.tables import ChargerFacts, ConnectionAccount, DeadLetter
from diff.store.writer import BackPressure, Writer
from ingest import cloudevents, exchange, ocppj
from ingest.cloudevents import UndecodableError
from ingest.control import acknowledgement_of
from ingest.exchange import Pairing
from ingest.frame import Frame, FrameKind, Micros
from ingest.topics import Topics
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

__all__ = ["OPEN_CALLS", "Taker"]

OPEN_CALLS: Final[Micros] = 120_000_000
"""How long before a place in the frames open calls are looked for; a call is unanswered after one minute."""
_MOST_CHARGERS: Final = 200_000
_RECENT: Final = 128
"""Frames by charging station that are recognised when they come again."""


class _Conversation:
    """What is open on a charging station's connections."""

    __slots__ = ("pairing", "recent")

    def __init__(self) -> None:
        self.pairing = Pairing()
        self.recent: OrderedDict[str, None] = OrderedDict()

    def is_new(self, frame_id: str) -> bool:
        if frame_id in self.recent:
            return False
        self.recent[frame_id] = None
        if len(self.recent) > _RECENT:
            self.recent.popitem(last=False)
        return True


class Taker:
    """Gives each record to the writer as what it is. Belongs to one thread.

    `wait` is called, as often as need be, while the writer takes no more: it waits until it is worth trying again. A
    record is never taken twice for it, because a frame that is paired a second time would be passed over.
    """

    def __init__(self, topics: Topics, writer: Writer, wait: Callable[[BackPressure], None]) -> None:
        self._frames, self._control, self._writer, self._wait = topics.frames, topics.control, writer, wait
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._keep = _keepers(topics, writer)
        self.unreadable = 0
        """Records that hold nothing."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic whose records become rows."""
        return (self._frames, self._control, *self._keep)

    def forget(self) -> None:
        """Forget which calls are open: what comes next does not follow on what came."""
        self._conversations.clear()

    def take(self, record: Any, *, write: bool = True) -> Frame | None:
        """Take a record; returns the frame that it holds, if it is one.

        `write=False` only notes the calls that a frame opens.
        """
        try:
            if record.topic == self._frames:
                frame = cloudevents.decode(record.key, record.value, record.headers)
                self._converse(frame, write=write)
                return frame
            if write and record.topic == self._control:
                self._heed(record)
            elif write:
                read, add = self._keep[record.topic]
                self._put(add, read(record.value))
        except UndecodableError as error:
            # Of a frame that is none the worker has told.
            if record.topic != self._frames:
                self._put(self._writer.add_dead_letter, _letter(record, str(error)))
            self.unreadable += 1
        return None

    def _heed(self, record: Any) -> None:
        try:
            told = acknowledgement_of(record.key, record.value)
        except ValueError as error:
            raise UndecodableError(str(error)) from None
        if told is not None:
            self._put(self._writer.add_acknowledgement, told)

    def _put(self, add: Callable[..., None], *what: Any) -> None:
        while True:
            try:
                return add(*what)
            except BackPressure as pressure:
                self._wait(pressure)

    def _converse(self, frame: Frame, *, write: bool) -> None:
        if frame.kind is FrameKind.TICK:
            return
        talk = self._conversations.get(frame.charger_id)
        if talk is None:
            talk = self._conversations[frame.charger_id] = _Conversation()
            if len(self._conversations) > _MOST_CHARGERS:
                self._conversations.popitem(last=False)
        if not talk.is_new(frame.frame_id):
            return  # its row is stored or waits; paired a second time, an answer would have lost its call
        event = _pair(talk.pairing, frame)
        if write:
            self._put(self._writer.add_frame, frame, event)


_Keeper = tuple[Callable[[bytes | None], Any], Callable[[Any], None]]
"""How a value is read, and how what was read is given to the writer."""


def _keepers(topics: Topics, writer: Writer) -> dict[str, _Keeper]:
    def reader(kind: Any) -> Callable[[bytes | None], Any]:
        return lambda value: published.decode(value, kind)

    return {
        topics.messages: (reader(ShadowMessage), writer.add_message),
        topics.sessions: (reader(JudgedSession), writer.add_session),
        topics.discrepancies: (reader(Discrepancy), writer.add_discrepancy),
        topics.chargers: (reader(ChargerFacts), writer.add_charger),
        topics.applied: (reader(AppliedFrames), writer.add_applied),
        topics.device_facts: (reader(Fact), writer.add_fact),
        topics.connections: (reader(ConnectionAccount), lambda account: writer.add_connections([account])),
        topics.dead_letters: (reader(DeadLetter), writer.add_dead_letter),
    }


def _letter(record: Any, reason: str) -> DeadLetter:
    position = f"{record.topic}/{record.partition}/{record.offset}"
    charger_id = (record.key or b"").decode("utf-8", "backslashreplace")[:200]
    return DeadLetter(
        charger_id, max(record.timestamp, 0) * 1000, "sink", position, reason[:500], len(record.value or b"")
    )


def _pair(pairing: Pairing, frame: Frame) -> exchange.Event | None:
    if frame.kind in (FrameKind.CLOSED, FrameKind.GAP):
        exchange.close_connection(pairing, frame.connection_id)
        return None
    return exchange.pair(pairing, frame, ocppj.parse(frame.text)) if frame.kind is FrameKind.MESSAGE else None
