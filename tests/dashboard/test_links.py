"""Addresses of views."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import links

VIEWS = Path(links.__file__).with_name("views")


def test_every_view_is_a_page() -> None:
    """What is kept over a sign-in may be any view that there is."""
    assert {one.stem for one in VIEWS.glob("*.py")} - {"__init__"} == links.PAGES


@given(
    st.sampled_from(sorted(links.PAGES)),
    st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=5),
    st.sampled_from(["https://shadow.example.com/", "http://127.0.0.1:8501/", "https://example.com/shadow/"]),
)
def test_a_whole_address_gives_its_view(page: str, given_: list[tuple[str, str]], base: str) -> None:
    """Page and parameters come through, also those that stand several times, behind any path of a proxy."""
    told = links.view_of(base + links.view_of(f"{page}?{urlencode(given_)}"))
    assert urlsplit(told).path == page
    assert parse_qsl(urlsplit(told).query, keep_blank_values=True) == given_


@pytest.mark.parametrize(
    "whole",
    [
        "",
        "https://shadow.example.com/",
        "https://shadow.example.com/oauth2callback?code=1",
        "https://shadow.example.com/auth/login?provider=1",
        "//evil.example/",
        "javascript:alert(1)",
        "http://[broken",
        "fleet?" + "a=1&" * 200,
    ],
)
def test_what_is_no_view_is_none(whole: str) -> None:
    """Nobody is sent to another server, or back into the sign-in; what has too many parameters is none."""
    assert links.view_of(whole) == ""


def test_what_leads_elsewhere_leads_to_our_page_of_that_name() -> None:
    """Only page and parameters are taken, never the server; what is too long loses its parameters."""
    assert links.view_of("https://evil.example/fleet?tz=UTC") == "fleet?tz=UTC"
    assert links.view_of("https://shadow.example.com/fleet?a=" + "x" * 5000) == "fleet"
