"""What the virtual station remembers of itself. Plain data, bounded, and nothing but data: it can be stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from ingest.frame import Micros
from shadow.device_model.memory import DeviceMemory

__all__ = [
    "Clock",
    "Connector",
    "Doubt",
    "Held",
    "InstalledProfile",
    "OpenError",
    "PendingStart",
    "Requested",
    "Reservation",
    "StationState",
    "Transaction",
    "WaitingEvent",
]

MAX_OPEN: Final = 64
"""Open transactions kept per charging station."""
MAX_ENDED: Final = 8
"""Ended ones that are remembered, to recognise what is told again. A runtime writes them with every frame: few."""
MAX_CONNECTORS: Final = 64
MAX_WAITING: Final = 64
"""TransactionEvents that wait for the reorder horizon, per charging station; with more of them the first is said."""
MAX_RESERVATIONS: Final = 64


class Held(msgspec.Struct, omit_defaults=True):
    """Transaction.End samples that wait for their StopTransaction, or Transaction.Begin samples for Charging."""

    meter_value: dict[str, Any]
    frame_id: str
    until: Micros
    offline: bool = False
    """They were queued while the station was offline, judged when they came."""
    received_at: Micros | None = None
    begin: bool = False
    measured_at: Micros = 0
    """The station's own time of them."""


class WaitingEvent(msgspec.Struct, omit_defaults=True):
    """A TransactionEvent that waits for its turn, and for its seqNo."""

    transaction_id: str
    payload: dict[str, Any]
    """TransactionEventRequest; its seqNo and evse are set when it is said."""
    at: Micros
    """The station's own time of it."""
    caused_by: tuple[str, ...]
    placed: bool = True
    """The EV is connected, so that it may be the event which names the EVSE."""
    due: Micros = 0
    answer: dict[str, Any] | None = None
    """TransactionEventResponse, where the primary's answer came already."""
    answered_by: str = ""
    """The frame of that answer."""


class Transaction(msgspec.Struct, omit_defaults=True):
    """One transaction of the virtual station."""

    transaction_id: str
    opened_by: str
    """The frame that opened it, or showed it first."""
    connector_id: int
    received_at: Micros
    message_id: str = ""
    id_token: str | None = None
    started_text: str = ""
    started_at: Micros | None = None
    plausible_start: bool = True
    meter_start: Decimal | None = None
    primary_ids: list[str] = msgspec.field(default_factory=list)
    """The primary's ids for it, as text. Evidence, never identity."""
    seq_no: int = 0
    """Of the next event that is said."""
    evse_told: bool = False
    charged_at: Micros | None = None
    """When it first was Charging, by the station's clock."""
    charging_state: str | None = None
    register: Decimal | None = None
    """Last total import register, in Wh."""
    register_resolution: Decimal = Decimal(1)
    register_at: Micros | None = None
    begin_sample: Decimal | None = None
    end_sample: Decimal | None = None
    end_resolution: Decimal = Decimal(1)
    end_sample_at: Micros | None = None
    last_at: Micros | None = None
    """Charger time of the latest event that was said."""
    held: list[Held] = msgspec.field(default_factory=list)
    adopted: bool = False
    """It was running before the first frame that we saw."""
    refused: bool = False
    """The primary answered its start with another status than Accepted."""
    cable_out: bool = False
    early: bool = False
    """It began before its StartTransaction, which has not come (`station.boundaries`)."""
    joined_by: str = ""
    """The frame of the StartTransaction that joined it."""
    latent: bool = False
    """1.6 began it, and no start point of 2.0.1 is true yet."""
    remote_start_id: int | None = None
    reservation_id: int | None = None
    """What the Started of a latent one will carry."""
    token_info: dict[str, Any] | None = None
    """IdTokenInfoType that the primary gave for its StartTransaction, of a latent one."""
    token_told_by: str = ""
    """The frame that made its Started: the answer to it carries `token_info` (E01.FR.12)."""
    overrun: bool = False
    """It ended in 2.0.1, and its StopTransaction has not come."""
    stop: dict[str, Any] | None = None
    """With TxStopPoint EVConnected alone: what StopTransaction said, until the cable goes."""
    ended: bool = False
    ended_at: Micros | None = None
    meter_stop: Decimal | None = None
    key_version: str = ""
    """The key that its token is a pseudonym under."""


