"""A finding of `doctor`."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Finding", "Verdict"]


class Verdict(StrEnum):
    """What was found."""

    OK = "ok"
    WARN = "warn"
    """It works, and something should be known or done."""
    FAIL = "fail"
    SKIP = "skip"
    """Not asked for, or it cannot be known because of another finding."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    seen: str
    todo: str = ""
