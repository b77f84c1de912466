"""Local authorization list (2.0.1 part D)."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.rules import ANSWER, FROM_CSMS, REQUEST, Table, group, moved, same
from shadow.mapping.tokens import id_tag, id_tag_info
from shadow.mapping.values import INTEGER, one_of
from shadow.station import fields
from shadow.station.outbox import Outbox

__all__ = ["TABLES"]

_UPDATE_TYPES: Final = {"Differential": "Differential", "Full": "Full"}
_UPDATE_STATUSES: Final = {
    # 1.6 §7.43 UpdateStatus → 2.0.1 §3.69 SendLocalListStatusEnumType; NotSupported is answered with a CALLERROR.
    "Accepted": "Accepted",
    "Failed": "Failed",
    "VersionMismatch": "VersionMismatch",
}


def _version(out: Outbox, where: str, value: Any) -> int | None:
    """-1 is "no local list" in 1.6, and 0 an empty one; 2.0.1 says 0 of both, for it counts lists from 1 (D02)."""
    number = fields.integer({"": value}, "")
    if number is None or number >= 0:
        return number
    out.lost(where, number, detail="no local list is supported: 2.0.1 says 0, as where there is none yet (D02)")
    return 0


TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="SendLocalList",
        part=REQUEST,
        directions=FROM_CSMS,
        message="SendLocalList",
        rules=(
            moved("listVersion", "versionNumber", INTEGER),
            same("updateType", one_of(_UPDATE_TYPES)),
            group(
                "localAuthorizationList",
                "localAuthorizationList",
                *id_tag("idTag", "idToken"),
                id_tag_info(),
                why="without idTagInfo an entry of a Differential list is removed, in both versions (D01.FR.16);"
                " an empty list is left out",
            ),
        ),
    ),
    Table(
        action="SendLocalList",
        part=ANSWER,
        directions=FROM_CSMS,
        message="SendLocalList",
        rules=(
            same(
                "status",
                one_of(_UPDATE_STATUSES),
                lossy=True,
                why="NotSupported has no value: said as the CALLERROR NotSupported, and named (message.no-answer)",
            ),
        ),
    ),
    Table(action="GetLocalListVersion", part=REQUEST, directions=FROM_CSMS, message="GetLocalListVersion"),
    Table(
        action="GetLocalListVersion",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetLocalListVersion",
        rules=(moved("listVersion", "versionNumber", _version, lossy=True, why="-1 (not supported) becomes 0"),),
    ),
)
