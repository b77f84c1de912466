"""The primary's books of one charging station: what is kept of its transactions, and how one is found again.

Bounded plain data. Only `diff.ledger` changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec

from diff.primary import Forgotten, PrimaryTransaction, State
from diff.primary_reading import plausible_time
from ingest.frame import Micros
from ingest.key_ring import comparable

__all__ = [
    "MAX_ENDED",
    "MAX_OPEN",
    "Ledger",
    "began_unseen",
    "clock_was_corrected",
    "close",
    "first_of",
    "issuable",
    "keep",
    "latest",
    "open_under",
    "see",
    "trim",
]

MAX_OPEN: Final = 64
MAX_ENDED: Final = 8
MAX_CONNECTORS: Final = 64
MAX_ISSUED_ID: Final = 2**53
"""1.6 says integer and no more; backends give up to milliseconds since 1970. Beyond this, ids are a charger's own."""


class Ledger(msgspec.Struct, omit_defaults=True):
    """The primary's books of one charging station. Plain data, bounded, changed by `fold`."""

    open: dict[str, PrimaryTransaction] = msgspec.field(default_factory=dict)
    """Proposed and open ones by key, in the order in which they reached that state."""
    ended: dict[str, PrimaryTransaction] = msgspec.field(default_factory=dict)
    """Ended lately by key, oldest first: repeated starts and stops are told by them."""
    seen_since: dict[int, Micros | None] = msgspec.field(default_factory=dict)
    """By connector: the charger's time since which every transaction on it has been seen to begin; None while one
    may be running there that began unseen."""


def keep(state: Ledger, transaction: PrimaryTransaction) -> None:
    """Put a changed transaction back where it stands, or into the books if it is in neither."""
    books = state.ended if transaction.state is State.ENDED else state.open
    books[transaction.key] = transaction


def close(state: Ledger, ended: PrimaryTransaction) -> None:
    """Move a transaction to the ended ones; the oldest of these is let go beyond the limit, its end has been told."""
    state.open.pop(ended.key, None)
    state.ended[ended.key] = ended
    if len(state.ended) > MAX_ENDED:
        del state.ended[next(iter(state.ended))]


def trim(state: Ledger) -> list[Forgotten]:
    """Let go of the oldest proposal, or of the oldest transaction where there is none, beyond the limit."""
    gone: list[Forgotten] = []
    while len(state.open) > MAX_OPEN:
        proposed = (known for known in state.open.values() if known.state is State.PROPOSED)
        oldest = next(proposed, None) or next(iter(state.open.values()))
        del state.open[oldest.key]
        gone.append(Forgotten(oldest, oldest.frames))
    return gone


def latest(state: Ledger) -> Iterator[PrimaryTransaction]:
    """All that are kept, the latest first and those that have not ended before those that have."""
    return chain(reversed(state.open.values()), reversed(state.ended.values()))


def open_under(state: Ledger, named: str | None) -> PrimaryTransaction | None:
    """The open transaction of that id, the most recently opened where there are several. No id names nothing."""
    if named is None:
        return None
    return next((known for known in reversed(state.open.values()) if known.transaction_id == named), None)


def first_of(state: Ledger, start: PrimaryTransaction) -> PrimaryTransaction | None:
    """The transaction that this start is a repetition of."""
    return next((known for known in latest(state) if _is_repetition(known, start)), None)


def clock_was_corrected(other: PrimaryTransaction, start: PrimaryTransaction) -> bool:
    """Whether two starts under one id differ by a clock that had not been set, so that the primary took them as one."""
    unset = plausible_time(other.started_text) is None or plausible_time(start.started_text) is None
    return unset and _same_facts(other, start)


def see(state: Ledger, connector_id: int | None, since: Micros | None) -> None:
    """Note a connector; the first time since which its transactions are seen stands."""
    if connector_id and (connector_id in state.seen_since or len(state.seen_since) < MAX_CONNECTORS):
        known = state.seen_since.get(connector_id)
        state.seen_since[connector_id] = since if known is None else known


def began_unseen(state: Ledger, named: str | None, connector_id: int | None, at: Micros | None) -> bool:
    """Whether a transaction of that id may have begun before anything was seen of its connector."""
    if not issuable(named):
        return False
    since = [state.seen_since.get(connector_id)] if connector_id else list(state.seen_since.values())
    return not since or any(moment is None or (at is not None and at <= moment) for moment in since)


def issuable(named: str | None) -> bool:
    """Whether a CSMS gives such ids. -1 is the charger's own for "none" (errata 3.18), 0 and less are placeholders."""
    return named is not None and 0 < int(named) < MAX_ISSUED_ID


def _is_repetition(known: PrimaryTransaction, start: PrimaryTransaction) -> bool:
    if not _same_facts(known, start):
        return False
    before, now = plausible_time(known.started_text), plausible_time(start.started_text)
    if before is not None and now is not None and before == now:
        return True
    # Clocks that were never set show the same time after each boot and message ids begin anew: neither may merge two
    # sessions, unless the message id agrees and the first start is one that the charger still has to send again.
    unset = before is None or now is None
    return known.message_id == start.message_id and (
        known.state is State.PROPOSED or (known.state is State.OPEN and unset)
    )


def _same_facts(known: PrimaryTransaction, start: PrimaryTransaction) -> bool:
    return (
        not known.adopted
        and known.connector_id == start.connector_id
        and (known.id_token == start.id_token or not comparable(known.key_version, start.key_version))
        and known.meter_start == start.meter_start
        and (known.meter_start is not None or known.meter_start_text == start.meter_start_text)
    )
