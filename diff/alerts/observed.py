"""What was observed at one look, and which conditions follow from it: the knowledge of what deserves an alert. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from diff.alerts.alert import AlertKind
from diff.discrepancy import Severity
from diff.fingerprint_state import State
from diff.gates.words import count, listed
from ingest.frame import Micros

__all__ = ["FLEET", "Cause", "Condition", "Given", "Limits", "Line", "Observed", "conditions"]

_HOUR: Final[Micros] = 3_600_000_000
_DAY: Final[Micros] = 24 * _HOUR
FLEET: Final = "fleet"
"""Subject of what is about all charging stations."""


class Limits(msgspec.Struct, frozen=True):
    """From when on something is alerted of, and how often."""

    silent: Micros = _DAY
    forgotten: Micros = 28 * _DAY
    """Whoever has been silent for longer than that opens no alert: it was taken away, or is a recording's."""
    stale_tap: Micros = 600_000_000
    """The newest account of any tap is older than that while connections were open."""
    repeat: Micros = _HOUR
    """An alert of one kind on one subject opens once in that time, however often it comes and goes."""
    window: Micros = _HOUR
    ceiling: int = 30
    """Words in a window; what is beyond waits, and a summary says how many."""


class Cause(msgspec.Struct, frozen=True):
    """A fingerprint with open critical discrepancies."""

    fingerprint: str
    title: str
    state: str
    """Of `diff.fingerprint_state.State`."""
    open: int
    chargers: int
    sessions: int
    acknowledged: bool


class Given(msgspec.Struct, frozen=True):
    """The latest verdict on a cohort."""

    cohort: str
    outcome: str
    first: str
    because: str
    change: str


class Line(msgspec.Struct, frozen=True):
    """What is heard of a charging station."""

    charger_id: str
    last_heard: Micros | None
    blind: str = ""
    """Why its present connection cannot be read; empty where it can."""
    gaps: int = 0
    """Places where the copy was cut, lately."""
    bytes_missing: int = 0
    reasons: Sequence[str] = ()


class Observed(msgspec.Struct, frozen=True):
    """One look at the store."""

    at: Micros
    causes: Sequence[Cause] = ()
    verdicts: Sequence[Given] = ()
    lines: Sequence[Line] = ()
    tap_told: Micros | None = None
    """When a tap gave its newest account; None where none ever has."""
    tap_open: int = 0
    """Connections that were open by then."""


class Condition(msgspec.Struct, frozen=True):
    """Something that is so now."""

    kind: AlertKind
    subject: str
    severity: Severity
    title: str
    detail: str
    charger_id: str = ""
    opens: bool = True
    """It opens an alert; else it only keeps one from being closed."""


def conditions(seen: Observed, limits: Limits) -> Iterator[Condition]:
    """All that is so and deserves an alert, but for verdicts: of those the change counts, which takes a memory."""
    for cause in seen.causes:
        yield from _critical(cause)
    yield from _tap(seen, limits)
    for line in seen.lines:
        yield from _blind(line)
        yield from _silent(line, seen.at, limits)


def _critical(cause: Cause) -> Iterator[Condition]:
    if cause.acknowledged or not cause.open or cause.state in (State.GONE, State.QUIET):
        return
    yield Condition(
        AlertKind.CRITICAL_FINGERPRINT,
        cause.fingerprint,
        Severity.CRITICAL,
        f"{'back' if cause.state == State.REGRESSED else 'new'}: {cause.title}",
        f"{count(cause.open, 'open discrepancy', 'open discrepancies')} on"
        f" {count(cause.chargers, 'charging station')} in {count(cause.sessions, 'session')}",
        opens=cause.state in (State.NEW, State.REGRESSED),
    )


def _tap(seen: Observed, limits: Limits) -> Iterator[Condition]:
    if seen.tap_told is None or not seen.tap_open:
        return
    age = seen.at - seen.tap_told
    if age > limits.stale_tap:
        yield Condition(
            AlertKind.BLIND_TAP,
            FLEET,
            Severity.CRITICAL,
            f"no tap has given an account for {count(age // 60_000_000, 'minute')}",
            f"{count(seen.tap_open, 'connection was', 'connections were')} open by then: nothing of them is seen",
            opens=age < limits.forgotten,
        )


def _blind(line: Line) -> Iterator[Condition]:
    if not (line.blind or line.gaps):
        return
    parts = [f"its connection cannot be read ({line.blind})"] if line.blind else []
    if line.gaps:
        reasons = f" ({listed(line.reasons)})" if line.reasons else ""
        parts.append(f"{count(line.gaps, 'gap')} with at least {count(line.bytes_missing, 'byte')} missing{reasons}")
    yield Condition(
        AlertKind.BLIND_TAP,
        line.charger_id,
        Severity.MAJOR,
        f"not everything of {line.charger_id} is seen",
        ", ".join(parts),
        line.charger_id,
    )


def _silent(line: Line, at: Micros, limits: Limits) -> Iterator[Condition]:
    if line.last_heard is None or at - line.last_heard <= limits.silent:
        return
    age = at - line.last_heard
    yield Condition(
        AlertKind.SILENT_CHARGER,
        line.charger_id,
        Severity.MINOR,
        f"nothing was heard of {line.charger_id} for {count(limits.silent // _HOUR, 'hour')}",
        f"the last frame came {count(age // _HOUR, 'hour')} ago",
        line.charger_id,
        opens=age < limits.forgotten,
    )
