"""One look: which alerts open, which close, and what has to wait. Pure.

An alert is said twice: when its condition begins and when it is over. Two limits hold back the rest. One kind of one
subject opens once in `Limits.repeat`, so that what comes and goes is said once; and in a `Limits.window` at most
`Limits.ceiling` words are said, the critical ones first. What is held back is not forgotten: it is still due at the
next look, if it is still so; meanwhile one summary a window says how many wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from diff.alerts.alert import Alert, AlertKind, AlertState, alert_id
from diff.alerts.observed import FLEET, Condition, Given, Limits, Observed, conditions
from diff.discrepancy import Severity
from diff.gates.gate import Outcome
from ingest.frame import Micros

__all__ = ["MOST_OPEN", "Spoken", "Standing", "WatchState", "step"]

MOST_OPEN: Final = 10_000
"""Alerts that stand at once; what is beyond is held back."""


class Standing(msgspec.Struct, frozen=True):
    """An alert that is open."""

    id: str
    kind: AlertKind
    subject: str
    severity: Severity
    title: str
    charger_id: str
    opened_at: Micros


class Spoken(msgspec.Struct, frozen=True):
    """That an alert was opened, for as long as it may not open again."""

    kind: AlertKind
    subject: str
    at: Micros


class WatchState(msgspec.Struct, frozen=True):
    """All that is remembered between two looks. Bounded by the limits and by the number of cohorts."""

    at: Micros = 0
    standing: tuple[Standing, ...] = ()
    outcomes: Mapping[str, str] = {}
    """By cohort: the verdict that was told, or found at the first look."""
    spoken: tuple[Spoken, ...] = ()
    words: tuple[Micros, ...] = ()
    """When something was said within the window."""
    summed_at: Micros = 0
    """When the last summary was said."""


class _Due(msgspec.Struct, frozen=True):
    """A word that is to be said; or two, where one flip follows another."""

    alerts: tuple[Alert, ...]
    opens: Standing | None = None
    closes: bool = False
    """It closes the one that stands."""
    outcome: tuple[str, str] | None = None
    """Cohort and verdict that is told by it."""

    @property
    def order(self) -> int:
        """What is critical first, then what is over, which makes room; then the rest, the worst first."""
        last = self.alerts[-1]
        if last.state is AlertState.CLOSED and last.kind is not AlertKind.GATE_FLIP:
            return 1
        return 0 if last.severity is Severity.CRITICAL else 2 + _RANK[last.severity]

    @property
    def key(self) -> tuple[AlertKind, str]:
        """What it is about."""
        return self.alerts[-1].kind, self.alerts[-1].subject


_RANK: Final = {severity: place for place, severity in enumerate(Severity)}
_FLIPS: Final = {
    Outcome.GO: Severity.INFO,
    Outcome.HOLD: Severity.CRITICAL,
    Outcome.INCONCLUSIVE: Severity.MAJOR,
}


def step(state: WatchState, seen: Observed, limits: Limits) -> tuple[WatchState, list[Alert]]:
    """Take one look. A clock that went back creeps on: no two looks have one time, which is part of an alert's id."""
    at = max(seen.at, state.at + 1)
    standing = {(one.kind, one.subject): one for one in state.standing}
    outcomes = dict(state.outcomes)
    spoken = {(one.kind, one.subject): one for one in state.spoken if at - one.at < limits.repeat}
    words = [one for one in state.words if at - one < limits.window]

    due = [*_flips(seen, standing, outcomes, at), *_changes(seen, standing, spoken, limits, at)]
    said: list[Alert] = []
    held: Counter[AlertKind] = Counter()
    for one in sorted(due, key=lambda one: (one.order, one.key)):
        full = one.opens is not None and not one.closes and len(standing) >= MOST_OPEN
        if full or len(words) >= limits.ceiling:
            held[one.key[0]] += 1
            continue
        words += [at] * len(one.alerts)
        said += one.alerts
        if one.closes:
            standing.pop(one.key, None)
        if one.opens is not None:
            standing[one.key] = one.opens
            spoken[one.key] = Spoken(*one.key, at)
        if one.outcome is not None:
            outcomes[one.outcome[0]] = one.outcome[1]
    summed_at = state.summed_at
    if held and (not summed_at or at - summed_at >= limits.window):
        summed_at = at
        said.append(_summary(held, limits, at))
    after = WatchState(at, tuple(standing.values()), outcomes, tuple(spoken.values()), tuple(words), summed_at)
    return after, said


