"""A table as a large operator's SteVe holds it: 35,000 transactions with the anomalies that were counted in one. Pure.

Rows go on sensibly within a connector: times do not overlap and registers rise, but for what is planted. Only every
other row of a connector is struck, so that each anomaly stands by itself and its count is exact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import msgspec

from ingest.frame import Micros
from ingest.timestamps import format_micros

__all__ = ["COUNTED", "MAPPING", "table"]

_MINUTE: Final[Micros] = 60_000_000
_HOUR: Final[Micros] = 60 * _MINUTE
_BEGUN: Final[Micros] = 1_672_531_200_000_000
"""2023-01-01."""
_CONNECTORS: Final = 120
_KWH: Final = 1000
_MAXIMUM: Final = 2_147_483_647

COUNTED: Final[dict[str, int]] = {
    "negative-energy": 34,
    "placeholder": 38,
    "duplicate-start": 254,
    "register-regression": 592,
    "zero-energy": 5904,
    "late-stop": 506,
    "never-stopped": 7,
    # Not in that table, and in others: few of each.
    "overlap": 11,
    "zero-duration": 6,
    "implausible-power": 3,
    "end-before-start": 4,
    "unknown-time": 5,
}
"""Cases by anomaly, in 35,000 rows. The sessions without duration are among those without energy."""

MAPPING: Final = 'recorded = ["event_timestamp"]\n'
"""What examples/steve-transactions.toml lacks: SteVe's own time of the stop is in its database, not in its export."""


class _Row(msgspec.Struct):
    connector: int
    tag: str
    start_at: Micros
    stop_at: Micros
    begin_wh: int
    end_wh: int
    stopped: bool = True
    recorded_at: Micros | None = None


def table(seed: int, rows: int = 35_000, counted: Mapping[str, int] = COUNTED) -> str:
    """The table, with its header. Raises ValueError where so many anomalies do not fit into so few rows."""
    random = Random(f"{seed}/steve")
    copies = counted.get("duplicate-start", 0)
    connectors: list[list[_Row]] = [[] for _ in range(_CONNECTORS)]
    for number in range(rows - copies):
        connectors[number % _CONNECTORS].append(_next(random, number % _CONNECTORS, connectors[number % _CONNECTORS]))
    # The first row of a connector has none before it, the last none behind it.
    open_places = [(one, place) for one, held in enumerate(connectors) for place in range(1, len(held) - 1, 2)]
    random.shuffle(open_places)
    duplicated: set[tuple[int, int]] = set()
    for name, count in sorted(counted.items(), key=lambda one: (one[0] not in _SHIFTING, one[0])):
        if name == "zero-duration":
            continue
        struck, open_places = open_places[:count], open_places[count:]
        if len(struck) < count:
            raise ValueError(f"{rows} rows are too few for {count} of {name}")
        for done, (one, place) in enumerate(struck):
            if name == "duplicate-start":
                duplicated.add((one, place))
            else:
                _STRIKES[name](random, connectors[one], place)
            if name == "zero-energy" and done < counted.get("zero-duration", 0):
                connectors[one][place].stop_at = connectors[one][place].start_at
    return _written(connectors, duplicated)


def _next(random: Random, connector: int, before: list[_Row]) -> _Row:
    begin = before[-1].end_wh if before else random.randrange(20_000_000, 60_000_000)
    free_at = before[-1].stop_at if before else _BEGUN + random.randrange(_HOUR)
    start = free_at + random.randrange(20, 1200) * _MINUTE
    stop = start + random.randrange(30, 300) * _MINUTE
    tag = f"{random.getrandbits(56):014X}"
    return _Row(connector, tag, start, stop, begin, begin + random.randrange(1, 40 * _KWH))


def _fall(random: Random, held: list[_Row], place: int) -> None:
    """From here on the register is another, or begins anew."""
    by = random.randrange(60 * _KWH, 90 * _KWH)
    for row in held[place:]:
        row.begin_wh, row.end_wh = row.begin_wh - by, row.end_wh - by


def _no_energy(_: Random, held: list[_Row], place: int) -> None:
    by = held[place].end_wh - held[place].begin_wh
    held[place].end_wh = held[place].begin_wh
    for row in held[place + 1 :]:
        row.begin_wh, row.end_wh = row.begin_wh - by, row.end_wh - by


def _below(random: Random, held: list[_Row], place: int) -> None:
    held[place].end_wh = held[place].begin_wh - random.randrange(1, 500)


def _unknown(_: Random, held: list[_Row], place: int) -> None:
    held[place].end_wh = _MAXIMUM


def _late(random: Random, held: list[_Row], place: int) -> None:
    held[place].recorded_at = held[place].stop_at + random.randrange(61, 60 * 48) * _MINUTE


def _open(_: Random, held: list[_Row], place: int) -> None:
    held[place].stopped = False


def _over(_: Random, held: list[_Row], place: int) -> None:
    held[place].start_at = held[place - 1].stop_at - 10 * _MINUTE


def _mighty(_: Random, held: list[_Row], place: int) -> None:
    """3 MW for one minute."""
    held[place].stop_at = held[place].start_at + _MINUTE
    by = 50 * _KWH - (held[place].end_wh - held[place].begin_wh)
    held[place].end_wh += by
    for row in held[place + 1 :]:
        row.begin_wh, row.end_wh = row.begin_wh + by, row.end_wh + by


def _backwards(_: Random, held: list[_Row], place: int) -> None:
    held[place].stop_at = held[place].start_at - _MINUTE


def _epoch(_: Random, held: list[_Row], place: int) -> None:
    held[place].start_at = 120_000_000


_STRIKES: Final[dict[str, Callable[[Random, list[_Row], int], None]]] = {
    "negative-energy": _below,
    "placeholder": _unknown,
    "register-regression": _fall,
    "zero-energy": _no_energy,
    "late-stop": _late,
    "never-stopped": _open,
    "overlap": _over,
    "implausible-power": _mighty,
    "end-before-start": _backwards,
    "unknown-time": _epoch,
}

_SHIFTING: Final = frozenset({"register-regression", "zero-energy", "implausible-power"})
"""They move the registers behind them, and go before what must not be moved."""


def _written(connectors: list[list[_Row]], duplicated: set[tuple[int, int]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    names = "transaction_pk charge_box_id connector_id id_tag start_timestamp start_value stop_timestamp stop_value"
    writer.writerow([*names.split(), "event_timestamp"])
    lines = [
        (row.start_at, one, place, copy, row)
        for one, held in enumerate(connectors)
        for place, row in enumerate(held)
        for copy in range(2 if (one, place) in duplicated else 1)
    ]
    for number, (_, one, _, _, row) in enumerate(sorted(lines, key=lambda line: line[:4]), 1):
        stop = (format_micros(row.stop_at), row.end_wh) if row.stopped else ("", "")
        recorded = format_micros(row.recorded_at or row.stop_at) if row.stopped else ""
        who = (f"CP-{one // 2 + 1:03d}", one % 2 + 1, row.tag)
        writer.writerow((number, *who, format_micros(row.start_at), row.begin_wh, *stop, recorded))
    return out.getvalue()
