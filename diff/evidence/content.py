"""The report as a document: the verdict with the failing gate first, then all that it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from diff.audit.document import (
    Cell,
    Chart,
    Document,
    Facts,
    Mark,
    Picture,
    Section,
    Sentence,
    Table,
    Tone,
    clean,
    moment,
)
from diff.evidence import grounds
from diff.evidence.charts import by_day, by_name
from diff.evidence.pack import Fingerprint, Pack
from diff.evidence.signing import SignOff
from diff.gates.gate import Outcome
from diff.gates.words import count, percent

__all__ = ["document"]

_LONG: Final = 1_000
_MOST_ROWS: Final = 500
_IN_CHART: Final = 12
_TONES: Final = {Outcome.GO: Tone.GOOD, Outcome.HOLD: Tone.BAD, Outcome.INCONCLUSIVE: Tone.PART}
_SEVERITIES: Final = {"critical": Tone.BAD, "major": Tone.PART}
_NO_SIGNATURE: Final = (
    "The digest (SHA-256) says which evidence this report was made of: shadow-csms report verify holds both against"
    " each other. It is no cryptographic signature of a person: whoever can write this file could write another name"
    " and another digest into it. Who signed is known by how the file was handed over and is kept."
)
Parts = tuple[Sentence | Facts | Table | Picture | Chart, ...]


def document(pack: Pack, digest: str, signed: SignOff | None) -> Document:
    """The whole report."""
    sections = (
        Section("Verdict", _verdict(pack)),
        Section("Signed off", _signed(pack, digest, signed)),
        Section("What it rests on", (_rests(pack), by_day(pack.verdict.trend.days), _days(pack))),
        Section("Causes of discrepancies", tuple(_causes(pack))),
        Section("Acknowledgements", tuple(_acknowledgements(pack))),
        Section("Coverage", tuple(grounds.coverage(pack))),
        Section("The seven certification checks", tuple(grounds.certification(pack))),
        Section("Security and certificates", tuple(grounds.security(pack))),
        Section("Device models", tuple(grounds.models(pack))),
        Section("Bills", tuple(grounds.bills(pack))),
        Section("Noise floor", (grounds.noise(pack),)),
        Section("Charging stations", tuple(grounds.stations(pack))),
        Section("Versions and thresholds", (grounds.versions(pack),)),
    )
    return Document(f"Evidence for {clean(pack.cohort)}: {pack.verdict.outcome.value}", sections)


def _verdict(pack: Pack) -> Parts:
    verdict = pack.verdict
    first = f", {verdict.first} first" if verdict.first else ""
    facts = [
        ("Verdict", f"{verdict.outcome.value}{first}"),
        ("Because", clean(verdict.because, _LONG)),
        ("What would change it", clean(verdict.change, _LONG) or "nothing is asked for"),
        ("About", f"{moment(verdict.at)}, evidence since {moment(verdict.since)}"),
        ("Before", clean(pack.previous) or "no verdict was given before"),
        ("Clean streak", count(verdict.clean_days, "day")),
        ("Trend", verdict.trend.word),
    ]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.gate,
            Mark(one.outcome.value, _TONES[one.outcome]),
            clean(one.value, _LONG),
            clean(one.threshold, _LONG),
            "none" if one.bound is None else percent(one.bound),
            f"{one.n:,} {one.of}",
            clean(one.because, _LONG),
            clean(one.change, _LONG) or "nothing",
        )
        for one in verdict.results
    )
    head = ("Gate", "Says", "Value", "Asked for", "Upper 95 % bound", "n", "Because", "What would change it")
    return Facts(tuple(facts)), Table("Every gate, the failing ones first", head, rows)


def _signed(pack: Pack, digest: str, signed: SignOff | None) -> Parts:
    facts = [("Evidence (SHA-256)", digest), ("Evidence gathered", moment(pack.made_at))]
    if signed is None:
        return Sentence("Nobody has signed this report off."), Facts(tuple(facts)), Sentence(_NO_SIGNATURE)
    who = [
        ("Signed off by", clean(signed.who)),
        ("Role", clean(signed.role) or "not said"),
        ("When", moment(signed.at)),
        ("Note", clean(signed.note, _LONG) or "none"),
    ]
    return Facts((*who, *facts)), Sentence(_NO_SIGNATURE)


def _rests(pack: Pack) -> Facts:
    seen, verdict = pack.seen, pack.verdict
    share = f"{seen.bytes_parsed:,} of {seen.bytes_forwarded:,}" if seen.bytes_forwarded else "no tap gave an account"
    return Facts(
        (
            ("Charging stations", f"{len(pack.members):,} seen; {len(pack.missing):,} named and never seen"),
            ("Kinds", f"{count(verdict.vendors, 'vendor')}, {count(verdict.models, 'model')}"),
            ("Time", f"{moment(verdict.since)} to {moment(verdict.at)}"),
            ("Sessions compared", f"{seen.sessions:,}, of {seen.weighed:,} both sides knew the energy"),
            ("Comparisons", f"{seen.comparisons:,} fields"),
            ("Frames", f"{seen.frames:,} on {count(seen.connections, 'connection')} that are still stored"),
            ("Bytes mirrored and parsed", share),
        )
    )


def _days(pack: Pack) -> Table:
    rows = tuple(
        (f"{day.age} days ago", f"{day.sessions:,}", f"{day.critical:,}", f"{day.major:,}")
        for day in pack.verdict.trend.days
    )
    return Table("By day before the verdict", ("Day", "Compared sessions", "Critical", "Major"), rows)


def _causes(pack: Pack) -> Iterator[Sentence | Table | Chart]:
    found = pack.fingerprints
    if not found:
        yield Sentence(f"No open discrepancy in {count(pack.seen.sessions, 'compared session')}.")
        return
    yield Sentence(
        f"The {len(found):,} worst of {count(pack.fingerprints_total, 'cause')} with open discrepancies. Money is by"
        " how much the amounts of a cause's sessions differ where a billing record says what they cost; a session with"
        " two causes counts for both."
    )
    chart = [(f"{one.fingerprint} {one.code}", one.open) for one in found[:_IN_CHART]]
    yield by_name("Open discrepancies by cause", chart)
    head = ("Cause", "Severity", "State", "Open", "Stations", "Sessions", "Wh", "Money", "Seen", "Acknowledged")
    yield Table("Causes, the worst first", head, tuple(map(_cause, found)))


def _cause(one: Fingerprint) -> tuple[Cell, ...]:
    return (
        f"{one.fingerprint} {clean(one.title, _LONG)}",
        Mark(one.severity, _SEVERITIES.get(one.severity, Tone.OPEN)),
        one.state,
        f"{one.open:,} in {one.comparisons:,} comparisons",
        f"{one.chargers:,}",
        f"{one.sessions:,}",
        "none" if one.wh is None else f"{one.wh.normalize():,f}",
        _money(one.money),
        f"{moment(one.first_seen)} to {moment(one.last_seen)}",
        "yes" if one.acknowledged else "no",
    )


def _money(amounts: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{amount.normalize():,f} {clean(name)}" for name, amount in amounts.items()) or "not known"


def _acknowledgements(pack: Pack) -> Iterator[Sentence | Table]:
    if not pack.acknowledged:
        yield Sentence("Nothing is acknowledged.")
        return
    rows = tuple(
        (
            one.acknowledgement.fingerprint,
            clean(one.title, _LONG) or "none stored",
            _scope(one.acknowledgement.vendor, one.acknowledgement.model, one.acknowledgement.firmware,
                   one.acknowledgement.charger),
            clean(one.acknowledgement.owner),
            clean(one.acknowledgement.reason, _LONG),
            moment(one.acknowledgement.expires),
            Mark(one.standing.value, Tone.GOOD if one.standing.value == "holds" else Tone.BAD),
            clean(one.because),
        )
        for one in pack.acknowledged
        if not one.acknowledgement.revoked
    )  # fmt: skip
    head = ("Fingerprint", "Cause", "Scope", "Owner", "Reason", "Expires", "Stands", "Because")
    yield Table("Acknowledgements that concern the cohort", head, rows[:_MOST_ROWS])
    yield Sentence("An acknowledgement holds up nobody at the critical gate. It changes nothing at the money gate.")


def _scope(*parts: str) -> str:
    return clean(" ".join(filter(None, parts))) or "any"
