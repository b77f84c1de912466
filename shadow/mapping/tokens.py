"""idTag and idTagInfo of 1.6 as rules: the same in every message that carries a token (2.0.1 part C)."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.rules import Rule, group, made, moved
from shadow.mapping.values import TIME, TOKEN, one_of
from shadow.station import fields
from shadow.station.outbox import Outbox

__all__ = ["AUTHORIZATION_STATUSES", "group_token", "id_tag", "id_tag_info"]

AUTHORIZATION_STATUSES: Final = {name: name for name in ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")}
"""1.6 §7.2 AuthorizationStatus → 2.0.1 §3.3 AuthorizationStatusEnumType."""


def id_tag(source: str, target: str) -> tuple[Rule, Rule]:
    """An idTag as IdTokenType; 1.6 does not give its type."""
    why = "a fleet setting, or guessed by the form of the idTag; never compared (C01.FR.25)"
    return moved(source, target, TOKEN), made(f"{target}.type", why=why)


def group_token(target: str) -> tuple[Rule, Rule]:
    """A parentIdTag as IdTokenType: it exists in the CSMS alone, so its type is Central (C09.FR.13)."""
    return moved("parentIdTag", target, _central), made(f"{target}.type", why="Central (C09.FR.13)")


def id_tag_info(source: str = "idTagInfo", target: str = "idTokenInfo") -> Rule:
    """IdTagInfo (1.6 §6.27) → IdTokenInfoType (2.0.1 §2.32)."""
    return group(
        source,
        target,
        moved(
            "status", "status", one_of(AUTHORIZATION_STATUSES), why="Invalid also stands for Unknown, which 1.6 has not"
        ),
        moved("expiryDate", "cacheExpiryDateTime", TIME),
        *group_token("groupIdToken"),
    )


def _central(_out: Outbox, _where: str, value: Any) -> dict[str, Any] | None:
    parent = fields.text({"": value}, "")
    return {"idToken": parent[:36], "type": "Central"} if parent else None
