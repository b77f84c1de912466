"""Facts of meter values: what is measured, how, and the largest values."""

from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import Lived
from demo.script import Script
from shadow.codec import encode
from shadow.device_model.fact import Fact, Source


def _sample(measurand: str, value: object = "1", **more: Any) -> dict[str, Any]:
    return {"value": value, "measurand": measurand, **more}


def _measured(*messages: list[dict[str, Any]], number: int = 1) -> list[Fact]:
    script = Script().boot()
    for samples in messages:
        script.meter_values(number, None, [{"timestamp": script.now, "sampledValue": samples}])
    return [one for one in Lived().feed(script.frames).facts if one.source is Source.METER]


def _largest(*samples: dict[str, Any]) -> list[tuple[str, str | None]]:
    facts = _measured(*([one] for one in samples))
    return [(one.name, one.value) for one in facts if one.name.startswith("max:")]


def test_a_shape_is_told_once() -> None:
    """Measurand and unit, with phases, locations and contexts together; other values of it are nothing new."""
    voltages = [_sample("Voltage", "230", phase=phase, unit="V") for phase in ("L2", "L1")]
    register = {"value": "5", "context": "Trigger", "location": "Inlet"}
    facts = _measured([*voltages, register], [*voltages, {**register, "value": "9"}])
    assert [(one.connector_id, one.name, one.value, one.detail) for one in facts] == [
        (1, "Voltage", "V", {"phases": "L1,L2", "location": "Outlet", "context": "Sample.Periodic"}),
        (1, "Energy.Active.Import.Register", "Wh", {"location": "Inlet", "context": "Trigger"}),
    ]


def test_what_is_new_is_added_to_what_is_known() -> None:
    """Only measurands that change are told; each connector for itself, 0 too."""
    one, two = _sample("Voltage", unit="V", phase="L1"), _sample("Voltage", unit="V", phase="L3")
    power = _sample("Power.Factor")
    facts = _measured([one, power], [two, power], [one, two])
    assert [(fact.name, fact.detail.get("phases")) for fact in facts] == [
        ("Voltage", "L1"), ("Power.Factor", None), ("Voltage", "L1,L3"),
    ]  # fmt: skip
    assert [fact.connector_id for fact in _measured([one], number=0)] == [0]


def test_the_data_of_a_stop_is_measured_too() -> None:
    """Its transactionData has the measurands of its own settings."""
    script = Script().boot().start(1, "AA", 0, transaction=7).wait(60)
    data = [{"timestamp": script.now, "sampledValue": [_sample("SoC", "80", context="Transaction.End")]}]
    script.stop(7, 1000, transactionData=data)
    assert Lived().feed(script.frames).told(Source.METER) == [(1, "SoC", "Percent")]


@pytest.mark.parametrize(
    "sample",
    [_sample("Vendor.Thing"), _sample(["Voltage"]), _sample("Voltage", phase=7, unit={"a": 1}, location="Moon")],  # type: ignore[arg-type]
)
def test_what_1_6_has_not_is_no_fact(sample: dict[str, Any]) -> None:
    """Unknown measurands are named elsewhere; of a known one what cannot be read is left out."""
    facts = _measured([sample])
    assert [(one.name, one.value, one.detail) for one in facts] in (
        [],
        [("Voltage", "V", {"context": "Sample.Periodic"})],
    )


def test_the_largest_power_is_told_when_it_rises_by_a_twentieth() -> None:
    """In W, whatever its unit; smaller ones and small rises are nothing new."""
    offered = ["7400", "7300", "7700", "7.77", "11"]
    samples = [
        _sample("Power.Offered", value, unit="kW" if len(value) < 4 or "." in value else "W") for value in offered
    ]
    assert _largest(*samples) == [
        ("max:Power.Offered", "7400"), ("max:Power.Offered", "7770"), ("max:Power.Offered", "11000"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        (_sample("Current.Offered", "16.5", unit="A", phase="L1"), "16.5"),
        (_sample("Power.Active.Import", "3680", unit="W", phase="L1"), None),
        (_sample("Power.Active.Import", "99999999", unit="kW"), None),
        (_sample("Power.Offered", "7", unit="kVA"), None),
        (_sample("Current.Offered", "99999", unit="A"), None),
        (_sample("Current.Offered", "0", unit="A"), None),
        (_sample("Current.Offered", "AB12", unit="A", format="SignedData"), None),
        (_sample("Power.Offered", 7, unit=["W"]), None),
    ],
)
def test_a_largest_value_is_a_plausible_one(sample: dict[str, Any], told: str | None) -> None:
    """A current of any phase, a power of all phases; no apparent power, no signed data, nothing that cannot be."""
    assert [value for _, value in _largest(sample)] == ([] if told is None else [told])


def test_of_one_message_the_largest_is_told_once() -> None:
    """Samples that were queued come together."""
    elements = [{"sampledValue": [_sample("Power.Offered", value, unit="W")]} for value in ("1000", "3000", "2000")]
    script = Script().boot().meter_values(1, None, elements)
    told = Lived().feed(script.frames).told(Source.METER)
    assert told == [(1, "Power.Offered", "W"), (1, "max:Power.Offered", "3000")]


def test_what_comes_late_is_added_to_the_newest() -> None:
    """A frame from before adds its phase: the fact is not older than the one that it adds to, or it would not hold."""
    late, early = (
        Script().boot().wait(wait).meter(1, None, 5, measurand="Voltage", unit="V", phase=phase).frames[3:]
        for wait, phase in ((60, "L1"), (0, "L2"))
    )
    frames = [*Script().boot().frames, *late, *(replace(one, connection_id="CP1@9", seq=0) for one in early[:1])]
    first, second = [one for one in Lived().feed(frames).facts if one.source is Source.METER]
    assert (second.detail["phases"], second.at) == ("L1,L2", first.at)
    assert second.frame_id == "CP1@9/0"


def test_what_is_remembered_is_bounded() -> None:
    """Ever new shapes leave the digests of sixteen, and the words of 1.6."""
    script = Script().boot()
    sizes = []
    for number in range(200):
        context, unit = f"C{number}", "x" * (number % 40)
        script.meter(1, None, number, context, unit=unit, measurand="Voltage", location=f"L{number}")
        device = Lived().feed(script.frames).fleet.chargers["CP1"].shadow.station.device if number % 50 == 49 else None
        if device is not None:
            sizes.append(len(encode(device)))
            assert len(device.connectors[1].shapes) == 16
    assert max(sizes) < 600
