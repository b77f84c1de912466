"""Certificates and security events (1.6 security extension; 2.0.1 parts A and M)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
