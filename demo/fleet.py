"""Many simulated charging stations in one process, over real sockets, with the ground truth of what they planted."""

from __future__ import annotations

import asyncio

import msgspec

from demo.books import Behaviour
from demo.charger import Charger, Driven
from demo.faults import FAULTS, Fault, Planted
from demo.link import LinkLostError
from demo.ocpp16 import validate_in_place
from demo.plan import ChargerPlan, Pace, behaviours, plan_fleet
from demo.socket_link import SocketLink
from demo.witness import Witness

__all__ = ["Fleet", "FleetConfig", "FleetReport", "run_fleet"]

_HEARTBEAT_SECONDS = 15


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet. Everything but the URL decides the plan; the same values give the same plan."""

    url: str = ""
    """`ws://host:port/path` of a CSMS or of the tap; each charging station adds its id as the last segment."""
    chargers: int = 24
    seed: int = 1
    fault_share: float = 0.35
    """Share of the charging stations that plant one fault each."""
    duration_seconds: float = 40
    """Sessions are planned so that they end within this time; one at least for each charging station."""
    compressed_share: float = 0.5
    """Share of the charging stations that offer permessage-deflate."""
    faults: tuple[Fault, ...] = FAULTS
    own_primary: bool = True
    """The CSMS is a `demo.primary.Primary` with these `behaviours`; for another's only the faults of charging
    stations can be planted."""
    pace: Pace = Pace()
    prefix: str = "DEMO"
    """Of the charger ids."""

    def plans(self) -> list[ChargerPlan]:
        """What each charging station will do."""
        return plan_fleet(
            seed=self.seed,
            chargers=self.chargers,
            fault_share=self.fault_share,
            pace=self.pace,
            within=round(self.duration_seconds * 1_000_000),
            compressed_share=self.compressed_share,
            faults=self.faults if self.own_primary else tuple(f for f in self.faults if f.primary is None),
            prefix=self.prefix,
        )

    def behaviours(self) -> dict[str, Behaviour]:
        """What the primary must do for this fleet; goes into its `PrimaryConfig`."""
        return behaviours(self.plans(), _HEARTBEAT_SECONDS)


class FleetReport(msgspec.Struct, frozen=True):
    """What a fleet did. Sorted, and but for times and the primary's ids the same for the same config."""

    planted: tuple[Planted, ...]
    sessions: tuple[Driven, ...]
    """Every session that the primary accepted, as its charging station knows it."""
    started: int
    stopped: int
    failures: dict[str, str]
    """By charging station: why it could not live its plan to the end."""


class Fleet:
    """A fleet that can be looked at while it runs. `run` once."""

    def __init__(self, config: FleetConfig, witness: Witness | None = None) -> None:
        if not config.url:
            raise ValueError("the fleet needs the URL of a CSMS or tap: FleetConfig(url=...)")
        self.config = config
        self.failures: dict[str, str] = {}
        self._members = [(plan, _link(config, plan, witness)) for plan in config.plans()]
        self._chargers = [Charger(plan, link) for plan, link in self._members]

    async def run(self) -> FleetReport:
        """Live until every charging station is through. When cancelled, connections are closed in good order."""
        validate_in_place()
        async with asyncio.TaskGroup() as group:
            for charger, (_, link) in zip(self._chargers, self._members, strict=True):
                group.create_task(self._live(charger, link))
        return self.report()

    def report(self) -> FleetReport:
        """What it did so far."""
        sessions = [session for charger in self._chargers for session in charger.sessions]
        planted = [planted for charger in self._chargers for planted in charger.planted]
        return FleetReport(
            tuple(sorted(planted, key=lambda p: (p.charger_id, p.session_number or 0))),
            tuple(sorted(sessions, key=lambda s: (s.charger_id, s.number, s.started_at))),
            len(sessions),
            sum(session.stopped_at is not None for session in sessions),
            dict(sorted(self.failures.items())),
        )

    async def _live(self, charger: Charger, link: SocketLink) -> None:
        try:
            await charger.run()
        except LinkLostError as error:
            self.failures[charger.charger_id] = str(error)
        finally:
            await link.close()


async def run_fleet(config: FleetConfig) -> FleetReport:
    """Run a fleet to its end. Raises ValueError without a URL; a lost connection stands in `failures`."""
    return await Fleet(config).run()


def _link(config: FleetConfig, plan: ChargerPlan, witness: Witness | None) -> SocketLink:
    who = plan.persona
    return SocketLink(config.url, who.charger_id, compression=who.compression, seed=plan.seed, witness=witness)


if __name__ == "__main__":
    import sys

    from demo.seeded.command import main

    sys.exit(main())
