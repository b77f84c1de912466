"""DataTransfer (2.0.1 P01, P02). The Plug & Charge messages that travel in it have tables of their own."""

from __future__ import annotations

from typing import Final

from ingest.frame import Direction
from shadow.mapping.rules import ANSWER, REQUEST, Table, same
from shadow.mapping.values import one_of, text

__all__ = ["TABLES"]

_BOTH: Final = (Direction.CP_TO_CS, Direction.CS_TO_CP)
_STATUSES: Final = {name: name for name in ("Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId")}

TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="DataTransfer",
        part=REQUEST,
        directions=_BOTH,
        message="DataTransfer",
        rules=(
            same("vendorId", text(255)),
            same("messageId", text(50)),
            same("data", why="the 1.6 string stays a string, though 2.0.1 would take any JSON"),
        ),
        why="with the vendorId of Plug & Charge: the message inside, by the tables of `plug_and_charge`",
    ),
    Table(
        action="DataTransfer",
        part=ANSWER,
        directions=_BOTH,
        message="DataTransfer",
        rules=(same("status", one_of(_STATUSES)), same("data")),
    ),
)
