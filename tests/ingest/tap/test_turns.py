"""Two threads take turns: the work is done once, in order, by the one whose turn it is."""

import os
import threading
from collections.abc import Iterator

import pytest

from ingest.tap.turns import Turns

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="SCHED_IDLE is Linux's")


class _Work:
    """So many pieces, each with how far behind it leaves the work; notes who did them under which policy."""

    def __init__(self, behind: list[float]) -> None:
        self._left: Iterator[float] = iter(behind)
        self.behind = 0.0
        self.policies: list[int] = []
        self.threads: set[str] = set()

    def piece(self) -> bool:
        self.behind = next(self._left, -1.0)
        self.policies.append(os.sched_getscheduler(0))
        self.threads.add(threading.current_thread().name)
        return self.behind >= 0


def _done(behind: list[float], **options: float) -> _Work:
    work = _Work(behind)
    Turns(work.piece, lambda: work.behind, **options).run()
    return work


def test_what_keeps_up_is_done_when_idle() -> None:
    """All of it, and the end is the end of both threads."""
    work = _done([0.0] * 5)
    assert work.policies == [os.SCHED_IDLE] * 6
    assert "when idle" not in {thread.name for thread in threading.enumerate()}


def test_what_falls_behind_waits_for_no_idle_processor() -> None:
    """Until it has kept up for a while: then it waits again."""
    work = _done([0.0, 2.0, 0.5, 0.5], much=1.0, calm=60.0)
    assert work.policies == [os.SCHED_IDLE] * 2 + [os.SCHED_OTHER] * 3
    work = _done([2.0, 0.0, 0.0], much=1.0, calm=-1.0)
    assert work.policies == [os.SCHED_IDLE, os.SCHED_OTHER, os.SCHED_IDLE, os.SCHED_IDLE]


@pytest.mark.parametrize("behind", [0.0, 2.0])
def test_an_error_ends_both(behind: float) -> None:
    """Whichever thread it happened in."""
    work = _Work([behind])

    def piece() -> bool:
        if not work.piece():
            raise ValueError("broken")
        return True

    with pytest.raises(ValueError, match="broken"):
        Turns(piece, lambda: work.behind, calm=60.0).run()
    assert "when idle" not in {thread.name for thread in threading.enumerate()}


def test_where_it_is_forbidden_the_other_thread_does_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox may not let a process choose."""

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    work = _done([0.0, 0.0, 0.0], calm=-1.0)
    assert work.policies == [os.SCHED_OTHER] * 4
    assert work.threads == {"MainThread"}
