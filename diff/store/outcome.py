"""What was found, by charging station and code: the figures that a run is summed up with."""

from __future__ import annotations

from diff.store.client import Store
from diff.store.queries.runs import counting

__all__ = ["compared_sessions", "open_codes", "stored_frames"]


def open_codes(store: Store) -> set[tuple[str, str]]:
    """Every charging station and code with an open discrepancy, but for the expected losses: every station has them."""
    rows = store.rows(
        "SELECT DISTINCT charger_id, code FROM discrepancies FINAL"
        f" WHERE status = 'open' AND {counting(store)} AND class != 'expected-loss'"
    )
    return {(row["charger_id"], row["code"]) for row in rows}


def compared_sessions(store: Store) -> int:
    """Sessions whose two sides were compared."""
    condition = f"compared AND status = 'open' AND {counting(store)}"
    rows = store.rows(f"SELECT count() AS n FROM sessions FINAL WHERE {condition}")
    return int(rows[0]["n"])


def stored_frames(store: Store) -> int:
    """Frames that are stored."""
    return int(store.rows("SELECT count() AS n FROM frames FINAL")[0]["n"])
