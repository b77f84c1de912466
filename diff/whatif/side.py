"""One of the two lives: a fleet under one setting, and its sessions with the times that are the station's own. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from diff.discrepancy import Discrepancy, Status
from diff.fleet import Fleet
from diff.judge import Judgement
from diff.whatif.life import Life, Setting
from diff.whatif.moves import COUNTED
from ingest.frame import Frame, FrameKind, Micros
from ingest.timestamps import parse_stamp
from shadow.message import MessageType, ShadowMessage
from shadow.native.reading import nested, text

__all__ = ["MAX_SESSIONS", "Side"]

MAX_SESSIONS: Final = 512
"""Sessions of one charging station that wait for its end; beyond it the oldest that have ended are settled."""
_MAX_TIMED: Final = 128
_MAX_STATES: Final = 32
_MAX_RECEIVED: Final = 512


class _Course(msgspec.Struct):
    """What the TransactionEvents of one transaction tell of time."""

    since: Micros
    state: str | None = None
    idle: Micros = 0
    started_at: Micros | None = None
    stopped_at: Micros | None = None
    charging: list[tuple[Micros, bool]] = msgspec.field(default_factory=list)


class _Timed:
    """The courses of one charging station's transactions, the latest of them."""

    def __init__(self) -> None:
        self._known: dict[str, _Course] = {}
        self._received: dict[Micros, None] = {}

    def received(self, at: Micros) -> None:
        """A frame came: a timestamp that is the very same microsecond is no word of the station's clock."""
        self._received[at] = None
        if len(self._received) > _MAX_RECEIVED:
            del self._received[next(iter(self._received))]

    def hear(self, message: ShadowMessage, offset: Micros) -> None:
        """Take one message; `offset` is that of the station's clock from the tap's."""
        if message.action != "TransactionEvent" or message.type is not MessageType.REQUEST:
            return
        info = nested(message.payload, "transactionInfo")
        name, at = text(info, "transactionId"), parse_stamp((text(message.payload, "timestamp") or "")[:64]).at
        if name is None or at is None:
            return
        if at in self._received or at == message.at:
            at += offset
        course = self._known.pop(name, None) or _Course(at)
        if course.state != "Charging":
            course.idle += max(at - course.since, 0)
        course.since, course.state = max(at, course.since), text(info, "chargingState") or course.state
        charging = course.state == "Charging"
        if (not course.charging or course.charging[-1][1] != charging) and len(course.charging) < _MAX_STATES:
            course.charging.append((at, charging))
        kind = text(message.payload, "eventType")
        if kind == "Started":
            course.started_at = at
        elif kind == "Ended":
            course.stopped_at = at
        self._known[name] = course
        if len(self._known) > _MAX_TIMED:
            del self._known[next(iter(self._known))]

    def course(self, name: str) -> _Course:
        """That of a transaction; an empty one where it is not known."""
        return self._known.get(name) or _Course(0)


class Side:
    """One fleet, and its sessions by charging station."""

    def __init__(self, setting: Setting) -> None:
        self.fleet = Fleet(setting.config, setting.policy)
        self.horizon = setting.config.reorder_horizon
        self.lives: dict[str, dict[str, Life]] = {}
        """By charging station, then by what opened the session on 1.6's side, oldest first."""
        self._keys: dict[str, dict[str, str]] = {}
        self._timed: dict[str, _Timed] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def feed(self, frame: Frame) -> None:
        """Live one frame."""
        if frame.kind is not FrameKind.TICK:
            self._timed.setdefault(frame.charger_id, _Timed()).received(frame.received_at)
        for judgement in self.fleet.feed(frame):
            self._take(judgement)

    def finish(self, charger_id: str) -> tuple[dict[str, Life], Counter[str]]:
        """No more of this charging station comes: its sessions, and its discrepancies by code."""
        state = self.fleet.chargers.get(charger_id)
        if state is not None:
            for judgement in self.fleet.wake(charger_id, state.shadow.now + self.horizon):
                self._take(judgement)
        self.fleet.forget(charger_id)
        for table in (self._keys, self._timed):
            table.pop(charger_id, None)
        codes = Counter(self._codes.pop(charger_id, {}).values())
        return self.lives.pop(charger_id, {}), codes

    def _take(self, judgement: Judgement) -> None:
        if judgement.charger is None:
            return
        charger_id = judgement.charger.charger_id
        timed = self._timed.setdefault(charger_id, _Timed())
        offset = self.fleet.chargers[charger_id].shadow.station.clock.offset or 0
        for message in judgement.observations.messages:
            timed.hear(message, offset)
        for row in judgement.discrepancies:
            self._count(charger_id, row)
        pairs = self.fleet.chargers[charger_id].pairs.by_id
        for session in judgement.sessions:
            pair = pairs.get(session.session_id)
            if pair is None or pair.shadow is None:
                continue
            lived, primary = pair.shadow, pair.primary
            key = pair.opened_by if primary is None else primary.key
            course = timed.course(lived.transaction_id)
            life = Life(
                session.session_id,
                lived.started_at if course.started_at is None else course.started_at,
                lived.stopped_at if course.stopped_at is None else course.stopped_at,
                lived.energy_wh,
                course.idle,
                lived.ended,
                lived.native,
                pair.connector_id,
                tuple(course.charging),
            )
            self._keep(charger_id, session.session_id, key, life)

    def _keep(self, charger_id: str, session_id: str, key: str, life: Life) -> None:
        lives, keys = self.lives.setdefault(charger_id, {}), self._keys.setdefault(charger_id, {})
        before = keys.get(session_id)
        if before is not None and before != key:
            lives.pop(before, None)  # it was opened before its StartTransaction came
        keys[session_id] = key
        if len(keys) > MAX_SESSIONS:
            del keys[next(iter(keys))]
        lives[key] = life

    def _count(self, charger_id: str, row: Discrepancy) -> None:
        if row.code in COUNTED:
            known = self._codes.setdefault(charger_id, {})
            known.pop(row.id, None)
            if row.status is Status.OPEN:
                known[row.id] = row.code
