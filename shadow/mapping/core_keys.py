"""The keys of the Core profile (1.6 ed. 2 §9.1) in the device model of 2.0.1: see `shadow.mapping.keys`."""

from __future__ import annotations

from typing import Final

from shadow.mapping.key import LEGACY_COMPONENT, Access, Key, Relation, Variable, Way

__all__ = ["CORE", "items_not_characters", "unplaced"]

_SPELLING: Final = (
    "SAP's simulator writes {wrong}, which no original document of the OCA has: misread from a scanned copy of Part 2"
)
_INSTANCE: Final = (
    "EVerest's page leaves the instance out, which would be another variable; its code has it, and so has Part 2"
)
_ONE_INTERVAL: Final = (
    "one interval of 1.6 serves the periodic messages and the values in StopTransaction, 2.0.1 has one for each; the "
    "second follows the key only where {key} is not empty, else it is 0"
)
_INTERVAL_CHOICE: Final = (
    "EVerest, SAP and shiv3 fill the first variable only; the second is Required, so it is derived here"
)
_MEASURANDS: Final = (
    "RPM and Temperature are no measurands of 2.0.1, and a phase behind a measurand (Voltage.L1-N) is no member there: "
    "what of a value is left out is named"
)


def unplaced(name: str, data_type: str, source: str, caveat: str, *, unit: str | None = None, choice: str = "") -> Key:
    """A key of the standard that 2.0.1 has no variable for."""
    return Key(
        name=name,
        variables=(Variable(LEGACY_COMPONENT, name),),
        data_type=data_type,
        unit=unit,
        relation=Relation.NONE,
        source=source,
        caveat=caveat,
        choice=choice,
    )


def items_not_characters(name: str, component: str, variable: str, source: str) -> Key:
    """The length of a list of measurands: items in 1.6, characters of the text as maxLimit of a MemberList."""
    return Key(
        name=name,
        variables=(Variable(LEGACY_COMPONENT, name),),
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.OTHER_CHARACTERISTIC,
        source=source,
        caveat="counts items, while the maxLimit of a MemberList counts the characters of its text: not filled from it",
        choice="EVerest copies the number into maxLimit, where it is another quantity",
        about=(Variable(component, variable),),
    )


def _measurands(name: str, component: str, variable: str, source: str, caveat: str = _MEASURANDS) -> Key:
    return Key(
        name=name,
        variables=(Variable(component, variable),),
        data_type="MemberList",
        measurands=True,
        relation=Relation.CAVEAT,
        source=source,
        caveat=caveat,
    )


