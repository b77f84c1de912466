"""ISO 15118 Plug & Charge in OCPP 1.6: nine messages that travel as JSON text in the `data` of a DataTransfer.

Source: OCA application note "Using ISO 15118 Plug & Charge with OCPP 1.6" v1.0 (2020). It took the messages from 2.0.1
and simplified some; many stations send the 2.0.1 form as it is. One table reads both, since `in_full` writes the short
forms out. Each is said in 2.0.1 as the message of its name (C07, A02, A03, M01 to M06, F06).
"""

from __future__ import annotations

from typing import Any, Final

from ingest.frame import Direction
from shadow.mapping.rules import ANSWER, FROM_CSMS, FROM_STATION, REQUEST, Read, Rule, Table, fixed, group, same
from shadow.mapping.security import ACCEPTED_OR_REJECTED, HASH
from shadow.mapping.values import INTEGER, TIME, one_of, sized, text
from shadow.station.outbox import Outbox

__all__ = ["TABLES", "VENDOR", "WRAPPED", "in_full"]

VENDOR: Final = "org.openchargealliance.iso15118pnc"
WRAPPED: Final = "DataTransfer."
"""Stands before the name of a wrapped message: `DataTransfer.Authorize`."""

_V2G: Final = "the application note has no such field: its certificates are those of ISO 15118"


def _names(*names: str) -> Read:
    return one_of({name: name for name in names})


def _each(read: Read) -> Read:
    """A list of values; one that stands alone is a list of one."""

    def read_all(out: Outbox, where: str, value: Any) -> list[Any] | None:
        members = value if isinstance(value, list) else [value]
        return [said for one in members if (said := read(out, where, one)) is not None] or None

    return read_all


_OCSP: Final = (*HASH, same("responderURL", text(512)))
_STATUS_INFO: Final = group("statusInfo", "statusInfo", same("reasonCode", text(20)), same("additionalInfo", text(512)))
_USES: Final = _names(
    "V2GRootCertificate",
    "MORootCertificate",
    "CSMSRootCertificate",
    "V2GCertificateChain",
    "ManufacturerRootCertificate",
)
_TOKEN_TYPES: Final = _names(
    "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"
)


def _token(name: str, kind: str, why: str) -> Rule:
    return group(
        name,
        name,
        same("idToken", text(36)),
        fixed("type", kind, why=why),
        same("type", _TOKEN_TYPES),
        group("additionalInfo", "additionalInfo", same("additionalIdToken", text(36)), same("type", text(50))),
    )


def _status(*names: str) -> tuple[Rule, ...]:
    return (same("status", _names(*names)), _STATUS_INFO)


def _pair(
    name: str, directions: tuple[Direction, ...], request: tuple[Rule, ...], answer: tuple[Rule, ...]
) -> tuple[Table, Table]:
    action = f"{WRAPPED}{name}"
    return (
        Table(action=action, part=REQUEST, directions=directions, message=name, rules=request),
        Table(action=action, part=ANSWER, directions=directions, message=name, rules=answer),
    )


