"""Firmware updates, unsigned and signed: 2.0.1 has one pair of messages for both (L01, L02)."""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import ANSWER, FROM_CSMS, FROM_STATION, REQUEST, Table, fixed, group, made, moved, same
from shadow.mapping.values import INTEGER, TIME, one_of, sized

__all__ = ["TABLES"]

_UNSIGNED: Final = {
    name: name
    for name in (
        "Downloaded",
        "DownloadFailed",
        "Downloading",
        "Idle",
        "InstallationFailed",
        "Installing",
        "Installed",
    )
}
_SIGNED: Final = {
    **_UNSIGNED,
    **{
        name: name
        for name in (
            "DownloadScheduled",
            "DownloadPaused",
            "InstallRebooting",
            "InstallScheduled",
            "InstallVerificationFailed",
            "InvalidSignature",
            "SignatureVerified",
        )
    },
}
_ANSWERS: Final = {
    name: name for name in ("Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate")
}

_LOCATION: Final = sized(512)
"""Its length alone is named where it is cut: it may hold a password."""

_KNOWN_REQUEST: Final = (
    "L01.FR.20: always, unless the status is Idle. That of the latest request which was not refused; one that was given"
    " by the CSMS is repeated (L01.FR.10), and where none was seen one is made (below 0, where no CSMS counts)"
)
_WITHOUT_TIME: Final = "the time of receipt, where the one that was sent cannot be read: 2.0.1 asks for one"

TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="FirmwareStatusNotification",
        part=REQUEST,
        directions=FROM_STATION,
        message="FirmwareStatusNotification",
        rules=(same("status", one_of(_UNSIGNED)), made("requestId", why=_KNOWN_REQUEST)),
    ),
    Table(
        action="FirmwareStatusNotification",
        part=ANSWER,
        directions=FROM_STATION,
        message="FirmwareStatusNotification",
    ),
    Table(
        action="SignedFirmwareStatusNotification",
        part=REQUEST,
        directions=FROM_STATION,
        message="FirmwareStatusNotification",
        rules=(
            same("status", one_of(_SIGNED)),
            made("requestId", why=f"where 1.6 left it out. {_KNOWN_REQUEST}"),
            same("requestId", INTEGER),
        ),
    ),
    Table(
        action="SignedFirmwareStatusNotification",
        part=ANSWER,
        directions=FROM_STATION,
        message="FirmwareStatusNotification",
    ),
    Table(
        action="UpdateFirmware",
        part=REQUEST,
        directions=FROM_CSMS,
        message="UpdateFirmware",
        rules=(
            made("requestId", why="unique per station; below 0, where no CSMS counts"),
            moved("location", "firmware.location", _LOCATION, why="1.6 sets no limit, 2.0.1 takes 512 characters"),
            made("firmware.retrieveDateTime", why=_WITHOUT_TIME),
            moved("retrieveDate", "firmware.retrieveDateTime", TIME),
            same("retries", INTEGER),
            same("retryInterval", INTEGER),
        ),
        why="without signingCertificate and signature: the unsigned form (L02)",
    ),
    Table(
        action="UpdateFirmware",
        part=ANSWER,
        directions=FROM_CSMS,
        message="UpdateFirmware",
        rules=(fixed("status", "Accepted", why="the answer of 1.6 is empty and cannot refuse (1.6 §5.19)"),),
    ),
    Table(
        action="SignedUpdateFirmware",
        part=REQUEST,
        directions=FROM_CSMS,
        message="UpdateFirmware",
        rules=(
            same("requestId", INTEGER),
            group(
                "firmware",
                "firmware",
                same("location", _LOCATION),
                made("retrieveDateTime", why=_WITHOUT_TIME),
                same("retrieveDateTime", TIME),
                same("installDateTime", TIME),
                same("signingCertificate", sized(5500)),
                same("signature", sized(800)),
            ),
            same("retries", INTEGER),
            same("retryInterval", INTEGER),
        ),
    ),
    Table(
        action="SignedUpdateFirmware",
        part=ANSWER,
        directions=FROM_CSMS,
        message="UpdateFirmware",
        rules=(same("status", one_of(_ANSWERS)),),
    ),
)
