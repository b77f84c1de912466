"""The seven certification checks: each hit by traffic that must, and passed by traffic that must not hit it."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from demo.native import NativeScript
from demo.script import Script
from demo.traffic import Traffic
from diff.catalogue import CATALOGUE
from diff.certification import CHECKS, Certification, Result, verdict
from diff.examined import Examined, Row
from tests.diff.spoken import V16, V201, discrepancy, examined

NAMED = {check.name: check for check in CHECKS}
LATER = {"device.missing-variable", "vendor.data-transfer"}
"""Codes that checks know by name before the catalogue has them."""


def _report(script: Script, **options: Any) -> dict[str, dict[str, Any]]:
    report = Certification()
    for one in examined(script.frames, **options):
        report.take(one)
    return {check["name"]: check["protocols"] for check in report.document()["checks"]}


def _native() -> NativeScript:
    script = NativeScript().boot(serialNumber="S1").status(1, "Occupied").ping().pong()
    return script.started("tx-1").wait(600).ended("tx-1")


def test_a_clean_native_station_passes_what_was_seen() -> None:
    """All but the device model, of which nothing was seen; and every one of 1.6, of which nothing was seen either."""
    checks = _report(_native())
    assert {name: row[V201]["result"] for name, row in checks.items()} == {
        "lifecycle": "PASS",
        "idtoken": "PASS",
        "topology": "PASS",
        "device-model": "NOT APPLICABLE",
        "data-transfer": "PASS",
        "keepalive": "PASS",
        "schema": "PASS",
    }
    assert {row[V16]["result"] for row in checks.values()} == {"NOT APPLICABLE"}
    assert checks["lifecycle"][V201]["seen"] == 2


_OK = {"status": "Accepted"}
_ROWS: list[tuple[str, str, Callable[[], Script], str]] = [
    ("lifecycle", V201, lambda: _native().event("Updated", "tx-1", "MeterValuePeriodic"), "rule.v201"),
    ("lifecycle", V201, lambda: NativeScript().boot().started("t", seq=0).ended("t", seq=5), "rule.v201"),
    ("lifecycle", V16, lambda: Script().boot().start(1, "AA", 1, transaction=7).stop(99, 5), "session.orphan-stop"),
    ("idtoken", V16, lambda: Script().boot().authorize("").authorize("AA"), "idToken:empty"),
    ("idtoken", V16, lambda: Script().boot().authorize("A" * 25), "schema.v16"),
    ("idtoken", V16, lambda: Script().boot().authorize("abcd").authorize("ABCD"), "idToken:case"),
    (
        "idtoken",
        V201,
        lambda: NativeScript().boot().told("Authorize", {"idToken": {"idToken": "A", "type": "RFID"}}),
        "schema.v201",
    ),
    ("topology", V16, lambda: Script().boot().status(-1, "Available"), "topology.unknown-connector"),
    ("topology", V201, lambda: NativeScript().boot(vendorName=""), "chargingStation.vendorName:absent"),
    (
        "data-transfer",
        V16,
        lambda: Script().boot().call("DataTransfer", {"vendorId": "V"}).answer({"status": "UnknownVendorId"}),
        "DataTransfer:refused",
    ),
    ("keepalive", V16, lambda: Script().boot().ping().wait(100).close(1006), "keepalive.missed"),
    ("schema", V16, lambda: Script().boot().status(1, "Occupied"), "schema.v16"),
    ("schema", V201, lambda: NativeScript().boot().status(1, "Charging"), "schema.v201"),
]


@pytest.mark.parametrize(("name", "protocol", "told", "code"), _ROWS, ids=[f"{row[0]}-{row[3]}" for row in _ROWS])
def test_traffic_that_fails_a_check(name: str, protocol: str, told: Callable[[], Script], code: str) -> None:
    """FAIL with the code or rule, the station and its kind; nothing is said of the other protocol."""
    checks = _report(told())
    row = checks[name][protocol]
    assert row["result"] == "FAIL"
    assert code in {one["code"] for one in row["found"]}
    assert row["chargers"] == ["CP1"]
    assert [(kind["vendor"] in ("Alder", ""), kind["chargers"]) for kind in row["kinds"]] == [(True, 1)]
    other = V16 if protocol == V201 else V201
    assert checks[name][other]["result"] == "NOT APPLICABLE"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("idtoken", lambda: Script().boot().authorize("hello!")),
        ("topology", lambda: NativeScript().boot().status(1, "Available")),
        ("data-transfer", lambda: Script().boot().call("DataTransfer", {"vendorId": "V"}).answer(_OK)),
        ("keepalive", lambda: Script().boot()),
    ],
)
def test_traffic_that_passes_in_part(name: str, told: Callable[[], Script]) -> None:
    """A guess, a member that is missing and may be, a DataTransfer that nobody has judged, a wire without pings."""
    rows = [row for row in _report(told())[name].values() if row["result"] != "NOT APPLICABLE"]
    assert [row["result"] for row in rows] == ["PARTIAL"]
    assert rows[0]["reason"]


def test_required_variables_are_judged_by_the_code_that_names_them() -> None:
    """With facts of the device model seen: none missing is a pass, one missing is none."""
    one = Examined("CP1")
    one.counts[V16].seen["inventories"] = 9
    report = Certification()
    report.take(one)
    assert report.verdict(NAMED["device-model"], V16).result is Result.PASS
    missing = discrepancy(code="device.missing-variable", path="OCPPCommCtrlr.HeartbeatInterval")
    one.rows.append(Row(missing, V16))
    report.take(one)
    said = report.verdict(NAMED["device-model"], V16)
    assert (said.result, said.hits, said.seen) == (Result.FAIL, 1, 18)


@pytest.mark.parametrize(
    ("seen", "failing", "partial", "result"),
    [
        (0, 0, 0, Result.NOT_APPLICABLE),
        (0, 0, 1, Result.NOT_APPLICABLE),
        (0, 1, 0, Result.FAIL),
        (9, 0, 0, Result.PASS),
        (9, 0, 1, Result.PARTIAL),
        (9, 1, 1, Result.FAIL),
    ],
)
def test_the_result_is_one_function_of_three_counts(seen: int, failing: int, partial: int, result: Result) -> None:
    """The truth table."""
    assert verdict(NAMED["schema"], Counter(messages=seen), failing, partial).result is result


def test_every_code_of_the_table_is_known_and_every_pattern_compiles() -> None:
    """Seven checks in order, with names of their own."""
    assert [check.number for check in CHECKS] == list(range(1, 8))
    assert len(NAMED) == 7
    for check in CHECKS:
        for hit in check.hits:
            assert hit.code in CATALOGUE or hit.code in LATER
            re.compile(hit.path)


def test_a_clean_fleet_fails_nothing() -> None:
    """Twenty stations without faults: no check is failed."""
    report = Certification()
    for one in examined(list(Traffic(seed=3, chargers=20, sessions_per_charger=2, fault_share=0))):
        report.take(one)
    results = {check.name: report.verdict(check, V16).result for check in CHECKS}
    assert Result.FAIL not in results.values()
    assert results["lifecycle"] is results["schema"] is Result.PASS
    assert report.chargers == 20


def test_lists_are_bounded_and_counts_are_not() -> None:
    """Fifty stations by name; all of them counted."""
    report = Certification()
    for number in range(120):
        one = Examined(f"CP{number:03}", "V", "M", f"1.{number % 3}")
        one.counts[V16].seen["messages"] = 10
        one.rows.append(Row(discrepancy(code="schema.v16", path="Heartbeat.a:type"), V16))
        report.take(one)
    row = next(check for check in report.document()["checks"] if check["name"] == "schema")["protocols"][V16]
    assert (row["chargers_hit"], len(row["chargers"]), row["hits"], row["seen"]) == (120, 50, 120, 1200)
    assert [kind["chargers"] for kind in row["kinds"]] == [40, 40, 40]
    assert row["found"] == [
        {"code": "schema.v16", "path": "Heartbeat.a:type", "in_catalogue": True, "chargers": 120, "hits": 120}
    ]
