"""What somebody changed: who, when, what held before and what holds now. The audit trail's record. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from ingest.control import Acknowledgement, Control, EnrolmentRule, EnrolmentSwitch
from ingest.frame import Micros

__all__ = ["ENROLMENT", "Change", "change_of"]

ENROLMENT: Final = "all charging stations"
"""The subject of the kill switch."""


class Change(msgspec.Struct, frozen=True):
    """One change, as it was made."""

    id: str
    at: Micros
    said_by: str
    role: str
    """What the one who said it was allowed to."""
    action: str
    """`acknowledge`, `renew`, `revoke`, `enrol`, `remove`, `switch off`, `switch on`."""
    subject: str
    """The fingerprint, the charging station (or glob), or `ENROLMENT`."""
    before: str
    """JSON of what held before; empty where nothing did, or nobody could tell."""
    after: str
    """JSON of what was said."""
    reason: str
    way: str
    """Where it was said: `page`, `command line`."""


def change_of(item: Control, role: str, way: str, known: Sequence[Acknowledgement] = ()) -> Change:
    """The trail's record of something that is said. `known`: the acknowledgements that are held already."""
    before = ""
    match item:
        case Acknowledgement():
            held = next((one for one in known if one.id == item.id), None)
            standing = held is not None and not held.revoked and held.expires > item.at
            action = "revoke" if item.revoked else "renew" if standing else "acknowledge"
            subject = item.fingerprint
            before = "" if held is None else _json(held)
        case EnrolmentRule():
            action, subject = "enrol" if item.enrolled else "remove", item.charger
        case EnrolmentSwitch():
            action, subject = "switch on" if item.enabled else "switch off", ENROLMENT
    key = "\x1f".join((str(item.at), item.by, action, subject, _json(item)))
    name = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return Change(name, item.at, item.by, role, action, subject, before, _json(item), item.reason, way)


def _json(item: Control) -> str:
    return msgspec.json.encode(item).decode()
