"""Links between the pages. Every view is an address: relative ones, so that they hold behind any proxy path."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

__all__ = [
    "AUDIT",
    "CHARGER",
    "COVERAGE",
    "DISCREPANCIES",
    "FINGERPRINT",
    "FLEET",
    "FROM_CHARGER",
    "FROM_CODE",
    "FROM_ID",
    "HEALTH",
    "ROLLOUT",
    "SESSION",
    "address",
]

AUDIT: Final = "audit"
CHARGER: Final = "charger"
COVERAGE: Final = "coverage"
DISCREPANCIES: Final = "discrepancies"
FINGERPRINT: Final = "fingerprint"
FLEET: Final = "fleet"
HEALTH: Final = "health"
ROLLOUT: Final = "rollout"
SESSION: Final = "session"

FROM_CHARGER: Final = r"charger=([^&]*)"
FROM_CODE: Final = r"code=([^&]*)"
FROM_ID: Final = r"id=([^&]{1,8})"
"""What a link column shows of an address: the charging station, the code, or the first digits of an id."""


def address(page: str, **values: str | None) -> str:
    """The address of a view; parameters without a value are left out."""
    given = {name: value for name, value in values.items() if value}
    return f"{page}?{urlencode(given, quote_via=quote)}" if given else page
