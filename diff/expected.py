"""Expected failures: declared with a reason, and required to go on occurring.

A failure that is known is declared, so that a pipeline goes on and everything new turns it red. One that is declared
and does not occur any more turns it red too: a list of excuses is stale on the day on which the defect is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

__all__ = ["Expected", "parse"]

_LONGEST: Final = 500
_MOST: Final = 10_000


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One failure that is known. The patterns are globs; all of them have to fit."""

    code: str
    """A code of the catalogue, or `certification.NAME` for one of the seven checks."""
    reason: str
    """Why it is accepted for now."""
    path: str = "*"
    charger: str = "*"
    finding: str = ""
    """Where it is followed up: a ticket, a report to the vendor."""
    owner: str = ""
    """Who follows it up."""

    def fits(self, code: str, path: str, charger_id: str) -> bool:
        """Whether a failure is this one."""
        return code == self.code and fnmatchcase(path, self.path) and fnmatchcase(charger_id, self.charger)

    @property
    def label(self) -> str:
        """How it is named in reports."""
        where = "" if self.path == "*" else f" at {self.path}"
        return f"{self.code}{where}" + ("" if self.charger == "*" else f" on {self.charger}")


def parse(document: Mapping[str, Any], known: Collection[str]) -> tuple[Expected, ...]:
    """Read `[[expected]]` tables: `code`, `reason`, `finding` or `owner` (or both); the globs `path` and `charger`.

    Raises:
        ValueError: says which table and what is wrong with it.

    """
    unknown = sorted(set(document) - {"expected"})
    if unknown:
        raise ValueError(f"there is an entry {unknown[0][:40]!r}; the file holds [[expected]] tables and nothing else")
    tables = document.get("expected", [])
    if not isinstance(tables, list) or len(tables) > _MOST:
        raise ValueError(f"expected must be a list of at most {_MOST:,} tables: write [[expected]]")
    found = tuple(_expected(f"[[expected]] number {place}", table, known) for place, table in enumerate(tables, 1))
    before: set[str] = set()
    for place, one in enumerate(found, 1):
        if one.label in before:
            raise ValueError(f"[[expected]] number {place}: {one.label} stands in a table before it")
        before.add(one.label)
    return found


def _expected(where: str, table: Any, known: Collection[str]) -> Expected:
    try:
        one = msgspec.convert(table, Expected)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
    if one.code not in known:
        raise ValueError(f"{where}: there is no code {one.code[:60]!r} (`shadow-csms codes` lists them)")
    if not one.reason.strip():
        raise ValueError(f"{where}: reason is empty; say why the failure is accepted")
    if not (one.finding.strip() or one.owner.strip()):
        raise ValueError(f"{where}: give finding (where it is followed up) or owner (who does)")
    if any(len(text) > _LONGEST for text in (one.reason, one.path, one.charger, one.finding, one.owner)):
        raise ValueError(f"{where}: no text is longer than {_LONGEST} characters")
    return one
