"""Many charging stations: their states side by side, fed in the order of arrival, woken by ticks."""

from __future__ import annotations

from collections.abc import Iterator

from diff.judge import Judgement, JudgeState, due, judge, new_state
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["Fleet"]


class Fleet:
    """The states of all charging stations of one partition."""

    def __init__(self, config: ShadowConfig = DEFAULT, policy: Policy = DEFAULT_POLICY) -> None:
        self._config = config
        self._policy = policy
        self.chargers: dict[str, JudgeState] = {}
        self._due: dict[str, Micros] = {}

    def feed(self, frame: Frame) -> Iterator[Judgement]:
        """Live one frame; a tick wakes every charging station for which something is due, in order of name."""
        if frame.kind is FrameKind.TICK:
            for charger_id in sorted(key for key, at in self._due.items() if at <= frame.received_at):
                yield self._judge(self.chargers[charger_id], frame)
            return
        state = self.chargers.get(frame.charger_id)
        if state is None:
            state = self.chargers[frame.charger_id] = new_state(frame.charger_id)
        yield self._judge(state, frame)

    def _judge(self, state: JudgeState, frame: Frame) -> Judgement:
        _, judgement = judge(state, frame, self._config, self._policy)
        charger_id = state.charger.charger_id
        at = due(state)
        if at is None:
            self._due.pop(charger_id, None)
        else:
            self._due[charger_id] = at
        return judgement
