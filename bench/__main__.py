"""`python -m bench NAME`: run one benchmark."""

from __future__ import annotations

import importlib
import sys

NAMES = {
    "actions": "microseconds of each action of 1.6 through the pure core, beside the ocpp package",
    "dashboard": "first paint and interaction of every screen in a browser, on ten million discrepancies",
    "core": "frames/s of one core through the whole pure core, beside the ocpp package",
    "footprint": "bytes of a frame in Kafka, spool and store, state of a charger, recovery time",
    "judge": "stored frames judged anew a second, beside reading and parsing them alone",
    "mirror": "processor time of the tap's parts for one mirrored message",
    "redaction": "time to redact one message",
    "sizing": "what a fleet of a million charging stations needs, from the measurements and a simulated day",
    "store": "rows/s through the sink, and the dashboard's queries at ten million discrepancies",
    "stream": "frames/s of one worker core through real Kafka, beside a bare Faust agent",
    "tap": "round trip, throughput and memory of the tap, beside HAProxy and nginx",
}


def main() -> int:
    """Dispatch by name; the rest of the arguments is the benchmark's own."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NAMES:
        lines = "\n".join(f"  {key:<10} {text}" for key, text in NAMES.items())
        print(f"usage: python -m bench NAME [options]\n{lines}", file=sys.stderr)
        return 2
    sys.argv = [f"bench {name}", *sys.argv[2:]]
    return int(importlib.import_module(f"bench.{name}").main() or 0)


if __name__ == "__main__":
    sys.exit(main())
