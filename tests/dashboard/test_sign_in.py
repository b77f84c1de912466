"""What a sign-in is worth."""

from __future__ import annotations

import pytest

from dashboard.sign_in import SHORTEST_SECRET, Standing, flaw_of, name_of, settings_of, standing_of

AUTH: dict[str, object] = {
    "redirect_uri": "https://shadow.example.com/oauth2callback",
    "cookie_secret": "x" * SHORTEST_SECRET,
    "client_id": "shadow",
    "client_secret": "hidden",
    "server_metadata_url": "https://sso.example.com/.well-known/openid-configuration",
}
CLAIMS: dict[str, object] = {"is_logged_in": True, "sub": "u-1", "aud": "shadow", "exp": 1000}


def test_what_can_hold_has_no_flaw_wherever_the_provider_stands() -> None:
    """Streamlit reads the provider from [auth] or [auth.default], so both are taken."""
    assert flaw_of(AUTH) == ""
    common = {name: AUTH[name] for name in ("redirect_uri", "cookie_secret")}
    provider = {name: value for name, value in AUTH.items() if name not in common}
    assert flaw_of(settings_of({**common, "default": provider})) == ""
    assert flaw_of(settings_of(common)) != ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_secret": ""}, "lacks client_secret"),
        ({"client_id": 7}, "lacks client_id"),
        ({"cookie_secret": "hidden"}, "has 6 characters"),
        ({"redirect_uri": "https://shadow.example.com/"}, "redirect_uri"),
        ({"redirect_uri": "shadow.example.com/oauth2callback"}, "redirect_uri"),
    ],
)
def test_a_flaw_is_named_without_a_secret(change: dict[str, object], words: str) -> None:
    """A secret that could be guessed lets anybody sign a cookie, a wrong address never comes back: both are told."""
    found = flaw_of(AUTH | change)
    assert words in found
    assert "hidden" not in found


def test_a_file_that_says_nothing_is_no_sign_in() -> None:
    """What could not be read is not taken for 'nobody has to sign in'."""
    assert "cannot be read" in flaw_of({})


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({}, Standing.IN),
        ({"is_logged_in": False}, Standing.OUT),
        ({"exp": 999}, Standing.EXPIRED),
        ({"exp": None}, Standing.EXPIRED),
        ({"aud": ["other", "shadow"], "azp": "shadow"}, Standing.IN),
        ({"aud": "other", "azp": "shadow"}, Standing.ELSEWHERE),
        ({"aud": ["other"]}, Standing.ELSEWHERE),
        ({"aud": None}, Standing.ELSEWHERE),
    ],
)
def test_a_sign_in_counts_for_us_and_until_its_end(change: dict[str, object], standing: Standing) -> None:
    """The audience holds our client_id and the end is ahead, else it does not count (OpenID Connect Core 3.1.3.7)."""
    assert standing_of(CLAIMS | change, AUTH, 999.5) is standing


def test_one_acts_under_what_cannot_be_typed() -> None:
    """The verified e-mail, else the subject; never an unverified address or the claim `name`; bounded."""
    told = {"sub": "u-1", "name": "anna@example.com", "email": "anna@example.com"}
    assert name_of(told | {"email_verified": True}) == "anna@example.com"
    assert name_of(told, vouched=True) == "anna@example.com"
    assert name_of(told) == name_of(told | {"email_verified": False}, vouched=True) == "u-1"
    assert name_of({"name": "anna@example.com"}) == "somebody"
    assert len(name_of({"sub": "u" * 500})) == 200
