"""Device models written by hand, for tests of the audit."""

from __future__ import annotations

from collections.abc import Iterable

from diff.audit.required import RequiredVariable
from shadow.device_model.address import Address
from shadow.device_model.model import (
    Attribute,
    Certainty,
    DeviceModel,
    KeyFate,
    KeyState,
    Value,
    VariableEntry,
)

OBSERVED, DERIVED, ASSUMED = Certainty.OBSERVED, Certainty.DERIVED, Certainty.ASSUMED


Wanted = RequiredVariable


def entry(
    address: str,
    value: str | None = "1",
    certainty: Certainty = OBSERVED,
    *,
    origin: str = "",
    max_limit: str | None = None,
    flaws: tuple[str, ...] = (),
) -> VariableEntry:
    """A variable with its Actual value, or with its limit alone."""
    values = {} if value is None else {Attribute.ACTUAL: Value(value, certainty, origin or "key X", 1)}
    limited = "key Limit" if max_limit is not None else ""
    return VariableEntry(
        Address.parse(address), values, "string", "ReadOnly", None, None, max_limit, limited, flaws=flaws
    )


def key(
    name: str, value: str | None = "1", fate: KeyFate = KeyFate.MAPPED, *, known: bool = True, caveat: str = ""
) -> KeyState:
    """A configuration key as the station told it."""
    return KeyState(name, fate, (), value, readonly=False, known=known, at=1, frame_id="f", caveat=caveat)


def model(
    entries: Iterable[VariableEntry] = (),
    keys: Iterable[KeyState] = (),
    *,
    charger_id: str = "CP1",
    native: bool = False,
    asked_all: bool = True,
    firmware: str = "1.0",
) -> DeviceModel:
    """A device model."""
    table = {one.address.key: one for one in entries}
    return DeviceModel(charger_id, "Alder", "Curb 11", firmware, native, table, tuple(keys), asked_all)
