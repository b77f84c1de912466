"""The fleet against the primary, over real sockets."""

import asyncio
import json
import signal
import socket
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from demo.books import Behaviour
from demo.faults import BY_NAME, FAULTS, Fault
from demo.fleet import FleetConfig, FleetReport, run_fleet
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from ingest.ocppj import Call, Malformed, parse
from tests.running import until

ROOT = Path(__file__).resolve().parents[2]

BRISK = Pace(session=(900_000, 1_300_000), sample=250_000, gap=(50_000, 200_000), handling=60_000, stagger=200_000)
"""Too short for judging, long enough for every step to happen."""


async def _run(config: FleetConfig) -> tuple[FleetReport, Primary]:
    async with Primary(PrimaryConfig(behaviours=config.behaviours())) as primary:
        return await run_fleet(msgspec.structs.replace(config, url=primary.url)), primary


def test_the_primary_bills_what_clean_chargers_metered() -> None:
    """Without faults every session ends, and the ledger's energies are those of the chargers' own meters."""
    config = FleetConfig(chargers=8, seed=4, fault_share=0, duration_seconds=6, pace=BRISK)
    report, primary = asyncio.run(_run(config))
    assert report.failures == {}
    assert report.planted == ()
    assert report.started == report.stopped >= 8
    billed = {(row.charger_id, row.transaction_id): row.energy_wh for row in primary.ledger}
    metered = {(row.charger_id, row.transaction_id): row.energy_wh for row in report.sessions}
    assert billed == metered
    assert primary.books.orphan_stops == 0


def test_every_fault_is_planted_over_real_sockets() -> None:
    """A fleet as large as the fault table plants every one of them, and no connection breaks of it."""
    # The slow primary alone would take twelve seconds; how it answers is tested below.
    faults = tuple(fault for fault in FAULTS if fault.name != "primary-slow")
    config = FleetConfig(chargers=len(faults), seed=6, fault_share=1, faults=faults, duration_seconds=1, pace=BRISK)
    report, _ = asyncio.run(_run(config))
    assert report.failures == {}
    assert Counter(planted.fault for planted in report.planted) == Counter(fault.name for fault in faults)


def test_the_seed_decides_sessions_and_faults() -> None:
    """Two runs of one config drive the same sessions with the same tokens and plant the same faults."""
    config = FleetConfig(chargers=6, seed=8, fault_share=0.5, duration_seconds=3, pace=BRISK)
    runs = [asyncio.run(_run(config))[0] for _ in range(2)]
    driven = [[(s.charger_id, s.number, s.connector_id, s.id_tag) for s in run.sessions] for run in runs]
    planted = [[(p.charger_id, p.session_number, p.fault) for p in run.planted] for run in runs]
    assert driven[0] == driven[1]
    assert planted[0] == planted[1]
    assert planted[0]


def test_a_default_plan_of_forty_seconds_is_rich_enough() -> None:
    """24 chargers in 40 s are planned to finish 20 sessions and more, with at least six different codes."""
    for seed in range(20):
        plans = FleetConfig(seed=seed).plans()
        assert sum(len(plan.sessions) for plan in plans) >= 40
        codes = {code for plan in plans if plan.fault for code in plan.fault.codes}
        assert len(codes) >= 6
        assert len({code.partition(".")[0] for code in codes}) == 5


def test_anothers_csms_gets_only_faults_of_chargers() -> None:
    """Faults in which the primary must play a part are left out where the primary is not ours."""
    plans = FleetConfig(chargers=len(FAULTS), fault_share=1, own_primary=False).plans()
    faults = [plan.fault for plan in plans]
    assert all(fault is not None and fault.primary is None for fault in faults)


