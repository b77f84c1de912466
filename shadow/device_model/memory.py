"""What is remembered of a station's device model, so that only what is new becomes a fact. Plain data, bounded."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ingest.frame import Micros

__all__ = ["ConnectorMemory", "DeviceMemory", "ReportMemory"]


class ConnectorMemory(msgspec.Struct, omit_defaults=True):
    """What was told of one 1.6 connector."""

    status: str = ""
    """Latest status and errorCode that were told, as `station.observed` writes them."""
    status_at: Micros = 0
    """Tap clock of them."""
    shapes: list[int] = msgspec.field(default_factory=list)
    """Digests of the shapes of meter values that were seen, the latest last: of such a one nothing is to be learnt."""
    measured: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """By measurand: its unit, then the phases, locations and contexts that it was seen with, sorted."""
    largest: dict[str, Decimal] = msgspec.field(default_factory=dict)
    """By measurand, the largest value that was told, in W or A."""


class ReportMemory(msgspec.Struct, omit_defaults=True):
    """A base report of a native station that is under way."""

    base: str
    """ReportBaseEnumType."""
    since: Micros = 0
    """When its first part came."""
    parts: int = 0
    """Parts that came, which is the seqNo of the next one."""
    variables: int = 0
    """Told so far."""
    supplied: int = 0
    """Which of the required variables were in it: a bit for each (`shadow.native.device_findings`)."""
    broken: bool = False
    """A part is missing: nothing can be said of what is not in it."""


class DeviceMemory(msgspec.Struct, omit_defaults=True):
    """What was told of one charging station."""

    connectors: dict[int, ConnectorMemory] = msgspec.field(default_factory=dict)
    """By 1.6 connector; 0 is the station."""
    keys: str = ""
    """Digest of the latest answer with all keys; empty where the next such answer has to be told key by key."""
    keys_since: Micros = 0
    """When the first answer came that read just so."""
    profiles: int | None = None
    """How many charging profiles were told to be installed."""
    certificates: dict[str, int] = msgspec.field(default_factory=dict)
    """Certificates listed last, by certificateType of 1.6."""
    transfers: list[int] = msgspec.field(default_factory=list)
    """Digests of the names of the data transfers that were told."""
    accepted: list[int] = msgspec.field(default_factory=list)
    """Those of them that the other side accepted."""
    missing: list[str] = msgspec.field(default_factory=list)
    """Required variables that were named as missing, by address; the standard has no more than 72."""
    security: str = ""
    """What was judged of the latest handshake; empty before the first."""
    reports: dict[int, ReportMemory] = msgspec.field(default_factory=dict)
    """By requestId, oldest first."""
    accrued_at: Micros = 0
    """Tap clock of the newest fact that sums up several messages."""
