"""The fault table holds: what is planted is judged as it says, and clean chargers are clean."""

from collections import defaultdict

import pytest

from demo.faults import FAULTS
from demo.plan import Pace
from demo.traffic import REAL_PACE, Traffic
from diff.discrepancy import Class, Discrepancy, Status
from diff.judge import JudgeState, judge, new_state
from ingest.frame import Frame, FrameKind

_SETTLED = 4 * 3_600_000_000


def _codes(traffic: Traffic) -> dict[str, set[str]]:
    """The open codes by charging station, four hours after the last frame; expected losses are no faults."""
    states: dict[str, JudgeState] = {}
    newest: dict[tuple[str, str], Discrepancy] = {}

    def live(charger_id: str, frame: Frame) -> None:
        state = states.get(charger_id) or new_state(charger_id)
        states[charger_id], judgement = judge(state, frame)
        newest.update({(charger_id, found.id): found for found in judgement.discrepancies})

    end = 0
    for frame in traffic:
        live(frame.charger_id, frame)
        end = frame.received_at
    for number, charger_id in enumerate(list(states)):
        live(charger_id, Frame("", "ticker", number, end + _SETTLED, FrameKind.TICK))
    codes: dict[str, set[str]] = defaultdict(set)
    for (charger_id, _), found in newest.items():
        if found.status is Status.OPEN and found.class_ is not Class.EXPECTED_LOSS:
            codes[charger_id].add(found.code)
    return codes


@pytest.mark.parametrize("pace", [Pace(), REAL_PACE], ids=["live", "real"])
def test_each_planted_fault_leads_to_its_codes_and_to_no_others(pace: Pace) -> None:
    """Over a fleet in which every charger plants one fault nothing is missed and nothing is false."""
    traffic = Traffic(seed=21, chargers=2 * len(FAULTS), sessions_per_charger=2, fault_share=1, pace=pace)
    found = _codes(traffic)
    assert len(traffic.planted) == 2 * len(FAULTS)
    missed = {p.fault: set(p.codes) - found[p.charger_id] for p in traffic.planted}
    false = {p.fault: found[p.charger_id] - {*p.codes, *p.also} for p in traffic.planted}
    assert {fault: codes for fault, codes in missed.items() if codes} == {}
    assert {fault: codes for fault, codes in false.items() if codes} == {}


@pytest.mark.parametrize("pace", [Pace(), REAL_PACE], ids=["live", "real"])
def test_clean_chargers_lead_to_no_code_at_all(pace: Pace) -> None:
    """Not one discrepancy of any severity but an expected loss stands on a charger that plants nothing."""
    traffic = Traffic(seed=22, chargers=30, sessions_per_charger=3, fault_share=0, pace=pace)
    assert {charger: codes for charger, codes in _codes(traffic).items() if codes} == {}
    assert len(traffic.sessions) >= 90
