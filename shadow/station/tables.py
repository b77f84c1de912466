"""1.6 enumerations in 2.0.1 terms. Whatever is not a key here has no 2.0.1 value and is counted as unmapped.

Where public implementations disagree, the choice and its reason stand beside the row.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "AVAILABILITY_TYPES",
    "CHARGING_STATES",
    "CONNECTOR_STATUSES",
    "EXTENDED_TRIGGERS",
    "LOST_MEASURANDS",
    "MEASURANDS",
    "REGISTRATION_STATUSES",
    "RESET_TYPES",
    "STOP_REASONS",
    "TRIGGERED_ACTIONS",
    "TRIGGERS",
    "UNITS",
    "UNLOCK_STATUSES",
]

CONNECTOR_STATUSES: Final = {
    # 1.6 §7.7 ChargePointStatus → 2.0.1 §3.25 ConnectorStatusEnumType. Five statuses collapse into Occupied;
    # Preparing is ambiguous and decided in station.status.
    "Available": "Available",
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEV": "Occupied",
    "SuspendedEVSE": "Occupied",
    "Finishing": "Occupied",
    "Reserved": "Reserved",
    "Unavailable": "Unavailable",
    "Faulted": "Faulted",
}

CHARGING_STATES: Final = {
    # 1.6 §4.9 statuses → 2.0.1 §3.16 ChargingStateEnumType, with a transaction running.
    "Preparing": "EVConnected",
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "Finishing": "EVConnected",
}

STOP_REASONS: Final = {
    # 1.6 §7.36 Reason → (stoppedReason, triggerReason). Absent is Local on both sides (1.6 §6.49, E07.FR.04).
    "Local": ("Local", "StopAuthorized"),
    "Remote": ("Remote", "RemoteStop"),  # F03.FR.03
    "DeAuthorized": ("DeAuthorized", "Deauthorized"),  # E05.FR.10
    "EVDisconnected": ("EVDisconnected", "EVCommunicationLost"),  # EVDeparted means the parking bay
    "HardReset": ("ImmediateReset", "ResetCommand"),  # B12.FR.04, errata 2.16
    "SoftReset": ("ImmediateReset", "ResetCommand"),  # no reason OnIdle exists; a transaction stopped by a reset
    "Reboot": ("Reboot", "AbnormalCondition"),  # E06.FR.16; after a Reset command see station.transactions
    "PowerLoss": ("PowerLoss", "AbnormalCondition"),
    "EmergencyStop": ("EmergencyStop", "AbnormalCondition"),  # E06.FR.16
    "UnlockCommand": ("Other", "UnlockCommand"),  # 2.0.1 has the trigger and no such reason
    "Other": ("Other", "AbnormalCondition"),  # no requirement covers it
}

MEASURANDS: Final = frozenset(
    {
        # 1.6 §7.31 less Temperature and RPM, which 2.0.1 says in its device model.
        "Current.Export",
        "Current.Import",
        "Current.Offered",
        "Energy.Active.Export.Register",
        "Energy.Active.Import.Register",
        "Energy.Reactive.Export.Register",
        "Energy.Reactive.Import.Register",
        "Energy.Active.Export.Interval",
        "Energy.Active.Import.Interval",
        "Energy.Reactive.Export.Interval",
        "Energy.Reactive.Import.Interval",
        "Frequency",
        "Power.Active.Export",
        "Power.Active.Import",
        "Power.Factor",
        "Power.Offered",
        "Power.Reactive.Export",
        "Power.Reactive.Import",
        "SoC",
        "Voltage",
    }
)

LOST_MEASURANDS: Final = frozenset({"Temperature", "RPM"})
"""1.6 has them; 2.0.1 has variables for them (TemperatureSensor, FanSpeed), which a station reports by monitoring."""

UNITS: Final = {
    # 1.6 §7.47 UnitOfMeasure by what the measurand's name begins with; the first is what an absent unit means.
    # "Celcius" is a misspelling in the 1.6 schema; Frequency has no unit in 1.6 and Hz in 2.0.1.
    "Energy.Active": ("Wh", "kWh"),
    "Energy.Reactive": ("varh", "kvarh"),
    "Power.Active": ("W", "kW"),
    "Power.Reactive": ("var", "kvar"),
    "Power.Factor": ("",),
    "Power.Offered": ("W", "kW", "VA", "kVA"),
    "Current": ("A",),
    "Voltage": ("V",),
    "Frequency": ("Hz", "Hertz"),
    "SoC": ("Percent",),
    "Temperature": ("Celsius", "Celcius", "Fahrenheit", "K"),
    "RPM": ("",),
}

RESET_TYPES: Final = {"Hard": "Immediate", "Soft": "OnIdle"}
"""1.6 ResetType → B11, B12. Soft with a running transaction is Immediate: 1.6 stops it, OnIdle would wait."""

UNLOCK_STATUSES: Final = {
    "Unlocked": "Unlocked",
    "UnlockFailed": "UnlockFailed",
    "NotSupported": "UnknownConnector",  # a connector without a lock
}

AVAILABILITY_TYPES: Final = {"Operative": "Operative", "Inoperative": "Inoperative"}

TRIGGERS: Final = {
    # 1.6 §7.26 MessageTrigger → 2.0.1 §3.52 MessageTriggerEnumType
    "BootNotification": "BootNotification",
    "DiagnosticsStatusNotification": "LogStatusNotification",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "Heartbeat": "Heartbeat",
    "MeterValues": "MeterValues",
    "StatusNotification": "StatusNotification",
}

EXTENDED_TRIGGERS: Final = {
    # Security white paper, MessageTriggerEnumType of ExtendedTriggerMessage → the same of 2.0.1
    "BootNotification": "BootNotification",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "Heartbeat": "Heartbeat",
    "LogStatusNotification": "LogStatusNotification",
    "MeterValues": "MeterValues",
    "SignChargePointCertificate": "SignChargingStationCertificate",
    "StatusNotification": "StatusNotification",
}

TRIGGERED_ACTIONS: Final = {
    # What a station may send while its boot is pending, because it was asked to (B02.FR.02): the 1.6 actions.
    "SignChargePointCertificate": ("SignCertificate",),
    "FirmwareStatusNotification": ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
}
"""Of the messages that are not asked for by their own name."""

REGISTRATION_STATUSES: Final = {"Accepted": "Accepted", "Pending": "Pending", "Rejected": "Rejected"}
