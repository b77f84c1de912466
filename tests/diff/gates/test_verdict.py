"""The verdict: a truth table over the gates, and what no evidence may do."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from diff.compare import COMPARED
from diff.gates.evidence import CohortEvidence, Day, Fault, Kind, Sight
from diff.gates.gate import Outcome, Result, worst
from diff.gates.thresholds import DEFAULT
from diff.gates.verdict import GATES, conclude, decide
from tests.diff.gates.clean import ACTIONS, AT, RUN, clean, fault

GO, HOLD, UNKNOWN = Outcome.GO, Outcome.HOLD, Outcome.INCONCLUSIVE

TRUTH = {
    (GO, GO, GO): (GO, None),
    (GO, GO, HOLD): (HOLD, 2),
    (GO, GO, UNKNOWN): (UNKNOWN, 2),
    (GO, HOLD, GO): (HOLD, 1),
    (GO, HOLD, HOLD): (HOLD, 1),
    (GO, HOLD, UNKNOWN): (HOLD, 1),
    (GO, UNKNOWN, GO): (UNKNOWN, 1),
    (GO, UNKNOWN, HOLD): (HOLD, 2),
    (GO, UNKNOWN, UNKNOWN): (UNKNOWN, 1),
    (HOLD, GO, GO): (HOLD, 0),
    (HOLD, GO, HOLD): (HOLD, 0),
    (HOLD, GO, UNKNOWN): (HOLD, 0),
    (HOLD, HOLD, GO): (HOLD, 0),
    (HOLD, HOLD, HOLD): (HOLD, 0),
    (HOLD, HOLD, UNKNOWN): (HOLD, 0),
    (HOLD, UNKNOWN, GO): (HOLD, 0),
    (HOLD, UNKNOWN, HOLD): (HOLD, 0),
    (HOLD, UNKNOWN, UNKNOWN): (HOLD, 0),
    (UNKNOWN, GO, GO): (UNKNOWN, 0),
    (UNKNOWN, GO, HOLD): (HOLD, 2),
    (UNKNOWN, GO, UNKNOWN): (UNKNOWN, 0),
    (UNKNOWN, HOLD, GO): (HOLD, 1),
    (UNKNOWN, HOLD, HOLD): (HOLD, 1),
    (UNKNOWN, HOLD, UNKNOWN): (HOLD, 1),
    (UNKNOWN, UNKNOWN, GO): (UNKNOWN, 0),
    (UNKNOWN, UNKNOWN, HOLD): (HOLD, 2),
    (UNKNOWN, UNKNOWN, UNKNOWN): (UNKNOWN, 0),
}
"""Three gates in their order: the verdict, and which of them stands first."""


def test_the_truth_table_is_whole() -> None:
    """No combination was forgotten."""
    assert set(TRUTH) == set(product(Outcome, repeat=3))


@pytest.mark.parametrize(("outcomes", "expected"), TRUTH.items(), ids=lambda one: "-".join(map(str, one)))
def test_hold_beats_inconclusive_beats_go(outcomes: tuple[Outcome, ...], expected: tuple[Outcome, int | None]) -> None:
    """And the first gate that says the worst stands first."""
    results = [Result(str(place), one, "", "", 0, "", "") for place, one in enumerate(outcomes)]
    outcome, ordered = conclude(results)
    verdict, first = expected
    assert outcome is verdict
    assert first is None or ordered[0].gate == str(first)
    assert sorted(one.gate for one in ordered) == ["0", "1", "2"]


def test_exit_codes_and_the_worst_of_several() -> None:
    """0, 10 and 20; HOLD is worse than INCONCLUSIVE although its number is smaller; of none nothing is known."""
    assert [one.exit_code for one in (GO, HOLD, UNKNOWN)] == [0, 10, 20]
    assert worst([GO, UNKNOWN, HOLD]) is HOLD
    assert worst([GO, UNKNOWN]) is UNKNOWN
    assert worst([]) is UNKNOWN


def test_a_clean_cohort_goes_and_says_what_it_risks() -> None:
    """Beside GO stands the bound on money; nothing needs to change."""
    verdict = decide(clean(420), DEFAULT)
    assert (verdict.outcome, verdict.first, verdict.change) == (GO, "", "")
    assert verdict.because.startswith("none in 420: at 95 % at most 0.715 %")
    assert [one.gate for one in verdict.results] == list(GATES)
    assert (verdict.clean_days, verdict.vendors, verdict.models, verdict.weekly_sessions) == (14, 3, 3, 210)


def test_one_fault_in_three_hundred_holds_and_a_hundred_say_nothing() -> None:
    """The first failing gate is named, with what would change it."""
    wrong = decide(clean(300, money_sessions=1, faults=(fault(),)), DEFAULT)
    assert (wrong.outcome, wrong.first) == (HOLD, "money")
    assert "session: energy (ACME One)" in wrong.because
    few = decide(clean(100), DEFAULT)
    assert (few.outcome, few.first, few.change) == (UNKNOWN, "money", "200 more settled sessions without one")


@pytest.mark.parametrize(
    ("lately", "before", "word"), [(0, 0, "steady"), (0, 2, "improving"), (2, 1, "worsening"), (None, 1, "unknown")]
)
def test_the_trend_compares_two_halves(lately: int | None, before: int, word: str) -> None:
    """Per 1,000 sessions; a half that nobody looked at says nothing."""
    sessions = 0 if lately is None else 10
    days = [Day(age, sessions, 0, lately or 0) for age in range(7)] + [Day(age, 10, 0, before) for age in range(7, 14)]
    verdict = decide(clean(days=tuple(days)), DEFAULT)
    assert verdict.trend.word == word


faults = st.builds(
    lambda code, severity, count, age, known: fault(code, severity, open=count, age=age, acknowledged=known),
    st.sampled_from(["session.energy", "session.overlap", "session.stop-time"]),
    st.sampled_from(["critical", "major"]),
    st.integers(1, 5),
    st.floats(0, 27),
    st.booleans(),
)
evidences: st.SearchStrategy[CohortEvidence] = st.builds(
    lambda sessions, found, parsed, resets, days, run: clean(
        sessions,
        faults=tuple(found),
        money_sessions=min(sessions, sum(one.open for one in found if one.code == "session.energy")),
        sights=(Sight("CP-1", 100_000, parsed, AT),),
        kinds=(Kind("V", "One", 1, ACTIONS | {"Reset": resets}, ACTIONS | {"Reset": resets}),),
        days=tuple(Day(age, count) for age, count in enumerate(days)),
        noise=run,
    ),
    st.integers(0, 2000),
    st.lists(faults, max_size=3),
    st.integers(99_800, 100_000),
    st.integers(0, 5),
    st.lists(st.integers(0, 3), min_size=14, max_size=14),
    st.sampled_from([RUN, None, replace(RUN, differences=1)]),
)


def _more(evidence: CohortEvidence, sessions: int) -> CohortEvidence:
    """The same with more sessions, bytes and actions, all of them clean."""

    def grown(counts: Any) -> dict[str, int]:
        return {action: count + sessions for action, count in counts.items()}

    return replace(
        evidence,
        sessions=evidence.sessions + sessions,
        weighed=evidence.weighed + sessions,
        comparisons=evidence.comparisons + sessions * len(COMPARED),
        days=tuple(replace(day, sessions=day.sessions + sessions) for day in evidence.days),
        sights=tuple(
            replace(one, bytes_forwarded=one.bytes_forwarded + sessions, bytes_parsed=one.bytes_parsed + sessions)
            for one in evidence.sights
        ),
        kinds=tuple(
            replace(kind, actions=grown(kind.actions), fleet_actions=grown(kind.fleet_actions))
            for kind in evidence.kinds
        ),
    )


@settings(deadline=None, max_examples=80)
@given(evidences, st.integers(0, 3000))
def test_more_clean_evidence_never_makes_it_worse(evidence: CohortEvidence, sessions: int) -> None:
    """GO stays GO, and what did not hold does not begin to; this is so of every gate and of the verdict."""
    before, after = decide(evidence, DEFAULT), decide(_more(evidence, sessions), DEFAULT)
    pairs = [(before.outcome, after.outcome)]
    for name in GATES:
        one = next(result.outcome for result in before.results if result.gate == name)
        two = next(result.outcome for result in after.results if result.gate == name)
        pairs.append((one, two))
    for one, two in pairs:
        assert one is not GO or two is GO
        assert one is HOLD or two is not HOLD


@settings(deadline=None, max_examples=80)
@given(evidences, faults)
def test_another_fault_never_makes_it_better(evidence: CohortEvidence, found: Fault) -> None:
    """What held goes on holding, and what did not go does not begin to."""
    worse = replace(
        evidence,
        faults=(*evidence.faults, found),
        money_sessions=min(evidence.sessions, evidence.money_sessions + (found.code == "session.energy")),
    )
    before, after = decide(evidence, DEFAULT).outcome, decide(worse, DEFAULT).outcome
    assert before is not HOLD or after is HOLD
    assert after is not GO or before is GO


@settings(deadline=None, max_examples=80)
@given(evidences)
def test_whatever_does_not_go_says_what_would_change_it(evidence: CohortEvidence) -> None:
    """Every gate but those that go has a sentence with a number or a command, and a reason."""
    for result in decide(evidence, DEFAULT).results:
        assert result.because
        assert (result.outcome is GO) == (result.change == "")
        assert result.outcome is GO or any(letter.isdigit() or letter == "`" for letter in result.change)
