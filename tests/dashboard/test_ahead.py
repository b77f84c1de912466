"""Asking ahead: each question once, errors where they belong, and nothing old."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dashboard.ahead import Ahead


@pytest.fixture
def ahead() -> Iterator[Ahead]:
    """Answers that count for a minute."""
    made = Ahead(60)
    yield made
    made.close()


def test_what_was_begun_is_not_asked_again(ahead: Ahead) -> None:
    """The answer on its way is the answer, and beginning twice asks once."""
    asked: list[str] = []
    for _ in range(2):
        ahead.begin("a", lambda: asked.append("ahead") or len(asked))
    assert ahead.answer("a", lambda: asked.append("now")) == 1
    assert asked == ["ahead"]


def test_questions_are_asked_side_by_side(ahead: Ahead) -> None:
    """Two questions that wait for each other come to their end."""
    both = threading.Barrier(2, timeout=20)
    ahead.begin("a", both.wait)
    ahead.begin("b", both.wait)
    assert {ahead.answer("a", int), ahead.answer("b", int)} == {0, 1}


def test_an_error_is_raised_where_the_answer_is_wanted(ahead: Ahead) -> None:
    """Beginning never fails; the answer does, and the next one asks anew."""
    ahead.begin("a", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ahead.answer("a", int)
    assert ahead.answer("a", lambda: "well") == "well"


def test_an_old_answer_is_not_taken(ahead: Ahead) -> None:
    """What was begun too long ago, or before everything was forgotten, is asked again."""
    ahead.begin("a", lambda: "old")
    ahead.forget()
    assert ahead.answer("a", lambda: "new") == "new"
    hasty = Ahead(0)
    hasty.begin("a", lambda: "old")
    assert hasty.answer("a", lambda: "new") == "new"
    hasty.close()
