"""A small scripted station and its device model, and the audit of both: what the golden file holds.

`python -m tests.diff.audit.example > tests/diff/audit/golden/station.md` writes it anew.
"""

from __future__ import annotations

import sys

from demo.script import Script
from diff.audit.audit import Audit, audit
from diff.audit.evidence import Evidence
from diff.audit.observing import Observer
from diff.audit.written import Form, written
from ingest.frame import Frame, FrameKind, Handshake
from shadow.device_model.model import DeviceModel, KeyFate
from shadow.state import ChargerState
from shadow.step import step
from tests.diff.audit.models import ASSUMED, DERIVED, Wanted, entry, key, model

REQUIRED = (
    Wanted("ClockCtrlr", "DateTime"),
    Wanted("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    Wanted("SecurityCtrlr", "OrganizationName"),
    Wanted("TxCtrlr", "EVConnectionTimeOut"),
    Wanted("TxCtrlr", "TxStartPoint"),
    Wanted("SampledDataCtrlr", "TxUpdatedMeasurands"),
    Wanted("EVSE", "Power", None, "only its limit"),
    Wanted("LocalAuthListCtrlr", "Entries", None, "where LocalAuthListCtrlr.Available"),
    Wanted("DisplayMessageCtrlr", "DisplayMessages"),
)


def station() -> Script:
    """Two days of an AC station with basic authentication: a session, commands, new firmware, a lost connection."""
    script = Script("CP1", connected=False)
    shake = Handshake(path="/CP1", subprotocol="ocpp1.6", offered=("ocpp1.6",), status=101, basic_auth=True)
    script._add(FrameKind.OPENED, handshake=shake)
    script.boot(firmwareVersion="4.1-20290410").status(1, "Available").status(2, "Available")
    script.authorize("04A1B2C3").status(1, "Preparing").start(1, "04A1B2C3", 1000, transaction=7).wait(1800)
    script.meter(1, 7, 2500).stop(7, 3500).status(1, "Available")
    script.remote("RemoteStartTransaction", {"idTag": "04A1B2C3"}).remote("Reset", {"type": "Soft"}, "Rejected")
    script.remote("UnlockConnector", {"connectorId": 1}, "NotSupported")
    script.command("SendLocalList", {"listVersion": 1, "updateType": "Full"}).refuse("NotImplemented", "no local list")
    script.call("DataTransfer", {"vendorId": "com.alder", "messageId": "load", "data": "42"})
    script.answer({"status": "Accepted"}).close().wait(90_000)
    script._connection, script._seq = 1, 0
    script._add(FrameKind.OPENED, handshake=shake)
    return script.boot(firmwareVersion="4.2-20291120").status(1, "Available").status(2, "Faulted")


def device() -> DeviceModel:
    """What its keys say."""
    return model(
        [
            entry("OCPPCommCtrlr/MessageAttempts[TransactionEvent]", "3", origin="key TransactionMessageAttempts"),
            entry("TxCtrlr/EVConnectionTimeOut", "60", origin="key ConnectionTimeOut"),
            entry("TxCtrlr/TxStartPoint", "PowerPathClosed", ASSUMED, origin="setting"),
            entry("SampledDataCtrlr/TxUpdatedMeasurands", "Temperature", flaws=("Temperature is no measurand",)),
            entry("EVSE@1/Power", None, max_limit="22000"),
            entry("EVSE@2/Available", "true", DERIVED, origin="key NumberOfConnectors"),
            entry("Connector@1.1/Available", "true", DERIVED, origin="key NumberOfConnectors"),
            entry("Connector@2.1/Available", "true", DERIVED, origin="key NumberOfConnectors"),
        ],
        [
            key("AuthorizationKey", None, KeyFate.SECRET),
            key("BlinkRepeat", "2", KeyFate.NO_EQUIVALENT),
            key("ConnectionTimeOut", "60"),
            key("LoadShare|Mode", "auto <1>", KeyFate.UNMAPPED),
            key("MeterValuesSampledData", "Energy.Active.Import.Register,Temperature", KeyFate.LOSSY),
            key("SecurityProfile", "1"),
            key("SupportedFeatureProfiles", "Core,FirmwareManagement,RemoteTrigger"),
            key("WebSocketPingInterval", None, known=False),
        ],
        firmware="4.2-20291120",
    )  # fmt: skip


def seen(frames: list[Frame]) -> Evidence:
    """The evidence of one station's frames."""
    state, observer = ChargerState(frames[0].charger_id), Observer(frames[0].charger_id)
    for frame in frames:
        state, observations = step(state, frame)
        observer.feed(frame, observations.event)
    return observer.evidence()


def example() -> Audit:
    """The audit of the scripted station."""
    return audit(device(), seen(station().frames), REQUIRED)


if __name__ == "__main__":
    sys.stdout.write(written([example()], "", Form.MARKDOWN))
