"""What the 2.0.1 CSMS remembers of one charging station. Plain data, bounded, and nothing else: it can be stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = [
    "CsmsState",
    "CsmsTransaction",
    "ListedToken",
    "SentList",
    "TokenStatus",
]

MAX_TOKENS: Final = 64
"""Tokens whose last authorization is remembered per charging station."""


class CsmsTransaction(msgspec.Struct, omit_defaults=True):
    """A transaction as the 2.0.1 CSMS has it, out of TransactionEvents only."""

    transaction_id: str
    phase: str
    """A state of `csms.transitions`."""
    first_seq: int
    next_seq: int
    native: bool = False
    """The charging station itself speaks 2.0.1."""
    missing: list[int] = msgspec.field(default_factory=list)
    events: int = 0
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: str | None = None
    started_at: Micros | None = None
    stopped_at: Micros | None = None
    stopped_reason: str | None = None
    charging_state: str | None = None
    begin_wh: Decimal | None = None
    begin_resolution: Decimal | None = None
    end_wh: Decimal | None = None
    end_resolution: Decimal | None = None
    end_in_ended: bool = False
    """A Transaction.End value stood in Ended itself."""
    started: bool = False
    key_version: str = ""
    """The key that its token is a pseudonym under."""


class TokenStatus(msgspec.Struct, frozen=True):
    """AuthorizationStatus given to a token, and when."""

    status: str
    at: Micros


class ListedToken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the local list says of a token."""

    status: str
    expires_at: Micros | None = None


class SentList(msgspec.Struct, frozen=True, omit_defaults=True):
    """A SendLocalList that waits for its answer."""

    full: bool
    entries: dict[str, ListedToken | None]
    """By token in lower case; None takes it out of the list."""


class CsmsState(msgspec.Struct, omit_defaults=True):
    """The 2.0.1 CSMS's memory of one charging station."""

    transactions: dict[str, CsmsTransaction] = msgspec.field(default_factory=dict)
    tokens: dict[str, TokenStatus] = msgspec.field(default_factory=dict)
    """What was last said of a token, by its lower-case form."""
    awaiting: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Requests with a token that wait for their idTokenInfo: frame id → [token, transactionId or ""], and `offline`
    where the station had accepted it before it asked."""
    local_list: dict[str, ListedToken] = msgspec.field(default_factory=dict)
    """By token in lower case, as the CSMS sent it and the station accepted it, the newest entries."""
    sent_lists: dict[str, SentList] = msgspec.field(default_factory=dict)
    """Local lists that were sent and not answered, by frame id."""
    judged_by_tokens: int = 0
    """Answers to tokens that could be judged by a token file or a local list."""
    judged_by_mapping: int = 0
    """Answers to tokens of which no source says anything: only their status was mapped."""
