"""The catalogue of discrepancy codes: what can disagree, how much it matters, and what to do about it.

A code is stable and never reused: dashboards, acknowledgements and stored rows are keyed by it. A code whose meaning
would have to change is left in place and a new one is added.

Two conventions hold for every code. The *primary* value is what the 1.6 side says: the primary's ledger, or, where a
rule was broken, the value as it stood on the wire. The *shadow* value is what the 2.0.1 side says: its session, or what
the rule asks for. `delta` is shadow minus primary in `unit`, so that a positive delta means that the shadow has more.
"""

from __future__ import annotations

from typing import Final

import msgspec

from diff.discrepancy import Class, Severity

__all__ = ["CATALOGUE", "Code", "Values"]


class Values(msgspec.Struct, frozen=True):
    """What the values of a discrepancy with this code carry; empty where it carries none."""

    primary: str = ""
    shadow: str = ""
    delta: str = ""


class Code(msgspec.Struct, frozen=True):
    """One entry of the catalogue."""

    code: str
    class_: Class = msgspec.field(name="class")
    severity: Severity
    """The default; a policy may change it."""
    meaning: str
    """One sentence: what is the case."""
    remedy: str
    """One sentence: what an engineer does next."""
    values: Values = Values()
    unit: str | None = None
    """Of the delta, and of the values where they are quantities."""


_MISMATCH, _QUALITY = Class.MISMATCH, Class.QUALITY
_CRITICAL, _MAJOR, _MINOR, _INFO = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.INFO

