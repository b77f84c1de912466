"""Cases of checked recordings, and the verdict."""

from typing import Any

import pytest

from demo.native import NativeScript
from demo.script import Script
from demo.traffic import Traffic
from diff.catalogue import CATALOGUE
from diff.certification import CHECKS
from diff.checking import CODES, Case, Checking, Outcome, exit_code, family_of
from diff.discrepancy import Severity
from diff.examined import Examined, Row
from diff.expected import Expected
from tests.diff.spoken import V16, discrepancy, examined


def _checked(script: Script, fail_on: Severity = Severity.MAJOR, *expected: Expected) -> Checking:
    checking = Checking(fail_on, expected)
    for one in examined(script.frames):
        checking.station("run.jsonl", one)
    checking.recording("run.jsonl", len(script.frames), [])
    return checking


def _cases(checking: Checking) -> dict[str, Case]:
    return {case.name: case for suite in checking.suites for case in suite.cases}


def _wrong() -> Script:
    return Script().boot().status(1, "Occupied")


def _expected(**more: Any) -> Expected:
    return Expected(**{"code": "schema.v16", "reason": "known", "finding": "T-1", **more})


@pytest.mark.parametrize(
    ("failed", "unexpected_pass", "code"),
    [(False, False, 0), (True, False, 1), (False, True, 3), (True, True, 1)],
)
def test_the_verdict_is_one_function(*, failed: bool, unexpected_pass: bool, code: int) -> None:
    """Its truth table: what is newly wrong comes before what is no longer wrong."""
    assert exit_code(failed=failed, unexpected_pass=unexpected_pass) == code


def test_every_code_and_check_is_a_case_in_a_family() -> None:
    """In the order of the catalogue, then the seven checks, then the recording."""
    checking = _checked(Script().boot())
    assert [case.name for case in checking.suites[0].cases] == list(CODES)
    assert len(CODES) == len(CATALOGUE) + len(CHECKS)
    assert {family_of(code) for code in CODES} == {"schema", "wire", "sequence", "certification"}
    assert [case.name for case in checking.suites[1].cases] == ["recording.readable"]


def test_a_finding_fails_its_case_and_the_check_that_it_hits() -> None:
    """Value, rule, frames and remedy are told."""
    checking = _checked(_wrong())
    cases = _cases(checking)
    failed = {name for name, case in cases.items() if case.outcome is Outcome.FAILED}
    assert failed == {"schema.v16", "certification.schema"}
    (failure,) = cases["schema.v16"].failures
    assert (failure.value, failure.count, failure.remedy) == ("Occupied", 1, CATALOGUE["schema.v16"].remedy)
    assert failure.path.startswith("StatusNotification.status:")
    assert len(failure.frames) == 1
    assert checking.code == 1


@pytest.mark.parametrize(("fail_on", "code"), [(Severity.CRITICAL, 0), (Severity.MAJOR, 1), (Severity.MINOR, 1)])
def test_the_threshold_decides_and_what_is_below_is_told(fail_on: Severity, code: int) -> None:
    """A major finding."""
    checking = _checked(_wrong(), fail_on)
    assert checking.code == code
    case = _cases(checking)["schema.v16"]
    assert (len(case.failures), len(case.told)) == ((1, 0) if code else (0, 1))


def test_minor_findings_fail_where_minor_is_asked_for() -> None:
    """keepalive.missed is minor, and so is the check that it hits."""
    script = Script().boot().ping().wait(100).close(1006)
    assert _checked(script).code == 0
    cases = _cases(_checked(script, Severity.MINOR))
    assert cases["keepalive.missed"].outcome is cases["certification.keepalive"].outcome is Outcome.FAILED


