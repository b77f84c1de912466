"""Properties of the device model: every answer gives a valid inventory, and order matters only where it must."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from demo.lived import Lived
from demo.script import Script
from shadow import schema
from shadow.device_model.fact import Fact
from shadow.device_model.inventory import build
from shadow.device_model.model import DeviceModel
from shadow.device_model.reports import base_report
from shadow.device_model.variables import get_variables
from shadow.mapping.keys import KEYS

NAMES = st.one_of(
    st.sampled_from([key.name for key in KEYS.values()]),
    st.sampled_from(["MeterPublicKey[1]", "MeterPublicKey2", "AlderLight", "GsmApnPassword", "HeartBeatInterval"]),
    st.text(min_size=1, max_size=50),
)
VALUES = st.one_of(
    st.sampled_from(["", "0", "1", "2", "-1", "65536", "true", "False", "0.RST,1.RST,2.RTS", "A,W", "Current"]),
    st.sampled_from(["Energy.Active.Import.Register,Voltage.L1-N,RPM", "Core,SmartCharging", "2026-01-01T00:00:00Z"]),
    st.text(max_size=60),
    st.text(min_size=490, max_size=500),
)
KEY = st.fixed_dictionaries({"key": NAMES, "readonly": st.booleans()}, optional={"value": VALUES})
ANSWERS = st.lists(KEY, max_size=30)
NOW = "2026-05-04T12:00:00Z"


def _facts(*answers: list[dict[str, Any]], changes: tuple[tuple[str, str], ...] = ()) -> list[Fact]:
    script = Script().boot()
    for told in answers:
        payload = {"configurationKey": told}
        assert schema.violations(schema.V16, "GetConfiguration", response=True, payload=payload) == []
        script.wait(10).command("GetConfiguration", {}).answer(payload)
    for key, value in changes:
        script.wait(10).remote("ChangeConfiguration", {"key": key, "value": value})
    return Lived().feed(script.frames).facts


def _report(model: DeviceModel) -> list[dict[str, Any]]:
    parts = base_report(model, {"requestId": 1, "reportBase": "FullInventory"}, NOW).parts
    for part in parts:
        assert schema.violations(schema.V201, "NotifyReport", response=False, payload=part) == []
    return [entry for part in parts for entry in part["reportData"]]


@given(ANSWERS)
def test_any_answer_gives_a_valid_inventory(told: list[dict[str, Any]]) -> None:
    """No key is lost, no variable stands twice, and every part of the report validates."""
    model = build("CP1", _facts(told))

    entries = _report(model)

    assert {key.name.lower() for key in model.keys} == {one["key"].lower() for one in told}
    assert len(entries) == len(model.entries)
    asked = [{"component": one["component"], "variable": one["variable"]} for one in entries]
    answer = get_variables(model, {"getVariableData": asked})
    assert schema.violations(schema.V201, "GetVariables", response=True, payload=answer) == []
    statuses = {one["attributeStatus"] for one in answer["getVariableResult"]}
    assert statuses <= {"Accepted", "Rejected"}  # whatever is reported can be asked for; secrets are refused


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_facts_does_not_matter(told: list[dict[str, Any]], chance: Any) -> None:
    """A set of keys is one however the station lists it, and facts are one however they arrive."""
    once = {one["key"].lower(): one for one in told}
    told = list(once.values())
    shuffled = chance.sample(told, len(told))
    facts = _facts(told)

    assert _values(build("CP1", facts)) == _values(build("CP1", _facts(shuffled)))
    assert build("CP1", chance.sample(facts, len(facts))) == build("CP1", facts)


@given(st.tuples(NAMES, VALUES), ANSWERS)
def test_a_change_that_was_accepted_is_what_the_next_answer_would_say(
    change: tuple[str, str], told: list[dict[str, Any]]
) -> None:
    """Changed, or read with that value: the same variables hold the same values."""
    name, value = change
    others = [one for one in told if one["key"].lower() != name.lower()]
    read = [*others, {"key": name, "readonly": False, "value": value}]

    changed = build("CP1", _facts(others, changes=((name, value),)))

    assert _values(changed) == _values(build("CP1", _facts(read)))
    _report(changed)


@given(ANSWERS, ANSWERS)
@settings(max_examples=50)
def test_the_newest_whole_answer_holds(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    """What an older answer told and the newest has not is gone; asking again changes nothing."""
    model = build("CP1", _facts(first, second))

    assert _values(model) == _values(build("CP1", _facts(second)))
    assert _values(model) == _values(build("CP1", _facts(first, second, second)))


def _values(model: DeviceModel) -> dict[str, tuple[object, ...]]:
    return {
        str(entry.address): (
            {kind.value: (value.text, value.certainty) for kind, value in entry.values.items()},
            entry.data_type,
            entry.unit,
            entry.max_limit,
            entry.mutability,
        )
        for entry in model.entries.values()
        if entry.address.variable != "DateTime"
    }