def _changes(
    seen: Observed,
    standing: Mapping[tuple[AlertKind, str], Standing],
    spoken: Mapping[tuple[AlertKind, str], Spoken],
    limits: Limits,
    at: Micros,
) -> Iterator[_Due]:
    so = {(one.kind, one.subject): one for one in conditions(seen, limits)}
    for key, one in so.items():
        if one.opens and key not in standing and key not in spoken:
            yield _opened(one, at)
    for key, open_ in standing.items():
        if key not in so and open_.kind is not AlertKind.GATE_FLIP:
            yield _Due((_closed(open_, _over(open_, seen), at),), closes=True)


def _flips(
    seen: Observed, standing: Mapping[tuple[AlertKind, str], Standing], outcomes: dict[str, str], at: Micros
) -> Iterator[_Due]:
    """What a cohort's verdict was first is no flip; a verdict that is flipped to GO leaves nothing to wait for."""
    for given in seen.verdicts:
        before = outcomes.setdefault(given.cohort, given.outcome)
        if before == given.outcome:
            continue
        told = (given.cohort, given.outcome)
        open_ = standing.get((AlertKind.GATE_FLIP, given.cohort))
        if given.outcome == Outcome.GO:
            shown = _flip(given, before, at) if open_ is None else open_
            alert = _closed(shown, f"it was {before}. {given.because}", at, f"{given.cohort}: GO")
            yield _Due((alert,), closes=True, outcome=told)
        else:
            opened = _flip(given, before, at)
            detail = f"it was {before}. {given.because}; what would change it: {given.change}"
            alerts: tuple[Alert, ...] = (_word(opened, detail, at),)
            if open_ is not None:
                alerts = (_closed(open_, f"the verdict is now {given.outcome}", at), *alerts)
            yield _Due(alerts, opens=opened, closes=open_ is not None, outcome=told)


def _flip(given: Given, before: str, at: Micros) -> Standing:
    gate = f", {given.first} first" if given.first else ""
    title = f"{given.cohort}: {given.outcome}{gate} (it was {before})"
    severity = _FLIPS[Outcome(given.outcome)]
    identity = alert_id(AlertKind.GATE_FLIP, given.cohort, at)
    return Standing(identity, AlertKind.GATE_FLIP, given.cohort, severity, title, "", at)


def _opened(one: Condition, at: Micros) -> _Due:
    identity = alert_id(one.kind, one.subject, at)
    standing = Standing(identity, one.kind, one.subject, one.severity, one.title, one.charger_id, at)
    return _Due((_word(standing, one.detail, at),), opens=standing)


def _word(one: Standing, detail: str, at: Micros) -> Alert:
    return Alert(
        one.id, one.kind, AlertState.OPEN, one.severity, one.charger_id, one.subject, one.title, detail, at, at
    )


def _closed(one: Standing, detail: str, at: Micros, title: str = "") -> Alert:
    said = title or f"over: {one.title}"
    return Alert(
        one.id,
        one.kind,
        AlertState.CLOSED,
        one.severity,
        one.charger_id,
        one.subject,
        said,
        detail,
        one.opened_at,
        at,
    )


def _over(one: Standing, seen: Observed) -> str:
    """Why an alert is closed."""
    if one.kind is AlertKind.CRITICAL_FINGERPRINT:
        cause = next((each for each in seen.causes if each.fingerprint == one.subject), None)
        if cause is None or not cause.open:
            return "withdrawn by later evidence, or no longer stored"
        return "acknowledged" if cause.acknowledged else f"{cause.state}: it has stopped occurring"
    return _OVER[one.kind]


_OVER: Final = {
    AlertKind.BLIND_TAP: "everything that is forwarded can be read again",
    AlertKind.SILENT_CHARGER: "it was heard of again, or is no longer known",
}


def _summary(held: Counter[AlertKind], limits: Limits, at: Micros) -> Alert:
    number = sum(held.values())
    kinds = ", ".join(f"{held[kind]} {kind.value}" for kind in sorted(held))
    return Alert(
        alert_id(AlertKind.HELD_BACK, FLEET, at),
        AlertKind.HELD_BACK,
        AlertState.CLOSED,
        Severity.MAJOR,
        "",
        FLEET,
        f"{number:,} more alerts held back",
        f"{kinds}; at most {limits.ceiling} are said in {limits.window // 60_000_000} minutes, the others follow",
        at,
        at,
        held_back=number,
    )
