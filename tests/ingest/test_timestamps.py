"""Timestamps that real chargers send: each gives a time or None, with its flaw, and never an exception."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.timestamps import Flaw, format_micros, parse_stamp

NOON = 1_893_499_200_000_000
"""2030-01-01T12:00:00Z."""
EARLIEST = datetime(1, 1, 2)  # noqa: DTZ001 - hypothesis wants bounds without a zone
LATEST = datetime(9999, 12, 30)  # noqa: DTZ001 - as above


@pytest.mark.parametrize(
    ("text", "at", "flaw"),
    [
        ("2030-01-01T12:00:00Z", NOON, None),
        ("2030-01-01t12:00:00z", NOON, None),
        ("2030-01-01 12:00:00Z", NOON, None),
        (" 2030-01-01T12:00:00Z ", NOON, None),
        ("2030-01-01T12:00:00.5Z", NOON + 500_000, None),
        ("2030-01-01T12:00:00,123Z", NOON + 123_000, None),
        ("2030-01-01T12:00:00.123456789Z", NOON + 123_456, None),
        ("2030-01-01T14:00:00+02:00", NOON, None),
        ("2030-01-01T06:30:00-05:30", NOON, None),
        ("2030-01-01T12:00:00.659+00:00", NOON + 659_000, None),
        ("2030-01-01T11:59:60Z", NOON, None),  # a leap second
        ("2030-01-01T12:00:00", NOON, Flaw.NO_ZONE),
        ("2030-01-01T14:00:00+02", NOON, Flaw.NO_ZONE),
        ("2030-01-01T14:00:00+0200", NOON, Flaw.NO_ZONE),
        ("1970-01-01T00:00:01.120Z", 1_120_000, Flaw.EPOCH),
        ("2014-12-31T23:59:59Z", 1_420_070_399_000_000, Flaw.EPOCH),
        ("2000-00-00T00:00:00Z", None, Flaw.UNPARSEABLE),
        ("0000-00-00T00:00:00Z", None, Flaw.UNPARSEABLE),
        ("2030-02-30T00:00:00Z", None, Flaw.UNPARSEABLE),
        ("2030-01-01T24:00:00Z", None, Flaw.UNPARSEABLE),
        ("2030-01-01", None, Flaw.UNPARSEABLE),
        ("٢٠٣٠-01-01T12:00:00Z", None, Flaw.UNPARSEABLE),
        ("", None, Flaw.UNPARSEABLE),
        ("9999-12-31T23:59:59-14:00", None, Flaw.UNPARSEABLE),  # the year 10000 in UTC
        ("0001-01-01T00:00:00+14:00", None, Flaw.UNPARSEABLE),
    ],
)
def test_each_form_has_its_time_and_flaw(text: str, at: int | None, flaw: Flaw | None) -> None:
    """The forms of RFC 3339, and those that the field sends instead."""
    stamp = parse_stamp(text)
    assert (stamp.at, stamp.flaw) == (at, flaw)
    assert bool(stamp.detail) is (flaw is not None)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2030-01-01T12:00:00Z"),
        (NOON + 120_000, "2030-01-01T12:00:00.120Z"),
        (NOON + 1, "2030-01-01T12:00:00.000001Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62135596800000000, "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_with_the_decimals_they_need(at: int, text: str) -> None:
    """None, three or six."""
    assert format_micros(at) == text


@settings(deadline=None, max_examples=200)
@given(st.datetimes(EARLIEST, LATEST), st.integers(-14 * 60, 14 * 60))
def test_what_is_written_is_read_back(moment: datetime, minutes: int) -> None:
    """To the microsecond, in any zone."""
    at = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_stamp(format_micros(at)).at == at
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert parse_stamp(f"{moment.isoformat()}{zone}").at == at - minutes * 60_000_000


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d(:\d\d)?)?\n?"))
def test_reading_is_total_and_what_is_read_can_be_written(text: str) -> None:
    """No text raises; a time that was read has a form in UTC."""
    stamp = parse_stamp(text)
    assert (stamp.at is None) is (stamp.flaw is Flaw.UNPARSEABLE)
    if stamp.at is not None:
        assert parse_stamp(format_micros(stamp.at)).at == stamp.at
