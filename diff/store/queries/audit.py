"""Evidence of the gap audit, counted over stored frames: the same record as `diff.audit.observing` folds of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from diff.audit.evidence import (
    DAY,
    LOGGED,
    MOST_NAMES,
    NATIVE_FIELDS,
    NATIVE_ONLY,
    NOT_SAID,
    OCPP16,
    OCPP201,
    OTHER,
    Connections,
    Evidence,
    FirmwareSeen,
    Latency,
    Pings,
    action_count,
    action_name,
    counts,
    outcome,
    transfer_count,
    version_name,
)
from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Direction, Micros

__all__ = ["FOREVER", "evidence"]

FOREVER: Final[Micros] = 4_102_444_800_000_000
"""The year 2100."""
_SWITCHING_PROTOCOLS: Final = 101


def evidence(store: Store, charger_ids: Sequence[str], since: Micros = 0, until: Micros = FOREVER) -> list[Evidence]:
    """What the stored frames of some charging stations show, in the order asked for; both ends of the time included.

    One that has no frames in that time gets empty evidence. The tap's accounts are of all time.
    """
    if not charger_ids:
        return []
    asked = {"chargers": tuple(charger_ids), "since": since, "until": until}
    found = {charger_id: Evidence(charger_id=charger_id) for charger_id in charger_ids}
    for part in (_totals, _handshakes, _actions, _errors, _pings, _latency, _firmwares, _transfers, _accounts):
        for charger_id, fields in part(store, asked).items():
            found[charger_id] = replace(found[charger_id], **fields)
    return [found[charger_id] for charger_id in charger_ids]


_Asked = dict[str, Any]
_Parts = dict[str, dict[str, Any]]
"""By charging station: fields of `Evidence`."""

_TOTALS: Final = ("first_at", "last_at", "days", "frames", "messages", "unreadable", "gaps", "gap_bytes")
_ACCEPTED: Final = f"(status IN (0, {_SWITCHING_PROTOCOLS}) OR subprotocol = 'SOAP')"
_NATIVE: Final = " OR ".join(
    (
        f"action IN {tuple(sorted(NATIVE_ONLY))!r}",
        *(f"action = '{action}' AND JSONHas(text, 4, '{field}')" for action, field in NATIVE_FIELDS.items()),
    )
)
_FRAMES: Final = """
    SELECT charger_id, connection_id, seq, toUnixTimestamp64Micro(received_at) AS at, toString(kind) AS kind,
        toString(direction) AS direction, toString(action) AS action, toString(message_type) AS type, message_id, text,
        detail, if(direction = 'cp>cs', 'cs>cp', 'cp>cs') AS opposite
    FROM frames FINAL
    WHERE charger_id IN %(chargers)s AND received_at BETWEEN fromUnixTimestamp64Micro(%(since)s, 'UTC')
        AND fromUnixTimestamp64Micro(%(until)s, 'UTC')"""
_SHAKES: Final = f"""
    SELECT charger_id, connection_id, JSONExtractString(detail, 'handshake', 'subprotocol') AS subprotocol,
        JSONExtractInt(detail, 'handshake', 'status') AS status,
        JSONExtract(detail, 'handshake', 'offered', 'Array(String)') AS offered,
        JSONExtractString(detail, 'handshake', 'tls_version') AS tls,
        JSONExtractBool(detail, 'handshake', 'basic_auth') AS basic,
        JSONHas(detail, 'handshake', 'client_certificate_subject') AS certificate,
        JSONExtractBool(detail, 'handshake', 'compression') AS compressed
    FROM ({_FRAMES}) WHERE kind = 'opened'"""


def _totals(store: Store, asked: _Asked) -> _Parts:
    query = f"""
    SELECT charger_id, minIf(at, at > 0), max(at), uniqExactIf(intDiv(at, {DAY}), at > 0), count(),
        countIf(kind = 'message'), countIf(type = 'malformed'), countIf(kind = 'gap'),
        sumIf(JSONExtractInt(detail, 'gap', 'bytes_missing'), kind = 'gap'),
        countIf(action = 'StartTransaction' AND type = 'result') + countIf(action = 'TransactionEvent'
            AND type = 'call' AND JSONExtractString(text, 4, 'eventType') = 'Started'),
        maxIf(length(text), kind = 'message' AND direction = 'cp>cs'),
        maxIf(length(text), kind = 'message' AND direction = 'cs>cp')
    FROM ({_FRAMES}) GROUP BY charger_id"""
    parts: _Parts = {}
    for charger_id, *numbers, transactions, station, csms in read(store, query, asked):
        largest = [(side.value, size) for side, size in zip(Direction, (station, csms), strict=True) if size]
        parts[charger_id] = {
            **dict(zip(_TOTALS, numbers, strict=True)),
            "transactions": transactions,
            "largest": counts(largest),
        }
    return parts


def _handshakes(store: Store, asked: _Asked) -> _Parts:
    opened = f"""
    SELECT charger_id, subprotocol, offered, tls, basic, certificate, compressed, {_ACCEPTED} AS accepted, count()
    FROM ({_SHAKES}) GROUP BY ALL"""
    numbers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    names: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for charger_id, spoken, offered, tls, basic, certificate, compressed, accepted, number in read(
        store, opened, asked
    ):
        if not accepted:
            numbers[charger_id]["refused"] += number
            continue
        told = {"opened": 1, "basic_auth": basic, "client_certificates": certificate, "compressed": compressed}
        for field, holds in told.items():
            numbers[charger_id][field] += number * bool(holds)
        names[charger_id, "spoken"][version_name(spoken)] += number
        for offer in {version_name(offer) for offer in offered}:
            names[charger_id, "offered"][offer] += number
        if tls:
            names[charger_id, "tls"][version_name(tls)] += number
    ended = f"""
    SELECT charger_id, JSONExtractRaw(detail, 'close_code'), count() FROM ({_FRAMES}) WHERE kind = 'closed'
    GROUP BY ALL"""
    for charger_id, code, number in read(store, ended, asked):
        names[charger_id, "closes"][version_name(code)] += number
    seen = read(store, f"SELECT charger_id, uniqExact(connection_id) FROM ({_FRAMES}) GROUP BY charger_id", asked)
    kinds = ("closes", "spoken", "offered", "tls")
    return {
        charger_id: {
            "connections": replace(
                Connections(seen=number),
                **numbers[charger_id],
                **{kind: counts(names[charger_id, kind].items()) for kind in kinds},
            )
        }
        for charger_id, number in seen
    }


def _actions(store: Store, asked: _Asked) -> _Parts:
    """What a connection speaks is agreed, or told by its first CALL that tells: a station's, or one of 2.0.1 only."""
    query = f"""
    SELECT f.charger_id, p.speaks, if(type = 'call', direction, opposite), action, type,
        substringUTF8(multiIf(type = 'call', '', type = 'error', JSONExtractString(text, 3),
            action = 'GetLocalListVersion', JSONExtractRaw(text, 3, 'listVersion'),
            JSONExtractString(text, 3, 'status')), 1, {LOGGED}) AS word, count()
    FROM ({_FRAMES}) AS f
    INNER JOIN (
        SELECT charger_id, connection_id, anyIf(subprotocol, subprotocol != '' AND {_ACCEPTED}) AS agreed,
            argMinIf(native, seq, told) AS moved, multiIf(agreed != '', agreed, countIf(told) = 0, '{NOT_SAID}',
                moved, '{OCPP201}', '{OCPP16}') AS speaks
        FROM (
            SELECT charger_id, connection_id, seq, ({_NATIVE}) AS native,
                type = 'call' AND (direction = 'cp>cs' OR native) AS told,
                if(kind = 'opened', JSONExtractString(detail, 'handshake', 'subprotocol'), '') AS subprotocol,
                if(kind = 'opened', JSONExtractInt(detail, 'handshake', 'status'), 0) AS status
            FROM ({_FRAMES})
        ) GROUP BY charger_id, connection_id
    ) AS p ON f.charger_id = p.charger_id AND f.connection_id = p.connection_id
    WHERE action != '' AND type IN ('call', 'result', 'error') GROUP BY ALL"""
    said: defaultdict[tuple[str, tuple[str, Direction, str]], Counter[str]] = defaultdict(Counter)
    for charger_id, speaks, side, action, kind, word, number in read(store, query, asked):
        direction = Direction(side)
        key = (version_name(speaks), direction, action_name(action))
        field = "calls" if kind == "call" else outcome(direction, action, word, error=kind == "error")
        said[charger_id, key][field] += number
    parts: _Parts = {}
    for (charger_id, key), numbers in sorted(said.items()):
        row = parts.setdefault(charger_id, {"actions": ()})
        row["actions"] += (action_count(key, numbers),)
    return parts


