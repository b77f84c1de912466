"""Checked recordings as JUnit XML, as every CI system reads it: a suite for each charging station of each recording.

The strictest of the common schemas is kept to: a test case has one failure, error or skip at most, then its output, and
the counts of a suite are those of its cases. No time stands in it, so that the same recordings give the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from diff.checking import Case, Checking, Failure, Outcome, Suite

__all__ = ["junit"]

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) cannot hold in any way."""
_COUNTED: Final = {Outcome.FAILED: "failures", Outcome.ERROR: "errors", Outcome.SKIPPED: "skipped"}
_LONGEST: Final = 2000


def junit(checking: Checking) -> bytes:
    """The whole report."""
    root = Element("testsuites", {"name": "shadow-csms check"})
    total: Counter[str] = Counter()
    for number, suite in enumerate(checking.suites):
        total.update(_suite(root, number, suite))
    if checking.declared:
        total.update(_declared(root, len(checking.suites), checking))
    _counts(root, total)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _suite(root: Element, number: int, suite: Suite) -> Counter[str]:
    name = f"{suite.recording} / {suite.charger_id}" if suite.charger_id else suite.recording
    element = SubElement(root, "testsuite", {"id": str(number), "name": _text(name)})
    properties = SubElement(element, "properties")
    for key, value in suite.properties.items():
        SubElement(properties, "property", {"name": key, "value": _text(value)})
    counted = Counter(tests=len(suite.cases))
    for case in suite.cases:
        _case(element, case)
        if case.outcome in _COUNTED:
            counted[_COUNTED[case.outcome]] += 1
    _counts(element, counted)
    return counted


def _case(parent: Element, case: Case) -> None:
    attributes = {"classname": f"shadow-csms.{case.family}", "name": case.name, "time": "0"}
    element = SubElement(parent, "testcase", attributes)
    match case.outcome:
        case Outcome.FAILED:
            worst = case.failures[0]
            found = sum(failure.count for failure in case.failures)
            message = f"{case.name}: {found} found, {worst.severity.value}"
            body = SubElement(element, "failure", {"message": message, "type": case.name})
            body.text = _text("\n\n".join(_lines(case.failures, case.more)))
        case Outcome.ERROR:
            body = SubElement(element, "error", {"message": "could not be checked", "type": case.name})
            body.text = _text(case.note)
        case Outcome.SKIPPED:
            SubElement(element, "skipped", {"message": _text(case.note)})
        case Outcome.PASSED:
            pass
    output = [case.note] if case.note and case.outcome in (Outcome.PASSED, Outcome.FAILED) else []
    output += _lines(case.told, 0 if case.failures else case.more)
    if output:
        SubElement(element, "system-out").text = _text("\n\n".join(output))


def _lines(failures: Iterable[Failure], more: int) -> list[str]:
    """Each failure as a few lines: value, rule, frames, remedy."""
    found = [_failure(failure) for failure in failures]
    return [*found, f"and {more} more"] if more else found


def _failure(failure: Failure) -> str:
    excuse = failure.expected
    parts = {
        "path": failure.path,
        "value": failure.value,
        "rule": failure.rule,
        "detail": failure.detail,
        "frames": ", ".join(failure.frames),
        "what to do": failure.remedy,
        "expected": "" if excuse is None else f"{excuse.reason} ({excuse.finding or excuse.owner})",
    }
    head = f"{failure.code} ({failure.severity.value}), found {failure.count} times"
    return "\n".join([head, *(f"  {name}: {text[:_LONGEST]}" for name, text in parts.items() if text)])


def _declared(root: Element, number: int, checking: Checking) -> Counter[str]:
    """The declared failures: one that did not occur fails."""
    element = SubElement(root, "testsuite", {"id": str(number), "name": "expected failures"})
    counted = Counter(tests=len(checking.declared))
    for expected, occurred in checking.declared:
        attributes = {"classname": "shadow-csms.expected", "name": _text(expected.label), "time": "0"}
        case = SubElement(element, "testcase", attributes)
        if not occurred:
            counted["failures"] += 1
            failure = SubElement(case, "failure", {"message": "UNEXPECTED PASS", "type": "expected"})
            failure.text = _text(f"declared ({expected.reason}) and found nowhere: take it out of the file")
    _counts(element, counted)
    return counted


def _counts(element: Element, counted: Counter[str]) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        element.set(name, str(counted[name]))
    element.set("time", "0")


def _text(text: str) -> str:
    """Without what XML cannot hold: such a character is shown as U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)
