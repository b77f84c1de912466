"""A store of any size, generated inside the engine: INSERT ... SELECT FROM numbers(), nothing travels.

The shape is that of a fleet over three months of the tap's clock: charging stations of a few dozen models, each with
connections of a thousand frames, sessions, and discrepancies whose fingerprints are as unequal as real ones (a few
faults of a firmware make most of the rows). A share of the discrepancies has a second version, as after later evidence.

What is not as in a real store, to fit a disk: only every tenth connection's frames have texts of full length, and
the texts compress better than real ones. Rows, keys, cardinalities and partitions are real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from diff.store.client import Store
from diff.store.summaries import summarise

__all__ = ["Size", "generate"]

_FRAMES_A_CONNECTION: Final = 1000
_CHUNK: Final = 2_000_000
"""Rows of one INSERT: some parts a month, as a store that has merged for a while."""
_DAYS: Final = 90
_REVISED_IN: Final = 20
"""One of so many discrepancies comes again in a newer version."""


class Size(msgspec.Struct, frozen=True):
    """How many rows."""

    discrepancies: int = 10_000_000
    frames: int = 100_000_000
    messages: int = 20_000_000
    sessions: int = 2_000_000
    chargers: int = 20_000
    fingerprints: int = 2_000

    def scaled(self, share: float) -> Size:
        """The same store with fewer rows and charging stations."""
        counts = {name: max(int(value * share), 20) for name, value in msgspec.structs.asdict(self).items()}
        return Size(**counts)


def generate(store: Store, size: Size, say: Callable[[str], None] = lambda _: None) -> None:
    """Fill the tables of a migrated, empty database. Raises `StoreError`."""
    params = {
        "chargers": size.chargers,
        "fingerprints": size.fingerprints,
        "sessions": size.sessions,
        "days": _DAYS,
        "connection": _FRAMES_A_CONNECTION,
        "connections": -(-size.frames // _FRAMES_A_CONNECTION),
        "messages": max(size.messages // size.chargers, 1),
        "revised": _REVISED_IN,
    }
    rows = {
        "chargers": (size.chargers, _CHARGERS),
        "connections": (params["connections"], _CONNECTIONS),
        "sessions": (size.sessions, _SESSIONS),
        "discrepancies": (size.discrepancies, _DISCREPANCIES),
        "messages": (size.messages, _MESSAGES),
        "frames": (size.frames, _FRAMES),
    }
    for table, (count, query) in rows.items():
        for begin, length in _chunks(count):
            store.execute(query, params | {"begin": begin, "length": length}, _SETTINGS)
            say(f"{table}: {begin + length:,} of {count:,}")
    store.execute(_APPLIED)
    say("applied_counts: as the frames")
    revised = size.discrepancies // _REVISED_IN
    for begin, length in _chunks(revised):
        store.execute(_REVISIONS, params | {"begin": begin, "length": length}, _SETTINGS)
    say(f"discrepancies: {revised:,} in a second version")
    for table in ("discrepancies", "sessions"):
        _settle(store, table)
        say(f"{table}: past weeks merged, as the schema has it done after an hour without writes")
    say(f"{summarise(store, quiet_seconds=-1):,} weeks summed up, as the sink does after two minutes without writes")
    store.execute(_LIVE)
    say("the last seven days are being written to")


def _settle(store: Store, table: str) -> None:
    """Merge what `min_age_to_force_merge_seconds` would merge; the newest week stays as it was written."""
    query = (
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = %(t)s"
    )
    for (partition,) in sorted(store.execute(query, {"t": table}))[:-1]:
        store.execute(f"OPTIMIZE TABLE {table} PARTITION ID '{partition}' FINAL")


def _chunks(count: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, _CHUNK):
        yield begin, min(_CHUNK, count - begin)


_SETTINGS: Final = {"max_partitions_per_insert_block": 0, "max_insert_threads": 2}

# Everything is a hash of the row's number, so that a run is the same store each time but for where now() stands.
_COMMON: Final = """
    concat('CP-', leftPad(toString(charger), 7, '0')) AS charger_id,
    cityHash64(charger, 'kind') MOD 36 AS charger_kind,
    ['Alder', 'Birch Power', 'Cedar', 'Dogwood'][charger_kind MOD 4 + 1] AS charger_vendor,
    concat(charger_vendor, ' ', ['Curb 22', 'Depot 50', 'Highway 150'][intDiv(charger_kind, 4) MOD 3 + 1])
        AS charger_model,
    ['1.2.0', '2.4.1', '5.0.3-rc2'][intDiv(charger_kind, 12) MOD 3 + 1] AS charger_firmware,
    toDateTime64(toStartOfDay(now('UTC')), 6, 'UTC') - toIntervalDay(%(days)s) AS origin"""

_NUMBERS: Final = "FROM numbers(%(begin)s, %(length)s)"

_CHARGERS: Final = f"""
INSERT INTO chargers (charger_id, judging_run, vendor, model, firmware, first_seen, last_seen, comparisons, version)
WITH number AS charger, {_COMMON}
SELECT charger_id, 'live', charger_vendor, charger_model, charger_firmware, origin, origin + toIntervalDay(%(days)s),
    cityHash64(number) MOD 5000, 1 {_NUMBERS}"""

_CONNECTIONS: Final = f"""
INSERT INTO connections (charger_id, connection_id, state, subprotocol, compression, opened_at, closed_at,
    last_frame_at, bytes_forwarded, bytes_mirrored, bytes_parsed, frames, gaps, at, frames_published)
