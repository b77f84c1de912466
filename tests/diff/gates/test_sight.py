"""The gate of sight: whether everything was seen."""

import pytest
from msgspec.structs import replace

from diff.gates.evidence import Attention, Sight
from diff.gates.gate import Outcome
from diff.gates.sight import sight
from diff.gates.thresholds import DEFAULT
from tests.diff.gates.clean import AT, clean

HOUR = 3_600_000_000
FULL = Sight("CP-1", 1_000_000, 1_000_000, AT)


def test_everything_seen_is_go() -> None:
    """All bytes of all charging stations, the last frame just now."""
    result = sight(clean(), DEFAULT)
    assert (result.outcome, result.value, result.n) == (Outcome.GO, "100 % at worst", 3)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (replace(FULL, bytes_parsed=999_000), Outcome.GO),
        (replace(FULL, bytes_parsed=998_999), Outcome.HOLD),
        (replace(FULL, open_gap="unparsable"), Outcome.HOLD),
        (replace(FULL, last_frame_at=AT - 24 * HOUR), Outcome.GO),
        (replace(FULL, last_frame_at=AT - 24 * HOUR - 1), Outcome.INCONCLUSIVE),
        (replace(FULL, last_frame_at=None), Outcome.INCONCLUSIVE),
        (replace(FULL, bytes_forwarded=0, bytes_parsed=0), Outcome.INCONCLUSIVE),
    ],
)
def test_each_threshold_to_the_byte_and_microsecond(seen: Sight, outcome: Outcome) -> None:
    """99.9 % and 24 h are reached, one less is not; loss and gap hold up, silence says nothing."""
    result = sight(clean(sights=(replace(FULL, charger_id="CP-9"), seen)), DEFAULT)
    assert result.outcome is outcome
    assert (outcome is Outcome.GO) == (result.change == "")
    assert outcome is Outcome.GO or result.named == ("CP-1",)


def test_a_loss_says_how_much_more_would_outweigh_it() -> None:
    """5,000 bytes missing of a million are 0.1 % of five million."""
    result = sight(clean(sights=(replace(FULL, bytes_parsed=995_000),)), DEFAULT)
    assert "5,000 of 1,000,000 bytes are missing" in result.because
    assert result.change.startswith("4,000,000 more bytes of CP-1")
    assert result.value == "99.5 % at worst"


def test_who_was_named_and_never_seen_is_silent() -> None:
    """A charging station of the cohort's list that never connected is missing, not clean."""
    result = sight(clean(attention=Attention(missing=("CP-7",))), DEFAULT)
    assert (result.outcome, result.named) == (Outcome.INCONCLUSIVE, ("CP-7",))


def test_nobody_is_no_cohort() -> None:
    """An empty cohort is not a clean one."""
    assert sight(clean(sights=()), DEFAULT).outcome is Outcome.INCONCLUSIVE


def test_a_share_is_never_shown_larger_than_it_is() -> None:
    """99.8999 % is not rounded up to the 99.9 % that it fails to reach."""
    result = sight(clean(sights=(replace(FULL, bytes_parsed=998_999),)), DEFAULT)
    assert result.value == "99.8 % at worst"
