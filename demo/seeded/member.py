"""One charging station of the seeded fleet: its life, what is planted on it, and what the core finds there. Pure.

A charging station misbehaves on the wire or in its bills, never in both, so that each finding has one cause. Each is
lived on its own, from the seed and its number alone: the outcome is the same whatever else runs beside it.
"""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

from demo.books import Billed
from demo.dialogues import DIALOGUES, Dialogue, told
from demo.faults import FAULTS, Fault
from demo.lived import Lived
from demo.plan import Pace
from demo.seeded import bills
from demo.seeded.outcome import CONFIG, Member, Outcome, Row, ordinary
from demo.traffic import Traffic
from diff.discrepancy import Discrepancy, Status
from ingest.frame import Frame, Micros

__all__ = ["live", "members", "plants"]

_MINUTE: Final[Micros] = 60_000_000
_HOUR: Final[Micros] = 60 * _MINUTE
SESSIONS_PER_DAY: Final = 2
PACE: Final = Pace(
    session=(20 * _MINUTE, 3 * _HOUR),
    sample=15 * _MINUTE,
    gap=(4 * _HOUR, 16 * _HOUR),
    handling=20_000_000,
    stagger=6 * _HOUR,
)
"""Two sessions a day, sampled every quarter of an hour."""

HEARTBEAT_SECONDS: Final = 14_400
_DIALOGUE_CONNECTION: Final = 1000
"""The first connection of a dialogue: the ordinary life before it never has so many."""
_EVERY_FOURTH: Final = 4

Plant = Fault | Dialogue


def plants(seed: int) -> list[Plant]:
    """All that can be planted on the wire, in an order of the seed."""
    every: list[Plant] = [*FAULTS, *DIALOGUES]
    return Random(f"{seed}/plants").sample(every, len(every))


def members(*, seed: int, chargers: int, days: int, faults: float) -> list[Member]:
    """The fleet. Every fourth station bills wrongly; of the others a share of `faults` plants something each."""
    found, wire, planted = [], 0, 0
    for number in range(1, chargers + 1):
        bills = number % _EVERY_FOURTH == 0
        plant = None
        if not bills:
            wire += 1
            if int(wire * faults) > planted:
                plant, planted = planted % (len(FAULTS) + len(DIALOGUES)), planted + 1
        found.append(Member(seed, number, days, bills, plant))
    return found


def live(member: Member) -> Outcome:
    """Live one charging station through the core, its records through their intake, and hold it against the plan."""
    plant = None if member.plant is None else plants(member.seed)[member.plant]
    traffic = Traffic(
        seed=int.from_bytes(Random(f"{member.seed}/{member.number}").randbytes(6), "big"),
        chargers=1,
        sessions_per_charger=SESSIONS_PER_DAY * member.days,
        fault_share=1.0 if isinstance(plant, Fault) else 0.0,
        faults=(plant,) if isinstance(plant, Fault) else (),
        pace=PACE,
        prefix=f"F{member.number:04d}",
        heartbeat_seconds=HEARTBEAT_SECONDS,
    )
    frames = [_trusted(frame) for frame in traffic]
    if member.bills:
        return bills.live(member, frames, traffic.books.ledger)
    if isinstance(plant, Dialogue):
        frames += _dialogue(plant, frames, traffic.books.ledger)
    lived = Lived(CONFIG).feed(frames).settle()
    outcome = Outcome(len(frames), len(lived.sessions))
    _hold(outcome, lived, frames[0].charger_id, plant)
    return outcome


def _trusted(frame: Frame) -> Frame:
    """With the basic authentication that the fleet's security profile asks for."""
    if frame.handshake is None:
        return frame
    return msgspec.structs.replace(frame, handshake=msgspec.structs.replace(frame.handshake, basic_auth=True))


def _dialogue(plant: Dialogue, frames: list[Frame], ledger: list[Billed]) -> list[Frame]:
    """An hour after its ordinary life. The register of connector 1 goes on where it was."""
    stops = [row.meter_stop for row in ledger if row.connector_id == 1 and row.meter_stop is not None]
    register = (stops[-1] if stops else 50_000_000) + 1000
    last = frames[-1]
    return told(plant, last.charger_id, last.received_at + _HOUR, _DIALOGUE_CONNECTION, register)


def _hold(outcome: Outcome, lived: Lived, charger_id: str, plant: Plant | None) -> None:
    standing = [row for row in lived.discrepancies.values() if row.status is Status.OPEN]
    proving = [row for row in standing if not isinstance(plant, Dialogue) or _of_dialogue(row)]
    codes, also = ((), ()) if plant is None else (plant.codes, plant.also)
    name = "" if plant is None else plant.name
    found = {row.code for row in proving}
    outcome.planted = [Row(charger_id, name, code) for code in codes]
    outcome.missed = [row for row in outcome.planted if row.code not in found]
    outcome.false = [
        Row(charger_id, name, row.code, row.path)
        for row in standing
        if row.code not in {*codes, *also} and not ordinary(row)
    ]


def _of_dialogue(row: Discrepancy) -> bool:
    return any(_connection(frame) >= _DIALOGUE_CONNECTION for frame in row.frames)


def _connection(frame_id: str) -> int:
    number = frame_id.rpartition("/")[0].rpartition("@")[2]
    return int(number) if number.isdigit() else -1
