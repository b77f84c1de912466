"""Traffic examined: what came of one charging station's frames, with how much of each thing was looked at.

The reports that judge a whole recording, or a fleet, start from it. A count of nothing wrong says little without the
count of what was seen (law 6), so both are kept, for 1.6 and for native 2.0.1 apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from diff.discrepancy import Discrepancy, Status
from diff.fleet import Fault, Fleet
from diff.judge import Judgement
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import Policy
from ingest.exchange import Answered, Called
from ingest.frame import Frame, FrameKind, Micros
from ingest.key_ring import comparable
from shadow import subprotocol
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.fact import Source
from shadow.message import MessageType, ShadowMessage
from shadow.native.reading import nested, text

__all__ = ["PROTOCOLS", "Counts", "Examination", "Examined", "Row"]

PROTOCOLS: Final = (subprotocol.V16, subprotocol.NATIVE)
_DAY: Final[Micros] = 86_400_000_000
_MAX_ROWS: Final = 50_000
"""Discrepancies kept for one charging station; of more the oldest are let go and counted."""
_MAX_TOKENS: Final = 1024
_STATION: Final = ("vendorName", "model", "serialNumber", "firmwareVersion")
_USED: Final = frozenset({"Accepted", None})


class Counts(msgspec.Struct):
    """How much was seen in one protocol."""

    seen: Counter[str] = msgspec.field(default_factory=Counter)
    """`messages`, `events` (TransactionEvents), `tokens`, `places` (messages that name an EVSE), `boots`,
    `inventories` (all keys in one answer, or a whole report), `requests`, `connections`, `pings`."""
    noticed: Counter[str] = msgspec.field(default_factory=Counter)
    """What no code of the catalogue is for, by rule: `idToken:empty`, `DataTransfer:used` …"""


class Row(msgspec.Struct, frozen=True):
    """A discrepancy that stands, and in which protocol it came."""

    discrepancy: Discrepancy
    protocol: str


class Examined(msgspec.Struct):
    """One charging station."""

    charger_id: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    counts: dict[str, Counts] = msgspec.field(default_factory=lambda: {name: Counts() for name in PROTOCOLS})
    rows: list[Row] = msgspec.field(default_factory=list)
    """In the order of path, first evidence and id."""
    let_go: int = 0
    """Discrepancies beyond those that are kept."""
    judged_by_tokens: int = 0
    judged_by_mapping: int = 0
    """Answers to tokens, by what they could be judged: `shadow.csms.authorization`."""


class _Station:
    def __init__(self, charger_id: str) -> None:
        self.examined = Examined(charger_id)
        self.rows: dict[str, Row] = {}
        self.protocol = subprotocol.V16
        self.key_version = ""
        self.tokens: dict[str, str] = {}
        """Tokens seen, as they were first written, by their lower-case form."""


class Examination:
    """Lives frames and hands out each charging station when no more of it comes. A `Counter` of `app.sources`."""

    def __init__(
        self,
        done: Callable[[Examined], None],
        config: ShadowConfig = DEFAULT,
        policy: Policy = DEFAULT_POLICY,
        *,
        settle: bool = False,
    ) -> None:
        """Prepare. `settle`: the end is taken for silence, and everything that waits is judged."""
        self._fleet = Fleet(config, policy)
        self._config, self._policy, self._settle = config, policy, settle
        self._done = done
        self._stations: dict[str, _Station] = {}
        self.faults: list[Fault] = []
        """Frames that could not be judged because of an error in this program."""

    def feed(self, frame: Frame) -> None:
        """Live one frame."""
        if frame.kind is not FrameKind.TICK:
            self._look(frame)
        for judgement in self._fleet.feed(frame):
            self._take(frame, judgement)
        self.faults += self._fleet.take_faults()

    def forget(self, charger_id: str) -> None:
        """No more frames of this charging station come: what waits for the reorder horizon is said."""
        station = self._stations.get(charger_id)
        state = self._fleet.chargers.get(charger_id)
        if station is None or state is None:
            return
        latest = state.shadow.now
        moments = [latest + self._config.reorder_horizon]
        if self._settle:
            waits = (self._policy.settle_missing, self._policy.settle_reboot, self._policy.settle_silence)
            moments += [latest + max(*waits) + _DAY, latest + 2 * (max(*waits) + _DAY)]
        for at in moments:  # the second after settling: what the first reveals may arm a deadline of its own
            for judgement in self._fleet.wake(charger_id, at):
                self._take(Frame(charger_id, "", 0, at, FrameKind.TICK), judgement)
        self.faults += self._fleet.take_faults()
        csms = state.shadow.csms
        del self._stations[charger_id]
        self._fleet.forget(charger_id)
        one = station.examined
        one.judged_by_tokens, one.judged_by_mapping = csms.judged_by_tokens, csms.judged_by_mapping
        standing = [row for row in station.rows.values() if row.discrepancy.status is Status.OPEN]
        one.rows = sorted(standing, key=_order)
        self._done(one)

    def end(self) -> None:
        """No more frames come."""
        for charger_id in sorted(self._stations):
            self.forget(charger_id)

    def _look(self, frame: Frame) -> None:
        station = self._stations.get(frame.charger_id)
        if station is None:
            station = self._stations[frame.charger_id] = _Station(frame.charger_id)
        seen = station.examined.counts[self._protocol(station, frame)].seen
        if frame.kind is FrameKind.OPENED:
            shake = frame.handshake
            version = "" if shake is None else shake.key_version
            if not comparable(version, station.key_version):
                station.tokens = {}  # how they were written before is no measure of how they are now
            station.key_version = version or station.key_version
            named = None if shake is None else shake.subprotocol
            if named in (None, *PROTOCOLS) and not subprotocol.is_refused(frame):
                station.examined.counts[named or station.protocol].seen["connections"] += 1
        elif frame.kind is FrameKind.PING:
            seen["pings"] += 1

    def _protocol(self, station: _Station, frame: Frame) -> str:
        state = self._fleet.chargers.get(frame.charger_id)
        if state is not None and frame.kind is not FrameKind.TICK:
            speaks = subprotocol.of(state.shadow, frame.connection_id)
            station.protocol = speaks if speaks in PROTOCOLS else station.protocol
        return station.protocol

    def _take(self, frame: Frame, judgement: Judgement) -> None:
        charger = judgement.charger
        station = None if charger is None else self._stations.get(charger.charger_id)
        if charger is None or station is None:
            return
        one = station.examined
        one.vendor, one.model, one.firmware = charger.vendor, charger.model, charger.firmware
        protocol = self._protocol(station, frame)
        counts, obs = one.counts[protocol], judgement.observations
        if isinstance(obs.event, Called | Answered):
            counts.seen["messages"] += 1
        counts.seen["requests"] += isinstance(obs.event, Called)
        counts.seen["inventories"] += sum(fact.source is Source.ANSWER for fact in obs.facts)
        for message in obs.messages:
            self._message(station, counts, message)
        for refused in obs.refused:
            verdict = refused.partition(" ")[0]
            if verdict != "duplicate":  # a resend (E13.FR.02) breaks nothing
                counts.noticed[f"TransactionEvent:{verdict}"] += 1
        for row in judgement.discrepancies:
            known = station.rows.pop(row.id, None)
            station.rows[row.id] = Row(row, protocol if known is None else known.protocol)
            if len(station.rows) > _MAX_ROWS:
                del station.rows[next(iter(station.rows))]
                one.let_go += 1

    def _message(self, station: _Station, counts: Counts, message: ShadowMessage) -> None:
        payload = message.payload
        if message.type is MessageType.RESPONSE and message.action == "DataTransfer":
            counts.noticed["DataTransfer:refused"] += text(payload, "status") not in _USED
        if message.type is not MessageType.REQUEST:
            return
        counts.seen["events"] += message.action == "TransactionEvent"
        counts.seen["places"] += "evse" in payload or "evseId" in payload
        counts.noticed["DataTransfer:used"] += message.action == "DataTransfer"
        if message.action == "BootNotification":
            counts.seen["boots"] += 1
            about = nested(payload, "chargingStation")
            for name in _STATION:
                counts.noticed[f"chargingStation.{name}:absent"] += not text(about, name)
        if "idToken" in payload:
            counts.seen["tokens"] += 1
            for rule in _token_rules(station.tokens, payload["idToken"], guessed="idToken.type" in message.provenance):
                counts.noticed[f"idToken:{rule}"] += 1


def _token_rules(known: dict[str, str], given: Any, *, guessed: bool) -> list[str]:
    """What is wrong with an IdTokenType (2.0.1 §2.31) that no schema forbids."""
    if not isinstance(given, dict):
        return []
    value, kind = text(given, "idToken"), text(given, "type")
    if value is None:
        return []
    if not value:
        return ["empty"] if guessed or kind != "NoAuthorization" else []  # C01.FR.25: NoAuthorization has no token
    first = known.setdefault(value.lower(), value)
    if len(known) > _MAX_TOKENS:
        del known[next(iter(known))]
    rules = [] if first == value else ["case"]
    return [*rules, "type-guessed"] if guessed and kind == "Central" else rules


def _order(row: Row) -> tuple[str, str, Micros, str]:
    one = row.discrepancy
    return one.code, one.path, one.first_received_at, one.id
