"""The discrepancies of one charging station in their newest versions: raising, repeating and withdrawing them."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from diff.catalogue import CATALOGUE
from diff.discrepancy import Discrepancy, Status, discrepancy_id
from diff.fingerprint import fingerprint
from diff.policy import JUDGING_RUN, Policy
from ingest.frame import Micros
from shadow.config import MAPPER_VERSION

__all__ = ["SCHEMA_VERSION", "Charger", "Evidence", "Records"]

SCHEMA_VERSION: Final = "1"
"""Of the published records; rises when a field changes its meaning."""

_BY_VALUE: Final = frozenset({"meter.unit-unknown", "rpc.call-error"})
"""Codes whose cause is the value itself: another unit is another cause."""
_MAX_RECORDS: Final = 1024
_MANY: Final = 16
"""From so many on those of sessions that are forgotten are let go; looking for them at each frame would cost more."""
_FIRST, _LAST = 4, 4


class Charger(msgspec.Struct):
    """What a charging station said of itself."""

    charger_id: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""


class Evidence(msgspec.Struct, frozen=True):
    """What speaks for a discrepancy."""

    code: str
    path: str
    at: Micros
    """Tap clock."""
    frames: tuple[str, ...]
    session_id: str | None = None
    connector_id: int | None = None
    evse_id: int | None = None
    primary: str | None = None
    shadow: str | None = None
    delta: Decimal | None = None
    detail: str = ""
    occurred_at: Micros | None = None


class Records(msgspec.Struct):
    """Newest versions by id, oldest first, bounded. Plain data."""

    by_id: dict[str, Discrepancy] = msgspec.field(default_factory=dict)

    def add(self, charger: Charger, evidence: Evidence, policy: Policy) -> Discrepancy:
        """Raise a discrepancy, or note that it was seen again."""
        key = discrepancy_id(charger.charger_id, evidence.session_id, evidence.code, evidence.path)
        known = self.by_id.get(key)
        if known is None:
            row = _new(key, charger, evidence, policy)
            if len(self.by_id) >= _MAX_RECORDS:
                del self.by_id[next(iter(self.by_id))]
        else:
            row = replace(
                known,
                primary=evidence.primary,
                shadow=evidence.shadow,
                delta=evidence.delta,
                detail=evidence.detail,
                frames=_evidence(known.frames, evidence.frames),
                occurrences=known.occurrences + 1,
                observed_at=evidence.at,
                status=Status.OPEN,
                version=_version(known, evidence.at),
                mapper_version=MAPPER_VERSION,
                policy_version=policy.version,
                schema_version=SCHEMA_VERSION,
            )
        self.by_id[key] = row
        return row

    def state(self, charger: Charger, evidence: Evidence, policy: Policy) -> Discrepancy | None:
        """Raise what is either so or not so; None where it was so already, with the same values."""
        key = discrepancy_id(charger.charger_id, evidence.session_id, evidence.code, evidence.path)
        known = self.by_id.get(key)
        if known is None:
            return self.add(charger, evidence, policy)
        same = (known.primary, known.shadow, known.delta) == (evidence.primary, evidence.shadow, evidence.delta)
        if same and known.status is Status.OPEN:
            return None
        row = self.add(charger, evidence, policy)
        self.by_id[key] = row = replace(row, occurrences=1)
        return row

    def forget(self, known: Container[str]) -> None:
        """Let go of what belongs to a session that is not known any more: nothing can add to it or take it back."""
        if len(self.by_id) >= _MANY:
            self.by_id = {
                key: row for key, row in self.by_id.items() if row.session_id is None or row.session_id in known
            }

    def withdraw(
        self, charger_id: str, session: str | None, code: str, path: str, at: Micros, frames: tuple[str, ...] = ()
    ) -> Discrepancy | None:
        """Later evidence takes one occurrence back; the discrepancy falls with its last one. None where none stands."""
        key = discrepancy_id(charger_id, session, code, path)
        known = self.by_id.get(key)
        if known is None or known.status is Status.WITHDRAWN:
            return None
        left = known.occurrences - 1
        row = replace(
            known,
            occurrences=max(left, 0),
            status=Status.OPEN if left > 0 else Status.WITHDRAWN,
            frames=_evidence(known.frames, frames),
            observed_at=at,
            version=_version(known, at),
        )
        self.by_id[key] = row
        return row


def _new(key: str, charger: Charger, evidence: Evidence, policy: Policy) -> Discrepancy:
    entry = CATALOGUE[evidence.code]
    group, title = fingerprint(
        evidence.code,
        evidence.path,
        charger.vendor,
        charger.model,
        charger.firmware,
        found=evidence.primary if evidence.code in _BY_VALUE else None,
    )
    return Discrepancy(
        key,
        entry.code,
        entry.class_,
        entry.severity,
        charger.charger_id,
        evidence.evse_id,
        evidence.connector_id,
        evidence.session_id,
        evidence.path,
        evidence.primary,
        evidence.shadow,
        evidence.delta,
        entry.unit,
        evidence.frames[: _FIRST + _LAST],
        1,
        evidence.occurred_at,
        evidence.at,
        evidence.at,
        group,
        title,
        evidence.detail,
        Status.OPEN,
        max(evidence.at, 1),
        charger.vendor,
        charger.model,
        charger.firmware,
        MAPPER_VERSION,
        policy.version,
        SCHEMA_VERSION,
        JUDGING_RUN,
    )


def _version(known: Discrepancy, at: Micros) -> int:
    """Rises with every change, also where a record was let go and raised anew: it follows the tap's clock."""
    return max(known.version + 1, at)


def _evidence(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    fresh = tuple(frame for frame in more if frame not in known)
    frames = (*known, *fresh)
    return frames if len(frames) <= _FIRST + _LAST else (*frames[:_FIRST], *frames[-_LAST:])
