"""The device model of one charging station, worked out from what was observed of it. Pure.

`predicted` is that of a station on 1.6, as its 2.0.1 firmware ought to report it; `reported` is that which a native
2.0.1 station reported. Both are functions of facts: the same facts in any order give the same model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ingest.frame import Micros
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model import observed, told
from shadow.device_model.address import Address
from shadow.device_model.drafting import Draft
from shadow.device_model.fact import Fact, Source
from shadow.device_model.model import Attribute, Certainty, DeviceModel, Value
from shadow.device_model.newest import Facts
from shadow.topology import Place

__all__ = ["build", "is_native", "predicted", "reported"]

_NATIVE: Final = (Source.VARIABLE, Source.CHARACTERISTICS)
_ATTRIBUTES: Final = {kind.value: kind for kind in Attribute}


def build(charger_id: str, facts: Iterable[Fact], config: ShadowConfig = DEFAULT) -> DeviceModel:
    """The model in the protocol that the station spoke last: reported where that is 2.0.1, else predicted."""
    known = Facts(facts)
    return reported(charger_id, known) if is_native(known) else predicted(charger_id, known, config)


def is_native(facts: Facts) -> bool:
    """Whether the station's newest word was 2.0.1."""
    spoken = facts.get(Source.HANDSHAKE, "subprotocol")
    if spoken is not None and spoken.value:
        return spoken.value.startswith("ocpp2")
    return _latest(facts, _NATIVE) > _latest(facts, (Source.KEY, Source.STATUS))


def _latest(facts: Facts, sources: Iterable[Source]) -> Micros:
    return max((fact.at for source in sources for fact in facts.of(source)), default=-1)


def predicted(charger_id: str, facts: Facts, config: ShadowConfig = DEFAULT) -> DeviceModel:
    """What its 2.0.1 firmware ought to report, by the keys, messages and meter values of 1.6."""
    vendor = facts.value(Source.BOOT, "chargePointVendor")
    model = facts.value(Source.BOOT, "chargePointModel")

    def place(number: int) -> Place:
        return config.topology.place(charger_id, vendor, model, number)

    draft = Draft()
    states = tuple(told.keys(facts, place, draft))
    for one in observed.observations(charger_id, facts, place):
        if one.value is not None:
            draft.value(one.address, one.value, unit=one.unit)
        if one.max_limit is not None:
            draft.limits(one.address, "" if one.value is None else one.value.origin, max_limit=one.max_limit)
    for address, value in _assumed(config) if facts.latest else ():
        draft.value(address, value)
    return DeviceModel(
        charger_id,
        vendor,
        model,
        facts.value(Source.BOOT, "firmwareVersion"),
        native=False,
        entries=draft.entries(),
        keys=states,
        asked_all=facts.get(Source.ANSWER, "GetConfiguration") is not None,
    )


def _assumed(config: ShadowConfig) -> Iterator[tuple[Address, Value]]:
    """What 1.6 prescribes without a key for it, and what the settings say of the station's future."""
    measurand = "Energy.Active.Import.Register"
    start = Value(measurand, Certainty.ASSUMED, "meterStart, which every StartTransaction carries", 0)
    yield Address("SampledDataCtrlr", "TxStartedMeasurands"), start
    clock = Value("Heartbeat", Certainty.ASSUMED, "currentTime, which 1.6 sets clocks by", 0)
    yield Address("ClockCtrlr", "TimeSource"), clock
    for name, points in (("TxStartPoint", config.tx_start_points), ("TxStopPoint", config.tx_stop_points)):
        yield Address("TxCtrlr", name), Value(",".join(sorted(points)), Certainty.ASSUMED, "setting", 0)


def reported(charger_id: str, facts: Facts) -> DeviceModel:
    """What a native station reported, in NotifyReport, GetVariables, SetVariables and NotifyEvent."""
    draft = Draft()
    whole = facts.get(Source.ANSWER, "NotifyReport")
    full = whole is not None and whole.detail.get("base") == "FullInventory"
    since = int(whole.detail.get("changed_at", "0")) if whole is not None and full else 0
    for fact in facts.of(Source.CHARACTERISTICS):
        address = _address(fact.name)
        if address is not None and fact.at >= since:
            origin = fact.detail.get("via", "NotifyReport")
            draft.describe(address, fact.value or "", fact.detail, origin)
    for fact in facts.of(Source.VARIABLE):
        name, _, kind = fact.name.partition("#")
        address, attribute = _address(name), _ATTRIBUTES.get(kind or Attribute.ACTUAL.value)
        if address is None or attribute is None or fact.at < since:
            continue  # what an older report told and the newest whole one has not is gone
        if fact.detail.get("status", "Accepted") not in _HELD:
            continue
        origin = fact.detail.get("via", "NotifyReport")
        value = Value(fact.value, Certainty.OBSERVED, origin, fact.at, fact.frame_id)
        draft.value(address, value, attribute)
    return DeviceModel(
        charger_id,
        facts.value(Source.BOOT, "chargePointVendor"),
        facts.value(Source.BOOT, "chargePointModel"),
        facts.value(Source.BOOT, "firmwareVersion"),
        native=True,
        entries=draft.entries(),
        asked_all=full,
    )


_HELD: Final = frozenset({"Accepted", "RebootRequired"})


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except ValueError:
        return None  # facts are written by us; one that another release wrote in another form tells nothing
