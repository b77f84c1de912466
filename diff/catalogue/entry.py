"""One entry of the catalogue of discrepancy codes."""

from __future__ import annotations

import msgspec

from diff.discrepancy import Class, Severity

__all__ = ["Code", "Values"]


class Values(msgspec.Struct, frozen=True):
    """What the values of a discrepancy with this code carry; empty where it carries none."""

    primary: str = ""
    shadow: str = ""
    delta: str = ""


class Code(msgspec.Struct, frozen=True):
    """One entry of the catalogue."""

    code: str
    class_: Class = msgspec.field(name="class")
    severity: Severity
    """The default; a policy may change it."""
    meaning: str
    """One sentence: what is the case."""
    remedy: str
    """One sentence: what an engineer does next."""
    values: Values = Values()
    unit: str | None = None
    """Of the delta, and of the values where they are quantities."""