WITH number MOD %(chargers)s AS charger, {_COMMON},
    origin + toIntervalSecond(intDiv(number * %(days)s * 86400, %(connections)s)) AS opened
SELECT charger_id, concat(charger_id, '@', toString(number)), if(number MOD 50 = 0, 'unparsable', 'closed'), 'ocpp1.6',
    number MOD 4 = 0, opened, opened + toIntervalDay(1), opened + toIntervalDay(1), 205000, 205000, 205000,
    %(connection)s, number MOD 100 = 0, opened + toIntervalDay(1), %(connection)s {_NUMBERS}"""

_SESSION_TIME: Final = "origin + toIntervalSecond(intDiv(number * %(days)s * 86400, %(sessions)s))"

_SESSIONS: Final = f"""
INSERT INTO sessions (charger_id, judging_run, session_id, connector_id, evse_id, primary_transaction_id,
    shadow_transaction_id, id_token, started_at, stopped_at, stop_reason, primary_energy_wh, shadow_energy_wh, complete,
    compared, judged, first_received_at, last_received_at, vendor, model, firmware, detail, version)
WITH number MOD %(chargers)s AS charger, {_COMMON}, {_SESSION_TIME} AS began,
    began + toIntervalSecond(600 + cityHash64(number, 'length') MOD 20000) AS ended
SELECT charger_id, 'live', substring(lower(hex(sipHash128(number, 'session'))), 1, 20), number MOD 2 + 1,
    number MOD 2 + 1,
    toString(1000 + number), lower(hex(sipHash128(number, 'tx'))),
    substring(hex(cityHash64(number MOD 300000)), 1, 14), began, ended,
    ['EVDisconnected', 'Local', 'Remote'][number MOD 3 + 1], cityHash64(number) MOD 60000, cityHash64(number) MOD 60000,
    true, true, true, began, ended, charger_vendor, charger_model, charger_firmware, '', 1 {_NUMBERS}"""

_CODES: Final = (
    "['clock.no-zone', 'session.energy', 'meter.placeholder', 'clock.skew', 'rpc.unanswered', 'rpc.before-boot',"
    " 'rpc.call-error', 'meter.regression', 'rpc.slow-answer', 'meter.implausible', 'schema.v16',"
    " 'meter.unit-unknown', 'clock.backwards', 'rpc.orphan-answer', 'session.missing', 'auth.difference']"
)
_SEVERITIES: Final = (
    "['minor', 'critical', 'critical', 'minor', 'major', 'major', 'minor', 'major', 'minor', 'major', 'major',"
    " 'major', 'major', 'minor', 'critical', 'info']"
)

_DISCREPANCY_ROWS: Final = f"""
INSERT INTO discrepancies (charger_id, code, judging_run, id, class, severity, evse_id, connector_id, session_id, path,
    primary, shadow, delta, unit, frames, occurrences, occurred_at, observed_at, first_received_at, fingerprint, title,
    detail, status, version, vendor, model, firmware, mapper_version, policy_version, schema_version)
WITH toUInt64(cityHash64(row, 'session') MOD %(sessions)s) AS session, session MOD %(chargers)s AS charger, {_COMMON},
    -- A fingerprint belongs to one vendor, model and firmware. The square of an even distribution: the first hundredth
    -- of a model's fingerprints has a tenth of its rows.
    greatest(intDiv(%(fingerprints)s, 36), 1) AS of_a_kind,
    charger_kind * of_a_kind + toUInt64(pow((cityHash64(row, 'kind') MOD 1000000) / 1000000, 2) * of_a_kind) AS kind,
    kind MOD 16 + 1 AS code_number, {_CODES}[code_number] AS the_code,
    origin + toIntervalSecond(intDiv(session * %(days)s * 86400, %(sessions)s)) + toIntervalMillisecond(row MOD 600000)
        AS seen,
    the_code IN ('session.energy', 'session.missing') OR row MOD 2 = 0 AS in_session
