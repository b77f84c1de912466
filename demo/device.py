"""One model of charging station, before and after its firmware moves from 1.6 to 2.0.1. Pure.

The configuration keys that it has on 1.6 stand beside the device model that it reports on 2.0.1.
Both are written down by hand, row by row, and share no code with the shadow's mapping: what is predicted from the one
can be held against the other. Differences are planted into the report, each with what it ought to be found as.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

__all__ = ["BOOT", "PLANTS", "Plant", "Row", "base_report", "boot201", "configuration", "planted", "rows"]

BOOT: Final = {
    "chargePointVendor": "Alder",
    "chargePointModel": "Curb 22",
    "chargePointSerialNumber": "AL-0042",
    "firmwareVersion": "1.9.4",
    "iccid": "89490200001234567890",
    "imsi": "262021234567890",
    "meterType": "EM340",
    "meterSerialNumber": "M-77",
}
"""BootNotification.req of the old firmware."""
_NEW_FIRMWARE: Final = "2.0.0"
_PART: Final = 20
"""Variables in one NotifyReport of this station."""


class Row(msgspec.Struct, frozen=True):
    """One variable that the new firmware reports."""

    component: str
    variable: str
    value: str | None
    data_type: str = "string"
    mutability: str = "ReadOnly"
    unit: str | None = None
    instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    max_limit: int | None = None
    values_list: str | None = None

    @property
    def name(self) -> str:
        """`Component@evse.connector/Variable[instance]`."""
        tier = "" if self.evse_id is None else f"@{self.evse_id}"
        tier += "" if self.connector_id is None else f".{self.connector_id}"
        instance = "" if self.instance is None else f"[{self.instance}]"
        return f"{self.component}{tier}/{self.variable}{instance}"


_SAMPLED: Final = "Energy.Active.Import.Register,Power.Active.Import"
_KEYS: Final = (
    ("AllowOfflineTxForUnknownId", "false", False),
    ("AuthorizationCacheEnabled", "true", False),
    ("AuthorizationKey", "41f7c5d3aa", False),
    ("AuthorizeRemoteTxRequests", "True", False),
    ("BlinkRepeat", "3", False),
    ("ChargeProfileMaxStackLevel", "8", True),
    ("ChargingScheduleAllowedChargingRateUnit", "Current,Power", True),
    ("ChargingScheduleMaxPeriods", "24", True),
    ("ClockAlignedDataInterval", "900", False),
    ("ConnectionTimeOut", "120", False),
    ("ConnectorPhaseRotation", "0.RST,1.RST,2.RTS", False),
    ("CpoName", "Alder Charging", False),
    ("GetConfigurationMaxKeys", "20", True),
    ("HeartbeatInterval", "600", False),
    ("LocalAuthListEnabled", "true", False),
    ("LocalAuthListMaxLength", "200", True),
    ("LocalAuthorizeOffline", "true", False),
    ("LocalPreAuthorize", "false", False),
    ("MaxChargingProfilesInstalled", "10", True),
    ("MessageTimeout", "30", False),
    ("MeterValueSampleInterval", "60", False),
    ("MeterValuesAlignedData", "Energy.Active.Import.Register", False),
    ("MeterValuesSampledData", _SAMPLED, False),
    ("NumberOfConnectors", "2", True),
    ("ResetRetries", "2", False),
    ("SendLocalListMaxLength", "50", True),
    ("StopTransactionOnEVSideDisconnect", "true", False),
    ("StopTransactionOnInvalidId", "true", False),
    ("StopTxnAlignedData", "", False),
    ("StopTxnSampledData", "Energy.Active.Import.Register", False),
    ("SupportedFeatureProfiles", "Core,LocalAuthListManagement,SmartCharging,RemoteTrigger", True),
    ("SupportedFileTransferProtocols", "HTTPS,FTP", True),
    ("TransactionMessageAttempts", "5", False),
    ("TransactionMessageRetryInterval", "30", False),
    ("UnlockConnectorOnEVSideDisconnect", "true", False),
    ("WebSocketPingInterval", "60", False),
    ("AlderLedColour", "green", False),
)
"""Key, value, read-only; in the spelling of the old firmware."""


def configuration() -> dict[str, Any]:
    """GetConfiguration.conf of the old firmware."""
    told = [{"key": key, "readonly": read_only, "value": value} for key, value, read_only in _KEYS]
    return {"configurationKey": told}


def _rw(component: str, variable: str, value: str, data_type: str, unit: str | None = None, **more: Any) -> Row:
    return Row(component, variable, value, data_type, "ReadWrite", unit, **more)


def _ro(component: str, variable: str, value: str | None, data_type: str, unit: str | None = None, **more: Any) -> Row:
    return Row(component, variable, value, data_type, "ReadOnly", unit, **more)


def rows() -> list[Row]:
    """What the new firmware reports where nothing is wrong with it."""
    return [*_TOLD, *_NEW, *_tiers()]


_TOLD: Final = (
    _rw("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false", "boolean"),
    _ro("AuthCacheCtrlr", "Available", "true", "boolean"),
    _rw("AuthCacheCtrlr", "Enabled", "true", "boolean"),
    Row("SecurityCtrlr", "BasicAuthPassword", None, "string", "WriteOnly", max_limit=40),
    _rw("AuthCtrlr", "AuthorizeRemoteStart", "true", "boolean"),
    _ro("SmartChargingCtrlr", "ProfileStackLevel", "8", "integer"),
    _ro("SmartChargingCtrlr", "RateUnit", "W,A", "MemberList", values_list="A,W"),
    _ro("SmartChargingCtrlr", "PeriodsPerSchedule", "24", "integer"),
    _rw("AlignedDataCtrlr", "Interval", "900", "integer", "s"),
    _rw("AlignedDataCtrlr", "TxEndedInterval", "0", "integer", "s"),
    _rw("TxCtrlr", "EVConnectionTimeOut", "120", "integer", "s"),
    _rw("SecurityCtrlr", "OrganizationName", "Alder Charging", "string"),
    _rw("OCPPCommCtrlr", "HeartbeatInterval", "600", "integer", "s"),
    _ro("LocalAuthListCtrlr", "Available", "true", "boolean"),
    _rw("LocalAuthListCtrlr", "Enabled", "true", "boolean"),
    _ro("LocalAuthListCtrlr", "Entries", "0", "integer", max_limit=200),
    _ro("LocalAuthListCtrlr", "ItemsPerMessage", "50", "integer"),
    _rw("AuthCtrlr", "LocalAuthorizeOffline", "true", "boolean"),
    _rw("AuthCtrlr", "LocalPreAuthorize", "false", "boolean"),
    _ro("SmartChargingCtrlr", "Entries", "0", "integer", instance="ChargingProfiles", max_limit=10),
    _ro("SmartChargingCtrlr", "Available", "true", "boolean"),
    _ro("ReservationCtrlr", "Available", "false", "boolean"),
    _rw("SampledDataCtrlr", "TxUpdatedInterval", "60", "integer", "s"),
    _rw("SampledDataCtrlr", "TxEndedInterval", "60", "integer", "s"),
    _rw("AlignedDataCtrlr", "Measurands", "Energy.Active.Import.Register", "MemberList"),
    _rw("SampledDataCtrlr", "TxUpdatedMeasurands", "Power.Active.Import,Energy.Active.Import.Register", "MemberList"),
    _rw("OCPPCommCtrlr", "ResetRetries", "2", "integer"),
    _rw("TxCtrlr", "StopTxOnEVSideDisconnect", "true", "boolean"),
    _rw("TxCtrlr", "StopTxOnInvalidId", "true", "boolean"),
    _rw("AlignedDataCtrlr", "TxEndedMeasurands", "", "MemberList"),
    _rw("SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register", "MemberList"),
    _rw("SampledDataCtrlr", "TxStartedMeasurands", "Energy.Active.Import.Register", "MemberList"),
    _ro("OCPPCommCtrlr", "FileTransferProtocols", "FTP,HTTPS", "MemberList"),
    _rw("OCPPCommCtrlr", "MessageAttempts", "5", "integer", instance="TransactionEvent"),
    _rw("OCPPCommCtrlr", "MessageAttemptInterval", "30", "integer", "s", instance="TransactionEvent"),
    _rw("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true", "boolean"),
    _rw("OCPPCommCtrlr", "WebSocketPingInterval", "60", "integer", "s"),
    _ro("ChargingStation", "VendorName", "Alder", "string"),
    _ro("ChargingStation", "Model", "Curb 22", "string"),
    _ro("ChargingStation", "SerialNumber", "AL-0042", "string"),
    _ro("ChargingStation", "Available", "true", "boolean"),
    _ro("ChargingStation", "AvailabilityState", "Available", "OptionList"),
    _ro("Controller", "FirmwareVersion", _NEW_FIRMWARE, "string"),
    _ro("DataLink", "ICCID", "89490200001234567890", "string"),
    _ro("DataLink", "IMSI", "262021234567890", "string"),
    _ro("FiscalMetering", "Model", "EM340", "string"),
    _ro("FiscalMetering", "SerialNumber", "M-77", "string"),
    _rw("ChargingStation", "PhaseRotation", "RST", "string"),
)
"""What 1.6 could tell, by a key or by another message."""

_NEW: Final = (
    _ro("ClockCtrlr", "DateTime", "2026-05-04T12:00:00Z", "dateTime"),
    _rw("ClockCtrlr", "TimeSource", "Heartbeat", "SequenceList"),
    _ro("DeviceDataCtrlr", "BytesPerMessage", "8000", "integer", instance="GetReport"),
    _ro("DeviceDataCtrlr", "BytesPerMessage", "8000", "integer", instance="GetVariables"),
    _ro("DeviceDataCtrlr", "BytesPerMessage", "8000", "integer", instance="SetVariables"),
    _ro("DeviceDataCtrlr", "ItemsPerMessage", "20", "integer", instance="GetReport"),
    _ro("DeviceDataCtrlr", "ItemsPerMessage", "20", "integer", instance="GetVariables"),
    _ro("DeviceDataCtrlr", "ItemsPerMessage", "20", "integer", instance="SetVariables"),
    _ro("OCPPCommCtrlr", "MessageTimeout", "30", "integer", "s", instance="Default"),
    _rw("OCPPCommCtrlr", "NetworkConfigurationPriority", "1", "string"),
    _rw("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "3", "integer"),
    _rw("OCPPCommCtrlr", "OfflineThreshold", "60", "integer", "s"),
    _rw("OCPPCommCtrlr", "RetryBackOffRandomRange", "10", "integer", "s"),
    _rw("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "3", "integer"),
    _rw("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "5", "integer", "s"),
    _ro("LocalAuthListCtrlr", "BytesPerMessage", "8000", "integer"),
    _rw("TxCtrlr", "TxStartPoint", "PowerPathClosed", "MemberList"),
    _rw("TxCtrlr", "TxStopPoint", "EVConnected,Authorized", "MemberList"),
    _rw("SmartChargingCtrlr", "LimitChangeSignificance", "5", "decimal", "Percent"),
    _ro("ChargingStation", "SupplyPhases", "3", "integer"),
)
"""What 2.0.1 has and 1.6 cannot tell."""


def _tiers() -> list[Row]:
    found = []
    for evse in (1, 2):
        found += [
            _ro("EVSE", "Available", "true", "boolean", evse_id=evse),
            _ro("EVSE", "AvailabilityState", "Available", "OptionList", evse_id=evse),
            _ro("EVSE", "Power", "0", "decimal", "W", evse_id=evse, max_limit=22000),
            _ro("EVSE", "SupplyPhases", "3", "integer", evse_id=evse),
            _ro("Connector", "Available", "true", "boolean", evse_id=evse, connector_id=1),
            _ro("Connector", "AvailabilityState", "Available", "OptionList", evse_id=evse, connector_id=1),
            _ro("Connector", "ConnectorType", "sType2", "string", evse_id=evse, connector_id=1),
            _ro("Connector", "SupplyPhases", "3", "integer", evse_id=evse, connector_id=1),
            _rw("Connector", "PhaseRotation", "RST" if evse == 1 else "RTS", "string", evse_id=evse, connector_id=1),
        ]
    return found


class Plant(msgspec.Struct, frozen=True):
    """A difference that is planted into the report."""

    kind: str
    """As what it ought to be found: `missing`, `extra`, `changed`, `wrong-type`, `mutability`."""
    name: str
    change: dict[str, Any]
    """Fields of the row that are other; of one that is left out none."""


PLANTS: Final = (
    Plant("missing", "TxCtrlr/EVConnectionTimeOut", {}),
    Plant("missing", "Connector@2.1/PhaseRotation", {}),
    Plant("extra", "AlderCtrlr/LedColour", {}),
    Plant("changed", "OCPPCommCtrlr/HeartbeatInterval", {"value": "60"}),
    Plant("changed", "SampledDataCtrlr/TxUpdatedMeasurands", {"value": "Energy.Active.Import.Register"}),
    Plant("changed", "LocalAuthListCtrlr/Entries", {"max_limit": 100}),
    Plant("wrong-type", "OCPPCommCtrlr/ResetRetries", {"data_type": "string"}),
    Plant("wrong-type", "AlignedDataCtrlr/Interval", {"unit": "min"}),
    Plant("wrong-type", "AuthCtrlr/LocalPreAuthorize", {"value": "no"}),
    Plant("mutability", "AuthCtrlr/LocalAuthorizeOffline", {"mutability": "ReadOnly"}),
)
"""One or more of every kind."""


def planted(plants: Iterable[Plant]) -> list[Row]:
    """The report with these differences in it."""
    found = {row.name: row for row in rows()}
    for plant in plants:
        if plant.kind == "missing":
            del found[plant.name]
        elif plant.kind == "extra":
            component, _, variable = plant.name.partition("/")
            found[plant.name] = _rw(component, variable, "green", "string")
        else:
            found[plant.name] = msgspec.structs.replace(found[plant.name], **plant.change)
    return list(found.values())


def boot201() -> dict[str, Any]:
    """BootNotificationRequest of the new firmware."""
    modem = {"iccid": BOOT["iccid"], "imsi": BOOT["imsi"]}
    station = {
        "vendorName": BOOT["chargePointVendor"],
        "model": BOOT["chargePointModel"],
        "serialNumber": BOOT["chargePointSerialNumber"],
        "firmwareVersion": _NEW_FIRMWARE,
        "modem": modem,
    }
    return {"reason": "PowerUp", "chargingStation": station}


def base_report(told: list[Row], request_id: int, generated_at: str) -> list[dict[str, Any]]:
    """NotifyReportRequest, in parts."""
    parts = []
    for number, first in enumerate(range(0, len(told), _PART)):
        part: dict[str, Any] = {
            "requestId": request_id,
            "generatedAt": generated_at,
            "seqNo": number,
            "reportData": [_entry(row) for row in told[first : first + _PART]],
        }
        if first + _PART < len(told):
            part["tbc"] = True
        parts.append(part)
    return parts


def _entry(row: Row) -> dict[str, Any]:
    component: dict[str, Any] = {"name": row.component}
    if row.evse_id is not None:
        component["evse"] = {"id": row.evse_id}
        if row.connector_id is not None:
            component["evse"]["connectorId"] = row.connector_id
    variable = {"name": row.variable}
    if row.instance is not None:
        variable["instance"] = row.instance
    attribute = {"type": "Actual", "mutability": row.mutability}
    if row.value is not None:
        attribute["value"] = row.value
    limits = {"unit": row.unit, "maxLimit": row.max_limit, "valuesList": row.values_list}
    told = {name: value for name, value in limits.items() if value is not None}
    return {
        "component": component,
        "variable": variable,
        "variableAttribute": [attribute],
        "variableCharacteristics": {"dataType": row.data_type, "supportsMonitoring": False, **told},
    }
