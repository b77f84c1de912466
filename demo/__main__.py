"""`python -m demo`: point the simulated fleet at any OCPP 1.6J CSMS, or at a tap before one.

With `--primary` the CSMS is in this process too, and plants its own faults: the tap stands between the two.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import urlsplit

import msgspec

from demo.fleet import Fleet, FleetConfig, FleetReport
from demo.primary import Primary, PrimaryConfig

_PAUSE: Final = 5.0
"""Seconds before the round behind one in which a connection failed: whoever was away may come back."""


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


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not host or not colon or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: give HOST:PORT")
    return host, int(port)


def _rounds(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} rounds cannot be: give 1 or more, or 0 for no end")
    return value


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--url", type=_url, required=True, help="each charger adds its id as the last path segment")
    parser.add_argument("--chargers", type=_positive, default=24)
    parser.add_argument("--seconds", type=_positive, default=40, help="sessions are planned to end within this time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=_share, default=0.35, help="share of the chargers that misbehave, 0 to 1")
    parser.add_argument("--prefix", default="DEMO", help="of the charger ids")
    parser.add_argument(
        "--primary", type=_address, metavar="HOST:PORT", help="run the CSMS there, with faults of its own"
    )
    parser.add_argument(
        "--rounds", type=_rounds, default=1, help="fleets one after the other, each of other stations; 0 for no end"
    )
    parser.add_argument("--json", action="store_true", help="print the ground truth as one JSON document")
    return parser.parse_args(arguments)


def _tell(report: FleetReport, *, as_json: bool, interrupted: bool) -> None:
    sys.stdout.write(_json(report, interrupted=interrupted) if as_json else _text(report, interrupted=interrupted))
    sys.stdout.flush()  # a round may be followed by others for hours


def _json(report: FleetReport, *, interrupted: bool) -> str:
    document = msgspec.to_builtins(report) | {"interrupted": interrupted}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _text(report: FleetReport, *, interrupted: bool) -> str:
    lines = [
        f"{planted.charger_id}  session {planted.session_number or '-'}  {', '.join(planted.codes)}: {planted.detail}\n"
        for planted in report.planted
    ]
    lines += [f"{charger_id}  failed: {reason}\n" for charger_id, reason in report.failures.items()]
    lines.append(
        f"{report.started} sessions started, {report.stopped} stopped, {len(report.planted)} faults planted, "
        f"{len(report.failures)} chargers failed{' (interrupted)' if interrupted else ''}\n"
    )
    return "".join(lines)


def _config(options: argparse.Namespace, number: int) -> FleetConfig:
    """The fleet of a round: a seed and charging stations of its own."""
    return FleetConfig(
        url=options.url,
        chargers=options.chargers,
        seed=options.seed + number - 1,
        fault_share=options.faults,
        duration_seconds=options.seconds,
        own_primary=options.primary is not None,
        prefix=options.prefix if number == 1 else f"{options.prefix}{number}",
    )


class _AddressError(Exception):
    """The primary cannot listen there."""


async def _live(fleet: Fleet, address: tuple[str, int] | None, pause: float) -> None:
    await asyncio.sleep(pause)
    async with AsyncExitStack() as stack:
        if address is not None:
            host, port = address
            primary = Primary(PrimaryConfig(host=host, port=port, behaviours=fleet.config.behaviours()))
            try:
                await stack.enter_async_context(primary)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise _AddressError(f"{host}:{port}: {reason}") from None
        await fleet.run()


def main(arguments: list[str]) -> int:
    """Run the fleet. 0 when every charger lived its plan, 1 when one could not, 130 after Ctrl-C or SIGTERM."""
    options = _arguments(arguments)
    # What stops a container is what Ctrl-C is: what was planted so far is still told.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    number, failed, ever_failed = 0, False, False
    try:
        while not options.rounds or number < options.rounds:
            number += 1
            failed = _round(options, number, _PAUSE if failed else 0)
            ever_failed = ever_failed or failed
    except _AddressError as error:
        sys.stderr.write(f"demo: the primary cannot listen on {error}; name another address with --primary\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if ever_failed else 0


def _round(options: argparse.Namespace, number: int, pause: float) -> bool:
    """Run one fleet and tell what it did; whether one of its chargers could not live its plan."""
    fleet = Fleet(_config(options, number))
    try:
        asyncio.run(_live(fleet, options.primary, pause))
    except KeyboardInterrupt:
        _tell(fleet.report(), as_json=options.json, interrupted=True)
        raise
    _tell(fleet.report(), as_json=options.json, interrupted=False)
    return bool(fleet.failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
