"""One charging station: its connections, where its copy was cut, and what 2.0.1 says of its connectors."""

from __future__ import annotations

from typing import Final

import msgspec

from diff.blindness import Cut, Link
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Gap, Micros

__all__ = ["SaidStatus", "cuts_of", "links_of", "said_statuses"]


class SaidStatus(msgspec.Struct, frozen=True):
    """What the 2.0.1 messages of the shadow last said of one connector."""

    evse_id: int
    connector_id: int | None
    """Of its EVSE; None where a TransactionEvent named none."""
    status: str
    """ConnectorStatusEnumType of StatusNotification; empty where there was none."""
    status_at: Micros | None
    charging_state: str
    """ChargingStateEnumType of the latest TransactionEvent of the EVSE; empty where there was none."""
    charging_at: Micros | None
    event: str
    """Its eventType: a state after `Ended` holds no more."""


def links_of(store: Store, charger_id: str, since: Micros, until: Micros, limit: int = 1000) -> list[Link]:
    """The connections that were open at some time in a stretch, the newest `limit` of them, oldest first."""
    query = """
    SELECT connection_id, state, toUnixTimestamp64Micro(opened_at), toUnixTimestamp64Micro(closed_at),
        toUnixTimestamp64Micro(last_frame_at), subprotocol, frames, gaps, bytes_forwarded, bytes_mirrored,
        bytes_parsed, count() OVER ()
    FROM connections AS c FINAL
    WHERE charger_id = %(charger)s AND c.opened_at <= fromUnixTimestamp64Micro(%(until)s, 'UTC')
        AND (c.closed_at IS NULL OR c.closed_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC'))
    ORDER BY c.opened_at DESC LIMIT %(limit)s"""
    params = {"charger": charger_id, "since": since, "until": until, "limit": limit}
    return [Link(*row) for row in reversed(read(store, query, params))]


def cuts_of(store: Store, charger_id: str, since: Micros, until: Micros, limit: int = 1000) -> list[Cut]:
    """The places where its mirrored copy was cut, the newest `limit` of them, oldest first."""
    query = """
    SELECT frame_id, toUnixTimestamp64Micro(received_at), detail FROM frames FINAL
    WHERE charger_id = %(charger)s AND kind = 'gap'
        AND received_at BETWEEN fromUnixTimestamp64Micro(%(since)s, 'UTC')
        AND fromUnixTimestamp64Micro(%(until)s, 'UTC')
    ORDER BY received_at DESC LIMIT %(limit)s"""
    params = {"charger": charger_id, "since": since, "until": until, "limit": limit}
    return [_cut(*row) for row in reversed(read(store, query, params))]


def said_statuses(store: Store, charger_id: str, run: str = JUDGING_RUN) -> list[SaidStatus]:
    """The latest status of each EVSE and connector, by EVSE; empty where no 2.0.1 message spoke of one."""
    query = """
    SELECT evse, connector, action, argMax(status, number), argMax(charging, number), argMax(event, number),
        toUnixTimestamp64Micro(max(moment))
    FROM (
        SELECT ifNull(evse_id, JSONExtractInt(payload, 'evseId')) AS evse, action, number, at AS moment,
            if(action = 'StatusNotification', JSONExtractInt(payload, 'connectorId'), 0) AS connector,
            JSONExtractString(payload, 'connectorStatus') AS status, JSONExtractString(payload, 'eventType') AS event,
            JSONExtractString(payload, 'transactionInfo', 'chargingState') AS charging
        FROM messages FINAL
        WHERE charger_id = %(charger)s AND judging_run = %(run)s AND type = 'request'
            AND action IN ('StatusNotification', 'TransactionEvent')
    )
    GROUP BY evse, connector, action ORDER BY evse, connector"""
    rows = read(store, query, {"charger": charger_id, "run": run})
    charging = {row[0]: (row[4], row[6], row[5]) for row in rows if row[2] == "TransactionEvent"}
    told = [(row[0], row[1], row[3], row[6]) for row in rows if row[2] == "StatusNotification"]
    told += [(evse, 0, "", None) for evse in charging if evse not in {one[0] for one in told}]
    return [
        SaidStatus(evse, connector or None, status, at, *charging.get(evse, ("", None, "")))
        for evse, connector, status, at in sorted(told, key=lambda one: one[:2])
    ]


class _Detail(msgspec.Struct):
    gap: Gap | None = None


def _cut(frame_id: str, at: Micros, detail: str) -> Cut:
    gap = _decode(detail).gap if detail else None
    if gap is None:
        return Cut(frame_id, at, at, "", 0, lasting=False)
    return Cut(frame_id, gap.since, at, gap.reason, gap.bytes_missing, lasting=gap.until_reconnect)


_decode: Final = msgspec.json.Decoder(_Detail).decode
