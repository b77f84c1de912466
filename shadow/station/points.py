"""TxStartPoint and TxStopPoint (2.0.1 Part 2 §2.6.6) as tables: which stimulus of 1.6 makes each of them true or false.

A transaction begins when the first configured start point becomes true, and ends when the first configured stop point
becomes false. What 1.6 cannot prove has no stimulus, and a set without any is refused (`config.checked`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["FALSE_WITH", "TRUE_WITH", "Stimulus", "begins", "ends"]


class Stimulus(StrEnum):
    """What 1.6 shows of a transaction."""

    PLUGGED = "plugged"
    """Preparing that no token caused, or the first status that a cable alone can have."""
    TOKEN = "token"  # noqa: S105 - the name of a stimulus
    """Authorize or RemoteStartTransaction was accepted; no connector goes with it."""
    START = "start"
    """StartTransaction: a cable is in and a token was accepted, whatever came before."""
    ENERGY = "energy"
    """The first status Charging, or a power or register that shows a flow."""
    SIGNED = "signed"
    """A signed Transaction.Begin value."""
    PAUSE = "pause"
    """The first SuspendedEV or SuspendedEVSE after Charging. Finishing comes with a StopTransaction that says why."""
    STOP = "stop"
    """StopTransaction: the authorization is over, and the energy."""
    UNPLUGGED = "unplugged"
    """Available, or `EV side disconnected`."""


TRUE_WITH: Final[dict[str, frozenset[Stimulus]]] = {
    "ParkingBayOccupancy": frozenset(),  # no 1.6 evidence at all
    "EVConnected": frozenset({Stimulus.PLUGGED, Stimulus.START}),  # E02.FR.06
    "Authorized": frozenset({Stimulus.TOKEN, Stimulus.START}),  # E01.FR.03; START for cached and local tokens
    "PowerPathClosed": frozenset({Stimulus.START}),  # EVConnected and Authorized, not the relay (§2.6.6)
    "EnergyTransfer": frozenset({Stimulus.ENERGY}),
    "DataSigned": frozenset({Stimulus.SIGNED}),  # E01.FR.04
}
"""Start points."""

FALSE_WITH: Final[dict[str, frozenset[Stimulus]]] = {
    "ParkingBayOccupancy": frozenset(),
    "EVConnected": frozenset({Stimulus.UNPLUGGED}),  # E06.FR.02
    "Authorized": frozenset({Stimulus.STOP}),
    "PowerPathClosed": frozenset({Stimulus.STOP, Stimulus.UNPLUGGED}),  # the same as listing both
    "EnergyTransfer": frozenset({Stimulus.PAUSE, Stimulus.STOP, Stimulus.UNPLUGGED}),  # discouraged: a pause ends it
    "DataSigned": frozenset(),  # a signature does not cease to be there; E06.FR.05 was removed by errata
}
"""Stop points."""


def begins(start_points: frozenset[str], stimulus: Stimulus) -> bool:
    """Whether a transaction begins with this, where none runs."""
    return any(stimulus in TRUE_WITH[point] for point in start_points)


def ends(stop_points: frozenset[str], stimulus: Stimulus) -> bool:
    """Whether a transaction ends with this.

    Where StopTransaction is an end as well, an unplugged cable is not: 1.6 stops a moment later and says why, or goes
    on (StopTransactionOnEVSideDisconnect = false), and so the 2.0.1 transaction has the boundaries of 1.6.
    """
    if stimulus is Stimulus.UNPLUGGED and ends(stop_points, Stimulus.STOP):
        return False
    return any(stimulus in FALSE_WITH[point] for point in stop_points)
