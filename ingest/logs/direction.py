"""Who sent a message of which a log does not say it. Pure.

No guess: most actions of 1.6 belong to one side (OCPP 1.6 §4 and §5), and an answer travels against the call with its
message id. DataTransfer, unknown actions and answers without a call stay open.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ingest.frame import Direction
from ingest.ocppj import Call, CallError, CallResult, Malformed, parse

__all__ = ["DirectionFinder"]

_MOST_CALLS: Final = 100_000
_BY_CHARGER: Final = frozenset(
    {
        "Authorize", "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat",
        "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction",
        # Security white paper, edition 2.
        "LogStatusNotification", "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification",
    }
)  # fmt: skip
_BY_CSMS: Final = frozenset(
    {
        "CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "ClearChargingProfile",
        "GetCompositeSchedule", "GetConfiguration", "GetDiagnostics", "GetLocalListVersion", "RemoteStartTransaction",
        "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList", "SetChargingProfile", "TriggerMessage",
        "UnlockConnector", "UpdateFirmware",
        "CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog",
        "InstallCertificate", "SignedUpdateFirmware",
    }
)  # fmt: skip


class DirectionFinder:
    """Remembers the calls that wait for an answer, a bounded number of them."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, str], Direction] = OrderedDict()

    def find(self, connection: str, text: str) -> Direction | str:
        """The direction, or why it cannot be told."""
        message = parse(text)
        match message:
            case Call(message_id=message_id, action=action):
                if action in _BY_CHARGER:
                    direction = Direction.CP_TO_CS
                elif action in _BY_CSMS:
                    direction = Direction.CS_TO_CP
                else:
                    return f"either side may send {action[:40]!r}, and nothing says which did"
                self.learn(connection, message_id, direction)
                return direction
            case CallResult(message_id=message_id) | CallError(message_id=message_id):
                called = self._calls.pop((connection, message_id), None)
                return "an answer to no call that was seen" if called is None else called.opposite
            case Malformed():
                return "no OCPP-J message, and nothing says who sent it"

    def learn(self, connection: str, message_id: str, direction: Direction) -> None:
        """A call was sent this way."""
        self._calls[connection, message_id] = direction
        if len(self._calls) > _MOST_CALLS:
            self._calls.popitem(last=False)
