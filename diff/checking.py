"""Recordings checked for a pipeline: cases that pass or fail, failures that are expected, and one verdict.

A case is one code of the catalogue, or one certification check, on one charging station of one recording. Failures
below the threshold, expected losses and what is declared as expected do not fail it, and are still told.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from diff.catalogue import CATALOGUE
from diff.certification import CHECKS, Check, Result, Struck, hits, verdict
from diff.discrepancy import Class, Discrepancy, Severity
from diff.examined import PROTOCOLS, Examined
from diff.expected import Expected

__all__ = [
    "CODES",
    "FINDINGS",
    "PASSED",
    "UNEXPECTED_PASS",
    "Case",
    "Checking",
    "Failure",
    "Outcome",
    "Suite",
    "exit_code",
    "family_of",
]

PASSED: Final = 0
FINDINGS: Final = 1
"""Something at or above the threshold that nobody expects, or something that could not be checked."""
UNEXPECTED_PASS: Final = 3
"""Nothing but passes, and a declared failure is among them. (2 is a command that could not begin as asked.)"""

CODES: Final = (*CATALOGUE, *(f"certification.{check.name}" for check in CHECKS))
"""Everything that a case is made for, and that may be declared."""

_RANK: Final = {severity: rank for rank, severity in enumerate(reversed(Severity))}
_MAX_FAILURES: Final = 100
"""Failures of a case that are told one by one; all are counted."""
_FAMILIES: Final = {"schema": "schema", "rpc": "wire", "tap": "wire", "keepalive": "wire", "rollout": "wire"}
_PRIVATE: Final = ("idtag", "idtoken", "emaid", "certificate", "password", "authorizationkey")
"""In a path: what stands there is a token or a secret."""


class Outcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """It could not be checked. Never excusable."""
    SKIPPED = "skipped"
    """Nothing of it was seen, so that nothing is said."""


class Failure(msgspec.Struct, frozen=True):
    """One thing that is wrong, without anything that belongs to a person."""

    code: str
    severity: Severity
    path: str
    value: str
    """What stood there."""
    rule: str
    """What was asked for."""
    detail: str
    frames: tuple[str, ...]
    count: int
    remedy: str
    expected: Expected | None = None
    """The declaration that excuses it."""


class Case(msgspec.Struct):
    """One code, or one check, on one charging station."""

    family: str
    name: str
    outcome: Outcome = Outcome.PASSED
    note: str = ""
    failures: list[Failure] = msgspec.field(default_factory=list)
    """Those that fail it, the first ones."""
    told: list[Failure] = msgspec.field(default_factory=list)
    """Those that do not: below the threshold, expected losses, or declared as expected."""
    more: int = 0
    """Further ones of either kind."""


class Suite(msgspec.Struct):
    """One charging station of one recording; or what concerns the recording itself."""

    recording: str
    charger_id: str
    properties: dict[str, str]
    cases: list[Case]


def family_of(code: str) -> str:
    """The kind of check: `schema`, `wire`, `certification`, and `sequence` for all that has an order."""
    head = code.partition(".")[0]
    return head if head == "certification" else _FAMILIES.get(head, "sequence")


def exit_code(*, failed: bool, unexpected_pass: bool) -> int:
    """The verdict. What is newly wrong is told before what is no longer wrong."""
    return _VERDICTS[failed, unexpected_pass]


_VERDICTS: Final = {
    (False, False): PASSED,
    (True, False): FINDINGS,
    (False, True): UNEXPECTED_PASS,
    (True, True): FINDINGS,
}


class Checking:
    """Makes the cases of any number of recordings and remembers which declared failures occurred."""

    def __init__(self, fail_on: Severity = Severity.MAJOR, expected: Sequence[Expected] = ()) -> None:
        self._fail_on = fail_on
        self._expected = tuple(expected)
        self._occurred: set[Expected] = set()
        self.suites: list[Suite] = []

    def station(self, recording: str, one: Examined) -> None:
        """Check one charging station of a recording."""
        cases = [self._code_case(code, one) for code in CATALOGUE]
        cases += [self._certification_case(check, one) for check in CHECKS]
        properties = {
            "charger": one.charger_id,
            "vendor": one.vendor,
            "model": one.model,
            "firmware": one.firmware,
            **{f"messages.{name}": str(one.counts[name].seen["messages"]) for name in PROTOCOLS},
            "authorizations.judged-by-tokens": str(one.judged_by_tokens),
            "authorizations.judged-by-mapping": str(one.judged_by_mapping),
        }
        self.suites.append(Suite(recording, one.charger_id, properties, cases))

    def recording(self, recording: str, frames: int, problems: Sequence[str]) -> None:
        """Tell how a recording could be read. What could not be checked is an error, and so is an empty recording."""
        problems = list(problems) or ([] if frames else ["it holds no frame: nothing was checked"])
        case = Case("recording", "recording.readable", Outcome.ERROR if problems else Outcome.PASSED)
        case.note = "\n".join(problems[:_MAX_FAILURES])
        case.more = max(len(problems) - _MAX_FAILURES, 0)
        self.suites.append(Suite(recording, "", {"frames": str(frames)}, [case]))

    @property
    def declared(self) -> list[tuple[Expected, bool]]:
        """Every declared failure and whether it occurred, in the order of the file."""
        return [(one, one in self._occurred) for one in self._expected]

    @property
    def unexpected_passes(self) -> list[Expected]:
        """Declared failures that occurred nowhere, in the order of the file."""
        return [one for one in self._expected if one not in self._occurred]

    @property
    def failed(self) -> bool:
        """Whether any case failed or could not be checked."""
        bad = (Outcome.FAILED, Outcome.ERROR)
        return any(case.outcome in bad for suite in self.suites for case in suite.cases)

    @property
    def code(self) -> int:
        """The exit code."""
        return exit_code(failed=self.failed, unexpected_pass=bool(self.unexpected_passes))

    def document(self) -> dict[str, Any]:
        """All of it as `check --json` prints it. The same recordings give the same document."""
        return {
            "fail_on": self._fail_on.value,
            "exit_code": self.code,
            "unexpected_passes": self.unexpected_passes,
            "suites": [
                {
                    "recording": suite.recording,
                    "charger_id": suite.charger_id,
                    "properties": suite.properties,
                    "cases": [
                        case
                        for case in suite.cases
                        if case.outcome is not Outcome.PASSED or case.told or case.family == "recording"
                    ],
                    "passed": sum(case.outcome is Outcome.PASSED for case in suite.cases),
                }
                for suite in self.suites
            ],
        }

    def _code_case(self, code: str, one: Examined) -> Case:
        case = Case(family_of(code), code)
        losses = CATALOGUE[code].class_ is Class.EXPECTED_LOSS
        for row in (row.discrepancy for row in one.rows if row.discrepancy.code == code):
            excuse = self._excuse(code, row.path, one.charger_id)
            failing = not losses and excuse is None and self._counts(row.severity)
            _put(case, _failure(row, excuse), failing=failing)
        return case

    def _certification_case(self, check: Check, one: Examined) -> Case:
        """A check that fails only by what is excused, or is below the threshold, does not fail its case."""
        name = f"certification.{check.name}"
        case = Case("certification", name, Outcome.SKIPPED)
        notes = []
        for protocol in PROTOCOLS:
            counts = one.counts[protocol]
            struck = list(hits(check, counts, [row for row in one.rows if row.protocol == protocol]))
            failing = sum(hit.count for hit in struck if not hit.partial)
            said = verdict(check, counts.seen, failing, sum(hit.count for hit in struck) - failing)
            if said.result is not Result.NOT_APPLICABLE:
                case.outcome = Outcome.PASSED if case.outcome is Outcome.SKIPPED else case.outcome
            if counts.seen["messages"]:
                notes.append(f"{protocol}: {said.result.value} {said.reason}".strip())
            for hit in struck:
                excuse = self._excuse_hit(name, hit, one.charger_id)
                bad = not hit.partial and excuse is None and self._counts(hit.severity)
                _put(case, _of_hit(hit, check.asks, excuse), failing=bad)
        case.note = "; ".join(notes) or "no message was seen"
        return case

    def _excuse_hit(self, name: str, hit: Struck, charger_id: str) -> Expected | None:
        """A check is excused by its own name, or where the code that hits it is."""
        place = f"{hit.code} {hit.path}".strip()
        own = None if hit.partial else self._excuse(name, place, charger_id)
        return own or self._excuse(hit.code, hit.path, charger_id)

    def _excuse(self, code: str, path: str, charger_id: str) -> Expected | None:
        fitting = [one for one in self._expected if one.fits(code, path, charger_id)]
        self._occurred.update(fitting)
        return fitting[0] if fitting else None

    def _counts(self, severity: Severity) -> bool:
        return _RANK[severity] >= _RANK[self._fail_on]


def _put(case: Case, failure: Failure, *, failing: bool) -> None:
    kept = case.failures if failing else case.told
    if failing:
        case.outcome = Outcome.FAILED
    if len(kept) < _MAX_FAILURES:
        kept.append(failure)
    else:
        case.more += 1


def _failure(row: Discrepancy, excuse: Expected | None) -> Failure:
    """A discrepancy, but nothing in it that names a person or opens a door: a report travels."""
    private = _is_private(row)
    value, rule = (_masked(text) if private else text or "" for text in (row.primary, row.shadow))
    return Failure(
        row.code,
        row.severity,
        row.path,
        value,
        rule,
        "" if private else row.detail,
        row.frames,
        row.occurrences,
        CATALOGUE[row.code].remedy,
        excuse,
    )


def _of_hit(hit: Struck, asks: str, excuse: Expected | None) -> Failure:
    remedy = CATALOGUE[hit.code].remedy if hit.code in CATALOGUE else ""
    return Failure(hit.code, hit.severity, hit.path, "", asks, "", (), hit.count, remedy, excuse)


def _is_private(row: Discrepancy) -> bool:
    """Whether its values are those of a token or a secret; statuses are none."""
    if row.code == "session.authorization":
        return False
    return row.code == "session.token" or any(word in row.path.lower() for word in _PRIVATE)


def _masked(text: str | None) -> str:
    return "" if text is None else f"a text of {len(text)} characters"
