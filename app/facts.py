"""Where commands and pages find the facts of charging stations: in recordings, lived anew, or in the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings
from app.sources import Source, count
from app.storing import the_store
from diff.store.queries.device import device_facts
from ingest.frame import Frame, FrameKind
from shadow.config import ShadowConfig
from shadow.device_model.fact import Fact
from shadow.state import ChargerState
from shadow.step import step

__all__ = ["FactCounter", "facts_of"]


class FactCounter:
    """Lives frames and keeps the facts that they bring, by charging station (`app.sources.Counter`)."""

    def __init__(self, config: ShadowConfig) -> None:
        self._config = config
        self._states: dict[str, ChargerState] = {}
        self.facts: dict[str, list[Fact]] = {}

    def feed(self, frame: Frame) -> None:
        """Live one frame."""
        if frame.kind is FrameKind.TICK:
            return
        state = self._states.get(frame.charger_id) or ChargerState(frame.charger_id)
        self._states[frame.charger_id], seen = step(state, frame, self._config)
        if seen.facts:
            self.facts.setdefault(frame.charger_id, []).extend(seen.facts)

    def forget(self, charger_id: str) -> None:
        """No more frames of it will come."""
        self._states.pop(charger_id, None)

    def end(self) -> None:
        """No more frames will come."""


def facts_of(settings: Settings, recordings: Sequence[Path], chargers: Sequence[str]) -> dict[str, list[Fact]]:
    """The facts of these charging stations, or of all in the recordings; without recordings those of the store.

    Raises what `read_recordings` and `the_store` raise.
    """
    if recordings:
        counter = FactCounter(settings.shadow_config())
        count(settings, Source(recordings), counter)
        return {key: facts for key, facts in counter.facts.items() if not chargers or key in chargers}
    with the_store(settings) as store:
        return {charger_id: device_facts(store, charger_id) for charger_id in chargers}
