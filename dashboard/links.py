"""Links between the pages. Every view is an address: relative ones, so that they hold behind any proxy path."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

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
    "PAGES",
    "ROLLOUT",
    "SESSION",
    "address",
    "view_of",
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

PAGES: Final = frozenset({AUDIT, CHARGER, COVERAGE, DISCREPANCIES, FINGERPRINT, FLEET, HEALTH, ROLLOUT, SESSION})

FROM_CHARGER: Final = r"charger=([^&]*)"
FROM_CODE: Final = r"code=([^&]*)"
FROM_ID: Final = r"id=([^&]{1,8})"
"""What a link column shows of an address: the charging station, the code, or the first digits of an id."""


_LONGEST: Final = 1500
"""Characters of an address that is kept over a sign-in: it travels in a cookie, where each may become three."""
_MOST: Final = 100


def view_of(whole: str) -> str:
    """The view that a whole address of these pages names, as `address` gives it; empty where it names none."""
    try:
        parts = urlsplit(whole)
        given = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        return ""
    page = parts.path.rstrip("/").rpartition("/")[2]
    if page not in PAGES:
        return ""
    view = f"{page}?{urlencode(given, quote_via=quote)}" if given else page
    return view if len(view) <= _LONGEST else page


def address(page: str, **values: str | None) -> str:
    """The address of a view; parameters without a value are left out."""
    given = {name: value for name, value in values.items() if value}
    return f"{page}?{urlencode(given, quote_via=quote)}" if given else page