CORE: Final = (
    Key(
        name="AllowOfflineTxForUnknownId",
        variables=(Variable("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),),
        data_type="boolean",
        source="1.6 §9.1.1; Part 2 §2.3.3",
        caveat="a station without the key does not do it, and has no such variable",
    ),
    Key(
        name="AuthorizationCacheEnabled",
        variables=(Variable("AuthCacheCtrlr", "Enabled"),),
        data_type="boolean",
        source="1.6 §9.1.2; Part 2 §2.4.1, §2.4.2",
        shows="AuthCacheCtrlr",
        missed=True,
    ),
    Key(
        name="AuthorizeRemoteTxRequests",
        variables=(Variable("AuthCtrlr", "AuthorizeRemoteStart"),),
        data_type="boolean",
        source="1.6 §9.1.3; Part 2 §2.3.4",
    ),
    unplaced("BlinkRepeat", "integer", "1.6 §9.1.4", "no standard variable"),
    Key(
        name="ClockAlignedDataInterval",
        variables=(
            Variable("AlignedDataCtrlr", "Interval"),
            Variable("AlignedDataCtrlr", "TxEndedInterval", silent_without="StopTxnAlignedData"),
        ),
        data_type="integer",
        unit="s",
        relation=Relation.SPLIT,
        source="1.6 §9.1.5; Part 2 §2.7.12, §2.7.16",
        caveat=_ONE_INTERVAL.format(key="StopTxnAlignedData"),
        choice=_INTERVAL_CHOICE,
    ),
    Key(
        name="ConnectionTimeOut",
        variables=(Variable("TxCtrlr", "EVConnectionTimeOut"),),
        data_type="integer",
        unit="s",
        relation=Relation.CAVEAT,
        source="1.6 §9.1.6; Part 2 §2.6.1",
        caveat="counted from Preparing in 1.6, from the authorization or the beginning of the transaction in 2.0.1",
    ),
    Key(
        name="ConnectorPhaseRotation",
        variables=(Variable("ChargingStation", "PhaseRotation"), Variable("Connector", "PhaseRotation")),
        way=Way.PHASES,
        data_type="OptionList",
        relation=Relation.SPLIT,
        source="1.6 §9.1.7; Part 2 §2.13.5",
        caveat="NotApplicable and Unknown are both the empty value; 2.0.1 also has part rotations with x (Rxx)",
        choice="PhaseRotation may be on any component; the key's 0 is the station, its other numbers are connectors, "
        "and nothing in it is about an EVSE. EVerest keeps the whole list on its legacy component",
    ),
    unplaced(
        "ConnectorPhaseRotationMaxLength", "integer", "1.6 §9.1.8", "has no meaning once the list is several variables"
    ),
    Key(
        name="GetConfigurationMaxKeys",
        variables=(Variable("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"),),
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.NEAR,
        source="1.6 §9.1.9; Part 2 §2.1.17",
        caveat="an analogy: both limit how much is asked for at once, of different messages",
        choice="no public table maps it; EVerest keeps it on its legacy component",
    ),
    Key(
        name="HeartbeatInterval",
        variables=(Variable("OCPPCommCtrlr", "HeartbeatInterval"),),
        data_type="integer",
        unit="s",
        source="1.6 §9.1.10; Part 2 §2.1.5",
        caveat="2.0.1 has a minLimit of 1; the interval of a BootNotification answer overwrites it in both versions",
        choice="a vendor's blog has it on ChargingStation; Part 2, the list, the uptime paper and three "
        "implementations have it on OCPPCommCtrlr. Required in 1.6, not in 2.0.1",
    ),
    unplaced("LightIntensity", "integer", "1.6 §9.1.11", "no standard variable", unit="Percent"),
    Key(
        name="LocalAuthorizeOffline",
        variables=(Variable("AuthCtrlr", "LocalAuthorizeOffline"),),
        data_type="boolean",
        source="1.6 §9.1.12; Part 2 §2.3.5",
        choice=_SPELLING.format(wrong="LocalAuthorizationOffline"),
    ),
    Key(
        name="LocalPreAuthorize",
        variables=(Variable("AuthCtrlr", "LocalPreAuthorize"),),
        data_type="boolean",
        source="1.6 §9.1.13; Part 2 §2.3.6",
        choice=_SPELLING.format(wrong="LocalPreAuthorization"),
    ),
    Key(
        name="MaxEnergyOnInvalidId",
        variables=(Variable("TxCtrlr", "MaxEnergyOnInvalidId"),),
        data_type="integer",
        unit="Wh",
        source="1.6 §9.1.14; Part 2 §2.6.7",
        choice="a public list of keys calls it read-only; the text of 1.6 says it can be written",
    ),
    _measurands("MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", "1.6 §9.1.15; Part 2 §2.7.11"),
    items_not_characters(
        "MeterValuesAlignedDataMaxLength", "AlignedDataCtrlr", "Measurands", "1.6 §9.1.16; Part 2 §2.7.11"
    ),
    _measurands(
        "MeterValuesSampledData",
        "SampledDataCtrlr",
        "TxUpdatedMeasurands",
        "1.6 §9.1.17; Part 2 §2.7.7",
        f"{_MEASURANDS}; nothing in it says TxStartedMeasurands, which is Required",
    ),
    items_not_characters(
        "MeterValuesSampledDataMaxLength", "SampledDataCtrlr", "TxUpdatedMeasurands", "1.6 §9.1.18; Part 2 §2.7.7"
    ),
    Key(
        name="MeterValueSampleInterval",
        variables=(
            Variable("SampledDataCtrlr", "TxUpdatedInterval"),
            Variable("SampledDataCtrlr", "TxEndedInterval", silent_without="StopTxnSampledData"),
        ),
        data_type="integer",
        unit="s",
        relation=Relation.SPLIT,
        source="1.6 §9.1.19; Part 2 §2.7.5, §2.7.8",
        caveat=_ONE_INTERVAL.format(key="StopTxnSampledData"),
        choice=_INTERVAL_CHOICE,
    ),
    unplaced(
        "MinimumStatusDuration",
        "integer",
        "1.6 §9.1.20",
        "no variable of a component; it hides short statuses of 1.6 that a 2.0.1 station reports",
        unit="s",
        choice="the list has a generic variable of this name; no document says whose it is, so none is filled",
    ),
    Key(
        name="NumberOfConnectors",
        variables=(Variable("EVSE", "Available"), Variable("Connector", "Available")),
        way=Way.CONNECTORS,
        data_type="boolean",
        access=Access.READ_ONLY,
        relation=Relation.DERIVED,
        source="1.6 §9.1.21; Part 1 §7.2, Part 2 §2.13.1",
        caveat="no variable counts connectors: each is an EVSE with one connector, unless a topology says otherwise",
    ),
    Key(
        name="ResetRetries",
        variables=(Variable("OCPPCommCtrlr", "ResetRetries"),),
        data_type="integer",
        source="1.6 §9.1.22; Part 2 §2.1.14",
    ),
    Key(
        name="StopTransactionOnEVSideDisconnect",
        variables=(Variable("TxCtrlr", "StopTxOnEVSideDisconnect"),),
        data_type="boolean",
        relation=Relation.CAVEAT,
        source="1.6 §9.1.23, errata §3.80; Part 2 §2.6.2, E09.FR.01",
        caveat="true stops the transaction in 1.6 and deauthorises it in 2.0.1, where TxStopPoint decides on its end",
        choice="Part 2 and shiv3 have it on TxCtrlr; EVerest keeps it on its legacy component",
    ),
    Key(
        name="StopTransactionOnInvalidId",
        variables=(Variable("TxCtrlr", "StopTxOnInvalidId"),),
        data_type="boolean",
        relation=Relation.CAVEAT,
        source="1.6 §9.1.24; Part 2 §2.6.8, E05.FR.09",
        caveat="stops the transaction in 1.6 and deauthorises it in 2.0.1, where TxStopPoint decides on its end",
    ),
    _measurands("StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands", "1.6 §9.1.25; Part 2 §2.7.15"),
    items_not_characters(
        "StopTxnAlignedDataMaxLength", "AlignedDataCtrlr", "TxEndedMeasurands", "1.6 §9.1.26; Part 2 §2.7.15"
    ),
    _measurands("StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", "1.6 §9.1.27; Part 2 §2.7.4"),
    items_not_characters(
        "StopTxnSampledDataMaxLength", "SampledDataCtrlr", "TxEndedMeasurands", "1.6 §9.1.28; Part 2 §2.7.4"
    ),
    Key(
        name="SupportedFeatureProfiles",
        variables=(
            Variable("SmartChargingCtrlr", "Available", feature="smartcharging"),
            Variable("ReservationCtrlr", "Available", feature="reservation"),
            Variable("LocalAuthListCtrlr", "Available", feature="localauthlistmanagement"),
        ),
        way=Way.FEATURES,
        data_type="boolean",
        access=Access.READ_ONLY,
        relation=Relation.DERIVED,
        source="1.6 §9.1.29; Part 2 §2.5.3, §2.8.2, §2.9.2",
        caveat="Core, FirmwareManagement and RemoteTrigger have no Available: a 2.0.1 station always has them",
    ),
    unplaced("SupportedFeatureProfilesMaxLength", "integer", "1.6 §9.1.30, errata §3.81", "the errata call it useless"),
    Key(
        name="TransactionMessageAttempts",
        variables=(Variable("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),),
        data_type="integer",
        source="1.6 §9.1.31; Part 2 §2.1.10",
        choice=_INSTANCE,
    ),
    Key(
        name="TransactionMessageRetryInterval",
        variables=(Variable("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),),
        data_type="integer",
        unit="s",
        source="1.6 §9.1.32; Part 2 §2.1.11, E13.FR.03",
        choice=_INSTANCE,
    ),
    Key(
        name="UnlockConnectorOnEVSideDisconnect",
        variables=(Variable("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"),),
        data_type="boolean",
        source="1.6 §9.1.33, errata §3.84; Part 2 §2.1.12",
        caveat="of a fixed cable: false and read-only in both versions",
        choice="Part 2 has it on OCPPCommCtrlr, though its neighbours are on TxCtrlr; EVerest keeps it on its legacy "
        "component",
    ),
    Key(
        name="WebSocketPingInterval",
        variables=(Variable("OCPPCommCtrlr", "WebSocketPingInterval"),),
        data_type="integer",
        unit="s",
        source="1.6 §9.1.34; Part 4 §8.4",
        caveat="0 turns the station's ping off in both versions",
        choice="Part 4 calls it Required, the list does not; SAP has one on ChargingStation too, as no document has",
    ),
)