class OpenError(msgspec.Struct, omit_defaults=True):
    """An error of a connector that was reported and not cleared."""

    code: str
    """Its 1.6 errorCode."""
    standing: bool = False
    """It came with status Faulted; otherwise it is a warning (1.6 section 4.9)."""
    tech_code: str = ""
    tech_info: str = ""


class Doubt(msgspec.Struct, omit_defaults=True):
    """A status that contradicts what is known of transactions; judged when it has had time to come right."""

    status: str
    frame_id: str
    since: Micros
    due: Micros


class Reservation(msgspec.Struct, omit_defaults=True):
    """A reservation that the station accepted."""

    connector_id: int
    """0 for any."""
    id_token: str
    expires_at: Micros
    accepted_at: Micros
    parent: str = ""
    presented_at: Micros | None = None
    """When its token, or one of its group, was last accepted in answer to Authorize."""
    cancelling: bool = False
    """A CancelReservation waits for its answer."""
    key_version: str = ""
    """The key that its tokens are pseudonyms under."""


class Connector(msgspec.Struct, omit_defaults=True):
    """One 1.6 connector (from 1); 0 stands for the station."""

    status: str | None = None
    """Last 1.6 status."""
    reported: str | None = None
    """Last 2.0.1 connectorStatus that was sent."""
    preparing_at: Micros | None = None
    transaction_id: str | None = None
    """The open transaction."""
    register: Decimal | None = None
    """Last register reading over all sessions, in Wh."""
    register_resolution: Decimal = Decimal(1)
    seen_since: Micros | None = None
    """The station's time since which every transaction on it is seen to begin; None while one may run unseen."""
    last: str | None = None
    """Last 1.6 status for the table of section 4.9; None after whatever may have hidden one (gap, boot, reconnect)."""
    last_at: Micros | None = None
    """The station's time of it."""
    errors: list[OpenError] = msgspec.field(default_factory=list)
    """At most one for each error code, as warning and as fault."""
    doubt: Doubt | None = None


class PendingStart(msgspec.Struct, omit_defaults=True):
    """An accepted RemoteStartTransaction that waits for its StartTransaction."""

    remote_start_id: int
    id_token: str
    connector_id: int | None
    accepted_at: Micros


class InstalledProfile(msgspec.Struct, omit_defaults=True):
    """A charging profile that the station accepted, as far as another one can be in conflict with it."""

    profile_id: int
    evse_id: int
    """0 for the whole station."""
    purpose: str
    """ChargingProfilePurposeEnumType of 2.0.1."""
    stack_level: int
    valid_from: Micros | None = None
    valid_to: Micros | None = None
    transaction_id: str | None = None
    """The shadow's transaction that a TxProfile is for."""


class Requested(msgspec.Struct, omit_defaults=True):
    """The requestIds of log uploads, or of firmware updates."""

    current: int | None = None
    """That of the latest request which was not refused; what is reported without an id is reported for it."""
    asked: dict[str, tuple[int, int | None]] = msgspec.field(default_factory=dict)
    """Requests without an answer, by frame: their own id, and the one that was current before."""


class Clock(msgspec.Struct, omit_defaults=True):
    """How far the charging station's clock stands from the tap's, from what it stamped."""

    offsets: list[Micros] = msgspec.field(default_factory=list)
    """Charger time minus receive time of the latest stamps. Queueing only ever lowers it, so the largest counts."""
    doubted: list[Micros] = msgspec.field(default_factory=list)
    """Latest offsets that were put down to queueing, all alike."""
    doubted_since: Micros = 0
    skewed: bool = False

    @property
    def offset(self) -> Micros | None:
        """The best estimate, None before the first stamp."""
        return max(self.offsets) if self.offsets else None