_SESSION: Final = (
    Code(
        "session.energy",
        _MISMATCH,
        _CRITICAL,
        "The energy that the primary bills (meterStop - meterStart, or the billing record) differs from the energy that"
        " the 2.0.1 TransactionEvents carry by more than the tolerance.",
        "Compare meterStart and meterStop with the Transaction.Begin and Transaction.End samples of the session and"
        " correct the register or the unit that is wrong before the charger moves to 2.0.1.",
        Values("energy billed", "energy of the 2.0.1 session", "energy that would be billed more under 2.0.1"),
        "Wh",
    ),
    Code(
        "session.start-time",
        _MISMATCH,
        _MAJOR,
        "The primary bills from another moment than the one at which the configured TxStartPoint starts the 2.0.1"
        " transaction.",
        "Decide which moment the tariff means and set TxStartPoint to it, or find why the charger stamps its"
        " StartTransaction late.",
        Values("start billed", "start of the 2.0.1 session", "seconds by which the 2.0.1 session starts later"),
        "s",
    ),
    Code(
        "session.stop-time",
        _MISMATCH,
        _MAJOR,
        "The primary bills up to another moment than the one at which the configured TxStopPoint ends the 2.0.1"
        " transaction.",
        "Decide which moment the tariff means and set TxStopPoint to it, and check what an idle fee per minute makes of"
        " the difference.",
        Values("end billed", "end of the 2.0.1 session", "seconds by which the 2.0.1 session ends later"),
        "s",
    ),
    Code(
        "session.missing-in-primary",
        _MISMATCH,
        _CRITICAL,
        "The shadow holds a settled session that neither the primary's ledger nor a billing record has.",
        "Look at the frames that opened it: find out why the primary never gave it a transaction, and whether the"
        " energy was ever billed.",
        Values("", "energy of the 2.0.1 session"),
        "Wh",
    ),
    Code(
        "session.missing-in-shadow",
        _MISMATCH,
        _CRITICAL,
        "The primary holds a settled session that the 2.0.1 messages do not give.",
        "Look at the frames of the primary's transaction and at the refused transitions beside them: either the mapping"
        " lost the session or the charger never described it completely.",
        Values("energy billed", ""),
        "Wh",
    ),
    Code(
        "session.misattributed",
        _MISMATCH,
        _CRITICAL,
        "A stop or meter values belong to one session for the primary and to another one for the shadow, or one"
        " transactionId of the primary stands on two sessions at once.",
        "Check how the primary makes its transactionIds (constant, per connector, from the clock) and which session"
        " was billed for the energy.",
        Values("the primary's transactionId and its session", "the shadow's session"),
    ),
    Code(
        "session.token",
        _MISMATCH,
        _CRITICAL,
        "The token that pays for the session differs between the primary and the shadow.",
        "Compare the idTag of StartTransaction and StopTransaction with the idToken of the TransactionEvents, and check"
        " token length, case and group.",
        Values("pseudonym of the idTag billed", "pseudonym of the idToken of the session"),
    ),
    Code(
        "session.authorization",
        _MISMATCH,
        _CRITICAL,
        "The primary authorised what the shadow would refuse with the tokens it was given, or the reverse.",
        "Compare the token's status, expiry, group and concurrent use on both sides and align the token data before"
        " the cut-over.",
        Values("status in the primary's answer", "status that the 2.0.1 CSMS would answer"),
    ),
    Code(
        "session.stop-reason",
        _MISMATCH,
        _MINOR,
        "The reason of the primary's StopTransaction, mapped to 2.0.1, is not the stoppedReason of the session.",
        "Check the reason against what happened just before (RemoteStopTransaction, Reset, UnlockConnector, connector"
        " status) and report a wrong one to the charger's vendor.",
        Values("reason of StopTransaction (absent means Local)", "stoppedReason of the 2.0.1 session"),
    ),
    Code(
        "session.duplicate-start",
        _QUALITY,
        _MAJOR,
        "The same start came twice, and the primary opened two transactions or answered the second with another"
        " transactionId.",
        "Make the primary answer a repeated StartTransaction with the transactionId it gave first, and find why the"
        " charger did not accept that answer.",
        Values("transactionIds that the primary gave", "the one session of the shadow"),
    ),
    Code(
        "session.orphan-stop",
        _QUALITY,
        _MAJOR,
        "A StopTransaction names a transaction that nobody opened (-1, 0, negative, or unknown).",
        "Find the session it ends by connector, idTag and time, bill it by hand if the primary did not, and have the"
        " charger keep the transactionId over restarts.",
        Values("transactionId named", "the session it was matched with, if any"),
    ),
    Code(
        "session.orphan-meter-values",
        _QUALITY,
        _MAJOR,
        "MeterValues name a transaction that nobody opened (-1, 0, negative, near 2^63, or unknown).",
        "Find the session they belong to by connector and time, and have the charger name the transactionId that the"
        " CSMS gave.",
        Values("transactionId named", "the session they were matched with, if any"),
    ),
    Code(
        "session.overlap",
        _QUALITY,
        _CRITICAL,
        "Two transactions are open on one connector or EVSE at the same time, where 2.0.1 allows one (Part 2 E01).",
        "Find the missing StopTransaction of the older one and close it with the primary; check the connector numbering"
        " where both are real.",
        Values("transactionIds open together", "the session that remains open"),
    ),
    Code(
        "session.never-ended",
        _QUALITY,
        _MAJOR,
        "A transaction was open when the charger rebooted or fell silent, and no end came within the settling time.",
        "Ask the charger for its transaction, close it with the last meter value known, and check that its firmware"
        " keeps the StopTransaction over a restart.",
        Values("the primary's transactionId that is still open", "the shadow's session that is still open"),
    ),
    Code(
        "session.after-end",
        _QUALITY,
        _MINOR,
        "Meter values of a session came after its end.",
        "Have the charger send the closing values in transactionData of StopTransaction, since 2.0.1 knows no event"
        " after Ended.",
        Values("time of the values", "time of the end", "seconds from the values to the end"),
        "s",
    ),
    Code(
        "session.offline-replay",
        _QUALITY,
        _INFO,
        "Messages of the session were stored while the charger was offline and delivered later, which 2.0.1 marks with"
        " offline = true.",
        "Nothing for a single session; where a site shows many, look at its network before the cut-over.",
        Values("time of receipt", "time at which it happened", "seconds from receipt back to the event"),
        "s",
    ),
    Code(
        "session.out-of-order",
        _QUALITY,
        _INFO,
        "Messages of one session came in another order than their timestamps give.",
        "Check that the charger delivers its transaction messages in chronological order, as 1.6 asks (section 3.7).",
        Values("timestamp that came later", "timestamp that came before it", "seconds by which the order is reversed"),
        "s",
    ),
    Code(
        "session.zero",
        _QUALITY,
        _INFO,
        "The session has no energy, or lasted only a few seconds.",
        "Leave a single one alone; where a model or site shows many, look for failing locks, contactors or"
        " authorisations.",
        Values("energy billed", "energy of the 2.0.1 session"),
        "Wh",
    ),
)

