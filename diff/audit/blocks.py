"""The functional blocks of 2.0.1 (Part 2, A to P): the profile that certifies each, and what speaks for it. Data.

What a 1.6 station does shows that the function is there, not that it speaks 2.0.1: `needs` says what comes on top.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["BLOCKS", "COMPONENTS", "CORE", "MONITORING", "Block"]

CORE: Final = "Core"
_SECURITY: Final = "Advanced Security"
_DEVICES: Final = "Advanced Diagnostics (Device Management)"
_INTERFACE: Final = "Advanced UI"


class Block(msgspec.Struct, frozen=True):
    """One functional block."""

    letter: str
    name: str
    profiles: tuple[str, ...]
    """Certification profiles that test it (Part 5 §2)."""
    station: tuple[str, ...]
    """Requests of the charging station, of either version, that show the function."""
    csms: tuple[str, ...]
    """Requests of the CSMS that show it where the station accepts them."""
    needs: str
    """What 2.0.1 asks for beyond that, with the use cases."""
    features: tuple[str, ...] = ()
    """SupportedFeatureProfiles of 1.6 (§9.1.29) that declare it."""
    decisive: tuple[str, ...] = ()
    """Commands without which there is no such block: a station may well lack another one, as UnlockConnector."""
    absent_without: str = ""
    """The feature profile without which 1.6 does not have it."""
    keys: tuple[str, ...] = ()
    """Configuration keys that a station has only where it has the function."""
    switches: tuple[str, ...] = ()
    """Configuration keys whose value says whether it is there."""
    vendors: tuple[str, ...] = ()
    """vendorIds of OCA extensions that carry it in DataTransfer."""
    components: tuple[str, ...] = ()
    """Components of the device model that belong to it."""


BLOCKS: Final[tuple[Block, ...]] = (
    Block(
        "A", "Security", (CORE, _SECURITY),
        ("SecurityEventNotification", "SignCertificate"), ("CertificateSigned",),
        "a security profile from 1 to 3 (A00), certificates that are renewed (A02), security events (A04)",
        keys=(
            "SecurityProfile", "CpoName", "CertificateStoreMaxLength", "CertificateSignedMaxChainSize",
            "AdditionalRootCertificateCheck",
        ),
        components=("SecurityCtrlr",),
    ),
    Block(
        "B", "Provisioning", (CORE,),
        ("BootNotification", "NotifyReport"),
        (
            "ChangeConfiguration", "GetBaseReport", "GetConfiguration", "GetReport", "GetVariables", "Reset",
            "SetNetworkProfile", "SetVariables",
        ),
        "variables that are set and read (B05, B06), reports of the device model (B07), network profiles (B09)",
        features=(CORE,),
        components=("OCPPCommCtrlr", "DeviceDataCtrlr", "ClockCtrlr"),
        decisive=("GetConfiguration", "GetVariables"),
    ),
    Block(
        "C", "Authorization", (CORE,),
        ("Authorize",), ("ClearCache",),
        "idTokens with their type (C01)",
        features=(CORE,),
        keys=("LocalPreAuthorize", "LocalAuthorizeOffline", "AuthorizationCacheEnabled"),
        components=("AuthCtrlr", "AuthCacheCtrlr"),
    ),
    Block(
        "D", "LocalAuthorizationListManagement", ("Local Authorization List Management",),
        (), ("GetLocalListVersion", "SendLocalList"),
        "lists of idTokens with their type (D01)",
        features=("LocalAuthListManagement",),
        absent_without="LocalAuthListManagement",
        keys=("LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"),
        components=("LocalAuthListCtrlr",),
        decisive=("GetLocalListVersion", "SendLocalList"),
    ),
    Block(
        "E", "Transactions", (CORE,),
        ("StartTransaction", "StopTransaction", "TransactionEvent"), ("GetTransactionStatus",),
        "transaction ids of the station's own and a seqNo without holes (E01), TxStartPoint and TxStopPoint (E06)",
        features=(CORE,),
        components=("TxCtrlr",),
    ),
    Block(
        "F", "RemoteControl", (CORE,),
        (),
        (
            "ExtendedTriggerMessage", "RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction",
            "RequestStopTransaction", "TriggerMessage", "UnlockConnector",
        ),
        "starts that are told apart by remoteStartId (F01, F02)",
        features=(CORE, "RemoteTrigger"),
        decisive=("RemoteStartTransaction", "RequestStartTransaction"),
    ),
    Block(
        "G", "Availability", (CORE,),
        ("Heartbeat", "StatusNotification"), ("ChangeAvailability",),
        "states of EVSEs and connectors as 2.0.1 has them (G01), faults as events (G05)",
        features=(CORE,),
        components=("ChargingStation", "EVSE", "Connector"),
        decisive=("ChangeAvailability",),
    ),
    Block(
        "H", "Reservation", ("Reservation",),
        ("ReservationStatusUpdate",), ("CancelReservation", "ReserveNow"),
        "a report of each reservation that ends unused (H04)",
        features=("Reservation",),
        absent_without="Reservation",
        keys=("ReserveConnectorZeroSupported",),
        components=("ReservationCtrlr",),
        decisive=("ReserveNow",),
    ),
    Block(
        "I", "TariffAndCost", (_INTERFACE,),
        (), ("CostUpdated",),
        "a display of tariff and cost (I01, I02)",
        switches=("CustomDisplayCostAndPrice",),
        vendors=("org.openchargealliance.costmsg",),
        components=("TariffCostCtrlr",),
        decisive=("CostUpdated",),
    ),
    Block(
        "J", "MeterValues", (CORE,),
        ("MeterValues",), (),
        "readings of a transaction inside its TransactionEvents (J02)",
        features=(CORE,),
        keys=("MeterValueSampleInterval", "MeterValuesSampledData", "ClockAlignedDataInterval"),
        components=("SampledDataCtrlr", "AlignedDataCtrlr"),
    ),
    Block(
        "K", "SmartCharging", ("Smart Charging",),
        (
            "ClearedChargingLimit", "NotifyChargingLimit", "NotifyEVChargingNeeds", "NotifyEVChargingSchedule",
            "ReportChargingProfiles",
        ),
        ("ClearChargingProfile", "GetChargingProfiles", "GetCompositeSchedule", "SetChargingProfile"),
        "profiles that name their transaction (K01), reports of what is installed (K09)",
        features=("SmartCharging",),
        absent_without="SmartCharging",
        keys=("ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "MaxChargingProfilesInstalled"),
        components=("SmartChargingCtrlr",),
        decisive=("SetChargingProfile",),
    ),
    Block(
        "L", "FirmwareManagement", (CORE,),
        ("FirmwareStatusNotification", "PublishFirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("PublishFirmware", "SignedUpdateFirmware", "UnpublishFirmware", "UpdateFirmware"),
        "signed firmware and all its statuses (L01)",
        features=("FirmwareManagement",),
        absent_without="FirmwareManagement",
        keys=("SupportedFileTransferProtocols",),
        decisive=("UpdateFirmware",),
    ),
    Block(
        "M", "ISO15118CertificateManagement", ("ISO 15118 Support",),
        ("Get15118EVCertificate", "GetCertificateStatus"),
        ("DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate"),
        "certificates installed, listed and deleted (M03 to M05), contract certificates for vehicles (M01, M02)",
        keys=("ISO15118PnCEnabled", "ContractValidationOffline", "CentralContractValidationAllowed"),
        vendors=("org.openchargealliance.iso15118pnc",),
        components=("ISO15118Ctrlr",),
        decisive=("GetInstalledCertificateIds", "InstallCertificate"),
    ),
    Block(
        "N", "Diagnostics", (CORE, _DEVICES),
        (
            "DiagnosticsStatusNotification", "LogStatusNotification", "NotifyCustomerInformation", "NotifyEvent",
            "NotifyMonitoringReport",
        ),
        (
            "ClearVariableMonitoring", "CustomerInformation", "GetDiagnostics", "GetLog", "GetMonitoringReport",
            "SetMonitoringBase", "SetMonitoringLevel", "SetVariableMonitoring",
        ),
        "logs (N01), monitors and their events (N02 to N08)",
        features=("FirmwareManagement",),
        components=("MonitoringCtrlr",),
        decisive=("GetDiagnostics",),
    ),
    Block(
        "O", "DisplayMessage", (_INTERFACE,),
        ("NotifyDisplayMessages",), ("ClearDisplayMessage", "GetDisplayMessages", "SetDisplayMessage"),
        "a display that the CSMS writes on (O01)",
        components=("DisplayMessageCtrlr",),
        decisive=("SetDisplayMessage",),
    ),
    Block(
        "P", "DataTransfer", (CORE,),
        ("DataTransfer",), ("DataTransfer",),
        "DataTransfer with any JSON as its data (P01, P02); what of it has a place in 2.0.1 moves there",
        features=(CORE,),
    ),
)  # fmt: skip
"""In the order of the specification."""

COMPONENTS: Final[dict[str, str]] = {
    component.lower(): block.letter for block in BLOCKS for component in block.components
}
"""Component in lower case → letter of the block whose variables it holds."""

MONITORING: Final = frozenset(
    {
        "ClearVariableMonitoring",
        "GetMonitoringReport",
        "NotifyMonitoringReport",
        "SetMonitoringBase",
        "SetMonitoringLevel",
        "SetVariableMonitoring",
    }
)
"""Actions of block N that show monitoring: it is another profile's than logs, which a station has without it."""
