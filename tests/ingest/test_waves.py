"""Waves: sticky shares of a fleet."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.enrolment import Enrolment, EnrolmentError, parse_rules
from ingest.waves import Candidate, Scope, joins_at, place_of, within

FLEET = [f"CP-{number:05d}" for number in range(5_000)]


def test_a_share_is_what_it_says() -> None:
    """Ten per cent of a fleet are ten per cent of it, in each series others, and always the same."""
    pilot = {one for one in FLEET if within(one, "pilot", Decimal(10))}
    other = {one for one in FLEET if within(one, "other", Decimal(10))}
    assert 400 < len(pilot) < 600
    assert len(pilot & other) < 120
    assert place_of("CP-00042", "pilot") == 4410


@given(st.text(max_size=40), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_wave_only_grows(charger_id: str, one: Decimal, other: Decimal) -> None:
    """Whoever is in a wave is in every larger one; nobody is in 0 %, everybody in 100 %."""
    small, large = sorted((one, other))
    assert within(charger_id, "w", small) <= within(charger_id, "w", large)
    assert not within(charger_id, "w", Decimal(0))
    assert within(charger_id, "w", Decimal(100))


def test_who_joins_when() -> None:
    """The percentage that is told is the least that holds a station; scopes are by site, vendor, model and firmware."""
    fleet = [Candidate(one, "ACME", "One" if one.endswith("7") else "Two", "1.0") for one in FLEET[:200]]
    joining = joins_at(fleet, "pilot", Scope(sites=("CP-000*",), model="One"))
    assert {one.charger_id for _, one in joining} == {one for one in FLEET[:100] if one.endswith("7")}
    assert [at for at, _ in joining] == sorted(at for at, _ in joining)
    for at, one in joining:
        assert within(one.charger_id, "pilot", at)
        assert not within(one.charger_id, "pilot", at - Decimal("0.01"))
    assert joins_at([Candidate("CP-1")], "pilot", Scope(firmware="1.*")) == []


def test_waves_of_an_enrolment_file() -> None:
    """A tap enrols the share by itself; exclusions are stronger, and 101 % are refused with the line."""
    text = 'exclude = ["CP-00001"]\n[[wave]]\nname = "pilot"\npercent = {}\nchargers = ["CP-0000*"]\n'
    enrolment = Enrolment(parse_rules(text.format(100)))
    enrolled = [one for one in FLEET if enrolment.decide(one).enrolled]
    assert enrolled == [one for one in FLEET[:10] if one != "CP-00001"]
    part = Enrolment(parse_rules(text.format(40)))
    assert {one for one in FLEET if part.decide(one).enrolled} == {
        one for one in enrolled if within(one, "pilot", Decimal(40))
    }
    with pytest.raises(EnrolmentError, match="line 2"):
        parse_rules(text.format(101))