_METER: Final = (
    Code(
        "meter.register-vs-samples",
        _MISMATCH,
        _CRITICAL,
        "meterStart or meterStop disagrees with the sample of the same moment (context Transaction.Begin or"
        " Transaction.End).",
        "Look for a factor of 1000 (Wh sent as kWh, or the reverse) or for a per-session register beside the lifetime"
        " register, and have the vendor correct it: under 2.0.1 only the samples remain.",
        Values("meterStart or meterStop", "the sample in Wh", "sample minus register"),
        "Wh",
    ),
    Code(
        "meter.regression",
        _QUALITY,
        _MAJOR,
        "An import register showed less than it had shown before, within a session or between two.",
        "Check for a meter exchange, a per-session register or a restart of the meter; 2.0.1 asks for a register that"
        " never runs backwards (Part 2 J02.FR.16).",
        Values("the later reading", "the earlier reading, at least", "how far it ran backwards"),
        "Wh",
    ),
    Code(
        "meter.placeholder",
        _QUALITY,
        _CRITICAL,
        "A register holds a value that stands for 'unknown': -1, 2147483647, or 0 at the begin of a session while the"
        " register is large.",
        "Do not bill the session by this register: take the first and last true reading, and have the vendor wait"
        " for the meter before it reports.",
        Values("the placeholder", "the true reading, where one is known"),
        "Wh",
    ),
    Code(
        "meter.unparseable",
        _QUALITY,
        _MAJOR,
        "A meter value is no decimal number.",
        "Show the vendor the value: 2.0.1 has a number where 1.6 has a string, so that it cannot be sent at all.",
        Values("the value as sent"),
    ),
    Code(
        "meter.unit-unknown",
        _QUALITY,
        _MAJOR,
        "A sampled value has a unit that OCPP 1.6 does not know, or one that does not belong to its measurand.",
        "Have the vendor send a unit of the standard list; until then the value is kept and not used.",
        Values("the unit as sent", "units that the measurand may have"),
    ),
    Code(
        "meter.unit-assumed",
        _QUALITY,
        _MINOR,
        "A sampled value names no unit where its measurand has no default in 1.6, or neither unit nor measurand, so"
        " that the usual unit was assumed (Wh where nothing is named).",
        "Check the magnitude against the charger's display once, and have the vendor name unit and measurand.",
        Values("the value as sent", "the value as read"),
    ),
    Code(
        "meter.implausible",
        _QUALITY,
        _MAJOR,
        "A meter value is beyond what the connection can carry: a power, or a rise of the register, that no cable"
        " delivers.",
        "Look for a wrong unit or a wrong scale (x10, x1000) in the charger's meter settings.",
        Values("the value as sent", "the largest plausible value"),
    ),
)

_CLOCK: Final = (
    Code(
        "clock.no-zone",
        _QUALITY,
        _MINOR,
        "A timestamp has no zone designator, or one that RFC 3339 does not know (+02, +0200).",
        "Have the vendor send UTC with Z; until then find out whether the times are local before trusting session"
        " times.",
        Values("the timestamp as sent", "the timestamp as read"),
    ),
    Code(
        "clock.unparseable",
        _QUALITY,
        _MAJOR,
        "A timestamp is no date and time.",
        "Show the vendor the text: 2.0.1 requires a date-time in every TransactionEvent and the time of receipt had to"
        " stand in for it.",
        Values("the timestamp as sent", "the time used instead"),
    ),
    Code(
        "clock.epoch",
        _QUALITY,
        _MAJOR,
        "A timestamp lies before OCPP 1.6 existed: the clock was never set.",
        "Check that the charger takes its time from BootNotification.conf and Heartbeat.conf before it opens a"
        " transaction, or give it NTP.",
        Values("the timestamp as sent", "time of receipt", "seconds by which the clock is behind"),
        "s",
    ),
    Code(
        "clock.skew",
        _QUALITY,
        _MINOR,
        "The charger's clock is ahead of or behind the tap's clock by more than the tolerance.",
        "Set the clock (Heartbeat, NTP) and check its drift; the estimate is taken out of every comparison of times.",
        Values("time by the charger's clock", "time by the tap's clock", "seconds by which the charger is behind"),
        "s",
    ),
    Code(
        "clock.backwards",
        _QUALITY,
        _MAJOR,
        "Timestamps of one session contradict each other: the stop lies before the start, or before the session's own"
        " last sample.",
        "Check whether the charger set its clock in mid-session or stamps its messages at another moment than its"
        " samples; durations of this session are not to be trusted.",
        Values("the earlier timestamp", "the timestamp it must not precede", "seconds by which it precedes it"),
        "s",
    ),
)

