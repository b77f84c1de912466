"""Charging profiles (K01, K08, K10), and the conflicts that 2.0.1 will not allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ingest.exchange import PendingCall
from ingest.ocppj import Call
from shadow.station.outbox import Outbox

__all__ = ["ANSWERS", "CALLS", "COMMANDS"]

CALLS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
COMMANDS: Final[dict[str, Callable[[Outbox, Call], None]]] = {}
ANSWERS: Final[dict[str, Callable[[Outbox, PendingCall, dict[str, Any]], None]]] = {}
