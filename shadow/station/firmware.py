"""Firmware updates (L01, L02)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.ocppj import Call, CallError
from shadow.station.outbox import Outbox

__all__ = ["ANSWERS", "CALLS", "COMMANDS", "REFUSALS"]

CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {}
REFUSALS: Final[dict[str, Callable[[Outbox, PendingCall, CallError], None]]] = {}
