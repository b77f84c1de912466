"""Reading OCPI 2.2.1 CDRs and sessions: exact numbers, and a precise error for each thing that can be wrong."""

from decimal import Decimal
from typing import Any

import pytest

from ingest.records.ocpi import read_ocpi
from ingest.records.record import RecordError, RecordKind
from ingest.timestamps import parse_stamp

CDR: dict[str, Any] = {
    "country_code": "BE",
    "party_id": "BEC",
    "id": "12345",
    "start_date_time": "2026-06-29T21:39:09Z",
    "end_date_time": "2026-06-29T23:37:32Z",
    "cdr_token": {"uid": "012345678", "type": "RFID", "contract_id": "DE8ACC12E46L89"},
    "auth_method": "WHITELIST",
    "cdr_location": {"evse_uid": "3256", "evse_id": "BE*BEC*E041503003", "connector_id": "1"},
    "currency": "EUR",
    "tariffs": [{"id": "12", "currency": "EUR", "elements": []}],
    "charging_periods": [
        {
            "start_date_time": "2026-06-29T21:39:09Z",
            "dimensions": [
                {"type": "ENERGY", "volume": Decimal("15.342")},
                {"type": "TIME", "volume": Decimal("1.973")},
            ],
            "tariff_id": "12",
        }
    ],
    "total_cost": {"excl_vat": Decimal("4.00"), "incl_vat": Decimal("4.40")},
    "total_energy": Decimal("15.342"),
    "total_time": Decimal("1.973"),
    "last_updated": "2026-06-29T22:01:13Z",
}


def _without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in CDR.items() if key not in names}


def _period(kwh: str) -> dict[str, Any]:
    return {
        "charging_periods": [
            {"start_date_time": "2026-06-29T21:39:09Z", "dimensions": [{"type": "ENERGY", "volume": Decimal(kwh)}]}
        ]
    }


def test_a_cdr_is_read_with_exact_numbers() -> None:
    """KWh become Wh, both prices stay as they are, times are microseconds in UTC."""
    record = read_ocpi(CDR, connector_id=2)
    assert record.key == "record:ocpi.BE.BEC:12345"
    assert (record.kind, record.energy_wh, record.resolution_wh) == (RecordKind.CDR, 15342, 1)
    assert (record.start_at, record.stop_at) == (
        parse_stamp("2026-06-29T21:39:09Z").at,
        parse_stamp("2026-06-29T23:37:32Z").at,
    )
    assert record.tokens == ("012345678", "DE8ACC12E46L89")
    assert (record.evse_uid, record.connector, record.connector_id) == ("3256", "1", 2)
    assert (record.cost_excl, record.cost_incl, record.cost) == (Decimal("4.00"), Decimal("4.40"), Decimal("4.40"))
    (period,) = record.periods
    assert (period.energy_wh, period.time_h, period.tariff_id) == (15342, Decimal("1.973"), "12")
    assert not record.running


def test_a_session_is_read_and_runs_until_it_is_completed() -> None:
    """An active session is no bill."""
    session = {
        **_without("total_energy", "cdr_location", "total_time"),
        "kwh": 3,
        "evse_uid": "3256",
        "connector_id": 1,
    }
    active = read_ocpi({**_clear(session, "end_date_time"), "status": "ACTIVE", "charging_periods": []})
    assert (active.kind, active.running, active.connector) == (RecordKind.SESSION, True, "1")
    assert not read_ocpi({**session, "status": "COMPLETED", "charging_periods": []}).running


def _clear(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: one for key, one in value.items() if key != name}


def test_a_time_without_zone_is_utc_as_ocpi_says() -> None:
    """OCPI asks for UTC whether or not the designator stands there."""
    record = read_ocpi({**CDR, "start_date_time": "2026-06-29T21:39:09"})
    assert record.start_at == parse_stamp("2026-06-29T21:39:09Z").at


