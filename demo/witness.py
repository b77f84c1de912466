"""What each end of the wire said and heard: two ends show whether anything between changed or delayed a text.

Times are those of one monotonic clock, in seconds: both ends have to live in one process.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed

from ingest.ocppj import Call, CallError, CallResult, parse

__all__ = ["Witness", "Witnessed", "Word", "delays"]


class Word(NamedTuple):
    """One text."""

    at: float
    text: str


class Witness:
    """All that one end said and heard, by charging station, over all its connections in a row."""

    def __init__(self) -> None:
        self.said: dict[str, list[Word]] = {}
        self.heard: dict[str, list[Word]] = {}

    def at(self, connection: Any, charger_id: str) -> Any:
        """The connection, with this witness listening."""
        said, heard = self.said.setdefault(charger_id, []), self.heard.setdefault(charger_id, [])
        return Witnessed(connection, said, heard)

    @property
    def words(self) -> int:
        """Texts said and heard."""
        return sum(map(len, self.said.values())) + sum(map(len, self.heard.values()))


class Witnessed:
    """A WebSocket connection that somebody listens to. Has what the `ocpp` package uses of one."""

    def __init__(self, connection: Any, said: list[Word], heard: list[Word]) -> None:
        self._connection = connection
        self._said, self._heard = said, heard

    async def send(self, text: str) -> None:
        """Send a text; it counts as said from here on, whether it arrives or not.

        Raises:
            ConnectionClosed: this end had closed already; what never left it was not said.

        """
        word = Word(time.monotonic(), text)
        self._said.append(word)
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            self._said.remove(word)
            raise

    async def __aiter__(self) -> AsyncIterator[str]:
        async for text in self._connection:
            self._heard.append(Word(time.monotonic(), text))
            yield text


def delays(charger: Witness, primary: Witness) -> list[float]:
    """What lay between the ends cost so many seconds for each call that was answered, both ways together, sorted.

    It is the time from the call to its answer at the charging station less the same time at the primary.
    """
    found = []
    for charger_id, said in charger.said.items():
        outside = _waits(said, charger.heard[charger_id])
        inside = _waits(primary.heard.get(charger_id, []), primary.said.get(charger_id, []))
        found += [wait - inside[name] for name, wait in outside.items() if name in inside]
    return sorted(found)


def _waits(calls: list[Word], answers: list[Word]) -> dict[str, float]:
    """Seconds from each call to its first answer, by message id. An id that was used twice tells nothing."""
    asked: dict[str, list[float]] = {}
    for at, text in calls:
        message = parse(text)
        if isinstance(message, Call):
            asked.setdefault(message.message_id, []).append(at)
    waits: dict[str, float] = {}
    for at, text in answers:
        message = parse(text)
        if isinstance(message, CallResult | CallError) and len(asked.get(message.message_id, ())) == 1:
            waits.setdefault(message.message_id, at - asked[message.message_id][0])
    return waits
