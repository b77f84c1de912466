"""Noise and baseline: may the judgement itself be trusted? Pure."""

from __future__ import annotations

from diff.acknowledgement import Standing
from diff.gates.evidence import CohortEvidence
from diff.gates.gate import Outcome, Result
from diff.gates.thresholds import Thresholds
from diff.gates.words import count, listed

__all__ = ["baseline", "noise"]


def noise(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD where the same traffic lived twice gave two outcomes; INCONCLUSIVE until that was tried on this version."""
    run, asked = evidence.noise, max(thresholds.noise.frames, 1)
    n = 0 if run is None else run.frames
    value = (
        "not run" if run is None else f"{count(run.differences, 'difference')} on mapper version {run.mapper_version}"
    )

    def result(outcome: Outcome, because: str, change: str = "") -> Result:
        threshold = f"0 on mapper version {evidence.mapper_version}, in ≥ {count(asked, 'frame')}"
        return Result("noise", outcome, value, threshold, n, "frames lived again", because, change)

    again = "a run of `shadow-csms noise --store`"
    if run is None:
        return result(Outcome.INCONCLUSIVE, "no traffic was lived again yet", again)
    if run.mapper_version != evidence.mapper_version:
        because = f"the last run was on mapper version {run.mapper_version}, this is {evidence.mapper_version}"
        return result(Outcome.INCONCLUSIVE, because, again)
    if run.differences:
        return result(
            Outcome.HOLD,
            f"the same {n:,} frames gave {count(run.differences, 'difference')} when lived again: {run.first}",
            f"{count(run.differences, 'difference')} mended in this program (please report them), and {again}",
        )
    if n < asked:
        return result(
            Outcome.INCONCLUSIVE, f"the last run lived {count(n, 'frame')}", f"{again} over {asked - n:,} more"
        )
    return result(Outcome.GO, f"{n:,} frames of {count(run.chargers, 'charging station')} lived again gave the same")


def baseline(evidence: CohortEvidence, thresholds: Thresholds) -> Result:
    """HOLD while an acknowledgement has expired or is not needed any more: a stale baseline hides the next fault."""
    stale = [one for one in evidence.acknowledged if one.standing in (Standing.EXPIRED, Standing.STOPPED)]
    n = sum(one.standing is not Standing.REVOKED for one in evidence.acknowledged)
    expired = sum(one.standing is Standing.EXPIRED for one in stale)
    value = f"{expired} expired, {len(stale) - expired} no longer occurring"
    threshold = f"0 expired, 0 not seen for {thresholds.baseline.quiet_days} days"
    named = tuple(one.acknowledgement.id for one in stale[:10])
    if not stale:
        because = f"{count(n, 'acknowledgement')}, each in force and still needed" if n else "nothing is acknowledged"
        return Result("baseline", Outcome.GO, value, threshold, n, "acknowledgements", because)
    texts = [f"{one.acknowledgement.id} ({one.acknowledgement.owner}) {one.because}" for one in stale]
    return Result(
        "baseline",
        Outcome.HOLD,
        value,
        threshold,
        n,
        "acknowledgements",
        listed(texts, 2),
        f"{count(len(stale), 'acknowledgement')} renewed or revoked (`shadow-csms ack add`, `ack revoke`)",
        named=named,
    )
