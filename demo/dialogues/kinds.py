"""What a planted dialogue is, and how it is said. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from demo.native import NativeScript
from demo.script import Script
from ingest.frame import Frame, Micros

__all__ = ["TAG", "Dialogue", "booted", "ended", "running", "told"]

TAG: Final = "04D1A1060E"
"""Who charges."""


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """One misbehaviour, as what is said."""

    name: str
    codes: tuple[str, ...]
    """Must be found, with a frame of the dialogue as evidence."""
    also: tuple[str, ...] = ()
    """May be found."""
    detail: str
    tell: Callable[[Script, int], object]
    """Says it. The script has not connected yet; the number is the register of connector 1 in Wh."""
    native: bool = False
    """The script speaks 2.0.1."""
    bare: bool = False
    """It connects without basic authentication, which everyone else of the fleet has."""
    tls: str | None = None
    """The version of TLS of its connections; None where none is known, as for everyone else."""


def told(dialogue: Dialogue, charger_id: str, at: Micros, connection: int, register: int) -> list[Frame]:
    """A dialogue said by a charging station."""
    kind = NativeScript if dialogue.native else Script
    script = kind(charger_id, at=at, connected=False, connection=connection)
    dialogue.tell(script, register)
    script.wait(1).close(1000)
    return [_shaken(frame, dialogue) for frame in script.frames]


def _shaken(frame: Frame, dialogue: Dialogue) -> Frame:
    if frame.handshake is None:
        return frame
    shake = msgspec.structs.replace(frame.handshake, basic_auth=not dialogue.bare, tls_version=dialogue.tls)
    return msgspec.structs.replace(frame, handshake=shake)


def booted(script: Script) -> Script:
    """Connected and ready."""
    return script.open().boot().status(1, "Available")


def running(script: Script, wh: int, **more: Any) -> Script:
    """A session on connector 1 that has been charging for ten minutes."""
    booted(script).status(1, "Preparing").start(1, TAG, wh, transaction=900_001, **more)
    return script.status(1, "Charging").wait(600)


def ended(script: Script, wh: int) -> Script:
    """It is stopped in good order."""
    return script.stop(900_001, wh, "Local", idTag=TAG).status(1, "Finishing").status(1, "Available")
