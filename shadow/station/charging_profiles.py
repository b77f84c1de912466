"""Charging profiles (K01, K08, K10), and the conflicts that 2.0.1 will not allow."""

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
"""What a CALLERROR ends, where that is more than the table of the answer says."""
