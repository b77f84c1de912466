"""StartTransaction and StopTransaction as TransactionEvents (1.6 Core; 2.0.1 part E)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
