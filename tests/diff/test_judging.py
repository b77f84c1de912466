"""Which run is current when, and what a run writes: never two for one moment, never a row twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diff.discrepancy import Status
from diff.judging import FOREVER, Decision, JudgingRun, Placed, Stretch, in_force, name_of, rows_of_run
from diff.policy import JUDGING_RUN
from diff.rejudge import Outcome
from diff.store.queries.runs import condition
from tests.diff.store.generated import AT, DAY, a_fault, a_session

RUN = JudgingRun("run", AT - DAY, AT, (), "p", "m", "s", "c")
NOTHING = Placed({}, {})

decided = st.lists(
    st.builds(
        Decision,
        at=st.integers(0, 50),
        run=st.sampled_from([JUDGING_RUN, "a", "b", "c"]),
        since=st.integers(0, 30),
        until=st.integers(0, 30),
    ),
    max_size=8,
    unique_by=lambda one: one.at,
)


@given(decided)
def test_at_every_moment_the_latest_decision_about_it_holds(decisions: list[Decision]) -> None:
    """Where nobody decided, or decided for it, the live run is current; stretches do not overlap."""
    found = in_force(decisions)
    for moment in range(-1, 32):
        about = [one for one in decisions if one.since <= moment < one.until]
        wanted = max(about, key=lambda one: one.at).run if about else JUDGING_RUN
        current = [one.run for one in found if one.since <= moment < one.until]
        assert current == ([] if wanted == JUDGING_RUN else [wanted])
    assert list(found) == sorted(found, key=lambda one: one.since)


@given(decided)
def test_the_condition_takes_each_row_of_one_run_once(decisions: list[Decision]) -> None:
    """The SQL says of any run and moment what the stretches say."""
    found = in_force(decisions)
    text = condition(found).replace("AND", "and").replace("OR", "or").replace("NOT", "not").replace("IN (", "in (")
    text = text.replace(" = ", " == ").replace("fromUnixTimestamp64Micro(", "int(").replace(", 'UTC')", ")")
    code = compile(text, "condition", "eval")
    for moment in (-1, *range(0, 31, 3)):
        taken = [
            run
            for run in (JUDGING_RUN, "a", "b", "c")
            if eval(code, {"judging_run": run, "first_received_at": moment, "int": int})
        ]
        current = [one.run for one in found if one.since <= moment < one.until]
        assert taken == (current or [JUDGING_RUN])


def test_taking_a_range_back_leaves_what_lies_around_it() -> None:
    """The middle of a run's range is the live run's again."""
    decisions = [Decision(1, "a", 0, FOREVER), Decision(2, JUDGING_RUN, 10, 20)]
    assert in_force(decisions) == (Stretch(0, 10, "a"), Stretch(20, FOREVER, "a"))


def test_a_row_stands_where_the_live_run_has_it() -> None:
    """What the live run found first outside the range belongs there, whenever this run would have found it."""
    inside, outside = a_fault("session.energy", AT - 10), a_fault("session.token", AT - 2 * DAY)
    outcome = Outcome({}, {inside.id: inside, outside.id: outside})
    assert [row.id for row in rows_of_run(RUN, outcome, NOTHING).discrepancies] == [inside.id]
    live = Placed({}, {inside.id: AT - 2 * DAY, outside.id: AT - 5})
    (row,) = rows_of_run(RUN, outcome, live).discrepancies
    assert (row.id, row.judging_run, row.first_received_at) == (outside.id, "run", AT - 5)


def test_what_a_run_says_no_more_is_withdrawn_and_what_it_says_again_is_not_written() -> None:
    """Versions only rise."""
    old, new = a_fault("session.energy", AT - 10), a_fault("session.token", AT - 9)
    session = a_session(0, AT - 20)
    outcome = Outcome({session.session_id: session}, {old.id: old})
    first = rows_of_run(RUN, outcome, NOTHING)
    stored = Outcome({row.session_id: row for row in first.sessions}, {row.id: row for row in first.discrepancies})
    again = rows_of_run(RUN, outcome, NOTHING, stored)
    assert (again.sessions, again.discrepancies) == ((), ())
    other = rows_of_run(RUN, Outcome({}, {new.id: new}), NOTHING, stored)
    assert [(row.status, row.version - session.version) for row in other.sessions] == [(Status.WITHDRAWN, 1)]
    assert {row.id: row.status for row in other.discrepancies} == {
        new.id: Status.OPEN,
        old.id: Status.WITHDRAWN,
    }


@pytest.mark.parametrize("name", ["", "live", "current", "a b", "a'b", "-a", "x" * 65, "ä"])
def test_a_name_that_cannot_stand_in_a_query_is_no_name(name: str) -> None:
    """Said with what may stand there."""
    with pytest.raises(ValueError, match="is no name for a run: up to 64 letters"):
        name_of(name)


def test_a_policy_version_is_a_name() -> None:
    """It is the default one."""
    assert name_of("2026-11+ab12cd34") == "2026-11+ab12cd34"
