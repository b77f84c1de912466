"""Sight: was everything seen? Without it no other gate means anything. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from diff.gates.evidence import CohortEvidence, Sight
from diff.gates.gate import Outcome, Result
from diff.gates.thresholds import Thresholds
from diff.gates.words import count, listed, percent, up
from ingest.frame import Micros

__all__ = ["sight"]

_HOUR: Final[Micros] = 3_600_000_000
_HUNDRED: Final = Decimal(100)


def sight(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD where bytes of a charging station are missing or a gap is open; INCONCLUSIVE where one is silent."""
    asked, hours = thresholds.sight.complete_percent / _HUNDRED, thresholds.sight.silent_hours
    accounted = [one for one in evidence.sights if one.bytes_forwarded]
    lowest = min(accounted, key=_completeness, default=None)
    gaps = [one for one in evidence.sights if one.open_gap]
    short = sorted((one for one in accounted if _completeness(one) < asked), key=_completeness)
    silent = [one.charger_id for one in evidence.sights if _is_silent(one, evidence.at, hours)]
    silent += evidence.attention.missing
    blind = [one.charger_id for one in evidence.sights if not one.bytes_forwarded]

    def result(outcome: Outcome, because: str, change: str = "", named: tuple[str, ...] = ()) -> Result:
        worst = "nothing accounted for" if lowest is None else f"{percent(_completeness(lowest), down=True)} at worst"
        threshold = (
            f"≥ {thresholds.sight.complete_percent.normalize():f} % of each charging station's bytes, no open gap"
        )
        return Result("sight", outcome, worst, threshold, len(evidence.sights), "charging stations", because, change,
                      named=named[:10])  # fmt: skip

    if short:
        name, missing = short[0].charger_id, short[0].bytes_forwarded - short[0].bytes_parsed
        more = up(Decimal(missing) / (1 - asked)) - short[0].bytes_forwarded if asked < 1 else 0
        ends = f"{more:,} more bytes of {name} seen without a loss, or " if more > 0 else ""
        return result(
            Outcome.HOLD,
            f"{count(len(short), 'charging station')} below it; of {name} {missing:,} of {short[0].bytes_forwarded:,}"
            " bytes are missing",
            f"{ends}the {thresholds.evidence_days} days of evidence passing since the loss",
            tuple(one.charger_id for one in short),
        )
    if gaps:
        names = [one.charger_id for one in gaps]
        return result(
            Outcome.HOLD,
            f"the connection of {listed(names)} cannot be read now ({gaps[0].open_gap})",
            f"{count(len(gaps), 'charging station')} reconnecting",
            tuple(names),
        )
    if not evidence.sights:
        return result(Outcome.INCONCLUSIVE, "no charging station belongs to it", "one that does", tuple(silent))
    if silent:
        return result(
            Outcome.INCONCLUSIVE,
            f"{count(len(silent), 'charging station')} silent for {hours} h: {listed(silent)}",
            f"a frame of {'it' if len(silent) == 1 else f'each of the {len(silent):,}'}, or leaving"
            f" {'it' if len(silent) == 1 else 'them'} out of the cohort (of a replayed recording: --at its end)",
            tuple(silent),
        )
    if blind:
        return result(
            Outcome.INCONCLUSIVE,
            f"no tap has accounted for {listed(blind)}: how much of the traffic was seen is not known",
            f"an account of {count(len(blind), 'charging station')} by a tap (replayed recordings have none)",
            tuple(blind),
        )
    return result(Outcome.GO, "everything that was forwarded was mirrored and parsed, within the threshold")


def _completeness(one: Sight) -> Decimal:
    return min(Decimal(one.bytes_parsed) / one.bytes_forwarded, Decimal(1))


def _is_silent(one: Sight, at: Micros, hours: int) -> bool:
    return one.last_frame_at is None or at - one.last_frame_at > hours * _HOUR
