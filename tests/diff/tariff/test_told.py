"""A tariff in words."""

from __future__ import annotations

from decimal import Decimal

from diff.tariff.pricing import price
from diff.tariff.profile import of_session
from diff.tariff.tariff import read_tariff
from diff.tariff.told import flat, told

HOUR = 3_600_000_000


def test_the_one_price_prices_energy_and_nothing_else() -> None:
    """A flat price per kWh costs the same however long the car stood there."""
    tariff = flat(Decimal("0.39"), "EUR")
    assert told(tariff) == ["0.39 EUR per kWh"]
    for hours in (1, 10):
        assert price(tariff, of_session(0, hours * HOUR, Decimal(10_000))).incl == Decimal("3.90")


def test_every_price_is_said_with_its_vat_and_when_it_holds() -> None:
    """Dimension, VAT, hours, days and bounds all stand in the line of their price."""
    tariff = read_tariff(
        {
            "id": "street",
            "currency": "EUR",
            "min_price": {"excl_vat": Decimal("0.50")},
            "elements": [
                {
                    "price_components": [
                        {"type": "PARKING_TIME", "price": Decimal("6.00"), "vat": Decimal(19), "step_size": 60}
                    ],
                    "restrictions": {"start_time": "08:00", "end_time": "20:00", "day_of_week": ["MONDAY"]},
                }
            ],
        }
    )
    assert told(tariff) == [
        "6.00 EUR per hour without charging, VAT 19 % (from 08:00:00 to 20:00:00; Mon)",
        "at least 0.50 EUR",
    ]
