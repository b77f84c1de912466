"""What stands in the journal for frames it refused: as soon as it takes frames again, a gap, and the ends of things.

The sequence of a connection has no holes, so a refused frame takes no number; what was lost is said by one gap.
An `opened` that was refused is written before the gap and a `closed` after it, because they say more than a gap.
"""

from __future__ import annotations

import msgspec

from ingest.frame import Frame, FrameKind, Gap, Micros

__all__ = ["Debt", "add_refused"]


class Debt(msgspec.Struct):
    """What one connection is owed."""

    gap: Gap | None
    template: Frame
    """Names the charger and the connection."""
    opened: Frame | None = None
    closed: Frame | None = None

    def frames(self, now: Micros) -> list[Frame]:
        """Give the frames still to be written, in order."""
        gap = None
        if self.gap is not None:
            named = self.template
            gap = Frame(
                named.charger_id, named.connection_id, 0, now, FrameKind.GAP, gap=self.gap,
                judged_connectors=named.judged_connectors,
            )  # fmt: skip
        owed = [frame for frame in (self.opened, gap, self.closed) if frame is not None]
        return [msgspec.structs.replace(frame, received_at=now) for frame in owed]

    def paid(self) -> None:
        """Forget the first of those frames: it was written."""
        if self.opened is not None:
            self.opened = None
        elif self.gap is not None:
            self.gap = None
        else:
            self.closed = None


def add_refused(debt: Debt | None, frame: Frame, reason: str) -> Debt:
    """Add a frame that was refused to what is owed."""
    size = len(frame.text.encode(errors="surrogatepass"))
    since, until_reconnect = frame.received_at, False
    if frame.gap is not None:
        size += frame.gap.bytes_missing
        since, until_reconnect = frame.gap.since, frame.gap.until_reconnect
    if debt is None:
        debt = Debt(None, frame)
    if debt.gap is not None:
        before = debt.gap
        missing, cut = before.bytes_missing + size, before.until_reconnect or until_reconnect
        gap = Gap(missing, min(before.since, since), before.reason, cut)
    else:
        gap = Gap(size, since, reason, until_reconnect)
    debt.gap = gap
    if frame.kind is FrameKind.OPENED:
        debt.opened = frame
    elif frame.kind is FrameKind.CLOSED:
        debt.closed = frame
    return debt
