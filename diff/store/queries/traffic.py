"""How often each action was seen: what the coverage gate counts. Rows that were written twice count once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from diff.gates.coverage import OFFLINE_START, OFFLINE_STOP, REBOOT_IN_SESSION
from diff.judging import CURRENT
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from ingest.frame import Micros
from shadow import schema

__all__ = ["actions_by_charger"]

_KNOWN: Final = frozenset({*schema.actions(schema.V16), *schema.actions(schema.V201)})
"""Whatever else a charging station calls an action is none."""


def actions_by_charger(store: Store, since: Micros, until: Micros, run: str = CURRENT) -> Mapping[str, Counter[str]]:
    """Calls by charging station and action, and what happened around sessions, of the whole fleet in a stretch of time.

    Frames and 2.0.1 messages are kept for a shorter time than sessions: what has gone is not counted.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    params = {"since": since, "until": until}
    for query in (_CALLS, _OFFLINE, _REBOOTS.format(rows=counting(store, run))):
        for charger_id, action, seen in read(store, query, params):
            if action in _KNOWN or action in (OFFLINE_START, OFFLINE_STOP, REBOOT_IN_SESSION):
                found[charger_id][action] += seen
    return found


_BETWEEN: Final = "> fromUnixTimestamp64Micro(%(since)s, 'UTC') AND {0} <= fromUnixTimestamp64Micro(%(until)s, 'UTC')"

# Numbers of frames as sets, as in frame_counts: a set is the same however often a frame was written.
_CALLS: Final = f"""
    SELECT charger_id, action, sum(seen)
    FROM (
        SELECT charger_id, connection_id, action, groupBitmap(toUInt32(seq)) AS seen
        FROM frames
        WHERE message_type = 'call' AND action != '' AND charger_id != ''
            AND received_at {_BETWEEN.format("received_at")}
        GROUP BY charger_id, connection_id, action
    )
    GROUP BY charger_id, action"""

_OFFLINE: Final = f"""
    SELECT charger_id, if(event = 'Started', '{OFFLINE_START}', '{OFFLINE_STOP}') AS happened, uniqExact(message_id)
    FROM (
        SELECT charger_id, message_id, JSONExtractString(payload, 'eventType') AS event
        FROM messages
        WHERE judging_run = '{JUDGING_RUN}' AND action = 'TransactionEvent' AND type = 'request'
            AND at {_BETWEEN.format("at")} AND JSONExtractBool(payload, 'offline')
    )
    WHERE event IN ('Started', 'Ended')
    GROUP BY charger_id, happened"""

_REBOOTS: Final = f"""
    SELECT s.charger_id, '{REBOOT_IN_SESSION}', uniqExact(s.session_id)
    FROM (
        SELECT charger_id, session_id, first_received_at, last_received_at FROM sessions FINAL
        WHERE {{rows}} AND status = 'open' AND last_received_at {_BETWEEN.format("last_received_at")}
    ) AS s
    INNER JOIN (
        SELECT charger_id, received_at FROM frames
        WHERE message_type = 'call' AND action = 'BootNotification' AND received_at {_BETWEEN.format("received_at")}
    ) AS b ON b.charger_id = s.charger_id
    WHERE b.received_at > s.first_received_at AND b.received_at <= s.last_received_at
    GROUP BY s.charger_id"""
