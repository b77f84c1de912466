"""What the CSMS knows of tokens: given twice and differently, one of the two systems is wrong."""

import pytest

from demo.lived import Lived
from demo.script import Script


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        ("Accepted", "Accepted", False),
        ("Accepted", "Blocked", True),
        ("Invalid", "Accepted", True),
        ("Invalid", "Blocked", False),
        ("Accepted", "ConcurrentTx", False),  # speaks of the moment, not of the token
    ],
)
def test_a_token_that_is_answered_differently(first: str, second: str, *, named: bool) -> None:
    """Authorize says one thing, StartTransaction another (session.authorization)."""
    script = Script().boot().authorize("AA", first).start(1, "aa", 0, transaction=7, status=second)
    lived = Lived().feed(script.frames)
    assert ("session.authorization" in lived.codes()) is named
    if named:
        (row,) = lived.rows("session.authorization")
        assert (row.primary, row.shadow) == (second, first)
        assert row.session_id in lived.sessions


def test_a_token_is_not_judged_by_what_another_was_told() -> None:
    """Each token has its own status."""
    script = Script().boot().authorize("AA").start(1, "BB", 0, transaction=7, status="Blocked")
    assert "session.authorization" not in Lived().feed(script.frames).codes()


def test_concurrent_use_takes_no_status_away() -> None:
    """ConcurrentTx in between: the token is still the one that was accepted, and a refusal after it is named."""
    script = Script().boot().authorize("AA").start(1, "AA", 0, transaction=7, status="ConcurrentTx").wait(60)
    script.stop(7, 10).start(1, "AA", 10, transaction=8, status="Blocked")
    (row,) = Lived().feed(script.frames).rows("session.authorization")
    assert (row.primary, row.shadow) == ("Blocked", "Accepted")
