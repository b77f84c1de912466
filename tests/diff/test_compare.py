"""Comparing one session with the primary's transaction for it: exact, tolerant of resolutions, silent on unknowns."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from diff.compare import COMPARED, compare
from diff.policy import SECOND, Kind, Numbers, Policy, Words
from diff.primary import PrimaryTransaction, State
from shadow.message import ShadowSession
from shadow.station.tables import STOP_REASONS

BEGIN, END = 1_000 * SECOND, 4_600 * SECOND
SHADOW = ShadowSession(
    "tx",
    1,
    1,
    "04A1B2C3",
    BEGIN,
    END,
    "Local",
    Decimal(2500),
    complete=True,
    ended=True,
)
PRIMARY = PrimaryTransaction(
    "c/1",
    BEGIN,
    State.ENDED,
    connector_id=1,
    id_token="04a1b2c3",
    meter_start=Decimal(1000),
    meter_stop=Decimal(3500),
    started_at=BEGIN,
    stopped_at=END,
    stop_reason="Local",
)


def _codes(shadow: ShadowSession = SHADOW, primary: PrimaryTransaction = PRIMARY) -> list[str]:
    return [one.code for one in compare(shadow, primary, Policy())]


def test_equal_sessions_differ_in_nothing() -> None:
    """Also where a token is written in another case (2.0.1: case-insensitive)."""
    assert _codes() == []


@pytest.mark.parametrize(
    ("energy", "resolution", "named"),
    [
        ("2500", "1", False),
        ("2501", "1", False),
        ("2499", "1", False),
        ("2501.1", "0.1", True),
        ("2502", "1", True),
        ("2511", "10", False),  # kWh with two decimals: 10 Wh and the whole Wh of meterStop
        ("2512", "10", True),
        ("2489", "10", False),
        ("2488", "10", True),
        ("3501", "1000", False),
        ("3502", "1000", True),
    ],
)
def test_energy_is_as_good_as_its_readings(energy: str, resolution: str, *, named: bool) -> None:
    """One resolution, and one Wh for the rounding of meterStart and meterStop."""
    shadow = replace(SHADOW, energy_wh=Decimal(energy), resolution_wh=Decimal(resolution))
    assert ("session.energy" in _codes(shadow)) is named


def test_the_delta_is_what_would_be_billed_more() -> None:
    """Shadow minus primary, to the digit."""
    (one,) = compare(replace(SHADOW, energy_wh=Decimal("2000.25")), PRIMARY, Policy())
    assert (one.primary, one.shadow, one.delta) == ("2500", "2000.25", Decimal("-499.75"))


@pytest.mark.parametrize(("shift", "named"), [(0, False), (SECOND, False), (SECOND + 1, True), (-SECOND - 1, True)])
@pytest.mark.parametrize(("field", "code"), [("started_at", "session.start-time"), ("stopped_at", "session.stop-time")])
def test_times_within_a_second_are_equal(field: str, code: str, shift: int, *, named: bool) -> None:
    """Both are the charging station's clock."""
    shadow = replace(SHADOW, **{field: getattr(SHADOW, field) + shift})
    assert (code in _codes(shadow)) is named


@pytest.mark.parametrize("field", ["id_token", "started_at", "stopped_at", "stopped_reason", "energy_wh"])
def test_what_one_side_does_not_know_is_not_compared(field: str) -> None:
    """Unknown is not different."""
    assert _codes(replace(SHADOW, **{field: None})) == []


@pytest.mark.parametrize("reason", sorted(STOP_REASONS))
def test_the_two_tables_of_reasons_agree(reason: str) -> None:
    """Written apart on purpose: what the station makes of a reason, the comparison takes for the same."""
    shadow = replace(SHADOW, stopped_reason=STOP_REASONS[reason][0])
    assert _codes(shadow, replace(PRIMARY, stop_reason=reason)) == []


@pytest.mark.parametrize("reason", ["EVDisconnected", "Remote", "Reboot"])
def test_another_reason_is_named(reason: str) -> None:
    """Local is none of these."""
    assert _codes(SHADOW, replace(PRIMARY, stop_reason=reason)) == ["session.stop-reason"]