_AUTHORIZE: Final = _pair(
    "Authorize",
    FROM_STATION,
    (
        same("certificate", sized(5500)),
        _token("idToken", "eMAID", "the application note has the plain eMAID of the contract here (C07)"),
        group("iso15118CertificateHashData", "iso15118CertificateHashData", *_OCSP),
    ),
    (
        group(
            "idTokenInfo",
            "idTokenInfo",
            same(
                "status",
                _names(
                    "Accepted",
                    "Blocked",
                    "ConcurrentTx",
                    "Expired",
                    "Invalid",
                    "NoCredit",
                    "NotAllowedTypeEVSE",
                    "NotAtThisLocation",
                    "NotAtThisTime",
                    "Unknown",
                ),
            ),
            same("cacheExpiryDateTime", TIME),
            same("chargingPriority", INTEGER),
            same("language1", text(8)),
            same("evseId", _each(INTEGER)),
            _token("groupIdToken", "Central", "of a parentIdTag: C09.FR.13"),
            same("language2", text(8)),
            group(
                "personalMessage",
                "personalMessage",
                same("format", _names("ASCII", "HTML", "URI", "UTF8")),
                same("language", text(8)),
                same("content", text(512)),
            ),
        ),
        same(
            "certificateStatus",
            _names(
                "Accepted",
                "SignatureError",
                "CertificateExpired",
                "CertificateRevoked",
                "NoCertificateAvailable",
                "CertChainError",
                "ContractCancelled",
            ),
        ),
    ),
)
_CERTIFICATE_SIGNED: Final = _pair(
    "CertificateSigned",
    FROM_CSMS,
    (
        same("certificateChain", sized(10_000)),
        fixed("certificateType", "V2GCertificate", why=_V2G),
        same("certificateType", _names("ChargingStationCertificate", "V2GCertificate")),
    ),
    _status(*ACCEPTED_OR_REJECTED),
)
_DELETE_CERTIFICATE: Final = _pair(
    "DeleteCertificate",
    FROM_CSMS,
    (group("certificateHashData", "certificateHashData", *HASH),),
    _status("Accepted", "Failed", "NotFound"),
)
_EV_CERTIFICATE: Final = _pair(
    "Get15118EVCertificate",
    FROM_STATION,
    (
        same("iso15118SchemaVersion", text(50)),
        same("action", _names("Install", "Update")),
        same("exiRequest", sized(5600)),
    ),
    (
        *_status("Accepted", "Failed"),
        fixed("exiResponse", "", why="2.0.1 asks for it even where the status is Failed and there is none"),
        same("exiResponse", sized(7500)),
    ),
)
_CERTIFICATE_STATUS: Final = _pair(
    "GetCertificateStatus",
    FROM_STATION,
    (group("ocspRequestData", "ocspRequestData", *_OCSP),),
    (*_status("Accepted", "Failed"), same("ocspResult", sized(5500))),
)
_INSTALLED: Final = _pair(
    "GetInstalledCertificateIds",
    FROM_CSMS,
    (same("certificateType", _each(_USES)),),
    (
        *_status("Accepted", "NotFound"),
        group(
            "certificateHashDataChain",
            "certificateHashDataChain",
            group("certificateHashData", "certificateHashData", *HASH),
            same("certificateType", _USES),
            group("childCertificateHashData", "childCertificateHashData", *HASH),
        ),
    ),
)
_INSTALL: Final = _pair(
    "InstallCertificate",
    FROM_CSMS,
    (
        same(
            "certificateType",
            _names("V2GRootCertificate", "MORootCertificate", "CSMSRootCertificate", "ManufacturerRootCertificate"),
        ),
        same("certificate", sized(5500)),
    ),
    _status("Accepted", "Rejected", "Failed"),
)
_SIGN: Final = _pair(
    "SignCertificate",
    FROM_STATION,
    (
        same("csr", sized(5500)),
        fixed("certificateType", "V2GCertificate", why=_V2G),
        same("certificateType", _names("ChargingStationCertificate", "V2GCertificate")),
    ),
    _status(*ACCEPTED_OR_REJECTED),
)
_TRIGGER: Final = _pair(
    "TriggerMessage",
    FROM_CSMS,
    (
        same(
            "requestedMessage",
            _names(
                "BootNotification",
                "LogStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "MeterValues",
                "SignChargingStationCertificate",
                "SignV2GCertificate",
                "StatusNotification",
                "TransactionEvent",
                "SignCombinedCertificate",
                "PublishFirmwareStatusNotification",
            ),
            why="the application note asks for SignV2GCertificate with it (A02)",
        ),
        group("evse", "evse", same("id", INTEGER), same("connectorId", INTEGER)),
    ),
    _status("Accepted", "Rejected", "NotImplemented"),
)

TABLES: Final[dict[tuple[str, str], Table]] = {
    (table.message, table.part): table
    for pair in (
        _AUTHORIZE,
        _CERTIFICATE_SIGNED,
        _DELETE_CERTIFICATE,
        _EV_CERTIFICATE,
        _CERTIFICATE_STATUS,
        _INSTALLED,
        _INSTALL,
        _SIGN,
        _TRIGGER,
    )
    for table in pair
}
"""Key: messageId of the DataTransfer, `request` or `answer`."""


def in_full(payload: dict[str, Any]) -> dict[str, Any]:
    """A wrapped payload with the short forms of the application note written out as 2.0.1 has them; nulls go.

    `idToken` is a plain string there, and `idTokenInfo` an IdTagInfo of 1.6.
    """
    whole: dict[str, Any] = _without_empty(payload)
    token, info = whole.get("idToken"), whole.get("idTokenInfo")
    if isinstance(token, str):
        whole["idToken"] = {"idToken": token}
    if isinstance(info, dict):
        if (expiry := info.pop("expiryDate", None)) is not None:
            info.setdefault("cacheExpiryDateTime", expiry)
        if (parent := info.pop("parentIdTag", None)) is not None:
            info.setdefault("groupIdToken", {"idToken": parent})
    return whole


def _without_empty(value: Any) -> Any:
    """Serialisers write what is absent as null, or as an empty list, which no field of these messages may be.

    As deep as the text was allowed to be.
    """
    if isinstance(value, dict):
        return {key: _without_empty(child) for key, child in value.items() if child is not None and child != []}
    return [_without_empty(child) for child in value] if isinstance(value, list) else value
