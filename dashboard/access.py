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
from dashboard.settings import ROLES_FILE, SECRETS_FILE, read_settings
from dashboard.sign_in import Standing, flaw_of, name_of, settings_of, standing_of
from diff.document import DocumentError

__all__ = ["Visitor", "again", "approves", "asks_to_sign_in", "draw", "visitor"]

_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")
_ANYONE: Final = "anybody who reaches this page"


class Visitor(msgspec.Struct, frozen=True):
    """Who looks at a page."""

    name: str
    """The verified e-mail of the sign-in, else its subject; or the user of this machine."""
    role: Role
    typed: bool
    """Nobody signed in: who owns what is said has to be typed."""
    because: str
    """Why that role, in a sentence."""


def visitor() -> Visitor:
    """Who looks at the page now. A sign-in that does not count, or not any more, lets nobody change anything."""
    roles, _ = _roles()
    auth = _auth()
    if auth is not None:
        claims = _claims()
        name = name_of(claims, vouched=roles.vouched)
        role = _role(auth, claims) or Role.VIEWER
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


def asks_to_sign_in() -> bool:
    """Whether nobody may look before a sign-in; also where the file that sets it up is broken."""
    return _auth() is not None


def draw() -> None:
    """Who looks, at the foot of the sidebar. Where sign-in is asked for and missing, that is all there is."""
    auth, (_, problem) = _auth(), _roles()
    if auth is not None:
        _admit(auth, _claims(), problem)
    elif problem:
        st.sidebar.warning(f"{words.escaped(problem)}. Until it is mended nobody may change anything.")
    who = visitor()
    sign = ":material/verified_user:" if who.role is Role.APPROVER else ":material/visibility:"
    st.sidebar.caption(f"{sign} {words.escaped(who.name)} · {who.role.value}", help=words.escaped(who.because))
    if auth is not None:
        st.sidebar.button("Sign out", on_click=st.logout, key="sign-out", type="tertiary", icon=":material/logout:")


def again() -> None:
    """For a part that draws itself anew: who may not look any more gets the whole page drawn, which says why."""
    auth = _auth()
    if auth is not None and _role(auth, _claims()) is None:
        st.rerun()


def _admit(auth: Mapping[str, object], claims: Mapping[str, object], problem: str) -> None:
    """Let through who may look; draw what the others have to do, and nothing else."""
    if flaw := flaw_of(auth):
        _refuse(
            f"**The sign-in is not set up so that it can hold:** {words.escaped(flaw)} ({SECRETS_FILE}). Until it is"
            " mended nobody may look."
        )
    standing = standing_of(claims, auth, time.time())
    if standing is Standing.OUT:
        _ask("**Please sign in** to see the fleet.")
    if standing is Standing.EXPIRED:
        _ask("**Your sign-in has expired.** Please sign in again.")
    if standing is Standing.ELSEWHERE:
        _refuse("**Your sign-in was made for another application,** and does not count here.", out=True)
    if problem:  # a list of viewers may stand in it
        _refuse(f"{words.escaped(problem)}. Until it is mended nobody may look.", out=True)
    if _role(auth, claims) is None:
        _refuse(
            "**You are signed in, and not among those who may look.** Ask for a place in the roles file. You are"
            f" {words.escaped(name_of(claims, vouched=_roles()[0].vouched))} there.",
            out=True,
        )


def _role(auth: Mapping[str, object], claims: Mapping[str, object]) -> Role | None:
    """What a sign-in gives now: None is nothing, not even to look."""
    roles, problem = _roles()
    if flaw_of(auth) or problem or standing_of(claims, auth, time.time()) is not Standing.IN:
        return None
    return roles.role_of(claims)


def _ask(sentence: str) -> None:
    st.title("shadow-csms", anchor=False)
    st.markdown(sentence)
    st.button("Sign in", on_click=st.login, type="primary", icon=":material/login:", key="sign-in")
    st.stop()


def _refuse(sentence: str, *, out: bool = False) -> None:
    st.title("shadow-csms", anchor=False)
    st.warning(sentence)
    if out:
        st.button("Sign out", on_click=st.logout, key="sign-out")
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


def _auth() -> Mapping[str, object] | None:
    """What is set up for signing in. None: nothing was meant to be.

    Streamlit takes a file that is missing or broken for none at all; where one is named, that would let everybody in.
    """
    if st.secrets.load_if_toml_exists() and "auth" in st.secrets:
        section = st.secrets.to_dict()["auth"]
        return settings_of(section if isinstance(section, dict) else {})
    return None if read_settings().secrets_file is None else {}


def _claims() -> Mapping[str, object]:
    return dict(st.user)


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
