"""Sessions, and the 2.0.1 messages that they were made of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from diff.judging import CURRENT
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.filters import FAULTS, SEVERITIES, pattern
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from ingest.frame import Micros

__all__ = ["MessageLine", "SessionLine", "Window", "latest_sessions", "messages_of", "session", "window_of"]

_LEAST_MARGIN: Final[Micros] = 5_000_000
_MOST_MARGIN: Final[Micros] = 60_000_000
"""What happened a minute before and after belongs to the picture: authorisation, remote start, unplugging."""


class SessionLine(msgspec.Struct, frozen=True):
    """A session in its newest version, with the count of its open discrepancies."""

    session_id: str
    charger_id: str
    connector_id: int | None
    evse_id: int | None
    primary_transaction_id: str | None
    shadow_transaction_id: str | None
    id_token: str | None
    started_at: Micros | None
    stopped_at: Micros | None
    stop_reason: str | None
    primary_energy_wh: Decimal | None
    shadow_energy_wh: Decimal | None
    complete: bool
    compared: bool
    judged: bool
    first_received_at: Micros
    last_received_at: Micros
    vendor: str
    model: str
    firmware: str
    detail: str
    open: int
    """Open discrepancies."""
    worst: str | None
    """The worst severity among them."""
    total: int
    """Sessions that meet the condition, listed or not."""
    key_version: str = ""
    """The key that `id_token` is a pseudonym under; empty where that is not known."""


class MessageLine(msgspec.Struct, frozen=True):
    """A 2.0.1 message as it would have travelled."""

    message_id: str
    number: int
    at: Micros
    action: str
    type: str
    direction: str
    payload: str
    """JSON."""
    caused_by: tuple[str, ...]
    provenance: dict[str, str]
    transaction_id: str
    evse_id: int | None
    event_type: str
    """Of a TransactionEvent: Started, Updated, Ended."""
    trigger_reason: str
    own: bool
    """It belongs to the session: it names its transaction, or it answers a message that does."""


class Window(msgspec.Struct, frozen=True):
    """A time range on the tap's clock, both ends included."""

    since: Micros
    until: Micros


def latest_sessions(
    store: Store, run: str = CURRENT, *, charger: str = "", only: str = "", limit: int = 200
) -> list[SessionLine]:
    """The sessions that changed last. `charger` may hold `*`; `only`: `differing` or `compared`."""
    operator, value = pattern(charger or "*")
    conditions = [f"charger_id {operator} %(charger)s"]
    if only == "differing":
        conditions.append(_DIFFERING)
    elif only == "compared":
        conditions.append("judged AND compared")
    return _sessions(store, run, " AND ".join(conditions), {"charger": value}, limit)


def session(store: Store, session_id: str, run: str = CURRENT) -> SessionLine | None:
    """One session; None where the store has none of that id."""
    found = _sessions(store, run, "session_id = %(id)s", {"id": session_id}, 1)
    return found[0] if found else None


def messages_of(store: Store, line: SessionLine, run: str = JUDGING_RUN, limit: int = 2000) -> list[MessageLine]:
    """The messages of a session, and those that the charging station and the CSMS exchanged around them, in order."""
    query = f"""
    WITH
        fromUnixTimestamp64Micro(%(since)s, 'UTC') AS since,
        fromUnixTimestamp64Micro(%(until)s, 'UTC') AS until,
        (
            SELECT groupUniqArrayArray(caused_by) FROM messages FINAL
            WHERE charger_id = %(charger)s AND judging_run = %(run)s AND transaction_id = %(transaction)s
                AND transaction_id != ''
        ) AS causes
    SELECT message_id, number, toUnixTimestamp64Micro(at), action, type, direction, payload, caused_by, provenance,
        transaction_id, evse_id, JSONExtractString(payload, 'eventType'), JSONExtractString(payload, 'triggerReason'),
        toBool({_OWN}) AS own
    FROM messages FINAL
    WHERE charger_id = %(charger)s AND judging_run = %(run)s AND (at BETWEEN since AND until OR own)
    ORDER BY own DESC, number LIMIT %(limit)s"""
    around = window_of(line)
    params = {
        "charger": line.charger_id,
        "run": run,
        "transaction": line.shadow_transaction_id or "",
        "since": around.since,
        "until": around.until,
        "limit": limit,
    }
    found = [msgspec.convert(dict(zip(_MESSAGE, row, strict=True)), MessageLine) for row in read(store, query, params)]
    return sorted(found, key=lambda message: message.number)


def window_of(line: SessionLine, messages: Sequence[MessageLine] = ()) -> Window:
    """The time range that a session is looked at in: its evidence and a fifth more on each side, at most a minute."""
    moments = [line.first_received_at, line.last_received_at, *(message.at for message in messages if message.own)]
    first, last = min(moments), max(moments)
    margin = min(max((last - first) // 5, _LEAST_MARGIN), _MOST_MARGIN)
    return Window(max(first - margin, 0), last + margin)


def _sessions(store: Store, run: str, condition: str, params: dict[str, object], limit: int) -> list[SessionLine]:
    rows = counting(store, run)
    # Which ones they are takes few columns of all sessions; the rest is read of those alone, by the primary keys.
    query = f"""
    SELECT charger_id, session_id, count() OVER () FROM sessions AS s FINAL
    WHERE {rows} AND s.status = 'open' AND {condition.format(rows=rows)}
    ORDER BY s.last_received_at DESC, s.session_id LIMIT %(limit)s"""
    found = read(store, query, params | {"limit": limit})
    if not found:
        return []
    query = f"""
    SELECT {_SESSION}, open_count, if(worst_rank = 0, NULL, {list(SEVERITIES)!r}[worst_rank]), %(total)s,
        toString(s.key_version)
    FROM sessions AS s FINAL
    LEFT JOIN (
        SELECT assumeNotNull(session_id) AS key, count() AS open_count,
            min(indexOf({list(SEVERITIES)!r}, toString(severity))) AS worst_rank
        FROM discrepancies FINAL
        WHERE charger_id IN %(chargers)s AND {rows} AND status = 'open' AND session_id IN %(ids)s
            AND {FAULTS}
        GROUP BY key
    ) AS d ON d.key = s.session_id
    WHERE charger_id IN %(chargers)s AND {rows} AND session_id IN %(ids)s AND s.status = 'open'
    ORDER BY s.last_received_at DESC, s.session_id LIMIT %(limit)s"""
    chosen = {
        "limit": limit,
        "total": found[0][2],
        "chargers": tuple({row[0] for row in found}),
        "ids": tuple(row[1] for row in found),
    }
    lines = read(store, query, chosen)
    return [msgspec.convert(dict(zip(SessionLine.__struct_fields__, row, strict=True)), SessionLine) for row in lines]


_DIFFERING: Final = f"""sipHash64(session_id) IN (
        SELECT session_key FROM discrepancies FINAL
        WHERE {{rows}} AND status = 'open' AND session_key != 0 AND {FAULTS}
    )"""
_TIMES: Final = {"started_at", "stopped_at", "first_received_at", "last_received_at"}
_SESSION: Final = ", ".join(
    f"toUnixTimestamp64Micro(s.{field})" if field in _TIMES else f"s.{field}"
    for field in SessionLine.__struct_fields__[:-4]
)
_MESSAGE: Final = MessageLine.__struct_fields__
_OWN: Final = (
    "(transaction_id != '' AND transaction_id = %(transaction)s)"
    " OR (transaction_id = '' AND type = 'response' AND has(causes, caused_by[1]))"
)
