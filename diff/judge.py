"""The one entry for runtimes: `judge(state, frame)` lives a frame on both sides and says what disagrees.

It calls the shadow's `step`, folds the primary's ledger beside it over the same parsed message, pairs their sessions by
the frame that opened them, and compares what has ended. Pure: time comes from frames only. `state` is consumed.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from diff import ledger, settle
from diff.billing.auditor import auditor_of
from diff.court import Court
from diff.judgement import Judgement, JudgeState
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from diff.records import Charger
from ingest.frame import Frame, FrameKind, Micros
from shadow.config import DEFAULT, ShadowConfig
from shadow.keys import key_version
from shadow.message import Observations
from shadow.state import ChargerState
from shadow.step import step
from shadow.subprotocol import is_native

__all__ = ["JudgeState", "Judgement", "due", "judge", "new_state"]

_RECORD: Final = FrameKind.RECORD


def new_state(charger_id: str) -> JudgeState:
    """The state before the first frame of a charging station."""
    return JudgeState(ChargerState(charger_id), Charger(charger_id))


def due(state: JudgeState) -> Micros | None:
    """When the next thing falls due; None where nothing waits. A tick before it changes nothing."""
    own = state.deadlines[0].due if state.deadlines else None
    billing = state.billing
    if billing is not None and billing.due is not None:
        own = billing.due if own is None else min(own, billing.due)
    lived = state.shadow.due
    return lived if own is None else own if lived is None else min(own, lived)


def judge(
    state: JudgeState, frame: Frame, config: ShadowConfig = DEFAULT, policy: Policy = DEFAULT_POLICY
) -> tuple[JudgeState, Judgement]:
    """Live and judge one frame of one charging station, or a tick.

    What falls due before the frame is judged first, each thing at its own time and as if a tick had come just then.
    """
    result = Judgement(Observations())
    while (moment := due(state)) is not None and moment <= frame.received_at:
        _live(state, Frame(frame.charger_id, "", 0, moment, FrameKind.TICK), config, policy, result)
    if frame.kind is not FrameKind.TICK:
        _live(state, frame, config, policy, result)
    return state, result


def _live(state: JudgeState, frame: Frame, config: ShadowConfig, policy: Policy, result: Judgement) -> None:
    record = frame.kind is _RECORD
    auditor = None
    if state.billing is not None or record or policy.records_expected:
        auditor = auditor_of(state, frame, policy, result, config.keys)
    court = Court(state, policy, result, auditor)
    for deadline in settle.take_due(state.deadlines, frame.received_at):
        court.settle(deadline)
    if auditor is not None:
        auditor.fall_due(frame.received_at)
    state.shadow, obs = step(state.shadow, frame, config)
    seen = result.observations
    if seen.messages or seen.findings or seen.unmapped or seen.facts:
        _add_to(seen, obs)
    else:
        result.observations = obs  # nothing fell due before this frame, as nearly always
    if frame.kind is not FrameKind.TICK and not record:
        state.judged_connectors = frame.judged_connectors
    station = state.shadow.station
    state.charger.vendor, state.charger.model = station.vendor, station.model
    state.charger.firmware = station.firmware
    blind = bool(obs.findings) and any(finding.code == "tap.gap" for finding in obs.findings)
    if blind:
        court.blind()
    court.shadow(obs)
    if frame.kind is not FrameKind.TICK and not record:
        _bill(state, frame, obs, court, blind=blind)
    for finding in obs.findings:
        court.finding(finding)
    court.finish()
    if auditor is not None:
        auditor.hear(frame, blind=blind)
    result.charger, result.comparisons = state.charger, state.comparisons


def _bill(state: JudgeState, frame: Frame, obs: Observations, court: Court, *, blind: bool) -> None:
    """Take the frame into the primary's books, and hear what came of it."""
    if blind and frame.kind is not FrameKind.GAP:
        ledger.fold(state.ledger, replace(frame, kind=FrameKind.GAP), None)  # a hole in the sequence is a gap as well
    # The primary's books are those of 1.6: messages of 2.0.1 have names in common with it and mean something else.
    said = None if is_native(state.shadow, frame.connection_id) else obs.event
    for event in ledger.fold(state.ledger, frame, said, key_version(state.shadow, frame.connection_id)):
        court.primary(event, frame.received_at)


def _add_to(whole: Observations, part: Observations) -> None:
    whole.event = part.event
    whole.messages += part.messages
    whole.sessions += part.sessions
    whole.findings += part.findings
    whole.facts += part.facts
    whole.repeated += part.repeated
    whole.refused += part.refused
    whole.unmapped += part.unmapped
