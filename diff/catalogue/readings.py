"""Codes about meters and clocks."""

from __future__ import annotations

from typing import Final

from diff.catalogue.entry import Code, Values
from diff.discrepancy import Class, Severity

__all__ = ["CLOCK", "METER"]

METER: Final[tuple[Code, ...]] = (
    Code(
        "meter.register-vs-samples",
        Class.MISMATCH,
        Severity.CRITICAL,
        "meterStart or meterStop disagrees with the sample of the same moment (context Transaction.Begin or"
        " Transaction.End).",
        "Look for a factor of 1000 (Wh sent as kWh, or the reverse) or for a per-session register beside the lifetime"
        " register, and have the vendor correct it: under 2.0.1 only the samples remain.",
        Values("meterStart or meterStop", "the sample in Wh", "sample minus register"),
        "Wh",
    ),
    Code(
        "meter.regression",
        Class.QUALITY,
        Severity.MAJOR,
        "An import register showed less than it had shown before, within a session or between two.",
        "Check for a meter exchange, a per-session register or a restart of the meter; 2.0.1 asks for a register that"
        " never runs backwards (Part 2 J02.FR.16).",
        Values("the later reading", "the earlier reading, at least", "how far it ran backwards"),
        "Wh",
    ),
    Code(
        "meter.placeholder",
        Class.QUALITY,
        Severity.CRITICAL,
        "A register holds a value that stands for 'unknown': -1, 2147483647, or 0 at the begin of a session while the"
        " register is large.",
        "Do not bill the session by this register: take the first and last true reading, and have the vendor wait"
        " for the meter before it reports.",
        Values("the placeholder", "the true reading, where one is known"),
        "Wh",
    ),
    Code(
        "meter.unparseable",
        Class.QUALITY,
        Severity.MAJOR,
        "A meter value is no decimal number.",
        "Show the vendor the value: 2.0.1 has a number where 1.6 has a string, so that it cannot be sent at all.",
        Values("the value as sent"),
    ),
    Code(
        "meter.unit-unknown",
        Class.QUALITY,
        Severity.MAJOR,
        "A sampled value has a unit that OCPP 1.6 does not know, or one that does not belong to its measurand.",
        "Have the vendor send a unit of the standard list; until then the value is kept and not used.",
        Values("the unit as sent", "units that the measurand may have"),
    ),
    Code(
        "meter.unit-assumed",
        Class.QUALITY,
        Severity.MINOR,
        "A sampled value names no unit where its measurand has no default in 1.6, or neither unit nor measurand, so"
        " that the usual unit was assumed (Wh where nothing is named).",
        "Check the magnitude against the charger's display once, and have the vendor name unit and measurand.",
        Values("the value as sent", "the value as read"),
    ),
    Code(
        "meter.implausible",
        Class.QUALITY,
        Severity.MAJOR,
        "A meter value is beyond what the connection can carry: a power, or a rise of the register, that no cable"
        " delivers.",
        "Look for a wrong unit or a wrong scale (x10, x1000) in the charger's meter settings.",
        Values("the value as sent", "the largest plausible value"),
    ),
)

CLOCK: Final[tuple[Code, ...]] = (
    Code(
        "clock.no-zone",
        Class.QUALITY,
        Severity.MINOR,
        "A timestamp has no zone designator, or one that RFC 3339 does not know (+02, +0200).",
        "Have the vendor send UTC with Z; until then find out whether the times are local before trusting session"
        " times.",
        Values("the timestamp as sent", "the timestamp as read"),
    ),
    Code(
        "clock.unparseable",
        Class.QUALITY,
        Severity.MAJOR,
        "A timestamp is no date and time.",
        "Show the vendor the text: 2.0.1 requires a date-time in every TransactionEvent and the time of receipt had to"
        " stand in for it.",
        Values("the timestamp as sent", "the time used instead"),
    ),
    Code(
        "clock.epoch",
        Class.QUALITY,
        Severity.MAJOR,
        "A timestamp lies before OCPP 1.6 existed: the clock was never set.",
        "Check that the charger takes its time from BootNotification.conf and Heartbeat.conf before it opens a"
        " transaction, or give it NTP.",
        Values("the timestamp as sent", "time of receipt", "seconds by which the clock is behind"),
        "s",
    ),
    Code(
        "clock.skew",
        Class.QUALITY,
        Severity.MINOR,
        "The charger's clock is ahead of or behind the tap's clock by more than the tolerance.",
        "Set the clock (Heartbeat, NTP) and check its drift; the estimate is taken out of every comparison of times.",
        Values("time by the charger's clock", "time by the tap's clock", "seconds by which the charger is behind"),
        "s",
    ),
    Code(
        "clock.backwards",
        Class.QUALITY,
        Severity.MAJOR,
        "Timestamps of one session contradict each other: the stop lies before the start, or before the session's own"
        " last sample.",
        "Check whether the charger set its clock in mid-session or stamps its messages at another moment than its"
        " samples; durations of this session are not to be trusted.",
        Values("the earlier timestamp", "the timestamp it must not precede", "seconds by which it precedes it"),
        "s",
    ),
)
