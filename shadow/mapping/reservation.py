"""Reservations (2.0.1 part H)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
