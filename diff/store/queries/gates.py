"""The evidence of a cohort: what the gates look at, as counts out of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from diff.acknowledgement import Acknowledged, Scope, covered, covers
from diff.cohort import Cohort, Cohorts, Member, matching, members
from diff.compare import COMPARED
from diff.discrepancy import Severity
from diff.gates.evidence import DAY, MONEY_CODES, Attention, CohortEvidence, Day, Fault, Kind, Sight
from diff.gates.thresholds import Thresholds
from diff.judging import CURRENT
from diff.noise import NoiseRun
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgement_report
from diff.store.queries.filters import FAULTS
from diff.store.queries.fleet import FOLLOWED
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from diff.store.queries.traffic import actions_by_charger
from ingest.frame import Micros
from shadow.config import MAPPER_VERSION

__all__ = ["evidence_of", "fleet_members", "newest_noise_run"]

_WEEK: Final = 7
_MOST_FAULTS: Final = 200_000


def fleet_members(store: Store) -> list[Member]:
    """Every charging station that was lived, with what it last said of itself."""
    query = f"""
    SELECT charger_id, argMax(vendor, version), argMax(model, version), argMax(firmware, version)
    FROM chargers WHERE judging_run = '{JUDGING_RUN}' AND charger_id != '' GROUP BY charger_id ORDER BY charger_id"""
    return [Member(*row) for row in read(store, query)]


def newest_noise_run(store: Store, at: Micros) -> NoiseRun | None:
    """The latest run that had ended by a time; None where there was none."""
    columns = ", ".join(
        f"toUnixTimestamp64Micro({name})" if name == "at" else name for name in NoiseRun.__struct_fields__
    )
    query = f"""
    SELECT {columns} FROM noise_runs FINAL WHERE at <= fromUnixTimestamp64Micro(%(at)s, 'UTC')
    ORDER BY noise_runs.at DESC, id LIMIT 1"""
    found = read(store, query, {"at": at})
    return NoiseRun(*found[0]) if found else None


def evidence_of(
    store: Store, cohort: Cohort, cohorts: Cohorts, thresholds: Thresholds, at: Micros, run: str = CURRENT
) -> CohortEvidence:
    """All that is stored about a cohort up to a time, in the newest versions that are stored now."""
    fleet = fleet_members(store)
    own, missing = members(cohort, cohorts, fleet)
    since = max(at - thresholds.evidence_days * DAY, 0)
    rows = _Rows(store, cohort, [one.charger_id for one in own], since, at, run)
    told = acknowledgement_report(store, at, thresholds.baseline, run)
    actions = actions_by_charger(store, since, at, run)
    days, weighed = rows.days(max(thresholds.trend_days, thresholds.critical.days, _WEEK))
    sessions = sum(day.sessions for day in rows.all_days)
    return CohortEvidence(
        cohort=cohort.name,
        at=at,
        since=since,
        mapper_version=MAPPER_VERSION,
        sights=rows.sights([one.charger_id for one in own]),
        kinds=_kinds(own, fleet, actions),
        attention=Attention(cohort.whole_fleet, tuple(missing)),
        sessions=sessions,
        weighed=weighed,
        money_sessions=rows.money_sessions(),
        comparisons=sessions * len(COMPARED),
        faults=rows.faults(told),
        days=days,
        used=frozenset(action for counts in actions.values() for action in counts),
        noise=newest_noise_run(store, at),
        acknowledged=tuple(one for one in told if cohort.whole_fleet or rows.concerned(one, own)),
        mapper_versions=rows.mapper_versions(),
    )


def _kinds(own: Sequence[Member], fleet: Sequence[Member], actions: Mapping[str, Counter[str]]) -> tuple[Kind, ...]:
    cohort: dict[tuple[str, str], Counter[str]] = {}
    whole: dict[tuple[str, str], Counter[str]] = {}
    chargers = Counter((one.vendor, one.model) for one in own)
    for one in own:
        cohort.setdefault((one.vendor, one.model), Counter()).update(actions.get(one.charger_id, {}))
    for one in fleet:
        whole.setdefault((one.vendor, one.model), Counter()).update(actions.get(one.charger_id, {}))
    return tuple(Kind(*kind, chargers[kind], cohort[kind], whole[kind]) for kind in sorted(cohort))


class _Rows:
    """The rows of one cohort in its stretch of evidence."""

    def __init__(
        self, store: Store, cohort: Cohort, chargers: Sequence[str], since: Micros, at: Micros, run: str
    ) -> None:
        self._store, self._at = store, at
        self._rows = counting(store, run)
        self._params: dict[str, object] = {"since": since, "at": at, "day": DAY, "money": MONEY_CODES}
        self._place = "1"
        if not cohort.whole_fleet:
            self._place = "charger_id IN %(chargers)s"
            self._params["chargers"] = tuple(chargers) or ("",)
        self._firmware = "1"
        if cohort.firmwares:
            # What a charging station did under another firmware says nothing about this one. Where it had not told yet
            # which it has, it may have been this one.
            query = f"SELECT DISTINCT firmware FROM sessions WHERE {self._place} UNION DISTINCT"
            query += f" SELECT DISTINCT firmware FROM discrepancies WHERE {self._place}"
            known = [row[0] for row in self._read(query)]
            self._params["firmwares"] = ("", *(one for one in known if matching(one, cohort.firmwares)))
            self._firmware = "firmware IN %(firmwares)s"
        self.all_days: list[Day] = []

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        return read(self._store, query, self._params)

    @property
    def _open(self) -> str:
        return f"""{self._rows} AND status = 'open' AND {FAULTS} AND {self._place} AND {self._firmware}
            AND observed_at > {_SINCE} AND observed_at <= {_AT}"""

    def days(self, count: int) -> tuple[tuple[Day, ...], int]:
        """The last days, and how many sessions of the whole stretch had their energy known by both sides."""
        sessions: Counter[int] = Counter()
        weighed = 0
        query = f"""
        SELECT intDiv(%(at)s - toUnixTimestamp64Micro(last_received_at), %(day)s) AS age, count(),
            countIf(primary_energy_wh IS NOT NULL AND shadow_energy_wh IS NOT NULL)
        FROM sessions FINAL
        WHERE {self._rows} AND status = 'open' AND judged AND compared AND {self._place} AND {self._firmware}
            AND last_received_at > {_SINCE} AND last_received_at <= {_AT}
        GROUP BY age"""
        for age, compared, known in self._read(query):
            sessions[age] += compared
            weighed += known
        query = f"""
        SELECT intDiv(%(at)s - toUnixTimestamp64Micro(observed_at), %(day)s) AS age,
            countIf(severity = '{Severity.CRITICAL}'), countIf(severity = '{Severity.MAJOR}')
        FROM discrepancies FINAL WHERE {self._open} GROUP BY age"""
        faults = {age: (critical, major) for age, critical, major in self._read(query)}
        last = max((count - 1, *sessions))
        self.all_days = [Day(age, sessions[age], *faults.get(age, (0, 0))) for age in range(last + 1)]
        return tuple(self.all_days[:count]), weighed

    def money_sessions(self) -> int:
        """Sessions with another energy, payer, attribution or amount."""
        query = f"""
        SELECT uniqExactIf(session_key, session_key != 0) + countIf(session_key = 0)
        FROM discrepancies FINAL WHERE code IN %(money)s AND {self._open}"""
        return int(self._read(query)[0][0])

    def faults(self, told: Sequence[Acknowledged]) -> tuple[Fault, ...]:
        """Critical and major ones, by fingerprint and charging station."""
        query = f"""
        SELECT any(d.fingerprint), any(d.title), any(d.code), any(d.severity), d.charger_id, count() AS n,
            toUnixTimestamp64Micro(min(d.first_received_at)), toUnixTimestamp64Micro(max(d.observed_at)),
            any(d.vendor), any(d.model), any(d.firmware)
        FROM (
            SELECT *, fingerprint_key FROM discrepancies FINAL
            WHERE {self._open} AND severity IN ('{Severity.CRITICAL}', '{Severity.MAJOR}')
        ) AS d
        GROUP BY fingerprint_key, d.charger_id
        ORDER BY n DESC, fingerprint_key, d.charger_id LIMIT {_MOST_FAULTS}"""
        agreed = [one.acknowledgement for one in told]
        found = []
        for row in self._read(query):
            fault, (vendor, model, firmware) = row[:-3], row[-3:]
            scope = Scope(fault[0], vendor, model, firmware, fault[4])
            values = (*fault, covered(agreed, scope, self._at))
            found.append(msgspec.convert(dict(zip(Fault.__struct_fields__, values, strict=True)), Fault))
        return tuple(found)

    def sights(self, chargers: Sequence[str]) -> tuple[Sight, ...]:
        """What the tap can vouch for, one for each charging station."""
        query = f"""
        SELECT charger_id, sum(bytes_forwarded), sum(least(bytes_mirrored, bytes_parsed)),
            toUnixTimestamp64Micro(max(last_frame_at)), toString(argMax(c.state, opened_at)),
            argMax(closed_at IS NULL, opened_at)
        FROM connections AS c FINAL
        WHERE {self._place} AND c.state IN {sorted(FOLLOWED)!r} AND c.at > {_SINCE} AND opened_at <= {_AT}
        GROUP BY charger_id"""
        accounts = {row[0]: row[1:] for row in self._read(query)}
        query = f"""
        SELECT charger_id, toUnixTimestamp64Micro(max(last_received_at)) FROM frame_counts
        WHERE {self._place} GROUP BY charger_id"""
        heard = dict(self._read(query))
        found = []
        for name in chargers:
            forwarded, parsed, last, state, present = accounts.get(name, (0, 0, None, "", False))
            seen = max((at for at in (last, heard.get(name)) if at is not None), default=None)
            gap = state if present and state in _BLIND else ""
            found.append(Sight(name, forwarded, parsed, seen, gap))
        return tuple(found)

    def concerned(self, one: Acknowledged, own: Sequence[Member]) -> bool:
        """Whether an acknowledgement is about the cohort: its scope has a charging station of it."""
        told = one.acknowledgement
        places = (Scope(told.fingerprint, m.vendor, m.model, told.firmware, m.charger_id) for m in own)
        if not any(covers(told, place) for place in places):
            return False
        if told.charger or told.vendor or told.model:
            return True
        query = f"""
        SELECT count() > 0 FROM discrepancies
        WHERE {self._rows} AND fingerprint_key = sipHash64(%(fingerprint)s) AND {self._place}"""
        return bool(read(self._store, query, self._params | {"fingerprint": told.fingerprint})[0][0])

    def mapper_versions(self) -> tuple[str, ...]:
        """Which versions of the mapper the discrepancies come from."""
        query = f"SELECT DISTINCT mapper_version FROM discrepancies FINAL WHERE {self._open} ORDER BY mapper_version"
        return tuple(row[0] for row in self._read(query))


_BLIND: Final = frozenset({"pending", "unparsable"})
"""States of a present connection that cannot be read until it comes again."""
_SINCE: Final = "fromUnixTimestamp64Micro(%(since)s, 'UTC')"
_AT: Final = "fromUnixTimestamp64Micro(%(at)s, 'UTC')"
