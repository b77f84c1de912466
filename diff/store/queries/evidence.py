"""What an evidence pack takes out of the store beside the verdict's own evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from diff.evidence.pack import Amount, Bills, Fingerprint, Named
from diff.judging import CURRENT
from diff.store.client import Store
from diff.store.queries.fingerprints import fingerprint_lines
from diff.store.queries.reading import read
from diff.store.queries.runs import counting
from ingest.frame import Micros

__all__ = ["bills_of", "certificate_exchanges", "fingerprints_of", "frames_of", "security_events", "stored_versions"]

_MOST_CAUSES: Final = 10_000
_MOST_NAMES: Final = 100
_CERTIFICATES: Final = (
    "CertificateSigned",
    "DeleteCertificate",
    "Get15118EVCertificate",
    "GetCertificateStatus",
    "GetInstalledCertificateIds",
    "InstallCertificate",
    "SignCertificate",
)


def fingerprints_of(
    store: Store, chargers: Sequence[str], at: Micros, limit: int, run: str = CURRENT
) -> tuple[tuple[Fingerprint, ...], int]:
    """The worst causes on some charging stations up to a time, and how many there are."""
    lines = fingerprint_lines(store, at, run, chargers=chargers, limit=_MOST_CAUSES)
    shown = lines[:limit]
    found = tuple(
        Fingerprint(
            one.fingerprint, one.title, one.code, one.severity, one.state, one.open, one.chargers, one.sessions,
            one.comparisons, one.first_seen, one.last_seen, one.wh, dict(sorted(one.money.items())),
            one.acknowledged,
        )
        for one in shown
    )  # fmt: skip
    return found, len(lines)


def bills_of(store: Store, chargers: Sequence[str], since: Micros, at: Micros, run: str = CURRENT) -> Bills:
    """What billing records say of the sessions that were compared in a stretch of time."""
    params, rows = _params(chargers, since, at), counting(store, run)
    sessions, billed, differs = read(store, _BILLED.format(rows=rows), params)[0]
    amounts = tuple(
        Amount(currency, amount, number) for currency, amount, number in read(store, _AMOUNTS.format(rows=rows), params)
    )
    return Bills(sessions, billed, differs, amounts)


def security_events(store: Store, chargers: Sequence[str], since: Micros, at: Micros) -> tuple[Named, ...]:
    """SecurityEventNotifications by their type, the most frequent first."""
    query = f"""
    SELECT substringUTF8(JSONExtractString(text, 4, 'type'), 1, 50) AS name, count() AS n, uniqExact(charger_id)
    FROM frames FINAL WHERE action = 'SecurityEventNotification' AND message_type = 'call' AND {_SEEN}
    GROUP BY name ORDER BY n DESC, name LIMIT {_MOST_NAMES}"""
    return tuple(Named(*row) for row in read(store, query, _params(chargers, since, at)))


def certificate_exchanges(store: Store, chargers: Sequence[str], since: Micros, at: Micros) -> tuple[Named, ...]:
    """Exchanges about certificates by action and answer, never what a certificate says."""
    query = f"""
    SELECT concat(action, ' ', if(message_type = 'error', JSONExtractString(text, 3),
        JSONExtractString(text, 3, 'status'))) AS name, count(), uniqExact(charger_id)
    FROM frames FINAL WHERE action IN {_CERTIFICATES!r} AND message_type IN ('result', 'error') AND {_SEEN}
    GROUP BY name ORDER BY name LIMIT {_MOST_NAMES}"""
    return tuple(Named(*row) for row in read(store, query, _params(chargers, since, at)))


def frames_of(store: Store, chargers: Sequence[str], since: Micros, at: Micros) -> tuple[int, int]:
    """Frames of some charging stations in a stretch of time, and on how many connections."""
    query = f"SELECT count(), uniqExact(charger_id, connection_id) FROM frames FINAL WHERE {_SEEN}"
    frames, connections = read(store, query, _params(chargers, since, at))[0]
    return int(frames), int(connections)


def stored_versions(
    store: Store, chargers: Sequence[str], since: Micros, at: Micros, run: str = CURRENT
) -> tuple[str, str]:
    """Versions of policy and schemas that the discrepancies in a stretch of time carry, each as a list in words."""
    query = f"""
    SELECT arrayStringConcat(arraySort(groupUniqArray(policy_version)), ', '),
        arrayStringConcat(arraySort(groupUniqArray(schema_version)), ', ')
    FROM discrepancies FINAL
    WHERE {counting(store, run)} AND charger_id IN %(chargers)s AND observed_at > {_SINCE} AND observed_at <= {_AT}"""
    policy, schema = read(store, query, _params(chargers, since, at))[0]
    return str(policy), str(schema)


def _params(chargers: Sequence[str], since: Micros, at: Micros) -> dict[str, object]:
    return {"chargers": tuple(chargers) or ("",), "since": since, "at": at}


_SINCE: Final = "fromUnixTimestamp64Micro(%(since)s, 'UTC')"
_AT: Final = "fromUnixTimestamp64Micro(%(at)s, 'UTC')"
_SEEN: Final = f"charger_id IN %(chargers)s AND received_at > {_SINCE} AND received_at <= {_AT}"
_COMPARED: Final = f"""
    {{rows}} AND status = 'open' AND judged AND compared AND charger_id IN %(chargers)s
    AND last_received_at > {_SINCE} AND last_received_at <= {_AT}"""
_BILLED: Final = f"""
    SELECT count(), countIf(record_id IS NOT NULL),
        countIf(record_energy_wh IS NOT NULL AND shadow_energy_wh IS NOT NULL AND record_energy_wh != shadow_energy_wh)
    FROM sessions FINAL WHERE {_COMPARED}"""
_AMOUNTS: Final = f"""
    SELECT assumeNotNull(toString(record_currency)) AS currency, sum(abs(amount_delta)), countIf(amount_delta != 0)
    FROM sessions FINAL
    WHERE {_COMPARED} AND amount_delta IS NOT NULL AND record_currency IS NOT NULL
    GROUP BY currency ORDER BY currency"""
