"""Who takes part and what each will do: a plan drawn from a seed. Pure.

Everything that is random is drawn here, so that a seed repeats the same charging stations, sessions and faults
whatever the network does.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final

import msgspec

from demo.books import Behaviour, Command
from demo.faults import FAULTS, Fault, Flow
from ingest.frame import Micros

__all__ = ["ChargerPlan", "Pace", "Persona", "Register", "SessionPlan", "behaviours", "plan_fleet"]

_BOOT: Final[Micros] = 300_000
"""Allowed for the connection, the boot and the first statuses."""

_EXCHANGES: Final[Micros] = 400_000
"""Allowed for the calls and answers of one session."""

_REMOTE_STOP_AFTER: Final = 4
"""MeterValues of the transaction: Transaction.Begin and three periodic ones."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take, in microseconds. The default is that of a live demonstration."""

    session: tuple[Micros, Micros] = (6_200_000, 12_000_000)
    """Shortest and longest session."""
    sample: Micros = 2_000_000
    """Between two periodic meter values."""
    gap: tuple[Micros, Micros] = (700_000, 2_500_000)
    """Idle time before each session."""
    handling: Micros = 400_000
    """What a driver needs for a step: plugging in, unplugging."""
    stagger: Micros = 1_500_000
    """The charging stations connect within this time."""


class Register(StrEnum):
    """How the energy register is written in sampled values. Each form is exact to 1 Wh."""

    WH = "whole Wh"
    WH_HUNDREDTHS = "Wh with two decimals"
    KWH = "kWh with three decimals"


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """A charging station as a product."""

    charger_id: str
    vendor: str
    model: str
    firmware: str
    serial: str
    connectors: int
    power_w: int
    phases: int
    """3 or 1 for AC, 0 for DC."""
    register: Register
    end_values: bool
    """A MeterValues with Transaction.End goes before StopTransaction."""
    transaction_data: bool
    """StopTransaction carries the Transaction.Begin and Transaction.End values."""
    compression: bool
    odometer_wh: tuple[int, ...]
    """By connector: the register before the first session."""


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One session to come."""

    number: int
    """Per charging station, from 1. A companion has no number of its own."""
    connector_id: int
    id_tag: str
    gap: Micros
    duration: Micros
    power_percent: int
    remote_start: bool = False
    remote_stop: bool = False
    ev_disconnects: bool = False
    """Ends with reason EVDisconnected instead of Local."""
    pauses: bool = False
    """The car suspends charging in between."""
    companion_tag: str | None = None
    """Another driver charges on the other connector at the same time."""


class ChargerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One charging station with all that it will do."""

    persona: Persona
    pace: Pace
    sessions: tuple[SessionPlan, ...]
    seed: int
    """For message ids and the jitter of readings."""
    delay: Micros
    """Before it connects."""
    fault: Fault | None = None
    fault_session: int = 1
    """The session number that is struck."""


class _Product(msgspec.Struct, frozen=True):
    vendor: str
    model: str
    firmware: str
    connectors: int
    power_w: int
    phases: int


_PRODUCTS: Final[tuple[_Product, ...]] = (
    _Product("Alder", "Curb 11", "2.4.1", 1, 11_000, 3),
    _Product("Alder", "Curb 22 Duo", "2.4.1", 2, 22_000, 3),
    _Product("Birch Power", "Home 7", "1.0.19", 1, 7_400, 1),
    _Product("Birch Power", "Depot 22", "1.2.0", 2, 22_000, 3),
    _Product("Cedar", "Highway 150", "5.0.3-rc2", 2, 150_000, 0),
    _Product("Cedar", "Highway 50", "4.9.8", 1, 50_000, 0),
)


def plan_fleet(
    *,
    seed: int,
    chargers: int,
    fault_share: float,
    pace: Pace,
    sessions: int | None = None,
    within: Micros | None = None,
    compressed_share: float = 0.5,
    faults: tuple[Fault, ...] = FAULTS,
    prefix: str = "DEMO",
) -> list[ChargerPlan]:
    """Draw a fleet.

    Each charging station has `sessions` sessions, or as many as end `within` so many microseconds, but one at least.
    A share of the charging stations plants one fault each, from `faults` in an order that covers the codes first.
    """
    if (sessions is None) == (within is None):
        raise ValueError("give either the count of sessions or the time that they may fill")
    chosen = _assign(Random(seed), chargers, round(chargers * fault_share), faults)
    plans = []
    for index in range(1, chargers + 1):
        # A generator of its own, so that one more charging station leaves the others as they were.
        random = Random(f"{seed}/{index}")
        fault = chosen.get(index)
        persona = _persona(random, f"{prefix}-{index:04d}", fault, compressed_share)
        delay = random.randrange(pace.stagger)
        planned = _sessions(random, persona, pace, fault, sessions, None if within is None else within - delay)
        plans.append(
            ChargerPlan(
                persona=persona,
                pace=pace,
                sessions=planned,
                seed=random.getrandbits(48),
                delay=delay,
                fault=fault,
                fault_session=_fault_session(random, fault, len(planned), early=within is not None),
            )
        )
    return plans


def behaviours(plans: list[ChargerPlan], heartbeat_seconds: int = 300) -> dict[str, Behaviour]:
    """What the primary must do for these plans, by charging station."""
    return {plan.persona.charger_id: _behaviour(plan, heartbeat_seconds) for plan in plans}


def _assign(random: Random, chargers: int, faulty: int, faults: tuple[Fault, ...]) -> dict[int, Fault]:
    if not faults or faulty <= 0:
        return {}
    order = _spread(random, faults)
    indices = sorted(random.sample(range(1, chargers + 1), min(faulty, chargers)))
    return {index: order[place % len(order)] for place, index in enumerate(indices)}


