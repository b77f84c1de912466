"""State ↔ bytes: what a runtime keeps between two frames of a charging station, with the version of its form.

JSON and not MessagePack: payloads that wait for their answer hold whatever the wire brought. Written as JSON numbers
with their digits, decimals come back as decimals wherever they stand, and integers may be of any length (ids near
2^63 and beyond are seen in the field, MessagePack ends at 2^64).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

__all__ = ["VERSION", "StateError", "decode", "encode"]

VERSION: Final = 1
"""Of the form. Fields that are added with a default keep it; one that changes its meaning raises it, and then the
decoder of the version before must stay."""

_NAME: Final = b"shadow-csms-state/"
_LONGEST_HEADER: Final = 32
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

StateT = TypeVar("StateT", bound=msgspec.Struct)


class StateError(ValueError):
    """Bytes that hold no state that this version can read; the message says why and what to do."""


def encode(state: msgspec.Struct) -> bytes:
    """Write a state. `decode` of the same type gives one that is equal and lives on alike."""
    return b"%s%d\n%s" % (_NAME, VERSION, _encode(state))


def decode(data: bytes, kind: type[StateT]) -> StateT:
    """Read a state of the given type.

    Raises:
        StateError: no such header, a version that this one does not know, or a body that does not fit.

    """
    header, found, _ = data[:_LONGEST_HEADER].partition(b"\n")
    number = header.removeprefix(_NAME)
    if not found or number == header or not number.isdigit():
        raise StateError("these bytes are no stored state of shadow-csms: they do not begin with its header")
    if int(number) != VERSION:
        raise StateError(
            f"a state of version {int(number)}, this is version {VERSION}: run the release that wrote it, "
            "or let the frames be lived again from the log"
        )
    try:
        state: StateT = _decoder(kind).decode(memoryview(data)[len(header) + 1 :])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise StateError(f"a stored state that cannot be read: {error}") from error
    return state


@lru_cache(maxsize=8)
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, float_hook=Decimal)
