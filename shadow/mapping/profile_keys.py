"""The keys of the other feature profiles of 1.6 (ed. 2 §9.2 to §9.4) and of its errata: see `shadow.mapping.keys`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shadow.mapping.core_keys import unplaced
from shadow.mapping.key import Access, Key, Relation, Variable, Way

__all__ = ["ERRATA", "PROFILES"]

PROFILES: Final = (
    Key(
        name="LocalAuthListEnabled",
        variables=(Variable("LocalAuthListCtrlr", "Enabled"),),
        data_type="boolean",
        source="1.6 §9.2.1; Part 2 §2.5.1",
        shows="LocalAuthListCtrlr",
        missed=True,
    ),
    Key(
        name="LocalAuthListMaxLength",
        variables=(Variable("LocalAuthListCtrlr", "Entries"),),
        way=Way.LIMIT,
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.CHARACTERISTIC,
        source="1.6 §9.2.2; Part 2 §2.5.2",
        caveat="the maxLimit of Entries; how many there are is known only from SendLocalList",
    ),
    Key(
        name="SendLocalListMaxLength",
        variables=(Variable("LocalAuthListCtrlr", "ItemsPerMessage"),),
        data_type="integer",
        access=Access.READ_ONLY,
        source="1.6 §9.2.3; Part 2 §2.5.4",
        caveat="BytesPerMessage, which is Required too, has no key in 1.6",
    ),
    Key(
        name="ReserveConnectorZeroSupported",
        variables=(Variable("ReservationCtrlr", "NonEvseSpecific"),),
        data_type="boolean",
        access=Access.READ_ONLY,
        source="1.6 §9.3.1; Part 2 §2.8.3",
        choice="Part 2 and SAP have it on ReservationCtrlr; EVerest keeps it on its legacy component",
        # Optional in 1.6: a station that reserves may lack it, so that its absence shows nothing.
        shows="ReservationCtrlr",
    ),
    Key(
        name="ChargeProfileMaxStackLevel",
        variables=(Variable("SmartChargingCtrlr", "ProfileStackLevel"),),
        data_type="integer",
        access=Access.READ_ONLY,
        source="1.6 §9.4.1; Part 2 §2.9.4",
        shows="SmartChargingCtrlr",
        missed=True,
    ),
    Key(
        name="ChargingScheduleAllowedChargingRateUnit",
        variables=(Variable("SmartChargingCtrlr", "RateUnit"),),
        data_type="MemberList",
        access=Access.READ_ONLY,
        words=MappingProxyType({"current": "A", "power": "W"}),
        relation=Relation.CAVEAT,
        source="1.6 §9.4.2, errata §3.88; Part 2 §2.9.5",
        caveat="the text of 1.6 says Current and Power, its errata and stations say A and W: both are read",
    ),
    Key(
        name="ChargingScheduleMaxPeriods",
        variables=(Variable("SmartChargingCtrlr", "PeriodsPerSchedule"),),
        data_type="integer",
        access=Access.READ_ONLY,
        source="1.6 §9.4.3; Part 2 §2.9.6",
    ),
    Key(
        name="ConnectorSwitch3to1PhaseSupported",
        variables=(Variable("SmartChargingCtrlr", "Phases3to1"),),
        data_type="boolean",
        access=Access.READ_ONLY,
        source="1.6 §9.4.4; Part 2 §2.9.9",
    ),
    Key(
        name="MaxChargingProfilesInstalled",
        variables=(Variable("SmartChargingCtrlr", "Entries", "ChargingProfiles"),),
        way=Way.LIMIT,
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.CHARACTERISTIC,
        source="1.6 §9.4.5; Part 2 §2.9.10",
        caveat="the maxLimit of Entries; how many are installed has no key in 1.6",
    ),
)

ERRATA: Final = (
    Key(
        name="MessageTimeout",
        variables=(Variable("OCPPCommCtrlr", "MessageTimeout", "Default"),),
        data_type="integer",
        unit="s",
        access=Access.READ_ONLY,
        network_profile=True,
        relation=Relation.CAVEAT,
        source="1.6 errata §3.83; Part 2 §2.1.3",
        caveat="can be written in 1.6; in 2.0.1 it is read-only and part of a network connection profile (B09)",
    ),
    Key(
        name="SupportedFileTransferProtocols",
        variables=(Variable("OCPPCommCtrlr", "FileTransferProtocols"),),
        data_type="MemberList",
        access=Access.READ_ONLY,
        source="1.6 errata §3.90; Part 2 §2.1.4",
        choice="a public list of keys calls it Required; the errata of 1.6 call it optional",
    ),
    unplaced(
        "StopTransactionMaxMeterValues",
        "integer",
        "1.6 errata §3.91",
        "no variable: 2.0.1 lets a station drop values between the first and the last (E06.FR.12)",
    ),
)
