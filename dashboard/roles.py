"""Who may approve: a file of addresses, or a claim of the sign-in. Pure.

approvers = ["anna@example.com", "*@rollout.example.com"]   # globs; case does not count
viewers = ["*@example.com"]            # none named: everybody who can sign in
claim = "groups"                       # or by a claim of the identity token
approver_values = ["ocpp-approvers"]
viewer_values = []
vouched = true                         # the provider has addresses of its own and sends no email_verified
without_login = "viewer"               # who is not asked to sign in, and does not sit at this machine
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from diff.document import parse

__all__ = ["NOBODY", "Role", "Roles", "parse_roles", "verified_email"]

Names = tuple[Annotated[str, Field(min_length=1, max_length=255)], ...]


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    """See everything."""
    APPROVER = "approver"
    """Acknowledge, enrol, and use the kill switch too."""


class Roles(BaseModel):
    """The file as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approvers: Names = ()
    viewers: Names = ()
    claim: Annotated[str, Field(max_length=100)] = ""
    approver_values: Names = ()
    viewer_values: Names = ()
    vouched: bool = False
    """An address counts although the provider does not say that it verified it: it gives its people their addresses."""
    without_login: Role = Role.VIEWER

    def role_of(self, claims: Mapping[str, object]) -> Role | None:
        """What somebody may do who signed in with these claims; None is nothing, not even look."""
        email = verified_email(claims, vouched=self.vouched).casefold()
        values = _values(claims.get(self.claim)) if self.claim else frozenset()
        if _fits(email, self.approvers) or values & set(self.approver_values):
            return Role.APPROVER
        if not self.viewers and not self.viewer_values:
            return Role.VIEWER
        return Role.VIEWER if _fits(email, self.viewers) or values & set(self.viewer_values) else None


NOBODY: Final = Roles()
"""Without a file everybody who can sign in looks, and nobody approves."""


def verified_email(claims: Mapping[str, object], *, vouched: bool = False) -> str:
    """The address of a sign-in. One that the provider does not call verified is none: anybody may have typed it.

    `vouched`: where the provider says neither, the address counts (OpenID Connect Core 5.1, `email_verified`).
    """
    told = claims.get("email")
    return str(told) if told and claims.get("email_verified", vouched) in (True, "true") else ""


def parse_roles(text: str) -> Roles:
    """Read the text of a file.

    Raises:
        DocumentError: it is no TOML, or holds what roles do not know; says in which line.

    """
    return parse(text, Roles)


def _fits(email: str, patterns: Iterable[str]) -> bool:
    return bool(email) and any(fnmatchcase(email, pattern.casefold()) for pattern in patterns)


def _values(claim: object) -> frozenset[str]:
    """A claim with one value or several."""
    if isinstance(claim, str):
        return frozenset({claim})
    return frozenset(str(one) for one in claim) if isinstance(claim, list | tuple | set) else frozenset()
