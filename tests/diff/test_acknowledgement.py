"""Acknowledgements: what one covers, and when somebody has to look at it again."""

import pytest
from msgspec.structs import replace

from diff.acknowledgement import Occurring, Scope, Standing, covered, covers, report
from ingest.control import Acknowledgement

DAY = 86_400_000_000
AT = 20_000 * DAY
TOLD = Acknowledgement("0123456789abcdef", "known", "ann", AT + 30 * DAY, at=AT - 60 * DAY)
SCOPE = Scope("0123456789abcdef", "ACME", "One", "1.0", "CP-1")


@pytest.mark.parametrize(
    ("changes", "is_covered"),
    [
        ({}, True),
        ({"vendor": "ACME", "model": "One", "firmware": "1.0", "charger": "CP-1"}, True),
        ({"fingerprint": "f" * 16}, False),
        ({"vendor": "Birch"}, False),
        ({"model": "one"}, False),
        ({"firmware": "1.1"}, False),
        ({"charger": "CP-2"}, False),
    ],
)
def test_everything_that_the_scope_names_has_to_agree(changes: dict[str, str], is_covered: bool) -> None:  # noqa: FBT001
    """What it does not name is any."""
    assert covers(replace(TOLD, **changes), SCOPE) is is_covered


@pytest.mark.parametrize(
    ("told", "at", "is_covered"),
    [
        (TOLD, AT, True),
        (TOLD, TOLD.at - 1, False),
        (TOLD, TOLD.expires - 1, True),
        (TOLD, TOLD.expires, False),
        (replace(TOLD, revoked=True), AT, False),
    ],
)
def test_it_holds_from_its_word_to_its_expiry(told: Acknowledgement, at: int, is_covered: bool) -> None:  # noqa: FBT001
    """Unless it was taken back."""
    assert covered([told], SCOPE, at) is is_covered


def _standing(told: Acknowledgement, seen: Occurring, at: int = AT) -> tuple[Standing, str]:
    (one,) = report([told], {told.id: seen}, {}, at, quiet_days=14, quiet_sessions=20)
    return one.standing, one.because


@pytest.mark.parametrize(
    ("last_seen", "compared", "standing"),
    [
        (AT - DAY, 500, Standing.HOLDS),
        (AT - 13 * DAY, 500, Standing.HOLDS),
        (AT - 14 * DAY, 20, Standing.STOPPED),
        (AT - 14 * DAY, 19, Standing.HOLDS),
        (None, 500, Standing.STOPPED),
    ],
)
def test_it_stopped_occurring_only_where_somebody_looked(
    last_seen: int | None, compared: int, standing: Standing
) -> None:
    """Two weeks without it count where twenty sessions were compared meanwhile; the numbers are told."""
    seen = Occurring(2, 3, AT - 50 * DAY, last_seen, compared)
    found, because = _standing(TOLD, seen)
    assert found is standing
    if standing is Standing.STOPPED:
        assert f"in which {compared} sessions were compared" in because


def test_an_expired_one_is_told_with_what_is_open_of_it() -> None:
    """Whether it still occurs or not."""
    seen = Occurring(2, 3, AT - 50 * DAY, AT, 500)
    assert _standing(TOLD, seen, AT + 32 * DAY) == (Standing.EXPIRED, "expired 2 days ago; 3 of it are open")


def test_those_that_need_somebody_come_first() -> None:
    """Expired, stopped, holding, revoked."""
    holds = replace(TOLD, charger="a")
    stopped = replace(TOLD, charger="b")
    expired = replace(TOLD, charger="c", expires=AT - 1)
    revoked = replace(TOLD, charger="d", revoked=True)
    seen = {holds.id: Occurring(1, 1, AT, AT, 0), stopped.id: Occurring(1, 1, AT, AT - 20 * DAY, 99)}
    told = report([revoked, holds, stopped, expired], seen, {TOLD.fingerprint: "a title"}, AT, quiet_days=14,
                  quiet_sessions=20)  # fmt: skip
    assert [one.standing for one in told] == [Standing.EXPIRED, Standing.STOPPED, Standing.HOLDS, Standing.REVOKED]
    assert {one.title for one in told} == {"a title"}
