"""What a watch looks at, what it remembers, and the alerts that were said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from diff.alerts.alert import Alert
from diff.alerts.observed import Cause, Given, Line, Observed
from diff.discrepancy import Severity
from diff.gates.evidence import DAY
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.fingerprints import fingerprint_lines
from diff.store.queries.fleet import FOLLOWED
from diff.store.queries.reading import read
from diff.store.queries.verdicts import latest_verdict
from ingest.frame import Micros

__all__ = ["alert_watch", "alerts", "observed"]

_GAPS_WITHIN: Final[Micros] = 900_000_000
_MOST_CAUSES: Final = 10_000
_ASKED_FOR: Final = ("unenrolled", "joined-late")
"""Gaps that somebody wanted: they are no blindness."""
_UNREADABLE: Final = ("pending", "unparsable")


def observed(store: Store, at: Micros, cohorts: Sequence[str], run: str = JUDGING_RUN) -> Observed:
    """One look at a time. `cohorts`: those whose verdicts count."""
    causes = tuple(
        Cause(one.fingerprint, one.title, one.state, one.open, one.chargers, one.sessions, one.acknowledged)
        for one in fingerprint_lines(store, at, run, limit=_MOST_CAUSES)
        if one.severity == Severity.CRITICAL
    )
    found = [verdict for cohort in cohorts if (verdict := latest_verdict(store, cohort, at + 1)) is not None]
    told = [Given(one.cohort, one.outcome, one.first, one.because, one.change) for one in found]
    lines = [Line(*row) for row in read(store, _LINES, {"at": at, "run": run})]
    tap_told, tap_open = read(store, _TAP, {"at": at})[0]
    return Observed(at, causes, tuple(told), tuple(lines), tap_told, tap_open)


def alerts(store: Store, limit: int = 200) -> list[Alert]:
    """The words that were said, the latest first."""
    columns = ", ".join(
        f"toUnixTimestamp64Micro(a.{name})" if name in ("at", "opened_at") else f"a.{name}"
        for name in Alert.__struct_fields__
    )
    query = f"SELECT {columns} FROM alerts AS a FINAL ORDER BY a.at DESC, a.id, a.state LIMIT %(limit)s"
    rows = read(store, query, {"limit": limit})
    return [msgspec.convert(dict(zip(Alert.__struct_fields__, row, strict=True)), Alert) for row in rows]


def alert_watch(store: Store, name: str) -> str:
    """What a watch remembers, as it was written; empty where there is nothing."""
    query = "SELECT state FROM alert_watches FINAL WHERE name = %(name)s ORDER BY at DESC LIMIT 1"
    found = read(store, query, {"name": name})
    return str(found[0][0]) if found else ""


# A station that is no longer enrolled is silent because somebody wanted it so: its last connection says nothing then.
_LINES: Final = f"""
    SELECT charger_id, nullIf(greatest(max(heard), 0), 0), argMax(blind, opened), sum(cut), sum(missing),
        arraySort(groupUniqArrayArray(why))
    FROM (
        SELECT charger_id, toUnixTimestamp64Micro(max(last_received_at)) AS heard, '' AS blind, toInt64(0) AS opened,
            toUInt64(0) AS cut, toInt64(0) AS missing, emptyArrayString() AS why
        FROM frame_counts WHERE charger_id != '' GROUP BY charger_id
        UNION ALL
        SELECT charger_id, ifNull(toUnixTimestamp64Micro(max(last_frame_at)), 0),
            argMax(if(closed_at IS NULL AND c.state IN {_UNREADABLE!r}, toString(c.state), ''), opened_at),
            toUnixTimestamp64Micro(max(opened_at)), 0, 0, emptyArrayString()
        FROM connections AS c FINAL
        WHERE charger_id != '' AND c.state IN {sorted(FOLLOWED)!r} GROUP BY charger_id
        UNION ALL
        SELECT charger_id, 0, '', 0, count(), sum(JSONExtractInt(detail, 'gap', 'bytes_missing')),
            groupUniqArray(10)(JSONExtractString(detail, 'gap', 'reason'))
        FROM frames FINAL
        WHERE kind = 'gap' AND charger_id != '' AND JSONExtractString(detail, 'gap', 'reason') NOT IN {_ASKED_FOR!r}
            AND received_at > fromUnixTimestamp64Micro(%(at)s - {_GAPS_WITHIN}, 'UTC')
            AND received_at <= fromUnixTimestamp64Micro(%(at)s, 'UTC')
        GROUP BY charger_id
    )
    WHERE charger_id IN (SELECT charger_id FROM chargers WHERE judging_run = %(run)s)
    GROUP BY charger_id ORDER BY charger_id"""
_TAP: Final = f"""
    SELECT if(count() = 0, NULL, toUnixTimestamp64Micro(max(c.at))), countIf(closed_at IS NULL)
    FROM connections AS c FINAL
    WHERE c.at > fromUnixTimestamp64Micro(greatest(%(at)s - {28 * DAY}, 0), 'UTC')"""
