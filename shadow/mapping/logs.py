"""Logs: diagnostics and security logs, and how their upload goes (2.0.1 N01)."""

from __future__ import annotations

from typing import Any, Final

from shadow.mapping.rules import ANSWER, FROM_CSMS, FROM_STATION, REQUEST, Table, fixed, group, made, moved, same
from shadow.mapping.values import INTEGER, TIME, one_of, sized, text
from shadow.message import Provenance
from shadow.station.outbox import Outbox

__all__ = ["TABLES"]

_DIAGNOSTICS_STATUSES: Final = {
    "Idle": "Idle",
    "Uploaded": "Uploaded",
    "UploadFailed": "UploadFailure",
    "Uploading": "Uploading",
}
_LOG_STATUSES: Final = {
    name: name
    for name in (
        "BadMessage",
        "Idle",
        "NotSupportedOperation",
        "PermissionDenied",
        "Uploaded",
        "UploadFailure",
        "Uploading",
    )
}
"""2.0.1 has AcceptedCanceled as well, for an upload that gives way to another: GetLog.conf tells of that alone."""
_ANSWERS: Final = {name: name for name in ("Accepted", "Rejected", "AcceptedCanceled")}
_LOG_TYPES: Final = {name: name for name in ("DiagnosticsLog", "SecurityLog")}

_LOCATION: Final = sized(512)
"""Its length alone is named where it is cut: it may hold a password."""

_KNOWN_REQUEST: Final = (
    "N01.FR.13: always, unless nothing is being uploaded. That of the latest request that was not refused; one given by"
    " the CSMS is repeated (N01.FR.07), and where none was seen one is made (below 0, where no CSMS counts)"
)
_NAME: Final = text(255)


def _file_name(out: Outbox, where: str, value: Any) -> str | None:
    """An empty name is none: there was nothing to upload (GetLogResponse: then the field is not present)."""
    name: str | None = _NAME(out, where, value)
    return name or None


TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="DiagnosticsStatusNotification",
        part=REQUEST,
        directions=FROM_STATION,
        message="LogStatusNotification",
        rules=(
            same("status", one_of(_DIAGNOSTICS_STATUSES), why="UploadFailed is UploadFailure"),
            made("requestId", why=_KNOWN_REQUEST),
        ),
    ),
    Table(
        action="DiagnosticsStatusNotification",
        part=ANSWER,
        directions=FROM_STATION,
        message="LogStatusNotification",
    ),
    Table(
        action="LogStatusNotification",
        part=REQUEST,
        directions=FROM_STATION,
        message="LogStatusNotification",
        rules=(
            same("status", one_of(_LOG_STATUSES)),
            made("requestId", why=f"where 1.6 left it out. {_KNOWN_REQUEST}"),
            same("requestId", INTEGER),
        ),
    ),
    Table(action="LogStatusNotification", part=ANSWER, directions=FROM_STATION, message="LogStatusNotification"),
    Table(
        action="GetDiagnostics",
        part=REQUEST,
        directions=FROM_CSMS,
        message="GetLog",
        rules=(
            fixed("logType", "DiagnosticsLog", why="1.6 without the security extension knows no other log"),
            made("requestId", why="unique per station; below 0, where no CSMS counts"),
            moved("location", "log.remoteLocation", _LOCATION, why="1.6 sets no limit, 2.0.1 takes 512 characters"),
            moved("startTime", "log.oldestTimestamp", TIME),
            moved("stopTime", "log.latestTimestamp", TIME),
            same("retries", INTEGER),
            same("retryInterval", INTEGER),
        ),
    ),
    Table(
        action="GetDiagnostics",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetLog",
        rules=(
            moved("fileName", "filename", _file_name),
            made(
                "status",
                why="with a file name Accepted (N01.FR.01); without one nothing is uploaded: Rejected (N01.FR.05)",
            ),
        ),
    ),
    Table(
        action="GetLog",
        part=REQUEST,
        directions=FROM_CSMS,
        message="GetLog",
        rules=(
            group(
                "log",
                "log",
                same("remoteLocation", _LOCATION),
                same("oldestTimestamp", TIME),
                same("latestTimestamp", TIME),
            ),
            same("logType", one_of(_LOG_TYPES)),
            same("requestId", INTEGER),
            same("retries", INTEGER),
            same("retryInterval", INTEGER),
        ),
    ),
    Table(
        action="GetLog",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetLog",
        also=("LogStatusNotification",),
        rules=(
            same("status", one_of(_ANSWERS)),
            same("filename", _file_name),
            made(
                "LogStatusNotification.status",
                provenance=Provenance.DERIVED,
                why="AcceptedCanceled, after an answer of that name: the upload before it gave way (N01.FR.20)",
            ),
            made(
                "LogStatusNotification.requestId",
                provenance=Provenance.DERIVED,
                why="that of the upload which gave way (N01.FR.07)",
            ),
        ),
    ),
)
