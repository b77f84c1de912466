"""Planted misbehaviour that no simulated charging station acts: written as dialogues, said behind its ordinary life.

Configuration, charging profiles, topology, keepalive, security, a native 2.0.1 firmware: each is told once, on
connections of its own, and must lead to its codes. Pure.
"""

from __future__ import annotations

from typing import Final

from demo.dialogues.device import DEVICE
from demo.dialogues.kinds import Dialogue, told
from demo.dialogues.sessions import SESSIONS
from demo.dialogues.status import STATUS
from demo.dialogues.wire import WIRE

__all__ = ["DIALOGUES", "Dialogue", "told"]

DIALOGUES: Final[tuple[Dialogue, ...]] = (*SESSIONS, *STATUS, *DEVICE, *WIRE)
"""Every dialogue."""
