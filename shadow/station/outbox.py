"""What a handler of the virtual station has at hand: the frame it lives, and where its output goes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ingest.exchange import PendingCall
from ingest.frame import UNKNOWN_TIME, Direction, Frame, Micros
from ingest.timestamps import Flaw, Stamp, format_micros, parse_stamp
from shadow.config import ShadowConfig
from shadow.device_model.fact import LONGEST_NAME, LONGEST_VALUE, Fact, Source
from shadow.mapping.keys import Key
from shadow.mapping.vendor_keys import find_key
from shadow.message import Finding, MessageType, Observations, Provenance, ShadowMessage
from shadow.schema import V201, violations
from shadow.state import ChargerState
from shadow.station.fields import id_token
from shadow.station.state import Clock, StationState
from shadow.topology import Place

__all__ = ["Outbox", "seconds"]

_CLOCK_SAMPLES = 16
_LONGEST_STAMP = 64
_DOUBTS = 4
_QUEUED_BY: Micros = 5_000_000
_SAME_CLOCK: Micros = 2_000_000
_DOUBTED_FOR: Micros = 120_000_000
_QUARTER_HOUR: Micros = 900_000_000
_FLAW_CODES = {Flaw.NO_ZONE: "clock.no-zone", Flaw.UNPARSEABLE: "clock.unparseable", Flaw.EPOCH: "clock.epoch"}
_NO_PROVENANCE: dict[str, Provenance] = {}
_NO_DETAIL: dict[str, str] = {}


def seconds(span: Micros) -> Decimal:
    """A span in seconds, exactly."""
    return Decimal(span).scaleb(-6)


class Outbox:
    """Collects what one frame (or one deadline) brings: messages, findings, and what could not be mapped."""

    __slots__ = ("_charger", "at", "charger_id", "config", "connected_at", "frame_id", "obs", "station", "zoneless")

    def __init__(self, charger: ChargerState, frame: Frame, config: ShadowConfig, obs: Observations) -> None:
        self._charger = charger
        self.station: StationState = charger.station
        self.charger_id = charger.charger_id
        self.frame_id = frame.frame_id
        self.at: Micros = frame.received_at
        self.zoneless = frame.zoneless
        self.connected_at: Micros | None = charger.connected_at.get(frame.connection_id)
        self.config = config
        self.obs = obs

    @property
    def key_version(self) -> str:
        """The key that tokens are pseudonyms under now; empty where that is not known."""
        return self._charger.key_version

    def say(
        self,
        action: str,
        payload: dict[str, Any],
        provenance: dict[str, Provenance] = _NO_PROVENANCE,
        *,
        direction: Direction = Direction.CP_TO_CS,
        type_: MessageType = MessageType.REQUEST,
        caused_by: tuple[str, ...] | None = None,
        valid: bool = False,
    ) -> None:
        """Send one 2.0.1 message. One that breaks its schema is sent all the same, and named.

        `valid`: it was held against its schema already.
        """
        number = self._charger.messages
        self._charger.messages = number + 1
        causes = caused_by or (self.frame_id,)
        self.obs.messages.append(
            ShadowMessage(self.charger_id, action, payload, direction, type_, causes, self.at, number, provenance)
        )
        if type_ is MessageType.REQUEST:
            for cause in causes:
                if self._is_open(cause):
                    self._charger.asked.setdefault(cause, []).append(action)
        if valid or type_ is MessageType.ERROR:
            return  # Part 4 §4.2.3: a CALLERROR has no schema of its own
        response = type_ is MessageType.RESPONSE
        for broken in violations(V201, action, response=response, payload=payload):
            where = f"{action}{'Response' if response else ''}.{broken.path}"
            rule = broken.rule
            self.find(
                "schema.v201", f"{where}:{rule}", frames=causes, found=broken.value, expected=rule, detail=broken.detail
            )

    def command(self, action: str, payload: dict[str, Any], provenance: dict[str, Provenance] = _NO_PROVENANCE) -> None:
        """Send a request of the CSMS."""
        self.say(action, payload, provenance, direction=Direction.CS_TO_CP)

    def respond(
        self,
        request: PendingCall,
        action: str,
        payload: dict[str, Any],
        provenance: dict[str, Provenance] = _NO_PROVENANCE,
        *,
        valid: bool = False,
    ) -> None:
        """Answer the 2.0.1 request that was made of a 1.6 request; where none was made there is nothing to answer."""
        if not self.was_asked(request, action):
            return
        self.say(
            action,
            payload,
            provenance,
            valid=valid,
            direction=request.direction.opposite,
            type_=MessageType.RESPONSE,
            caused_by=(request.frame_id, self.frame_id),
        )

    def was_asked(self, request: PendingCall, action: str) -> bool:
        """Whether a 1.6 request became a 2.0.1 request of this action."""
        return action in self._charger.asked.get(request.frame_id, ())

    def became(self, request: PendingCall) -> tuple[str, ...]:
        """The 2.0.1 requests that a 1.6 request became, in the order of saying; one said twice stands twice."""
        return tuple(self._charger.asked.get(request.frame_id, ()))

    def _is_open(self, frame_id: str) -> bool:
        """Whether a frame is a call that waits for its answer, or whose answer is being lived."""
        charger = self._charger
        if frame_id in charger.asked:
            return True
        return any(one.frame_id == frame_id for one in reversed(charger.pairing.pending.values()))

    def find(
        self,
        code: str,
        path: str,
        *,
        frames: tuple[str, ...] | None = None,
        connector_id: int | None = None,
        transaction_id: str | None = None,
        found: object = None,
        expected: object = None,
        detail: str = "",
        delta: Decimal | None = None,
        occurred_at: Micros | None = None,
    ) -> None:
        """Name what was noticed."""
        self.obs.findings.append(
            Finding(
                code,
                path,
                self.at,
                frames or (self.frame_id,),
                connector_id,
                transaction_id,
                None if found is None else str(found)[:200],
                None if expected is None else str(expected)[:200],
                detail,
                delta,
                occurred_at,
            )
        )

    def withdraw(self, code: str, path: str) -> None:
        """Say that what was named under this code and path no longer holds."""
        self.obs.findings.append(Finding(code, path, self.at, (self.frame_id,), withdrawn=True))

    def fact(
        self,
        source: Source,
        name: str,
        value: str | None,
        connector_id: int | None = None,
        detail: dict[str, str] = _NO_DETAIL,
        *,
        accrued: bool = False,
    ) -> None:
        """Note something that was observed of the device model.

        `accrued`: it sums up several messages. A frame that comes late then adds to what was told before, so its fact
        is never older than that, or it would not hold.
        """
        at = self.at
        if accrued:
            device = self.station.device
            at = device.accrued_at = max(device.accrued_at, at)
        kept = None if value is None else value[:LONGEST_VALUE]
        fact = Fact(self.charger_id, source, name[:LONGEST_NAME], connector_id, kept, at, self.frame_id, detail)
        self.obs.facts.append(fact)

    def unmapped(self, what: str) -> None:
        """Count something that is no OCPP 1.6, so that nothing of 2.0.1 can be made of it; `schema.v16` names it."""
        self.obs.unmapped.append(what)

    def lost(
        self,
        path: str,
        value: object = None,
        *,
        detail: str,
        code: str = "message.field-lost",
        connector_id: int | None = None,
    ) -> None:
        """Name something that 1.6 says and 2.0.1 cannot: an expected loss, with the field and its value."""
        self.obs.unmapped.append(path)
        shown = None if isinstance(value, dict | list) else value
        self.find(code, path, found=shown, detail=detail, connector_id=connector_id)

    def place(self, number: int) -> Place:
        """The EVSE and connector that a 1.6 connector (from 1) is."""
        station = self.station
        return self.config.topology.place(self.charger_id, station.vendor, station.model, number)

    def key(self, name: str) -> Key:
        """The row of a configuration key: of the standard table, else of the operator's mapping file, else its own."""
        station = self.station
        return find_key(self.config.vendor_mapping, station.vendor, station.model, self.charger_id, name)

    def evse(self, number: int) -> dict[str, int]:
        """EVSEType (2.0.1 §2.26) of a 1.6 connector (from 1)."""
        place = self.place(number)
        return {"id": place.evse_id, "connectorId": place.connector_id}

    def siblings(self, number: int) -> tuple[int, ...]:
        """The other 1.6 connectors of the same EVSE."""
        station = self.station
        return self.config.topology.siblings(self.charger_id, station.vendor, station.model, number)

    def id_token(self, tag: str) -> dict[str, Any]:
        """IdTokenType of a 1.6 idTag, by the settings; that of a contract which Plug & Charge identified is known."""
        setting = "eMAID" if tag.lower() in self.station.contracts else self.config.id_token_type
        return id_token(tag, setting, autocharge=self.config.autocharge)

    def stamp(self, action: str, text: object, connector_id: int | None = None) -> tuple[Micros, bool]:
        """Read a charging station's timestamp, name its flaw, and keep its clock in mind.

        Returns the time to use and whether it is the station's own: one that cannot be read is replaced by the
        receive time (synthesised).
        """
        path = f"{action}.timestamp"
        if not isinstance(text, str):
            return self.at, False
        stamp = parse_stamp(text[:_LONGEST_STAMP])
        if stamp.flaw is not None:
            self.name_flaw(stamp, path, text, connector_id)
        if stamp.at is None:
            return self.at, False
        if stamp.flaw is None and self.at != UNKNOWN_TIME:
            self._watch_clock(stamp.at - self.at, path)
        return stamp.at, stamp.flaw is not Flaw.EPOCH

    def name_flaw(self, stamp: Stamp, path: str, text: str, connector_id: int | None = None) -> None:
        """Name what is wrong with a timestamp.

        Beside the text as sent stands the time as read, or the time of receipt that is used or known instead.
        """
        read = stamp.at if stamp.flaw is Flaw.NO_ZONE else self.at
        behind = None if stamp.at is None or stamp.flaw is not Flaw.EPOCH else seconds(self.at - stamp.at)
        known = read is not None and read != UNKNOWN_TIME
        self.find(
            _FLAW_CODES[stamp.flaw or Flaw.UNPARSEABLE],
            path,
            connector_id=connector_id,
            found=text,
            expected=format_micros(read) if known and read is not None else None,
            detail=stamp.detail,
            delta=behind if known else None,
            occurred_at=stamp.at,
        )

    def _watch_clock(self, offset: Micros, path: str) -> None:
        clock: Clock = self.station.clock
        if not _learn(clock, offset, self.at) or len(clock.offsets) < 3:
            return
        estimate = max(clock.offsets)
        if self.zoneless:
            # Such a log's clock may be off by its whole zone, and zones are multiples of a quarter hour.
            estimate -= round(estimate / _QUARTER_HOUR) * _QUARTER_HOUR
        skewed = abs(estimate) > self.config.skew_limit
        if skewed and not clock.skewed:
            near_zone = abs(estimate - round(estimate / _QUARTER_HOUR) * _QUARTER_HOUR) <= self.config.skew_limit
            detail = "a whole number of quarter hours: local time marked as UTC" if near_zone else "clock not set"
            self.find(
                "clock.skew",
                path.partition(".")[2],
                found=format_micros(self.at + estimate),
                expected=self.now_text,
                detail=detail,
                delta=seconds(-estimate),
            )
        clock.skewed = skewed

    def csms_time(self, action: str, text: object) -> str:
        """A time that the CSMS wrote, as RFC 3339; its flaw is named, the receive time stands in for nonsense."""
        if not isinstance(text, str):
            return self.now_text
        stamp = parse_stamp(text[:_LONGEST_STAMP])
        if stamp.flaw is not None:
            self.name_flaw(stamp, f"{action}.currentTime", text)
        return self.now_text if stamp.at is None else format_micros(stamp.at)

    def is_offline(self, happened_at: Micros) -> bool:
        """Whether an event was queued while the station was offline (E04.FR.01; 1.6 has no flag, so it is inferred).

        Its own clock's offset is taken out first; without an estimate nothing is inferred.
        """
        offset = self.station.clock.offset
        if offset is None or self.at == UNKNOWN_TIME:
            return False
        true_time = happened_at - offset
        if self.connected_at is not None:
            return true_time < self.connected_at - self.config.offline_margin
        return self.at - true_time > self.config.offline_after

    @property
    def now_text(self) -> str:
        """The receive time, as 2.0.1 writes times."""
        return format_micros(self.at)


def _learn(clock: Clock, offset: Micros, at: Micros) -> bool:
    """Take one stamp into the estimate; False where it looks queued rather than stamped by another clock.

    A queue that drains gives stamps of many ages, or of one age, within seconds; a clock that was set back gives the
    same offset for as long as one looks. One stamp by the known clock refutes that it was set back: what was doubted
    before were readings of the past, such as the Transaction.Begin in each StopTransaction.
    """
    if clock.offsets and offset < max(clock.offsets) - _QUEUED_BY:
        if not clock.doubted or abs(offset - clock.doubted[-1]) > _SAME_CLOCK:
            clock.doubted, clock.doubted_since = [], at
        clock.doubted.append(offset)
        del clock.doubted[:-_DOUBTS]
        if len(clock.doubted) < _DOUBTS or at - clock.doubted_since < _DOUBTED_FOR:
            return False
        clock.offsets, clock.doubted = clock.doubted, []
        return True
    clock.doubted = []
    clock.offsets.append(offset)
    del clock.offsets[:-_CLOCK_SAMPLES]
    return True
