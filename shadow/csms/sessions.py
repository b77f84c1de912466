"""The CSMS takes a 2.0.1 message: transactions, and what it knows of tokens (C01, E05)."""

from __future__ import annotations

from typing import Final

from shadow.csms import authorization, transactions
from shadow.csms.state import CsmsState, TokenStatus
from shadow.csms.transitions import Verdict
from shadow.message import Finding, MessageType, Observations, ShadowMessage
from shadow.native.reading import integer, nested, text
from shadow.tokens import NONE, TokenBook

__all__ = ["HEARD", "receive"]

_MAX_AWAITING: Final = 16
_MAX_TOKENS: Final = 64
_SAME_MOMENT: Final = 600_000_000
"""Two answers further apart than ten minutes may differ because the token was blocked or freed meanwhile."""


HEARD: Final = frozenset({"Authorize", "SendLocalList", "TransactionEvent"})
"""Actions of which anything is remembered."""


def receive(
    state: CsmsState,
    message: ShadowMessage,
    obs: Observations,
    *,
    native: bool = False,
    book: TokenBook = NONE,
    key_version: str = "",
) -> None:
    """Take one message; sessions that changed and findings go to `obs`.

    `native`: it stood on the wire as it is, so it may hold anything. `book`: the tokens that this CSMS was given.
    `key_version`: of the key that the message's tokens are pseudonyms under.
    """
    if message.type is MessageType.ERROR:
        return
    if message.action == "TransactionEvent":
        if message.type is MessageType.REQUEST:
            _transaction_event(state, message, obs, native=native, key_version=key_version)
        else:
            _token_answer(state, message, obs, book, key_version)
    elif message.action == "Authorize":
        if message.type is MessageType.REQUEST:
            _await_token(state, message, "")
        else:
            _token_answer(state, message, obs, book, key_version)
    else:
        authorization.on_local_list(state, message)


def _transaction_event(
    state: CsmsState, message: ShadowMessage, obs: Observations, *, native: bool, key_version: str
) -> None:
    verdict, known = transactions.apply(state, message, native=native, key_version=key_version)
    if verdict not in (Verdict.APPLIED, Verdict.GAP):
        named = text(nested(message.payload, "transactionInfo"), "transactionId")
        obs.refused.append(f"{verdict.value} {named}/{integer(message.payload, 'seqNo')}")
        return
    if known is None:  # pragma: no cover - apply names a transaction with every applied event
        return
    kind = message.payload["eventType"]
    if kind == "Started" and "idToken" in message.payload:
        _await_token(state, message, known.transaction_id)
    if kind != "Updated" or known.events == 1:
        obs.sessions.append(transactions.session_of(known))


def _await_token(state: CsmsState, message: ShadowMessage, transaction_id: str) -> None:
    token = (text(nested(message.payload, "idToken"), "idToken") or "").lower()
    offline = ["offline"] if message.payload.get("offline") is True else []
    state.awaiting[message.caused_by[-1]] = [token, transaction_id, *offline]
    if len(state.awaiting) > _MAX_AWAITING:
        del state.awaiting[next(iter(state.awaiting))]


def _token_answer(
    state: CsmsState, message: ShadowMessage, obs: Observations, book: TokenBook, key_version: str
) -> None:
    """A token's status was given. Given twice and differently, one of the two systems of authorization is wrong.

    It is judged by the tokens that this CSMS was given, and by what the primary said of the token just before.
    """
    waiting = state.awaiting.pop(message.caused_by[0], None)
    if waiting is None:
        return
    token, transaction_id, *offline = waiting
    told = authorization.Told(token, transaction_id, key_version, offline=bool(offline))
    obs.findings += authorization.judge(state, book, message, told)
    status = text(nested(message.payload, "idTokenInfo"), "status")
    if status is None:
        return
    known = state.tokens.pop(token, None)
    before = None if known is None or message.at - known.at > _SAME_MOMENT else known.status
    # ConcurrentTx speaks of the moment, not of the token: a retried start is refused so.
    if (
        transaction_id
        and before is not None
        and status != "ConcurrentTx"
        and (before == "Accepted") != (status == "Accepted")
    ):
        obs.findings.append(
            Finding(
                "session.authorization",
                "TransactionEventResponse.idTokenInfo.status",
                message.at,
                message.caused_by,
                transaction_id=transaction_id,
                found=status,
                expected=before,
                detail="Authorize and StartTransaction gave the same token different answers",
            )
        )
    state.tokens[token] = known if status == "ConcurrentTx" and known is not None else TokenStatus(status, message.at)
    if len(state.tokens) > _MAX_TOKENS:
        del state.tokens[next(iter(state.tokens))]
