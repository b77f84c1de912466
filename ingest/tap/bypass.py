"""The bypass: forward without copying, because the operator says so, by signal or on the control topic."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingest.followed import Followed

__all__ = ["Bypass"]


class _Switch(msgspec.Struct, frozen=True):
    """All that the relay reads of the overrides; the rules are the parser's affair."""

    enabled: bool = True
    bypass: bool = False


class Bypass:
    """On while the signal says so, or while the kill switch of the control topic is off and says so."""

    def __init__(self, overrides: Path | None) -> None:
        self._by_signal = False
        self._overrides = (
            None
            if overrides is None
            else Followed(overrides, _read, _Switch(), absent=_Switch(), refusals=msgspec.MsgspecError)
        )

    @property
    def on(self) -> bool:
        """Nothing is copied."""
        said = _Switch() if self._overrides is None else self._overrides.current
        return self._by_signal or (said.bypass and not said.enabled)

    def toggle(self) -> None:
        """Change what the signal says."""
        self._by_signal = not self._by_signal

    def look(self) -> None:
        """Read the overrides again if they changed; what cannot be read changes nothing."""
        if self._overrides is not None:
            self._overrides.reload()


def _read(text: str) -> _Switch:
    return msgspec.json.decode(text, type=_Switch)
