"""The page of the documentation that is drawn from the tables of the state machines."""

import re
from pathlib import Path

from app.pages.diagrams import OF_PHASES, OF_POINTS, OF_REASONS, OF_STATUSES, OF_STIMULI, page
from shadow.csms.transitions import TRANSITIONS as PHASES
from shadow.station.error_reports import ERRORS, WARNINGS
from shadow.station.points import FALSE_WITH, TRUE_WITH, Stimulus
from shadow.station.tables import CONNECTOR_STATUSES, STOP_REASONS
from shadow.station.transitions16 import TRANSITIONS as STEPS

PAGE = Path(__file__).resolve().parents[3] / "docs/state-machines.md"


def _drawings() -> list[str]:
    return re.findall(r"```mermaid\n(.*?)```", page(), re.DOTALL)


def test_page_in_the_documentation_is_the_one_the_tables_give() -> None:
    """docs/state-machines.md is what `python -m app.pages.diagrams` writes now."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_row_of_a_table_has_its_basis() -> None:
    """Nothing is drawn without the requirement that it follows, and no requirement stands for a row that is gone."""
    assert set(OF_PHASES) == set(PHASES)
    assert set(OF_STATUSES) == set(CONNECTOR_STATUSES)
    assert set(OF_POINTS) == set(TRUE_WITH) == set(FALSE_WITH)
    assert set(OF_STIMULI) == set(Stimulus)
    assert set(OF_REASONS) == set(STOP_REASONS)


def test_every_row_is_drawn() -> None:
    """One arrow for each row, and for each stimulus of a point; of 1.6 those between the seven usual statuses."""
    phases, points, statuses, charging, steps, reasons, errors = _drawings()
    unusual = {"Unavailable", "Faulted"}
    usual = [key for key, step in STEPS.items() if not unusual & set(step)]
    assert phases.count("-->") == len(PHASES) + 2
    assert points.count("-->") == sum(map(len, [*TRUE_WITH.values(), *FALSE_WITH.values()]))
    assert statuses.count("-->") == len(CONNECTOR_STATUSES)
    assert "EVConnected --> Charging : B3" in charging
    assert [line.rpartition(" : ")[2] for line in steps.splitlines() if " : " in line] == usual
    assert reasons.count("-->") == len(STOP_REASONS)
    assert (errors.count(" --> "), errors.count(" -.-> ")) == (len(ERRORS), len(WARNINGS))


def test_every_step_of_1_6_stands_in_its_table() -> None:
    """The keys of the matrix, each once."""
    matrix = page().partition("from \\ to")[2].partition("##")[0]
    assert sorted(re.findall(r"\b[A-I]\d\b", matrix)) == sorted(STEPS)
