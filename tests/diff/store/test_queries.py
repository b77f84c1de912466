"""Queries of the fleet and its discrepancies, against the real engine: every figure is known beforehand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from diff.discrepancy import Class, Discrepancy, JudgedSession, Severity, Status
from diff.policy import JUDGING_RUN
from diff.store import queries
from diff.store.client import Store
from diff.store.queries import Filter
from diff.store.queries.filters import pattern
from diff.store.tables import ChargerFacts, ConnectionAccount
from diff.store.writer import Writer
from ingest.frame import Frame

T0 = 1_700_000_000_000_000
SECOND = 1_000_000

_DISCREPANCY = Discrepancy(
    id="d1",
    code="session.energy",
    class_=Class.MISMATCH,
    severity=Severity.CRITICAL,
    charger_id="CP-1",
    evse_id=1,
    connector_id=1,
    session_id="s1",
    path="energy",
    primary="1000",
    shadow="1100.5",
    delta=Decimal("100.5"),
    unit="Wh",
    frames=("CP-1@0/1", "CP-1@0/2"),
    occurrences=1,
    occurred_at=T0 - SECOND,
    observed_at=T0,
    first_received_at=T0,
    fingerprint="f1",
    title="session: energy",
    detail="",
    status=Status.OPEN,
    version=T0,
    vendor="ACME",
    model="One",
    firmware="1.0",
    mapper_version="1",
    policy_version="1",
    schema_version="1",
    judging_run=JUDGING_RUN,
)

_SESSION = JudgedSession(
    session_id="s1",
    charger_id="CP-1",
    connector_id=1,
    evse_id=1,
    primary_transaction_id="7",
    shadow_transaction_id="tx-1",
    id_token="TAG",
    started_at=T0,
    stopped_at=T0 + 60 * SECOND,
    stop_reason="Local",
    primary_energy_wh=Decimal(1000),
    shadow_energy_wh=Decimal("1100.5"),
    complete=True,
    compared=True,
    judged=True,
    first_received_at=T0,
    last_received_at=T0 + 60 * SECOND,
    vendor="ACME",
    model="One",
    firmware="1.0",
    version=T0,
    judging_run=JUDGING_RUN,
)

_ACCOUNT = ConnectionAccount(
    charger_id="CP-1",
    connection_id="c1",
    state="mirrored",
    subprotocol="ocpp1.6",
    compression=False,
    opened_at=T0,
    closed_at=None,
    last_frame_at=T0 + 5 * SECOND,
    bytes_forwarded=1000,
    bytes_mirrored=990,
    bytes_parsed=900,
    frames=9,
    gaps=1,
    at=T0 + 6 * SECOND,
)


def write(store: Store, *things: Any) -> None:
    """Write records of any kind as a run would."""
    writer = Writer(store, judging_run=JUDGING_RUN)
    for thing in things:
        match thing:
            case Discrepancy():
                writer.add_discrepancy(thing)
            case JudgedSession():
                writer.add_session(thing)
            case ConnectionAccount():
                writer.add_connections([thing])
            case ChargerFacts():
                writer.add_charger(thing)
            case Frame():
                writer.add_frame(thing)
    writer.flush()


def discrepancy(**changes: Any) -> Discrepancy:
    """A discrepancy like the pattern, but for the changes."""
    return msgspec.structs.replace(_DISCREPANCY, **changes)


def session(**changes: Any) -> JudgedSession:
    """A session like the pattern, but for the changes."""
    return msgspec.structs.replace(_SESSION, **changes)


def account(**changes: Any) -> ConnectionAccount:
    """An account like the pattern, but for the changes."""
    return msgspec.structs.replace(_ACCOUNT, **changes)


def test_an_empty_store_gives_zeros_and_nothing_else(store: Store) -> None:
    """Before the first frame every count is zero, every list is empty, and no time is made up."""
    assert set(msgspec.structs.astuple(queries.overview(store))) == {0}
    assert queries.connection_states(store) == []
    assert queries.severities(store) == []
    assert queries.chargers(store) == []
    assert queries.groups(store, Filter()) == []
    assert queries.latest_sessions(store) == []
    assert queries.pulse(store) == queries.Pulse(None, None, None, 0, 0, 0)
    money = queries.money_at_stake(store, Decimal("0.39"))
    assert (money.amount, money.sessions, money.compared) == (0, 0, 0)


def test_money_is_the_sum_of_absolute_differences_at_the_price(store: Store) -> None:
    """100.5 Wh more and 0.000123 Wh less at 0.39 per kWh are 0.03919504797, to the last digit."""
    write(
        store,
        session(),
        session(session_id="s2"),
        session(session_id="s3", compared=False),
        discrepancy(),
        discrepancy(id="d2", session_id="s2", delta=Decimal("-0.000123")),
    )
    money = queries.money_at_stake(store, Decimal("0.39"))
    assert money.amount == Decimal("100.500123") / 1000 * Decimal("0.39") == Decimal("0.03919504797")
    assert (money.more_wh, money.less_wh) == (Decimal("100.5"), Decimal("0.000123"))
    assert money.largest_wh == Decimal("100.5")
    assert (money.sessions, money.unknown, money.compared) == (2, 0, 2)


def test_money_takes_open_energy_differences_only(store: Store) -> None:
    """What was withdrawn, what is another code and what has no amount is not priced; the last is counted."""
    write(
        store,
        session(),
        discrepancy(id="withdrawn", status=Status.WITHDRAWN),
        discrepancy(id="other", code="meter.regression"),
        discrepancy(id="unknown", delta=None),
    )
    money = queries.money_at_stake(store, Decimal("0.39"))
    assert (money.amount, money.sessions, money.unknown) == (0, 1, 1)


def test_money_refuses_a_price_that_it_would_have_to_round(store: Store) -> None:
    """A seventh decimal of a price is refused, not cut off."""
    with pytest.raises(ValueError, match="at most six decimals"):
        queries.money_at_stake(store, Decimal("0.1234567"))


def test_a_newer_version_replaces_the_older_in_every_count(store: Store) -> None:
    """A discrepancy that was written twice and then withdrawn counts once, as withdrawn."""
    write(store, discrepancy())
    write(store, discrepancy())
    write(store, discrepancy(status=Status.WITHDRAWN, version=T0 + 1))
    assert queries.severities(store) == [queries.SeverityCount("critical", 0, 0, 1, 0)]
    assert queries.groups(store, Filter(status="open")) == []
    (group,) = queries.groups(store, Filter())
    assert (group.open, group.withdrawn, group.delta) == (0, 1, None)


def test_groups_count_chargers_sessions_and_occurrences(store: Store) -> None:
    """A group sums over its discrepancies and spans their times."""
    write(
        store,
        discrepancy(occurrences=3),
        discrepancy(id="d2", session_id="s2", delta=Decimal("-0.5"), observed_at=T0 + 9 * SECOND),
        discrepancy(id="d3", charger_id="CP-2", session_id=None, first_received_at=T0 - 5 * SECOND),
        discrepancy(id="d4", fingerprint="f2", severity=Severity.INFO, code="session.zero", delta=None, unit=None),
    )
    first, second = queries.groups(store, Filter())
    assert (first.fingerprint, first.chargers, first.sessions, first.occurrences, first.open) == ("f1", 2, 2, 5, 3)
    assert (first.first_seen, first.last_seen) == (T0 - 5 * SECOND, T0 + 9 * SECOND)
    assert (first.delta, first.unit, first.total) == (Decimal("200.5"), "Wh", 2)
    assert (second.fingerprint, second.delta, second.unit) == ("f2", None, None)


def test_the_worst_severity_stands_first(store: Store) -> None:
    """Groups and severities are listed from critical to info, whatever their counts."""
    order = [Severity.INFO, Severity.MAJOR, Severity.CRITICAL, Severity.MINOR]
    for number, severity in enumerate(order):
        for copy in range(number + 1):
            write(store, discrepancy(id=f"{severity}{copy}", severity=severity, fingerprint=severity.value))
    assert [count.severity for count in queries.severities(store)] == list(queries.SEVERITIES)
    assert [group.severity for group in queries.groups(store, Filter())] == list(queries.SEVERITIES)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), {"a", "b", "c"}),
        (Filter(severities=("major", "minor")), {"b"}),
        (Filter(status="withdrawn"), {"c"}),
        (Filter(codes=("clock.backwards",)), {"b"}),
        (Filter(classes=("quality",)), {"b"}),
        (Filter(charger="CP_1"), {"a"}),
        (Filter(charger="CP_*"), {"a", "b"}),
        (Filter(vendors=("O'Hara \\ 100%",)), {"c"}),
        (Filter(models=("Two",), firmwares=("2.0",)), {"b"}),
        (Filter(since=T0 + 10 * SECOND), {"b", "c"}),
        (Filter(until=T0 + 10 * SECOND), {"a"}),
        (Filter(session_id="s9"), {"c"}),
        (Filter(fingerprint="fb"), {"b"}),
        (Filter(run="another"), set()),
        (Filter(charger="' OR 1=1 --"), set()),
    ],
    ids=lambda value: "-".join(sorted(value)) or "none" if isinstance(value, set) else str(value),
)
def test_filters_leave_exactly_what_they_name(store: Store, chosen: Filter, expected: set[str]) -> None:
    """Each field narrows by its own column; `_` and `%` of an id are no wildcards, quotes are no SQL."""
    later = {"observed_at": T0 + 10 * SECOND, "first_received_at": T0 + 10 * SECOND}
    write(
        store,
        discrepancy(id="a", charger_id="CP_1", fingerprint="fa"),
        discrepancy(
            id="b",
            charger_id="CP_12",
            fingerprint="fb",
            severity=Severity.MAJOR,
            class_=Class.QUALITY,
            code="clock.backwards",
            model="Two",
            firmware="2.0",
            **later,
        ),
        discrepancy(
            id="c",
            charger_id="CPX1",
            fingerprint="fc",
            status=Status.WITHDRAWN,
            session_id="s9",
            vendor="O'Hara \\ 100%",
            **later,
        ),
    )
    assert {one.id for one in queries.occurrences(store, chosen)} == expected
    assert {group.fingerprint for group in queries.groups(store, chosen)} == {f"f{name}" for name in expected}


def test_lists_are_bounded_and_say_of_how_many(store: Store) -> None:
    """A limit cuts the list and leaves the total."""
    write(store, *(discrepancy(id=f"d{n}", fingerprint=f"f{n}", charger_id=f"CP-{n}") for n in range(5)))
    write(store, *(session(session_id=f"s{n}", charger_id=f"CP-{n}") for n in range(5)))
    found = queries.groups(store, Filter(), limit=2)
    assert (len(found), found[0].total) == (2, 5)
    lines = queries.chargers(store, limit=3)
    assert (len(lines), lines[0].total) == (3, 5)
    assert len(queries.occurrences(store, Filter(), limit=4)) == 4
    assert (len(queries.latest_sessions(store, limit=1)), queries.latest_sessions(store, limit=1)[0].total) == (1, 5)


def test_an_occurrence_comes_back_as_it_was_written(store: Store) -> None:
    """Every field of a discrepancy survives the store, decimals and times to the last digit."""
    write(store, discrepancy(delta=Decimal("0.000001"), observed_at=T0 + 123_457))
    (one,) = queries.occurrences(store, Filter())
    assert (one.delta, one.observed_at, one.occurred_at) == (Decimal("0.000001"), T0 + 123_457, T0 - SECOND)
    assert (one.frames, one.class_, one.primary, one.shadow) == (("CP-1@0/1", "CP-1@0/2"), "mismatch", "1000", "1100.5")


def test_choices_are_the_kinds_that_have_discrepancies(store: Store) -> None:
    """Vendors, models and firmware versions are listed once, in order, without the unknown one."""
    write(
        store,
        discrepancy(),
        discrepancy(id="d2", fingerprint="f2", vendor="", model="Zed"),
        discrepancy(id="d3", fingerprint="f3", vendor="Aaa"),
    )
    assert queries.choices(store) == queries.Choices(("ACME", "Aaa"), ("One", "Zed"), ("1.0",))


def test_connections_are_counted_by_state_with_the_newest_account(store: Store) -> None:
    """Of two accounts of a connection the newer counts; one that ended unseen stands apart from one that was seen."""
    write(store, account(bytes_forwarded=1, at=T0), account())
    write(
        store,
        account(connection_id="c2", charger_id="CP-2", state="not-enrolled", bytes_parsed=0, frames=0, gaps=0),
        account(connection_id="c3", charger_id="CP-2", state="closed", frames=0),
        account(connection_id="c4", charger_id="CP-3", state="closed"),
    )
    states = {state.state: state for state in queries.connection_states(store)}
    assert set(states) == {"mirrored", "not-enrolled", "closed", "closed-unmirrored"}
    mirrored = states["mirrored"]
    assert (mirrored.connections, mirrored.chargers) == (1, 1)
    assert (mirrored.bytes_forwarded, mirrored.bytes_mirrored, mirrored.bytes_parsed) == (1000, 990, 900)
    assert (mirrored.gaps, mirrored.last_frame_at) == (1, T0 + 5 * SECOND)
    assert "closed-unmirrored" not in queries.FOLLOWED
    assert "not-enrolled" not in queries.FOLLOWED


def test_a_charger_line_gathers_all_that_is_known(store: Store) -> None:
    """Facts, sessions, open discrepancies, connections and frames of a charger meet in one line."""
    write(
        store,
        ChargerFacts("CP-1", JUDGING_RUN, "ACME", "One", "2.0", T0, T0, 6, T0 + SECOND),
        session(firmware="1.0", version=T0),
        session(session_id="s2", compared=False),
        discrepancy(),
        discrepancy(id="d2", severity=Severity.MINOR, status=Status.WITHDRAWN),
        account(state="closed", frames=9),
        account(connection_id="c2", opened_at=T0 + SECOND, state="pending"),
        Frame("CP-1", "c1", 0, T0 + 77 * SECOND),
        Frame("CP-9", "c9", 0, T0),
    )
    line, silent = queries.chargers(store)
    assert (line.charger_id, line.vendor, line.model, line.firmware) == ("CP-1", "ACME", "One", "2.0")
    assert (line.sessions, line.compared) == (2, 1)
    assert (line.critical, line.major, line.minor, line.info) == (1, 0, 0, 0)
    assert (line.state, line.gaps, line.bytes_forwarded, line.bytes_parsed) == ("pending", 2, 2000, 1800)
    assert line.last_frame_at == T0 + 77 * SECOND
    assert (silent.charger_id, silent.state, silent.sessions, silent.total) == ("CP-9", "", 0, 2)
    assert [one.charger_id for one in queries.chargers(store, charger="*9")] == ["CP-9"]
    assert queries.overview(store).chargers == 2


def test_the_pulse_knows_the_newest_of_everything(store: Store) -> None:
    """The strip's figures follow the newest frame, account and judgement."""
    write(store, account(), discrepancy(), session(), Frame("CP-1", "c1", 0, T0 + 3))
    pulse = queries.pulse(store)
    assert (pulse.last_frame_at, pulse.last_account_at, pulse.last_judged_at) == (
        T0 + 3,
        T0 + 6 * SECOND,
        T0 + 60 * SECOND,
    )
    assert (pulse.discrepancies, pulse.sessions) == (1, 1)


def test_a_pattern_escapes_what_is_no_wildcard() -> None:
    """Only `*` is a wildcard, and without one the comparison is exact."""
    assert pattern("CP_1%") == ("=", "CP_1%")
    assert pattern("CP_*\\%") == ("LIKE", "CP\\_%\\\\\\%")
