"""The cost of each action: what it is measured on, and what it prints."""

import pytest

from bench.actions import main
from demo.examples import example
from shadow import schema
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import ANSWER


@pytest.mark.parametrize(("action", "part"), sorted(TABLES))
def test_examples_are_valid(action: str, part: str) -> None:
    """A benchmark of messages that break their schema would measure how errors are named."""
    response = part == ANSWER
    payload = example(action, response=response)
    assert schema.violations(schema.V16, action, response=response, payload=payload) == []


def test_every_action_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """One row an action, and their sum."""
    main(["--exchanges", "2", "--rounds", "1"])
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        *sorted({action for action, _ in TABLES}),
        "all, one of each",
    ]
