"""Authorize (C01) and what an idTagInfo says in 2.0.1 terms."""

from __future__ import annotations

from typing import Any

from ingest.exchange import PendingCall
from ingest.ocppj import Call
from ingest.timestamps import format_micros, parse_stamp
from shadow.message import Provenance
from shadow.state import MAX_TOKENS
from shadow.station.fields import text
from shadow.station.outbox import Outbox

__all__ = ["id_token_info", "note_answer", "on_authorize", "on_authorize_answer"]

_TOKEN_TYPE = {"idToken.type": Provenance.SYNTHESISED}
_STATUSES = frozenset({"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"})
"""1.6 §7.2 AuthorizationStatus: each has the same name in 2.0.1 §3.3."""


def on_authorize(out: Outbox, call: Call) -> None:
    """Authorize.req → AuthorizeRequest."""
    tag = text(call.payload, "idTag") or ""
    out.say("Authorize", {"idToken": out.id_token(tag)}, _TOKEN_TYPE)


def on_authorize_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Authorize.conf → AuthorizeResponse; an accepted token may begin a transaction soon (E03)."""
    info = id_token_info(out, answer.get("idTagInfo"))
    if info is None:
        return
    note_answer(out, text(request.call.payload, "idTag") or "", accepted=info["status"] == "Accepted")
    out.respond(request, "Authorize", {"idTokenInfo": info})


def note_answer(out: Outbox, id_tag: str, *, accepted: bool) -> None:
    """Remember whether a token was accepted just now: its transaction may begin soon."""
    tag = id_tag.lower()
    waiting = out.station.authorized
    waiting.pop(tag, None)
    running = any(not one.ended and (one.id_token or "").lower() == tag for one in out.station.transactions.values())
    if accepted and not running:  # with its transaction running it is shown to stop
        waiting[tag] = out.at
        if len(waiting) > MAX_TOKENS:
            del waiting[next(iter(waiting))]


def id_token_info(out: Outbox, tag_info: Any) -> dict[str, Any] | None:
    """IdTokenInfoType for an idTagInfo; None where the answer holds none that can be read."""
    if not isinstance(tag_info, dict):
        return None
    status = text(tag_info, "status")
    if status not in _STATUSES:
        out.unmapped(f"idTagInfo.status={status}")
        return None
    info: dict[str, Any] = {"status": status}
    expiry = tag_info.get("expiryDate")
    if isinstance(expiry, str) and (at := parse_stamp(expiry).at) is not None:
        info["cacheExpiryDateTime"] = format_micros(at)
    parent = text(tag_info, "parentIdTag")
    if parent:
        info["groupIdToken"] = {"idToken": parent[:36], "type": "Central"}  # C09.FR.13
    return info
