"""What the verdict of a report rests on: coverage, checks, security, device models, bills, noise, versions. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from diff.audit.document import Cell, Chart, Facts, Mark, Picture, Sentence, Table, Tone, clean, moment
from diff.evidence.charts import by_name
from diff.evidence.pack import Pack
from diff.gates.words import count, listed

__all__ = ["bills", "certification", "coverage", "models", "noise", "security", "stations", "versions"]

_LONG: Final = 1_000
_MOST_ROWS: Final = 500
_IN_CHART: Final = 12
_RESULTS: Final = {"PASS": Tone.GOOD, "FAIL": Tone.BAD, "PARTIAL": Tone.PART}


def coverage(pack: Pack) -> Iterator[Sentence | Table | Chart]:
    """Actions that were seen, by model, and how completely charging stations were."""
    totals = {action: sum(kind.actions.get(action, 0) for kind in pack.kinds) for action in pack.used}
    unseen = [action for action, number in totals.items() if not number]
    yield Sentence(
        f"The fleet uses {count(len(pack.used), 'action')}; the cohort was seen with {len(totals) - len(unseen):,} of"
        " them." + (f" Never seen in the cohort: {clean(', '.join(unseen), _LONG)}." if unseen else "")
    )
    ranked = sorted(totals.items(), key=lambda one: (-one[1], one[0]))
    yield by_name("How often actions were seen", ranked[:_IN_CHART])
    rows = tuple(
        (
            clean(kind.name),
            f"{kind.chargers:,}",
            clean(", ".join(f"{name} {kind.actions[name]:,}" for name in sorted(kind.actions)), _LONG) or "none",
        )
        for kind in pack.kinds
    )
    yield Table("Actions by model", ("Model", "Stations", "Actions seen"), rows)
    if pack.sights:
        worst = tuple(
            (
                clean(one.charger_id),
                f"{one.bytes_parsed:,} of {one.bytes_forwarded:,}",
                "never" if one.last_frame_at is None else moment(one.last_frame_at),
                clean(one.open_gap) or "none",
            )
            for one in pack.sights
        )
        head = ("Charging station", "Bytes parsed", "Last frame", "Open gap")
        yield Table("Charging stations that were seen least completely", head, worst)


def certification(pack: Pack) -> Iterator[Sentence | Table]:
    """The seven checks."""
    if pack.certification is None:
        yield Sentence("The checks were not asked for.")
        return
    yield Sentence(f"Over {clean(pack.certification_read, _LONG)}.")
    rows: list[tuple[Cell, ...]] = []
    for check in pack.certification.get("checks", ()):
        for protocol, row in check["protocols"].items():
            rows.append(
                (
                    f"{check['number']}. {check['name']}",
                    clean(str(protocol)),
                    Mark(row["result"], _RESULTS.get(row["result"], Tone.OPEN)),
                    f"{row['seen']:,} {row['seen_what']}",
                    f"{row['hits']:,} on {count(row['chargers_hit'], 'station')}",
                    clean(_found(row), _LONG) or clean(row["reason"]) or "nothing",
                )
            )
    yield Table("Checks", ("Check", "Protocol", "Result", "Seen", "Hits", "Found"), tuple(rows))


def _found(row: dict[str, Any]) -> str:
    ranked = sorted(row["found"], key=lambda one: (-one["hits"], one["code"], one["path"]))
    return listed([f"{one['code']} {one['path']} ({one['hits']})" for one in ranked], 5)


def security(pack: Pack) -> Iterator[Sentence | Table]:
    """Security profiles, security events, exchanges about certificates."""
    yield Sentence(f"Of {pack.audited:,} of {count(len(pack.members), 'charging station')}.")
    if pack.security:
        rows = tuple(
            (
                clean(one.charger_id),
                "unknown" if one.security.now is None else str(one.security.now),
                clean(one.security.wire_reason),
                clean(one.security.conflict) or "none",
                "none" if one.security.next is None else str(one.security.next),
                clean("; ".join(need.text for need in one.security.needs if need.have.value == "missing"), _LONG)
                or "nothing",
            )
            for one in pack.security[:_MOST_ROWS]
        )
        head = ("Charging station", "Profile now", "By its handshakes", "Contradiction", "Next", "Missing for it")
        yield Table("Security profiles", head, rows)
    for caption, found, nothing in (
        ("Security events", pack.security_events, "No SecurityEventNotification was seen."),
        ("Exchanges about certificates", pack.certificates, "No exchange about certificates was seen."),
    ):
        if found:
            named = tuple((clean(one.name), f"{one.count:,}", f"{one.chargers:,}") for one in found)
            yield Table(caption, ("What", "Times", "Stations"), named)
        else:
            yield Sentence(nothing)


def models(pack: Pack) -> Iterator[Sentence | Picture | Table]:
    """Device models, a picture for each kind of charging station."""
    if not pack.pictures:
        yield Sentence("No device model is known.")
    for one in pack.pictures:
        kind = " ".join(filter(None, (one.vendor, one.model, one.firmware))) or "unknown model"
        yield Sentence(f"{clean(kind)}: {count(one.stations, 'station')}; drawn is {clean(one.charger_id)}.")
        yield Picture(one.tiers, one.charger_id)
        parts = [("station", part) for part in one.tiers.components]
        for evse in one.tiers.evses:
            parts += [(f"EVSE {evse.evse_id}", part) for part in evse.components]
            for line in evse.connectors:
                parts += [(f"EVSE {evse.evse_id} connector {line.connector_id}", part) for part in line.components]
        rows = tuple(
            (clean(part.name), tier, str(part.observed), str(part.derived), str(part.assumed), str(part.missing))
            for tier, part in parts[:_MOST_ROWS]
        )
        head = ("Component", "Tier", "Observed", "Derived", "Assumed", "Missing")
        yield Table(f"Components of {clean(one.charger_id)}: variables by how sure they are", head, rows)


def bills(pack: Pack) -> Iterator[Sentence | Table]:
    """What billing records say."""
    found = pack.bills
    if not found.billed:
        yield Sentence(f"No billing record was matched to any of {count(found.sessions, 'compared session')}.")
        return
    yield Sentence(
        f"{found.billed:,} of {count(found.sessions, 'compared session')} are billed by a record that was handed in;"
        f" {found.energy_differs:,} of them with another energy than the shadow saw."
    )
    rows = tuple((clean(one.currency), f"{one.amount.normalize():,f}", f"{one.sessions:,}") for one in found.amounts)
    if rows:
        yield Table("By how much amounts differ, without their signs", ("Currency", "Sum", "Sessions"), rows)


def noise(pack: Pack) -> Sentence:
    """How much this program differs from itself."""
    run = pack.noise
    if run is None:
        return Sentence("No traffic was lived again: how much this program differs from itself is not known.")
    return Sentence(
        f"{count(run.differences, 'difference')} when {clean(run.source, _LONG)} were lived again on mapper version"
        f" {run.mapper_version} ({moment(run.at)}): {run.frames:,} frames, {run.sessions:,} sessions,"
        f" {run.discrepancies:,} discrepancies each time."
    )


def stations(pack: Pack) -> Iterator[Sentence | Table]:
    """Who belongs to the cohort."""
    rows = tuple(
        (
            clean(one.charger_id),
            clean(f"{one.vendor} {one.model}".strip()) or "unknown",
            clean(one.firmware) or "unknown",
        )
        for one in pack.members[:_MOST_ROWS]
    )
    if len(pack.members) > _MOST_ROWS:
        yield Sentence(f"The first {_MOST_ROWS} of {len(pack.members):,}; the evidence has all of them.")
    yield Table("Charging stations of the cohort", ("Charging station", "Vendor and model", "Firmware"), rows)
    if pack.missing:
        yield Sentence(f"Named for it and never seen: {clean(', '.join(pack.missing), _LONG)}.")


def versions(pack: Pack) -> Facts:
    """Versions of everything that decides, and the thresholds."""
    told = [(name, clean(text, _LONG) or "none") for name, text in pack.versions.items()]
    for group, values in pack.thresholds.items():
        shown = (
            values if not isinstance(values, dict) else ", ".join(f"{name} {value}" for name, value in values.items())
        )
        told.append((f"threshold {clean(str(group))}", clean(str(shown), _LONG)))
    return Facts((*told, ("judging run", clean(pack.judging_run))))
