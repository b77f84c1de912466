"""The rollout page: verdicts, why not, when to cut over, and what was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import access, app, data
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.queries.changes import changes
from diff.store.queries.verdicts import verdict_history
from tests.diff.store.generated import AT, DAY, a_fault, add, generate

Open = Callable[..., AppTest]
Texts = Callable[[AppTest], str]
COHORTS = """
[sites]
"Depot North" = ["CP-1"]

[[cohort]]
name = "acme"
vendors = ["ACME"]

[[cohort]]
name = "birch"
vendors = ["Birch"]
"""


@pytest.fixture
def fleet(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A fleet of three vendors without a fault, with 600 sessions up to now as the pages' clock has it."""
    monkeypatch.setattr(data, "now", lambda: AT + 1)
    generate(store, 600)
    return store


@pytest.fixture
def cohorts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cohort file that the pages follow."""
    file = tmp_path / "cohorts.toml"
    file.write_text(COHORTS)
    monkeypatch.setenv("SHADOW_COHORT_FILE", str(file))
    return file


def healthy(page: AppTest) -> AppTest:
    """The page, which shows no exception and no error box."""
    assert not page.exception, page.exception
    assert not page.error, page.error
    return page


def table(page: AppTest, column: str) -> list[dict[str, Any]]:
    """The rows of the table that has this column."""
    for frame in (*page.dataframe, *page.table):
        if column in frame.value.columns:
            rows: list[dict[str, Any]] = frame.value.to_dict("records")
            return rows
    raise AssertionError(f"no table with a column {column!r}")


def test_the_first_look_gives_the_verdict_and_keeps_it(fleet: Store, open_page: Open, texts: Texts) -> None:
    """A fleet that was never judged is judged, and every gate stands there with value, threshold and n."""
    page = healthy(open_page("rollout"))
    said = texts(page)
    assert "✔ GO" in said
    assert "What speaks for it. none in 600" in said.replace("**", "")
    (row,) = table(page, "clean days")
    assert list(row["verdict"]) == ["✔ GO"]
    assert (row["cohort"], row["clean days"], row["trend"], row["money"]) == ("fleet", 14, "steady", "✔ go")
    gates = table(page, "asked for")
    assert [one["gate"].strip("*") for one in gates][:2] == ["sight", "money"]
    assert len(gates) == 7
    assert gates[1]["n"] == "600 settled sessions"
    assert [one.outcome for one in verdict_history(fleet)] == ["GO"]
    healthy(page.run())
    assert len(verdict_history(fleet)) == 1, "a second look within the quarter of an hour judged again"


def test_a_row_for_each_cohort_says_why_not(fleet: Store, cohorts: Path, open_page: Open, texts: Texts) -> None:
    """The cohort with a wrong bill is held by its money gate, and the address chooses which one is explained."""
    add(fleet, a_fault("session.energy", AT - 3_600_000_000, charger=0))
    page = healthy(open_page("rollout", cohort="birch"))
    rows = {row["cohort"]: next(iter(row["verdict"])) for row in table(page, "clean days")}
    assert rows == {"acme": "✖ HOLD", "birch": "? NOT ENOUGH DATA", "fleet": "✖ HOLD"}
    assert "? NOT ENOUGH DATA] birch" in texts(page)
    said = texts(healthy(open_page("rollout")))
    assert "✖ HOLD] acme" in said
    assert "Why not: money." in said.replace("**", "")
    assert "What would change it." in said
    assert "names no cohort nobody" in texts(healthy(open_page("rollout", cohort="nobody")))


def test_quiet_hours_stand_beside_the_days_that_were_watched(fleet: Store, cohorts: Path, open_page: Open) -> None:
    """A site of the cohort file has its quietest hours in the chosen zone, with the number of days as denominator."""
    (row,) = table(healthy(open_page("rollout", tz="Asia/Kolkata")), "quietest")
    assert (row["site"], row["days"], row["chargers"]) == ("Depot North", 13, 1)
    assert row["sessions"] == 186
    assert ":00 to " in row["quietest"]
    # Each session lasts a minute, so hours and sessions come to the same but for those that cross an hour.
    assert 186 <= sum(row["by hour"]) <= 196


def test_nothing_mirrored_is_a_guide(store: Store, open_page: Open, texts: Texts) -> None:
    """An empty store has no verdict and no zero, but the three ways to begin."""
    page = healthy(open_page("rollout"))
    assert "Nothing has been mirrored yet" in texts(page)
    assert "shadow-csms run --upstream" in texts(page)
    assert not page.dataframe
    assert verdict_history(store) == []


def test_a_recording_is_judged_about_its_end(
    fleet: Store, open_page: Open, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a year later a verdict about now says too little, and the page offers the newest frame's time."""
    monkeypatch.setattr(data, "now", lambda: AT + 180 * DAY)
    page = healthy(open_page("rollout"))
    assert "The newest frame is 180 d old" in texts(page)
    assert list(table(page, "clean days")[0]["verdict"]) == ["? NOT ENOUGH DATA"]
    page = healthy(open_page("rollout", about="newest-frame"))
    # The newest frame is a day older than the newest session.
    assert "about 2026-05-31 08:00:00 UTC" in texts(page)
    assert list(table(page, "clean days")[0]["verdict"]) == ["✔ GO"]


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("SHADOW_COHORT_FILE", "[[cohort]]\nnam = 1\n", "line 1"),
        ("SHADOW_THRESHOLDS_FILE", "[money]\nsessions = 'many'\n", "sessions"),
    ],
)
def test_a_file_that_cannot_be_followed_is_a_sentence(
    fleet: Store,
    open_page: Open,
    texts: Texts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    says: str,
) -> None:
    """A broken cohort file or a first broken file of thresholds says which line is wrong, and gives no verdict."""
    (tmp_path / "file.toml").write_text(text)
    monkeypatch.setenv(variable, str(tmp_path / "file.toml"))
    said = texts(healthy(open_page("rollout")))
    assert "No verdict can be given" in said
    assert says in said


