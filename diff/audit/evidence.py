"""What a charging station's traffic shows, as counts: the ground that every statement of the audit stands on. Pure.

Two ways lead to the same record: `diff.audit.observing` folds frames, `diff.store.queries.audit` counts stored ones.
What both must agree on, such as what counts as an accepted answer, stands here once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ingest.frame import UNKNOWN_TIME, Direction, Micros
from shadow import schema

__all__ = [
    "DAY",
    "LOGGED",
    "MOST_NAMES",
    "NATIVE_FIELDS",
    "NATIVE_ONLY",
    "NOT_SAID",
    "OCPP16",
    "OCPP201",
    "OTHER",
    "ActionCount",
    "Connections",
    "Count",
    "Evidence",
    "FirmwareSeen",
    "Latency",
    "Pings",
    "Transfer",
    "action_count",
    "action_name",
    "counts",
    "latency_of",
    "outcome",
    "transfer_count",
    "version_name",
]

OCPP16: Final = "ocpp1.6"
OCPP201: Final = "ocpp2.0.1"
OTHER: Final = "(other)"
"""Stands for actions and names beyond those that are counted one by one."""
NOT_SAID: Final = "(none)"
"""Stands where a handshake, a close or a message leaves out what is counted."""
DAY: Final[Micros] = 86_400_000_000
MOST_NAMES: Final = 100
"""Different values of one kind that are counted by name: a fuzzer has any number of them."""
LOGGED: Final = 40
"""Characters of a name from the wire that are kept."""

_ACTIONS: Final = frozenset((*schema.actions(schema.V16), *schema.actions(schema.V201)))
NATIVE_ONLY: Final = frozenset(schema.actions(schema.V201)) - frozenset(schema.actions(schema.V16))
"""Actions that only 2.0.1 has: one of them tells what a connection speaks whose log does not."""
NATIVE_FIELDS: Final = {
    "Authorize": "idToken",
    "BootNotification": "chargingStation",
    "MeterValues": "evseId",
    "StatusNotification": "connectorStatus",
}
"""Actions of both versions, and a field that only 2.0.1 requires of them."""

_TAKEN: Final = frozenset({"", "Accepted", "AcceptedCanceled", "Scheduled", "RebootRequired", "Unlocked"})
"""Statuses with which a charging station does, or will do, what it was told; none at all counts with them."""
_LACKING: Final = frozenset({"NotSupported", "NotImplemented"})
"""Statuses and CALLERROR codes with which it says that it has no such thing (1.6J §4.2.3, 2.0.1 Part 4 §4.3)."""
_OF_THE_ITEM: Final = frozenset({"ChangeConfiguration", "ExtendedTriggerMessage", "TriggerMessage"})
"""Of these the status speaks of the key, or of the message that is asked for, and not of the action."""


class ActionCount(msgspec.Struct, frozen=True, order=True):
    """What was said of one action in one direction."""

    protocol: str
    """What the connection speaks: `ocpp1.6`, `ocpp2.0.1`, or as it names itself."""
    direction: Direction
    """Of the request."""
    action: str
    calls: int = 0
    """Requests on the wire, repeated ones included."""
    accepted: int = 0
    refused: int = 0
    not_supported: int = 0
    """Answered with NotSupported or NotImplemented: the station has no such thing."""
    errors: int = 0
    """Answered with any other CALLERROR."""

    @property
    def answered(self) -> int:
        """Requests that an answer was seen to."""
        return self.accepted + self.refused + self.not_supported + self.errors


class Count(msgspec.Struct, frozen=True):
    """How often one name came."""

    name: str
    number: int


class Connections(msgspec.Struct, frozen=True):
    """What was seen of the connections themselves."""

    seen: int = 0
    """Different connections that a frame came on."""
    opened: int = 0
    """Handshakes that succeeded; a connection that was there before the tap has none."""
    refused: int = 0
    """Handshakes that the CSMS refused."""
    closes: tuple[Count, ...] = ()
    """By WebSocket close code (RFC 6455 §7.4); without one the socket just ended."""
    spoken: tuple[Count, ...] = ()
    """Subprotocols that were agreed."""
    offered: tuple[Count, ...] = ()
    """Subprotocols that the station offered, each once per handshake."""
    tls: tuple[Count, ...] = ()
    """TLS versions that the tap was told of."""
    basic_auth: int = 0
    client_certificates: int = 0
    """Handshakes with a client certificate. Its subject is not kept here."""
    compressed: int = 0


class Pings(msgspec.Struct, frozen=True):
    """WebSocket pings of one side, and how many of them the other side left unanswered."""

    direction: Direction
    sent: int
    unanswered: int
    """No pong came before the next ping, or before the connection closed."""


class Latency(msgspec.Struct, frozen=True):
    """How long the charging station took to answer the CSMS: tap clock, call to answer, nearest-rank percentiles."""

    n: int
    p50: Micros
    p95: Micros
    p99: Micros
    largest: Micros


class FirmwareSeen(msgspec.Struct, frozen=True):
    """A firmware version that BootNotification named."""

    version: str
    boots: int
    first_at: Micros
    last_at: Micros


class Transfer(msgspec.Struct, frozen=True, order=True):
    """DataTransfer of one vendor and message in one direction."""

    direction: Direction
    vendor: str
    message: str
    calls: int = 0
    accepted: int = 0
    answered: int = 0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one charging station: every list is in the order of its names."""

    charger_id: str
    first_at: Micros = UNKNOWN_TIME
    """Of the first frame with a time."""
    last_at: Micros = UNKNOWN_TIME
    days: int = 0
    """Different days (UTC) on which a frame came."""
    frames: int = 0
    messages: int = 0
    unreadable: int = 0
    """Texts that are no message."""
    gaps: int = 0
    gap_bytes: int = 0
    """What the copy lacks, at least."""
    bytes_forwarded: int | None = None
    """By the tap's accounts; None where there is none, as of a recording: then nobody knows what was not seen."""
    bytes_parsed: int | None = None
    transactions: int = 0
    """StartTransaction that got its answer, and TransactionEvent Started; one that was sent again counts again."""
    actions: tuple[ActionCount, ...] = ()
    connections: Connections = Connections()
    pings: tuple[Pings, ...] = ()
    latency: Latency | None = None
    """None where the station answered nothing."""
    largest: tuple[Count, ...] = ()
    """By direction: bytes of the largest text."""
    errors: tuple[Count, ...] = ()
    """CALLERRORs by the side that sent them and their code: `cp>cs FormationViolation`."""
    firmwares: tuple[FirmwareSeen, ...] = ()
    """In the order in which they were first seen."""
    transfers: tuple[Transfer, ...] = ()


