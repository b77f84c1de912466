"""The history of a fingerprint as one word."""

import pytest

from diff.fingerprint import fingerprint
from diff.fingerprint_state import History, Relative, State, cause_of, state_of

DAY = 86_400_000_000
TODAY = 20_000
AT = TODAY * DAY + DAY // 2


def _history(*ages: int, compared: int = 100) -> History:
    days = sorted(TODAY - age for age in ages)
    return History(days[0] * DAY, days[-1] * DAY + DAY // 4, days, compared)


@pytest.mark.parametrize(
    ("ages", "compared", "state"),
    [
        ((0,), 100, State.NEW),
        ((6, 3), 100, State.NEW),
        ((30, 25, 20, 15, 9, 3), 100, State.ONGOING),
        ((30, 20, 0), 100, State.REGRESSED),
        ((30, 22, 12, 8, 3), 0, State.ONGOING),
        ((30, 8), 100, State.GONE),
        ((30, 8), 19, State.QUIET),
        ((8,), 20, State.GONE),
    ],
)
def test_new_back_ongoing_gone_or_unknown(ages: tuple[int, ...], compared: int, state: State) -> None:
    """Quiet for a week is gone where twenty sessions were compared, and back when it is seen again."""
    assert state_of(_history(*ages, compared=compared), (), AT).state is state


def test_a_cause_of_an_older_firmware_that_is_seen_on_a_newer_one_is_back() -> None:
    """New by its group, and not by its cause; one that began later on another firmware is none before it."""
    older = Relative("1.0", (TODAY - 40) * DAY, (TODAY - 20) * DAY)
    found = state_of(_history(1), [older], AT)
    assert found.state is State.REGRESSED
    assert found.because == "known of firmware 1.0, and here again on another"
    younger = Relative("2.0", TODAY * DAY, TODAY * DAY)
    assert state_of(_history(1), [younger], AT).state is State.NEW


def test_a_cause_is_the_same_whatever_the_firmware() -> None:
    """Code, place, kind of charging station and shape; another shape is another cause."""

    def cause(firmware: str, found: str = "Hz") -> tuple[str, str, str]:
        _, title = fingerprint("meter.unit-unknown", "MeterValues.unit", "ACME", "One", firmware, found=found)
        return cause_of("meter.unit-unknown", "MeterValues.unit", title)

    assert cause("1.0") == cause("2.0 beta") == cause("")
    assert cause("1.0") != cause("1.0", "mi")
