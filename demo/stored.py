"""A store as a run would have filled it: frames, lived and judged, written through the real writer.

For tests and pictures of what reads the store. The tap's accounts are made of the frames, since no tap ran.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from diff.applied import applied_by
from diff.fleet import Fleet
from diff.policy import DEFAULT, JUDGING_RUN, Policy
from diff.store.client import Store
from diff.store.tables import ChargerFacts, ConnectionAccount
from diff.store.writer import Writer
from ingest.frame import Frame, FrameKind, Micros

__all__ = ["fill"]


def fill(
    store: Store,
    frames: Iterable[Frame],
    *,
    accounts: bool = True,
    until: Micros | None = None,
    policy: Policy = DEFAULT,
) -> int:
    """Live, judge and write frames; return how many.

    `until`: a last tick at that time, so that deadlines before it have fired. `accounts=False` leaves the tap's
    accounts out, as after a replay of recordings.
    """
    fleet, writer = Fleet(policy=policy), Writer(store, judging_run=JUDGING_RUN)
    lived: dict[str, list[Frame]] = {}
    ledger: dict[str, ConnectionAccount] = {}
    seen: dict[str, tuple[Micros, Micros]] = {}
    count = 0
    for frame in frames:
        count += 1
        _live(fleet, writer, frame)
        lived.setdefault(frame.charger_id, []).append(frame)
        ledger[frame.connection_id] = _account(ledger.get(frame.connection_id), frame)
        first, _ = seen.get(frame.charger_id, (frame.received_at, 0))
        seen[frame.charger_id] = first, frame.received_at
    if until is not None:
        _live(fleet, writer, Frame("", "tick", 0, until, FrameKind.TICK))
    for charger_id, (first, last) in seen.items():
        state = fleet.chargers[charger_id]
        who = state.charger
        writer.add_charger(
            ChargerFacts(
                charger_id, JUDGING_RUN, who.vendor, who.model, who.firmware, first, last, state.comparisons, last
            )
        )
    for charger_id, mine in lived.items():
        if (told := applied_by(charger_id, mine)) is not None:
            writer.add_applied(told)
    if accounts:
        writer.add_connections(msgspec.structs.replace(one, frames_published=one.frames) for one in ledger.values())
    writer.flush()
    return count


def _live(fleet: Fleet, writer: Writer, frame: Frame) -> None:
    for index, judgement in enumerate(fleet.feed(frame)):
        if index == 0 and frame.kind is not FrameKind.TICK:
            writer.add_frame(frame, judgement.observations.event)
        for message in judgement.observations.messages:
            writer.add_message(message)
        for fact in judgement.observations.facts:
            writer.add_fact(fact)
        for session in judgement.sessions:
            writer.add_session(session)
        for discrepancy in judgement.discrepancies:
            writer.add_discrepancy(discrepancy)


def _account(before: ConnectionAccount | None, frame: Frame) -> ConnectionAccount:
    size = len(frame.text.encode())
    if before is None:
        shake = frame.handshake
        return ConnectionAccount(
            charger_id=frame.charger_id,
            connection_id=frame.connection_id,
            state="mirrored",
            subprotocol="" if shake is None else shake.subprotocol or "",
            compression=shake is not None and shake.compression,
            opened_at=frame.received_at,
            closed_at=None,
            last_frame_at=frame.received_at,
            bytes_forwarded=size,
            bytes_mirrored=size,
            bytes_parsed=size,
            frames=1,
            gaps=0,
            at=frame.received_at,
        )
    ended = frame.kind is FrameKind.CLOSED
    missing = frame.gap.bytes_missing if frame.gap is not None else 0
    return msgspec.structs.replace(
        before,
        state="closed" if ended else before.state,
        closed_at=frame.received_at if ended else None,
        last_frame_at=frame.received_at,
        bytes_forwarded=before.bytes_forwarded + size + missing,
        bytes_mirrored=before.bytes_mirrored + size,
        bytes_parsed=before.bytes_parsed + size,
        frames=before.frames + 1,
        gaps=before.gaps + (frame.kind is FrameKind.GAP),
        at=frame.received_at,
    )
