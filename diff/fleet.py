"""Many charging stations: their states side by side, fed in the order of arrival, woken by ticks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from diff.judge import Judgement, JudgeState, due, judge, new_state
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from ingest.frame import Frame, FrameKind, Micros
from shadow.config import DEFAULT, ShadowConfig
from shadow.message import Observations

__all__ = ["Fault", "Fleet", "place_of"]


class Fault(msgspec.Struct, frozen=True):
    """A frame that could not be judged because of an error in this program."""

    charger_id: str
    frame_id: str
    received_at: Micros
    reason: str
    """Type and place of the error. Not its message: that may hold what stood in the frame."""
    size: int
    """Of the frame's text, in characters."""


class Fleet:
    """The states of all charging stations of one partition."""

    def __init__(self, config: ShadowConfig = DEFAULT, policy: Policy = DEFAULT_POLICY) -> None:
        self._config = config
        self._policy = policy
        self.chargers: dict[str, JudgeState] = {}
        self._due: dict[str, Micros] = {}
        self._faults: list[Fault] = []

    def follow(self, policy: Policy) -> None:
        """Judge by this policy from now on."""
        self._policy = policy

    def take_faults(self) -> list[Fault]:
        """The faults since the last call. One costs its charging station that frame; nobody else notices."""
        taken, self._faults = self._faults, []
        return taken

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

    def wake(self, charger_id: str, at: Micros) -> Iterator[Judgement]:
        """Judge what is due on one charging station up to a time; the others are left as they are."""
        if self._due.get(charger_id, at + 1) <= at:
            yield self._judge(self.chargers[charger_id], Frame("", "", 0, at, FrameKind.TICK))

    def forget(self, charger_id: str) -> None:
        """Let go of a charging station of which no more frames come."""
        self.chargers.pop(charger_id, None)
        self._due.pop(charger_id, None)

    def _judge(self, state: JudgeState, frame: Frame) -> Judgement:
        charger_id = state.charger.charger_id
        try:
            _, judgement = judge(state, frame, self._config, self._policy)
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream goes on
            self._due.pop(charger_id, None)  # else a deadline that fails would fail again at each tick
            fault = Fault(charger_id, frame.frame_id, frame.received_at, place_of(error), len(frame.text))
            self._faults.append(fault)
            return Judgement(Observations())
        at = due(state)
        if at is None:
            self._due.pop(charger_id, None)
        else:
            self._due[charger_id] = at
        return judgement


def place_of(error: Exception) -> str:
    """Type and place of an error, without its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {trace.tb_frame.f_globals['__name__']}, line {trace.tb_lineno}"
    return f"{type(error).__name__}{place}"
