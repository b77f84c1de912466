"""How figures are said: times, ages, amounts, severities, states. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final

from diff.discrepancy import Severity
from diff.gates.gate import Outcome
from ingest.frame import Micros

__all__ = [
    "MISSED",
    "NEVER",
    "OUTCOMES",
    "OUTCOME_COLOURS",
    "OUTCOME_INKS",
    "SEVERITY_COLOURS",
    "SEVERITY_INKS",
    "SEVERITY_NAMES",
    "STANDINGS",
    "STATES",
    "age",
    "ago",
    "amount",
    "bytes_",
    "clock",
    "count",
    "energy",
    "escaped",
    "money",
    "of",
    "plural",
    "rate",
    "share",
    "when",
]

NEVER: Final = "\N{EN DASH}"
"""Stands where nothing is known; a zero would say that something was looked at."""

SEVERITY_NAMES: Final = {
    Severity.CRITICAL.value: "▲ critical",
    Severity.MAJOR.value: "◆ major",
    Severity.MINOR.value: "● minor",
    Severity.INFO.value: "○ info",
}
"""A sign and the word, so that colour never speaks alone."""

SEVERITY_COLOURS: Final = {
    Severity.CRITICAL.value: "#b3261e",
    Severity.MAJOR.value: "#b35c00",
    Severity.MINOR.value: "#1f5fa8",
    Severity.INFO.value: "#5b6673",
}
"""White text stands on each with a contrast above 4.5 to 1."""

SEVERITY_INKS: Final = {
    Severity.CRITICAL.value: "red",
    Severity.MAJOR.value: "orange",
    Severity.MINOR.value: "blue",
    Severity.INFO.value: "gray",
}
"""The same in Streamlit's Markdown, where the theme chooses the shade."""

OUTCOMES: Final = {
    Outcome.GO.value: "✔ GO",
    Outcome.HOLD.value: "✖ HOLD",
    Outcome.INCONCLUSIVE.value: "? NOT ENOUGH DATA",
}
"""A verdict with its sign; what the gates call inconclusive in the words of those who decide."""

OUTCOME_INKS: Final = {Outcome.GO.value: "green", Outcome.HOLD.value: "red", Outcome.INCONCLUSIVE.value: "orange"}

OUTCOME_COLOURS: Final = {
    Outcome.GO.value: "#1b7a3d",
    Outcome.HOLD.value: "#b3261e",
    Outcome.INCONCLUSIVE.value: "#8a5a00",
}
"""White text stands on each with a contrast above 4.5 to 1."""

STANDINGS: Final = {
    "new": "✦ new",
    "regressed": "↺ regressed",
    "ongoing": "→ ongoing",
    "gone": "✔ gone",
    "quiet": "? quiet",
    "acknowledged": "☑ acknowledged",
    "expected": "≈ expected",
    "withdrawn": "↩ withdrawn",
}
"""What has become of a fingerprint, with a sign."""

MISSED: Final = {
    "unexplained": "▲ bytes, and no gap says so",
    "unpublished": "▲ frames not published",
    "unapplied": "▲ frames not applied",
    "unstored": "▲ frames not stored",
}
"""The first step where the numbers of a connection part."""

STATES: Final = {
    "mirrored": "mirrored",
    "pending": "pending (joins at its next handshake)",
    "not-enrolled": "not enrolled (forwarded only)",
    "unparsable": "unparsable (blind until it reconnects)",
    "handshake": "in its handshake",
    "refused": "refused by the primary",
    "soap": "SOAP (forwarded, not mirrored)",
    "closed": "ended",
    "closed-unmirrored": "ended, never mirrored",
}
"""The states of a connection in words."""

_SECOND: Final = 1_000_000
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
_MARKS: Final = re.compile(r"[!-/:-@\[-`{-~]")
"""Every ASCII sign: CommonMark lets each be escaped (section 2.4)."""


def when(at: Micros | None, zone: tzinfo = UTC, *, fraction: bool = False) -> str:
    """A time in a zone, to the second or the millisecond; sorts as text."""
    if at is None:
        return NEVER
    try:
        text = datetime.fromtimestamp(at // _SECOND, zone).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return f"{at} µs"
    return f"{text}.{at % _SECOND // 1000:03d}" if fraction else text


def clock(at: Micros, zone: tzinfo) -> str:
    """For a chart that knows no zones: the wall clock of the zone, written as if it were UTC."""
    moment = datetime.fromtimestamp(at // _SECOND, zone)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % _SECOND // 1000:03d}Z"


def age(at: Micros | None, now: Micros) -> str:
    """How long ago, in the two largest units that matter."""
    if at is None:
        return NEVER
    seconds = (now - at) // _SECOND
    if seconds < 0:
        return "in the future" if seconds < -60 else "now"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if days < 10 else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def ago(at: Micros | None, now: Micros) -> str:
    """The same as a phrase: a clock that is ahead of this one gives no age."""
    if at is None:
        return "never"
    if now - at <= -60 * _SECOND:
        return f"{age(now, at)} ahead of this machine's clock"
    return "just now" if at > now else f"{age(at, now)} ago"


def count(number: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{number:,}".replace(",", _THIN)


def plural(number: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A percentage that says 100 only when nothing is missing and 0 only when nothing is there."""
    if whole <= 0:
        return NEVER
    if part == whole:
        return "100 %"
    permyriad = part * 10_000 // whole
    if part > 0 and permyriad == 0:
        return "< 0.01 %"
    return f"{permyriad // 100}.{permyriad % 100:02d} %"


def of(part: int, whole: int, one: str, many: str = "") -> str:
    """A percentage beside its denominator: `12.50 % (5 of 40 sessions)`; of nothing there is none."""
    if whole <= 0:
        return f"{NEVER} (of no {one})"
    return f"{share(part, whole)} ({count(part)} of {plural(whole, one, many)})"


def rate(per_thousand: Decimal | None) -> str:
    """Of 1,000, with two digits that count; nothing where nothing was compared."""
    if per_thousand is None:
        return NEVER
    return (
        f"{per_thousand:,.2f}".replace(",", _THIN) if per_thousand >= 1 or not per_thousand else f"{per_thousand:.2g}"
    )


def bytes_(number: int) -> str:
    """An amount of data."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1000**power:
            tenths = number * 10 // 1000**power
            return f"{tenths // 10}.{tenths % 10} {unit}"
    return f"{number} B"


def energy(value: Decimal | None, unit: str | None = "Wh", *, signed: bool = False) -> str:
    """An exact decimal with its unit, without zeros that say nothing."""
    if value is None:
        return NEVER
    text = f"{value:+,f}" if signed and value else f"{value:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = text.replace(",", _THIN)
    return f"{text} {unit}" if unit else text


def money(amounts: Mapping[str, Decimal]) -> str:
    """Amounts by currency, each with its code: currencies are never added."""
    return ", ".join(energy(amount, currency) for currency, amount in sorted(amounts.items())) or NEVER


def escaped(text: str) -> str:
    """A text of the outside as Markdown that shows it as it stands and does nothing else."""
    return _MARKS.sub(r"\\\g<0>", text)


def amount(value: Decimal, currency: str) -> str:
    """Money to the cent, and further where a cent would hide that there is something."""
    digits = 2 if value == 0 or abs(value) >= Decimal("0.01") else 6
    return f"{value:,.{digits}f} {currency}".replace(",", _THIN)