def test_expected_losses_fail_nothing() -> None:
    """What 2.0.1 cannot say of 1.6 is so on the best station too; it is told."""
    script = Script().boot().remote("SendLocalList", {"listVersion": 1, "updateType": "Full"}, "NotSupported")
    checking = _checked(script, Severity.MINOR)
    case = _cases(checking)["message.no-answer"]
    assert (case.outcome, len(case.told)) == (Outcome.PASSED, 1)


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ([_expected()], 0),  # the code excuses the check that it hits
        ([_expected(path="StatusNotification.*", charger="CP?")], 0),
        ([_expected(path="Heartbeat.*")], 1),
        ([_expected(charger="X*")], 1),
        ([_expected(code="certification.schema")], 1),
        ([_expected(), _expected(code="certification.schema")], 0),
        ([_expected(), _expected(code="meter.regression")], 3),
        ([_expected(code="meter.regression")], 1),
    ],
)
def test_expected_failures(expected: list[Expected], code: int) -> None:
    """A declared one fails nothing, and has to occur: otherwise it is an UNEXPECTED PASS."""
    assert _checked(_wrong(), Severity.MAJOR, *expected).code == code


def test_a_declared_failure_occurs_in_any_of_the_recordings() -> None:
    """Two recordings, one of which shows it; below the threshold counts as well."""
    checking = Checking(Severity.CRITICAL, [_expected(), _expected(code="meter.regression")])
    for script in (Script().boot(), _wrong()):
        for one in examined(script.frames):
            checking.station("r", one)
    assert checking.declared == [(_expected(), True), (_expected(code="meter.regression"), False)]
    assert [one.code for one in checking.unexpected_passes] == ["meter.regression"]


@pytest.mark.parametrize(("frames", "problems"), [(5, ["line 3: no frame"]), (0, [])])
def test_what_could_not_be_checked_is_an_error_that_nothing_excuses(frames: int, problems: list[str]) -> None:
    """A line that holds no frame, or a recording without any."""
    checking = Checking()
    checking.recording("run.jsonl", frames, problems)
    (case,) = checking.suites[0].cases
    assert case.outcome is Outcome.ERROR
    assert case.note
    assert checking.code == 1


def test_a_check_of_which_nothing_was_seen_is_skipped() -> None:
    """No facts of the device model: no pass."""
    assert _cases(_checked(Script().boot()))["certification.device-model"].outcome is Outcome.SKIPPED


def test_both_protocols_are_checked() -> None:
    """Native 2.0.1: rules and schemas."""
    cases = _cases(_checked(NativeScript().boot().status(1, "Charging")))
    assert cases["schema.v201"].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("code", "path", "shown"),
    [
        ("session.token", "idToken", False),
        ("schema.v16", "Authorize.idTag:maxLength", False),
        ("schema.v16", "StatusNotification.status:enum", True),
        ("schema.v201", "AuthorizeRequest.idToken.type:enum", False),
        ("session.authorization", "AuthorizeResponse.idTokenInfo.status:token-file", True),
    ],
)
def test_no_report_shows_a_token(code: str, path: str, *, shown: bool) -> None:
    """Values of tokens and secrets are replaced by their length; statuses stand."""
    one = Examined("CP1")
    one.rows = [Row(discrepancy(code=code, path=path, primary="SECRET", shadow=None, detail="'SECRET' is no"), V16)]
    checking = Checking()
    checking.station("r", one)
    case = _cases(checking)[code]
    (failure,) = case.failures
    assert ("SECRET" in f"{failure.value}{failure.detail}") is shown
    assert shown or failure.value == "a text of 6 characters"


def test_failures_of_a_case_are_bounded() -> None:
    """A hundred one by one, the others counted."""
    one = Examined("CP1")
    one.rows = [Row(discrepancy(id=str(n), path=f"A.{n:03}:type"), V16) for n in range(250)]
    checking = Checking()
    checking.station("r", one)
    case = _cases(checking)["schema.v16"]
    assert (len(case.failures), case.more) == (100, 150)


def test_a_clean_fleet_passes() -> None:
    """Twelve stations without faults: nothing fails, at the strictest threshold."""
    checking = Checking(Severity.MINOR)
    for one in examined(list(Traffic(seed=4, chargers=12, sessions_per_charger=2, fault_share=0))):
        checking.station("fleet.jsonl", one)
    assert checking.code == 0
    assert len(checking.suites) == 12
