"""Who looks, and what they may change: by Streamlit's own sign-in (OIDC), or as whoever is at this machine.

Without sign-in the pages listen on loopback, and who reaches them there is the operator. Behind a proxy, or on an
address that others reach, nobody is known, and nobody may change anything unless the roles file says so.
"""

from __future__ import annotations

import getpass
import ipaddress
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec
import streamlit as st

from dashboard import words
from dashboard.roles import NOBODY, Role, Roles, parse_roles
from dashboard.settings import ROLES_FILE, read_settings
from diff.document import DocumentError

__all__ = ["Visitor", "approves", "draw", "visitor"]

_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")
_ANYONE: Final = "anybody who reaches this page"


class Visitor(msgspec.Struct, frozen=True):
    """Who looks at a page."""

    name: str
    """The e-mail of the sign-in, or the user of this machine."""
    role: Role
    typed: bool
    """Nobody signed in: who owns what is said has to be typed."""
    because: str
    """Why that role, in a sentence."""


def visitor() -> Visitor:
    """Who looks at the page now."""
    roles, _ = _roles()
    if _signs_in():
        claims = _claims()
        name = str(claims.get("email") or claims.get("name") or claims.get("sub") or "somebody")[:200]
        role = roles.role_of(claims) or Role.VIEWER
        listed = "is" if role is Role.APPROVER else "is not"
        return Visitor(name, role, typed=False, because=f"{name} {listed} among the approvers of the roles file")
    if _at_this_machine():
        return Visitor(
            _local_user(), Role.APPROVER, typed=True, because="no sign-in is set up, and the pages are on loopback only"
        )
    because = f"no sign-in is set up, and others than this machine reach the pages; `without_login` in {ROLES_FILE}"
    return Visitor(_ANYONE, roles.without_login, typed=True, because=f"{because} decides what they may do")


def approves(what: str) -> bool:
    """Whether who looks may change something; where not, the reason is drawn. `what`: as in "Acknowledging"."""
    who = visitor()
    if who.role is Role.APPROVER:
        return True
    st.info(
        f"**{what} needs the role approver.** You are here as viewer: {words.escaped(who.because)}.",
        icon=":material/lock:",
    )
    return False


def draw() -> None:
    """Who looks, at the foot of the sidebar. Where sign-in is asked for and missing, that is all there is."""
    roles, problem = _roles()
    if problem:
        st.sidebar.warning(f"{words.escaped(problem)}. Until it is mended nobody may change anything.")
    if _signs_in():
        claims = _claims()
        if not claims:
            _ask("**Please sign in** to see the fleet.")
        if _expired(claims):
            _ask("**Your sign-in has expired.** Please sign in again.")
        if roles.role_of(claims) is None:
            st.warning("**You are signed in, and not among those who may look.** Ask for a place in the roles file.")
            st.button("Sign out", on_click=st.logout, key="sign-out")
            st.stop()
    who = visitor()
    sign = ":material/verified_user:" if who.role is Role.APPROVER else ":material/visibility:"
    st.sidebar.caption(f"{sign} {words.escaped(who.name)} · {who.role.value}", help=words.escaped(who.because))
    if _signs_in():
        st.sidebar.button("Sign out", on_click=st.logout, key="sign-out", type="tertiary", icon=":material/logout:")


def _ask(sentence: str) -> None:
    st.title("shadow-csms", anchor=False)
    st.markdown(sentence)
    st.button("Sign in", on_click=st.login, type="primary", icon=":material/login:", key="sign-in")
    st.stop()


def _roles() -> tuple[Roles, str]:
    """The roles, and what is wrong with their file: then nobody has any that changes something."""
    path = read_settings().roles_file
    if path is None:
        return NOBODY, ""
    try:
        return parse_roles(path.read_text(encoding="utf-8")), ""
    except (OSError, UnicodeDecodeError) as error:
        return NOBODY, f"{ROLES_FILE} {path} cannot be read: {error}"
    except DocumentError as error:
        return NOBODY, f"{ROLES_FILE} {path}: {error}"


def _signs_in() -> bool:
    """Whether a sign-in is set up: an [auth] section in secrets.toml."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def _claims() -> Mapping[str, object]:
    claims = dict(st.user)
    return claims if claims.get("is_logged_in") else {}


def _expired(claims: Mapping[str, object]) -> bool:
    """Streamlit keeps a cookie for weeks and does not look at the token's own end (OpenID Connect Core 2, `exp`)."""
    until = claims.get("exp")
    return isinstance(until, int | float) and until < time.time()


def _at_this_machine() -> bool:
    if any(st.context.headers.get(name) for name in _FORWARDED):
        return False
    address = st.get_option("server.address") or read_settings().host
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _local_user() -> str:
    user = ""
    with suppress(OSError, KeyError):
        user = getpass.getuser()
    return f"{user or 'unknown'}@{socket.gethostname()}"[:200]
