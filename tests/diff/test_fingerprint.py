"""Fingerprints: one cause is one group, another cause another."""

import re
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diff.fingerprint import fingerprint, generalise


def group(
    code: str = "clock.no-zone",
    path: str = "StartTransaction.timestamp",
    charger: tuple[str, str, str] = ("Growatt", "THOR", "1.0"),
    found: str | None = None,
) -> str:
    """The id of the group that a discrepancy falls into."""
    return fingerprint(code, path, *charger, found=found)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2030-01-01T11:00:00", "2031-12-24T23:59:59"),
        ("-1", "2147483647"),
        ("3051.11", "12"),
        ("VV:1230", "VV:7"),
        ("00000000-0000-4000-8000-000000000001", "5c2d6e36-aaaa-4bbb-8ccc-0123456789ab"),
        ("AA:BB:CC:DD", "01:02:03:04"),
        ("TAGA0000000000000001", "04A1B2C3D4E5F6"),
        ("c2d6e36", "5c2d6e365"),
        ("transaction 7 of 1e5", "transaction 1771262029 of 2"),
        ("a\tb", "a  b"),
    ],
)
def test_values_that_vary_fall_into_one_group(one: str, other: str) -> None:
    """Times, ids and numbers are not causes."""
    assert group(found=one) == group(found=other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hz", "VV"), ("none", ""), ("", None), ("2030-01-01T11:00:00", "yesterday"), ("VV:1230", "1230"), ("L1", "N1")],
)
def test_values_of_another_shape_separate(one: str, other: str | None) -> None:
    """What is left after the numbers are taken out tells causes apart, and no value is not an empty one."""
    assert group(found=one) != group(found=other)


@pytest.mark.parametrize(
    "other",
    [
        group(code="clock.epoch"),
        group(path="StopTransaction.timestamp"),
        group(charger=("Huawei", "THOR", "1.0")),
        group(charger=("Growatt", "EON", "1.0")),
        group(charger=("Growatt", "THOR", "1.1")),
        group(charger=("Growatt", "", "THOR 1.0")),
    ],
)
def test_another_cause_separates(other: str) -> None:
    """Code, place, vendor, model and firmware each make another group."""
    assert group() != other


def test_index_in_the_path_is_no_cause() -> None:
    """The third sample breaks the rule that the first one breaks."""
    assert group(path="meterValue[0].sampledValue[3].unit") == group(path="meterValue[12].sampledValue[0].unit")


def test_separator_in_a_name_does_not_shift_the_parts() -> None:
    """Vendor and model cannot be made to look like another pair."""
    assert group(charger=("a\x1fb", "c", "d")) != group(charger=("a", "b\x1fc", "d"))


def test_id_is_stable() -> None:
    """Acknowledgements are keyed by it: a change of this value forgets all of them."""
    assert group(found="2030-01-01T11:00:00") == "7443a54cea89c843"


def test_title_reads_as_words() -> None:
    """Code, place, shape and charger, none of it in code notation."""
    title = fingerprint(
        "meter.unit-unknown", "MeterValues.unit", "Charge Amps", "Halo", "", found="50.01 Hz at 2030-01-01T10:00:00Z"
    )[1]
    assert title == "meter: unit unknown at MeterValues.unit, found '# Hz at date' (Charge Amps Halo, firmware unknown)"
    assert fingerprint("tap.gap", "", "", "", "")[1] == "tap: gap (unknown charger, firmware unknown)"


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text(), st.text(), st.text(), st.text(max_size=5000))
def test_any_text_gives_a_bounded_group(path: str, vendor: str, model: str, firmware: str, found: str) -> None:
    """Evidence is whatever stood on the wire; titles stay short and hold no ASCII digit of it."""
    identity, title = fingerprint("rpc.malformed", path, vendor, model, firmware, found=found)
    assert len(identity) == 16
    assert len(title) < 400
    assert not re.search("[0-9]", generalise(found, 60))


@settings(deadline=None, max_examples=200)
@given(
    st.tuples(st.integers(), st.integers()),
    st.tuples(st.datetimes(), st.datetimes()),
    st.tuples(st.uuids(), st.uuids()),
)
def test_any_two_numbers_dates_and_ids_have_one_shape(
    numbers: tuple[int, int], dates: tuple[datetime, datetime], ids: tuple[UUID, UUID]
) -> None:
    """Negative, early, of any length: they are taken out."""
    for one, other in (numbers, dates, ids):
        assert generalise(f"value {one}", 60) == generalise(f"value {other}", 60)
