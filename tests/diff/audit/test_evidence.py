"""Frames folded and frames counted in the store give the same evidence, and each figure means what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.native import NativeScript
from demo.script import NOON, Script
from demo.stored import fill
from demo.traffic import frames as simulated
from diff.audit.evidence import (
    ActionCount,
    Count,
    Evidence,
    Latency,
    Pings,
    Transfer,
    counts,
    latency_of,
    outcome,
)
from diff.audit.observing import Observer
from diff.store.client import Store
from diff.store.queries.audit import evidence as stored
from ingest.frame import Direction, Frame, FrameKind, Handshake
from shadow.state import ChargerState
from shadow.step import step

STATION, CSMS = Direction.CP_TO_CS, Direction.CS_TO_CP


def observed(frames: Iterable[Frame]) -> dict[str, Evidence]:
    """What the fold says of each charging station."""
    states: dict[str, ChargerState] = {}
    observers: dict[str, Observer] = {}
    for frame in frames:
        if frame.kind is FrameKind.TICK:
            continue
        state = states.setdefault(frame.charger_id, ChargerState(frame.charger_id))
        states[frame.charger_id], seen = step(state, frame)
        observers.setdefault(frame.charger_id, Observer(frame.charger_id)).feed(frame, seen.event)
    return {charger_id: observer.evidence() for charger_id, observer in observers.items()}


def one(frames: Iterable[Frame]) -> Evidence:
    """The evidence of the only charging station."""
    (found,) = observed(frames).values()
    return found


def action(evidence: Evidence, name: str, direction: Direction = CSMS) -> ActionCount:
    """The count of one action."""
    (row,) = (row for row in evidence.actions if (row.action, row.direction) == (name, direction))
    return row


def extra(script: Script, kind: FrameKind, direction: Direction | None = None, **rest: Any) -> None:
    """A frame that no method of the script makes."""
    last = script.frames[-1]
    script.at += 100_000
    script._seq += 1
    script.frames.append(Frame(script.charger_id, last.connection_id, last.seq + 1, script.at, kind, direction, **rest))


def rich(charger_id: str = "CP1") -> Script:
    """A station whose traffic has something of everything that is counted."""
    script = Script(charger_id, connected=False)
    shake = Handshake(
        path="/CP1", subprotocol="ocpp1.6", offered=("ocpp2.0.1", "ocpp1.6"), status=101, basic_auth=True,
        tls_version="TLSv1.2", client_certificate_subject="CN=CP1", compression=True,
    )  # fmt: skip
    script._add(FrameKind.OPENED, handshake=shake)
    script.boot(firmwareVersion="1.0").status(1, "Available")
    script.remote("Reset", {"type": "Soft"}).remote("UnlockConnector", {"connectorId": 1}, "NotSupported")
    script.remote("ChangeConfiguration", {"key": "X", "value": "1"}, "NotSupported")
    script.remote("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": {}}, "Rejected")
    script.command("GetLocalListVersion", {}).wait(3).answer({"listVersion": -1})
    script.command("ClearCache", {}).refuse("NotImplemented").command("ClearCache", {}).refuse("InternalError")
    script.call("DataTransfer", {"vendorId": "Alder", "messageId": "load"}).answer({"status": "Accepted"})
    script.command("DataTransfer", {"vendorId": "Alder"}).answer({"status": "UnknownMessageId"})
    script.authorize("04A1B2C3", "Blocked").start(1, "04A1B2C3", 10, transaction=7).stop(7, 20)
    extra(script, FrameKind.PING, CSMS)
    extra(script, FrameKind.PONG, STATION)
    extra(script, FrameKind.PING, CSMS)
    extra(script, FrameKind.PING, CSMS)
    extra(script, FrameKind.PING, STATION)
    script.text('[4,"nobody","GenericError","",{}]').text("no message at all")
    script.command("TriggerMessage", {"requestedMessage": "Heartbeat"})
    script.close().wait(100_000).open(None).boot(firmwareVersion="1.1 \N{SNOWMAN}").cut(70)
    script.open("ocpp2.0.1").call("NotifyReport", {"requestId": 1}).answer({})
    extra(script, FrameKind.OPENED, handshake=Handshake(status=401))
    return script


def test_each_figure_means_what_it_says() -> None:
    """Every count of the rich script is the one that a reader of its lines arrives at."""
    seen = one(rich().frames)
    assert (seen.days, seen.gaps, seen.gap_bytes, seen.unreadable, seen.transactions) == (2, 1, 70, 1, 1)
    assert (seen.first_at, seen.bytes_forwarded) == (NOON, None)
    assert action(seen, "Reset") == ActionCount("ocpp1.6", CSMS, "Reset", 1, accepted=1)
    assert action(seen, "UnlockConnector").not_supported == 1
    assert action(seen, "ChangeConfiguration").refused == 1
    assert action(seen, "SetChargingProfile").refused == 1
    assert action(seen, "GetLocalListVersion").not_supported == 1
    assert action(seen, "ClearCache") == ActionCount("ocpp1.6", CSMS, "ClearCache", 2, not_supported=1, errors=1)
    assert action(seen, "Authorize", STATION).accepted == 1
    assert action(seen, "TriggerMessage").answered == 0
    assert action(seen, "NotifyReport", STATION).protocol == "ocpp2.0.1"
    assert action(seen, "BootNotification", STATION).calls == 2
    assert seen.pings == (Pings(STATION, 1, 1), Pings(CSMS, 3, 2))
    assert seen.errors == (
        Count("cp>cs GenericError", 1), Count("cp>cs InternalError", 1), Count("cp>cs NotImplemented", 1),
    )  # fmt: skip
    assert [(one.version, one.boots) for one in seen.firmwares] == [("1.0", 1), ("1.1 \N{SNOWMAN}", 1)]
    assert seen.transfers == (Transfer(STATION, "Alder", "load", 1, 1, 1), Transfer(CSMS, "Alder", "", 1, 0, 1))
    line = seen.connections
    assert (line.seen, line.opened, line.refused, line.basic_auth, line.client_certificates) == (3, 3, 1, 1, 1)
    assert line.closes == (Count("1006", 1),)
    assert line.spoken == (Count("(none)", 1), Count("ocpp1.6", 1), Count("ocpp2.0.1", 1))
    assert line.tls == (Count("TLSv1.2", 1),)
    assert line.offered == (Count("ocpp1.6", 1), Count("ocpp2.0.1", 1))
    # Eight commands were answered after a tenth of a second, and one after three seconds more.
    assert seen.latency == Latency(8, 100_000, 3_100_000, 3_100_000, 3_100_000)


@pytest.mark.parametrize("kind", ["rich", "native", "no handshake", "simulated"])
def test_the_store_counts_what_the_fold_counts(store: Store, kind: str) -> None:
    """Folded frame by frame or counted by SQL, the evidence is one record: of 1.6, native 2.0.1 and cut connections."""
    native = NativeScript("CP2").boot().status(1, "Occupied").started("tx-1").ended("tx-1")
    native.asked("GetVariables", {"getVariableData": []}, {"getVariableResult": []})
    silent = Script("CP3", connected=False)
    silent._seq = 5  # a log that begins in the middle of a connection, with a command of the CSMS
    silent.command("Reset", {"type": "Hard"}).answer({"status": "Accepted"}).boot().status(1, "Available")
    frames = {
        "rich": rich().frames,
        "native": native.frames,
        "no handshake": silent.frames,
        "simulated": list(simulated(seed=5, chargers=4, sessions_per_charger=2, faults=True)),
    }[kind]
    fill(store, frames, accounts=False)
    folded = observed(frames)
    assert folded
    assert {one.charger_id: one for one in stored(store, sorted(folded))} == folded


def test_the_store_knows_how_much_was_not_seen(store: Store) -> None:
    """With the tap's accounts the bytes stand beside the frames; a station without frames gets empty evidence."""
    script = Script("CP1").boot().cut(500)
    fill(store, script.frames)
    seen, nothing = stored(store, ["CP1", "CP9"])
    assert seen.bytes_forwarded is not None
    assert seen.bytes_parsed is not None
    assert seen.bytes_forwarded - seen.bytes_parsed == 500
    assert nothing == Evidence(charger_id="CP9")
    assert stored(store, []) == []


