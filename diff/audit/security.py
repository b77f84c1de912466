"""The security profile that a station is on, by the wire and by its own word, and what the next one asks for. Pure.

The profiles are those of 2.0.1 Part 2 §1.3 (A00) and, of 1.6, of the security white paper: 1 is basic authentication
without TLS, 2 with TLS, 3 a client certificate. 0 is none of them, which 2.0.1 does not have. A profile is only raised
(A05): 2.0.1 has no way back.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from diff.audit.evidence import Evidence
from diff.audit.statements import key_values
from ingest.frame import Direction
from shadow.device_model.address import Address
from shadow.device_model.model import DeviceModel

__all__ = ["OLDEST_TLS", "Have", "Need", "Security", "old_tls", "security"]

OLDEST_TLS: Final = "TLSv1.2"
"""A00.FR.313, A00.FR.416."""
_TLS: Final = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", OLDEST_TLS, "TLSv1.3")
_PROFILE: Final = Address("SecurityCtrlr", "SecurityProfile").key


class Have(StrEnum):
    """Whether what a profile needs is there."""

    THERE = "there"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Need(msgspec.Struct, frozen=True):
    """One thing that a security profile asks for."""

    rule: str
    """Requirement ids of 2.0.1 Part 2."""
    text: str
    have: Have
    reason: str


class Security(msgspec.Struct, frozen=True):
    """Where a station stands."""

    wire: tuple[int, ...]
    """Profiles that the handshakes fit; none where none was seen, several where TLS may end before the tap."""
    wire_reason: str
    said: int | None
    """By key or variable SecurityProfile."""
    now: int | None
    conflict: str
    """What the wire and the station's word disagree about, in words; empty where they do not."""
    next: int | None
    needs: tuple[Need, ...]
    """Of `next`."""


def security(model: DeviceModel, evidence: Evidence) -> Security:
    """The profile now, the next one and what it needs."""
    wire, reason = _wire(evidence)
    said = _said(model)
    conflict = ""
    if said is not None and wire and said not in wire:
        fits = " or ".join(map(str, wire))
        conflict = f"the station says security profile {said}, its handshakes are those of {fits}"
    now = said if said in wire or not wire else wire[0] if len(wire) == 1 else None
    if conflict and said is not None:
        now = min(said, *wire)  # the weaker reading: nobody is called safer than either side shows
    lowest = now if now is not None else min(wire, default=None)
    target = None if lowest is None or lowest >= 3 else lowest + 1
    needs = () if target is None else _needs(target, model, evidence)
    return Security(wire, reason, said, now, conflict, target, needs)


def old_tls(version: str) -> bool:
    """Whether a TLS version is older than 2.0.1 allows; one that is not known is not called old."""
    return version in _TLS and _TLS.index(version) < _TLS.index(OLDEST_TLS)


def _wire(evidence: Evidence) -> tuple[tuple[int, ...], str]:
    line = evidence.connections
    opened = line.opened
    if not opened:
        return (), "no handshake was seen: a recording without them, or a connection older than the tap"
    tls = sum(count.number for count in line.tls)
    certified = f"a client certificate in {line.client_certificates} of {opened} handshakes"
    basic = f"basic authentication in {line.basic_auth} of {opened} handshakes"
    before = "the tap was told of no TLS: there is none, or it ends before the tap"
    match (tls == opened, line.client_certificates == opened, line.basic_auth == opened):
        case (_, True, _):
            return (3,), certified
        case (True, _, True):
            return (2,), f"{basic}, TLS in each"
        case (_, _, True):
            return (1, 2), f"{basic}; {before}" if not tls else f"{basic}, TLS in {tls}"
    if not (tls or line.basic_auth or line.client_certificates):
        return (0, 3), f"no authentication in {opened} handshakes; {before}"
    return (0,), f"not every handshake is authenticated: {basic}, {certified}, TLS in {tls}"


def _said(model: DeviceModel) -> int | None:
    entry = model.entries.get(_PROFILE)
    value = None if entry is None or entry.actual is None else entry.actual.text
    text = (key_values(model).get("securityprofile") or value or "").strip()
    return int(text) if text in ("0", "1", "2", "3") else None