def _errors(store: Store, asked: _Asked) -> _Parts:
    query = f"""
    SELECT charger_id, concat(direction, ' ', substringUTF8(JSONExtractString(text, 3), 1, {LOGGED})), count()
    FROM ({_FRAMES}) WHERE type = 'error' GROUP BY ALL"""
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for charger_id, name, number in read(store, query, asked):
        found[charger_id].append((name, number))
    return {charger_id: {"errors": counts(rows)} for charger_id, rows in found.items()}


def _pings(store: Store, asked: _Asked) -> _Parts:
    """A pong and a close stand in the lane of the side that pinged; a ping before another one or a close is lost."""
    query = f"""
    SELECT charger_id, lane, count(), countIf(next IN ('ping', 'closed')) FROM (
        SELECT charger_id, lane, kind, leadInFrame(kind) OVER (
            PARTITION BY charger_id, connection_id, lane ORDER BY seq
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next
        FROM (
            SELECT charger_id, connection_id, seq, kind, arrayJoin(multiIf(kind = 'closed', ['cp>cs', 'cs>cp'],
                kind = 'ping', [direction], [opposite])) AS lane
            FROM ({_FRAMES}) WHERE kind IN ('ping', 'pong', 'closed')
        )
    ) WHERE kind = 'ping' GROUP BY ALL ORDER BY charger_id, lane"""
    parts: _Parts = {}
    for charger_id, lane, sent, unanswered in read(store, query, asked):
        row = parts.setdefault(charger_id, {"pings": ()})
        row["pings"] += (Pings(Direction(lane), sent, unanswered),)
    return parts


