"""Codes about the wire: schemas, OCPP-J framing and pairing, the tap, and which version is spoken."""

from __future__ import annotations

from typing import Final

from diff.catalogue.entry import Code, Values
from diff.discrepancy import Class, Severity

__all__ = ["KEEPALIVE", "ROLLOUT", "RPC", "RULE", "SCHEMA", "TAP"]

SCHEMA: Final[tuple[Code, ...]] = (
    Code(
        "schema.v16",
        Class.QUALITY,
        Severity.MAJOR,
        "A 1.6 message breaks the official 1.6 JSON schema, or a Plug & Charge message in a DataTransfer breaks that of"
        " 2.0.1.",
        "Report path, rule and value to whoever sent it, charger vendor or primary: a strict 2.0.1 CSMS answers such a"
        " message with a CALLERROR.",
        Values("the value as sent", "the rule"),
    ),
    Code(
        "schema.v201",
        Class.MISMATCH,
        Severity.MAJOR,
        "A 2.0.1 message, derived from 1.6 or native, breaks the official 2.0.1 JSON schema.",
        "For a derived message find the 1.6 value that has no place in 2.0.1 and give it a rule in the mapping; for a"
        " native one report it to whoever sent it, charger vendor or CSMS.",
        Values("the 1.6 value it comes from, where there is one", "the rule"),
    ),
)

RPC: Final[tuple[Code, ...]] = (
    Code(
        "rpc.subprotocol",
        Class.QUALITY,
        Severity.MAJOR,
        "A connection speaks something that is not lived here: ocpp2.0 (withdrawn by the OCA), an unknown subprotocol,"
        " or SOAP (1.5, 1.6S).",
        "Have the charger offer ocpp1.6 or ocpp2.0.1; its traffic is forwarded and nothing is known of it.",
        Values("the subprotocol", "subprotocols that are lived"),
    ),
    Code(
        "rpc.malformed",
        Class.QUALITY,
        Severity.MAJOR,
        "A text on the connection is no OCPP-J message.",
        "Read the reason and the masked shape, and have the sender correct its framing, since no 2.0.1 peer can answer"
        " such a text.",
        Values("the reason it cannot be read", "the rule"),
    ),
    Code(
        "rpc.duplicate-id",
        Class.QUALITY,
        Severity.MINOR,
        "A message id came again while it stood for an open or a lately answered CALL: the same text, or another CALL.",
        "Have the sender make a new unique message id for each CALL, as 2.0.1 requires (Part 4, section 4.1.4).",
        Values("the message id"),
    ),
    Code(
        "rpc.orphan-answer",
        Class.QUALITY,
        Severity.MINOR,
        "A CALLRESULT or CALLERROR carries a message id that no open CALL has.",
        "Check whether the sender alters message ids or answers twice, and whether the tap joined in mid-exchange.",
        Values("the message id of the answer"),
    ),
    Code(
        "rpc.unanswered",
        Class.QUALITY,
        Severity.MAJOR,
        "A CALL got no answer within the settling time, or before its connection closed.",
        "Look at what the receiver did with the action: an unanswered StartTransaction leaves a session without"
        " transactionId.",
        Values("the message id"),
    ),
    Code(
        "rpc.call-error",
        Class.QUALITY,
        Severity.MINOR,
        "A CALL was answered with a CALLERROR.",
        "Read code and description: NotImplemented and NotSupported tell a missing feature, the rest a defect in the"
        " sender's message or in the receiver.",
        Values("the error code"),
    ),
    Code(
        "rpc.slow-answer",
        Class.QUALITY,
        Severity.MINOR,
        "An answer took longer than the tolerance; senders give up and send again.",
        "Look for the cause at the side that answered, since retries of transaction messages grow into duplicate"
        " starts.",
        Values("seconds that the answer took", "seconds allowed", "seconds allowed minus seconds taken"),
        "s",
    ),
    Code(
        "rpc.before-boot",
        Class.QUALITY,
        Severity.MAJOR,
        "The charger sent a CALL other than BootNotification before its BootNotification was accepted.",
        "Have the firmware wait for the acceptance: a 2.0.1 CSMS answers with SecurityError and the message is lost"
        " (Part 2 B01.FR.05).",
        Values("the action that came too early"),
    ),
)

TAP: Final[tuple[Code, ...]] = (
    Code(
        "tap.gap",
        Class.QUALITY,
        Severity.MAJOR,
        "The shadow was blind here: bytes were forwarded and not mirrored, or sequence numbers are missing.",
        "Read the reason (buffer, parser, journal), give the tap what it lacked, and do not count the sessions within"
        " the gap.",
        Values("bytes forwarded and not mirrored, at least"),
        "B",
    ),
)

RULE: Final[tuple[Code, ...]] = (
    Code(
        "rule.v201",
        Class.QUALITY,
        Severity.MAJOR,
        "A native 2.0.1 message is valid by its schema and breaks a requirement of the specification.",
        "Look the requirement id up in docs/rules-2.0.1.md and report it to whoever sent the message, charger vendor or"
        " CSMS: certification tests it.",
        Values("what stood there", "what the requirement asks for"),
    ),
)

ROLLOUT: Final[tuple[Code, ...]] = (
    Code(
        "rollout.fell-back",
        Class.QUALITY,
        Severity.MAJOR,
        "A charger that spoke 2.0.1 came back on 1.6: its firmware rolled back, or its network profile did.",
        "Take it out of its wave, read its FirmwareStatusNotification and its last BootNotification, and find out what"
        " made it return before any other charger of the model moves.",
        Values("subprotocol it speaks now", "subprotocol that it spoke before"),
    ),
)

KEEPALIVE: Final[tuple[Code, ...]] = (
    Code(
        "keepalive.missed",
        Class.QUALITY,
        Severity.MINOR,
        "A connection is not kept alive: a ping got no pong, a charger that sends heartbeats fell silent beyond its"
        " interval, or the connection was made five times within ten minutes.",
        "Look at the network and at what stands between (modem, NAT, proxy timeouts), set WebSocketPingInterval and"
        " HeartbeatInterval below the shortest of its timeouts, and have the side that leaves pings unanswered"
        " corrected: 2.0.1 keeps its connections by them.",
        Values("what was seen: the silence, the wait for a pong, or the number of connections", "what keeps it alive"),
    ),
)