class StationState(msgspec.Struct, omit_defaults=True):
    """The virtual station."""

    connectors: dict[int, Connector] = msgspec.field(default_factory=dict)
    transactions: dict[str, Transaction] = msgspec.field(default_factory=dict)
    """Open and recently ended ones by transactionId, oldest first."""
    waiting: list[WaitingEvent] = msgspec.field(default_factory=list)
    """TransactionEvents inside the reorder horizon, in the order of falling due; of equals the first that came."""
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    """The primary's transaction ids → transactionId, newest meaning."""
    clock: Clock = msgspec.field(default_factory=Clock)
    booted: bool = False
    """A BootNotification that nobody triggered was seen: what ran before is known."""
    boot_status: str | None = None
    """Answer to the last BootNotification; `waiting` before it came, None before the first."""
    booted_at: Micros | None = None
    """When the last BootNotification came that nobody triggered."""
    boot_reason: str = ""
    """Its reason: until one is accepted, the station says the same again (1.6 section 4.2)."""
    boot_connected_at: Micros | None = None
    """When the connection opened that it came on, where that was seen."""
    installed_at: Micros | None = None
    """When new firmware was last said to be installed or about to be, until the boot that it leads to."""
    boot_triggered_at: Micros | None = None
    calls_before_boot: list[str] = msgspec.field(default_factory=list)
    triggered: dict[str, Micros] = msgspec.field(default_factory=dict)
    """When a TriggerMessage was last accepted, by the 1.6 action that it asks for."""
    reset_at: Micros | None = None
    """When the primary's last Reset was accepted."""
    boot_reset_at: Micros | None = None
    """The same, until the boot that it led to."""
    authorized: dict[str, Micros] = msgspec.field(default_factory=dict)
    """When a token was last accepted in answer to Authorize, by its lower-case form."""
    remote_starts: list[PendingStart] = msgspec.field(default_factory=list)
    remote_start_id: int = 0
    commanded_starts: dict[str, PendingStart] = msgspec.field(default_factory=dict)
    """The remoteStartId of each RemoteStartTransaction that waits for its answer, by frame."""
    fanned_triggers: dict[str, int] = msgspec.field(default_factory=dict)
    """How many TriggerMessages of 2.0.1 one of 1.6 became, where not one, until its answer, by frame."""
    report_id: int = 0
    """The requestId of the latest report that was asked for."""
    reports: dict[str, int] = msgspec.field(default_factory=dict)
    """The requestId of each report that waits for its GetConfiguration.conf, by frame."""
    connector_count: int | None = None
    """NumberOfConnectors, as the station last said it."""
    profiles: list[InstalledProfile] = msgspec.field(default_factory=list)
    """Charging profiles that were accepted and not cleared, oldest first."""
    requests: dict[str, Requested] = msgspec.field(default_factory=dict)
    """By what is requested: `log` or `firmware`."""
    lowest_request_id: int = 0
    """The lowest requestId seen or made, none above 0: those that are made go down from there."""
    contracts: list[str] = msgspec.field(default_factory=list)
    """The latest eMAIDs that Plug & Charge identified, in lower case: their type is known wherever they stand."""
    reservations: dict[int, Reservation] = msgspec.field(default_factory=dict)
    """By reservationId, those that are neither used nor over, oldest first."""
    meter_public_keys: dict[int, str] = msgspec.field(default_factory=dict)
    """MeterPublicKey by 1.6 connector, as the station said it; 0: of the station."""
    event_id: int = 0
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    device: DeviceMemory = msgspec.field(default_factory=DeviceMemory)
    """What was told of its device model: of 1.6 and of native 2.0.1 alike."""
