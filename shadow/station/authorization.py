"""Authorize (C01) and what an idTagInfo says in 2.0.1 terms."""

from __future__ import annotations

from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.ocppj import Call
from shadow.csms.state import MAX_TOKENS
from shadow.mapping.tokens import id_tag_info
from shadow.mapping.translate import translate
from shadow.message import Provenance
from shadow.station import boundaries, reservation
from shadow.station.fields import text
from shadow.station.outbox import Outbox
from shadow.station.status import free_reserved
from shadow.station.transactions import has_token

__all__ = ["id_token_info", "note_answer", "on_authorize", "on_authorize_answer"]

_TOKEN_TYPE = {"idToken.type": Provenance.SYNTHESISED}
_GROUP_TYPE: Final = {"idTokenInfo.groupIdToken.type": Provenance.SYNTHESISED}
_INFO: Final = id_tag_info().inside


def on_authorize(out: Outbox, call: Call) -> None:
    """Authorize.req → AuthorizeRequest."""
    tag = text(call.payload, "idTag") or ""
    out.say("Authorize", {"idToken": out.id_token(tag)}, _TOKEN_TYPE)


def on_authorize_answer(out: Outbox, request: PendingCall, answer: dict[str, Any]) -> None:
    """Authorize.conf → AuthorizeResponse; an accepted token may begin a transaction soon (E03)."""
    info = id_token_info(out, answer.get("idTagInfo"))
    if info is None:
        return
    tag = text(request.call.payload, "idTag") or ""
    note_answer(out, tag, accepted=info["status"] == "Accepted")
    out.respond(request, "Authorize", {"idTokenInfo": info}, _GROUP_TYPE if "groupIdToken" in info else {})
    if info["status"] == "Accepted":
        _free_reserved(out, tag, text(answer["idTagInfo"], "parentIdTag") or "")
        boundaries.on_token(out, tag)


def _free_reserved(out: Outbox, tag: str, parent: str) -> None:
    """Connectors reserved for a token that was accepted are free for it, before its transaction (H03.FR.09, FR.10)."""
    for number in reservation.on_token(out, tag, parent):
        connector = out.station.connectors.get(number)
        if connector is not None and connector.reported == "Reserved" and number > 0:
            # Preparing that came before the token came from the cable.
            cabled = connector.status == "Preparing"
            free_reserved(out, number, connector, out.now_text, cabled=cabled, made_time=True)


def note_answer(out: Outbox, id_tag: str, *, accepted: bool) -> None:
    """Remember whether a token was accepted just now: its transaction may begin soon."""
    tag = id_tag.lower()
    waiting = out.station.authorized
    waiting.pop(tag, None)
    running = any(not one.ended and has_token(out, one, tag) for one in out.station.transactions.values())
    if accepted and not running:  # with its transaction running it is shown to stop
        waiting[tag] = out.at
        if len(waiting) > MAX_TOKENS:
            del waiting[next(iter(waiting))]


def id_token_info(out: Outbox, tag_info: Any) -> dict[str, Any] | None:
    """IdTokenInfoType for an idTagInfo; None where the answer holds none that can be read."""
    if not isinstance(tag_info, dict):
        return None
    info, _ = translate(out, _INFO, tag_info, "idTagInfo")
    return info if "status" in info else None