_PAIRED: Final = f"""
    SELECT a.charger_id AS charger_id, a.opposite AS side, a.action AS action, a.type AS type, a.text AS text,
        a.at AS answered_at, c.at AS called_at, c.text AS request
    FROM (SELECT * FROM ({_FRAMES}) WHERE type IN ('result', 'error') AND action != '') AS a
    ASOF INNER JOIN (SELECT * FROM ({_FRAMES}) WHERE type = 'call') AS c
    ON a.charger_id = c.charger_id AND a.connection_id = c.connection_id AND a.message_id = c.message_id
        AND a.opposite = c.direction AND a.seq > c.seq"""


def _latency(store: Store, asked: _Asked) -> _Parts:
    query = f"""
    SELECT charger_id, arraySort(groupArray(answered_at - called_at)) AS took, length(took) AS n,
        took[intDiv(n * 50 + 99, 100)], took[intDiv(n * 95 + 99, 100)], took[intDiv(n * 99 + 99, 100)], took[n]
    FROM ({_PAIRED}) WHERE side = 'cs>cp' AND called_at > 0 AND answered_at >= called_at GROUP BY charger_id"""
    rows = read(store, f"SELECT * EXCEPT took FROM ({query})", asked)
    return {charger_id: {"latency": Latency(*numbers)} for charger_id, *numbers in rows}


def _firmwares(store: Store, asked: _Asked) -> _Parts:
    query = f"""
    SELECT charger_id, version, boots, first, last FROM (
        SELECT charger_id, substringUTF8(if(JSONHas(text, 4, 'chargingStation'),
            JSONExtractString(text, 4, 'chargingStation', 'firmwareVersion'),
            JSONExtractString(text, 4, 'firmwareVersion')), 1, {LOGGED}) AS version,
            count() AS boots, min(at) AS first, max(at) AS last
        FROM ({_FRAMES}) WHERE action = 'BootNotification' AND type = 'call' GROUP BY charger_id, version
    ) WHERE version != '' ORDER BY charger_id, first, version LIMIT {MOST_NAMES} BY charger_id"""
    parts: _Parts = {}
    for charger_id, *seen in read(store, query, asked):
        row = parts.setdefault(charger_id, {"firmwares": ()})
        row["firmwares"] += (FirmwareSeen(*seen),)
    return parts


def _transfers(store: Store, asked: _Asked) -> _Parts:
    query = f"""
    SELECT charger_id, side, vendor, message, sum(calls) AS total, sum(accepted), sum(answered) FROM (
        SELECT charger_id, direction AS side, JSONExtractString(text, 4, 'vendorId') AS vendor,
            JSONExtractString(text, 4, 'messageId') AS message, 1 AS calls, 0 AS accepted, 0 AS answered
        FROM ({_FRAMES}) WHERE action = 'DataTransfer' AND type = 'call'
        UNION ALL
        SELECT charger_id, side, JSONExtractString(request, 4, 'vendorId'), JSONExtractString(request, 4, 'messageId'),
            0, type = 'result' AND JSONExtractString(text, 3, 'status') IN ('', 'Accepted'), 1
        FROM ({_PAIRED}) WHERE action = 'DataTransfer'
    ) GROUP BY ALL ORDER BY total DESC, vendor, message"""
    found: defaultdict[str, dict[tuple[Direction, str, str], Counter[str]]] = defaultdict(dict)
    for charger_id, side, vendor, message, *numbers in read(store, query, asked):
        table = found[charger_id]
        key = (Direction(side), vendor[:LOGGED], message[:LOGGED])
        if key not in table and len(table) >= MOST_NAMES:
            key = (Direction(side), OTHER, "")
        seen = zip(("calls", "accepted", "answered"), numbers, strict=True)
        table.setdefault(key, Counter()).update(dict(seen))
    return {
        charger_id: {"transfers": tuple(sorted(transfer_count(key, numbers) for key, numbers in table.items()))}
        for charger_id, table in found.items()
    }


def _accounts(store: Store, asked: _Asked) -> _Parts:
    query = """
    SELECT charger_id, sum(bytes_forwarded), sum(bytes_parsed) FROM connections FINAL
    WHERE charger_id IN %(chargers)s GROUP BY charger_id"""
    rows = read(store, query, asked)
    return {charger_id: {"bytes_forwarded": total, "bytes_parsed": parsed} for charger_id, total, parsed in rows}
