"""What if: the same frames lived side by side under two settings, and how each session would move.

A TxStartPoint or TxStopPoint is easily configured and hard to take back: it moves the moment from which, and up to
which, a session counts. Here sessions that were stored are lived again under other settings, before any charging
station is told. Sessions pair by the StartTransaction of 1.6 that both begin with, since the moment at which the shadow
opens them is what the settings change. Native sessions live by their own station's settings and are counted apart.

All times are the charging station's. What 1.6 gives no time of its own, an Authorize or a token that waits in vain,
stands at its time of receipt; the estimated offset of the station's clock is added to it, so that a clock that is wrong
moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from heapq import heappush, heappushpop
from typing import Any, Final

from diff.fleet import Fault
from diff.whatif.life import Life, Price, Setting, priced
from diff.whatif.moves import KINDS, Cohort, Move, Sums, move_of, move_row, sums_row
from diff.whatif.side import MAX_SESSIONS, Side
from ingest.frame import Frame, FrameKind

__all__ = ["WhatIf"]

_MAX_SHOWN: Final = 200
"""Sessions that are told one by one: those that move most. All are summed."""
_MAX_COHORTS: Final = 1000
_OTHER: Final = "other"


class WhatIf:
    """Both sides, fed with the same frames. A `Counter` of `app.sources`; bounded, whatever the number of sessions."""

    def __init__(
        self, before: Setting, after: Setting, cohorts: tuple[Cohort, ...] = (), price: Price = priced
    ) -> None:
        """Prepare. Without cohorts each vendor, model and firmware is one."""
        self._before, self._after = Side(before), Side(after)
        self._policies = before.policy, after.policy
        self._cohorts, self._price = cohorts, price
        self.sums: dict[str, Sums] = {}
        self._shown: list[tuple[Decimal, int, Move]] = []
        self._number = 0
        self.faults: list[Fault] = []
        """Frames that could not be judged because of an error in this program."""

    def feed(self, frame: Frame) -> None:
        """Live one frame on both sides."""
        for side in (self._before, self._after):
            side.feed(frame)
            self.faults += side.fleet.take_faults()
        if frame.kind is not FrameKind.TICK:
            lives = self._before.lives.get(frame.charger_id)
            if lives is not None and len(lives) > MAX_SESSIONS:
                self._settle(frame.charger_id)

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station come: its sessions are compared."""
        kind = self._kind(charger_id)
        if kind is None:
            return
        sums = self._sums(kind)
        before, codes_before = self._before.finish(charger_id)
        after, codes_after = self._after.finish(charger_id)
        sums.chargers += 1
        sums.codes_before.update(codes_before)
        sums.codes_after.update(codes_after)
        for key in dict.fromkeys((*before, *after)):
            self._compare(kind, sums, before.get(key), after.get(key))

    def end(self) -> None:
        """No more frames come."""
        for charger_id in sorted(self._before.fleet.chargers):
            self.forget(charger_id)

    @property
    def moves(self) -> list[Move]:
        """The sessions that move most, the greatest move first."""
        return [move for _, _, move in sorted(self._shown, key=lambda one: one[:2], reverse=True)]

    def _settle(self, charger_id: str) -> None:
        """Compare the older half, what has ended on both sides first, and let go of it."""
        kind = self._kind(charger_id)
        before, after = self._before.lives[charger_id], self._after.lives.get(charger_id, {})
        if kind is None:
            return
        ended = [key for key, life in before.items() if life.ended and key in after and after[key].ended]
        for key in [*ended, *(key for key in before if key not in ended)][: MAX_SESSIONS // 2]:
            self._compare(kind, self._sums(kind), before.pop(key), after.pop(key, None))
        for key in list(after)[: max(len(after) - MAX_SESSIONS, 0)]:
            self._compare(kind, self._sums(kind), None, after.pop(key))

    def _compare(self, kind: Mapping[str, str], sums: Sums, before: Life | None, after: Life | None) -> None:
        if before is None or after is None:
            sums.only_before += after is None
            sums.only_after += before is None
        elif before.native:
            sums.native += 1
        elif not (before.ended and after.ended):
            sums.unfinished += 1
        else:
            charger_id, (old, new) = kind["charger"], self._policies
            costs = self._price(old, charger_id, before), self._price(new, charger_id, after)
            move = move_of(charger_id, self._name(kind), before, after, costs)
            sums.take(move)
            self._show(move)

    def _show(self, move: Move) -> None:
        if not move.weight and not move.energy_wh and move.price_before == move.price_after:
            return
        self._number += 1
        entry = (move.weight, -self._number, move)
        if len(self._shown) < _MAX_SHOWN:
            heappush(self._shown, entry)
        else:
            heappushpop(self._shown, entry)

    def _kind(self, charger_id: str) -> dict[str, str] | None:
        state = self._before.fleet.chargers.get(charger_id)
        if state is None:
            return None
        one = state.charger
        return {"vendor": one.vendor, "model": one.model, "firmware": one.firmware, "charger": charger_id}

    def _name(self, kind: Mapping[str, str]) -> str:
        if self._cohorts:
            return next((one.name for one in self._cohorts if one.fits(kind)), _OTHER)
        return " · ".join(kind[name] or "?" for name in KINDS[:3])

    def _sums(self, kind: Mapping[str, str]) -> Sums:
        name = self._name(kind)
        if name not in self.sums and len(self.sums) >= _MAX_COHORTS:
            name = _OTHER
        return self.sums.setdefault(name, Sums())

    def document(self) -> dict[str, Any]:
        """All of it as `whatif --json` prints it. The same frames give the same document."""
        moved = sum(sums.moved for sums in self.sums.values())
        return {
            "cohorts": {name: sums_row(self.sums[name]) for name in sorted(self.sums)},
            "moved": moved,
            "shown": len(self._shown),
            "sessions": [move_row(move) for move in self.moves],
        }
