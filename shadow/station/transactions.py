"""The transactions of the virtual station: which there are, and what the primary calls them (E01 to E07).

With the 1.6-compatible start and stop points (2.0.1 Part 2 §1.1.2, Table 95) Started is StartTransaction and Ended is
StopTransaction. The transactionId is the station's own (E01.FR.08): it derives from the charger and the frame that
opened the transaction, so that a replay gives the same one. The primary's integer is an alias and nothing more.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from ingest.key_ring import comparable
from shadow.station import ordering
from shadow.station.outbox import Outbox
from shadow.station.state import MAX_CONNECTORS, MAX_ENDED, MAX_OPEN, Connector, Transaction

__all__ = [
    "adopt",
    "alias",
    "connector_of",
    "find_by_primary",
    "goes_on",
    "is_void",
    "new_transaction",
    "open_on",
    "open_transactions",
]

_NAMESPACE: Final = UUID("8f0d3f0a-5c1f-5a0e-9d67-2c1f6c4b7a10")
_MAX_ALIASES: Final = 16
"""Ids kept per transaction; a primary that answers each retry with another one gives more."""


def connector_of(out: Outbox, number: int) -> Connector | None:
    """The connector with this 1.6 number; None where the station would have more than it can have."""
    connectors = out.station.connectors
    connector = connectors.get(number)
    if connector is None and len(connectors) < MAX_CONNECTORS:
        connector = connectors[number] = Connector()
    return connector


def open_on(out: Outbox, number: int) -> Transaction | None:
    """The open transaction of a connector."""
    connector = out.station.connectors.get(number)
    if connector is None or connector.transaction_id is None:
        return None
    return out.station.transactions.get(connector.transaction_id)


def goes_on(out: Outbox, number: int) -> bool:
    """Whether 1.6 goes on with a transaction that a stop point has ended in 2.0.1 (`station.boundaries`)."""
    return any(one.overrun and one.connector_id == number for one in out.station.transactions.values())


def open_transactions(out: Outbox) -> list[Transaction]:
    """All that have not ended, oldest first."""
    return [transaction for transaction in out.station.transactions.values() if not transaction.ended]


def find_by_primary(
    out: Outbox, primary_id: int, *, number: int | None = None, tag: str | None = None, wh: Decimal | None = None
) -> Transaction | None:
    """The transaction that the primary calls by this id, open or ended lately.

    Where it gave one id to several that are open, what else is known decides: the connector, the token, the register
    that is just above the last reading, and then the newest.
    """
    name = str(primary_id)
    running = [one for one in open_transactions(out) if name in one.primary_ids]
    if running:
        return max(reversed(running), key=lambda one: _fit(out, one, number, tag, wh)) if running[1:] else running[0]
    transaction_id = out.station.aliases.get(name)
    return out.station.transactions.get(transaction_id) if transaction_id is not None else None


def _fit(
    out: Outbox, one: Transaction, number: int | None, tag: str | None, wh: Decimal | None
) -> tuple[bool, bool, bool, Decimal]:
    before = one.register
    follows = wh is not None and before is not None and wh >= before
    nearness = before - wh if follows and wh is not None and before is not None else Decimal(0)
    return (
        one.connector_id == number,
        tag is not None and has_token(out, one, tag),
        follows,
        nearness,
    )


def has_token(out: Outbox, one: Transaction, tag: str) -> bool:
    """Whether its token is this one, as far as that can be known."""
    return (one.id_token or "").lower() == tag.lower() and comparable(one.key_version, out.key_version)


def may_have_token(out: Outbox, one: Transaction, tag: str) -> bool:
    """Whether nothing speaks against its token being this one: under another key it cannot be told."""
    return (one.id_token or "").lower() == tag.lower() or not comparable(one.key_version, out.key_version)


def alias(out: Outbox, transaction: Transaction, primary_id: int) -> None:
    """Note that the primary calls a transaction by this id."""
    name = str(primary_id)
    if name not in transaction.primary_ids:
        transaction.primary_ids.append(name)
        del transaction.primary_ids[:-_MAX_ALIASES]
    aliases = out.station.aliases
    aliases.pop(name, None)
    aliases[name] = transaction.transaction_id
    if len(aliases) > MAX_OPEN + MAX_ENDED:
        del aliases[next(iter(aliases))]


def new_transaction(out: Outbox, number: int, **known: Any) -> Transaction:
    """Open a transaction on a connector, or on none that is known (0).

    The oldest ended one is forgotten where too many are remembered.
    """
    transaction_id = str(uuid5(_NAMESPACE, f"{out.charger_id}\x1f{out.frame_id}"))
    known.setdefault("key_version", out.key_version)
    transaction = Transaction(transaction_id, out.frame_id, number, out.at, **known)
    transactions = out.station.transactions
    transactions[transaction_id] = transaction
    ended = [key for key, one in transactions.items() if one.ended]
    forgotten = ended[0] if len(ended) > MAX_ENDED else next(iter(transactions))
    if len(ended) > MAX_ENDED or len(transactions) > MAX_OPEN + MAX_ENDED:
        ordering.flush(out, forgotten)
        del transactions[forgotten]
    connector = connector_of(out, number) if number > 0 else None
    if connector is not None:
        connector.transaction_id = transaction_id
        if connector.seen_since is None:
            connector.seen_since = known.get("started_at") or out.at
    return transaction


def adopt(out: Outbox, number: int, primary_id: int | None) -> Transaction:
    """Take over a transaction that was running before the first frame that we saw.

    Its Started was never seen, so no Started is made up: numbering begins at 1, and the CSMS sees that 0 is missing.
    """
    transaction = new_transaction(out, number, adopted=True, seq_no=1)
    if primary_id is not None:
        alias(out, transaction, primary_id)
    connector = out.station.connectors.get(number)
    if connector is not None and connector.status is not None:
        transaction.cable_out = False
    return transaction


def is_void(transaction: Transaction) -> bool:
    """Whether the primary refused its start and gave it no id that can be used: 1.6 then has no transaction at all."""
    return transaction.refused and not any(int(name) > 0 for name in transaction.primary_ids)
