"""What if: the same frames lived side by side under two settings, and how each session would move.

A TxStartPoint or TxStopPoint is easily configured and hard to take back: it moves the moment from which, and up to
which, a session counts. Here sessions that were stored are lived again under other settings, before any charging
station is told. Sessions pair by the StartTransaction of 1.6 that both begin with, since the moment at which the shadow
opens them is what the settings change. Native sessions live by their own station's settings and are counted apart.

All times are the charging station's. What 1.6 gives no time of its own, an Authorize or a token that waits in vain,
stands at its time of receipt; the estimated offset of the station's clock is added to it, so that a clock that is wrong
moves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from heapq import heappush, heappushpop
from typing import Any, Final

import msgspec

from diff.discrepancy import Discrepancy, Status
from diff.fleet import Fault, Fleet
from diff.judge import Judgement
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.tariff.living import Amount, Lived, amount_of
from ingest.frame import Frame, FrameKind, Micros
from ingest.timestamps import format_micros, parse_stamp
from shadow.config import DEFAULT, ShadowConfig
from shadow.message import MessageType, ShadowMessage
from shadow.native.reading import nested, text

__all__ = ["COUNTED", "Bills", "Cohort", "Life", "Move", "Price", "Setting", "Sums", "WhatIf", "cohort"]

COUNTED: Final = ("session.energy", "session.start-time", "session.stop-time")
"""Codes whose discrepancies the settings and tolerances change."""
_KINDS: Final = ("vendor", "model", "firmware", "charger")
_MAX_SESSIONS: Final = 512
"""Sessions of one charging station that wait for its end; beyond it the oldest that have ended are settled."""
_MAX_TIMED: Final = 128
_MAX_STATES: Final = 32
_MAX_RECEIVED: Final = 512
_MAX_SHOWN: Final = 200
"""Sessions that are told one by one: those that move most. All are summed."""
_MAX_COHORTS: Final = 1000
_OTHER: Final = "other"
_SPANS: Final = ("start", "stop", "duration", "idle")


class Setting(msgspec.Struct, frozen=True):
    """What one of the two sides lives by."""

    config: ShadowConfig = DEFAULT
    policy: Policy = DEFAULT_POLICY


class Life(msgspec.Struct, frozen=True):
    """One session under one setting."""

    session_id: str
    started_at: Micros | None
    stopped_at: Micros | None
    energy_wh: Decimal | None
    idle: Micros
    """Time within the transaction in which its chargingState was not Charging."""
    ended: bool
    native: bool
    connector_id: int | None = None
    charging: tuple[tuple[Micros, bool], ...] = ()
    """From when on it charged, or did not: what a tariff tells charging from parking by."""

    @property
    def duration(self) -> Micros | None:
        """From start to stop, None while one of them is unknown."""
        return None if self.started_at is None or self.stopped_at is None else self.stopped_at - self.started_at


Price = Callable[[Policy, str, Life], Amount | None]
"""What a session of a charging station costs under the tariffs of a policy; None where that cannot be said."""


def _priced(policy: Policy, charger_id: str, life: Life) -> Amount | None:
    session = Lived(charger_id, life.connector_id, life.started_at, life.stopped_at, life.energy_wh, life.charging)
    return amount_of(policy.tariffs, session)


class Cohort(msgspec.Struct, frozen=True):
    """Charging stations that are summed together. The patterns are globs; all of them have to fit."""

    name: str
    patterns: dict[str, str]

    def __hash__(self) -> int:
        """By its name."""
        return hash(self.name)

    def fits(self, kind: Mapping[str, str]) -> bool:
        """Whether a charging station belongs to it."""
        return all(fnmatchcase(kind[name], pattern) for name, pattern in self.patterns.items())


def cohort(given: str) -> Cohort:
    """A cohort of a command line: `vendor=Alder,model=Curb*,firmware=1.*,charger=CP-*`.

    Raises:
        ValueError: a part is none of these.

    """
    patterns: dict[str, str] = {}
    for part in given.split(","):
        name, sign, pattern = (one.strip() for one in part.partition("="))
        if name not in _KINDS or not sign or not pattern:
            raise ValueError(f"{part.strip()[:40]!r}: write vendor=GLOB, model=GLOB, firmware=GLOB or charger=GLOB")
        if name in patterns:
            raise ValueError(f"{name} stands twice in {given[:60]!r}")
        patterns[name] = pattern
    return Cohort(given, patterns)


class Move(msgspec.Struct, frozen=True):
    """How one session moves; seconds are `after` minus `before`."""

    session_id: str
    """As it stands in the store, which is lived by the settings of before."""
    charger_id: str
    cohort: str
    before: Life
    after: Life
    start: Decimal | None
    stop: Decimal | None
    duration: Decimal | None
    idle: Decimal
    energy_wh: Decimal | None
    price_before: Amount | None = None
    price_after: Amount | None = None

    @property
    def weight(self) -> Decimal:
        """How much it moves, to tell the greatest."""
        return max(abs(self.start or Decimal()), abs(self.stop or Decimal()), abs(self.idle))


class Bills(msgspec.Struct):
    """What the sessions of a cohort cost in one currency, under both settings."""

    sessions: int = 0
    before: Decimal = Decimal()
    after: Decimal = Decimal()


class Sums(msgspec.Struct):
    """One cohort; seconds are `after` minus `before`, over the sessions that have ended under both settings."""

    chargers: int = 0
    sessions: int = 0
    moved: int = 0
    """Of those, sessions whose start, stop, idle time or energy is another one."""
    only_before: int = 0
    only_after: int = 0
    """Sessions that only one of the settings has, a token without a charge for example."""
    unfinished: int = 0
    """Sessions that have not ended under both."""
    native: int = 0
    """Sessions that speak 2.0.1 themselves: the settings do not move them."""
    start: Decimal = Decimal()
    stop: Decimal = Decimal()
    duration: Decimal = Decimal()
    idle: Decimal = Decimal()
    energy_wh: Decimal = Decimal()
    bills: dict[str, Bills] = msgspec.field(default_factory=dict)
    """By currency: different ones are never added."""
    other_currency: int = 0
    """Sessions that cost one currency before and another one after: no difference can be told of them."""
    codes_before: Counter[str] = msgspec.field(default_factory=Counter)
    codes_after: Counter[str] = msgspec.field(default_factory=Counter)

    def take(self, move: Move) -> None:
        """Add a session."""
        self.sessions += 1
        self.moved += bool(move.weight or move.energy_wh)
        self.start += move.start or 0
        self.stop += move.stop or 0
        self.duration += move.duration or 0
        self.idle += move.idle
        self.energy_wh += move.energy_wh or 0
        before, after = move.price_before, move.price_after
        if before is None or after is None:
            return
        if before.currency != after.currency:
            self.other_currency += 1
            return
        bills = self.bills.setdefault(before.currency, Bills())
        bills.sessions += 1
        bills.before += before.value
        bills.after += after.value


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


class _Side:
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
        if len(keys) > _MAX_SESSIONS:
            del keys[next(iter(keys))]
        lives[key] = life

    def _count(self, charger_id: str, row: Discrepancy) -> None:
        if row.code in COUNTED:
            known = self._codes.setdefault(charger_id, {})
            known.pop(row.id, None)
            if row.status is Status.OPEN:
                known[row.id] = row.code


class WhatIf:
    """Both sides, fed with the same frames. A `Counter` of `app.sources`; bounded, whatever the number of sessions."""

    def __init__(
        self, before: Setting, after: Setting, cohorts: tuple[Cohort, ...] = (), price: Price = _priced
    ) -> None:
        """Prepare. Without cohorts each vendor, model and firmware is one."""
        self._before, self._after = _Side(before), _Side(after)
        self._policies = before.policy, after.policy
        self._cohorts, self._price = cohorts, price
        self.sums: dict[str, Sums] = {}
        self._shown: list[tuple[Decimal, int, Move]] = []
        self._number = 0
        self.faults: list[Fault] = []
        """Frames that could not be judged because of an error in this program."""

    def feed(self, frame: Frame) -> None:
        """Live one frame on both sides."""
        for side in (self._before, self._after):
            side.feed(frame)
            self.faults += side.fleet.take_faults()
        if frame.kind is not FrameKind.TICK:
            lives = self._before.lives.get(frame.charger_id)
            if lives is not None and len(lives) > _MAX_SESSIONS:
                self._settle(frame.charger_id)

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station come: its sessions are compared."""
        kind = self._kind(charger_id)
        if kind is None:
            return
        sums = self._sums(kind)
        before, codes_before = self._before.finish(charger_id)
        after, codes_after = self._after.finish(charger_id)
        sums.chargers += 1
        sums.codes_before.update(codes_before)
        sums.codes_after.update(codes_after)
        for key in dict.fromkeys((*before, *after)):
            self._compare(kind, sums, before.get(key), after.get(key))

    def end(self) -> None:
        """No more frames come."""
        for charger_id in sorted(self._before.fleet.chargers):
            self.forget(charger_id)

    @property
    def moves(self) -> list[Move]:
        """The sessions that move most, the greatest move first."""
        return [move for _, _, move in sorted(self._shown, key=lambda one: one[:2], reverse=True)]

    def _settle(self, charger_id: str) -> None:
        """Compare the older half, what has ended on both sides first, and let go of it."""
        kind = self._kind(charger_id)
        before, after = self._before.lives[charger_id], self._after.lives.get(charger_id, {})
        if kind is None:
            return
        ended = [key for key, life in before.items() if life.ended and key in after and after[key].ended]
        for key in [*ended, *(key for key in before if key not in ended)][: _MAX_SESSIONS // 2]:
            self._compare(kind, self._sums(kind), before.pop(key), after.pop(key, None))
        for key in list(after)[: max(len(after) - _MAX_SESSIONS, 0)]:
            self._compare(kind, self._sums(kind), None, after.pop(key))

    def _compare(self, kind: Mapping[str, str], sums: Sums, before: Life | None, after: Life | None) -> None:
        if before is None or after is None:
            sums.only_before += after is None
            sums.only_after += before is None
        elif before.native:
            sums.native += 1
        elif not (before.ended and after.ended):
            sums.unfinished += 1
        else:
            charger_id, (old, new) = kind["charger"], self._policies
            costs = self._price(old, charger_id, before), self._price(new, charger_id, after)
            move = _move(charger_id, self._name(kind), before, after, costs)
            sums.take(move)
            self._show(move)

    def _show(self, move: Move) -> None:
        if not move.weight and not move.energy_wh and move.price_before == move.price_after:
            return
        self._number += 1
        entry = (move.weight, -self._number, move)
        if len(self._shown) < _MAX_SHOWN:
            heappush(self._shown, entry)
        else:
            heappushpop(self._shown, entry)

    def _kind(self, charger_id: str) -> dict[str, str] | None:
        state = self._before.fleet.chargers.get(charger_id)
        if state is None:
            return None
        one = state.charger
        return {"vendor": one.vendor, "model": one.model, "firmware": one.firmware, "charger": charger_id}

    def _name(self, kind: Mapping[str, str]) -> str:
        if self._cohorts:
            return next((one.name for one in self._cohorts if one.fits(kind)), _OTHER)
        return " · ".join(kind[name] or "?" for name in _KINDS[:3])

    def _sums(self, kind: Mapping[str, str]) -> Sums:
        name = self._name(kind)
        if name not in self.sums and len(self.sums) >= _MAX_COHORTS:
            name = _OTHER
        return self.sums.setdefault(name, Sums())

    def document(self) -> dict[str, Any]:
        """All of it as `whatif --json` prints it. The same frames give the same document."""
        moved = sum(sums.moved for sums in self.sums.values())
        return {
            "cohorts": {name: _sums_of(self.sums[name]) for name in sorted(self.sums)},
            "moved": moved,
            "shown": len(self._shown),
            "sessions": [_row(move) for move in self.moves],
        }


def _move(charger_id: str, name: str, before: Life, after: Life, costs: tuple[Amount | None, Amount | None]) -> Move:
    energy = None
    if before.energy_wh is not None and after.energy_wh is not None:
        energy = after.energy_wh - before.energy_wh
    return Move(
        before.session_id,
        charger_id,
        name,
        before,
        after,
        _span(before.started_at, after.started_at),
        _span(before.stopped_at, after.stopped_at),
        _span(before.duration, after.duration),
        _seconds(after.idle - before.idle),
        energy,
        *costs,
    )


def _span(first: Micros | None, second: Micros | None) -> Decimal | None:
    return None if first is None or second is None else _seconds(second - first)


def _seconds(span: Micros) -> Decimal:
    return Decimal(span).scaleb(-6).normalize() + 0


def _sums_of(sums: Sums) -> dict[str, Any]:
    plain = ("chargers", "sessions", "moved", "only_before", "only_after", "unfinished", "native")
    minutes = sums.idle / 60
    return {
        **{name: getattr(sums, name) for name in plain},
        **{f"{name}_seconds": f"{getattr(sums, name):f}" for name in _SPANS},
        "idle_minutes": f"{minutes:.1f}",
        "energy_wh": f"{sums.energy_wh:f}",
        "price": None
        if not sums.bills
        else {
            currency: {"sessions": one.sessions, "before": f"{one.before:f}", "after": f"{one.after:f}"}
            for currency, one in sorted(sums.bills.items())
        },
        "other_currency": sums.other_currency,
        "discrepancies": {code: [sums.codes_before[code], sums.codes_after[code]] for code in COUNTED},
    }


def _row(move: Move) -> dict[str, Any]:
    sides = {"before": move.before, "after": move.after}
    return {
        "session_id": move.session_id,
        "charger_id": move.charger_id,
        "cohort": move.cohort,
        **{
            name: {
                "started_at": None if life.started_at is None else format_micros(life.started_at),
                "stopped_at": None if life.stopped_at is None else format_micros(life.stopped_at),
                "idle_seconds": f"{_seconds(life.idle):f}",
                "energy_wh": None if life.energy_wh is None else f"{life.energy_wh:f}",
            }
            for name, life in sides.items()
        },
        **{
            f"{name}_seconds": None if span is None else f"{span:f}"
            for name, span in (
                ("start", move.start),
                ("stop", move.stop),
                ("duration", move.duration),
                ("idle", move.idle),
            )
        },
        "energy_wh": None if move.energy_wh is None else f"{move.energy_wh:f}",
        "price": {
            name: None if amount is None else {"currency": amount.currency, "amount": f"{amount.value:f}"}
            for name, amount in (("before", move.price_before), ("after", move.price_after))
        },
    }
