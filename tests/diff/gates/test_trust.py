"""The gates of noise and baseline: whether the judgement itself may be trusted."""

import pytest
from msgspec.structs import replace

from diff.acknowledgement import Acknowledged, Occurring, Standing
from diff.gates.gate import Outcome
from diff.gates.thresholds import DEFAULT, Noise
from diff.gates.trust import baseline, noise
from diff.noise import NoiseRun
from ingest.control import Acknowledgement
from tests.diff.gates.clean import AT, RUN, clean

ACKNOWLEDGED = Acknowledgement("0123456789abcdef", "known", "ann", AT, at=AT - 1)


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (RUN, Outcome.GO),
        (None, Outcome.INCONCLUSIVE),
        (replace(RUN, mapper_version="1"), Outcome.INCONCLUSIVE),
        (replace(RUN, frames=0), Outcome.INCONCLUSIVE),
        (replace(RUN, differences=1, first="session s of CP-1 differs in stopped_at (other batches)"), Outcome.HOLD),
        (replace(RUN, differences=1, mapper_version="1"), Outcome.INCONCLUSIVE),
    ],
)
def test_the_same_traffic_gave_the_same_on_this_version(run: NoiseRun | None, outcome: Outcome) -> None:
    """A difference holds; no run, one of another version, or one over nothing says nothing."""
    result = noise(clean(noise=run), DEFAULT)
    assert result.outcome is outcome
    assert (result.change == "") == (outcome is Outcome.GO)


def test_a_run_may_be_asked_for_more_frames() -> None:
    """5,000 frames of 8,000."""
    strict = DEFAULT.model_copy(update={"noise": Noise(frames=8000)})
    result = noise(clean(), strict)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.change == "a run of `shadow-csms noise --store` over 3,000 more"


@pytest.mark.parametrize(
    ("standings", "outcome"),
    [
        ((), Outcome.GO),
        ((Standing.HOLDS, Standing.REVOKED), Outcome.GO),
        ((Standing.HOLDS, Standing.EXPIRED), Outcome.HOLD),
        ((Standing.STOPPED,), Outcome.HOLD),
    ],
)
def test_a_stale_acknowledgement_holds(standings: tuple[Standing, ...], outcome: Outcome) -> None:
    """Expired or not needed any more, until it is renewed or revoked."""
    told = tuple(Acknowledged(ACKNOWLEDGED, one, Occurring(), "because") for one in standings)
    result = baseline(clean(acknowledged=told), DEFAULT)
    assert result.outcome is outcome
    assert result.n == sum(one is not Standing.REVOKED for one in standings)
    if outcome is Outcome.HOLD:
        assert (result.named, "(ann) because" in result.because) == ((ACKNOWLEDGED.id,), True)
