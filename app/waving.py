"""`enrol wave`: a part of the fleet by a sticky share, said to the taps one charging station at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import msgspec

from app.replay import RecordingError
from app.settings import Settings
from app.storing import open_store
from diff.store.queries.fleet import chargers
from ingest.control import LONGEST_RULE, MOST_RULES, EnrolmentRule, encode
from ingest.frame import Micros
from ingest.waves import Candidate, Scope, joins_at

__all__ = ["Plan", "enrol", "percentage", "show"]

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_MAX_FLEET: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """Which wave."""

    name: str
    percent: Decimal
    scope: Scope

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name[:40]!r}: a series has 1 to 40 letters, digits, '.', '_' and '-'")


def percentage(text: str) -> Decimal:
    """A percentage from 0 to 100 with two decimals at most. Raises ValueError."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no percentage: write 10 or 2.5") from None
    if not found.is_finite() or not 0 <= found <= 100 or found != found.quantize(Decimal("0.01")):
        raise ValueError(f"{text[:40]!r}: from 0 to 100, with two decimals at most")
    return found


def show(settings: Settings, plan: Plan, fleet: Path | None, *, as_json: bool) -> int:
    """Say who joins at which percentage. Raises `RecordingError` and what the store raises."""
    joining = joins_at(_candidates(settings, fleet), plan.name, plan.scope)
    if as_json:
        rows = [
            {"charger": one.charger_id, "joins_at": f"{at:f}", "joins": at <= plan.percent, "model": one.model}
            for at, one in joining
        ]
        print(msgspec.json.encode(rows).decode())
        return 0
    for at, one in joining:
        print(f"{at:6.2f} %  {'joins' if at <= plan.percent else 'later'}  {one.charger_id}  {one.vendor} {one.model}")
    print(f"{sum(at <= plan.percent for at, _ in joining)} of {len(joining)} charging stations join {plan.name}")
    return 0


def enrol(settings: Settings, plan: Plan, fleet: Path | None, *, reason: str, by: str, at: Micros) -> int:
    """Say it to the taps. Raises `RecordingError`, `TopicError` and what the store raises."""
    from app.distributed.control import tell

    because = f"wave {plan.name} at {plan.percent:f} %" + (f": {reason}" if reason else "")
    joining = joins_at(_candidates(settings, fleet), plan.name, plan.scope)
    rules = [
        EnrolmentRule(one.charger_id, enrolled=True, reason=because, by=by, at=at)
        for share, one in joining
        if share <= plan.percent
    ]
    try:
        messages = [encode(rule) for rule in rules]
    except ValueError as error:
        raise RecordingError(f"wave {plan.name}: {error}") from None
    if messages:
        tell(settings.kafka_bootstrap, settings.topics().control, messages, **settings.kafka_options())
    print(f"{len(messages)} of {len(joining)} charging stations are enrolled by {plan.name} at {plan.percent:f} %")
    return 0


def _candidates(settings: Settings, fleet: Path | None) -> list[Candidate]:
    if fleet is not None:
        return _listed(fleet)
    url = settings.store_location()
    if not url:
        raise RecordingError("who belongs to the fleet? name a store (--store-url) or a file of ids (--fleet)")
    with open_store(url) as store:
        return [
            Candidate(one.charger_id, one.vendor, one.model, one.firmware) for one in chargers(store, limit=MOST_RULES)
        ]


def _listed(fleet: Path) -> list[Candidate]:
    try:
        if fleet.stat().st_size > _MAX_FLEET:
            raise RecordingError(f"{fleet}: more than {_MAX_FLEET} bytes; give the fleet in parts")
        names = {line.strip() for line in fleet.read_text("utf-8-sig").splitlines()} - {""}
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{fleet}: cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}") from None
    too_long = next((name for name in names if len(name) > LONGEST_RULE), None)
    if too_long is not None:
        raise RecordingError(f"{fleet}: an id of {len(too_long)} characters, at most {LONGEST_RULE} can be enrolled")
    return [Candidate(name) for name in sorted(names)]
