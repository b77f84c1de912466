"""What a sign-in is worth: whether it is set up so that it can hold, whose it is, and whether it counts now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from dashboard.roles import verified_email

__all__ = ["SHORTEST_SECRET", "Standing", "flaw_of", "name_of", "settings_of", "standing_of"]

SHORTEST_SECRET: Final = 32
"""Characters of `cookie_secret`. Who guesses it signs a cookie of anybody's."""

_CALLBACK: Final = "/oauth2callback"
_NEEDED: Final = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_LONGEST_NAME: Final = 200


class Standing(StrEnum):
    """Whether a sign-in counts."""

    OUT = "out"
    """Nobody signed in."""
    EXPIRED = "expired"
    """The identity token is past its end (OpenID Connect Core 2, `exp`). Streamlit's cookie outlives it."""
    ELSEWHERE = "elsewhere"
    """The identity token was made for another application."""
    IN = "in"


def settings_of(section: Mapping[str, object]) -> dict[str, object]:
    """What `[auth]` says in one place: Streamlit lets the provider stand in `[auth.default]` too."""
    provider = section.get("default")
    return {**section, **(provider if isinstance(provider, Mapping) else {})}


def flaw_of(auth: Mapping[str, object]) -> str:
    """What is wrong with the settings of a sign-in, in words; empty where nothing is. Says no secret."""
    if not auth:
        return "the file cannot be read, or holds no [auth]"
    missing = [name for name in _NEEDED if not _text(auth, name)]
    if missing:
        return f"[auth] lacks {', '.join(missing)}"
    length = len(_text(auth, "cookie_secret"))
    if length < SHORTEST_SECRET:
        return f"cookie_secret in [auth] has {length} characters: {SHORTEST_SECRET} at least, by chance"
    told = urlsplit(_text(auth, "redirect_uri"))
    if told.scheme not in ("http", "https") or not told.netloc or not told.path.endswith(_CALLBACK):
        return f"redirect_uri in [auth] is not the pages' own address with {_CALLBACK} at its end"
    return ""


def standing_of(claims: Mapping[str, object], auth: Mapping[str, object], now: float) -> Standing:
    """Whether a sign-in with these claims counts at a time, in seconds since 1970.

    The audience is looked at here, since Authlib takes a token of another audience where `azp` names us (OpenID Connect
    Core 3.1.3.7, 3: the audience has to hold our client_id).
    """
    if not claims.get("is_logged_in"):
        return Standing.OUT
    told = claims.get("aud")
    audience = told if isinstance(told, list | tuple) else (told,)
    if auth.get("client_id") not in audience:
        return Standing.ELSEWHERE
    until = claims.get("exp")
    return Standing.IN if isinstance(until, int | float) and now < until else Standing.EXPIRED


def name_of(claims: Mapping[str, object], *, vouched: bool = False) -> str:
    """Under which name somebody acts: the e-mail that the provider verified, else the subject.

    Never the claim `name` or an unverified address: whoever signs in may have typed those (OpenID Connect Core 5.7).
    `vouched`: see `dashboard.roles.verified_email`.
    """
    return (verified_email(claims, vouched=vouched) or str(claims.get("sub") or "somebody"))[:_LONGEST_NAME]


def _text(auth: Mapping[str, object], name: str) -> str:
    value = auth.get(name)
    return value.strip() if isinstance(value, str) else ""