def test_an_acknowledgement_made_on_the_page_changes_the_verdict(
    fleet: Store, open_page: Open, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A critical discrepancy holds the fleet; acknowledged on its page it is in the store, and critical says GO."""
    monkeypatch.setattr(access, "_at_this_machine", lambda: True)
    monkeypatch.setattr(access, "_local_user", lambda: "anna@desk")
    fault = a_critical(AT - 3_600_000_000)
    add(fleet, fault)
    (row,) = table(healthy(open_page("rollout")), "clean days")
    assert row["critical"] == "✖ hold"
    page = healthy(open_page("fingerprint", fp=fault.fingerprint))
    page.text_area(key="ack-reason").set_value("known since the pilot, mended in 2.1")
    page.text_input(key="ack-owner").set_value("Field team")
    page.button(key="ack-submit").click().run()
    healthy(page)
    (held,) = acknowledgements(fleet)
    assert (held.fingerprint, held.owner, held.by, held.charger) == (fault.fingerprint, "Field team", "anna@desk", "")
    assert "acknowledged, holds" in texts(page)
    monkeypatch.setattr(data, "now", lambda: AT + 60_000_000)
    page = healthy(open_page("rollout"))
    assert table(page, "clean days")[0]["critical"] == "✔ go"
    (trail,) = table(page, "did")
    assert (trail["who"], trail["role"], trail["did"], trail["of"]) == (
        "anna@desk",
        "approver",
        "acknowledge",
        fault.fingerprint,
    )
    # And back.
    page = healthy(open_page("fingerprint", fp=fault.fingerprint))
    page.button(key=f"revoke-{held.id}").click().run()
    healthy(page)
    assert [one.revoked for one in acknowledgements(fleet)] == [True]
    assert [one.action for one in changes(fleet)] == ["revoke", "acknowledge"]
    monkeypatch.setattr(data, "now", lambda: AT + 120_000_000)
    assert table(healthy(open_page("rollout")), "clean days")[0]["critical"] == "✖ hold"


def a_critical(at: int) -> Any:
    """A critical discrepancy that is about no money."""
    from diff.catalogue import CATALOGUE
    from diff.discrepancy import Severity
    from diff.gates.evidence import MONEY_CODES

    code = next(
        name for name, one in CATALOGUE.items() if one.severity is Severity.CRITICAL and name not in MONEY_CODES
    )
    return a_fault(code, at, unit=None, delta=None)


def test_the_bare_address_is_the_rollout_with_all_its_parameters(
    fleet: Store, cohorts: Path, engine: EmbeddedEngine, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody appended to the address of the dashboard itself is obeyed by its first page."""
    monkeypatch.setenv("SHADOW_STORE_URL", engine.url(fleet.address.database))
    page = AppTest.from_file(str(Path(app.__file__)), default_timeout=30)
    page.query_params["cohort"] = "birch"
    page.query_params["tz"] = "Asia/Tokyo"
    said = texts(healthy(page.run()))
    assert "birch" in page.subheader[0].value
    assert "Asia/Tokyo" in said


def test_discrepancies_narrow_by_site_action_and_standing(fleet: Store, cohorts: Path, open_page: Open) -> None:
    """A site stands for its charging stations, an action for the message that the path names, each in the address."""
    add(fleet, a_fault("session.energy", AT - 3_600_000_000, charger=0))
    add(fleet, a_fault("meter.unit-assumed", AT - 3_600_000_000, charger=1, path="MeterValues.Energy"))
    for parameters, codes in (
        ({}, ["session.energy", "meter.unit-assumed"]),
        ({"site": "Depot North"}, ["session.energy"]),
        ({"action": "MeterValues"}, ["meter.unit-assumed"]),
        ({"standing": ["new"], "site": "Depot North"}, ["session.energy"]),
    ):
        rows = table(healthy(open_page("discrepancies", **parameters)), "because")
        assert [row["code"] for row in rows] == codes, parameters
    assert (rows[0]["status"], rows[0]["affected"], rows[0]["of"]) == ("✦ new", "1 of 3", 1200)
    assert open_page("discrepancies", standing=["gone"]).info
