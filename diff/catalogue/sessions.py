"""Codes about sessions: who charged, how much, from when to when."""

from __future__ import annotations

from typing import Final

from diff.catalogue.entry import Code, Values
from diff.discrepancy import Class, Severity

__all__ = ["SESSION"]

SESSION: Final[tuple[Code, ...]] = (
    Code(
        "session.energy",
        Class.MISMATCH,
        Severity.CRITICAL,
        "The energy that the primary bills (meterStop - meterStart, or the billing record) differs from the energy that"
        " the 2.0.1 TransactionEvents carry by more than the tolerance.",
        "Compare meterStart and meterStop with the Transaction.Begin and Transaction.End samples of the session and"
        " correct the register or the unit that is wrong before the charger moves to 2.0.1.",
        Values("energy billed", "energy of the 2.0.1 session", "energy that would be billed more under 2.0.1"),
        "Wh",
    ),
    Code(
        "session.start-time",
        Class.MISMATCH,
        Severity.MAJOR,
        "The primary bills from another moment than the one at which the configured TxStartPoint starts the 2.0.1"
        " transaction.",
        "Decide which moment the tariff means and set TxStartPoint to it, or find why the charger stamps its"
        " StartTransaction late.",
        Values("start billed", "start of the 2.0.1 session", "seconds by which the 2.0.1 session starts later"),
        "s",
    ),
    Code(
        "session.stop-time",
        Class.MISMATCH,
        Severity.MAJOR,
        "The primary bills up to another moment than the one at which the configured TxStopPoint ends the 2.0.1"
        " transaction.",
        "Decide which moment the tariff means and set TxStopPoint to it, and check what an idle fee per minute makes of"
        " the difference.",
        Values("end billed", "end of the 2.0.1 session", "seconds by which the 2.0.1 session ends later"),
        "s",
    ),
    Code(
        "session.missing-in-primary",
        Class.MISMATCH,
        Severity.CRITICAL,
        "The shadow holds a settled session that neither the primary's ledger nor a billing record has.",
        "Look at the frames that opened it: find out why the primary never gave it a transaction, and whether the"
        " energy was ever billed.",
        Values("", "energy of the 2.0.1 session"),
        "Wh",
    ),
    Code(
        "session.missing-in-shadow",
        Class.MISMATCH,
        Severity.CRITICAL,
        "The primary holds a settled session that the 2.0.1 messages do not give.",
        "Look at the frames of the primary's transaction and at the refused transitions beside them: either the mapping"
        " lost the session or the charger never described it completely.",
        Values("energy billed", ""),
        "Wh",
    ),
    Code(
        "session.misattributed",
        Class.MISMATCH,
        Severity.CRITICAL,
        "A stop or meter values belong to one session for the primary and to another one for the shadow, or one"
        " transactionId of the primary stands on two sessions at once.",
        "Check how the primary makes its transactionIds (constant, per connector, from the clock) and which session"
        " was billed for the energy.",
        Values("the primary's transactionId and its session", "the shadow's session"),
    ),
    Code(
        "session.token",
        Class.MISMATCH,
        Severity.CRITICAL,
        "The token that pays for the session differs between the primary and the shadow.",
        "Compare the idTag of StartTransaction and StopTransaction with the idToken of the TransactionEvents, and check"
        " token length, case and group.",
        Values("pseudonym of the idTag billed", "pseudonym of the idToken of the session"),
    ),
    Code(
        "session.authorization",
        Class.MISMATCH,
        Severity.CRITICAL,
        "The primary authorised what the shadow would refuse with the tokens it was given, or the reverse.",
        "Compare the token's status, expiry, group and concurrent use on both sides and align the token data before"
        " the cut-over.",
        Values("status in the primary's answer", "status that the 2.0.1 CSMS would answer"),
    ),
    Code(
        "session.stop-reason",
        Class.MISMATCH,
        Severity.MINOR,
        "The reason of the primary's StopTransaction, mapped to 2.0.1, is not the stoppedReason of the session.",
        "Check the reason against what happened just before (RemoteStopTransaction, Reset, UnlockConnector, connector"
        " status) and report a wrong one to the charger's vendor.",
        Values("reason of StopTransaction (absent means Local)", "stoppedReason of the 2.0.1 session"),
    ),
    Code(
        "session.duplicate-start",
        Class.QUALITY,
        Severity.MAJOR,
        "The same start came twice, and the primary opened two transactions or answered the second with another"
        " transactionId.",
        "Make the primary answer a repeated StartTransaction with the transactionId it gave first, and find why the"
        " charger did not accept that answer.",
        Values("transactionIds that the primary gave", "the one session of the shadow"),
    ),
    Code(
        "session.orphan-stop",
        Class.QUALITY,
        Severity.MAJOR,
        "A StopTransaction names a transaction that nobody opened (-1, 0, negative, or unknown).",
        "Find the session it ends by connector, idTag and time, bill it by hand if the primary did not, and have the"
        " charger keep the transactionId over restarts.",
        Values("transactionId named", "the session it was matched with, if any"),
    ),
    Code(
        "session.orphan-meter-values",
        Class.QUALITY,
        Severity.MAJOR,
        "MeterValues name a transaction that nobody opened (-1, 0, negative, near 2^63, or unknown).",
        "Find the session they belong to by connector and time, and have the charger name the transactionId that the"
        " CSMS gave.",
        Values("transactionId named", "the session they were matched with, if any"),
    ),
    Code(
        "session.overlap",
        Class.QUALITY,
        Severity.CRITICAL,
        "Two transactions are open on one connector or EVSE at the same time, where 2.0.1 allows one (Part 2 E01).",
        "Find the missing StopTransaction of the older one and close it with the primary; check the connector numbering"
        " where both are real.",
        Values("transactionIds open together", "the session that remains open"),
    ),
    Code(
        "session.never-ended",
        Class.QUALITY,
        Severity.MAJOR,
        "A transaction was open when the charger rebooted or fell silent, and no end came within the settling time.",
        "Ask the charger for its transaction, close it with the last meter value known, and check that its firmware"
        " keeps the StopTransaction over a restart.",
        Values("the primary's transactionId that is still open", "the shadow's session that is still open"),
    ),
    Code(
        "session.after-end",
        Class.QUALITY,
        Severity.MINOR,
        "Meter values of a session came after its end.",
        "Have the charger send the closing values in transactionData of StopTransaction, since 2.0.1 knows no event"
        " after Ended.",
        Values("time of the values", "time of the end", "seconds from the values to the end"),
        "s",
    ),
    Code(
        "session.offline-replay",
        Class.QUALITY,
        Severity.INFO,
        "Messages of the session were stored while the charger was offline and delivered later, which 2.0.1 marks with"
        " offline = true.",
        "Nothing for a single session; where a site shows many, look at its network before the cut-over.",
        Values("time of receipt", "time at which it happened", "seconds from receipt back to the event"),
        "s",
    ),
    Code(
        "session.out-of-order",
        Class.QUALITY,
        Severity.INFO,
        "Messages of one session came in another order than their timestamps give.",
        "Check that the charger delivers its transaction messages in chronological order, as 1.6 asks (section 3.7).",
        Values("timestamp that came later", "timestamp that came before it", "seconds by which the order is reversed"),
        "s",
    ),
    Code(
        "session.duplicate-record",
        Class.QUALITY,
        Severity.CRITICAL,
        "The primary billed one session by two billing records, or sent one record twice with different contents.",
        "Credit one of the two, and find why the primary billed twice (a retried StopTransaction, two systems that"
        " bill, a credit that never came).",
        Values("ids of the records"),
    ),
    Code(
        "session.record-amount",
        Class.QUALITY,
        Severity.MAJOR,
        "The total cost of a billing record is not what its own charging periods cost under its own tariff.",
        "Reckon the record by hand (docs/billing-records.md says how): look at step sizes, minimum price, VAT and the"
        " time zone of the tariff before you look at the primary.",
        Values("amount billed", "amount under the record's own tariff", "amount that the tariff asks for more"),
        "units of the currency",
    ),
    Code(
        "session.late-record",
        Class.QUALITY,
        Severity.INFO,
        "The billing record of a session came after its settling time.",
        "Nothing for a single one; where many come late, raise settle_record_seconds or have the primary export"
        " sooner.",
        Values("id of the record", "", "seconds from the end of the session to its record"),
        "s",
    ),
    Code(
        "session.unjudged-record",
        Class.QUALITY,
        Severity.INFO,
        "A billing record, or a session that waits for one, could not be judged; the detail says why.",
        "Read the detail: records of a time before the shadow saw the charger are no concern, a tariff that cannot be"
        " applied or records that come by the hundred are.",
        Values("id of the record or session"),
    ),
    Code(
        "session.zero",
        Class.QUALITY,
        Severity.INFO,
        "The session has no energy, or lasted only a few seconds.",
        "Leave a single one alone; where a model or site shows many, look for failing locks, contactors or"
        " authorisations.",
        Values("energy billed", "energy of the 2.0.1 session"),
        "Wh",
    ),
)
