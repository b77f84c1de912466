"""Tariffs of OCPI 2.2.1 applied: the worked examples of the specification, restrictions, bounds, VAT and rounding."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from diff.tariff.book import parse_book
from diff.tariff.pricing import Cost, price
from diff.tariff.profile import Segment, of_record, of_session
from diff.tariff.tariff import TariffError, read_tariff
from ingest.records.ocpi import read_ocpi
from ingest.timestamps import parse_stamp

MINUTE = 60_000_000
HOUR = 60 * MINUTE
UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MORNING = parse_stamp("2026-06-01T08:00:00Z").at or 0
"""A Monday."""
FIVE_PM = parse_stamp("2026-06-01T17:00:00Z").at or 0


def _component(kind: str, amount: str, step: int = 1, vat: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "price": Decimal(amount), "step_size": step}
    return found if vat is None else {**found, "vat": Decimal(vat)}


def _element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    element: dict[str, Any] = {"price_components": list(components)}
    return {**element, "restrictions": restrictions} if restrictions else element


def _cost(elements: list[dict[str, Any]], segments: list[Segment], zone: Any = UTC, **more: Any) -> Decimal:
    return price(read_tariff({"id": "t", "currency": "EUR", "elements": elements, **more}), segments, zone).excl


def _charging(minutes: int, wh: int = 0, at: int = MORNING) -> list[Segment]:
    return of_session(at, at + minutes * MINUTE, Decimal(wh))


def _then_parking(charged: int, parked: int, wh: int = 0) -> list[Segment]:
    stop = MORNING + (charged + parked) * MINUTE
    return of_session(MORNING, stop, Decimal(wh), [(MORNING, True), (MORNING + charged * MINUTE, False)])


# -- worked examples of OCPI 2.2.1 §10.3.1 (step_size) ----------------------------------------------------------------


def test_charging_time_is_not_rounded_where_parking_follows() -> None:
    """21 minutes of charging and 16 of parking at steps of 10 are 21 and 20: 41 minutes in all."""
    tariff = [_element(_component("TIME", "1.00", 600), _component("PARKING_TIME", "2.00", 600))]
    assert _cost(tariff, _then_parking(21, 16)) == Decimal("1.02")  # 0.35 + 0.6667


def test_parking_is_rounded_by_its_own_step() -> None:
    """21 minutes of charging, 7 of parking, steps of 5 minutes: 21 and 10."""
    tariff = [_element(_component("TIME", "6.00", 300), _component("PARKING_TIME", "6.00", 300))]
    assert _cost(tariff, _then_parking(21, 7)) == Decimal("3.10")


def test_energy_is_rounded_on_its_total_at_the_last_price() -> None:
    """4.3 kWh before 17:00 and 1.1 kWh after it are 5.4 kWh, billed as 5.5: not as 4.5 and 1.5."""
    tariff = [
        _element(_component("ENERGY", "0.20", 500), end_time="17:00"),
        _element(_component("ENERGY", "0.27", 500), start_time="17:00"),
    ]
    before = Segment(Fraction(FIVE_PM - HOUR), Fraction(HOUR), Fraction(4300), charging=True)
    after = Segment(Fraction(FIVE_PM), Fraction(HOUR), Fraction(1100), charging=True)
    assert _cost(tariff, [before, after]) == Decimal("1.18")  # 4.3 at 0.20 and 1.2 at 0.27: 1.184


def test_time_is_rounded_on_its_total_at_the_last_price() -> None:
    """6 minutes before 17:00 and 22 after it are 28, billed as 30: 24 at the later price."""
    tariff = [
        _element(_component("TIME", "5", 600), end_time="17:00"),
        _element(_component("TIME", "7", 600), start_time="17:00"),
    ]
    assert _cost(tariff, _charging(28, at=FIVE_PM - 6 * MINUTE)) == Decimal("3.30")


# -- dimensions, VAT, bounds and rounding ----------------------------------------------------------------------------


def test_every_dimension_has_its_unit() -> None:
    """KWh, hours of charging, hours of parking, and once."""
    tariff = [
        _element(
            _component("ENERGY", "0.25"),
            _component("TIME", "1.20"),
            _component("PARKING_TIME", "3.00"),
            _component("FLAT", "0.50"),
        )
    ]
    assert _cost(tariff, _then_parking(30, 20, 10_000)) == Decimal("2.50") + Decimal("0.60") + 1 + Decimal("0.50")


def test_vat_is_that_of_each_component() -> None:
    """20 % on energy, 10 % on time: and the total is rounded, not the parts."""
    tariff = read_tariff(
        {
            "currency": "EUR",
            "elements": [_element(_component("ENERGY", "0.333", 1, "20"), _component("TIME", "1", 1, "10"))],
        }
    )
    assert price(tariff, _charging(30, 1000)) == Cost(Decimal("0.83"), Decimal("0.95"), "EUR")


@pytest.mark.parametrize(("currency", "shown"), [("EUR", "0.13"), ("JPY", "0"), ("KWD", "0.125")])
def test_totals_are_rounded_half_up_to_the_currencys_smallest_unit(currency: str, shown: str) -> None:
    """Cents, whole yen, a thousandth of a dinar."""
    tariff = read_tariff({"currency": currency, "elements": [_element(_component("ENERGY", "0.125"))]})
    assert str(price(tariff, _charging(60, 1000)).excl) == shown


def test_minimum_and_maximum_bound_the_whole() -> None:
    """The VAT keeps its share where the bound names none with it."""
    element = _element(_component("ENERGY", "1", 1, "20"))
    given = {"currency": "EUR", "elements": [element], "min_price": {"excl_vat": 2}, "max_price": {"excl_vat": 5}}
    tariff = read_tariff(given)
    costs = [price(tariff, _charging(60, wh)) for wh in (1000, 3000, 9000)]
    assert [(one.excl, one.incl) for one in costs] == [
        (Decimal(2), Decimal("2.40")),
        (Decimal(3), Decimal("3.60")),
        (Decimal(5), Decimal("6.00")),
    ]
    assert price(read_tariff({**given, "min_price": {"excl_vat": 2, "incl_vat": 3}}), []).incl == 3


# -- restrictions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restrictions", "expected"),
    [
        ({"start_time": "09:00", "end_time": "18:00"}, "1"),
        ({"start_time": "08:30"}, "0.5"),
        ({"end_time": "08:15"}, "0.25"),
        ({"start_time": "22:00", "end_time": "08:30"}, "0.5"),
        ({"start_time": "00:00", "end_time": "24:00"}, "1"),
        ({"day_of_week": ["MONDAY", "TUESDAY"]}, "1"),
        ({"day_of_week": ["SUNDAY"]}, "0"),
        ({"start_date": "2026-06-01", "end_date": "2026-06-02"}, "1"),
        ({"end_date": "2026-06-01"}, "0"),
        ({"min_duration": 900}, "0.75"),
        ({"max_duration": 900}, "0.25"),
        ({"min_kwh": 8}, "0.2"),
        ({"max_kwh": 8}, "0.8"),
        ({"min_kwh": 2, "max_kwh": 8, "max_duration": 1800}, "0.3"),
        ({"reservation": "RESERVATION"}, "0"),
    ],
)
def test_an_element_holds_where_all_its_restrictions_do(restrictions: Mapping[str, Any], expected: str) -> None:
    """One hour from 08:00 with 10 kWh, one unit an hour: the share of it in which the element holds."""
    offset = 60 if restrictions.get("start_time") == "09:00" else 0
    segments = _charging(60, 10_000, at=MORNING + offset * MINUTE)
    assert _cost([_element(_component("TIME", "1"), **restrictions)], segments) == Decimal(expected)


def test_the_first_element_that_holds_prices_a_dimension() -> None:
    """Another dimension may come from a later element; a dimension that none prices is free."""
    tariff = [
        _element(_component("ENERGY", "0.10"), max_kwh=5),
        _element(_component("ENERGY", "0.50"), _component("FLAT", "1")),
    ]
    assert _cost(tariff, _charging(60, 10_000)) == Decimal("0.50") + Decimal("2.50") + 1


def test_times_of_day_are_local_to_the_charging_station() -> None:
    """17:00 in Berlin is 15:00 in UTC in June and 16:00 in January."""
    tariff = [_element(_component("TIME", "1"), start_time="17:00")]
    june = parse_stamp("2026-06-01T14:30:00Z").at or 0
    january = parse_stamp("2026-01-05T15:30:00Z").at or 0
    assert [_cost(tariff, _charging(60, at=at), BERLIN) for at in (june, january)] == [Decimal("0.5")] * 2


def test_a_tariff_that_needs_a_zone_is_not_guessed() -> None:
    """Without one there is no amount, and the error says which setting is missing."""
    with pytest.raises(TariffError, match="time_zone"):
        _cost([_element(_component("TIME", "1"), start_time="17:00")], _charging(60), None)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (_element(_component("TIME", "1"), max_power=32), "max_power"),
        (_element(_component("WATER", "1")), "unknown-dimension"),
        (_element(_component("TIME", "-1")), "negative-price"),
        (_element(_component("TIME", "1", -5)), "step-size"),
        (_element(_component("TIME", "1"), start_time="25:00"), "unreadable-time"),
        (_element(_component("TIME", "1"), end_date="June"), "unreadable-date"),
        (_element(_component("TIME", "1"), day_of_week=["FUNDAY"]), "unknown-day"),
    ],
)
def test_a_tariff_that_cannot_be_applied_says_where(element: dict[str, Any], reason: str) -> None:
    """With the path of the field."""
    with pytest.raises(TariffError, match=reason):
        read_tariff({"currency": "EUR", "elements": [element]})


# -- profiles --------------------------------------------------------------------------------------------------------


def test_a_session_charges_where_its_states_say_so() -> None:
    """Energy flows evenly over the charging parts; what lies outside of the session does not count."""
    states = [(-5, False), (10, True), (40, False), (50, True), (60, False), (500, True)]
    segments = of_session(0, 100, Decimal(400), states)
    assert [(int(one.start), int(one.duration), one.energy_wh, one.charging) for one in segments] == [
        (0, 10, 0, False),
        (10, 30, 300, True),
        (40, 10, 0, False),
        (50, 10, 100, True),
        (60, 40, 0, False),
    ]


def test_a_session_without_states_charged_all_along() -> None:
    """And one that never charged, by its states, parked all along."""
    (segment,) = of_session(0, 100, Decimal(5))
    assert segment.charging
    assert not of_session(0, 100, Decimal(0), [(0, False)])[-1].charging


def test_the_example_cdr_of_the_specification_costs_what_it_says() -> None:
    """OCPI 2.2.1 §10.3.1.1: 1.973 hours at 2.00 an hour in steps of five minutes are 24 steps: 4.00."""
    record = read_ocpi(
        {
            "id": "12345",
            "start_date_time": "2015-06-29T21:39:09Z",
            "end_date_time": "2015-06-29T23:37:32Z",
            "cdr_token": {"uid": "012345678", "type": "RFID", "contract_id": "DE8ACC12E46L89"},
            "cdr_location": {"evse_uid": "3256", "connector_id": "1"},
            "currency": "EUR",
            "tariffs": [{"id": "12", "currency": "EUR", "elements": [_element(_component("TIME", "2.00", 300, "10"))]}],
            "charging_periods": [
                {
                    "start_date_time": "2015-06-29T21:39:09Z",
                    "dimensions": [{"type": "TIME", "volume": Decimal("1.973")}],
                    "tariff_id": "12",
                }
            ],
            "total_cost": {"excl_vat": Decimal("4.00"), "incl_vat": Decimal("4.40")},
            "total_energy": Decimal("15.342"),
            "total_time": Decimal("1.973"),
        }
    )
    assert price(read_tariff(record.tariffs[0]), of_record(record)) == Cost(Decimal("4.00"), Decimal("4.40"), "EUR")


def test_a_record_without_periods_is_priced_by_its_totals() -> None:
    """What it parked comes after what it charged."""
    given = {
        "id": "1",
        "start_date_time": "2026-06-01T08:00:00Z",
        "end_date_time": "2026-06-01T10:00:00Z",
        "cdr_token": {"uid": "A"},
        "cdr_location": {"evse_uid": "E"},
        "currency": "EUR",
        "total_cost": {"excl_vat": 1},
        "total_energy": Decimal(10),
        "total_time": Decimal(2),
        "total_parking_time": Decimal("0.5"),
    }
    charged, parked = of_record(read_ocpi(given))
    assert (charged.duration, charged.energy_wh) == (Fraction(3 * HOUR, 2), 10_000)
    assert (parked.duration, parked.charging) == (Fraction(HOUR, 2), False)


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_first_rule_that_fits_assigns_a_tariff() -> None:
    """By globs and connectors, with a zone of its own or that of the file."""
    tariff = {"id": "a", "currency": "EUR", "elements": []}
    book = parse_book(
        {
            "time_zone": "Europe/Berlin",
            "tariffs": [tariff, {**tariff, "id": "b"}],
            "assign": [
                {"chargers": ["CP-*"], "connectors": [2], "tariff": "b", "time_zone": "Europe/Lisbon"},
                {"chargers": ["CP-*"], "tariff": "a"},
            ],
        }
    )
    found = [book.of(*one) for one in (("CP-1", 2), ("CP-1", 1), ("cp-1", 1))]
    assert [None if one.tariff is None else one.tariff.id for one in found] == ["b", "a", None]
    assert [str(one.zone) for one in found] == ["Europe/Lisbon", "Europe/Berlin", "Europe/Berlin"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"assign": [{"chargers": ["*"], "tariff": "x"}]}, "there is no tariff 'x'"),
        ({"time_zone": "Nowhere"}, "no time zone"),
        ({"tariff": []}, "tariff"),
        ({"tariffs": [{"id": "a", "elements": []}]}, "a currency"),
    ],
)
def test_a_broken_tariff_file_says_what_is_wrong(given: dict[str, Any], reason: str) -> None:
    """In one line."""
    with pytest.raises(TariffError, match=reason):
        parse_book(given)
