"""The gates of money, of what is critical, and of the rate of major ones."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from diff.gates.evidence import Day
from diff.gates.faults import clean_streak, critical, money, rate
from diff.gates.gate import Outcome
from diff.gates.thresholds import DEFAULT, Critical, Rate
from tests.diff.gates.clean import clean, fault


class TestMoney:
    """Whether anyone would have been charged a different amount."""

    @pytest.mark.parametrize(
        ("sessions", "wrong", "outcome"),
        [
            (300, 0, Outcome.GO),
            (299, 0, Outcome.INCONCLUSIVE),
            (0, 0, Outcome.INCONCLUSIVE),
            (300, 1, Outcome.HOLD),
            (5, 1, Outcome.HOLD),
        ],
    )
    def test_one_wrong_session_holds_and_too_few_say_nothing(self, sessions: int, wrong: int, outcome: Outcome) -> None:
        """Three hundred settled sessions are asked for, and not one that is billed otherwise."""
        evidence = clean(sessions, money_sessions=wrong, faults=(fault(),) * wrong)
        assert money(evidence, DEFAULT).outcome is outcome

    def test_what_is_missing_is_counted(self) -> None:
        """88 of 300 sessions: 212 more."""
        result = money(clean(88), DEFAULT)
        assert result.change == "212 more settled sessions without one"
        assert result.bound is not None
        assert "at most 3.35 %" in result.because

    def test_the_bound_stands_beside_go_with_what_it_means_a_week(self) -> None:
        """None in 420 is at most 0.715 % by the rule of three; of 210 sessions a week these are at most two."""
        result = money(clean(420), DEFAULT)
        assert "none in 420: at 95 % at most 0.715 % (rule of three; exactly 0.711 %)" in result.because
        assert "at 210 sessions a week at most 2 sessions a week" in result.because

    def test_the_fault_is_named(self) -> None:
        """Its fingerprint and title, and until when it counts."""
        result = money(clean(money_sessions=1, faults=(fault(age=3),)), DEFAULT)
        assert "1 of 400 sessions would be billed otherwise: f1 session: energy (ACME One)" in result.because
        assert "25 days without it" in result.change
        assert result.named == ("f1",)

    def test_an_acknowledgement_does_not_make_an_amount_right(self) -> None:
        """A known wrong amount is a wrong amount."""
        result = money(clean(money_sessions=1, faults=(fault(acknowledged=True),)), DEFAULT)
        assert result.outcome is Outcome.HOLD
        assert "1 of them acknowledged, which does not count here" in result.because

    def test_sessions_without_energy_prove_nothing_about_it(self) -> None:
        """Compared they were, but of the amount a side said nothing."""
        result = money(replace(clean(400), weighed=100), DEFAULT)
        assert (result.outcome, result.n) == (Outcome.INCONCLUSIVE, 100)
        assert "of 300 more a side gave no energy" in result.because


class TestCritical:
    """Whether anything critical is open that nobody answers for."""

    @pytest.mark.parametrize(
        ("age", "acknowledged", "outcome"),
        [
            (0.5, False, Outcome.HOLD),
            (6.99, False, Outcome.HOLD),
            (7, False, Outcome.GO),
            (0.5, True, Outcome.GO),
        ],
    )
    def test_seven_days_running(self, age: float, *, acknowledged: bool, outcome: Outcome) -> None:
        """What was seen within them holds, unless it is acknowledged."""
        evidence = clean(faults=(fault("meter.placeholder", age=age, acknowledged=acknowledged),))
        assert critical(evidence, DEFAULT).outcome is outcome

    def test_days_without_comparisons_are_not_clean(self) -> None:
        """Three days of seven were not looked at: that is no clean week."""
        days = tuple(Day(age, 0 if age in (1, 2, 5) else 9) for age in range(14))
        result = critical(clean(days=days), DEFAULT)
        assert (result.outcome, result.n) == (Outcome.INCONCLUSIVE, 4)
        assert result.because == "on 3 days of the last 7 nothing was compared"
        assert result.change.startswith("6 more days running")

    def test_what_would_change_it_counts_days_and_fingerprints(self) -> None:
        """Seen two and a half days ago: five more days, or two acknowledgements."""
        evidence = clean(faults=(fault(age=2.5), fault(age=5, fingerprint="f2", charger_id="CP-2")))
        result = critical(evidence, DEFAULT)
        assert result.named == ("f1", "f2")
        assert result.change.startswith("5 more days without one, or an acknowledgement of 2 fingerprints")

    def test_the_streak_ends_at_a_fault_and_at_a_day_without_comparisons(self) -> None:
        """Whichever comes first."""
        assert clean_streak(clean(), DEFAULT) == 14
        assert clean_streak(clean(faults=(fault(age=3.5),)), DEFAULT) == 3
        assert clean_streak(clean(faults=(fault(age=3.5, acknowledged=True),)), DEFAULT) == 14
        days = tuple(Day(age, 5 if age < 2 else 0) for age in range(14))
        assert clean_streak(clean(days=days, faults=(fault(age=3.5),)), DEFAULT) == 2

    def test_a_day_may_be_asked_for_more_than_one_session(self) -> None:
        """Twenty-eight a day are not thirty."""
        strict = DEFAULT.model_copy(update={"critical": Critical(sessions_per_day=30)})
        assert critical(clean(400), strict).outcome is Outcome.INCONCLUSIVE


class TestRate:
    """How often something major happens."""

    @pytest.mark.parametrize(
        ("comparisons", "found", "outcome"),
        [
            (598, 0, Outcome.GO),
            (597, 0, Outcome.INCONCLUSIVE),
            (947, 1, Outcome.GO),
            (946, 1, Outcome.INCONCLUSIVE),
            (60, 1, Outcome.INCONCLUSIVE),
            (2400, 30, Outcome.HOLD),
            (5, 9, Outcome.HOLD),
            (0, 0, Outcome.INCONCLUSIVE),
        ],
    )
    def test_the_bound_decides_and_not_the_rate(self, comparisons: int, found: int, outcome: Outcome) -> None:
        """GO where the upper bound is within 0.5 %, HOLD where more is proven, and nothing is known in between."""
        faults = (fault("session.stop-time", "major", open=found),) if found else ()
        result = rate(clean(comparisons=comparisons, faults=faults), DEFAULT)
        assert result.outcome is outcome

    def test_what_is_missing_is_said_in_comparisons_and_sessions(self) -> None:
        """None in 360 comparisons: 238 more, which are 40 sessions of six comparisons."""
        result = rate(clean(60), DEFAULT)
        assert result.change == "238 more comparisons without a major one, which are 40 settled sessions"
        assert result.bound is not None
        assert Decimal("0.0082") < result.bound < Decimal("0.0084")

    def test_acknowledged_ones_count_unless_told_otherwise(self) -> None:
        """Known is not the same as rare; a file may see it otherwise, and the number is said either way."""
        evidence = clean(faults=(fault("session.stop-time", "major", open=30, acknowledged=True),))
        lenient = DEFAULT.model_copy(update={"rate": Rate(count_acknowledged=False)})
        assert rate(evidence, DEFAULT).outcome is Outcome.HOLD
        assert rate(evidence, lenient).outcome is Outcome.GO
        assert "30 acknowledged" in rate(evidence, lenient).value

    def test_critical_ones_are_no_major_ones(self) -> None:
        """They have a gate of their own."""
        assert rate(clean(faults=(fault(open=100),)), DEFAULT).outcome is Outcome.GO
