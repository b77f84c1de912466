"""The state table of a 1.6 connector (§4.9, edition 2): which status may follow which, A2 to I8.

2.0.1 has no such table for a connector's status, so this one is the measure of what a station sends.
"""

from __future__ import annotations

from typing import Final

__all__ = ["STATUSES", "TRANSITIONS", "is_legal"]

STATUSES: Final = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)
"""In the order of the table: rows are lettered A to I, columns numbered 1 to 9."""

_KEYS: Final = (
    *("A2", "A3", "A4", "A5", "A7", "A8", "A9"),  # A3 to A5: the statuses between were too short to be sent
    *("B1", "B3", "B4", "B5", "B6", "B9"),
    *("C1", "C4", "C5", "C6", "C8", "C9"),
    *("D1", "D3", "D5", "D6", "D8", "D9"),
    *("E1", "E3", "E4", "E6", "E8", "E9"),
    *("F1", "F2", "F8", "F9"),
    *("G1", "G2", "G8", "G9"),
    *("H1", "H2", "H3", "H4", "H5", "H9"),
    *("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"),
)
"""The cells of the table that are not empty."""

TRANSITIONS: Final[dict[str, tuple[str, str]]] = {
    key: (STATUSES["ABCDEFGHI".index(key[0])], STATUSES[int(key[1]) - 1]) for key in _KEYS
}
"""By its key in the table: from which status to which."""

_LEGAL: Final = frozenset(TRANSITIONS.values())


def is_legal(before: str, after: str) -> bool:
    """Whether a connector may go from one status to another; the same status again is no transition at all."""
    return before == after or (before, after) in _LEGAL
