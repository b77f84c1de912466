"""Verdicts for the pages: those that are stored, and given anew when they are old. Judging takes seconds, pages do not.

What is stored is drawn at once. It is old when a quarter of an hour, or an acknowledgement, has passed since; then the
cohorts are judged beside what is drawn, once for everybody who looks, and the verdicts are kept: a flip is known then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import data
from dashboard.settings import read_settings
from diff.cohort import FLEET, Cohorts
from diff.store.gating import GatingError, judge, read_cohorts
from diff.store.queries.changes import last_change
from diff.store.queries.rollout import Standing, standings
from ingest.frame import Micros

__all__ = ["cohorts", "judge_again", "names", "questions", "refresh", "standing", "too_old"]

_PERIOD: Final[Micros] = 15 * 60 * 1_000_000
_MOST: Final = 50
"""Cohorts that are judged without being asked to; more take a while."""


def cohorts() -> Cohorts:
    """The cohorts of the file that the settings name. Raises `diff.store.gating.GatingError`."""
    return read_cohorts(read_settings().cohort_file)


def names(known: Cohorts) -> tuple[str, ...]:
    """Every cohort of the file, and the fleet."""
    return (*(one.name for one in known.cohort), FLEET.name)


def questions() -> list[data.Question]:
    """What will be asked about the verdicts as of now."""
    try:
        known = cohorts()
    except GatingError:
        return []  # the page says so
    return [data.question(standings, names(known), None), data.question(last_change)]


def standing(known: Cohorts, at: Micros | None) -> list[Standing]:
    """The stored verdicts; `at`: about exactly that time."""
    return data.load(standings, names(known), at)


def too_old(found: list[Standing], known: Cohorts, at: Micros | None) -> bool:
    """Whether something has to be judged: about now what is old, about another time what is missing."""
    if len(found) < len(names(known)):
        return True
    if at is not None:
        return False
    said = data.load(last_change) or 0
    decided = min(one.stored.decided_at for one in found)
    return decided < _begin() or decided <= said


def refresh(known: Cohorts, at: Micros | None) -> bool:
    """Judge unless somebody just did; whether there is something new to draw. Raises as `judge` does."""
    if len(names(known)) > _MOST:
        return False
    settings = read_settings()
    files = (settings.cohort_file, settings.thresholds_file)
    key = (at or 0, 0 if at else _begin(), data.load(last_change) or 0, *map(_stamp, files))
    if st.session_state.get("judged") == key:
        return False
    _judged(settings.store_url, *key)
    st.session_state["judged"] = key
    data.forget()
    return True


def judge_again() -> None:
    """Have the next look judge, whatever the clock says."""
    _judged.clear()
    st.session_state.pop("judged", None)
    st.session_state["judge-now"] = True


def _begin() -> Micros:
    return data.now() // _PERIOD * _PERIOD


def _stamp(path: Path | None) -> int:
    """Changes when a file does."""
    try:
        return 0 if path is None else path.stat().st_mtime_ns
    except OSError:
        return -1


@st.cache_data(ttl=900, max_entries=20, show_spinner="Judging the cohorts …")
def _judged(
    url: str,  # noqa: ARG001 - the key of the cache
    about: Micros,
    begin: Micros,  # noqa: ARG001 - the key of the cache
    said: Micros,  # noqa: ARG001 - the key of the cache
    cohort_stamp: int,  # noqa: ARG001 - the key of the cache
    thresholds_stamp: int,  # noqa: ARG001 - the key of the cache
) -> bool:
    settings = read_settings()
    now = data.now()
    data.act(judge, settings.cohort_file, settings.thresholds_file, about or now, now)
    return True
