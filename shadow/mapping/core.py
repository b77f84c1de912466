"""What a station tells of itself: BootNotification, Heartbeat, Authorize, StatusNotification (1.6 Core)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import Table

__all__ = ["TABLES"]

TABLES: Final[tuple[Table, ...]] = ()