def _needs(target: int, model: DeviceModel, evidence: Evidence) -> tuple[Need, ...]:
    if target == 1:
        return (_basic("A00.FR.201, A00.FR.202", evidence), _password("A00.FR.205", model))
    if target == 2:
        return (
            _basic("A00.FR.301, A00.FR.302", evidence),
            _password("A00.FR.304", model),
            _tls("A00.FR.313", evidence),
            _root("A00.FR.308", evidence),
            Need("A00.FR.309", "the CSMS's certificate names its FQDN", Have.UNKNOWN, "a matter of the new CSMS"),
            _suites("A00.FR.319"),
        )
    return (
        _certificate("A00.FR.401, A00.FR.402", evidence),
        _renewal("A02", evidence),
        _organisation("A00.FR.404", model),
        Need(
            "A00.FR.405",
            "the certificate's CN holds the station's serial number",
            Have.UNKNOWN,
            "certificates are not looked into",
        ),
        _tls("A00.FR.416", evidence),
        _root("A00.FR.411", evidence),
        _suites("A00.FR.422"),
    )


def _basic(rule: str, evidence: Evidence) -> Need:
    text = "the station authenticates itself with HTTP Basic on every connection"
    line = evidence.connections
    if not line.opened:
        return Need(rule, text, Have.UNKNOWN, "no handshake was seen")
    have = Have.THERE if line.basic_auth == line.opened else Have.MISSING
    return Need(rule, text, have, f"in {line.basic_auth} of {line.opened} handshakes")


def _password(rule: str, model: DeviceModel) -> Need:
    known = "authorizationkey" in key_values(model)
    reason = "the station has the key AuthorizationKey; " if known else ""
    return Need(
        rule,
        "a password of 16 to 40 characters (by the errata up to 64) that is sent as text: 1.6 took hexadecimal digits",
        Have.UNKNOWN,
        f"{reason}passwords are never kept",
    )


def _tls(rule: str, evidence: Evidence) -> Need:
    text = "TLS 1.2 or above"
    versions = evidence.connections.tls
    if not versions:
        return Need(rule, text, Have.UNKNOWN, "the tap was told of no TLS")
    old = [count.name for count in versions if old_tls(count.name)]
    seen = ", ".join(f"{count.name} in {count.number}" for count in versions)
    return Need(rule, text, Have.MISSING if old else Have.THERE, f"{seen} of {evidence.connections.opened} handshakes")


def _root(rule: str, evidence: Evidence) -> Need:
    text = "the station verifies the CSMS's certificate: its root has to be installed"
    accepted, calls = _exchange(evidence, "InstallCertificate", Direction.CS_TO_CP)
    if accepted:
        return Need(rule, text, Have.THERE, f"InstallCertificate accepted {accepted} of {calls}: check which root")
    return Need(
        rule,
        text,
        Have.UNKNOWN,
        f"InstallCertificate accepted 0 of {calls}" if calls else "no InstallCertificate was seen",
    )


def _suites(rule: str) -> Need:
    return Need(rule, "one of the two pairs of cipher suites", Have.UNKNOWN, "the suite is not on the frames")


def _certificate(rule: str, evidence: Evidence) -> Need:
    line = evidence.connections
    have = Have.THERE if line.client_certificates else Have.MISSING if line.opened else Have.UNKNOWN
    return Need(
        rule,
        "a charging station certificate, shown as TLS client certificate",
        have,
        f"in {line.client_certificates} of {line.opened} handshakes",
    )


def _renewal(rule: str, evidence: Evidence) -> Need:
    text = "certificates are signed and renewed: SignCertificate and CertificateSigned"
    signed, asked = _exchange(evidence, "SignCertificate", Direction.CP_TO_CS)
    taken, sent = _exchange(evidence, "CertificateSigned", Direction.CS_TO_CP)
    if taken:
        return Need(rule, text, Have.THERE, f"CertificateSigned accepted {taken} of {sent}")
    reason = f"SignCertificate {signed} of {asked}, CertificateSigned {taken} of {sent} accepted"
    return Need(rule, text, Have.UNKNOWN, reason)


def _organisation(rule: str, model: DeviceModel) -> Need:
    text = "the certificate's O holds the operator's name: OrganizationName (1.6 CpoName) has to be set"
    keys = key_values(model)
    if keys.get("cponame"):
        return Need(rule, text, Have.THERE, "key CpoName is set")
    entry = model.entries.get(Address("SecurityCtrlr", "OrganizationName").key)
    if entry is not None and entry.actual is not None and entry.actual.text:
        return Need(rule, text, Have.THERE, f"SecurityCtrlr/OrganizationName is set ({entry.actual.origin})")
    have = Have.MISSING if model.asked_all or "cponame" in keys else Have.UNKNOWN
    return Need(rule, text, have, "it has no such key" if have is Have.MISSING else "nobody asked for it")


def _exchange(evidence: Evidence, action: str, direction: Direction) -> tuple[int, int]:
    rows = [row for row in evidence.actions if (row.action, row.direction) == (action, direction)]
    return sum(row.accepted for row in rows), sum(row.calls for row in rows)
