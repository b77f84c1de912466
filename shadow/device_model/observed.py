"""What facts beside configuration keys say of variables: boot, handshake, statuses, meter values, counts. Pure.

1.6 has messages where 2.0.1 has variables. Places are those of the standard's list; where the list has none for a
thing, the generic variables that any component may carry are taken (`FiscalMetering/SerialNumber`, `DataLink/ICCID`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from shadow.device_model.address import Address
from shadow.device_model.fact import Fact, Source
from shadow.device_model.model import Certainty, Value
from shadow.device_model.newest import Facts
from shadow.station.tables import CONNECTOR_STATUSES
from shadow.topology import Place

__all__ = ["Observation", "connectors", "observations"]

_BOOT: Final = {
    "chargepointvendor": Address("ChargingStation", "VendorName"),
    "chargepointmodel": Address("ChargingStation", "Model"),
    "chargepointserialnumber": Address("ChargingStation", "SerialNumber"),
    "firmwareversion": Address("Controller", "FirmwareVersion"),
    "iccid": Address("DataLink", "ICCID"),
    "imsi": Address("DataLink", "IMSI"),
    "metertype": Address("FiscalMetering", "Model"),
    "meterserialnumber": Address("FiscalMetering", "SerialNumber"),
}
"""BootNotification.req → variables. chargeBoxSerialNumber stands in where chargePointSerialNumber is not sent."""

_COUNTS: Final = {
    (Source.PROFILE, "installed"): Address("SmartChargingCtrlr", "Entries", "ChargingProfiles"),
    (Source.LOCAL_LIST, "entries"): Address("LocalAuthListCtrlr", "Entries"),
    (Source.CERTIFICATE, "installed"): Address("SecurityCtrlr", "CertificateEntries"),
}
"""How much of a store is taken: Actual of what has its size as maxLimit (Part 2 §2.2.4, §2.5.2, §2.9.10)."""

_EVSE_STATES: Final = ("Occupied", "Reserved", "Available", "Faulted", "Unavailable")
"""An EVSE of several connectors is Occupied as soon as one is, and faulted or away only where all of them are."""
_PHASES: Final = ("L1", "L2", "L3")
_POWER: Final = ("max:Power.Offered", "max:Power.Active.Import")
_MEASURANDS: Final = {
    "Sample.Periodic": Address("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "Sample.Clock": Address("AlignedDataCtrlr", "Measurands"),
}
_NOT_MEASURANDS: Final = frozenset({"RPM", "Temperature"})
"""Measurands of 1.6 that MeasurandEnumType does not have."""

_Place = Callable[[int], Place]


class Observation(msgspec.Struct, frozen=True):
    """What is said of one variable."""

    address: Address
    value: Value | None = None
    max_limit: str | None = None
    """At least this much, where a limit is what was observed."""
    unit: str | None = None


def connectors(facts: Facts) -> list[int]:
    """The 1.6 connectors that are known to exist, from 1: NumberOfConnectors, or those that were spoken of."""
    told = facts.value(Source.KEY, "NumberOfConnectors").strip()
    counted = int(told) if told.isascii() and told.isdigit() and len(told) < 3 else 0
    spoken = {
        fact.connector_id
        for source in (Source.STATUS, Source.METER)
        for fact in facts.of(source)
        if fact.connector_id is not None and fact.connector_id > 0
    }
    return sorted({*range(1, min(counted, 64) + 1), *spoken})


def observations(charger_id: str, facts: Facts, place: _Place) -> Iterator[Observation]:
    """Everything but the keys, in no particular order; of one address the first said is the one that holds."""
    yield from _identity(charger_id, facts)
    yield from _boot(facts)
    yield from _security(facts)
    yield from _topology(facts, place)
    yield from _statuses(facts, place)
    yield from _metering(facts, place)
    for (source, name), address in _COUNTS.items():
        fact = facts.get(source, name)
        if fact is not None:
            yield Observation(address, _value(fact, Certainty.DERIVED, f"{source.value} {name}"))


def _value(fact: Fact, certainty: Certainty, origin: str, text: str | None = None) -> Value:
    return Value(fact.value if text is None else text, certainty, origin, fact.at, fact.frame_id)


def _identity(charger_id: str, facts: Facts) -> Iterator[Observation]:
    """The last segment of the path is the identity (2.0.1 Part 4 §3.1.1; SecurityCtrlr.Identity)."""
    if facts.latest:
        seen = Value(charger_id[:48], Certainty.DERIVED, "the connection's path", facts.latest)
        yield Observation(Address("SecurityCtrlr", "Identity"), seen)
        here = Value("true", Certainty.DERIVED, "it spoke", facts.latest)
        yield Observation(Address("ChargingStation", "Available"), here)
        clock = Value(None, Certainty.DERIVED, "timestamps of its messages", facts.latest)
        yield Observation(Address("ClockCtrlr", "DateTime"), clock)


def _boot(facts: Facts) -> Iterator[Observation]:
    latest = facts.get(Source.BOOT, "chargePointVendor")
    since = 0 if latest is None else latest.at  # a name that is older did not stand in the latest boot
    told = {fact.name.lower(): fact for fact in facts.of(Source.BOOT) if fact.at >= since}
    box = told.get("chargeboxserialnumber")
    if box is not None and "chargepointserialnumber" not in told:
        told["chargepointserialnumber"] = box
    for name, address in _BOOT.items():
        fact = told.get(name)
        if fact is not None and fact.value:
            yield Observation(address, _value(fact, Certainty.OBSERVED, f"BootNotification.{fact.name}"))
    interval = facts.get(Source.BOOT_ANSWER, "interval")
    status = facts.value(Source.BOOT_ANSWER, "status")
    if interval is not None and interval.value and status in ("", "Accepted"):
        # The interval of an accepting answer is the heartbeat's; that of another one is the wait for the next boot.
        address = Address("OCPPCommCtrlr", "HeartbeatInterval")
        yield Observation(address, _value(interval, Certainty.OBSERVED, "BootNotification.conf.interval"))


def _security(facts: Facts) -> Iterator[Observation]:
    """SecurityProfile as the handshake shows it (2.0.1 A00): TLS with a client certificate is 3, with a password 2."""
    basic = facts.get(Source.HANDSHAKE, "basic_auth")
    if basic is None:
        return
    certificate = facts.get(Source.HANDSHAKE, "client_certificate_subject")
    tls = facts.get(Source.HANDSHAKE, "tls_version")
    secured, has_password = tls is not None and tls.at >= basic.at, basic.value == "true"
    if secured and certificate is not None and certificate.at >= basic.at:
        profile = "3"
    elif has_password:
        profile = "2" if secured else "1"
    else:
        return  # none of the three: `security.profile` names it
    address = Address("SecurityCtrlr", "SecurityProfile")
    yield Observation(address, _value(basic, Certainty.DERIVED, "the handshake as the tap saw it", profile))


def _topology(facts: Facts, place: _Place) -> Iterator[Observation]:
    key = facts.get(Source.KEY, "NumberOfConnectors")
    origin = "connectors that were spoken of" if key is None else "key NumberOfConnectors"
    at = facts.latest if key is None else key.at
    here = Value("true", Certainty.DERIVED, origin, at, "" if key is None else key.frame_id)
    for number in connectors(facts):
        one = place(number)
        yield Observation(Address("EVSE", "Available", None, one.evse_id), here)
        yield Observation(Address("Connector", "Available", None, one.evse_id, one.connector_id), here)


def _statuses(facts: Facts, place: _Place) -> Iterator[Observation]:
    """AvailabilityState of station, EVSEs and connectors; errata 2.66 requires it of all three."""
    evses: dict[int, list[tuple[str, Fact]]] = defaultdict(list)
    for fact in facts.of(Source.STATUS):
        state = CONNECTOR_STATUSES.get(fact.value or "")
        if state is None or fact.connector_id is None:
            continue
        value = _value(fact, Certainty.DERIVED, "StatusNotification.status", state)
        if fact.connector_id == 0:
            yield Observation(Address("ChargingStation", "AvailabilityState"), value)
            continue
        one = place(fact.connector_id)
        yield Observation(Address("Connector", "AvailabilityState", None, one.evse_id, one.connector_id), value)
        evses[one.evse_id].append((state, fact))
    for evse_id, told in sorted(evses.items()):
        state = _of_evse([one for one, _ in told])
        newest = max((fact for _, fact in told), key=lambda fact: fact.at)
        value = _value(newest, Certainty.DERIVED, "StatusNotification.status", state)
        yield Observation(Address("EVSE", "AvailabilityState", None, evse_id), value)


def _of_evse(states: list[str]) -> str:
    return next(state for state in _EVSE_STATES if state in states)


def _metering(facts: Facts, place: _Place) -> Iterator[Observation]:
    phases: dict[int, set[str]] = defaultdict(set)
    newest: dict[int, Fact] = {}
    measured: dict[str, set[str]] = defaultdict(set)
    latest: dict[str, Fact] = {}
    for fact in facts.of(Source.METER):
        if fact.name.startswith("max:"):
            continue
        number = fact.connector_id or 0
        seen = {phase.partition("-")[0] for phase in fact.detail.get("phases", "").split(",")}
        phases[number] |= seen.intersection(_PHASES)
        newest[number] = fact
        for context in fact.detail.get("context", "").split(","):
            if context in _MEASURANDS and fact.name not in _NOT_MEASURANDS:
                measured[context].add(fact.name)
                latest[context] = fact
    for number, seen in sorted(phases.items()):
        if number == 0 or not seen:
            continue
        yield from _phases(place(number), newest[number], len(seen))
    for fact in (one for one in facts.of(Source.METER) if one.name in _POWER):
        if fact.connector_id:
            address = Address("EVSE", "Power", None, place(fact.connector_id).evse_id)
            seen_power = Value(None, Certainty.DERIVED, f"the largest {fact.name[4:]} so far", fact.at, fact.frame_id)
            yield Observation(address, seen_power, max_limit=fact.value, unit="W")
    for context, names in sorted(measured.items()):
        value = _value(latest[context], Certainty.DERIVED, f"samples of context {context}", ",".join(sorted(names)))
        yield Observation(_MEASURANDS[context], value)


def _phases(one: Place, fact: Fact, count: int) -> Iterator[Observation]:
    """SupplyPhases is 1 or 3 (Part 2 §2.13.6): who shows two has three. One alone may be that of the car."""
    sure = Certainty.ASSUMED if count == 1 else Certainty.DERIVED
    value = _value(fact, sure, f"{count} of its phases in meter values", "1" if count == 1 else "3")
    yield Observation(Address("EVSE", "SupplyPhases", None, one.evse_id), value)
    yield Observation(Address("Connector", "SupplyPhases", None, one.evse_id, one.connector_id), value)
