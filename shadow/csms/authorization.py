"""Would the 2.0.1 CSMS authorise what the primary authorises? Judged by tokens that were given to it (C01, C09, D01).

Two sources: the token file of the operator, and the local list as the CSMS itself sent it to this charging station. A
token of which neither says anything is judged only by the primary's own answers (`csms.sessions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ingest.frame import Micros
from ingest.key_ring import comparable
from ingest.timestamps import parse_stamp
from shadow.csms.state import CsmsState, ListedToken, SentList
from shadow.csms.transitions import Phase
from shadow.message import Finding, MessageType, ShadowMessage
from shadow.native.reading import listed, nested, text
from shadow.tokens import GivenToken, TokenBook

__all__ = ["Told", "judge", "on_local_list"]

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


class Told(NamedTuple):
    """A token that was answered for."""

    token: str
    """In lower case."""
    transaction_id: str
    """Of the transaction that it is for; empty where it is for none."""
    key_version: str
    """The key that it is a pseudonym under; empty where that is not known."""
    offline: bool
    """The station had accepted it before it asked."""


def judge(state: CsmsState, book: TokenBook, message: ShadowMessage, told: Told) -> Iterator[Finding]:
    """Compare the status that an answer gives a token with what the sources say of it; counts how it was judged."""
    token, transaction_id = told.token, told.transaction_id
    info = nested(message.payload, "idTokenInfo")
    status = text(info, "status")
    if status is None or not token:
        return
    known = book.knows_key(told.key_version)
    given = book.tokens.get(token) if known else None
    local = state.local_list.get(token)
    if given is not None or (book.complete and known):
        source, expected = _FILE, _of_file(state, given, told, message.at)
    elif local is not None:
        source, expected = _LIST, _unless_over(local.status, local.expires_at, message.at)
    else:
        state.judged_by_mapping += 1
        return
    state.judged_by_tokens += 1
    where = f"{message.action}Response.idTokenInfo"
    unsaid = given is None or given.concurrent is None or _runs_elsewhere(state, told) is None
    of_the_moment = "ConcurrentTx" in (status, expected) and unsaid
    if (status == "Accepted") != (expected == "Accepted") and not of_the_moment:
        detail = _DETAILS[source] + (", and the station had accepted it offline" if told.offline else "")
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


def _of_file(state: CsmsState, given: GivenToken | None, told: Told, at: Micros) -> str:
    if given is None:
        return "Unknown"  # C01.FR.07 has it for a token that the CSMS does not know
    status = _unless_over(given.status, given.expires_at, at)
    if status == "Accepted" and given.concurrent is False and _runs_elsewhere(state, told):
        return "ConcurrentTx"
    return status


def _unless_over(status: str, expires_at: Micros | None, at: Micros) -> str:
    return "Expired" if status == "Accepted" and expires_at is not None and expires_at <= at else status


def _runs_elsewhere(state: CsmsState, told: Told) -> bool | None:
    """A transaction of this station with the token, beside the one that is asked for.

    None where one runs whose token stands under another key, so that it may be the same.
    """
    others = [
        one
        for one in state.transactions.values()
        if one.phase != Phase.ENDED and one.transaction_id != told.transaction_id and one.id_token
    ]
    known = [one for one in others if comparable(one.key_version, told.key_version)]
    if any((one.id_token or "").lower() == told.token for one in known):
        return True
    return False if len(known) == len(others) else None


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