SELECT charger_id, the_code, 'live', substring(lower(hex(sipHash128(row, 'id'))), 1, 20),
    if(code_number MOD 3 = 0, 'behaviour', 'quality'), {_SEVERITIES}[code_number], 1, 1,
    if(in_session, substring(lower(hex(sipHash128(session, 'session'))), 1, 20), NULL),
    concat(the_code, '.path.', toString(kind MOD 40)), toString(cityHash64(row) MOD 50000),
    toString(cityHash64(row, 's') MOD 50000),
    if(the_code = 'session.energy', toDecimal128(cityHash64(row) MOD 900, 6) - 450, NULL),
    if(the_code = 'session.energy', 'Wh', NULL),
    arrayMap(part -> concat(charger_id, '@', toString(session), '/', toString(part)), range(1 + row MOD 6)),
    1 + row MOD 50, seen, seen + toIntervalHour(VERSION - 1), seen, lower(hex(cityHash64(kind, 'fingerprint'))),
    concat(the_code, ' at path ', toString(kind), ' (', charger_model, ', firmware ', charger_firmware, ')'),
    concat('found in ', the_code), if(VERSION = 2 AND row MOD 3 = 0 OR row MOD 10 = 7, 'withdrawn', 'open'), VERSION,
    charger_vendor, charger_model, charger_firmware, '1', '1', '1'
FROM (SELECT ROW AS row {_NUMBERS})"""

_DISCREPANCIES: Final = _DISCREPANCY_ROWS.replace("VERSION", "1").replace("ROW", "number")
_REVISIONS: Final = _DISCREPANCY_ROWS.replace("VERSION", "2").replace("ROW", "number * %(revised)s")

# Rows that are there already: they change nothing but that their weeks were written to.
_LIVE: Final = """
INSERT INTO discrepancies SELECT * FROM discrepancies
WHERE first_received_at >= (SELECT max(first_received_at) FROM discrepancies) - INTERVAL 7 DAY LIMIT 10000"""

_MESSAGES: Final = f"""
INSERT INTO messages (charger_id, judging_run, message_id, number, at, action, type, direction, payload, caused_by,
    provenance, transaction_id, evse_id)
WITH number MOD %(chargers)s AS charger, {_COMMON}, intDiv(number, %(chargers)s) AS nth,
    origin + toIntervalSecond(intDiv(nth * %(days)s * 86400, %(messages)s)) AS sent,
    intDiv(nth * intDiv(%(sessions)s, %(chargers)s), %(messages)s) * %(chargers)s + charger AS session,
    concat(charger_id, '@', toString(intDiv(nth, 700)), '/', toString(nth)) AS cause
SELECT charger_id, 'live', concat(cause, '#', toString(nth)), nth, sent,
    ['TransactionEvent', 'Heartbeat', 'StatusNotification'][nth MOD 3 + 1], if(nth MOD 2 = 0, 'request', 'response'),
    if(nth MOD 2 = 0, 'cp>cs', 'cs>cp'),
    if(nth MOD 3 = 0,
        concat('{{"eventType":"Updated","seqNo":', toString(nth), ',"triggerReason":"MeterValuePeriodic",',
        '"meterValue":[{{"sampledValue":[{{"value":', toString(cityHash64(number) MOD 90000), '}}]}}]}}'), '{{}}'),
    [cause], map(), if(nth MOD 3 = 0, lower(hex(sipHash128(session, 'tx'))), ''), 1 {_NUMBERS}"""

_FRAMES: Final = f"""
INSERT INTO frames (charger_id, connection_id, seq, frame_id, received_at, kind, direction, action, message_type,
    message_id, text, detail)
WITH intDiv(number, %(connection)s) AS nth, nth MOD %(chargers)s AS charger, number MOD %(connection)s AS at_place,
    {_COMMON}, concat(charger_id, '@', toString(nth)) AS connected,
    ['MeterValues', 'Heartbeat', 'StatusNotification', 'Authorize'][intDiv(number, 2) MOD 4 + 1] AS the_action,
    if(nth MOD 10 = 0, lower(hex(sipHash128(intDiv(number, 2)))), toString(intDiv(number, 2)))
        AS the_id
SELECT charger_id, connected, at_place, concat(connected, '/', toString(at_place)),
    origin + toIntervalSecond(intDiv(nth * %(days)s * 86400, %(connections)s)) + toIntervalSecond(at_place * 86),
    if(at_place = 500 AND nth MOD 100 = 0, 'gap', 'message'), if(number MOD 2 = 0, 'cp>cs', 'cs>cp'), the_action,
    if(number MOD 2 = 0, 'call', 'result'), the_id,
    concat('[', if(number MOD 2 = 0, '2,"', '3,"'), the_id, '","', the_action, '",{{"connectorId":1,"value":"',
        toString(cityHash64(number) MOD 100000), '"', if(nth MOD 10 = 0, repeat(',"unit":"Wh"', 10), ''), '}}]'), ''
{_NUMBERS}"""

_APPLIED: Final = """
INSERT INTO applied_counts
SELECT charger_id, connection_id, ingested_at, seqs, 0, bitmapMax(seqs), last_received_at, toDateTime(0, 'UTC')
FROM frame_counts"""
"""Workers have told of every frame, since before the first."""
