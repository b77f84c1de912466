"""What can go wrong between this process and ClickHouse, as types."""

from __future__ import annotations

__all__ = ["StoreError", "StoreRefusedError", "StoreUnavailable"]


class StoreError(Exception):
    """Something went wrong with the store."""


class StoreUnavailable(StoreError):  # noqa: N818 - the name says a state that passes, not a fault
    """ClickHouse is away or does not answer. The statement may or may not have been carried out: repeat it."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(f"{message}; next try in {retry_after:g} s")
        self.reason = message
        """The message without the next try, for those who make none."""
        self.retry_after = retry_after
        """Seconds to wait before the next try; doubles with each failure in a row."""


class StoreRefusedError(StoreError):
    """ClickHouse answered and said no, or the rows do not fit the table. Repeating will not help."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(f"ClickHouse refused (code {code}): {message}" if code is not None else message)
        self.code = code