@pytest.mark.parametrize(
    ("total", "resolution"), [("5", "1"), ("5.1", "1"), ("5.123", "1"), ("5.1234", "0.1"), ("5.123456", "0.001")]
)
def test_resolution_is_one_wh_or_finer(total: str, resolution: str) -> None:
    """Fewer decimals than three say nothing: zeros at the end are dropped in JSON."""
    record = read_ocpi({**_without("charging_periods"), "total_energy": Decimal(total)})
    assert record.resolution_wh == Decimal(resolution)


@pytest.mark.parametrize(
    ("rule", "where", "change"),
    [
        ("missing-field", "id", {"id": None}),
        ("missing-field", "end_date_time", {"end_date_time": None}),
        ("missing-field", "cdr_token", {"cdr_token": None}),
        ("missing-field", "cdr_token.uid", {"cdr_token": {"contract_id": "x"}}),
        ("missing-field", "total_cost", {"total_cost": None}),
        ("missing-field", "total_cost.excl_vat", {"total_cost": {"incl_vat": 1}}),
        ("missing-field", "currency", {"currency": None}),
        ("no-currency", "currency", {"currency": "euro"}),
        ("foreign-currency", "tariffs[0].currency", {"currency": "CHF"}),
        ("not-a-number", "total_energy", {"total_energy": "a lot"}),
        ("not-a-number", "total_energy", {"total_energy": Decimal("1E+400")}),
        ("not-a-number", "total_energy", {"total_energy": True}),
        ("negative-energy", "total_energy", {"total_energy": Decimal(-1), "charging_periods": []}),
        ("negative-cost", "total_cost", {"total_cost": {"excl_vat": -1}}),
        ("end-before-start", "end_date_time", {"end_date_time": "2026-06-29T21:39:08Z"}),
        ("unknown-time", "start_date_time", {"start_date_time": "1970-01-01T00:00:00Z"}),
        ("unreadable-time", "start_date_time", {"start_date_time": "yesterday"}),
        ("energy-unit", "total_energy", {"total_energy": Decimal(15342)}),
        ("energy-unit", "total_energy", _period("15342") | {"total_energy": Decimal("15.342")}),
        ("energy-unit", "total_energy", _period("0.015342")),
        ("energy-contradiction", "total_energy", _period("14")),
        ("time-unit", "total_time", {"total_time": Decimal("118.4")}),
        ("negative-time", "total_time", {"total_time": Decimal(-1)}),
        ("credit-without-reference", "credit_reference_id", {"credit": True}),
        ("not-a-boolean", "credit", {"credit": "yes"}),
        ("not-a-list", "charging_periods", {"charging_periods": {}}),
        ("not-an-object", "cdr_token", {"cdr_token": "012345678"}),
        ("too-long", "id", {"id": "x" * 300}),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_with_rule_and_place(
    rule: str, where: str, change: dict[str, Any]
) -> None:
    """What was found, where, which rule, and what to do next."""
    with pytest.raises(RecordError) as caught:
        read_ocpi({**CDR, **change})
    assert (caught.value.rule, caught.value.where) == (rule, where)
    assert f"[{rule}]; " in str(caught.value)


def test_what_may_be_stored_of_an_error_holds_nothing_of_the_record() -> None:
    """The masked form names rule and place alone."""
    with pytest.raises(RecordError) as caught:
        read_ocpi({**CDR, "start_date_time": "04A1B2C3"})
    assert "04A1B2C3" in str(caught.value)
    assert "04A1B2C3" not in caught.value.masked


def test_a_credit_cdr_may_be_negative() -> None:
    """It takes back what was billed, with negative amounts, and by some with negative energy."""
    credit = {"id": "12345-C", "credit": True, "credit_reference_id": "12345", "total_energy": Decimal("-15.342")}
    record = read_ocpi({**CDR, **credit, "total_cost": {"excl_vat": Decimal(-4)}})
    assert record.credit
    assert record.credits_key == "record:ocpi.BE.BEC:12345"


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"id": "1"}, {"connectors": []}])
def test_what_is_no_record_at_all_is_refused(value: object) -> None:
    """A location, a list, a number: reading is total."""
    with pytest.raises(RecordError):
        read_ocpi(value)
