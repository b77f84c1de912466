"""A table looked over by itself: every anomaly found, counted and grouped, and nothing in a good one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import steve
from diff.billing.survey import MEANINGS, Anomaly, Survey
from ingest.frame import Frame
from ingest.records.framing import record_of
from ingest.records.intake import Intake
from ingest.records.table import parse_mapping

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "steve-transactions.toml"
STEVE = parse_mapping(EXAMPLE.read_text(encoding="utf-8") + steve.MAPPING)


def _surveyed(text: str) -> Survey:
    survey = Survey()
    for item in Intake(lambda text: text).table(text, STEVE, "steve.csv", 0):
        if isinstance(item, Frame):
            survey.take(item.charger_id, record_of(item))
        else:
            survey.refuse(item.charger_id, item.record_id, item.rule)
    return survey


def _found(text: str) -> dict[str, Anomaly]:
    return {one.name: one for one in _surveyed(text).anomalies()}


def _table(*rows: str) -> str:
    """Rows as START MINUTE, REGISTER, STOP MINUTE, REGISTER on one connector with one token."""
    names = "transaction_pk charge_box_id connector_id id_tag start_timestamp start_value stop_timestamp stop_value"
    lines = [",".join([*names.split(), "event_timestamp"])]
    for number, row in enumerate(rows, 1):
        start, begin, stop, end = row.split()
        at = [
            f"2026-01-01T{int(minute) // 60:02d}:{int(minute) % 60:02d}:00Z"
            for minute in (start, stop)
            if minute != "-"
        ]
        ended = f"{at[1]},{end},{at[1]}" if stop != "-" else ",,"
        lines.append(f"{number},CP1,1,AA,{at[0]},{begin},{ended}")
    return "\n".join(lines)


def test_every_anomaly_of_35_000_rows_is_found_counted_and_grouped() -> None:
    """As they were counted in one operator's table: each with its rows, charging stations and examples."""
    text = steve.table(seed=1)
    survey = _surveyed(text)
    found = {one.name: one for one in survey.anomalies()}
    assert survey.rows == 35_000
    assert {name: one.cases for name, one in found.items()} == steve.COUNTED
    assert all(
        1 <= one.chargers <= min(60, one.cases) and len(one.examples) == min(5, one.rows) for one in found.values()
    )
    assert {one.rows - one.cases for name, one in found.items() if name != "duplicate-start"} == {0}
    assert found["duplicate-start"].rows == 2 * 254
    assert set(found) <= set(MEANINGS)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32), share=st.integers(1, 30))
def test_counts_are_exact_whatever_the_seed(seed: int, share: int) -> None:
    """Also where few rows hold few anomalies, and none where none is planted."""
    counted = {name: count * share // 1000 for name, count in steve.COUNTED.items()}
    found = _found(steve.table(seed, 3000, counted))
    assert {name: one.cases for name, one in found.items()} == {name: count for name, count in counted.items() if count}


def test_a_good_table_has_none() -> None:
    """Nothing planted, nothing found."""
    assert _found(steve.table(3, 2000, {})) == {}


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (("0 100 60 200", "90 200 120 300"), set()),
        (("0 100 60 200", "90 199 120 300"), {"register-regression"}),
        (("0 100 60 200", "59 200 120 300"), {"overlap"}),
        (("0 100 60 200", "60 200 120 300"), set()),
        (("0 100 - -", "90 200 120 300"), {"never-stopped"}),
        (("0 100 60 200", "90 200 - -"), set()),
        (("0 100 60 200", "0 100 60 200"), {"duplicate-start"}),
        (("0 100 - -", "0 100 60 200", "90 200 100 300"), {"duplicate-start"}),
        (("0 100 60 100",), {"zero-energy"}),
        (("0 100 0 100",), {"zero-energy", "zero-duration"}),
        (("0 0 60 200", "90 0 120 300", "150 0 180 300"), set()),
        (("0 500 60 600", "90 0 120 300", "150 0 180 300"), {"register-regression"}),
        (("0 200 60 100",), {"negative-energy"}),
        (("0 100 60 2147483647",), {"placeholder"}),
        (("0 100 1 20000",), {"implausible-power"}),
    ],
)
def test_what_counts_and_what_does_not(rows: tuple[str, ...], names: set[str]) -> None:
    """On the two sides of each rule; registers that always begin at 0 are those of sessions."""
    assert set(_found(_table(*rows))) == names


def test_rows_of_another_connector_are_no_neighbours() -> None:
    """The same times and registers on connector 2 overlap nothing on connector 1."""
    text = _table("0 100 60 200", "30 100 60 200").replace("2,CP1,1,", "2,CP1,2,")
    assert _found(text) == {}


def test_the_order_of_the_rows_does_not_matter() -> None:
    """A table sorted backwards says the same."""
    head, *rows = steve.table(5, 1500, {"overlap": 3, "register-regression": 9, "duplicate-start": 4}).splitlines()
    given_counts = [(one.name, one.cases, one.rows) for one in _surveyed("\n".join([head, *rows])).anomalies()]
    assert given_counts == [
        (one.name, one.cases, one.rows) for one in _surveyed("\n".join([head, *rows[::-1]])).anomalies()
    ]
