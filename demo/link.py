"""What a simulated charging station needs of the world: a connection and a clock."""

from __future__ import annotations

from typing import Any, Protocol

from ingest.frame import Micros

__all__ = ["CommandHandler", "Link", "LinkLostError"]


class LinkLostError(Exception):
    """The connection is gone and was not closed by the charging station; the message says how."""


class CommandHandler(Protocol):
    """Who answers the calls of the CSMS."""

    def on_command(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The CALLRESULT for one call. Raises KeyError for an action that is not supported."""
        ...


class Link(Protocol):
    """One charging station's way to its CSMS: a real socket, or a virtual one in virtual time."""

    def attach(self, handler: CommandHandler) -> None:
        """Say who answers the calls of the CSMS. Once, before `connect`."""
        ...

    def now(self) -> Micros:
        """The true time."""
        ...

    def new_id(self) -> str:
        """A message id that this link has not given out before."""
        ...

    async def sleep(self, duration: Micros) -> None:
        """Wait, but no longer than until the CSMS calls."""
        ...

    async def connect(self) -> None:
        """Open a connection. Raises LinkLostError where that fails."""
        ...

    async def close(self) -> None:
        """Close the connection, if one is open."""
        ...

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """A schema-valid CALL; gives the CALLRESULT, None after a CALLERROR or without an answer in time."""
        ...

    async def call_raw(
        self, texts: tuple[str, ...], message_id: str, patience: Micros | None = None
    ) -> dict[str, Any] | None:
        """Send texts as they stand and await one answer to the message id, as `call` does.

        `patience` is how long to wait for it, where that is not the link's own choice.
        """
        ...

    async def send_raw(self, text: str) -> None:
        """Send a text as it stands and await nothing."""
        ...
