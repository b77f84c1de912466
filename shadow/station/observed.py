"""What the everyday messages of 1.6 tell of the device model: boots, handshakes, statuses, lists, transfers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from ingest.frame import Direction, Handshake
from shadow.device_model.fact import Source
from shadow.device_model.memory import ConnectorMemory
from shadow.station import device_findings
from shadow.station.fields import objects, plain, text
from shadow.station.outbox import Outbox
from shadow.station.state import MAX_CONNECTORS

__all__ = [
    "connector_memory",
    "note_boot",
    "note_boot_answer",
    "note_certificates",
    "note_handshake",
    "note_local_list",
    "note_profiles",
    "note_status",
    "note_transfer",
]

_BOOT: Final = (
    "chargePointVendor", "chargePointModel", "chargePointSerialNumber", "chargeBoxSerialNumber", "firmwareVersion",
    "iccid", "imsi", "meterType", "meterSerialNumber",
)  # fmt: skip
"""1.6 §6.3 BootNotification.req."""
_MAX_TRANSFERS: Final = 64
_LARGEST_CONNECTOR: Final = 2**31 - 1


def connector_memory(out: Outbox, number: int) -> ConnectorMemory | None:
    """What was told of a 1.6 connector; None of one too many, which `topology.unknown-connector` names."""
    connectors = out.station.device.connectors
    found = connectors.get(number)
    if found is None and 0 <= number <= _LARGEST_CONNECTOR and len(connectors) < MAX_CONNECTORS:
        found = connectors[number] = ConnectorMemory()
    return found


def note_boot(out: Outbox, said: Mapping[str, Any]) -> None:
    """The fields of a BootNotification, under their 1.6 names."""
    for name in _BOOT:
        value = plain(said.get(name))
        if value is not None:
            out.fact(Source.BOOT, name, value)


def note_boot_answer(out: Outbox, answer: dict[str, Any]) -> None:
    """What the CSMS answered: the same two fields in both versions."""
    for name in ("interval", "status"):
        value = plain(answer.get(name))
        if value is not None:
            out.fact(Source.BOOT_ANSWER, name, value)


def note_handshake(out: Outbox, shake: Handshake) -> None:
    """How the station connected, in either version."""
    told = {
        "subprotocol": shake.subprotocol,
        "offered": ",".join(shake.offered) or None,
        "tls_version": shake.tls_version,
        "client_certificate_subject": shake.client_certificate_subject,
    }
    if shake.path:  # else a log of others, which tells the subprotocol and nothing more
        told |= {"basic_auth": _flag(shake.basic_auth), "compression": _flag(shake.compression)}
    for name, value in told.items():
        if value is not None:
            out.fact(Source.HANDSHAKE, name, value)
    device_findings.on_handshake(out, shake)


def _flag(value: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if value else "false"


def note_status(out: Outbox, number: int, status: str, payload: dict[str, Any]) -> None:
    """The status of a connector where it, or its errorCode, is another than before. One told late is not the latest."""
    memory = connector_memory(out, number)
    if memory is None or out.at < memory.status_at:
        return
    memory.status_at = out.at
    error = text(payload, "errorCode") or "NoError"
    said = f"{status} {error}"
    if said == memory.status:
        return
    memory.status = said
    out.fact(Source.STATUS, "status", status, number, {} if error == "NoError" else {"error_code": error})


def note_profiles(out: Outbox) -> None:
    """How many charging profiles are installed, where that changed."""
    device, count = out.station.device, len(out.station.profiles)
    if count != device.profiles:
        device.profiles = count
        out.fact(Source.PROFILE, "installed", str(count), accrued=True)


def note_local_list(out: Outbox, version: int | None, entries: int | None = None) -> None:
    """The version of the local authorization list, and how long it is where that was said."""
    if version is not None:
        out.fact(Source.LOCAL_LIST, "version", str(version))
    if entries is not None:
        out.fact(Source.LOCAL_LIST, "entries", str(entries))


def note_certificates(out: Outbox, kind: str, answer: dict[str, Any]) -> None:
    """GetInstalledCertificateIds.conf: each certificateType is asked for on its own."""
    known = out.station.device.certificates
    known[kind] = len(objects(answer.get("certificateHashData")))
    detail = {name: str(count) for name, count in sorted(known.items())}
    out.fact(Source.CERTIFICATE, "installed", str(sum(known.values())), detail=detail, accrued=True)


def note_transfer(out: Outbox, payload: dict[str, Any], direction: Direction, status: str) -> None:
    """A DataTransfer with what was answered."""
    message = text(payload, "messageId")
    name = f"{direction} {text(payload, 'vendorId') or ''}{'' if message is None else f'/{message}'}"
    known, digest = out.station.device.transfers, crc32(name.encode("utf-8", "surrogatepass"))
    if digest not in known:
        if len(known) < _MAX_TRANSFERS:
            known.append(digest)
        else:
            name = f"{direction} …/…"
    out.fact(Source.TRANSFER, name, plain(payload.get("data")), detail={"status": status})
    accepted = out.station.device.accepted
    if status == "Accepted" and digest not in accepted and len(accepted) < _MAX_TRANSFERS:
        accepted.append(digest)
        device_findings.on_transfer(out, name, _variables(out, payload, direction))


def _variables(out: Outbox, payload: dict[str, Any], direction: Direction) -> list[str]:
    """What the mapping file makes of it."""
    station, mapping = out.station, out.config.vendor_mapping
    kind = text(payload, "vendorId") or "", text(payload, "messageId")
    rule = mapping.transfer(station.vendor, station.model, out.charger_id, direction.value, *kind)
    return [] if rule is None else [field.variable for field in rule.fields]
