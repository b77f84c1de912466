"""Python's garbage collector, told that it looks at a process that keeps much and makes little garbage of its own.

What comes and goes with each record is freed by its reference count. The collector looks for cycles, as Python sets it
after each 700 objects that stay, and walks over all that a process keeps now and then.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["look_seldom"]

_YOUNG: Final = 50_000
"""Objects more than before the young ones are looked at: some ten megabytes."""
_MIDDLE: Final = 20
_OLD: Final = 50


def look_seldom() -> None:
    """Leave out what is there already, and look at the rest seldom. To be called when a process has all its parts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
