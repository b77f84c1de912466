"""JUnit XML: what its common schemas ask for, whatever stands in the failures."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.script import Script
from diff.checking import Checking
from diff.discrepancy import Severity
from diff.examined import Examined, Row
from diff.expected import Expected
from diff.junit import junit
from tests.diff.spoken import V16, discrepancy, examined

_ONCE = ("skipped", "error", "failure")


def _valid(root: Element) -> None:
    """The rules of the usual schema (testsuites > testsuite > properties?, testcase*), counts included."""
    assert root.tag == "testsuites"
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.attrib.keys() >= {"name", "tests", "failures", "errors", "skipped", "time"}
        tags = [child.tag for child in suite]
        assert tags == ["properties"] * tags.count("properties") + ["testcase"] * tags.count("testcase")
        assert tags.count("properties") <= 1
        for item in suite.iterfind("properties/property"):
            assert item.attrib.keys() == {"name", "value"}
        counted = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for case in suite.iterfind("testcase"):
            assert case.attrib.keys() == {"name", "classname", "time"}
            parts = [child.tag for child in case]
            assert sum(parts.count(tag) for tag in _ONCE) <= 1
            assert [tag for tag in parts if tag == "system-out"] == parts[1 if parts and parts[0] in _ONCE else 0 :]
            counted["tests"] += 1
            for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
                counted[name] += parts.count(tag)
            for body in (*case.iterfind("failure"), *case.iterfind("error")):
                assert body.attrib.keys() == {"message", "type"}
        assert {name: int(suite.attrib[name]) for name in counted} == counted
        for name in totals:
            totals[name] += counted[name]
    assert {name: int(root.attrib[name]) for name in totals} == totals
    names = [suite.attrib["name"] for suite in root]
    assert len(names) == len(set(names))


def _report(*expected: Expected) -> Checking:
    checking = Checking(Severity.MAJOR, expected)
    script = Script().boot().status(1, "Occupied").authorize("A" * 25).call("Heartbeat", {}).refuse("InternalError")
    for one in examined(script.frames):
        checking.station("run.jsonl", one)
    checking.recording("run.jsonl", len(script.frames), ["run.jsonl, line 3: no frame"])
    return checking


def test_a_report_with_everything_follows_the_schema() -> None:
    """Failures, errors, skips, output, and a declared failure that did not occur."""
    root = fromstring(junit(_report(Expected("meter.regression", "known", finding="T-1"))))
    _valid(root)
    (stale,) = root.iterfind("testsuite[@name='expected failures']/testcase/failure")
    assert stale.attrib["message"] == "UNEXPECTED PASS"
    (failure,) = root.iterfind(".//testcase[@name='schema.v16']/failure")
    assert "Occupied" in (failure.text or "")
    assert "what to do: Report path, rule and value" in (failure.text or "")
    assert "frames: CP1@0/3" in (failure.text or "")
    assert "line 3: no frame" in (root.find(".//testcase[@name='recording.readable']/error").text or "")  # type: ignore[union-attr]


def test_what_is_declared_is_told_with_its_reason() -> None:
    """It passes, and its output says why."""
    root = fromstring(junit(_report(Expected("schema.v16", "corrected in 1.1", finding="T-1"))))
    _valid(root)
    case, declared = root.iterfind(".//testcase[@name='schema.v16']")
    assert (declared.attrib["classname"], list(declared)) == ("shadow-csms.expected", [])
    assert case.find("failure") is None
    assert "expected: corrected in 1.1 (T-1)" in (case.findtext("system-out") or "")


def test_no_token_stands_in_it() -> None:
    """Neither as it was sent nor as a pseudonym of it."""
    assert b"AAAA" not in junit(_report())


def test_the_same_recordings_give_the_same_bytes() -> None:
    """No time, no order of chance."""
    assert junit(_report()) == junit(_report())


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_stand_in_it(charger: str, value: str, path: str) -> None:
    """Markup is escaped; what XML cannot hold is shown as U+FFFD."""
    one = Examined(charger)
    one.rows = [Row(discrepancy(path=path, primary=value, detail=value), V16)]
    checking = Checking()
    checking.station(f"{path}.jsonl", one)
    _valid(fromstring(junit(checking)))


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\ufffe", "\ud800", "]]>", "<a&b>"])
def test_texts_that_break_xml(text: str) -> None:
    """Control characters, surrogates and markup in a value."""
    one = Examined("CP1")
    one.rows = [Row(discrepancy(primary=text), V16)]
    checking = Checking()
    checking.station("r", one)
    _valid(fromstring(junit(checking)))
