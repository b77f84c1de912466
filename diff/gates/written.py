"""Verdicts as a text to be signed: every gate with its numbers, and the versions that it rests on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from diff.gates.gate import Result
from diff.gates.verdict import Trend, Verdict
from diff.gates.words import count
from ingest.timestamps import format_micros

__all__ = ["trend_in_words", "written"]

_HEAD: Final = "| gate | says | found | asked for | n | why | what would change it |\n|---|---|---|---|---|---|---|"


def written(verdicts: Sequence[Verdict]) -> str:
    """Markdown, with room for names at its end."""
    parts = ["# Rollout verdicts", *(_verdict(one) for one in verdicts), _SIGNED]
    return "\n\n".join(parts) + "\n"


def trend_in_words(trend: Trend) -> str:
    """`steady: 1.2 → 1.2 per 1,000 sessions`."""
    if trend.before is None or trend.lately is None:
        return f"{trend.word}: half of the days have no compared session"
    return f"{trend.word}: {_rate(trend.before)} → {_rate(trend.lately)} critical and major per 1,000 sessions"


def _verdict(verdict: Verdict) -> str:
    first = f", {verdict.first} first" if verdict.first else ""
    change = f"\n\nWhat would change it: {_cell(verdict.change)}" if verdict.change else ""
    rows = "\n".join(_row(one) for one in verdict.results)
    mappers = ", ".join(verdict.mapper_versions) or "none"
    return (
        f"## {_cell(verdict.cohort)}: {verdict.outcome.value}{first}\n\n{_cell(verdict.because)}{change}\n\n"
        f"About {format_micros(verdict.at)}, evidence since {format_micros(verdict.since)}:"
        f" {count(verdict.chargers, 'charging station')}, {count(verdict.sessions, 'compared session')},"
        f" clean for {count(verdict.clean_days, 'day')}; trend {trend_in_words(verdict.trend)}.\n\n"
        f"Thresholds version {_cell(verdict.thresholds_version)}, mapper version {verdict.mapper_version}"
        f" (discrepancies of: {mappers}).\n\n{_HEAD}\n{rows}"
    )


def _row(result: Result) -> str:
    cells = (
        result.gate,
        result.outcome.value,
        result.value,
        result.threshold,
        f"{result.n:,} {result.of}",
        result.because,
        result.change,
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Names of charging stations and firmwares come from outside: they must not begin a cell or a heading."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("#", "\\#")


def _rate(value: Decimal) -> str:
    return f"{value:.1f}"


_SIGNED: Final = "Decided by: ______________________    Date: ______________    Wave: ______________"
