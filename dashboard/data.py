"""Loads what pages show: cached for a moment, and a sentence where the store is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar, cast

import streamlit as st

from dashboard.ahead import Ahead
from dashboard.settings import STORE_URL, read_settings
from diff.store.client import Store
from diff.store.errors import StoreRefusedError, StoreUnavailable
from ingest.frame import Micros

__all__ = [
    "Question",
    "act",
    "ahead",
    "forget",
    "fresh",
    "load",
    "minute",
    "minute_end",
    "now",
    "or_a_sentence",
    "question",
]

P = ParamSpec("P")
R = TypeVar("R")

_TTL: Final = 15
_FRESH_TTL: Final = 3
_STATEMENT_TIMEOUT: Final = 20.0
_NO_TABLES: Final = frozenset({60, 81})
"""ClickHouse: unknown table, unknown database."""
_NO_RIGHT: Final = frozenset({192, 193, 194, 497, 516})
"""ClickHouse: unknown user, wrong password, access denied, authentication failed."""


def load(query: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What a query of `diff.store.queries` gives, at most 15 s old."""
    return cast("R", _cached(read_settings().store_url, _name(query), _key(args, kwargs), query, args, kwargs))


def fresh(query: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for strips that draw themselves anew: at most 3 s old."""
    return cast("R", _cached_briefly(read_settings().store_url, _name(query), _key(args, kwargs), query, args, kwargs))


class Question(NamedTuple):
    """A query with its arguments."""

    query: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def question(query: Callable[Concatenate[Store, P], Any], *args: P.args, **kwargs: P.kwargs) -> Question:
    """What `load` will be asked."""
    return Question(query, args, kwargs)


def ahead(*questions: Question) -> None:
    """Begin to ask what the page will `load`, side by side. Never fails: `load` says what is wrong."""
    url = read_settings().store_url
    for one in questions if url else ():
        _ahead().begin(_asked(url, _name(one.query), _key(one.args, one.kwargs)), partial(_ask, url, *one))


def forget() -> None:
    """Have the next load ask the store."""
    _ahead().forget()
    _cached.clear()
    _cached_briefly.clear()


def act(action: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Have something done by the store, or read past the caches; what was cached is forgotten then."""
    try:
        return action(_store(read_settings().store_url), *args, **kwargs)
    finally:
        forget()


def now() -> Micros:
    """This machine's clock."""
    return time.time_ns() // 1000


def minute() -> Micros:
    """The current minute's begin: a time that may be part of a cached question."""
    return now() // 60_000_000 * 60_000_000


def minute_end() -> Micros:
    """The current minute's end: "up to now" as a part of a cached question, with what was just said."""
    return minute() + 60_000_000


@contextmanager
def or_a_sentence() -> Iterator[None]:
    """Say in one sentence what is the case, and what to do, where the store does not answer; then end the page."""
    try:
        if not read_settings().store_url:
            _say(
                "No store is named.",
                f"Start the pages with `shadow-csms dashboard`, or set `{STORE_URL}` to"
                " `clickhouse://user:password@host:port/database`.",
            )
        yield
    except StoreUnavailable as error:
        _say(
            "The store does not answer, so nothing can be said about the fleet.",
            "The tap does not depend on it: charging goes on. Start the store, or the run that brings it"
            f" (`shadow-csms run`), then try again. ({error})",
        )
    except StoreRefusedError as error:
        if error.code in _NO_TABLES:
            _say("The store is empty: it has no tables yet.", "They are made by the first `shadow-csms run`.")
        elif error.code in _NO_RIGHT:
            _say("The store refuses the user.", f"Check user and password in `{STORE_URL}`. ({error})")
        else:
            _say("The store refused a question of this page.", f"Its reason: {error}")
    except ValueError as error:
        if "store's URL" not in str(error) and "name of a database" not in str(error):
            raise
        _say(f"`{STORE_URL}` cannot be read.", f"{error}.")


def _say(what: str, next_step: str) -> None:
    st.warning(f"**{what}** {next_step}", icon=":material/cloud_off:")
    st.button("Try again", key="try-again", on_click=forget)
    st.stop()


def _name(query: Callable[..., Any]) -> str:
    return f"{query.__module__}.{query.__qualname__}"


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What was asked. Streamlit cannot hash a msgspec record, but its text says everything that it holds."""
    return repr((args, sorted(kwargs.items())))


def _asked(url: str, name: str, key: str) -> str:
    return f"{url} {name} {key}"


def _ask(url: str, query: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return query(_store(url), *args, **kwargs)


@st.cache_resource(max_entries=8, show_spinner=False, on_release=Store.close)
def _store(url: str) -> Store:
    return Store.connect(url, timeout=_STATEMENT_TIMEOUT)


@st.cache_resource(show_spinner=False, on_release=Ahead.close)
def _ahead() -> Ahead:
    return Ahead(_TTL)


@st.cache_data(ttl=_TTL, max_entries=300, show_spinner="Asking the store …")
def _cached(
    url: str, name: str, key: str, _query: Callable[..., Any], _args: tuple[Any, ...], _kwargs: dict[str, Any]
) -> Any:
    return _ahead().answer(_asked(url, name, key), partial(_ask, url, _query, _args, _kwargs))


@st.cache_data(ttl=_FRESH_TTL, max_entries=50, show_spinner=False)
def _cached_briefly(
    url: str,
    name: str,  # noqa: ARG001 - the key of the cache
    key: str,  # noqa: ARG001 - the key of the cache
    _query: Callable[..., Any],
    _args: tuple[Any, ...],
    _kwargs: dict[str, Any],
) -> Any:
    return _ask(url, _query, _args, _kwargs)
