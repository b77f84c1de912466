"""The audit trail: what was changed, by whom."""

from __future__ import annotations

from typing import Final

from diff.change import Change
from diff.store.client import Store
from diff.store.queries.reading import read
from ingest.frame import Micros

__all__ = ["changes", "last_change"]


def changes(store: Store, subject: str = "", limit: int = 200) -> list[Change]:
    """What was changed, of one subject or of all, the latest first.

    Acknowledgements that came another way (the control topic) have no record of their own in the trail: they are told
    from the versions that are kept of each, with `way` saying so.
    """
    query = """
    SELECT * FROM (
        SELECT id, toUnixTimestamp64Micro(c.at) AS said_at, said_by, toString(role), toString(action) AS action,
            subject, before, after, reason, toString(way)
        FROM changes AS c FINAL
        UNION ALL
        SELECT id, toUnixTimestamp64Micro(a.at), said_by, '', if(revoked, 'revoke', 'acknowledge'), fingerprint,
            '', '', reason, 'control topic'
        FROM acknowledgements AS a FINAL
        WHERE (fingerprint, a.at) NOT IN (SELECT subject, at FROM changes)
    )
    WHERE subject = %(subject)s OR %(subject)s = ''
    ORDER BY said_at DESC, id LIMIT %(limit)s"""
    return [Change(*row) for row in read(store, query, {"subject": subject, "limit": limit})]


def last_change(store: Store) -> Micros | None:
    """When something was acknowledged or revoked last; None where that never happened."""
    query = f"SELECT if(count() = 0, NULL, {_AT}) FROM acknowledgements"
    found = read(store, query)[0][0]
    return None if found is None else int(found)


_AT: Final = "toUnixTimestamp64Micro(max(at))"
