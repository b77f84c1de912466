"""The primary's transaction as OCPP 1.6 describes it, and what can happen to it.

Plain data, replaced as a whole when it changes. Nothing here is judged and nothing is cleaned: the primary bills what
it is told.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from enum import StrEnum
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = [
    "Adopted",
    "Collided",
    "Duplicated",
    "Ended",
    "Forgotten",
    "LedgerEvent",
    "Opened",
    "OrphanStop",
    "PrimaryTransaction",
    "Proposed",
    "Refused",
    "Repeated",
    "RepeatedStop",
    "State",
    "Stop",
    "with_evidence",
]

_MAX_FRAMES: Final = 8
_FIRST_FRAMES: Final = 4
_EXACT: Final = Context(prec=40, traps=[Inexact])
"""Two readings of at most 18 digits before and 18 behind the point differ by a number that 40 digits always hold."""


class State(StrEnum):
    """How far a transaction of the primary has come."""

    PROPOSED = "proposed"
    """StartTransaction was called; the primary has given no transactionId yet."""
    OPEN = "open"
    ENDED = "ended"


class PrimaryTransaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One transaction in the primary's books, replaced as a whole when it changes."""

    opened_by: str
    """Frame id of the StartTransaction CALL, of a further answer that gave one start a second id, or, where the
    transaction was adopted, of the first frame that named it."""
    started_received_at: Micros
    """Tap clock, of the frame `opened_by`."""
    state: State = State.PROPOSED
    adopted: bool = False
    """It was running before anything was seen of it: what its start said is unknown."""
    connector_id: int | None = None
    transaction_id: str | None = None
    """The primary's integer as text; None until it answered, or where its answer held none."""
    message_id: str = ""
    """Of the StartTransaction CALL."""
    id_token: str | None = None
    meter_start: Decimal | None = None
    """Wh."""
    meter_start_text: str = ""
    """As it stood on the wire."""
    started_at: Micros | None = None
    """The charging station's clock."""
    started_text: str = ""
    authorization: str | None = None
    """`idTagInfo.status` of the answer that opened or refused it."""
    answered_at: Micros | None = None
    """Tap clock."""
    ended_by: str | None = None
    """Frame id of the StopTransaction CALL."""
    stopped_received_at: Micros | None = None
    """Tap clock."""
    meter_stop: Decimal | None = None
    """Wh."""
    meter_stop_text: str = ""
    stopped_at: Micros | None = None
    """The charging station's clock."""
    stopped_text: str = ""
    stop_reason: str | None = None
    stop_id_token: str | None = None
    stop_answer: str | None = None
    """`idTagInfo.status` of the answer to the stop, or the code of its CALLERROR."""
    frames: tuple[str, ...] = ()
    """The frames that prove it: the first four and the last four."""
    key_version: str = ""
    """The key that its token is a pseudonym under; empty where that is not known."""

    @property
    def key(self) -> str:
        """Its identity within the charging station. The transactionId is evidence, never identity."""
        return self.opened_by

    @property
    def billed_wh(self) -> Decimal | None:
        """MeterStop - meterStart, exactly and without any plausibility; None while one of them is unknown."""
        if self.meter_start is None or self.meter_stop is None:
            return None
        return _EXACT.subtract(self.meter_stop, self.meter_start)


class Stop(msgspec.Struct, frozen=True):
    """What a StopTransaction CALL says."""

    frame_id: str
    received_at: Micros
    transaction_id: str | None
    meter_stop: Decimal | None
    meter_stop_text: str
    stopped_at: Micros | None
    stopped_text: str
    reason: str
    id_token: str | None


class Proposed(msgspec.Struct, frozen=True):
    """StartTransaction was called."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]


class Opened(msgspec.Struct, frozen=True):
    """The primary answered with a transactionId."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]


class Adopted(msgspec.Struct, frozen=True):
    """A transaction was named that must have begun before anything was seen of its connector."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]


class Repeated(msgspec.Struct, frozen=True):
    """A start came again and the primary answered it with the id that it had given already, or with none."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]
    authorization: str | None
    """The status of this answer; the transaction keeps that of the first."""


class Duplicated(msgspec.Struct, frozen=True):
    """A start came again and the primary answered it with another id: it now has two transactions for one start."""

    transaction: PrimaryTransaction
    """The second one. Its `Opened` came just before."""
    frames: tuple[str, ...]
    first: PrimaryTransaction


class Collided(msgspec.Struct, frozen=True):
    """The primary gave an id that stands on another open transaction; both remain open under it."""

    transaction: PrimaryTransaction
    """The newer one. Its `Opened` came just before."""
    frames: tuple[str, ...]
    other: PrimaryTransaction


class Refused(msgspec.Struct, frozen=True):
    """The primary answered a start or a stop with a CALLERROR, or a start with a status other than Accepted."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]
    status: str
    """`idTagInfo.status`, or the code of the CALLERROR."""


class Ended(msgspec.Struct, frozen=True):
    """StopTransaction closed it."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]


class RepeatedStop(msgspec.Struct, frozen=True):
    """A stop named a transaction that has ended already. It changes nothing."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]
    stop: Stop


class OrphanStop(msgspec.Struct, frozen=True):
    """A stop named a transaction that nobody opened. It closes nothing."""

    stop: Stop
    frames: tuple[str, ...]


class Forgotten(msgspec.Struct, frozen=True):
    """More than `MAX_OPEN` stood open; the oldest was let go without an end."""

    transaction: PrimaryTransaction
    frames: tuple[str, ...]


LedgerEvent = (
    Proposed
    | Opened
    | Adopted
    | Repeated
    | Duplicated
    | Collided
    | Refused
    | Ended
    | RepeatedStop
    | OrphanStop
    | Forgotten
)


def with_evidence(frames: tuple[str, ...], frame_id: str) -> tuple[str, ...]:
    """Add a frame to the proof, keeping the first ones and the last ones."""
    if frame_id in frames:
        return frames
    kept = frames if len(frames) < _MAX_FRAMES else (*frames[:_FIRST_FRAMES], *frames[_FIRST_FRAMES + 1 :])
    return (*kept, frame_id)
