"""An account of weights as a document: what `weight --json` prints, and the coverage page draws. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shadow.weight import DAY, SESSION_ACTIONS, Account, Weight

__all__ = ["VERSIONS", "document"]

VERSIONS: Final = ("1.6", "2.0.1")


def document(account: Account) -> dict[str, Any]:
    """What `--json` prints: counts as they are, means and ratios rounded to three places, null where there is none."""
    days = account.observed / DAY
    of_sessions = {version: account.total(version, SESSION_ACTIONS[version]) for version in VERSIONS}
    of_all = {version: account.total(version) for version in VERSIONS}
    names = sorted({name for table in account.by_action.values() for name in table})
    return {
        "sessions": account.sessions,
        "chargers": account.chargers,
        "charger_days": round(days, 3),
        "assumed_answers": account.assumed,
        "passed_over": account.passed_over,
        "total": _beside(of_all),
        "per_session": _beside(of_sessions, account.sessions),
        "per_charger_day": _beside(of_all, days),
        "actions": {name: _beside({one: account.total(one, (name,)) for one in VERSIONS}) for name in names},
    }


def _beside(weights: Mapping[str, Weight], over: float = 1) -> dict[str, Any]:
    old, new = (weights[version] for version in VERSIONS)
    beside: dict[str, Any] = {version: _row(weights[version], over) for version in VERSIONS}
    beside["ratio"] = {
        name: round(getattr(new, field) / getattr(old, field), 3) if getattr(old, field) else None
        for name, field in _FIELDS.items()
    }
    return beside


_FIELDS: Final = {
    "messages": "messages",
    "payload_bytes": "payload",
    "plain_bytes": "plain",
    "deflated_bytes": "deflated",
}


def _row(one: Weight, over: float) -> dict[str, float | None]:
    values = {name: getattr(one, field) for name, field in _FIELDS.items()}
    if over == 1:
        return values
    return {name: round(value / over, 3) if over else None for name, value in values.items()}
