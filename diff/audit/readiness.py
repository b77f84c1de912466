"""How ready the hardware is, as far as the wire shows it: measures against thresholds, with what they were taken over.

A measure over too little, or of what frames do not hold, is unknown and never good. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

import msgspec

from diff.audit.evidence import DAY, Evidence
from diff.audit.security import OLDEST_TLS, old_tls
from ingest.frame import UNKNOWN_TIME, Direction, Micros
from shadow.device_model.model import DeviceModel

__all__ = ["DEFAULT", "Measure", "Standing", "Thresholds", "day", "readiness", "seconds"]

_SECOND: Final[Micros] = 1_000_000
_EPOCH: Final = date(1970, 1, 1)
_DATE: Final = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)
_TOO_BIG: Final = "1009"
"""Close code of RFC 6455 §7.4.1: the message is too big to process."""
_LONGEST_KEY_VALUE: Final = 500
"""GetConfiguration.conf of 1.6 (§7.30): a value of this length may have been cut to it."""
_LIMIT_ERRORS: Final = frozenset(
    {"FormationViolation", "FormatViolation", "MessageTypeNotSupported", "OccurenceConstraintViolation",
     "OccurrenceConstraintViolation", "PropertyConstraintViolation", "RpcFrameworkError", "TypeConstraintViolation"}
)  # fmt: skip
"""CALLERROR codes with which a station says that it could not read what it was sent."""


class Thresholds(msgspec.Struct, frozen=True):
    """Beyond which a charging station is better kept on 1.6 for now, and over how much at least that is judged."""

    answer_p95: Micros = 10 * _SECOND
    least_answers: int = 20
    unanswered_permille: int = 50
    """Of the CSMS's commands; the last of a recording may still wait for its answer."""
    least_commands: int = 50
    lost_pings_permille: int = 50
    least_pings: int = 20
    reconnects_per_day: Decimal = Decimal(12)
    least_days: Decimal = Decimal(1)
    size_limits: int = 0
    firmware_days: int = 3 * 365


DEFAULT: Final = Thresholds()


class Standing(StrEnum):
    """How a measure stands to its threshold."""

    WITHIN = "within"
    BEYOND = "beyond"
    UNKNOWN = "unknown"


class Measure(msgspec.Struct, frozen=True):
    """One measure."""

    name: str
    value: str
    """Empty where it is unknown."""
    threshold: str
    n: int
    """What it was taken over: handshakes, answers, pings …"""
    standing: Standing
    note: str


def readiness(model: DeviceModel, evidence: Evidence, limits: Thresholds = DEFAULT) -> tuple[Measure, ...]:
    """Every measure, in a fixed order; those beyond their threshold are the reasons to keep a station on 1.6."""
    return tuple(measure(model, evidence, limits) for measure in _MEASURES)


def _tls_version(_model: DeviceModel, evidence: Evidence, _limits: Thresholds) -> Measure:
    name, threshold = "TLS version", f"{OLDEST_TLS} or above"
    versions = evidence.connections.tls
    told = sum(count.number for count in versions)
    if not told:
        note = "the tap was told of no TLS: there is none, or it ends before the tap"
        return _unknown(name, threshold, evidence.connections.opened, note)
    value = ", ".join(f"{count.name} ({count.number})" for count in versions)
    old = any(old_tls(count.name) for count in versions)
    return Measure(name, value, threshold, told, Standing.BEYOND if old else Standing.WITHIN, "handshakes")


def _tls_time(_model: DeviceModel, evidence: Evidence, _limits: Thresholds) -> Measure:
    note = "frames begin with the WebSocket upgrade, when TLS is agreed already: measure it at the TLS terminator"
    return _unknown("TLS handshake time", "none", evidence.connections.opened, note)


