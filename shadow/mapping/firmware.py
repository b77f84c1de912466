"""Firmware updates, unsigned and signed (1.6 Firmware Management and security extension; 2.0.1 part L)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
