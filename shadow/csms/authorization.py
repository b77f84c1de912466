"""Would the 2.0.1 CSMS authorise what the primary authorises? Judged by tokens that were given to it (C01, C09, D01).

Two sources: the token file of the operator, and the local list as the CSMS itself sent it to this charging station. A
token of which neither says anything is judged only by the primary's own answers (`csms.sessions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ingest.frame import Micros
from ingest.timestamps import parse_stamp
from shadow.csms.state import CsmsState, ListedToken, SentList
from shadow.csms.transitions import Phase
from shadow.message import Finding, MessageType, ShadowMessage
from shadow.native.reading import listed, nested, text
from shadow.tokens import GivenToken, TokenBook

__all__ = ["judge", "on_local_list"]

_CODE: Final = "session.authorization"
_MAX_LISTED: Final = 128
"""Tokens of the local list that are remembered, the newest. A worker writes the state of a charging station with every
batch: of a longer list only what was sent last is judged, and a token that is not remembered is not judged."""
_MAX_SENT: Final = 2
_FILE: Final = "token-file"
_LIST: Final = "local-list"


def on_local_list(state: CsmsState, message: ShadowMessage) -> None:
    """SendLocalList (D01): what was sent counts from the station's acceptance on."""
    if message.type is MessageType.REQUEST:
        full = text(message.payload, "updateType") == "Full"
        entries = listed(message.payload, "localAuthorizationList")[-_MAX_LISTED:]
        state.sent_lists[message.caused_by[-1]] = SentList(full, dict(map(_entry, entries)))
        if len(state.sent_lists) > _MAX_SENT:
            del state.sent_lists[next(iter(state.sent_lists))]
        return
    sent = state.sent_lists.pop(message.caused_by[0], None)
    if sent is None or text(message.payload, "status") != "Accepted":
        return
    if sent.full:
        state.local_list = {}
    for name, token in sent.entries.items():
        state.local_list.pop(name, None)
        if token is not None:  # an entry without idTokenInfo is taken out (D01.FR.16)
            state.local_list[name] = token
    while len(state.local_list) > _MAX_LISTED:
        del state.local_list[next(iter(state.local_list))]


def _entry(entry: dict[str, Any]) -> tuple[str, ListedToken | None]:
    name = (text(nested(entry, "idToken"), "idToken") or "").lower()
    info = nested(entry, "idTokenInfo")
    status = text(info, "status")
    if status is None:
        return name, None
    until = text(info, "cacheExpiryDateTime")
    return name, ListedToken(status, None if until is None else parse_stamp(until[:64]).at)


def judge(
    state: CsmsState, book: TokenBook, message: ShadowMessage, token: str, transaction_id: str, *, offline: bool
) -> Iterator[Finding]:
    """Compare the status that an answer gives a token with what the sources say of it; counts how it was judged.

    `token` in lower case. `offline`: the station had accepted it before it asked.
    """
    info = nested(message.payload, "idTokenInfo")
    status = text(info, "status")
    if status is None or not token:
        return
    given = book.tokens.get(token)
    local = state.local_list.get(token)
    if given is not None or book.complete:
        source, expected = _FILE, _of_file(state, given, token, transaction_id, message.at)
    elif local is not None:
        source, expected = _LIST, _unless_over(local.status, local.expires_at, message.at)
    else:
        state.judged_by_mapping += 1
        return
    state.judged_by_tokens += 1
    where = f"{message.action}Response.idTokenInfo"
    of_the_moment = "ConcurrentTx" in (status, expected) and (given is None or given.concurrent is None)
    if (status == "Accepted") != (expected == "Accepted") and not of_the_moment:
        detail = _DETAILS[source] + (", and the station had accepted it offline" if offline else "")
        yield _finding(message, transaction_id, f"{where}.status:{source}", status, expected, detail)
    elif status == "Accepted" and given is not None and given.group is not None:
        group = (text(nested(info, "groupIdToken"), "idToken") or "").lower()
        if group != given.group:
            found, wanted = ("a group" if one else "no group" for one in (group, given.group))
            wanted = "another group" if found == wanted else wanted
            detail = "another token of its group may stop its transaction (C09), so that the group has to be the same"
            yield _finding(message, transaction_id, f"{where}.groupIdToken:{source}", found, wanted, detail)


_DETAILS: Final = {
    _FILE: "the token file says otherwise",
    _LIST: "the local list that the CSMS sent to the station says otherwise",
}


def _of_file(state: CsmsState, given: GivenToken | None, token: str, transaction_id: str, at: Micros) -> str:
    if given is None:
        return "Unknown"  # C01.FR.07 has it for a token that the CSMS does not know
    status = _unless_over(given.status, given.expires_at, at)
    if status == "Accepted" and given.concurrent is False and _runs_elsewhere(state, token, transaction_id):
        return "ConcurrentTx"
    return status


def _unless_over(status: str, expires_at: Micros | None, at: Micros) -> str:
    return "Expired" if status == "Accepted" and expires_at is not None and expires_at <= at else status


def _runs_elsewhere(state: CsmsState, token: str, transaction_id: str) -> bool:
    """A transaction of this station with the token, beside the one that is asked for."""
    return any(
        one.phase != Phase.ENDED and one.transaction_id != transaction_id and (one.id_token or "").lower() == token
        for one in state.transactions.values()
    )


def _finding(message: ShadowMessage, transaction_id: str, path: str, found: str, expected: str, detail: str) -> Finding:
    return Finding(
        _CODE,
        path,
        message.at,
        message.caused_by,
        transaction_id=transaction_id or None,
        found=found,
        expected=expected,
        detail=detail,
    )
