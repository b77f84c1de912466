"""How a process of the mirror stands back behind the forwarding."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["stand_back"]

_NICE: Final = 10


def stand_back(*, when_idle: bool) -> None:
    """Work at a low priority; or, where the kernel can (Linux), only while nothing else wants the processor.

    The second one cannot be taken back without privileges, and holds for threads that are started from now on.
    """
    if when_idle and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(_NICE)
