"""The connection itself: keepalive, security, a copy that is cut, and native firmware."""

from __future__ import annotations

from typing import Any, Final

from demo.dialogues.kinds import Dialogue, booted
from demo.native import NativeScript
from demo.script import Script

__all__ = ["WIRE"]


def _late_heartbeats(script: Script, _: int) -> None:
    booted(script)
    for _number in range(3):
        script.wait(299).call("Heartbeat", {}).answer({"currentTime": script.now})
    script.wait(900)


def _gap_and_back(script: Script, _: int) -> None:
    booted(script).cut().wait(30).close().open().boot()


def _hole_in_the_sequence(script: Script, _: int) -> None:
    booted(script).skip().status(1, "Available")


def _native_session(script: Script, **started: Any) -> NativeScript:
    assert isinstance(script, NativeScript)  # `told` made it so
    native = script.open("ocpp2.0.1").boot().status(1, "Occupied")
    return native.started("tx-native", **started).wait(600).ended("tx-native").status(1, "Available")


def _native_without_evse(script: Script, _: int) -> None:
    _native_session(script, evse=None)


def _native_breaks_the_schema(script: Script, _: int) -> None:
    script.open("ocpp2.0.1").boot()
    script.call("StatusNotification", {"timestamp": script.now, "connectorStatus": "Charging", "evseId": 1})
    script.answer({})


def _native_and_back(script: Script, _: int) -> None:
    _native_session(script)
    script.close().wait(60).open("ocpp1.6")


WIRE: Final[tuple[Dialogue, ...]] = (
    Dialogue(
        name="ping-unanswered",
        codes=("keepalive.missed",),
        detail="a ping without its pong",
        tell=lambda script, _: booted(script).ping().wait(120),
    ),
    Dialogue(
        name="heartbeats-late",
        codes=("keepalive.missed",),
        detail="no Heartbeat for three of its intervals",
        tell=_late_heartbeats,
    ),
    Dialogue(
        name="copy-cut",
        codes=("tap.gap",),
        detail="the copy of a connection is cut",
        tell=_gap_and_back,
    ),
    Dialogue(
        name="sequence-hole",
        codes=("tap.gap",),
        detail="a frame is missing in the sequence",
        tell=_hole_in_the_sequence,
    ),
    Dialogue(
        name="subprotocol-2.0",
        codes=("rpc.subprotocol",),
        detail="ocpp2.0 is negotiated, which nobody is certified for",
        tell=lambda script, _: script.open("ocpp2.0").wait(5),
    ),
    Dialogue(
        name="without-basic-authentication",
        codes=("security.profile",),
        detail="connects without basic authentication",
        tell=lambda script, _: booted(script),
        bare=True,
    ),
    Dialogue(
        name="old-tls",
        codes=("security.tls",),
        detail="TLS 1.1",
        tell=lambda script, _: booted(script),
        tls="TLSv1.1",
    ),
    Dialogue(
        name="native-without-evse",
        codes=("rule.v201",),
        also=("device.missing-variable",),
        detail="2.0.1: the first TransactionEvent names no EVSE",
        tell=_native_without_evse,
        native=True,
    ),
    Dialogue(
        name="native-breaks-the-schema",
        codes=("schema.v201",),
        also=("rule.v201",),
        detail="2.0.1: a connectorStatus of 1.6, and no connectorId",
        tell=_native_breaks_the_schema,
        native=True,
    ),
    Dialogue(
        name="native-and-back",
        codes=("rollout.fell-back",),
        also=("rule.v201",),
        detail="speaks 2.0.1, then 1.6 again",
        tell=_native_and_back,
        native=True,
    ),
)
