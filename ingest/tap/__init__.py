"""The inline tap: a byte splice, and a passive parser in another process.

For a CSMS written in Python there is a way in without a tap: `start_offering` once, then `offer`, which never blocks
and never raises. See `ingest.tap.offering`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.tap.offering import Offering

__all__ = ["offer", "start_offering"]

_current: list[Offering] = []


def start_offering(directory: Path | str, *, field_policy: Path | str | None = None) -> Offering:
    """Begin to take what `offer` is given, into a journal in `directory`. The one started last counts.

    `field_policy`: a TOML file of rules for what vendors' messages hold (docs/privacy.md).

    Raises:
        FieldPolicyError: its rules cannot be read or followed.
        JournalError: the directory cannot be used.
        KeyFileError: its redaction key cannot be used.

    """
    from ingest.tap.offering import Offering

    offering = Offering(directory, field_policy=field_policy)
    _current[:] = [offering]
    return offering


def offer(charger_id: str, direction: str, text: str | bytes, *, connection: object = None) -> bool:
    """Offer a message to the shadow; `direction` is `cp>cs` or `cs>cp`. Never blocks, never raises.

    False where it was not taken: nothing was started, no room (which a gap will tell), or it is no message.
    """
    return bool(_current) and _current[0].offer(charger_id, direction, text, connection=connection)
