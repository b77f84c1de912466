"""Facts and models made by hand."""

from typing import Any

from demo.script import NOON
from shadow.device_model.address import Address
from shadow.device_model.fact import Fact, Source
from shadow.device_model.model import Attribute, Certainty, DeviceModel, Value, VariableEntry

__all__ = ["device_model", "entry", "fact"]


def fact(
    source: Source, name: str, value: str | None, connector: int | None = None, at: int = 0, **detail: str
) -> Fact:
    """A fact of CP1, `at` seconds after noon."""
    return Fact("CP1", source, name, connector, value, NOON + at * 1_000_000, f"c/{at}", detail)


def entry(text: str, value: str | None = "1", mutability: str = "ReadWrite", **more: Any) -> VariableEntry:
    """A variable with an Actual value that was observed."""
    told = {Attribute.ACTUAL: Value(value, Certainty.OBSERVED, "key test", NOON)}
    fields = {"values": told, "data_type": "string", "mutability": mutability, **more}
    return VariableEntry(Address.parse(text), **fields)


def device_model(*entries: VariableEntry, native: bool = False, asked_all: bool = True) -> DeviceModel:
    """A model of CP1."""
    found = {one.address.key: one for one in entries}
    return DeviceModel("CP1", "Alder", "Curb 22", "1.0", native, found, asked_all=asked_all)
