"""The security extension of 1.6 (white paper "Improved security for OCPP 1.6-J"): certificates and security events.

2.0.1 took its messages over (A02 to A04, M03 to M05): the names of the certificate uses and of four events changed.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from shadow.mapping.rules import (
    ANSWER,
    FROM_CSMS,
    FROM_STATION,
    REQUEST,
    Rule,
    Table,
    fixed,
    group,
    listed,
    made,
    moved,
    same,
)
from shadow.mapping.values import TIME, one_of, sized, text
from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["ACCEPTED_OR_REJECTED", "HASH", "TABLES", "USES"]

ACCEPTED_OR_REJECTED: Final = {name: name for name in ("Accepted", "Rejected")}
USES: Final = {
    "CentralSystemRootCertificate": "CSMSRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}
"""CertificateUse of the extension → InstallCertificateUseEnumType, which has the roots of Plug & Charge as well."""
_HASH_ALGORITHMS: Final = {name: name for name in ("SHA256", "SHA384", "SHA512")}

HASH: Final[tuple[Rule, ...]] = (
    same("hashAlgorithm", one_of(_HASH_ALGORITHMS)),
    same("issuerNameHash", text(128)),
    same("issuerKeyHash", text(128)),
    same("serialNumber", text(40)),
)
"""CertificateHashDataType, the same in both."""

_CERTIFICATE: Final = sized(5500)
_CHAIN: Final = sized(10_000)
_OWN_CERTIFICATE: Final = "the extension knows only the station's own certificate, not that of ISO 15118"

_EVENTS: Final = {
    "FailedToAuthenticationAtCentralSystem": "FailedToAuthenticateAtCsms",
    "FailedToAuthenticateAtCentralSystem": "FailedToAuthenticateAtCsms",
    "CentralSystemFailedToAuthentication": "CsmsFailedToAuthenticate",
    "CentralSystemFailedToAuthenticate": "CsmsFailedToAuthenticate",
    "InvalidCentralSystemCertificate": "InvalidCsmsCertificate",
    "InvalidChargePointCertificate": "InvalidChargingStationCertificate",
    # The same in both; they stand here for edition 1, which wrote blanks into some.
    **{
        name: name
        for name in (
            "FirmwareUpdated",
            "SettingSystemTime",
            "StartupOfTheDevice",
            "ResetOrReboot",
            "SecurityLogWasCleared",
            "ReconfigurationOfSecurityParameters",
            "MemoryExhaustion",
            "InvalidMessages",
            "AttemptedReplayAttacks",
            "TamperDetectionActivated",
            "InvalidFirmwareSignature",
            "InvalidFirmwareSigningCertificate",
            "InvalidTLSVersion",
            "InvalidTLSCipherSuite",
        )
    },
}
"""Security events of 1.6 (white paper §8) → 2.0.1 (Part 2 appendices §1). Other names are the vendor's and stay."""

_NOW_CRITICAL: Final = (
    "four are renamed. Critical in 2.0.1 and not in 1.6, so that stations which keep such events to their log must"
    " send them: InvalidFirmwareSignature, InvalidFirmwareSigningCertificate, InvalidCsmsCertificate,"
    " InvalidChargingStationCertificate, InvalidTLSVersion, InvalidTLSCipherSuite"
)


_EVENT_NAME: Final = text(50)


def _event(out: Outbox, where: str, value: Any) -> str | None:
    if isinstance(value, str) and (known := _EVENTS.get("".join(value.split()))) is not None:
        return known
    name: str | None = _EVENT_NAME(out, where, value)
    return name


def _certificates_of_edition_1(out: Outbox, where: str, value: Any) -> str | None:
    """Edition 1: `cert`, a list of DER certificates in hexadecimal. 2.0.1 has one text of PEM certificates."""
    texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    chain: str | None = _CHAIN(out, where, "\n".join(_pem(one) for one in texts))
    return chain or None


