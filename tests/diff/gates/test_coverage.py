"""The gate of coverage: whether everything was tried that the fleet does."""

from typing import Any

import pytest

from diff.gates.coverage import OFFLINE_START, coverage
from diff.gates.evidence import Attention, Kind
from diff.gates.gate import Outcome
from diff.gates.thresholds import DEFAULT, Coverage, Thresholds
from tests.diff.gates.clean import ACTIONS, clean


def _seen(**counts: int) -> tuple[Kind, ...]:
    actions = ACTIONS | counts
    return (Kind("ACME", "One", 2, actions, actions),)


def _with(**changes: Any) -> Thresholds:
    return DEFAULT.model_copy(update={"coverage": Coverage(**changes)})


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ({}, Outcome.GO),
        ({"StopTransaction": 30}, Outcome.GO),
        ({"StopTransaction": 29}, Outcome.INCONCLUSIVE),
        ({"Reset": 2}, Outcome.INCONCLUSIVE),
        ({"Reset": 0}, Outcome.INCONCLUSIVE),
    ],
)
def test_thirty_times_in_a_session_and_three_times_else(counts: dict[str, int], outcome: Outcome) -> None:
    """One less is too few, and never seen is no pass."""
    assert coverage(clean(kinds=_seen(**counts)), DEFAULT).outcome is outcome


def test_session_actions_add_up_over_the_cohort_and_others_count_by_model() -> None:
    """Fifteen stops on each of two models are thirty; two resets on each of them are too few, twice."""
    half = ACTIONS | {"StopTransaction": 15, "Reset": 2}
    kinds = tuple(Kind("ACME", model, 1, half, half) for model in ("One", "Two"))
    result = coverage(clean(kinds=kinds), DEFAULT)
    assert result.named == ("ACME One: Reset", "ACME Two: Reset")
    assert result.change == "1 more ACME One: Reset, 1 more ACME Two: Reset"


def test_a_model_is_tried_outside_the_cohort_too() -> None:
    """The wave has no reset, its model has three elsewhere in the fleet."""
    kind = Kind("ACME", "One", 1, ACTIONS | {"Reset": 0}, ACTIONS)
    assert coverage(clean(kinds=(kind,)), DEFAULT).outcome is Outcome.GO


def test_what_the_fleet_does_not_do_is_not_asked_for_unless_somebody_does() -> None:
    """No offline start was ever seen; a file may demand thirty of them."""
    assert coverage(clean(), DEFAULT).outcome is Outcome.GO
    result = coverage(clean(), _with(required=(OFFLINE_START,)))
    assert (result.outcome, result.change) == (Outcome.INCONCLUSIVE, "30 more offline start")


def test_an_action_may_be_exempt_everywhere_or_on_one_model() -> None:
    """Said in the file, by name."""
    evidence = clean(kinds=_seen(Reset=0))
    assert coverage(evidence, _with(exempt=("Reset",))).outcome is Outcome.GO
    assert coverage(evidence, _with(exempt=("ACME One: Reset",))).outcome is Outcome.GO
    assert coverage(evidence, _with(exempt=("ACME Two: Reset",))).outcome is Outcome.INCONCLUSIVE


def test_three_vendors_stand_behind_the_fleet() -> None:
    """Two vendors say nothing about a fleet; of a cohort they are only told."""
    kinds = tuple(Kind(vendor, "One", 1, ACTIONS, ACTIONS) for vendor in ("A", "B"))
    whole = coverage(clean(kinds=kinds, attention=Attention(whole_fleet=True)), DEFAULT)
    assert whole.outcome is Outcome.INCONCLUSIVE
    assert "only 2 vendors would stand for the whole fleet: A, B" in whole.because
    assert whole.change.startswith("charging stations of 1 more vendor")
    part = coverage(clean(kinds=kinds), DEFAULT)
    assert part.outcome is Outcome.GO
    assert "2 vendors and 2 models stand behind it" in part.because
    assert coverage(clean(attention=Attention(whole_fleet=True)), DEFAULT).outcome is Outcome.GO


def test_no_traffic_covers_nothing() -> None:
    """Nothing asked for is nothing passed."""
    assert coverage(clean(kinds=(), used=frozenset()), DEFAULT).outcome is Outcome.INCONCLUSIVE
