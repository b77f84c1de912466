"""The seven certification failures that legacy code shows most, as named checks over what was observed.

A check is a row of a table: which codes, paths and rules hit it, and what has to be seen for it to say anything. Its
result is one of four. FAIL: something was asserted and disagreed. PARTIAL: nothing failed, and something could not be
judged, or is a guess; the reason says what. NOT APPLICABLE: nothing of it was seen, so that nothing is said. PASS: the
rest, beside the number of things that were looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec

from diff.catalogue import CATALOGUE
from diff.discrepancy import Severity
from diff.examined import PROTOCOLS, Counts, Examined, Row

__all__ = ["CHECKS", "Certification", "Check", "Hit", "Result", "Verdict", "hits", "verdict"]

_MAX_CHARGERS: Final = 50
"""Charging stations that are listed by name for one check; all are counted."""
_MAX_PLACES: Final = 200


class Result(StrEnum):
    """What a check says."""

    PASS = "PASS"  # noqa: S105 - a result, not a secret
    FAIL = "FAIL"
    PARTIAL = "PARTIAL"
    NOT_APPLICABLE = "NOT APPLICABLE"


class Hit(msgspec.Struct, frozen=True):
    """Discrepancies that a check counts: a code, and which paths of it."""

    code: str
    path: str = ""
    """A regular expression that is looked for in the path; empty: every path."""
    partial: bool = False
    """It is a guess, or does harm only to what follows: it fails no check."""


class Check(msgspec.Struct, frozen=True):
    """One of the seven."""

    number: int
    name: str
    """Stable: it stands in files of expected failures as `certification.NAME`."""
    asks: str
    seen: str
    """Of `Counts.seen`: how much was looked at. Where it is 0 the check is not applicable."""
    hits: tuple[Hit, ...]
    failing: tuple[str, ...] = ()
    """Of `Counts.noticed`."""
    partial: tuple[str, ...] = ()
    needs: str = ""
    """Of `Counts.seen`: without it the check can pass in part only."""
    lacking: str = ""
    """The reason to give then."""


_LIFE: Final = r"(:|^)TransactionEvent\.(eventType|seqNo|triggerReason|offline|transactionInfo)"
_TOKEN: Final = r"([iI]dTag|[iI]dToken)"  # noqa: S105 - the name of a field

CHECKS: Final[tuple[Check, ...]] = (
    Check(
        1,
        "lifecycle",
        "A transaction is told as Started, Updated, Ended with a triggerReason, and not as a start and a stop.",
        "events",
        (
            Hit("rule.v201", _LIFE),
            Hit("schema.v201", _LIFE),
            Hit("session.orphan-stop"),
            Hit("session.orphan-meter-values"),
            Hit("session.overlap"),
            Hit("session.never-ended"),
            Hit("session.duplicate-start"),
            Hit("session.misattributed"),
            Hit("session.missing-in-shadow"),
            Hit("session.after-end", partial=True),
            Hit("session.out-of-order", partial=True),
        ),
        failing=("TransactionEvent:illegal", "TransactionEvent:after-end"),
    ),
    Check(
        2,
        "idtoken",
        "An idToken is not empty, has at most 36 characters, is always written alike, and has a type that is known.",
        "tokens",
        (
            Hit("schema.v16", _TOKEN),
            Hit("schema.v201", _TOKEN),
            Hit("rule.v201", r"\.idToken"),
            Hit("session.token"),
        ),
        failing=("idToken:empty", "idToken:case"),
        partial=("idToken:type-guessed",),
    ),
    Check(
        3,
        "topology",
        "Station, EVSE and connector are three tiers that hold for all messages, and the station says what it is.",
        "boots",
        (
            Hit("topology.unknown-connector"),
            Hit("topology.ambiguous", partial=True),
            Hit("rule.v201", r"\.evse"),
            Hit("schema.v16", r"^(BootNotification\.|[A-Za-z]+\.(conf\.)?connectorId)"),
            Hit("schema.v201", r"^BootNotification\.|\.evse|connectorId"),
        ),
        failing=("chargingStation.vendorName:absent", "chargingStation.model:absent"),
        partial=("chargingStation.serialNumber:absent", "chargingStation.firmwareVersion:absent"),
        needs="places",
        lacking="no message named an EVSE",
    ),
    Check(
        4,
        "device-model",
        "The variables that 2.0.1 requires of a charging station are there.",
        "inventories",
        (Hit("device.missing-variable"),),
    ),
    Check(
        5,
        "data-transfer",
        "What 2.0.1 has a message or a variable for does not travel in a DataTransfer.",
        "requests",
        (
            Hit("vendor.data-transfer", partial=True),
            Hit("schema.v16", r"^DataTransfer\."),
            Hit("schema.v201", r"^DataTransfer(Response)?\."),
            Hit("rpc.unanswered", r"\.DataTransfer$"),
            Hit("rpc.call-error", r"\.DataTransfer$"),
        ),
        failing=("DataTransfer:refused",),
        partial=("DataTransfer:used",),
    ),
    Check(
        6,
        "keepalive",
        "Connections are kept alive by pings that are answered, and do not flap.",
        "connections",
        (Hit("keepalive.missed"),),
        needs="pings",
        lacking="no ping was seen: nobody pings, or the recording holds none",
    ),
    Check(
        7,
        "schema",
        "Every message has the members that are required, of the length, type and list of values that are allowed.",
        "messages",
        (Hit("schema.v16"), Hit("schema.v201")),
    ),
)


class Struck(msgspec.Struct, frozen=True):
    """One thing that hit a check."""

    code: str
    """A code of the catalogue, or a rule of `Counts.noticed`."""
    path: str
    count: int
    severity: Severity
    partial: bool


class Verdict(msgspec.Struct):
    """What a check says of some traffic in one protocol."""

    result: Result
    reason: str
    seen: int
    """The denominator: how many of `Check.seen` were looked at."""
    hits: int


def hits(check: Check, counts: Counts, rows: list[Row]) -> Iterator[Struck]:
    """What hits a check, of one charging station and one protocol."""
    for one in (row.discrepancy for row in rows):
        for hit in check.hits:
            if hit.code == one.code and (not hit.path or re.search(hit.path, one.path)):
                yield Struck(one.code, one.path, one.occurrences, one.severity, hit.partial)
                break
    for rules, partial in ((check.failing, False), (check.partial, True)):
        for rule in rules:
            if counts.noticed[rule]:
                severity = Severity.MINOR if partial else Severity.MAJOR
                yield Struck(rule, "", counts.noticed[rule], severity, partial)


def verdict(check: Check, seen: Counter[str], failing: int, partial: int) -> Verdict:
    """The result, from how much was seen and how often the check was hit; a hit fails however little was seen."""
    looked = seen[check.seen]
    if failing:
        return Verdict(Result.FAIL, "", looked, failing)
    if not looked:
        return Verdict(Result.NOT_APPLICABLE, f"no {_NAMES[check.seen]} seen", 0, 0)
    if partial:
        return Verdict(Result.PARTIAL, _NO_FAILURE, looked, partial)
    if check.needs and not seen[check.needs]:
        return Verdict(Result.PARTIAL, check.lacking, looked, 0)
    return Verdict(Result.PASS, "", looked, 0)


_NO_FAILURE: Final = "what was found is a guess, or does not fail the check by itself"
_NAMES: Final = {
    "boots": "BootNotification",
    "connections": "connection",
    "events": "TransactionEvent",
    "inventories": "answer with all keys, or full report,",
    "messages": "message",
    "requests": "request",
    "tokens": "idToken",
}


class _Tally:
    """One check in one protocol over all charging stations."""

    def __init__(self) -> None:
        self.failing = self.partial = 0
        self.chargers: dict[str, None] = {}
        self.struck_chargers = 0
        self.kinds: dict[tuple[str, str, str], Counter[str]] = {}
        self.places: dict[tuple[str, str], Counter[str]] = {}

    def take(self, one: Examined, struck: list[Struck]) -> None:
        if not struck:
            return
        self.struck_chargers += 1
        if len(self.chargers) < _MAX_CHARGERS:
            self.chargers[one.charger_id] = None
        kind = self.kinds.setdefault((one.vendor, one.model, one.firmware), Counter())
        kind["chargers"] += 1
        for code, path in {(hit.code, hit.path) for hit in struck}:
            if (code, path) in self.places or len(self.places) < _MAX_PLACES:
                self.places.setdefault((code, path), Counter())["chargers"] += 1
        for hit in struck:
            kind["hits"] += hit.count
            if (hit.code, hit.path) in self.places:
                self.places[hit.code, hit.path]["hits"] += hit.count
            if hit.partial:
                self.partial += hit.count
            else:
                self.failing += hit.count


class Certification:
    """The seven checks over any number of charging stations, each taken once. Bounded."""

    def __init__(self) -> None:
        self.chargers = 0
        self.judged_by_tokens = self.judged_by_mapping = 0
        self.let_go = 0
        self._seen: dict[str, Counter[str]] = {name: Counter() for name in PROTOCOLS}
        self._tallies = {(check.number, name): _Tally() for check in CHECKS for name in PROTOCOLS}

    def take(self, one: Examined) -> None:
        """Add one charging station."""
        self.chargers += 1
        self.let_go += one.let_go
        self.judged_by_tokens += one.judged_by_tokens
        self.judged_by_mapping += one.judged_by_mapping
        for name in PROTOCOLS:
            counts = one.counts[name]
            rows = [row for row in one.rows if row.protocol == name]
            self._seen[name].update(counts.seen)
            for check in CHECKS:
                self._tallies[check.number, name].take(one, list(hits(check, counts, rows)))

    def verdict(self, check: Check, protocol: str) -> Verdict:
        """What a check says so far."""
        tally = self._tallies[check.number, protocol]
        return verdict(check, self._seen[protocol], tally.failing, tally.partial)

    def document(self) -> dict[str, Any]:
        """All of it as `certification --json` prints it; the same traffic gives the same document."""
        return {
            "chargers": self.chargers,
            "discrepancies_let_go": self.let_go,
            "authorizations": {"judged_by_tokens": self.judged_by_tokens, "judged_by_mapping": self.judged_by_mapping},
            "messages": {name: self._seen[name]["messages"] for name in PROTOCOLS},
            "checks": [
                {
                    "number": check.number,
                    "name": check.name,
                    "asks": check.asks,
                    "codes": sorted({hit.code for hit in check.hits}),
                    "protocols": {name: self._row(check, name) for name in PROTOCOLS},
                }
                for check in CHECKS
            ],
        }

    def _row(self, check: Check, protocol: str) -> dict[str, Any]:
        tally, said = self._tallies[check.number, protocol], self.verdict(check, protocol)
        return {
            "result": said.result.value,
            "reason": said.reason,
            "seen": said.seen,
            "seen_what": _NAMES[check.seen],
            "hits": said.hits,
            "chargers_hit": tally.struck_chargers,
            "chargers": sorted(tally.chargers),
            "kinds": [
                {"vendor": vendor, "model": model, "firmware": firmware, **counted}
                for (vendor, model, firmware), counted in sorted(tally.kinds.items())
            ],
            "found": [
                {"code": code, "path": path, "in_catalogue": code in CATALOGUE, **counted}
                for (code, path), counted in sorted(tally.places.items())
            ],
        }
