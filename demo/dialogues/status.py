"""Statuses and connectors that cannot be."""

from __future__ import annotations

from typing import Final

from demo.dialogues.kinds import TAG, Dialogue, booted, running
from demo.script import Script

__all__ = ["STATUS"]


def _charging_without_transaction(script: Script, _: int) -> None:
    booted(script).status(1, "Charging").wait(600).status(1, "Available")


def _finishing_to_charging(script: Script, wh: int) -> None:
    running(script, wh)
    script.stop(900_001, wh + 1000, "Local").status(1, "Finishing").status(1, "Charging").status(1, "Available")


def _second_cable_unavailable(script: Script, wh: int) -> None:
    """An authorization makes both connectors Preparing; one is used, the other becomes Unavailable."""
    booted(script).authorize(TAG).status(1, "Preparing").status(2, "Preparing")
    script.start(1, TAG, wh, transaction=900_001).status(2, "Unavailable").wait(600)
    script.stop(900_001, wh + 1000, "Local").status(1, "Available").status(2, "Available")


def _unlocks_an_unknown_connector(script: Script, _: int) -> None:
    booted(script).command("GetConfiguration", {"key": ["NumberOfConnectors"]})
    script.answer({"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]})
    script.remote("UnlockConnector", {"connectorId": 7}, "UnlockFailed")


STATUS: Final[tuple[Dialogue, ...]] = (
    Dialogue(
        name="charging-without-transaction",
        codes=("status.contradicts-session",),
        also=("status.illegal-transition",),
        detail="Charging, and no StartTransaction",
        tell=_charging_without_transaction,
    ),
    Dialogue(
        name="finishing-to-charging",
        codes=("status.illegal-transition",),
        also=("status.contradicts-session",),
        detail="from Finishing to Charging",
        tell=_finishing_to_charging,
    ),
    Dialogue(
        name="station-is-charging",
        codes=("status.unmappable",),
        detail="connector 0 is Charging",
        tell=lambda script, _: booted(script).status(0, "Charging"),
    ),
    Dialogue(
        name="high-temperature",
        codes=("status.detail-lost",),
        detail="Faulted with HighTemperature, which 2.0.1 says as an event",
        tell=lambda script, _: booted(script).status(1, "Faulted", errorCode="HighTemperature"),
    ),
    Dialogue(
        name="unknown-connector",
        codes=("topology.unknown-connector",),
        detail="connector 7 of 2 is to be unlocked",
        tell=_unlocks_an_unknown_connector,
    ),
    Dialogue(
        name="second-cable-unavailable",
        codes=("topology.ambiguous",),
        also=("status.illegal-transition",),
        detail="an authorization readies both connectors, and the one that is not used goes out of service",
        tell=_second_cable_unavailable,
    ),
)
