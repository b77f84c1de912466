"""Comparing one session of the shadow with the primary's transaction for it: exact decimals, and no rule of 2.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from diff.policy import Kind, Numbers, Policy
from diff.primary import PrimaryTransaction
from ingest.frame import Micros
from ingest.key_ring import comparable
from ingest.timestamps import format_micros
from shadow.message import ShadowSession

__all__ = ["COMPARED", "Difference", "compare"]

COMPARED: Final = (
    ("session.energy", "energy"),
    ("session.token", "idToken"),
    ("session.start-time", "start"),
    ("session.stop-time", "stop"),
    ("session.stop-reason", "stoppedReason"),
    ("session.zero", "session"),
)
"""Code and path of everything that a comparison can find: what no longer holds is withdrawn."""

_MICROS: Final = 6


class Difference(msgspec.Struct, frozen=True):
    """One value on which the two sides differ; `delta` is shadow minus primary."""

    code: str
    path: str
    primary: str | None
    shadow: str | None
    delta: Decimal | None = None
    detail: str = ""


def compare(shadow: ShadowSession, primary: PrimaryTransaction, policy: Policy) -> Iterator[Difference]:
    """Everything on which the two ended sessions differ. What one side does not know is not compared."""
    yield from _energy(shadow, primary, policy)
    tokens = (primary.id_token, shadow.id_token)
    alike = comparable(primary.key_version, shadow.key_version)
    if alike and None not in tokens and not policy.token.equal(primary.id_token or "", shadow.id_token or ""):
        yield Difference("session.token", "idToken", *tokens)
    yield from _time("session.start-time", "start", primary.started_at, shadow.started_at, policy.start)
    yield from _time("session.stop-time", "stop", primary.stopped_at, shadow.stopped_at, policy.stop)
    reasons = (primary.stop_reason, shadow.stopped_reason)
    if reasons[0] is not None and reasons[1] is not None and not policy.stop_reason.equal(reasons[0], reasons[1]):
        yield Difference("session.stop-reason", "stoppedReason", *reasons)
    yield from _zero(shadow, primary, policy)


def _energy(shadow: ShadowSession, primary: PrimaryTransaction, policy: Policy) -> Iterator[Difference]:
    """Two readings that are each good to one resolution differ by up to one resolution without meaning anything."""
    billed, lived = primary.billed_wh, shadow.energy_wh
    if billed is None or lived is None or policy.energy.ignored:
        return
    delta = lived - billed
    # 1.6 bills whole Wh: a resolution of one is what `absolute` stands for.
    allowed = policy.energy.allowed(billed, shadow.resolution_wh if shadow.resolution_wh > 1 else Decimal())
    if abs(delta) > allowed:
        detail = f"readings are good to {shadow.resolution_wh:f} Wh, {allowed:f} Wh are allowed"
        yield Difference("session.energy", "energy", f"{billed:f}", f"{lived:f}", delta, detail)


def _time(code: str, path: str, primary: Micros | None, shadow: Micros | None, rule: Numbers) -> Iterator[Difference]:
    if primary is None or shadow is None or rule.ignored:
        return
    delta = Decimal(shadow - primary).scaleb(-_MICROS)
    if abs(delta) <= rule.allowed(Decimal()):
        return
    minutes = abs(delta) / 60
    detail = f"an idle fee per minute would differ by {minutes:.1f} minutes"
    yield Difference(code, path, format_micros(primary), format_micros(shadow), delta, detail)


def _zero(shadow: ShadowSession, primary: PrimaryTransaction, policy: Policy) -> Iterator[Difference]:
    billed, lived = primary.billed_wh, shadow.energy_wh
    begin, end = shadow.started_at, shadow.stopped_at
    if policy.zero.ignored:
        return
    shortest = Decimal() if policy.zero.kind is Kind.EXACT else policy.zero.absolute.scaleb(_MICROS)
    short = begin is not None and end is not None and 0 <= end - begin < shortest
    if lived == 0 or short:
        seconds = "" if begin is None or end is None else f"{Decimal(end - begin).scaleb(-_MICROS):f} s"
        yield Difference(
            "session.zero",
            "session",
            None if billed is None else f"{billed:f}",
            None if lived is None else f"{lived:f}",
            detail=f"a session of {seconds}" if seconds else "",
        )