async def _exchange(behaviour: Behaviour, texts: list[str], answers: int) -> list[str]:
    config = PrimaryConfig(behaviours={"CP 1": behaviour})
    async with (
        Primary(config) as primary,
        connect(f"{primary.url}/CP%201", subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as charger,
    ):
        assert charger.subprotocol == "ocpp1.6"
        for text in texts:
            await charger.send(text)
        async with asyncio.timeout(5):
            return [str(await charger.recv()) for _ in range(answers)]


def test_a_silent_primary_goes_on_answering_what_follows() -> None:
    """The unanswered call stays unanswered and holds up no other."""
    texts = ['[2,"a","Heartbeat",{}]', '[2,"b","Heartbeat",{}]']
    (answer,) = asyncio.run(_exchange(Behaviour(silent={"Heartbeat": 1}), texts, 1))
    assert json.loads(answer)[:2] == [3, "b"]


def test_a_slow_answer_comes_after_a_later_one() -> None:
    """A call answered slowly is overtaken by the next one."""
    texts = ['[2,"a","Heartbeat",{}]', '[2,"b","Heartbeat",{}]']
    answers = asyncio.run(_exchange(Behaviour(slow={"Heartbeat": 200_000}), texts, 2))
    assert [json.loads(answer)[1] for answer in answers] == ["b", "a"]


def test_a_call_error_and_an_unknown_action_are_refused_by_name() -> None:
    """A planted error is InternalError; an action that the primary does not know is a CALLERROR, not silence."""
    texts = ['[2,"a","Heartbeat",{}]', '[2,"b","FirmwareStatusNotification",{"status":"Idle"}]']
    answers = asyncio.run(_exchange(Behaviour(errors={"Heartbeat": 1}), texts, 2))
    assert sorted(json.loads(answer)[:3] for answer in answers) == [
        [4, "a", "InternalError"],
        [4, "b", "NotImplemented"],
    ]


def test_garbage_leaves_the_primary_running() -> None:
    """Texts that are no messages are passed over and the connection lives."""
    texts = ["[2,", "7", '{"a":1}', '[2,"b","Heartbeat",{}]']
    (answer,) = asyncio.run(_exchange(Behaviour(), texts, 1))
    assert json.loads(answer)[1] == "b"


def test_the_primary_can_command_a_connected_charger() -> None:
    """A command reaches the charger and its answer comes back; an unknown charger is an error."""

    async def command() -> tuple[dict[str, object] | None, str]:
        async with (
            Primary() as primary,
            connect(f"{primary.url}/CP1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as charger,
        ):
            await charger.send('[2,"a","Heartbeat",{}]')
            await charger.recv()
            asked = asyncio.create_task(primary.command("CP1", "Reset", {"type": "Soft"}))
            text = str(await charger.recv())
            call = parse(text)
            assert isinstance(call, Call)
            assert (call.action, call.payload) == ("Reset", {"type": "Soft"})
            await charger.send(json.dumps([3, call.message_id, {"status": "Rejected"}]))
            with pytest.raises(KeyError):
                await primary.command("CP2", "Reset", {"type": "Soft"})
            return await asked, text

    answer, _ = asyncio.run(command())
    assert answer == {"status": "Rejected"}


async def _wire(fault: Fault) -> list[str]:
    """What one charger with one fault really sends, read by a server that answers nothing but what it must."""
    received: list[str] = []
    config = FleetConfig(chargers=1, fault_share=1, faults=(fault,), duration_seconds=1, pace=BRISK)

    async with Primary(PrimaryConfig(behaviours=config.behaviours())) as primary:

        async def relay(charger: ServerConnection) -> None:
            assert charger.request is not None
            target = f"ws://127.0.0.1:{primary.port}{charger.request.path}"
            async with connect(target, subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as upstream:

                async def back() -> None:
                    async for text in upstream:
                        await charger.send(text)

                returning = asyncio.create_task(back())
                async for text in charger:
                    received.append(str(text))
                    await upstream.send(text)
                returning.cancel()

        async with serve(relay, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            report = await run_fleet(msgspec.structs.replace(config, url=f"ws://127.0.0.1:{port}/ocpp"))
            assert report.failures == {}
    return received


def test_raw_faults_reach_the_wire_as_they_stand() -> None:
    """A truncated text, a repeated text and a stray answer are on the wire, character for character."""
    truncated = asyncio.run(_wire(BY_NAME["truncated-json"]))
    assert sum(isinstance(parse(text), Malformed) for text in truncated) == 1
    repeated = asyncio.run(_wire(BY_NAME["call-sent-twice"]))
    assert len(repeated) - len(set(repeated)) == 1
    stray = asyncio.run(_wire(BY_NAME["answer-to-nothing"]))
    assert '[3,"5c2d6e365",{}]' in stray


def test_a_refused_connection_is_named() -> None:
    """Without a CSMS the report says for each charger what failed, and nothing is raised."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}/ocpp"
    report = asyncio.run(run_fleet(FleetConfig(url=url, chargers=2, duration_seconds=1, pace=BRISK)))
    assert sorted(report.failures) == ["DEMO-0001", "DEMO-0002"]
    assert "cannot connect" in report.failures["DEMO-0001"]
    assert report.started == 0


def test_a_connection_lost_in_a_call_is_named_at_once() -> None:
    """A CSMS that closes instead of answering ends the charger's run without waiting for a timeout."""

    async def slam(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(4001, "no")

    async def run() -> FleetReport:
        async with serve(slam, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            config = FleetConfig(url=f"ws://127.0.0.1:{port}", chargers=1, duration_seconds=1, pace=BRISK)
            async with asyncio.timeout(5):
                return await run_fleet(config)

    report = asyncio.run(run())
    assert "4001" in report.failures["DEMO-0001"]


def test_the_fleet_needs_a_url() -> None:
    """A config without URL is refused with the name of what is missing."""
    with pytest.raises(ValueError, match="url"):
        asyncio.run(run_fleet(FleetConfig()))


async def _command_line(*arguments: str, interrupted: bool = False) -> tuple[int, str, str]:
    async with Primary() as primary:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "demo",
            "--url",
            primary.url,
            *arguments,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        if interrupted:
            await asyncio.to_thread(until, lambda: primary.ledger, 60, "a session")
            process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


def test_the_command_line_prints_ground_truth() -> None:
    """`python -m demo --json` exits 0 with one document that names sessions and faults."""
    code, out, err = asyncio.run(_command_line("--chargers", "3", "--seconds", "1", "--faults", "0.34", "--json"))
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["started"] >= 3
    assert len(document["planted"]) == 1
    assert document["interrupted"] is False


def test_ctrl_c_ends_the_fleet_in_good_order() -> None:
    """After SIGINT the summary is printed, without a traceback, and the exit code is 130."""
    code, out, err = asyncio.run(_command_line("--chargers", "3", "--seconds", "60", interrupted=True))
    assert (code, err) == (130, "")
    assert "(interrupted)" in out


def test_a_wrong_url_is_refused_with_what_to_do() -> None:
    """The command line names the fault and the form that it wants."""
    code, _, err = asyncio.run(_command_line("--url", "http://x"))
    assert code == 2
    assert "ws://host:port/path" in err