def _answers(_model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    name, threshold = "answer latency", f"p95 at most {seconds(limits.answer_p95)}"
    seen = evidence.latency
    if seen is None:
        return _unknown(name, threshold, 0, "the station was asked nothing")
    parts = (("p50", seen.p50), ("p95", seen.p95), ("p99", seen.p99), ("largest", seen.largest))
    value = ", ".join(f"{part} {seconds(took)}" for part, took in parts)
    return _judged(name, value, threshold, seen.n, limits.least_answers, "answers", beyond=seen.p95 > limits.answer_p95)


def _commands(_model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    rows = [row for row in evidence.actions if row.direction is Direction.CS_TO_CP]
    calls, answered = sum(row.calls for row in rows), sum(row.answered for row in rows)
    lost = max(calls - answered, 0)
    return _share(
        "commands without an answer", lost, calls, limits.unanswered_permille, limits.least_commands, "commands"
    )


def _pings(_model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    rows = [row for row in evidence.pings if row.direction is Direction.CS_TO_CP]
    sent, lost = sum(row.sent for row in rows), sum(row.unanswered for row in rows)
    return _share(
        "pings without a pong", lost, sent, limits.lost_pings_permille, limits.least_pings, "pings of the CSMS"
    )


def _reconnects(_model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    name, threshold = "reconnects", f"at most {limits.reconnects_per_day} a day"
    opened, span = evidence.connections.opened, evidence.last_at - evidence.first_at
    if not opened:
        return _unknown(name, threshold, 0, "no handshake was seen")
    again = opened - 1
    days = Decimal(span) / DAY
    if days < limits.least_days:
        note = f"{again} in {rounded(days)} days: less than {limits.least_days} is too little for a rate"
        return _unknown(name, threshold, opened, note)
    rate = Decimal(again) / days
    standing = Standing.BEYOND if rate > limits.reconnects_per_day else Standing.WITHIN
    note = f"handshakes in {rounded(days)} days; ended by {_closes(evidence)}"
    return Measure(name, f"{rounded(rate)} a day", threshold, opened, standing, note)


def _closes(evidence: Evidence) -> str:
    return (
        ", ".join(f"{count.name} ({count.number})" for count in evidence.connections.closes) or "no close that was seen"
    )


def _sizes(model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    name, threshold = "size limits hit", f"at most {limits.size_limits}"
    if not evidence.messages:
        return _unknown(name, threshold, 0, "no message was seen")
    closed = sum(count.number for count in evidence.connections.closes if count.name == _TOO_BIG)
    side = f"{Direction.CP_TO_CS.value} "
    refused = sum(count.number for count in evidence.errors if count.name.removeprefix(side) in _LIMIT_ERRORS)
    cut = sum(key.value is not None and len(key.value) >= _LONGEST_KEY_VALUE for key in model.keys)
    hits = closed + refused + cut
    sizes = ", ".join(f"{count.name} {count.number} bytes" for count in evidence.largest)
    note = (
        f"closed as too big {closed}, messages it could not read {refused},"
        f" key values of {_LONGEST_KEY_VALUE} characters {cut}; largest message {sizes}"
    )
    standing = Standing.BEYOND if hits > limits.size_limits else Standing.WITHIN
    return Measure(name, str(hits), threshold, evidence.messages, standing, note)


def _firmware(model: DeviceModel, evidence: Evidence, limits: Thresholds) -> Measure:
    name, threshold = "firmware age", f"at most {limits.firmware_days} days"
    seen = evidence.firmwares
    current = max(seen, key=lambda one: one.last_at).version if seen else model.firmware
    if not current:
        return _unknown(name, threshold, 0, "it named no firmware")
    if evidence.last_at == UNKNOWN_TIME:
        return _unknown(name, threshold, len(seen), f"{current}: the log has no times")
    today = _EPOCH + timedelta(days=evidence.last_at // DAY)
    built = _named(current, today)
    if built is not None:
        age, note = (today - built).days, f"{current}: its name says {built}"
    elif len(seen) > 1 and (since := next(one.first_at for one in seen if one.version == current)) > seen[0].first_at:
        age = (evidence.last_at - since) // DAY
        note = f"{current}: installed {day(since)} in the place of another; how old it was then is not known"
    else:
        return _unknown(name, threshold, len(seen), f"{current}: neither its name nor a change of it tells")
    standing = Standing.BEYOND if age > limits.firmware_days else Standing.WITHIN
    return Measure(name, f"{age} days", threshold, len(seen), standing, note)


def _named(version: str, today: date) -> date | None:
    """The date in a firmware's name, where it is one and is not to come."""
    for found in _DATE.finditer(version):
        try:
            built = date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError:  # the thirtieth of February
            continue
        if built <= today:
            return built
    return None


_MEASURES: Final[tuple[Callable[[DeviceModel, Evidence, Thresholds], Measure], ...]] = (
    _tls_version,
    _tls_time,
    _answers,
    _commands,
    _pings,
    _reconnects,
    _sizes,
    _firmware,
)


def _unknown(name: str, threshold: str, n: int, note: str) -> Measure:
    return Measure(name, "", threshold, n, Standing.UNKNOWN, note)


def _share(name: str, part: int, whole: int, permille: int, least: int, what: str) -> Measure:
    threshold = f"at most {rounded(Decimal(permille) / 10)} %"
    if not whole:
        return _unknown(name, threshold, 0, f"no {what} were seen")
    value = f"{part} of {whole} ({rounded(Decimal(100 * part) / whole)} %)"
    return _judged(name, value, threshold, whole, least, what, beyond=1000 * part > permille * whole)


def _judged(name: str, value: str, threshold: str, n: int, least: int, what: str, *, beyond: bool) -> Measure:
    if n < least:
        return Measure(name, value, threshold, n, Standing.UNKNOWN, f"{what}; fewer than {least} are too few to judge")
    return Measure(name, value, threshold, n, Standing.BEYOND if beyond else Standing.WITHIN, what)


def rounded(value: Decimal) -> str:
    """A figure for people, to one decimal."""
    return f"{value.quantize(Decimal('0.1'), ROUND_HALF_UP):f}"


def seconds(took: Micros) -> str:
    """A duration, exact to the millisecond."""
    return f"{Decimal(took // 1000) / 1000:f} s"


def day(at: Micros) -> str:
    """The UTC day of a time; empty where it is not known."""
    return "" if at == UNKNOWN_TIME else datetime.fromtimestamp(at // _SECOND, UTC).date().isoformat()
