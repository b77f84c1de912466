"""How the shadow lives: the settings of the virtual station that change what it believes.

Plain data, no default hidden elsewhere. They belong to the mapper's identity: other settings, another run.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from ingest.frame import Micros
from ingest.key_ring import NO_KEYS, KeyRing
from shadow import tokens, topology
from shadow.device_model import vendor
from shadow.device_model.vendor import VendorMapping
from shadow.station.points import FALSE_WITH, TRUE_WITH, Stimulus
from shadow.tokens import TokenBook
from shadow.topology import Topology

__all__ = ["DEFAULT", "MAPPER_VERSION", "SECOND", "ShadowConfig", "checked"]

MAPPER_VERSION: Final = "4"
"""Rises whenever the same frames would give other 2.0.1 messages."""

SECOND: Final[Micros] = 1_000_000


class ShadowConfig(msgspec.Struct, frozen=True):
    """Settings of the virtual station."""

    tx_stop_points: frozenset[str] = frozenset({"EVConnected", "Authorized"})
    """TxStopPoint (2.0.1 Part 2 §2.6.6). With `Authorized` or `PowerPathClosed` among them a transaction ends at
    StopTransaction; with `EVConnected` alone it ends when the cable goes (F03.FR.02)."""
    tx_start_points: frozenset[str] = frozenset({"PowerPathClosed"})
    """TxStartPoint. `PowerPathClosed` is StartTransaction: the 1.6-compatible setting (Part 2 §1.1.2, Table 95)."""
    id_token_type: str = "guess"  # noqa: S105 - the name of a rule, not a secret
    """IdTokenEnumType given to every 1.6 idTag, or `guess` (by its form). Never compared."""
    autocharge: bool = False
    """Twelve hexadecimal digits are a car's MAC address (Autocharge); only where the type is guessed by its form."""
    topology: Topology = topology.DEFAULT
    """Which EVSE each 1.6 connector belongs to."""
    vendor_mapping: VendorMapping = vendor.DEFAULT
    """Which variable a vendor's configuration key is."""
    security_profile: int = 0
    """The security profile of 2.0.1 that is aimed at, 1 to 3 (A00); 0: none, nothing is judged by it."""
    tls_before_tap: bool = False
    """TLS ends before the tap, so that it cannot see whether a station has any, nor its client certificate."""
    tokens: TokenBook = tokens.NONE
    """The tokens that the 2.0.1 CSMS would know; without them only the mapping of statuses is judged."""
    keys: KeyRing = NO_KEYS
    """The keys of pseudonyms, so that a billing record is known again that came under another one than its session."""
    connection_timeout: Micros = 180 * SECOND
    """How long an Authorize or accepted RemoteStartTransaction waits for its StartTransaction (EVConnectionTimeOut)."""
    end_sample_hold: Micros = 120 * SECOND
    """How long Transaction.End samples that come before their StopTransaction wait to be merged into Ended."""
    begin_sample_hold: Micros = 30 * SECOND
    """How long Transaction.Begin samples that come after their Started wait to be merged into the Updated that reports
    Charging."""
    reorder_horizon: Micros = 2 * SECOND
    """How long a TransactionEvent waits for older ones before it gets its seqNo; 0: it is said at once."""
    offline_after: Micros = 60 * SECOND
    """Without connection events: an event that arrives so much later than it happened was queued offline."""
    offline_margin: Micros = 2 * SECOND
    """With connection events: an event stamped so much before the connection opened was queued offline."""
    status_grace: Micros = 300 * SECOND
    """How long a status may be without the transaction that it speaks of, or the reverse: messages of transactions are
    queued and sent again, statuses are not (1.6 section 3.7.1)."""
    skew_limit: Micros = 30 * SECOND
    """A charging station's clock further than this from the tap's is named `clock.skew`."""
    slow_answer: Micros = 10 * SECOND
    unanswered_after: Micros = 60 * SECOND
    """An open call older than this is named `rpc.unanswered`; a later answer withdraws it. A ping that waits
    so long for its pong is named `keepalive.missed`."""
    largest_power_w: Decimal = Decimal(1_000_000)
    """A register that advances faster than this many watts is named `meter.implausible`."""
    placeholder_from_wh: Decimal = Decimal(100_000)
    """A register that begins at 0 while the next reading is at least this large began with a placeholder."""


DEFAULT: Final = ShadowConfig()

_NO_EVIDENCE: Final = {
    "tx_start_points": "1.6 says nothing of parking bays, so no transaction would ever begin",
    "tx_stop_points": "1.6 never shows that they become false, so no transaction would ever end",
}
_TOKEN_TYPES: Final = frozenset(
    {"guess", "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"}
)
"""`guess`, and IdTokenEnumType (2.0.1 §3.43)."""


def checked(config: ShadowConfig) -> ShadowConfig:
    """The same settings.

    Raises:
        ValueError: a start point, stop point or token type that is none, or that 1.6 has no evidence for; names the
            ones that can be chosen.

    """
    _check_points("tx_start_points", config.tx_start_points, TRUE_WITH)
    _check_points("tx_stop_points", config.tx_stop_points, FALSE_WITH)
    if config.id_token_type not in _TOKEN_TYPES:
        raise ValueError(f"id_token_type = {config.id_token_type}: choose from {', '.join(sorted(_TOKEN_TYPES))}")
    if not 0 <= config.security_profile <= 3:
        raise ValueError(f"security_profile = {config.security_profile}: 1, 2 or 3, or 0 where none is aimed at")
    return config


def _check_points(name: str, points: frozenset[str], table: Mapping[str, frozenset[Stimulus]]) -> None:
    wanted = ", ".join(sorted(points)) or "none"
    if not points or points - set(table):
        raise ValueError(f"{name} = {wanted}: choose from {', '.join(sorted(table))}")
    if not any(table[point] for point in points):
        usable = ", ".join(sorted(point for point in table if table[point]))
        raise ValueError(f"{name} = {wanted}: {_NO_EVIDENCE[name]}; add one of {usable}")
