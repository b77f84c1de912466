"""All that the shadow remembers of one charging station. Plain data, bounded, and nothing else: it can be stored."""

from __future__ import annotations

import msgspec

from ingest.exchange import Pairing
from ingest.frame import Micros
from shadow.csms.state import CsmsState
from shadow.native.state import NativeState
from shadow.station.state import StationState

__all__ = [
    "ChargerState",
    "Keepalive",
    "Ping",
    "Seen",
]


class Seen(msgspec.Struct, omit_defaults=True):
    """Which sequence numbers of a connection were lived."""

    next_seq: int = 0
    holes: list[int] = msgspec.field(default_factory=list)
    """Numbers below `next_seq` that never came, the newest few."""
    speaks: str = ""
    """The subprotocol of the connection; empty where a log does not say it and no CALL told it yet."""
    key_version: str = ""
    """The key that its tokens are pseudonyms under; empty where that is not known."""


class Ping(msgspec.Struct, omit_defaults=True):
    """A ping that waits for its pong, or a connection that was opened lately."""

    frame_id: str
    at: Micros
    named: bool = False


class Keepalive(msgspec.Struct, omit_defaults=True):
    """What shows whether connections are kept alive."""

    interval: int = 0
    """Seconds between heartbeats as the CSMS last said; 0 where it said none."""
    connection: str = ""
    """The connection on which the station spoke last."""
    heard_at: Micros = 0
    heard_in: str = ""
    """The frame in which it spoke last."""
    heartbeats: int = 0
    """Heartbeats on that connection, as far as they are counted."""
    silent: bool = False
    """Its silence was named."""
    pings: dict[str, Ping] = msgspec.field(default_factory=dict)
    """The first ping of each connection and direction that has no pong."""
    opened: list[Ping] = msgspec.field(default_factory=list)
    """Connections of the last minutes."""


class ChargerState(msgspec.Struct, omit_defaults=True):
    """Everything the shadow remembers of one charging station."""

    charger_id: str
    pairing: Pairing = msgspec.field(default_factory=Pairing)
    station: StationState = msgspec.field(default_factory=StationState)
    csms: CsmsState = msgspec.field(default_factory=CsmsState)
    seqs: dict[str, Seen] = msgspec.field(default_factory=dict)
    """By connection, which frames were lived."""
    connected_at: dict[str, Micros] = msgspec.field(default_factory=dict)
    """When each open connection was seen to open."""
    spoken: str = ""
    """The subprotocol that was agreed last."""
    native: NativeState | None = None
    """What is remembered of it while it speaks 2.0.1 itself; None where it never did."""
    keepalive: Keepalive = msgspec.field(default_factory=Keepalive)
    overdue: dict[str, Micros] = msgspec.field(default_factory=dict)
    """Calls already named unanswered, by frame id."""
    asked: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """The 2.0.1 requests that were made of calls that are open, by frame id: what may be answered."""
    messages: int = 0
    """How many 2.0.1 messages were made: the number of the next one."""
    due: Micros | None = None
    """When the next thing falls due; None where nothing waits. A tick before it changes nothing."""
    now: Micros = 0
    """The watermark: the latest time that a frame told."""
    key_version: str = ""
    """The key that the tokens which are remembered are pseudonyms under; empty where that is not known."""
