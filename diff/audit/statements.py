"""A statement per functional block: evidenced, derivable, missing or unknown, and the counts that it rests on. Pure.

The order of the rules: what a station did outweighs what it says of itself, and both outweigh what is usual. Nothing
seen is unknown and never missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from diff.audit.blocks import BLOCKS, Block
from diff.audit.evidence import ActionCount, Evidence
from ingest.frame import Direction
from shadow.device_model.model import Certainty, DeviceModel

__all__ = ["FEATURES", "Statement", "Verdict", "key_values", "statements"]

FEATURES: Final = "SupportedFeatureProfiles"


class Verdict(StrEnum):
    """What can be said of a functional block."""

    EVIDENCED = "evidenced"
    """Traffic shows it: the station did it, or accepted to do it."""
    DERIVABLE = "derivable"
    """Nothing shows it, and its configuration says that it is there."""
    MISSING = "missing"
    """It said that it has no such thing."""
    UNKNOWN = "unknown"
    """Neither was seen."""


class Statement(msgspec.Struct, frozen=True):
    """What is said of one block, of one charging station."""

    letter: str
    name: str
    profiles: tuple[str, ...]
    verdict: Verdict
    reason: str
    seen: tuple[ActionCount, ...]
    """Actions of the block that were on the wire."""
    calls: int
    accepted: int
    lacking: tuple[str, ...]
    """Its actions that the station said it does not have, and never accepted."""
    needs: str
    """What 2.0.1 asks for beyond what was seen; empty for a station that speaks 2.0.1."""


def statements(model: DeviceModel, evidence: Evidence) -> tuple[Statement, ...]:
    """A statement for each block, in the order of the specification."""
    keys = key_values(model)
    return tuple(_statement(block, model, evidence, keys) for block in BLOCKS)


def key_values(model: DeviceModel) -> dict[str, str | None]:
    """The keys that the station has, by lower-case name; a secret one has no value."""
    return {key.name.lower(): key.value for key in model.keys if key.known}


def _statement(block: Block, model: DeviceModel, evidence: Evidence, keys: Mapping[str, str | None]) -> Statement:
    seen = tuple(row for row in evidence.actions if row.action in _side(block, row.direction))
    lacking = _lacking(seen)
    verdict, reason = _verdict(block, model, evidence, keys, seen, lacking)
    return Statement(
        block.letter,
        block.name,
        block.profiles,
        verdict,
        reason,
        seen,
        sum(row.calls for row in seen),
        sum(row.accepted for row in seen),
        lacking,
        "" if model.native else block.needs,
    )


def _side(block: Block, direction: Direction) -> tuple[str, ...]:
    return block.station if direction is Direction.CP_TO_CS else block.csms


def _lacking(seen: tuple[ActionCount, ...]) -> tuple[str, ...]:
    accepted = {row.action for row in seen if row.accepted}
    commands = (row for row in seen if row.direction is Direction.CS_TO_CP and row.not_supported)
    return tuple(sorted({row.action for row in commands} - accepted))


def _verdict(
    block: Block,
    model: DeviceModel,
    evidence: Evidence,
    keys: Mapping[str, str | None],
    seen: tuple[ActionCount, ...],
    lacking: tuple[str, ...],
) -> tuple[Verdict, str]:
    carried = [row for row in evidence.transfers if row.vendor.lower() in block.vendors and row.accepted]
    part = f"; it does not have {', '.join(lacking)}" if lacking else ""
    if any(row.accepted for row in seen) or carried:
        parts = [_counted(row) for row in seen]
        parts += [f"DataTransfer {row.vendor} {row.message} {row.accepted} of {row.calls}" for row in carried]
        return Verdict.EVIDENCED, f"accepted: {', '.join(parts)}{part}"
    if set(lacking).intersection(block.decisive):
        told = ", ".join(f"{row.action} {row.not_supported} of {row.calls}" for row in seen if row.action in lacking)
        said = _declared(block, keys)
        against = f", although {said}" if said else ""
        return Verdict.MISSING, f"answered as not supported: {told}{against}"
    refused = f"; never accepted: {', '.join(map(_counted, seen))}" if seen else ""
    available = _available(block, model)
    if available is not None:
        verdict = Verdict.DERIVABLE if available[0] else Verdict.MISSING
        return verdict, f"{available[1]}{refused}{part}"
    for name in block.switches:
        if (keys.get(name.lower()) or "").lower() == "false":
            return Verdict.MISSING, f"key {name} is false{refused}"
    features = _features(keys)
    if block.absent_without and features and block.absent_without.lower() not in features:
        return Verdict.MISSING, f"{FEATURES} does not list {block.absent_without}{refused}"
    said = _declared(block, keys) or _handshake(block, evidence)
    if said:
        return Verdict.DERIVABLE, f"{said}{refused}{part}"
    if seen:
        return Verdict.UNKNOWN, f"{refused.removeprefix('; ')}{part}"
    return Verdict.UNKNOWN, _unknown(model, evidence)


def _counted(row: ActionCount) -> str:
    return f"{row.action} {row.accepted} of {row.calls}"


def _features(keys: Mapping[str, str | None]) -> frozenset[str]:
    text = keys.get(FEATURES.lower()) or ""
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def _declared(block: Block, keys: Mapping[str, str | None]) -> str:
    """What its configuration says for the block."""
    listed = [name for name in block.features if name.lower() in _features(keys)]
    if listed:
        return f"{FEATURES} lists {', '.join(listed)}"
    there = [name for name in block.keys if name.lower() in keys]
    there += [name for name in block.switches if (keys.get(name.lower()) or "").lower() == "true"]
    return f"it has the configuration {'key' if len(there) == 1 else 'keys'} {', '.join(there)}" if there else ""


def _available(block: Block, model: DeviceModel) -> tuple[bool, str] | None:
    """What variable Available of its controller says; assumptions of this product do not count."""
    for entry in model.entries.values():
        address, value = entry.address, entry.actual
        if address.variable.lower() != "available" or address.evse_id is not None or value is None:
            continue
        if address.component not in block.components or value.certainty is Certainty.ASSUMED or value.text is None:
            continue
        if address.component.endswith("Ctrlr"):
            return value.text.lower() == "true", f"{address} is {value.text[:10]} ({value.origin})"
    return None


def _handshake(block: Block, evidence: Evidence) -> str:
    if block.letter != "A":
        return ""
    line = evidence.connections
    told = {"a client certificate": line.client_certificates, "basic authentication": line.basic_auth}
    shown = [f"{what} in {number} of {line.opened} handshakes" for what, number in told.items() if number]
    return f"it authenticates itself: {', '.join(shown)}" if shown else ""


def _unknown(model: DeviceModel, evidence: Evidence) -> str:
    if not evidence.messages:
        return "no message of the station was seen"
    asked = "" if model.asked_all or model.native else "; nobody asked for all of its configuration keys"
    return f"none of its messages in {evidence.messages} seen{asked}"