def test_a_stretch_of_time_bounds_what_the_store_counts(store: Store) -> None:
    """Frames before and after the stretch are not among the counts."""
    script = Script("CP1").boot().wait(3600).boot().wait(3600).boot()
    fill(store, script.frames)
    (seen,) = stored(store, ["CP1"], NOON + 3_000_000_000, NOON + 5_000_000_000)
    assert action(seen, "BootNotification", STATION).calls == 1


def test_a_command_that_comes_again_is_timed_from_the_latest() -> None:
    """A retry under the same message id and text: the station answered the retry."""
    script = Script().command("ClearCache", {}, message_id="a").wait(30)
    script.command("ClearCache", {}, message_id="a").answer({"status": "Accepted"})
    seen = one(script.frames)
    assert seen.latency == Latency(1, 100_000, 100_000, 100_000, 100_000)
    assert action(seen, "ClearCache").calls == 2


def test_names_from_the_wire_are_bounded() -> None:
    """A fuzzer's actions, vendors, firmwares and codes fill no table."""
    script = Script()
    for number in range(150):
        script.call(f"Odd{number}", {}).refuse(f"Code{number}")
        script.call("DataTransfer", {"vendorId": f"v{number}"}).answer({"status": "Accepted"})
        script.boot(firmwareVersion=f"f{number}" + "x" * 100)
    seen = one(script.frames)
    assert {row.action for row in seen.actions} == {"(other)", "DataTransfer", "BootNotification"}
    assert action(seen, "(other)", STATION).calls == 150
    assert len(seen.errors) == len(seen.transfers) == 101
    assert sum(row.calls for row in seen.transfers) == sum(row.number for row in seen.errors) == 150
    assert len(seen.firmwares) == 100
    assert max(len(one.version) for one in seen.firmwares) == 40


