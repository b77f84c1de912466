"""Alerts: said when they open and when they are over, the worst first, and no more of them than anybody can read."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from diff.alerts.alert import Alert, AlertKind, AlertState
from diff.alerts.observed import Cause, Given, Limits, Line, Observed
from diff.alerts.step import WatchState, step
from diff.discrepancy import Severity

MINUTE = 60_000_000
HOUR = 60 * MINUTE
AT = 1_780_300_800_000_000
LIMITS = Limits()
CAUSE = Cause("f1", "session: energy (ACME One, firmware 1)", "new", 3, 2, 3, acknowledged=False)


def _looks(*looks: Observed, limits: Limits = LIMITS, state: WatchState | None = None) -> list[list[Alert]]:
    state, said = state or WatchState(), []
    for seen in looks:
        state, alerts = step(state, seen, limits)
        said.append(alerts)
    return said


def _cause(at: int, **changes: Any) -> Observed:
    fields = {name: getattr(CAUSE, name) for name in CAUSE.__struct_fields__}
    return Observed(at, causes=(Cause(**fields | changes),))


def _told(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.state.value, one.subject) for one in alerts]


def test_a_new_critical_cause_is_said_once_and_closed_when_somebody_answers_for_it() -> None:
    """Open, nothing while it goes on, closed under the same id with the reason."""
    first, second, third, fourth = _looks(
        _cause(AT),
        _cause(AT + MINUTE, state="ongoing"),
        _cause(AT + 2 * MINUTE, acknowledged=True),
        Observed(AT + HOUR),
    )
    assert _told(first) == [("critical-fingerprint", "open", "f1")]
    assert (first[0].severity, first[0].title) == (Severity.CRITICAL, f"new: {CAUSE.title}")
    assert first[0].detail == "3 open discrepancies on 2 charging stations in 3 sessions"
    assert (second, fourth) == ([], [])
    assert _told(third) == [("critical-fingerprint", "closed", "f1")]
    assert (third[0].id, third[0].opened_at, third[0].detail) == (first[0].id, AT, "acknowledged")


def test_what_was_known_for_long_opens_nothing() -> None:
    """Ongoing, gone, quiet and acknowledged causes are no news; one that is back is."""
    for state in ("ongoing", "gone", "quiet"):
        assert _looks(_cause(AT, state=state)) == [[]]
    assert _looks(_cause(AT, acknowledged=True)) == [[]]
    assert _looks(_cause(AT, state="regressed"))[0][0].title.startswith("back: ")


def test_a_withdrawn_cause_is_closed_with_that_reason() -> None:
    """Later evidence took it back."""
    _, (closed,) = _looks(_cause(AT), Observed(AT + MINUTE))
    assert closed.detail == "withdrawn by later evidence, or no longer stored"


def _verdict(at: int, outcome: str) -> Observed:
    return Observed(at, verdicts=(Given("north", outcome, "money", "because", "more sessions"),))


def test_a_flip_is_said_and_the_first_verdict_is_none() -> None:
    """INCONCLUSIVE at first, HOLD opens, INCONCLUSIVE closes that and opens another, GO leaves nothing open."""
    outcomes = ("INCONCLUSIVE", "HOLD", "HOLD", "INCONCLUSIVE", "GO", "GO")
    said = _looks(*(_verdict(AT + number * MINUTE, outcome) for number, outcome in enumerate(outcomes)))
    assert [[(one.state.value, one.severity.value) for one in alerts] for alerts in said] == [
        [],
        [("open", "critical")],
        [],
        [("closed", "critical"), ("open", "major")],
        [("closed", "major")],
        [],
    ]
    assert said[1][0].title == "north: HOLD, money first (it was INCONCLUSIVE)"
    assert "what would change it: more sessions" in said[1][0].detail
    assert said[4][0].title == "north: GO"
    assert said[4][0].id == said[3][1].id


def test_going_from_inconclusive_to_go_is_said_although_nothing_was_open() -> None:
    """People wait for it; there is nothing left to close afterwards."""
    _, (go,), later = _looks(_verdict(AT, "INCONCLUSIVE"), _verdict(AT + 1, "GO"), _verdict(AT + 2, "GO"))
    assert (go.state, go.title, later) == (AlertState.CLOSED, "north: GO", [])


def test_a_blind_connection_and_a_gap() -> None:
    """With what is missing; over when everything can be read again."""
    blind = Line("CP1", AT, "unparsable", 2, 1_500, ("buffer-full",))
    (opened,), (closed,) = _looks(Observed(AT, lines=(blind,)), Observed(AT + MINUTE, lines=(Line("CP1", AT),)))
    assert (opened.kind, opened.charger_id) == (AlertKind.BLIND_TAP, "CP1")
    assert opened.detail == (
        "its connection cannot be read (unparsable), 2 gaps with at least 1,500 bytes missing (buffer-full)"
    )
    assert closed.state is AlertState.CLOSED


def test_a_tap_that_gives_no_accounts_is_blind() -> None:
    """While connections were open; not where there never was a tap, or all had ended."""
    seen = Observed(AT, tap_told=AT - 11 * MINUTE, tap_open=4)
    assert _looks(seen)[0][0].title == "no tap has given an account for 11 minutes"
    assert _looks(Observed(AT), Observed(AT, tap_told=AT - HOUR), Observed(AT, tap_told=AT, tap_open=1)) == [[], [], []]


def test_silence_counts_after_a_day_and_is_forgotten_after_four_weeks() -> None:
    """Who was taken away long ago opens nothing, and keeps open what was said before."""

    def silent(at: int, hours: int) -> Observed:
        return Observed(at, lines=(Line("CP1", at - hours * HOUR),))

    assert _looks(silent(AT, 24), silent(AT, 24 * 30)) == [[], []]
    opened, still, closed = _looks(silent(AT, 25), silent(AT + 1, 24 * 30), silent(AT + 2, 0))
    assert _told(opened) == [("silent-charger", "open", "CP1")]
    assert (still, _told(closed)) == ([], [("silent-charger", "closed", "CP1")])


def test_what_comes_and_goes_is_said_once_an_hour() -> None:
    """It opens again an hour after it opened, if it still is so."""
    on, off = (Line("CP1", AT, "pending"),), (Line("CP1", AT),)
    looks = [Observed(AT + n * MINUTE, lines=on if n % 2 == 0 else off) for n in range(61)]
    said = [alert for alerts in _looks(*looks) for alert in alerts]
    assert [(one.state.value, (one.at - AT) // MINUTE) for one in said] == [("open", 0), ("closed", 1), ("open", 60)]
    assert said[0].id != said[2].id


def test_a_flood_is_cut_with_a_summary_and_the_rest_follows() -> None:
    """Five an hour of forty: the critical one first, one summary with the counts, and more when the hour is over."""
    lines = tuple(Line(f"CP{number:02}", AT, "pending") for number in range(39))
    limits = Limits(ceiling=5)

    def look(at: int) -> Observed:
        return Observed(at, causes=(CAUSE,), lines=lines)

    first, second, later = _looks(look(AT), look(AT + MINUTE), look(AT + HOUR), limits=limits)
    assert [one.kind.value for one in first] == ["critical-fingerprint", *["blind-tap"] * 4, "held-back"]
    assert (first[-1].title, first[-1].held_back) == ("35 more alerts held back", 35)
    assert first[-1].detail == "35 blind-tap; at most 5 are said in 60 minutes, the others follow"
    assert second == []
    assert [one.subject for one in later] == ["CP04", "CP05", "CP06", "CP07", "CP08", "fleet"]


def test_the_same_look_after_a_crash_gives_the_same_ids() -> None:
    """From the same state and look follow the same words, so that a repeat can be told."""
    assert _looks(_cause(AT)) == _looks(_cause(AT))


_LINES = st.lists(
    st.builds(
        Line,
        st.sampled_from(("A", "B", "C")),
        st.one_of(st.none(), st.integers(AT - 60 * 24 * HOUR, AT)),
        st.sampled_from(("", "pending")),
        st.integers(0, 2),
    ),
    max_size=4,
    unique_by=lambda line: line.charger_id,
)
_CAUSES = st.builds(
    Cause,
    st.sampled_from(("f1", "f2")),
    st.just("t"),
    st.sampled_from(("new", "regressed", "ongoing", "gone", "quiet")),
    st.integers(0, 3),
    st.just(1),
    st.just(1),
    st.booleans(),
)
_OUTCOMES = st.sampled_from(("GO", "HOLD", "INCONCLUSIVE"))
_VERDICTS = st.builds(Given, st.sampled_from(("a", "b")), _OUTCOMES, st.just("money"), st.just("b"), st.just("c"))


@given(
    st.lists(
        st.tuples(
            st.integers(-MINUTE, 2 * HOUR),
            _LINES,
            st.lists(_CAUSES, max_size=2, unique_by=lambda cause: cause.fingerprint),
            st.lists(_VERDICTS, max_size=2, unique_by=lambda verdict: verdict.cohort),
        ),
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_every_closing_has_its_opening_and_no_hour_has_too_many(
    steps: list[tuple[int, list[Line], list[Cause], list[Given]]], ceiling: int
) -> None:
    """Whatever is observed in whatever order: ids pair up, and the ceiling holds but for the pair of one flip."""
    limits, state, at = Limits(ceiling=ceiling), WatchState(), AT
    opened: set[str] = set()
    words: list[int] = []
    for ahead, lines, causes, verdicts in steps:
        at += ahead
        state, said = step(state, Observed(at, causes, verdicts, lines), limits)
        for one in said:
            if one.state is AlertState.OPEN:
                assert one.id not in opened
                opened.add(one.id)
            elif one.kind not in (AlertKind.HELD_BACK, AlertKind.GATE_FLIP):
                assert one.id in opened
            if one.kind is not AlertKind.HELD_BACK:
                words.append(one.at)
        assert {one.id for one in state.standing} <= opened
        assert sum(state.at - word < limits.window for word in words) <= ceiling + 1


def test_two_flips_within_one_moment_are_two_alerts() -> None:
    """A clock that stands still gives no id twice: whoever sorts out repetitions would lose the second."""
    verdicts = [Given("b", outcome, "money", "b", "c") for outcome in ("GO", "HOLD", "INCONCLUSIVE")]
    said = [one for look in _looks(*(Observed(AT, [], [one], []) for one in verdicts)) for one in look]
    opened = [one.id for one in said if one.state is AlertState.OPEN]
    assert len(opened) == len(set(opened)) == 2