def _pem(certificate: str) -> str:
    try:
        der = bytes.fromhex(certificate)
    except ValueError:
        return certificate  # PEM already, or nothing that could be read
    body = b64encode(der).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----"


TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="SecurityEventNotification",
        part=REQUEST,
        directions=FROM_STATION,
        message="SecurityEventNotification",
        rules=(
            same("type", _event, why=_NOW_CRITICAL),
            made("timestamp", why="the time of receipt, where the one that was sent cannot be read"),
            # No clock is learnt from it: SettingSystemTime is stamped by the clock that is being set.
            same("timestamp", TIME),
            same("techInfo", text(255)),
        ),
    ),
    Table(
        action="SecurityEventNotification",
        part=ANSWER,
        directions=FROM_STATION,
        message="SecurityEventNotification",
    ),
    Table(
        action="SignCertificate",
        part=REQUEST,
        directions=FROM_STATION,
        message="SignCertificate",
        rules=(
            same("csr", _CERTIFICATE),
            fixed("certificateType", "ChargingStationCertificate", why=_OWN_CERTIFICATE),
        ),
    ),
    Table(
        action="SignCertificate",
        part=ANSWER,
        directions=FROM_STATION,
        message="SignCertificate",
        rules=(same("status", one_of(ACCEPTED_OR_REJECTED)),),
    ),
    Table(
        action="CertificateSigned",
        part=REQUEST,
        directions=FROM_CSMS,
        message="CertificateSigned",
        rules=(
            Rule(
                source="cert",
                target="certificateChain",
                read=_certificates_of_edition_1,
                provenance=Provenance.DERIVED,
                why="edition 1 of the white paper (§9: edition 2 replaced it)",
            ),
            same("certificateChain", _CHAIN),
            fixed("certificateType", "ChargingStationCertificate", why=_OWN_CERTIFICATE),
        ),
        beyond=("cert",),
    ),
    Table(
        action="CertificateSigned",
        part=ANSWER,
        directions=FROM_CSMS,
        message="CertificateSigned",
        rules=(same("status", one_of(ACCEPTED_OR_REJECTED)),),
    ),
    Table(
        action="InstallCertificate",
        part=REQUEST,
        directions=FROM_CSMS,
        message="InstallCertificate",
        rules=(same("certificateType", one_of(USES)), same("certificate", _CERTIFICATE)),
    ),
    Table(
        action="InstallCertificate",
        part=ANSWER,
        directions=FROM_CSMS,
        message="InstallCertificate",
        rules=(same("status", one_of({name: name for name in ("Accepted", "Failed", "Rejected")})),),
    ),
    Table(
        action="DeleteCertificate",
        part=REQUEST,
        directions=FROM_CSMS,
        message="DeleteCertificate",
        rules=(group("certificateHashData", "certificateHashData", *HASH),),
    ),
    Table(
        action="DeleteCertificate",
        part=ANSWER,
        directions=FROM_CSMS,
        message="DeleteCertificate",
        rules=(same("status", one_of({name: name for name in ("Accepted", "Failed", "NotFound")})),),
    ),
    Table(
        action="GetInstalledCertificateIds",
        part=REQUEST,
        directions=FROM_CSMS,
        message="GetInstalledCertificateIds",
        rules=(
            listed("typeOfCertificate", "certificateType", read=one_of(USES), why="edition 1 of the white paper"),
            listed("certificateType", "certificateType", read=one_of(USES)),
        ),
        beyond=("typeOfCertificate",),
    ),
    Table(
        action="GetInstalledCertificateIds",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetInstalledCertificateIds",
        rules=(
            same("status", one_of({name: name for name in ("Accepted", "NotFound")})),
            group(
                "certificateHashData",
                "certificateHashDataChain",
                made("certificateType", provenance=Provenance.DERIVED, why="the use that was asked for"),
                *(moved(rule.source, f"certificateHashData.{rule.target}", rule.read) for rule in HASH),
                why="without childCertificateHashData: 1.6 tells the root certificates only",
            ),
        ),
    ),
)
