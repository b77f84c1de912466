"""What people acknowledged, and what has become of the discrepancies that it covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from diff.acknowledgement import Acknowledged, Occurring, report
from diff.gates.thresholds import DEFAULT, Baseline
from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from ingest.control import Acknowledgement
from ingest.frame import Micros

__all__ = ["acknowledgement_report", "acknowledgements", "titles"]

_MOST: Final = 10_000


def acknowledgements(store: Store, at: Micros | None = None) -> list[Acknowledgement]:
    """The newest version of each, revoked and expired ones included; `at`: as it stood at that time."""
    query = f"""
    SELECT fingerprint, reason, owner, toUnixTimestamp64Micro(expires), vendor, model, firmware, charger, said_by,
        toUnixTimestamp64Micro(at), revoked
    FROM acknowledgements FINAL WHERE at <= fromUnixTimestamp64Micro(%(at)s, 'UTC')
    ORDER BY id, at DESC LIMIT 1 BY id LIMIT {_MOST}"""
    return [Acknowledgement(*row) for row in read(store, query, {"at": _LAST if at is None else at})]


def acknowledgement_report(
    store: Store, at: Micros, baseline: Baseline = DEFAULT.baseline, run: str = CURRENT
) -> list[Acknowledged]:
    """Where each acknowledgement stands, those that somebody has to see to first."""
    told = acknowledgements(store, at)
    rows = counting(store, run)
    occurring = {one.id: _occurring(store, one, at, rows) for one in told if not one.revoked}
    return report(
        told,
        occurring,
        titles(store, [one.fingerprint for one in told]),
        at,
        quiet_days=baseline.quiet_days,
        quiet_sessions=baseline.quiet_sessions,
    )


def titles(store: Store, fingerprints: Sequence[str]) -> dict[str, str]:
    """Fingerprints in words, where discrepancies of them are or were stored."""
    if not fingerprints:
        return {}
    query = "SELECT fingerprint, any(title) FROM fingerprints WHERE fingerprint IN %(these)s GROUP BY fingerprint"
    return dict(read(store, query, {"these": tuple(fingerprints)}))


def _occurring(store: Store, one: Acknowledgement, at: Micros, rows: str) -> Occurring:
    """What of its scope was seen up to a time, of the rows that count. Withdrawn ones do not count: they never were."""
    scope = " AND ".join(f"{column} = %({name})s" for name, column in _SCOPE.items() if getattr(one, name))
    params: dict[str, object] = {name: getattr(one, name) for name in _SCOPE}
    params |= {"at": at, "fingerprint": one.fingerprint, "told": one.at}
    query = f"""
    SELECT uniqExact(charger_key), count(), toUnixTimestamp64Micro(min(first_received_at)),
        toUnixTimestamp64Micro(max(observed_at))
    FROM discrepancies FINAL
    WHERE {rows} AND status = 'open' AND fingerprint_key = sipHash64(%(fingerprint)s)
        AND first_received_at <= {_AT} AND {scope or "1"}"""
    chargers, open_, first, last = read(store, query, params)[0]
    params["since"] = last if open_ else one.at
    # Where nothing was seen, the chargers of the scope are those that the scope names, or the whole fleet.
    of_it = f"""charger_id IN (
        SELECT DISTINCT charger_id FROM discrepancies
        WHERE {rows} AND fingerprint_key = sipHash64(%(fingerprint)s) AND {scope or "1"}
    )"""
    query = f"""
    SELECT count() FROM sessions FINAL
    WHERE {rows} AND status = 'open' AND judged AND compared AND {of_it if open_ else scope or "1"}
        AND last_received_at > fromUnixTimestamp64Micro(%(since)s, 'UTC') AND last_received_at <= {_AT}"""
    compared = read(store, query, params)[0][0]
    return Occurring(chargers, open_, first if open_ else None, last if open_ else None, compared)


_SCOPE: Final = {"vendor": "vendor", "model": "model", "firmware": "firmware", "charger": "charger_id"}
_AT: Final = "fromUnixTimestamp64Micro(%(at)s, 'UTC')"
_LAST: Final[Micros] = 10**16
"""The year 2286: ClickHouse's times end in 2299."""