def _spread(random: Random, faults: tuple[Fault, ...]) -> list[Fault]:
    """All faults, in turns over the families of codes, codes not met yet first."""
    families: dict[str, list[Fault]] = {}
    for fault in random.sample(faults, len(faults)):
        families.setdefault(fault.codes[0].partition(".")[0], []).append(fault)
    names = random.sample(sorted(families), len(families))
    order: list[Fault] = []
    met: set[str] = set()
    while families:
        for name in [name for name in names if name in families]:
            family = families[name]
            fault = next((f for f in family if not met.issuperset(f.codes)), family[0])
            family.remove(fault)
            order.append(fault)
            met.update(fault.codes)
            if not family:
                del families[name]
    return order


def _fault_session(random: Random, fault: Fault | None, sessions: int, *, early: bool) -> int:
    if fault is not None and fault.flow is Flow.REBOOT:
        # The next start on that connector would make an overlap of it.
        return sessions
    return 1 if early else random.randint(1, sessions)


def _persona(random: Random, charger_id: str, fault: Fault | None, compressed_share: float) -> Persona:
    products = _PRODUCTS
    if fault is not None and fault.flow is Flow.TWO_CONNECTORS:
        products = tuple(product for product in _PRODUCTS if product.connectors > 1)
    product = random.choice(products)
    return Persona(
        charger_id=charger_id,
        vendor=product.vendor,
        model=product.model,
        firmware=product.firmware,
        serial=f"SN{random.randrange(10**8):08d}",
        connectors=product.connectors,
        power_w=product.power_w,
        phases=product.phases,
        register=_register(random, fault),
        end_values=random.random() < 0.5,
        transaction_data=fault is not None or random.random() < 0.8,
        compression=random.random() < compressed_share,
        odometer_wh=tuple(random.randrange(1_000_000, 40_000_000) for _ in range(product.connectors)),
    )


def _register(random: Random, fault: Fault | None) -> Register:
    """The edits of the fault table are written for Wh."""
    if fault is None:
        return random.choice(tuple(Register))
    return Register.WH_HUNDREDTHS if fault.fine_samples else Register.WH


def _sessions(
    random: Random, persona: Persona, pace: Pace, fault: Fault | None, count: int | None, within: Micros | None
) -> tuple[SessionPlan, ...]:
    planned: list[SessionPlan] = []
    elapsed = _BOOT
    while count is None or len(planned) < count:
        session = _session(random, persona, pace, fault, len(planned) + 1)
        elapsed += session.gap + session.duration + 3 * pace.handling + _EXCHANGES
        if within is not None and elapsed > within:
            if planned:
                break
            return (msgspec.structs.replace(session, duration=pace.session[0]),)
        planned.append(session)
    return tuple(planned)


def _session(random: Random, persona: Persona, pace: Pace, fault: Fault | None, number: int) -> SessionPlan:
    clean = fault is None
    tags = [f"{random.getrandbits(56):014X}" for _ in range(2)]
    two = persona.connectors > 1 and clean and random.random() < 0.3
    remote_stop = clean and not two and random.random() < 0.2
    duration = random.randint(*pace.session)
    return SessionPlan(
        number=number,
        connector_id=random.randint(1, persona.connectors),
        id_tag=tags[0],
        gap=random.randint(*pace.gap),
        # Long enough for the remote stop to come first.
        duration=max(duration, _REMOTE_STOP_AFTER * pace.sample) if remote_stop else duration,
        power_percent=random.randint(60, 100),
        remote_start=clean and not two and random.random() < 0.3,
        remote_stop=remote_stop,
        ev_disconnects=random.random() < 0.2,
        pauses=clean and not two and random.random() < 0.15,
        companion_tag=tags[1] if two else None,
    )


def _behaviour(plan: ChargerPlan, heartbeat_seconds: int) -> Behaviour:
    if plan.fault is not None:
        # Rare heartbeats: a fault of the primary that strikes the first Heartbeat must meet the one that is planted.
        return msgspec.structs.replace(plan.fault.primary or Behaviour(), interval=max(heartbeat_seconds, 300))
    starts: dict[int, str] = {}
    stops: dict[int, int] = {}
    after: dict[int, tuple[Command, ...]] = {}
    random = Random(plan.seed)
    count = 0
    for session in plan.sessions:
        count += 1
        if session.remote_start:
            starts[count] = session.id_tag
        if session.remote_stop:
            stops[count] = _REMOTE_STOP_AFTER
        if session.companion_tag is not None:
            count += 1
        if session is not plan.sessions[-1] and random.random() < 0.4:
            after[count] = _commands(random, session.connector_id, plan.pace)
    return Behaviour(interval=heartbeat_seconds, remote_starts=starts, remote_stops=stops, after_stop=after)


def _commands(random: Random, connector_id: int, pace: Pace) -> tuple[Command, ...]:
    """What an operator asks of an idle charging station, once its cable is out again."""
    wait = pace.handling + 250_000
    availability = {"connectorId": connector_id}
    return random.choice(
        (
            (Command("TriggerMessage", {"requestedMessage": "Heartbeat"}, wait),),
            (Command("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": connector_id}, wait),),
            (Command("UnlockConnector", {"connectorId": connector_id}, wait),),
            (
                Command("ChangeAvailability", {**availability, "type": "Inoperative"}, wait),
                Command("ChangeAvailability", {**availability, "type": "Operative"}, wait + 250_000),
            ),
            (Command("Reset", {"type": "Soft"}, wait),),
        )
    )
