"""What somebody changed: who, when, what held before and what holds now. The audit trail's record. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from ingest.control import Acknowledgement, Control, EnrolmentRule, EnrolmentSwitch
from ingest.frame import Micros

__all__ = ["ENROLMENT", "Change", "change_of", "looked_up"]

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
    """`acknowledge`, `renew`, `revoke`, `enrol`, `remove`, `switch off`, `switch on`, `look up`."""
    subject: str
    """The fingerprint, the charging station (or glob), `ENROLMENT`, or the pseudonym."""
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
    said = _json(item)
    name = _name(item.at, item.by, action, subject, said)
    return Change(name, item.at, item.by, role, action, subject, before, said, item.reason, way)


def looked_up(pseudonym: str, custodians: Sequence[str], reason: str, said: str, at: Micros) -> Change:
    """The trail's record of a pseudonym whose token two custodians found out. The token does not stand in it.

    `said`: JSON of the key versions, and of who sat at the machine.
    """
    who = " and ".join(custodians)
    name = _name(at, who, "look up", pseudonym, said)
    return Change(name, at, who, "custodians", "look up", pseudonym, "", said, reason, "command line")


def _name(at: Micros, by: str, action: str, subject: str, said: str) -> str:
    key = "\x1f".join((str(at), by, action, subject, said))
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _json(item: Control) -> str:
    return msgspec.json.encode(item).decode()
