"""Configuration keys of 1.6 as variables of the 2.0.1 device model (Part 2, Referenced Components and Variables).

No document of the OCA holds the whole table. Names are those of its list of components and variables
(`dm_components_vars.csv` v1.4); where public implementations disagree, the reason for the choice stands beside the row.

A key that has no variable, or that a vendor made, is a variable of its own name on the component `OCPP16LegacyCtrlr`.
The name is EVerest's, the one public precedent: no standard component may be given variables that the standard does not
know, and a station that keeps such settings after its move has to put them somewhere.
"""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEYS", "LEGACY_COMPONENT", "Access", "Key", "Variable", "Way", "find"]

LEGACY_COMPONENT: Final = "OCPP16LegacyCtrlr"
_LONGEST_NAME: Final = 50
"""identifierString of component and variable; 1.6 keys are as long at most (CiString50Type)."""
_NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})


class Way(StrEnum):
    """How a key's value is kept in the device model."""

    ATTRIBUTE = "attribute"
    """As the Actual attribute of each of its variables: read with GetVariables, written with SetVariables."""
    LIMIT = "limit"
    """As the maxLimit of a variable: a characteristic, which only a report tells and nothing can set."""
    FEATURES = "features"
    """SupportedFeatureProfiles: Available of the controllers, by their profile in the list."""
    CONNECTORS = "connectors"
    """NumberOfConnectors: as many EVSE and Connector components, which only a report tells."""
    PHASES = "phases"
    """ConnectorPhaseRotation: one PhaseRotation for each connector of its list."""


class Access(StrEnum):
    """MutabilityEnumType of the variable, which may be less than what 1.6 allows."""

    READ_WRITE = "ReadWrite"
    READ_ONLY = "ReadOnly"
    WRITE_ONLY = "WriteOnly"


class Variable(msgspec.Struct, frozen=True):
    """One variable of one component."""

    component: str
    name: str
    instance: str | None = None
    feature: str = ""
    """The feature profile of 1.6 that makes it true."""
    silent_without: str = ""
    """A key with a list of measurands: where that is empty, this interval is 0, for 1.6 sends nothing."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration key of 1.6."""

    name: str
    variables: tuple[Variable, ...]
    way: Way = Way.ATTRIBUTE
    data_type: str = "string"
    """DataEnumType."""
    unit: str | None = None
    access: Access = Access.READ_WRITE
    network_profile: bool = False
    """Writable in 1.6; in 2.0.1 part of a network connection profile (B09, SetNetworkProfile)."""
    words: Mapping[str, str] = _NO_WORDS
    """Words of its list that are other words in 2.0.1, in lower case."""
    connector: int | None = None
    """The 1.6 connector that it is about, where each connector has a key of its own."""


def _key(
    name: str, component: str, variable: str, data_type: str, unit: str | None = None, *, instance: str | None = None
) -> Key:
    return Key(name=name, variables=(Variable(component, variable, instance),), data_type=data_type, unit=unit)


def _read_only(name: str, component: str, variable: str, data_type: str, *, instance: str | None = None) -> Key:
    found = Variable(component, variable, instance)
    return Key(name=name, variables=(found,), data_type=data_type, access=Access.READ_ONLY)


def _limit(name: str, component: str, variable: str, *, instance: str | None = None) -> Key:
    found = Variable(component, variable, instance)
    return Key(name=name, variables=(found,), way=Way.LIMIT, data_type="integer", access=Access.READ_ONLY)


_FEATURES: Final = (
    # Core, FirmwareManagement and RemoteTrigger have no Available: a 2.0.1 station always has them.
    Variable("SmartChargingCtrlr", "Available", feature="smartcharging"),
    Variable("ReservationCtrlr", "Available", feature="reservation"),
    Variable("LocalAuthListCtrlr", "Available", feature="localauthlistmanagement"),
)

