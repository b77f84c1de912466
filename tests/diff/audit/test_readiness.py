"""Each measure against its threshold, and unknown where it was taken over too little."""

from __future__ import annotations

from decimal import Decimal

import pytest

from demo.script import NOON
from diff.audit.evidence import DAY, ActionCount, Connections, Count, Evidence, FirmwareSeen, Latency, Pings
from diff.audit.readiness import DEFAULT, Measure, Standing, Thresholds, readiness
from ingest.frame import Direction
from tests.diff.audit.models import key, model

CSMS = Direction.CS_TO_CP
SECOND = 1_000_000


def measure(name: str, limits: Thresholds = DEFAULT, keys: tuple = (), firmware: str = "", **seen: object) -> Measure:
    """One measure of a station of which only this was seen."""
    evidence = Evidence(charger_id="CP1", **seen)  # type: ignore[arg-type]
    found = readiness(model(keys=keys, firmware=firmware), evidence, limits)
    return next(one for one in found if one.name == name)


def test_a_station_of_which_nothing_was_seen_is_unknown_in_all() -> None:
    """No measure is good by not having been taken, and each says why."""
    found = readiness(model(firmware=""), Evidence(charger_id="CP1"))
    assert {one.standing for one in found} == {Standing.UNKNOWN}
    assert all(one.note and not one.value for one in found)


def test_the_tls_handshake_time_is_not_on_the_frames() -> None:
    """However much was seen, it stays unknown, with the reason."""
    one = measure("TLS handshake time", connections=Connections(opened=9, tls=(Count("TLSv1.3", 9),)))
    assert (one.standing, one.n) == (Standing.UNKNOWN, 9)
    assert "TLS terminator" in one.note


@pytest.mark.parametrize(("version", "standing"), [("TLSv1.1", Standing.BEYOND), ("TLSv1.2", Standing.WITHIN)])
def test_old_tls_is_beyond(version: str, standing: Standing) -> None:
    """One handshake with a version before 1.2 is enough."""
    versions = (Count(version, 1), Count("TLSv1.3", 5))
    one = measure("TLS version", connections=Connections(opened=6, tls=versions))
    assert (one.standing, one.n) == (standing, 6)


@pytest.mark.parametrize(
    ("n", "p95", "standing"),
    [(20, 10 * SECOND, Standing.WITHIN), (20, 10 * SECOND + 1, Standing.BEYOND), (19, 99 * SECOND, Standing.UNKNOWN)],
)
def test_answers_are_judged_by_their_p95_over_enough_of_them(n: int, p95: int, standing: Standing) -> None:
    """At the threshold is within; fewer than twenty are not judged, and shown all the same."""
    one = measure("answer latency", latency=Latency(n, 1, p95, p95, p95))
    assert (one.standing, one.n) == (standing, n)
    assert one.value.startswith("p50 0 s, p95 ")


def test_lost_pings_and_commands_are_shares() -> None:
    """5 % of the pings may be lost, one more is beyond; the station's own pings are the CSMS's matter."""
    within = measure("pings without a pong", pings=(Pings(Direction.CP_TO_CS, 100, 100), Pings(CSMS, 100, 5)))
    assert (within.standing, within.value) == (Standing.WITHIN, "5 of 100 (5.0 %)")
    assert measure("pings without a pong", pings=(Pings(CSMS, 100, 6),)).standing is Standing.BEYOND
    assert measure("pings without a pong", pings=(Pings(CSMS, 19, 19),)).standing is Standing.UNKNOWN
    rows = (ActionCount("ocpp1.6", CSMS, "Reset", 100, accepted=50, errors=44),)
    one = measure("commands without an answer", actions=rows)
    assert (one.standing, one.value, one.n) == (Standing.BEYOND, "6 of 100 (6.0 %)", 100)


def test_reconnects_are_a_rate_over_at_least_a_day() -> None:
    """25 reconnects in two days are 12.5 a day; in less than a day nothing is said."""
    line = Connections(opened=26, closes=(Count("1006", 25),))
    one = measure("reconnects", first_at=NOON, last_at=NOON + 2 * DAY, connections=line)
    assert (one.standing, one.value) == (Standing.BEYOND, "12.5 a day")
    assert "ended by 1006 (25)" in one.note
    early = measure("reconnects", first_at=NOON, last_at=NOON + DAY - 1, connections=line)
    assert early.standing is Standing.UNKNOWN
    lax = Thresholds(reconnects_per_day=Decimal(13))
    assert (
        measure("reconnects", lax, first_at=NOON, last_at=NOON + 2 * DAY, connections=line).standing is Standing.WITHIN
    )


def test_size_limits_that_were_hit_are_counted() -> None:
    """Closed as too big, messages that the station could not read, and key values that may have been cut."""
    long = key("A", "x" * 500)
    one = measure(
        "size limits hit", keys=(long, key("B", "x" * 499)), messages=5, largest=(Count("cp>cs", 900),),
        connections=Connections(closes=(Count("1000", 3), Count("1009", 1))),
        errors=(Count("cp>cs FormationViolation", 2), Count("cs>cp FormationViolation", 9), Count("cp>cs Odd", 4)),
    )  # fmt: skip
    assert (one.value, one.standing) == ("4", Standing.BEYOND)
    assert one.note.endswith("largest message cp>cs 900 bytes")
    assert measure("size limits hit", messages=5).standing is Standing.WITHIN


@pytest.mark.parametrize(
    ("version", "days"),
    [
        ("v1.2-20290101", 365), ("2029_01_01.7", 365), ("fw 2029-01-01", 365), ("2029-0101", None), ("20299901", None),
        ("120290101", None), ("20300230", None), ("20310101", None), ("1.2.3", None),
    ],
)  # fmt: skip
def test_a_date_in_the_firmwares_name_gives_its_age(version: str, days: int | None) -> None:
    """Dates with one kind of separator or none; no date to come, no day that there is not, no part of a number."""
    seen = (FirmwareSeen(version, 1, NOON, NOON),)
    one = measure("firmware age", first_at=NOON, last_at=NOON, firmwares=seen)
    assert one.value == ("" if days is None else f"{days} days")
    assert one.standing is (Standing.UNKNOWN if days is None else Standing.WITHIN)


def test_the_last_change_of_firmware_gives_an_age() -> None:
    """Without a date in its name the firmware is at least as old as its installation."""
    seen = (FirmwareSeen("1.0", 2, NOON, NOON), FirmwareSeen("1.1", 1, NOON + DAY, NOON + DAY))
    one = measure("firmware age", first_at=NOON, last_at=NOON + 9 * DAY, firmwares=seen)
    assert (one.value, one.standing) == ("8 days", Standing.WITHIN)
    assert "installed 2030-01-02" in one.note
    strict = Thresholds(firmware_days=7)
    assert (
        measure("firmware age", strict, first_at=NOON, last_at=NOON + 9 * DAY, firmwares=seen).standing
        is Standing.BEYOND
    )
    assert measure("firmware age", firmware="1.0-20290101", last_at=NOON).value == "365 days"
    assert measure("firmware age", firmware="1.0-20290101").standing is Standing.UNKNOWN
