"""Two witnesses show what lay between them did to a call."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosedOK

from demo.witness import Witness, Word, delays


def _heard(*words: tuple[float, str]) -> list[Word]:
    return [Word(at, text) for at, text in words]


def test_a_delay_is_what_the_answer_took_longer_outside_than_inside() -> None:
    """A call without an answer, and an id that was used twice, tell nothing."""
    outside, inside = Witness(), Witness()
    outside.said["CP"] = _heard(
        (1.0, '[2,"a","Heartbeat",{}]'),
        (2.0, '[2,"b","Heartbeat",{}]'),
        (3.0, '[2,"twice","Heartbeat",{}]'),
        (4.0, '[2,"twice","Heartbeat",{}]'),
    )
    outside.heard["CP"] = _heard((1.75, '[3,"a",{}]'), (5.0, '[3,"twice",{}]'))
    inside.heard["CP"] = _heard((1.25, '[2,"a","Heartbeat",{}]'), (3.5, '[2,"twice","Heartbeat",{}]'))
    inside.said["CP"] = _heard((1.5, '[3,"a",{}]'), (3.75, '[3,"twice",{}]'))

    assert delays(outside, inside) == [0.5]
    assert outside.words == 6


def test_what_never_left_a_closed_connection_was_not_said() -> None:
    """A charging station that answers as its connection closes has said nothing that anybody could hear."""

    class Closing:
        async def send(self, text: str) -> None:
            if text == "late":
                raise ConnectionClosedOK(None, None)

    witness = Witness()
    connection = witness.at(Closing(), "CP")
    asyncio.run(connection.send("in time"))
    with pytest.raises(ConnectionClosedOK):
        asyncio.run(connection.send("late"))
    assert [word.text for word in witness.said["CP"]] == ["in time"]