_SCHEMA: Final = (
    Code(
        "schema.v16",
        _QUALITY,
        _MAJOR,
        "A 1.6 message breaks the official 1.6 JSON schema.",
        "Report path, rule and value to whoever sent it, charger vendor or primary: a strict 2.0.1 CSMS answers such a"
        " message with a CALLERROR.",
        Values("the value as sent", "the rule"),
    ),
    Code(
        "schema.v201",
        _MISMATCH,
        _MAJOR,
        "A 2.0.1 message, derived from 1.6 or native, breaks the official 2.0.1 JSON schema.",
        "For a derived message find the 1.6 value that has no place in 2.0.1 and give it a rule in the mapping; for a"
        " native one report it to the charger's vendor.",
        Values("the 1.6 value it comes from, where there is one", "the rule"),
    ),
)

_RPC: Final = (
    Code(
        "rpc.malformed",
        _QUALITY,
        _MAJOR,
        "A text on the connection is no OCPP-J message.",
        "Read the reason and the masked shape, and have the sender correct its framing, since no 2.0.1 peer can answer"
        " such a text.",
        Values("the reason it cannot be read", "the rule"),
    ),
    Code(
        "rpc.duplicate-id",
        _QUALITY,
        _MINOR,
        "A message id came again while it stood for an open or a lately answered CALL: the same text, or another CALL.",
        "Have the sender make a new unique message id for each CALL, as 2.0.1 requires (Part 4, section 4.1.4).",
        Values("the message id"),
    ),
    Code(
        "rpc.orphan-answer",
        _QUALITY,
        _MINOR,
        "A CALLRESULT or CALLERROR carries a message id that no open CALL has.",
        "Check whether the sender alters message ids or answers twice, and whether the tap joined in mid-exchange.",
        Values("the message id of the answer"),
    ),
    Code(
        "rpc.unanswered",
        _QUALITY,
        _MAJOR,
        "A CALL got no answer within the settling time, or before its connection closed.",
        "Look at what the receiver did with the action: an unanswered StartTransaction leaves a session without"
        " transactionId.",
        Values("the message id"),
    ),
    Code(
        "rpc.call-error",
        _QUALITY,
        _MINOR,
        "A CALL was answered with a CALLERROR.",
        "Read code and description: NotImplemented and NotSupported tell a missing feature, the rest a defect in the"
        " sender's message or in the receiver.",
        Values("the error code"),
    ),
    Code(
        "rpc.slow-answer",
        _QUALITY,
        _MINOR,
        "An answer took longer than the tolerance; senders give up and send again.",
        "Look for the cause at the side that answered, since retries of transaction messages grow into duplicate"
        " starts.",
        Values("seconds that the answer took", "seconds allowed", "seconds allowed minus seconds taken"),
        "s",
    ),
    Code(
        "rpc.before-boot",
        _QUALITY,
        _MAJOR,
        "The charger sent a CALL other than BootNotification before its BootNotification was accepted.",
        "Have the firmware wait for the acceptance: a 2.0.1 CSMS answers with SecurityError and the message is lost"
        " (Part 2 B01.FR.05).",
        Values("the action that came too early"),
    ),
)

_TAP: Final = (
    Code(
        "tap.gap",
        _QUALITY,
        _MAJOR,
        "The shadow was blind here: bytes were forwarded and not mirrored, or sequence numbers are missing.",
        "Read the reason (buffer, parser, journal), give the tap what it lacked, and do not count the sessions within"
        " the gap.",
        Values("bytes forwarded and not mirrored, at least"),
        "B",
    ),
)

CATALOGUE: Final[dict[str, Code]] = {
    entry.code: entry for entry in (*_SESSION, *_METER, *_CLOCK, *_SCHEMA, *_RPC, *_TAP)
}
"""Every code, in the order of the page that describes them."""
