"""How a member of a consumer group leaves it."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["leave"]

_LEAVE_MS: Final = 5_000
"""Kafka answers requests of one connection in order: where others join just now, the farewell waits behind them."""


def leave(consumer: Any) -> None:
    """Close a consumer of kafka-python, without committing. Kafka may be away: then the group finds out by itself."""
    consumer.close(autocommit=False, timeout_ms=_LEAVE_MS)