def test_no_frame_and_no_time_are_no_evidence() -> None:
    """A log without times gives counts and no days."""
    nothing = Observer("CP1").evidence()
    assert nothing == Evidence(charger_id="CP1")
    timeless = [msgspec.structs.replace(frame, received_at=0) for frame in Script().boot().frames]
    seen = one(timeless)
    assert (seen.frames, seen.days, seen.first_at, seen.latency) == (3, 0, 0, None)
    assert seen.connections.opened == 1


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300))
def test_percentiles_are_nearest_rank(durations: list[int]) -> None:
    """At least so many in a hundred do not exceed it, and it is the smallest such value that was measured."""
    seen = latency_of(durations)
    assert seen is not None
    assert (seen.n, seen.largest) == (len(durations), max(durations))
    for percent, value in ((50, seen.p50), (95, seen.p95), (99, seen.p99)):
        assert 100 * sum(one <= value for one in durations) >= percent * len(durations)
        assert 100 * sum(one < value for one in durations) < percent * len(durations)


def test_answers_are_told_apart_by_what_they_speak_of() -> None:
    """NotSupported of a key is no verdict on ChangeConfiguration; of SendLocalList it is one."""
    assert outcome(CSMS, "ChangeConfiguration", "NotSupported", error=False) == "refused"
    assert outcome(CSMS, "SendLocalList", "NotSupported", error=False) == "not_supported"
    assert outcome(CSMS, "TriggerMessage", "NotImplemented", error=False) == "refused"
    assert outcome(CSMS, "TriggerMessage", "NotImplemented", error=True) == "not_supported"
    assert outcome(CSMS, "GetDiagnostics", "", error=False) == "accepted"
    assert outcome(CSMS, "GetLocalListVersion", "0", error=False) == "accepted"
    assert outcome(STATION, "Authorize", "Invalid", error=False) == "accepted"
    assert outcome(STATION, "Authorize", "InternalError", error=True) == "errors"
    assert counts([("b", 1), ("a", 2)]) == (Count("a", 2), Count("b", 1))
