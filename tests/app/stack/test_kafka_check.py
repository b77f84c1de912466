"""The summary of kafka-check is that of pytest's own report."""

from pathlib import Path

import pytest

from app.stack.kafka_check import Counts, counts

SUITE = '<testsuite name="pytest" errors="{}" failures="{}" skipped="{}" tests="{}" />'


@pytest.mark.parametrize(
    ("errors", "failures", "skipped", "tests", "expected"),
    [
        (0, 0, 0, 7, "7 passed, 0 failed, 0 skipped"),
        (1, 2, 3, 10, "4 passed, 3 failed, 3 skipped"),
        (0, 0, 0, 0, "0 passed, 0 failed, 0 skipped"),
    ],
)
def test_the_summary_counts_errors_as_failures(
    tmp_path: Path, errors: int, failures: int, skipped: int, tests: int, expected: str
) -> None:
    """What is neither failed nor skipped has passed."""
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites>{SUITE.format(errors, failures, skipped, tests)}</testsuites>")
    assert str(counts(report)) == expected


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite"])
def test_a_report_that_cannot_be_read_is_a_failure(tmp_path: Path, text: str | None) -> None:
    """A run that ended before its report was whole has not passed."""
    report = tmp_path / "report.xml"
    if text is not None:
        report.write_text(text)
    assert counts(report) == Counts(0, 1, 0)
