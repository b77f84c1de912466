"""A worker under the profiler, for `bench stream`.

`python -m bench.profiled FILE` runs it and leaves its profile there.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

__all__ = ["shares"]

_GROUPS: Final = (
    ("living and judging (shadow, diff, ingest)", ("/shadow/", "/diff/", "/ingest/", "/jsonschema_rs/")),
    ("the worker itself (app)", ("/app/",)),
    ("Faust's way of a record (faust, mode)", ("/faust/", "/mode/")),
    ("Kafka's client (aiokafka, compression)", ("/aiokafka/", "cramjam", "zstd", "Compressor")),
    ("reading and writing JSON (msgspec)", ("msgspec",)),
    ("event loop", ("/asyncio/", "uvloop", "_asyncio", "/weakref", "/_weakrefset", "select.")),
)
_OTHER: Final = "else"


def shares(file: Path) -> list[tuple[str, float]]:
    """The share of each group in the time of a profile, the largest first.

    A function of C counts where its name says it belongs.
    """
    spent: dict[str, float] = defaultdict(float)
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]  # typeshed leaves it out
    for (path, _, function), (_, _, own, _, _) in stats.items():
        spent[_group(f"{path} {function}")] += own
    total = sum(spent.values())
    return sorted(((name, own / total) for name, own in spent.items()), key=lambda one: -one[1])


def _group(place: str) -> str:
    for name, parts in _GROUPS:
        if any(part in place for part in parts):
            return name
    return _OTHER


def main() -> None:
    """Run a worker until SIGTERM; the settings come through the environment."""
    file, sys.argv = sys.argv[1], ["shadow-csms", "worker"]
    from app.cli import app

    profile = cProfile.Profile()
    profile.enable()
    try:
        app()
    finally:
        profile.disable()
        profile.dump_stats(file)


if __name__ == "__main__":
    main()
