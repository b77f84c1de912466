"""What is remembered of a charging station's sessions and records until each has the other. Bounded plain data."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import Final

import msgspec

from diff.discrepancy import JudgedSession
from ingest.frame import Micros
from ingest.records.record import BillingRecord

__all__ = ["MAX_KEPT", "Awaiting", "Billing", "Settled"]

MAX_KEPT: Final = 64
"""Sessions, and records, that are kept each. Beyond it the oldest goes, those that have their counterpart first."""
_MAX_SEEN: Final = 128
_MAX_BLIND: Final = 8


class Settled(msgspec.Struct, omit_defaults=True):
    """A session that has ended, with its record or without."""

    row: JudgedSession
    """As it was last written."""
    ended_at: Micros
    """Tap clock."""
    resolution_wh: Decimal = Decimal(1)
    clock_offset: Micros | None = None
    """Charging station's clock minus the tap's, as far as it was known at the end."""
    charging: tuple[tuple[Micros, bool], ...] = ()
    """From when on it charged, or did not, by the charging station's clock."""
    frames: tuple[str, ...] = ()
    due: Micros | None = None
    """When a record must have come; None where none is owed, or the lack was judged."""
    blind: bool = False
    """The copy was cut while it ran."""
    missing: bool = False
    """That no record came was said."""
    record: BillingRecord | None = None
    """Without its periods."""
    record_frame: str = ""
    own_amount: Decimal | None = None
    """What the record's own periods cost under its tariff."""
    duplicates: tuple[str, ...] = ()
    """Keys of further records for it."""
    spare: tuple[Awaiting, ...] = ()
    """The last of those records: where the one that counts is taken back, the oldest of them counts."""


class Awaiting(msgspec.Struct, omit_defaults=True):
    """A record that has no session yet."""

    record: BillingRecord
    """Without its periods."""
    frame_id: str
    received_at: Micros
    own_amount: Decimal | None = None
    due: Micros | None = None
    """When its session must have come; None where the lack was judged."""
    missing: bool = False
    session_id: str = ""
    """Under which it is told that its session is missing."""


class Billing(msgspec.Struct, omit_defaults=True):
    """The billing side of one charging station."""

    since: Micros
    """Tap clock: since when its sessions are kept here. That a record of an earlier one finds none says nothing."""
    sessions: dict[str, Settled] = msgspec.field(default_factory=dict)
    """By session id, oldest first."""
    records: dict[str, Awaiting] = msgspec.field(default_factory=dict)
    """By key, oldest first."""
    seen: dict[str, int] = msgspec.field(default_factory=dict)
    """Records that need no session any more: key → version."""
    credited: list[str] = msgspec.field(default_factory=list)
    """Keys of records that were taken back before they came."""
    blind: list[tuple[Micros, Micros]] = msgspec.field(default_factory=list)
    """When the copy was cut, from and until; 0: it still is."""
    dropped_until: Micros = 0
    """Tap clock: sessions that began before are no longer all here."""
    due: Micros | None = None

    def note(self, key: str, version: int) -> None:
        """A record needs no session any more."""
        self.seen.pop(key, None)
        self.seen[key] = version
        if len(self.seen) > _MAX_SEEN:
            del self.seen[next(iter(self.seen))]

    def credit(self, key: str) -> None:
        """A record that did not come yet is taken back."""
        self.credited = [*self.credited, key][-MAX_KEPT:]

    def cut(self, since: Micros, until: Micros) -> None:
        """The copy was cut; `until` 0: until the charging station connects again."""
        self.blind = [*self.blind, (since, until)][-_MAX_BLIND:]

    def sees_again(self, at: Micros) -> None:
        """It connected: whatever was cut is over."""
        if any(not until for _, until in self.blind):
            self.blind = [(since, until or at) for since, until in self.blind]

    def was_blind(self, since: Micros, until: Micros) -> bool:
        """Whether the copy was cut at some time in a range."""
        return any(begin <= until and (not end or end >= since) for begin, end in self.blind)

    def overflow(self) -> tuple[Settled | None, Awaiting | None]:
        """Let go of what is beyond the limit; gives what went without having been judged."""
        session = record = None
        if len(self.sessions) > MAX_KEPT:
            done = (key for key, one in self.sessions.items() if one.record is not None or one.due is None)
            gone = self.sessions.pop(next(done, next(iter(self.sessions))))
            self.dropped_until = max(self.dropped_until, gone.row.first_received_at)
            session = gone if gone.due is not None and gone.record is None else None
        if len(self.records) > MAX_KEPT:
            old = (key for key, one in self.records.items() if one.due is None)
            lost = self.records.pop(next(old, next(iter(self.records))))
            record = lost if lost.due is not None else None
        return session, record

    def pseudo(self) -> list[str]:
        """The session ids under which records without a session are told."""
        return [one.session_id for one in self.records.values()]

    def schedule(self) -> None:
        """Note when the next thing falls due."""
        sessions = (one.due for one in self.sessions.values())
        records = (one.due for one in self.records.values())
        self.due = min((at for at in chain(sessions, records) if at is not None), default=None)
