"""Tokens and the keys that they are pseudonyms under (law 8): two versions of a key are never compared.

A connection keeps the key of its opening, so that a charging station comes with a new one when it connects anew. What
was remembered of tokens is then of no use and forgotten: "not known" is true, "another token" would not be.
Transactions, and reservations, keep the version that they began with.
"""

from __future__ import annotations

from typing import Final

from ingest.key_ring import comparable
from shadow.message import ShadowMessage
from shadow.native.reading import nested, text
from shadow.state import ChargerState

__all__ = ["hear", "key_of", "key_version", "note"]

_LONGEST: Final = 64
_FORGOTTEN: Final = ""
"""In the place of a native token: there was one, and it is like no other."""


def note(state: ChargerState, connection_id: str, version: str) -> None:
    """A connection opened that says its key."""
    seen = state.seqs.get(connection_id)
    if seen is not None:
        seen.key_version = version[:_LONGEST]


def hear(state: ChargerState, connection_id: str) -> None:
    """A message comes on this connection: from here on its key counts. One that is not known changes nothing."""
    version = key_version(state, connection_id)
    if not version or version == state.key_version:
        return
    if not comparable(version, state.key_version):
        _forget_tokens(state)
    state.key_version = version


def key_version(state: ChargerState, connection_id: str) -> str:
    """The version of the key that a connection's tokens are pseudonyms under; empty where that is not known."""
    seen = state.seqs.get(connection_id)
    return "" if seen is None else seen.key_version


def key_of(state: ChargerState, message: ShadowMessage) -> str:
    """The version that the token of a message stands under: that of its transaction, where it tells of one."""
    told = text(nested(message.payload, "transactionInfo"), "transactionId")
    known = None if told is None else state.station.transactions.get(told)
    return state.key_version if known is None else known.key_version


def _forget_tokens(state: ChargerState) -> None:
    station, csms, native = state.station, state.csms, state.native
    station.authorized, station.remote_starts, station.commanded_starts = {}, [], {}
    station.contracts = []
    csms.tokens, csms.awaiting, csms.local_list, csms.sent_lists = {}, {}, {}, {}
    if native is None:
        return
    for known in native.transactions.values():
        known.id_token = None if known.id_token is None else _FORGOTTEN
    for waiting in (*native.remote_starts.values(), *native.reservations.values()):
        waiting.id_token = None if waiting.id_token is None else _FORGOTTEN
