"""Comparing one session of the shadow with the primary's transaction for it: exact decimals, and no rule of 2.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from diff.policy import Policy
from diff.primary import PrimaryTransaction
from ingest.frame import Micros
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

_REASONS: Final = {
    # 1.6 §7.36 → the 2.0.1 stoppedReasons that mean the same (2.0.1 §3.63). Written from the primary's side and on
    # purpose apart from the station's own table.
    "Local": {"Local"},
    "Remote": {"Remote"},
    "DeAuthorized": {"DeAuthorized"},
    "EVDisconnected": {"EVDisconnected"},
    "HardReset": {"ImmediateReset"},
    "SoftReset": {"ImmediateReset"},
    "Reboot": {"Reboot", "ImmediateReset"},
    "PowerLoss": {"PowerLoss"},
    "EmergencyStop": {"EmergencyStop"},
    "UnlockCommand": {"Other"},
    "Other": {"Other"},
}
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
    if None not in tokens and _token(primary.id_token) != _token(shadow.id_token):
        yield Difference("session.token", "idToken", *tokens)
    yield from _time("session.start-time", "start", primary.started_at, shadow.started_at, policy)
    yield from _time("session.stop-time", "stop", primary.stopped_at, shadow.stopped_at, policy)
    if primary.stop_reason is not None and shadow.stopped_reason is not None:
        same = _REASONS.get(primary.stop_reason, {"Other"})
        if shadow.stopped_reason not in same:
            yield Difference("session.stop-reason", "stoppedReason", primary.stop_reason, shadow.stopped_reason)
    yield from _zero(shadow, primary, policy)


def _token(text: str | None) -> str:
    """Tokens are the same whatever their case; 1.6 stations write `NoAuthorization` where 2.0.1 leaves it empty."""
    plain = (text or "").lower()
    return "" if plain == "noauthorization" else plain


def _energy(shadow: ShadowSession, primary: PrimaryTransaction, policy: Policy) -> Iterator[Difference]:
    """Two readings that are each good to one resolution differ by up to one resolution without meaning anything."""
    billed, lived = primary.billed_wh, shadow.energy_wh
    if billed is None or lived is None:
        return
    delta = lived - billed
    allowed = policy.energy_tolerance_wh
    if shadow.resolution_wh > 1:
        allowed += shadow.resolution_wh
    if abs(delta) > allowed:
        detail = f"readings are good to {shadow.resolution_wh:f} Wh, {allowed:f} Wh are allowed"
        yield Difference("session.energy", "energy", f"{billed:f}", f"{lived:f}", delta, detail)


def _time(code: str, path: str, primary: Micros | None, shadow: Micros | None, policy: Policy) -> Iterator[Difference]:
    if primary is None or shadow is None or abs(shadow - primary) <= policy.time_tolerance:
        return
    delta = Decimal(shadow - primary).scaleb(-_MICROS)
    minutes = abs(delta) / 60
    detail = f"an idle fee per minute would differ by {minutes:.1f} minutes"
    yield Difference(code, path, format_micros(primary), format_micros(shadow), delta, detail)


def _zero(shadow: ShadowSession, primary: PrimaryTransaction, policy: Policy) -> Iterator[Difference]:
    billed, lived = primary.billed_wh, shadow.energy_wh
    begin, end = shadow.started_at, shadow.stopped_at
    short = begin is not None and end is not None and 0 <= end - begin < policy.zero_seconds * 1_000_000
    if lived == 0 or short:
        seconds = "" if begin is None or end is None else f"{Decimal(end - begin).scaleb(-_MICROS):f} s"
        yield Difference(
            "session.zero",
            "session",
            None if billed is None else f"{billed:f}",
            None if lived is None else f"{lived:f}",
            detail=f"a session of {seconds}" if seconds else "",
        )
