"""Codes about what OCPP 1.6 and 2.0.1 cannot say to each other: messages, statuses, topology, charging profiles."""

from __future__ import annotations

from typing import Final

from diff.catalogue.entry import Code, Values
from diff.discrepancy import Class, Severity

__all__ = ["MESSAGE", "PROFILE", "STATUS", "TOPOLOGY"]

MESSAGE: Final[tuple[Code, ...]] = (
    Code(
        "message.field-lost",
        Class.EXPECTED_LOSS,
        Severity.INFO,
        "A field of a 1.6 message, or its value, has no place in the 2.0.1 message that takes its place.",
        "Check whether anything of yours reads this field today; if so, read it where the coverage page says that 2.0.1"
        " keeps it, or do without.",
        Values("the value as sent"),
    ),
    Code(
        "message.no-answer",
        Class.EXPECTED_LOSS,
        Severity.MINOR,
        "An answer of 1.6 has no value in 2.0.1, so that the shadow could not answer the 2.0.1 request.",
        "Decide what your 2.0.1 CSMS does where a station answers with a CALLERROR instead (NotSupported,"
        " NotImplemented).",
        Values("the answer as sent"),
    ),
)

STATUS: Final[tuple[Code, ...]] = (
    Code(
        "status.illegal-transition",
        Class.QUALITY,
        Severity.MINOR,
        "A connector went from one status to another in a step that the state table of 1.6 (section 4.9) has not.",
        "Look for statuses that were dropped or hidden (MinimumStatusDuration) and show the vendor the sequence.",
        Values("from and to, as sent"),
    ),
    Code(
        "status.contradicts-session",
        Class.QUALITY,
        Severity.MAJOR,
        "A connector's status and its transaction contradict each other: Charging without a transaction, or Available"
        " with one.",
        "Find the StartTransaction or StopTransaction that is missing; under 2.0.1 the status says nothing of the"
        " session and the TransactionEvent is all there is.",
        Values("the status as sent", "the transaction, or that there is none"),
    ),
    Code(
        "status.unmappable",
        Class.EXPECTED_LOSS,
        Severity.INFO,
        "A 1.6 status or error code has no place in any 2.0.1 message.",
        "Check whether operations act on it today, and which variable of the device model could tell it.",
        Values("the value as sent"),
    ),
    Code(
        "status.detail-lost",
        Class.EXPECTED_LOSS,
        Severity.INFO,
        "A 1.6 status or error code is said elsewhere in 2.0.1, or with less detail: Occupied with a chargingState, or"
        " a NotifyEvent.",
        "Have the consumers of statuses read connectorStatus together with chargingState and NotifyEvent.",
        Values("the value as sent", "where 2.0.1 says it"),
    ),
)

TOPOLOGY: Final[tuple[Code, ...]] = (
    Code(
        "topology.unknown-connector",
        Class.QUALITY,
        Severity.MAJOR,
        "A message names a connector beyond NumberOfConnectors, or one that no station has.",
        "Compare the charger's NumberOfConnectors with its hardware and the numbers that it sends.",
        Values("the connector as sent", "the largest that the charger has"),
    ),
    Code(
        "topology.ambiguous",
        Class.EXPECTED_LOSS,
        Severity.MINOR,
        "Which EVSE and connector is meant is a guess: connector 0 used as a sum, a sample of no connector, or"
        " connectors that share an EVSE.",
        "Write the charger's EVSEs into the topology file, so that the guess becomes a setting.",
        Values("the connector as sent", "the EVSE and connector taken for it"),
    ),
)

PROFILE: Final[tuple[Code, ...]] = (
    Code(
        "profile.unmappable",
        Class.EXPECTED_LOSS,
        Severity.MINOR,
        "A charging profile, or the answer to one, says something that 2.0.1 cannot say.",
        "Check what your smart charging does with it: 2.0.1 has no NotSupported, and a TxProfile names a transaction.",
        Values("the value as sent", "what 2.0.1 says instead"),
    ),
    Code(
        "profile.conflict",
        Class.MISMATCH,
        Severity.MAJOR,
        "Charging profiles are in conflict under the rules of 2.0.1: one purpose, stack level and EVSE twice with"
        " overlapping validity, an id on two profiles, or a TxProfile without a running transaction.",
        "Give each profile an id of its own and each purpose, stack level and EVSE one profile at a time"
        " (K01.FR.06, K01.FR.39), before a 2.0.1 station refuses the second.",
        Values("the profile as sent", "the profile that it is in conflict with"),
    ),
)
