"""The device model of a charging station as tables: its variables with their provenance, and its keys of 1.6."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.column_config import TextColumn

from dashboard import parts, states, words
from shadow.device_model.model import Certainty, DeviceModel, KeyState, VariableEntry

__all__ = ["keys", "variables"]

_SURE: Final = {
    Certainty.OBSERVED: "✔ observed",
    Certainty.DERIVED: "◆ derived",
    Certainty.ASSUMED: "? assumed",
}


def variables(model: DeviceModel) -> None:
    """Every variable with its value, how sure it is and what said it."""
    if not model.entries:
        states.blind("Nothing of its device model was observed: no boot, no configuration keys, no report.")
        return
    sure = [entry.actual.certainty for entry in model.entries.values() if entry.actual]
    told = ", ".join(f"{words.of(sure.count(one), len(sure), 'value')} {_SURE[one]}" for one in Certainty)
    kind = "reported by its 2.0.1 firmware" if model.native else "predicted from 1.6"
    st.caption(f"{words.plural(len(model.entries), 'variable')}, {kind}: {told}.")
    if not model.asked_all:
        states.blind("It was never asked for everything, so what is not here may still be there.")
    rows = [_variable(entry) for entry in model.entries.values()]
    parts.table(rows, {"variable": TextColumn("variable", width=330)}, height=480)
    parts.export("device-model", rows)


def _variable(entry: VariableEntry) -> dict[str, object]:
    value = entry.actual
    shown = "" if value is None else "(not told)" if value.text is None else value.text
    return {
        "variable": str(entry.address),
        "value": f"{shown} {entry.unit or ''}".strip(),
        "how sure": words.NEVER if value is None else _SURE[value.certainty],
        "said by": entry.limit_origin if value is None else value.origin,
        "at": words.when(value.at if value and value.at else None, parts.zone()),
        "access": entry.mutability,
        "flaw": f"▲ {entry.flaws[0]}" if entry.flaws else "",
        "frame": "" if value is None else value.frame_id,
    }


def keys(model: DeviceModel) -> None:
    """What became of every configuration key of 1.6."""
    if not model.keys:
        if model.native:
            states.filtered("It speaks 2.0.1 and has variables instead of configuration keys.")
        else:
            states.blind("No configuration key was seen: nobody asked it with GetConfiguration while it was mirrored.")
        return
    fates = [key.fate.value for key in model.keys]
    told = ", ".join(f"{words.of(fates.count(fate), len(fates), 'key')} {fate}" for fate in sorted(set(fates)))
    st.caption(f"{told}.")
    rows = [_key(key) for key in model.keys]
    parts.table(rows, {"key": TextColumn("key", width=260)}, height=480)
    parts.export("keys", rows)


def _key(key: KeyState) -> dict[str, object]:
    value = key.value if key.value is not None else "(hidden)" if key.known else "(unknown to the station)"
    return {
        "key": key.name,
        "value": value,
        "becomes": key.fate.value,
        "variables": ", ".join(str(address) for address in key.addresses),
        "caveat": key.caveat,
        "at": words.when(key.at, parts.zone()),
        "frame": key.frame_id,
    }
