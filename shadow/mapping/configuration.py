"""Configuration keys as variables of the device model (1.6 Core; 2.0.1 parts B05 to B07)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
