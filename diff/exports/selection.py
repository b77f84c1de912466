"""What of a table is exported. Pure."""

from __future__ import annotations

import msgspec

from diff.exports.columns import Dataset
from diff.judging import CURRENT
from ingest.frame import Micros

__all__ = ["Selection", "misplaced"]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows. An empty field allows everything; values of one field are alternatives."""

    run: str = CURRENT
    charger: str = ""
    """An id; `*` in it stands for any characters."""
    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    firmwares: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    status: str = ""
    fingerprint: str = ""
    session_id: str = ""
    cohort: str = ""
    faults: bool = False
    """Without expected losses."""
    since: Micros | None = None
    """Last seen at or after."""
    until: Micros | None = None
    """First seen before."""


def misplaced(dataset: Dataset, chosen: Selection) -> list[str]:
    """Fields that were given and do not narrow this table: to pass over one would export more than was asked for."""
    plain = Selection()
    given = [name for name in Selection.__struct_fields__ if getattr(chosen, name) != getattr(plain, name)]
    return [name for name in given if name not in dataset.filters]