def outcome(direction: Direction, action: str, word: str, *, error: bool) -> str:
    """How a request fared: the field of `ActionCount` that its answer counts in.

    `direction` and `action` are the request's; `word` is the status of a CALLRESULT, or the code of a CALLERROR. What a
    charging station sends is accepted as soon as it is no CALLERROR: Blocked is the token's fate, not the station's.
    """
    if error:
        return "not_supported" if word in _LACKING else "errors"
    if direction is Direction.CP_TO_CS or word in _TAKEN:
        return "accepted"
    if action == "GetLocalListVersion":  # 1.6 §4.10 (-1: there is no local list); its answer has no status
        return "not_supported" if word == "-1" else "accepted"
    return "not_supported" if word in _LACKING and action not in _OF_THE_ITEM else "refused"


def action_count(key: tuple[str, Direction, str], numbers: Mapping[str, int]) -> ActionCount:
    """Protocol, direction and action, and the numbers of `outcome` beside `calls`."""
    fields = ("calls", "accepted", "refused", "not_supported", "errors")
    return ActionCount(*key, *(numbers.get(field, 0) for field in fields))


def transfer_count(key: tuple[Direction, str, str], numbers: Mapping[str, int]) -> Transfer:
    """Direction, vendor and message, and their numbers."""
    return Transfer(*key, *(numbers.get(field, 0) for field in ("calls", "accepted", "answered")))


def action_name(action: str) -> str:
    """The name that an action is counted under."""
    return action if action in _ACTIONS else OTHER


def version_name(name: str | None) -> str:
    """The name that a subprotocol, a TLS version or a close code is counted under."""
    return name[:LOGGED] if name else NOT_SAID


def counts(table: Iterable[tuple[str, int]]) -> tuple[Count, ...]:
    """The names in order, most of them by name and the rest as one."""
    rows = sorted(table)
    kept = [Count(name, number) for name, number in rows[:MOST_NAMES]]
    rest = sum(number for _, number in rows[MOST_NAMES:])
    return (*kept, Count(OTHER, rest)) if rest else tuple(kept)


def latency_of(durations: Sequence[Micros]) -> Latency | None:
    """The percentiles of answer times, nearest rank: the smallest that so many in a hundred do not exceed."""
    if not durations:
        return None
    ordered = sorted(durations)
    p50, p95, p99 = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95, 99))
    return Latency(len(ordered), p50, p95, p99, ordered[-1])
