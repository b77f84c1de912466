"""Lists of measurands: what 1.6 may list and 2.0.1 may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow import schema
from shadow.device_model.standard import ENUMERATIONS
from shadow.mapping.measurand_lists import measurand_list


def _measurands_of_16() -> list[str]:
    document = schema.read(schema.V16, "MeterValues", response=False)
    assert document is not None
    sample = document["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"]["properties"]
    return sample["measurand"]["enum"]


@pytest.mark.parametrize("name", _measurands_of_16())
def test_every_measurand_of_16_is_one_of_201_or_named(name: str) -> None:
    """Two of 22 are not: RPM and Temperature."""
    found, left_out = measurand_list(name)
    assert (found, bool(left_out)) == (("", True) if name in ("RPM", "Temperature") else (name, False))


@pytest.mark.parametrize("phase", ["L1", "N", "L3-N", "L2-L3"])
def test_a_phase_is_left_out_and_named(phase: str) -> None:
    """The measurand stays (1.6 §9.1.17)."""
    found, left_out = measurand_list(f"Current.Import.{phase}")
    assert (found, left_out) == (
        "Current.Import",
        (f"the phase of 'Current.Import.{phase}', which no member of 2.0.1 has",),
    )


def test_a_word_of_neither_version_stays() -> None:
    """It is a flaw of the value, and nothing is known that it loses; neither is a phase of it a phase."""
    assert measurand_list("Fan.L1,Energy.Active") == ("Fan.L1,Energy.Active", ())


def test_what_is_left_out_is_bounded() -> None:
    """The first eight are named and the rest is counted."""
    phases = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
    found, left_out = measurand_list(",".join(f"Voltage.{phase}" for phase in phases))
    assert found == "Voltage"
    assert (len(left_out), left_out[-1]) == (9, "2 more")


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(ENUMERATIONS["MeasurandEnumType"])).map(", ".join)))
def test_what_came_of_a_list_gives_itself(text: str) -> None:
    """Whatever text: members once each, and nothing more to leave out."""
    found, _ = measurand_list(text)
    assert measurand_list(found) == (found, ())
    members = [one for one in found.split(",") if one]
    assert len(members) == len(set(members))