@pytest.mark.parametrize(
    ("shadow_token", "primary_token", "named"),
    [("AA", "BB", True), ("", "NoAuthorization", False), ("", "noauthorization", False), ("", "BB", True)],
)
def test_tokens(shadow_token: str, primary_token: str, *, named: bool) -> None:
    """No authorization is the empty token in 2.0.1."""
    codes = _codes(replace(SHADOW, id_token=shadow_token), replace(PRIMARY, id_token=primary_token))
    assert codes == (["session.token"] if named else [])


@pytest.mark.parametrize(
    ("energy", "length", "named"),
    [(0, 3600, True), (1, 3600, False), (1, 2, True), (1, 3, False), (1, -5, False)],
)
def test_sessions_of_nothing(energy: int, length: int, *, named: bool) -> None:
    """No energy, or shorter than three seconds; a clock that ran backwards measures no length."""
    end = BEGIN + length * SECOND
    shadow = replace(SHADOW, energy_wh=Decimal(energy), stopped_at=end)
    primary = replace(PRIMARY, meter_stop=PRIMARY.meter_start + energy, stopped_at=end)  # type: ignore[operator] - is set
    assert ("session.zero" in _codes(shadow, primary)) is named


def test_all_that_can_differ_is_listed() -> None:
    """What a comparison can find stands in COMPARED, so that it can be withdrawn."""
    shadow = ShadowSession("tx", 1, 1, "XX", 0, 1, "Other", Decimal(0), ended=True)
    found = {(one.code, one.path) for one in compare(shadow, PRIMARY, Policy())}
    assert found == set(COMPARED)


def _under(policy: Policy, shadow: ShadowSession = SHADOW, primary: PrimaryTransaction = PRIMARY) -> list[str]:
    return [one.code for one in compare(shadow, primary, policy)]


def test_a_share_of_the_billed_energy_may_be_allowed() -> None:
    """One per cent of 2500 Wh is 25 Wh, and the 26th is one too many."""
    policy = Policy(energy=Numbers(relative_percent=Decimal(1)))
    assert _under(policy, replace(SHADOW, energy_wh=Decimal(2525))) == []
    assert _under(policy, replace(SHADOW, energy_wh=Decimal("2525.1"))) == ["session.energy"]


def test_what_is_exact_allows_nothing() -> None:
    """Neither the resolution, nor a microsecond, nor another case."""
    exact = Numbers(Kind.EXACT)
    policy = Policy(energy=exact, start=exact, stop=exact, token=Words(Kind.EXACT), stop_reason=Words(Kind.EXACT))
    shadow = replace(SHADOW, energy_wh=Decimal("2500.1"), started_at=BEGIN + 1, stopped_at=END - 1)
    found = _under(policy, replace(shadow, stopped_reason="EVDisconnected"))
    assert found == [
        "session.energy", "session.token", "session.start-time", "session.stop-time", "session.stop-reason",
    ]  # fmt: skip
    assert _under(policy, replace(SHADOW, id_token="04a1b2c3")) == []


def test_what_is_ignored_is_not_compared() -> None:
    """Whatever it is, and nothing else."""
    nothing = Numbers(Kind.IGNORE, reason="known")
    word = Words(Kind.IGNORE, reason="known")
    policy = Policy(energy=nothing, start=nothing, stop=nothing, zero=nothing, token=word, stop_reason=word)
    other = replace(
        SHADOW,
        energy_wh=Decimal(0),
        started_at=END,
        stopped_at=END,
        id_token="other",
        stopped_reason="PowerLoss",
    )
    assert len(_codes(other)) == len(COMPARED) - 1
    assert _under(policy, other) == []
    assert _under(replace(policy, stop=Policy().stop), replace(other, stopped_at=BEGIN)) == ["session.stop-time"]


def test_how_short_a_session_of_zero_is_can_be_said() -> None:
    """Exact: only one without any energy."""
    short = (replace(SHADOW, stopped_at=BEGIN + 5 * SECOND), replace(PRIMARY, stopped_at=BEGIN + 5 * SECOND))
    assert _under(Policy(), *short) == []
    assert _under(Policy(zero=Numbers(absolute=Decimal(10))), *short) == ["session.zero"]
    assert (
        _under(Policy(zero=Numbers(Kind.EXACT)), replace(SHADOW, stopped_at=BEGIN), replace(PRIMARY, stopped_at=BEGIN))
        == []
    )
