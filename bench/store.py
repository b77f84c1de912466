"""The store at size: rows per second through the sink, and the dashboard's queries on a generated store.

Figures go to stdout, progress to stderr. Exit code 1 where the 95th percentile of a query is above a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from app.stack.broker import Broker
from bench.generated import Size, generate
from bench.store_queries import LIMIT, Timing, ask
from bench.store_sink import Rates, measure
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine

__all__ = ["main", "processor_seconds"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_BYTES_A_DISCREPANCY: Final = 1500
"""Room that the generated store may need while it merges, per discrepancy and its share of the other tables."""
_TIMEOUT: Final = 1800.0


class _Report(msgspec.Struct):
    """Everything that was measured."""

    load_before: float
    load_after: float = 0.0
    sink: Rates | None = None
    tables: dict[str, dict[str, float]] = {}
    queries: list[Timing] = []


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far, its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a query's 95th percentile is above the limit."""
    options = _options(argv)
    size = Size().scaled(options.discrepancies / Size().discrepancies)
    say = _progress()
    with tempfile.TemporaryDirectory(prefix="shadow-bench-", dir=options.directory) as folder:
        needed = options.discrepancies * _BYTES_A_DISCREPANCY
        if (free := shutil.disk_usage(folder).free) < needed:
            print(f"{needed / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free", file=sys.stderr)
            return 2
        report = _Report(os.getloadavg()[0])
        with EmbeddedEngine(Path(folder) / "engine") as engine:
            if options.frames:
                with Broker(Path(folder) / "kafka") as broker, Store.connect(engine.url("bench")) as store:
                    say(f"sink: {options.frames:,} frames through Kafka")
                    report.sink = measure(broker.bootstrap, store, frames=options.frames, chargers=options.chargers)
            if options.runs:
                _queries(engine, size, options, report, say)
        report.load_after = os.getloadavg()[0]
    print(json.dumps(msgspec.to_builtins(report), indent=2) if options.json else _text(report))
    return 1 if any(timing.p95 > LIMIT for timing in report.queries) else 0


def _queries(
    engine: EmbeddedEngine, size: Size, options: argparse.Namespace, report: _Report, say: Callable[[str], None]
) -> None:
    with Store.connect(engine.url("generated"), timeout=_TIMEOUT) as store:
        store.migrate()
        generate(store, size, say)
        query = """
        SELECT table, sum(rows) AS rows, count() AS parts, uniqExact(partition) AS partitions,
            sum(data_compressed_bytes) AS bytes
        FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table"""
        for row in store.rows(query):
            report.tables[row.pop("table")] = row | {"bytes_a_row": round(row["bytes"] / row["rows"], 1)}
        assert engine.pid is not None
        pid = engine.pid
        for timing in ask(store, lambda: processor_seconds(pid), runs=options.runs, only=options.only):
            say(f"{timing.name}: p95 {timing.p95:.3f} s")
            report.queries.append(timing)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench store", description=__doc__)
    parser.add_argument("--frames", type=int, default=60_000, help="frames through Kafka and the sink; 0: leave it out")
    parser.add_argument("--chargers", type=int, default=200, help="charging stations of those frames")
    parser.add_argument(
        "--discrepancies", type=int, default=10_000_000, help="rows of the generated store; ten times as many frames"
    )
    parser.add_argument("--runs", type=int, default=30, help="times that each query is asked; 0: leave them out")
    parser.add_argument("--only", default="", help="queries whose name holds this")
    parser.add_argument("--directory", type=Path, help="where the data lies meanwhile; it is removed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def _progress() -> Callable[[str], None]:
    begin = time.monotonic()
    return lambda text: print(f"{time.monotonic() - begin:7.1f} s  {text}", file=sys.stderr, flush=True)


def _text(report: _Report) -> str:
    lines = [f"load average {report.load_before:.1f} before, {report.load_after:.1f} after, {os.cpu_count()} cores"]
    if report.sink is not None:
        lines += _sink_lines(report.sink)
    if report.tables:
        lines.append("generated in the engine:")
        lines += [_table_line(name, table) for name, table in report.tables.items()]
    if report.queries:
        lines.append(
            f"{'query':<32}{'p50 s':>8}{'p95 s':>8}{'max s':>8}{'CPU s':>8}   of {report.queries[0].runs} runs"
        )
        lines += [
            f"{one.name:<32}{one.p50:>8.3f}{one.p95:>8.3f}{one.slowest:>8.3f}{one.cpu:>8.2f}"
            f"{'   above the limit' if one.p95 > LIMIT else ''}"
            for one in report.queries
        ]
    return "\n".join(lines)


def _table_line(name: str, table: dict[str, Any]) -> str:
    return (
        f"  {name:<16}{table['rows']:>13,} rows{table['parts']:>4} parts{table['partitions']:>4} partitions"
        f"{table['bytes_a_row']:>8} bytes a row"
    )


def _sink_lines(rates: Rates) -> list[str]:
    rows = ", ".join(f"{count:,} {name}" for name, count in rates.rows.items())
    return [
        (
            f"rows/s: {rates.sink:,.0f} through Kafka and the sink; {rates.driver:,.0f} by the driver alone in blocks"
            f" of 10,000 ({rates.sink / rates.driver:.2f} of it); {rates.single:,.0f} a row at a time"
            f" ({rates.sink / rates.single:,.0f} times as many)"
        ),
        f"  {rates.records:,} records: {rows}",
        *(f"  {stage.share:>5.0%}  {stage.name}" for stage in rates.stages),
    ]
