"""What a CSMS commands: remote start and stop, reset, unlock, availability, triggers, cache."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
