"""How sessions move from one setting to another, one by one and summed by cohort. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from diff.tariff.living import Amount
from diff.whatif.life import Life
from ingest.frame import Micros
from ingest.timestamps import format_micros

__all__ = ["COUNTED", "KINDS", "Bills", "Cohort", "Move", "Sums", "cohort", "move_of", "move_row", "sums_row"]

COUNTED: Final = ("session.energy", "session.start-time", "session.stop-time")
"""Codes whose discrepancies the settings and tolerances change."""
KINDS: Final = ("vendor", "model", "firmware", "charger")
_SPANS: Final = ("start", "stop", "duration", "idle")


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
        if name not in KINDS or not sign or not pattern:
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


def move_of(charger_id: str, name: str, before: Life, after: Life, costs: tuple[Amount | None, Amount | None]) -> Move:
    """The difference of one session; `costs`: under each of the settings."""
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


def sums_row(sums: Sums) -> dict[str, Any]:
    """A cohort as a document shows it, exact numbers as text."""
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


def move_row(move: Move) -> dict[str, Any]:
    """A session as a document shows it, exact numbers as text."""
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
