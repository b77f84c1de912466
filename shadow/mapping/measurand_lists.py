"""Lists of measurands in configuration keys: what 1.6 may list and 2.0.1 may not. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shadow.device_model.standard import ENUMERATIONS

__all__ = ["measurand_list"]

_MEASURANDS: Final = MappingProxyType({name.lower(): name for name in ENUMERATIONS["MeasurandEnumType"]})
_OF_16_ONLY: Final = frozenset({"rpm", "temperature"})
_PHASES: Final = frozenset({"l1", "l2", "l3", "n", "l1-n", "l2-n", "l3-n", "l1-l2", "l2-l3", "l3-l1"})
"""PhaseEnumType of 1.6 (§7.32), which may stand behind a measurand (§9.1.17)."""
_LONGEST_SHOWN: Final = 40
_MOST_SHOWN: Final = 8


def measurand_list(value: str) -> tuple[str, tuple[str, ...]]:
    """The list as a MemberList of 2.0.1, each member once, and what is left out of it, in words.

    A word that is no measurand of either version stays: it is a flaw of the value, and nothing is known that it loses.

    >>> measurand_list("SoC, Voltage.L1-N")
    ('SoC,Voltage', ("the phase of 'Voltage.L1-N', which no member of 2.0.1 has",))
    """
    found: dict[str, None] = {}
    losses: dict[str, None] = {}
    for item in (item.strip() for item in value.split(",")):
        name, loss = _member(item)
        if name:
            found[name] = None
        if loss:
            losses[loss] = None
    left_out = list(losses)
    if len(left_out) > _MOST_SHOWN:
        left_out[_MOST_SHOWN:] = [f"{len(left_out) - _MOST_SHOWN} more"]
    return ",".join(found), tuple(left_out)


def _member(item: str) -> tuple[str, str]:
    """The measurand that an item names, and what of it is lost."""
    low = item.lower()
    if low in _MEASURANDS:
        return _MEASURANDS[low], ""
    measurand, _, phase = low.rpartition(".")
    known = _MEASURANDS.get(measurand)
    shown = repr(item[:_LONGEST_SHOWN])
    if phase in _PHASES and known is not None:
        return known, f"the phase of {shown}, which no member of 2.0.1 has"
    if low in _OF_16_ONLY or (phase in _PHASES and measurand in _OF_16_ONLY):
        return "", f"{shown}, which 2.0.1 does not measure"
    return item, ""
