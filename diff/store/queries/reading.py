"""How queries read: with what every table's partitions promise. The same for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from diff.store.client import Store

__all__ = ["read", "stream"]

_SETTINGS: Final = {
    # All versions of a row lie in one partition, which is the rule of the schema (0001_evidence.sql): FINAL need not
    # look for them in others, and a partition that is one part need not be merged at all.
    "do_not_merge_across_partitions_select_final": 1,
    # The ids of a cohort stand in the text of a query: those of a hundred thousand charging stations fit.
    "max_query_size": 16 << 20,
}


def read(store: Store, query: str, params: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query. Raises what `Store` raises."""
    return store.execute(query, params, _SETTINGS)


def stream(store: Store, query: str, params: Mapping[str, object] | None = None) -> Iterator[tuple[Any, ...]]:
    """The rows of a query as they come, for tables of any size. Raises what `Store` raises, also in the middle."""
    return store.stream(query, params, {**_SETTINGS, **_STREAMING})


_STREAMING: Final = {
    "max_block_size": 8192,
    # A sort that does not fit goes to the disk, where it does not come out of the table in order anyway.
    "max_bytes_before_external_sort": 256 << 20,
    "optimize_read_in_order": 1,
}
