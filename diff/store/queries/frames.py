"""Frames as evidence: by time, by name, and as a recording that can be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.recording import encode_line

__all__ = [
    "FrameLine",
    "frames_between",
    "frames_named",
    "frames_of",
    "newest_frame",
    "newest_frames",
    "recording",
    "stored_frames",
]


class FrameLine(msgspec.Struct, frozen=True):
    """A stored frame."""

    frame_id: str
    connection_id: str
    seq: int
    received_at: Micros
    kind: str
    direction: str
    action: str
    message_type: str
    message_id: str
    text: str
    """As received less redactions; cut at the length that was asked for."""
    size: int
    """Bytes of the whole text."""
    detail: str
    """JSON: handshake facts, the gap, the close code, the judged connectors."""
    total: int
    """Frames that meet the condition, listed or not."""


class _Detail(msgspec.Struct):
    handshake: Handshake | None = None
    gap: Gap | None = None
    close_code: int | None = None
    judged_connectors: tuple[int, ...] | None = None
    zoneless: bool = False


def frames_between(
    store: Store,
    charger_id: str,
    since: Micros,
    until: Micros,
    *,
    also: Sequence[str] = (),
    limit: int = 2000,
    longest: int = 400,
) -> list[FrameLine]:
    """The frames of a charging station in a time range (both ends included), and those of the given ids, in order.

    `longest`: characters of a text that are read.
    """
    condition = f"(received_at BETWEEN {_moment('since')} AND {_moment('until')} OR has(%(also)s, frame_id))"
    params = {"since": since, "until": until, "also": list(also) or [""]}
    return _frames(store, charger_id, condition, params, limit, longest)


def frames_named(store: Store, charger_id: str, ids: Sequence[str], *, limit: int = 50) -> list[FrameLine]:
    """The frames of the given ids with their whole texts, in order. What the store let go of is missing."""
    return _frames(store, charger_id, "has(%(ids)s, frame_id)", {"ids": list(ids) or [""]}, limit, None)


def recording(store: Store, charger_id: str, since: Micros, until: Micros, limit: int = 5000) -> bytes:
    """The frames of a time range in the recording format: what `replay` reads."""
    params = {"since": since, "until": until}
    condition = f"received_at BETWEEN {_moment('since')} AND {_moment('until')}"
    lines = _frames(store, charger_id, condition, params, limit, None)
    return b"".join(encode_line(_frame(charger_id, line)) for line in lines)


def newest_frame(store: Store) -> Micros | None:
    """When the newest frame of any charging station came; None where there is none."""
    # FINAL is left out: a row in an older version has the same time.
    query = "SELECT toUnixTimestamp64Micro(max(received_at)), count() FROM frames WHERE charger_id != ''"
    at, total = store.execute(query)[0]
    return int(at) if total else None


def stored_frames(
    store: Store, charger_id: str, begin: tuple[Micros, str, int], until: Micros, limit: int
) -> list[Frame]:
    """Frames from a place in the canonical order on (received_at, connection, seq; included), in that order."""
    condition = f"""(received_at, connection_id, seq) >= ({_moment("since")}, %(connection)s, %(seq)s)
        AND received_at <= {_moment("until")}"""
    params = {"since": begin[0], "connection": begin[1], "seq": begin[2], "until": until}
    return [_frame(charger_id, line) for line in _frames(store, charger_id, condition, params, limit, None)]


def frames_of(store: Store, charger_ids: Sequence[str], since: Micros, until: Micros) -> dict[str, list[Frame]]:
    """All frames of some charging stations in a time range (both ends included), each one's in canonical order.

    Not bounded: who asks knows how many there are.
    """
    query = f"""
    SELECT {_COLUMNS} FROM frames FINAL
    WHERE charger_id IN %(chargers)s AND received_at BETWEEN {_moment("since")} AND {_moment("until")}"""
    found: dict[str, list[Frame]] = {charger_id: [] for charger_id in charger_ids}
    for charger_id, connection_id, seq, at, kind, direction, text, detail in read(
        store, query, {"chargers": tuple(charger_ids), "since": since, "until": until}
    ):
        found[charger_id].append(_made(charger_id, connection_id, seq, at, kind, direction, text, detail))
    for frames in found.values():
        frames.sort(key=lambda frame: frame.order_key)
    return found


def newest_frames(store: Store, charger_ids: Sequence[str], limit: int) -> dict[str, list[Frame]]:
    """The newest frames of some charging stations, `limit` of each, and before them how their connections were opened.

    In canonical order. Without its opening nothing would say which version a connection speaks.
    """
    found: dict[str, list[Frame]] = {charger_id: [] for charger_id in charger_ids}
    if not found:
        return found
    params: dict[str, Any] = {f"charger{number}": charger_id for number, charger_id in enumerate(found)} | {
        "limit": limit
    }
    # One question for all of them: ten stations were ten times three.
    begins = " UNION ALL ".join(_BEGIN.format(n=number) for number in range(len(found)))
    conditions = list[str]()
    for number, begin, connections in read(store, begins, params):
        params |= {f"since{number}": begin, f"connections{number}": tuple(connections)}
        conditions.append(_SINCE_BEGIN.format(n=number))
    if not conditions:
        return found
    for charger_id, connection_id, seq, at, kind, direction, text, detail in read(
        store, f"SELECT {_COLUMNS} FROM frames FINAL WHERE {' OR '.join(conditions)}", params
    ):
        found[charger_id].append(_made(charger_id, connection_id, seq, at, kind, direction, text, detail))
    for number, frames in enumerate(found.values()):
        frames.sort(key=lambda frame: frame.order_key)
        opened = sum(frame.received_at < params[f"since{number}"] for frame in frames)
        del frames[opened + limit :]
    return found


def _frames(
    store: Store, charger_id: str, condition: str, params: dict[str, Any], limit: int, longest: int | None
) -> list[FrameLine]:
    text = "text" if longest is None else "substringUTF8(text, 1, %(longest)s)"
    query = f"""
    SELECT frame_id, connection_id, seq, toUnixTimestamp64Micro(received_at), kind, direction, action, message_type,
        message_id, {text}, length(text), detail, count() OVER ()
    FROM frames FINAL WHERE charger_id = %(charger)s AND {condition}
    ORDER BY received_at, connection_id, seq LIMIT %(limit)s"""
    bound = params | {"charger": charger_id, "limit": limit, "longest": longest or 0}
    return [FrameLine(*row) for row in read(store, query, bound)]


def _frame(charger_id: str, line: FrameLine) -> Frame:
    at, kind, direction = line.received_at, line.kind, line.direction
    return _made(charger_id, line.connection_id, line.seq, at, kind, direction, line.text, line.detail)


def _made(
    charger_id: str, connection_id: str, seq: int, at: Micros, kind: str, direction: str, text: str, facts: str
) -> Frame:
    detail = _decode(facts) if facts else _Detail()
    return Frame(
        charger_id,
        connection_id,
        seq,
        at,
        FrameKind(kind),
        Direction(direction) if direction else None,
        text,
        detail.handshake,
        detail.gap,
        detail.close_code,
        detail.judged_connectors,
        detail.zoneless,
    )


def _moment(name: str) -> str:
    return f"fromUnixTimestamp64Micro(%({name})s, 'UTC')"


_COLUMNS: Final = "charger_id, connection_id, seq, toUnixTimestamp64Micro(received_at), kind, direction, text, detail"
_BEGIN: Final = """
    SELECT {n}, toUnixTimestamp64Micro(min(received_at)), groupUniqArray(100)(connection_id) FROM (
        SELECT received_at, connection_id FROM frames WHERE charger_id = %(charger{n})s
        ORDER BY received_at DESC LIMIT %(limit)s
    ) HAVING count() > 0"""
_SINCE_BEGIN: Final = """charger_id = %(charger{n})s AND (received_at >= fromUnixTimestamp64Micro(%(since{n})s, 'UTC')
    OR (kind = 'opened' AND connection_id IN %(connections{n})s))"""
_decode: Final = msgspec.json.Decoder(_Detail).decode