_CORE: Final = (
    _key("AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "boolean"),
    _key("AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled", "boolean"),
    _key("AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart", "boolean"),
    Key(
        # One interval of 1.6 serves MeterValues and StopTransaction; 2.0.1 has one for each (Part 2 §2.7.12, §2.7.16).
        name="ClockAlignedDataInterval",
        variables=(
            Variable("AlignedDataCtrlr", "Interval"),
            Variable("AlignedDataCtrlr", "TxEndedInterval", silent_without="StopTxnAlignedData"),
        ),
        data_type="integer",
        unit="s",
    ),
    # Counted from Preparing in 1.6, from the authorization or the beginning of the transaction in 2.0.1.
    _key("ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", "integer", "s"),
    Key(
        name="ConnectorPhaseRotation",
        variables=(Variable("ChargingStation", "PhaseRotation"), Variable("Connector", "PhaseRotation")),
        way=Way.PHASES,
        data_type="OptionList",
    ),
    # An analogy: both limit how much is asked for at once, of different messages.
    _read_only("GetConfigurationMaxKeys", "DeviceDataCtrlr", "ItemsPerMessage", "integer", instance="GetVariables"),
    # Of OCPPCommCtrlr (Part 2 §2.1.5, the CSV, three implementations); a vendor's blog has it on ChargingStation.
    _key("HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", "integer", "s"),
    # Names of the CSV: LocalAuthorizationOffline and LocalPreAuthorization are misreadings of a scanned copy.
    _key("LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline", "boolean"),
    _key("LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize", "boolean"),
    _key("MaxEnergyOnInvalidId", "TxCtrlr", "MaxEnergyOnInvalidId", "integer", "Wh"),
    _key("MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", "MemberList"),
    _key("MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", "MemberList"),
    Key(
        # As with ClockAlignedDataInterval (Part 2 §2.7.5, §2.7.8).
        name="MeterValueSampleInterval",
        variables=(
            Variable("SampledDataCtrlr", "TxUpdatedInterval"),
            Variable("SampledDataCtrlr", "TxEndedInterval", silent_without="StopTxnSampledData"),
        ),
        data_type="integer",
        unit="s",
    ),
    Key(
        name="NumberOfConnectors",
        variables=(Variable("EVSE", "Available"), Variable("Connector", "Available")),
        way=Way.CONNECTORS,
        data_type="boolean",
        access=Access.READ_ONLY,
    ),
    _key("ResetRetries", "OCPPCommCtrlr", "ResetRetries", "integer"),
    # True stops the transaction in 1.6 and deauthorises it in 2.0.1 (E09.FR.01); TxStopPoint then decides on its end.
    _key("StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect", "boolean"),
    _key("StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId", "boolean"),
    _key("StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands", "MemberList"),
    _key("StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", "MemberList"),
    Key(
        name="SupportedFeatureProfiles",
        variables=_FEATURES,
        way=Way.FEATURES,
        data_type="boolean",
        access=Access.READ_ONLY,
    ),
    # The instance is part of the identity: without it these are other variables (Part 2 §2.1.10, §2.1.11).
    _key("TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "integer", instance="TransactionEvent"),
    _key(
        "TransactionMessageRetryInterval",
        "OCPPCommCtrlr",
        "MessageAttemptInterval",
        "integer",
        "s",
        instance="TransactionEvent",
    ),
    # Of OCPPCommCtrlr (Part 2 §2.1.12), though its neighbours are of TxCtrlr.
    _key("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "boolean"),
    _key("WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval", "integer", "s"),
    # From the errata sheet of 1.6.
    Key(
        name="MessageTimeout",
        variables=(Variable("OCPPCommCtrlr", "MessageTimeout", "Default"),),
        data_type="integer",
        unit="s",
        access=Access.READ_ONLY,
        network_profile=True,
    ),
    _read_only("SupportedFileTransferProtocols", "OCPPCommCtrlr", "FileTransferProtocols", "MemberList"),
)

_PROFILES: Final = (
    _key("LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled", "boolean"),
    _limit("LocalAuthListMaxLength", "LocalAuthListCtrlr", "Entries"),
    _read_only("SendLocalListMaxLength", "LocalAuthListCtrlr", "ItemsPerMessage", "integer"),
    _read_only("ReserveConnectorZeroSupported", "ReservationCtrlr", "NonEvseSpecific", "boolean"),
    _read_only("ChargeProfileMaxStackLevel", "SmartChargingCtrlr", "ProfileStackLevel", "integer"),
    Key(
        # The text of 1.6 says Current and Power, its errata (3.88) and stations say A and W.
        name="ChargingScheduleAllowedChargingRateUnit",
        variables=(Variable("SmartChargingCtrlr", "RateUnit"),),
        data_type="MemberList",
        access=Access.READ_ONLY,
        words=MappingProxyType({"current": "A", "power": "W"}),
    ),
    _read_only("ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", "integer"),
    _read_only("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr", "Phases3to1", "boolean"),
    _limit("MaxChargingProfilesInstalled", "SmartChargingCtrlr", "Entries", instance="ChargingProfiles"),
)

_SECURITY: Final = (
    _read_only("AdditionalRootCertificateCheck", "SecurityCtrlr", "AdditionalRootCertificateCheck", "boolean"),
    Key(
        name="AuthorizationKey",
        variables=(Variable("SecurityCtrlr", "BasicAuthPassword"),),
        access=Access.WRITE_ONLY,
    ),
    # The name of edition 1 of the security white paper, and that of editions 2 and 3.
    _read_only("CertificateSignedMaxChain", "SecurityCtrlr", "MaxCertificateChainSize", "integer"),
    _read_only("CertificateSignedMaxChainSize", "SecurityCtrlr", "MaxCertificateChainSize", "integer"),
    # The capacity: Actual is how many are installed, though EVerest writes the capacity there.
    _limit("CertificateStoreMaxLength", "SecurityCtrlr", "CertificateEntries"),
    _key("CpoName", "SecurityCtrlr", "OrganizationName", "string"),
    Key(
        name="SecurityProfile",
        variables=(Variable("SecurityCtrlr", "SecurityProfile"),),
        data_type="integer",
        access=Access.READ_ONLY,
        network_profile=True,
    ),
    _key("CertSigningWaitMinimum", "SecurityCtrlr", "CertSigningWaitMinimum", "integer", "s"),
    _key("CertSigningRepeatTimes", "SecurityCtrlr", "CertSigningRepeatTimes", "integer"),
)

_PLUG_AND_CHARGE: Final = (
    _key("ISO15118PnCEnabled", "ISO15118Ctrlr", "PnCEnabled", "boolean"),
    _key("CentralContractValidationAllowed", "ISO15118Ctrlr", "CentralContractValidationAllowed", "boolean"),
    _key("ContractValidationOffline", "ISO15118Ctrlr", "ContractValidationOffline", "boolean"),
    Key(
        # No key of the OCA, but one that EVerest stations have: one flag for two of 2.0.1.
        name="ISO15118CertificateManagementEnabled",
        variables=(
            Variable("ISO15118Ctrlr", "V2GCertificateInstallationEnabled"),
            Variable("ISO15118Ctrlr", "ContractCertificateInstallationEnabled"),
        ),
        data_type="boolean",
    ),
)

_SIGNED_READINGS: Final = (
    _key("PublicKeyWithSignedMeterValue", "OCPPCommCtrlr", "PublicKeyWithSignedMeterValue", "OptionList"),
    _key("SampledDataSignReadings", "SampledDataCtrlr", "SignReadings", "boolean"),
    # SignStartedReadings and SignUpdatedReadings are variables of 2.1; a 2.0.1 station may have them all the same.
    _key("SampledDataSignStartedReadings", "SampledDataCtrlr", "SignStartedReadings", "boolean"),
    _key("SampledDataSignUpdatedReadings", "SampledDataCtrlr", "SignUpdatedReadings", "boolean"),
    _key("StartTxnSampledData", "SampledDataCtrlr", "TxStartedMeasurands", "MemberList"),
    _key("AlignedDataSignReadings", "AlignedDataCtrlr", "SignReadings", "boolean"),
    _key("AlignedDataSignUpdatedReadings", "AlignedDataCtrlr", "SignUpdatedReadings", "boolean"),
)

# Without a row, and so of the legacy component: BlinkRepeat, LightIntensity, MinimumStatusDuration,
# ConnectorPhaseRotationMaxLength, SupportedFeatureProfilesMaxLength and StopTransactionMaxMeterValues have no variable.
# The MaxLength keys of the four lists of measurands count items, while the maxLimit of a MemberList counts characters:
# the number would be another quantity there.

KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    {key.name.lower(): key for key in (*_CORE, *_PROFILES, *_SECURITY, *_PLUG_AND_CHARGE, *_SIGNED_READINGS)}
)
"""By name in lower case: keys are case-insensitive (CiString50Type)."""

_PUBLIC_KEY: Final = re.compile(r"meterpublickey\[?(\d{1,2})\]?", re.ASCII | re.IGNORECASE)
"""One key per connector (white paper on signed meter values)."""


def find(name: str) -> Key:
    """The row of a key, or the one that a key without a row has."""
    key = KEYS.get(name.lower())
    if key is not None:
        return key
    match = _PUBLIC_KEY.fullmatch(name)
    if match is not None and int(match[1]) > 0:
        public_key = (Variable("FiscalMetering", "PublicKey"),)
        return Key(name=name, variables=public_key, access=Access.READ_ONLY, connector=int(match[1]))
    return Key(name=name, variables=(Variable(LEGACY_COMPONENT, name[:_LONGEST_NAME]),))
