"""What a station has in store, as parts of its document: keys, DataTransfer, firmware, connections. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from diff.audit.audit import Audit
from diff.audit.document import Cell, Facts, Sentence, Table, clean, mark, moment
from diff.audit.evidence import Count, Evidence
from diff.audit.readiness import seconds
from shadow.device_model.model import KeyFate, KeyState

__all__ = ["connections_of", "keys_of", "transfers_of"]

_NOTHING: Final = "\N{EN DASH}"


def keys_of(audit: Audit) -> tuple[Sentence | Table, ...]:
    """Every configuration key, and what becomes of it."""
    if not audit.keys:
        return (Sentence("No configuration key was seen." if not audit.native else "A 2.0.1 station has variables."),)
    fates = Counter(key.fate for key in audit.keys if key.known)
    told = ", ".join(f"{fates[fate]} {fate.value}" for fate in KeyFate if fates[fate]) or "none"
    unknown = sum(not key.known for key in audit.keys)
    head = ("Key", "In 2.0.1", "Value", "Writable", "Variables", "Remarks")
    said = f"{len(audit.keys) - unknown} keys: {told}. {unknown} more were asked for and are not known to the station."
    return Sentence(said), Table(
        "Configuration keys as the station told them", head, tuple(_key(key) for key in audit.keys)
    )


def _key(key: KeyState) -> tuple[Cell, ...]:
    value = (
        "(secret, never kept)" if key.fate is KeyFate.SECRET else _NOTHING if key.value is None else clean(key.value)
    )
    writable = _NOTHING if key.readonly is None else "no" if key.readonly else "yes"
    variables = clean(", ".join(map(str, key.addresses))) or _NOTHING
    remarks = clean(key.caveat) if key.known else "not known to the station"
    return clean(key.name), mark(key.fate), value or "(empty)", writable, variables, remarks


def transfers_of(seen: Evidence) -> tuple[Sentence | Table, ...]:
    """Every kind of DataTransfer, by vendor and message."""
    if not seen.transfers:
        return (Sentence(f"No DataTransfer in {seen.messages:,} messages."),)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            clean(one.vendor) or "(no vendor)",
            clean(one.message) or _NOTHING,
            _SIDES[one.direction.value],
            f"{one.calls:,}",
            f"{one.accepted:,} of {one.answered:,}",
        )
        for one in seen.transfers
    )
    return (Table("DataTransfer by vendor and message", ("Vendor", "Message", "From", "Calls", "Accepted"), rows),)


_SIDES: Final = {"cp>cs": "station", "cs>cp": "CSMS"}


def connections_of(seen: Evidence) -> tuple[Sentence | Facts | Table, ...]:
    """How it connected and answered, and with which firmware."""
    line = seen.connections
    facts = Facts(
        (
            ("Connections", f"{line.seen:,} seen, {line.opened:,} handshakes, {line.refused:,} refused"),
            ("Subprotocols", f"spoken {_listed(line.spoken)}; offered {_listed(line.offered)}"),
            ("Closed with", _listed(line.closes)),
            ("Compression", f"agreed in {line.compressed:,} of {line.opened:,} handshakes"),
            ("Answers", _answers(seen)),
            ("CALLERRORs", _listed(seen.errors)),
        )
    )
    if not seen.firmwares:
        return facts, Sentence("No BootNotification with a firmware was seen.")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (clean(one.version), f"{one.boots:,}", moment(one.first_at), moment(one.last_at)) for one in seen.firmwares
    )
    return facts, Table("Firmware by BootNotification", ("Firmware", "Boots", "First seen", "Last seen"), rows)


def _listed(found: Sequence[Count]) -> str:
    return clean(", ".join(f"{one.name} ({one.number})" for one in found)) or "none seen"


def _answers(seen: Evidence) -> str:
    one = seen.latency
    if one is None:
        return "none seen"
    parts = (("p50", one.p50), ("p95", one.p95), ("p99", one.p99), ("largest", one.largest))
    return f"{one.n:,}: {', '.join(f'{name} {seconds(took)}' for name, took in parts)}"
