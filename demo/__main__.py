"""`python -m demo`: point the simulated fleet at any OCPP 1.6J CSMS, or at a tap before one."""

from __future__ import annotations

import argparse
import asyncio
import sys
from urllib.parse import urlsplit

import msgspec

from demo.fleet import Fleet, FleetConfig, FleetReport


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: give a number from 0 to 1")
    return value


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no WebSocket URL: give ws://host:port/path")
    return text


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is too few: give 1 or more")
    return value


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--url", type=_url, required=True, help="each charger adds its id as the last path segment")
    parser.add_argument("--chargers", type=_positive, default=24)
    parser.add_argument("--seconds", type=_positive, default=40, help="sessions are planned to end within this time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=_share, default=0.35, help="share of the chargers that misbehave, 0 to 1")
    parser.add_argument("--prefix", default="DEMO", help="of the charger ids")
    parser.add_argument("--json", action="store_true", help="print the ground truth as one JSON document")
    return parser.parse_args(arguments)


def _print(report: FleetReport, *, as_json: bool, interrupted: bool) -> None:
    if as_json:
        document = msgspec.to_builtins(report) | {"interrupted": interrupted}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
        return
    for planted in report.planted:
        codes = ", ".join(planted.codes)
        sys.stdout.write(f"{planted.charger_id}  session {planted.session_number or '-'}  {codes}: {planted.detail}\n")
    for charger_id, reason in report.failures.items():
        sys.stdout.write(f"{charger_id}  failed: {reason}\n")
    sys.stdout.write(
        f"{report.started} sessions started, {report.stopped} stopped, {len(report.planted)} faults planted, "
        f"{len(report.failures)} chargers failed{' (interrupted)' if interrupted else ''}\n"
    )


def main(arguments: list[str]) -> int:
    """Run the fleet. 0 when every charger lived its plan, 1 when one could not, 130 after Ctrl-C."""
    options = _arguments(arguments)
    fleet = Fleet(
        FleetConfig(
            url=options.url,
            chargers=options.chargers,
            seed=options.seed,
            fault_share=options.faults,
            duration_seconds=options.seconds,
            own_primary=False,
            prefix=options.prefix,
        )
    )
    interrupted = False
    try:
        asyncio.run(fleet.run())
    except KeyboardInterrupt:
        interrupted = True
    report = fleet.report()
    _print(report, as_json=options.json, interrupted=interrupted)
    if interrupted:
        return 130
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
