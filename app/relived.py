"""Lives frames again, as many charging stations together as fit into memory: what `noise` feeds its frames to."""

from __future__ import annotations

import sys
from typing import Final

from diff.noise import Difference, lived_again
from diff.policy import Policy
from ingest.frame import Frame, Micros
from shadow.config import ShadowConfig

__all__ = ["Relived", "TooManyFramesError"]

_TOGETHER: Final = 50_000
"""Frames after which those of the store are lived: charging stations come one after another there."""
_MOST: Final = 500_000
_MOST_NAMED: Final = 1000


class TooManyFramesError(Exception):
    """More frames than can be held at once; the message says what to do."""


class Relived:
    """Collects frames, lives them again, and sums up what differed."""

    def __init__(self, config: ShadowConfig, policy: Policy) -> None:
        self._config, self._policy = config, policy
        self._waiting: list[Frame] = []
        self.frames = self.chargers = self.sessions = self.discrepancies = self.differences = 0
        self.named: list[Difference] = []
        """The first thousand differences."""

    def feed(self, frame: Frame) -> None:
        """Take a frame.

        Raises:
            TooManyFramesError: half a million wait, and no charging station has come to its end.

        """
        if len(self._waiting) >= _MOST:
            raise TooManyFramesError(
                f"more than {_MOST:,} frames at once: name smaller recordings, or keep them first (`replay --store`)"
                " and live those of the store again"
            )
        self._waiting.append(frame)

    def forget(self, charger_id: str) -> None:  # noqa: ARG002 - the interface of whoever counts
        """No more frames of this charging station will come."""
        if len(self._waiting) >= _TOGETHER:
            self.end()

    def end(self) -> None:
        """Live what waits."""
        if not self._waiting:
            return
        found = lived_again(self._waiting, self._until(), self._config, self._policy)
        self._waiting = []
        self.frames += found.frames
        self.chargers += found.chargers
        self.sessions += found.sessions
        self.discrepancies += found.discrepancies
        self.differences += found.differences
        self.named += found.named[: _MOST_NAMED - len(self.named)]
        if sys.stderr.isatty():
            print(f"{self.frames:,} frames lived again, {self.differences} differences", file=sys.stderr, flush=True)

    def _until(self) -> Micros:
        """Late enough for everything that waits to fall due, so that it can differ."""
        policy, latest = self._policy, max(frame.received_at for frame in self._waiting)
        waits = (policy.settle_missing, policy.settle_reboot, policy.settle_silence, self._config.unanswered_after)
        return latest + sum(waits)
