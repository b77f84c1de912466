"""`python -m demo --primary`: fleet and CSMS in one process, round after round, as the demo profile runs them."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.__main__ import _arguments, _config
from demo.fleet import FleetConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(port: int, *arguments: str) -> subprocess.Popen[str]:
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "demo", "--url", f"ws://{address}/ocpp", "--primary", address, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _documents(text: str) -> Iterator[dict]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


def test_rounds_follow_each_other_until_a_container_is_stopped(port: int) -> None:
    """The first round lives against the primary in the same process; SIGTERM in the second sums up, exit code 130."""
    with _start(port, "--chargers", "2", "--seconds", "1", "--faults", "0", "--rounds", "0", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begin = process.stdout.readline()  # it is printed when the round is over
        time.sleep(1)  # into the second one
        process.send_signal(signal.SIGTERM)
        out, err = process.stdout.read(), process.stderr.read()

    first, second = _documents(begin + out)
    assert {session["charger_id"] for session in first["sessions"]} == {"DEMO-0001", "DEMO-0002"}
    assert not first["failures"]
    assert (first["interrupted"], second["interrupted"]) == (False, True)
    assert (process.returncode, err) == (130, "")


def test_each_round_has_charging_stations_of_its_own() -> None:
    """No station comes back as another one with another past, and no round repeats the plan of the one before."""
    first, second = (_config(_arguments(["--url", "ws://h:1/x"]), number) for number in (1, 2))

    assert not {plan.persona.charger_id for plan in first.plans()} & {
        plan.persona.charger_id for plan in second.plans()
    }
    assert first.seed != second.seed


def test_the_primary_plants_faults_too(port: int) -> None:
    """With a CSMS of its own a fleet gets faults that only a primary can make."""
    address = f"127.0.0.1:{port}"
    words = ["--url", f"ws://{address}/ocpp", "--chargers", "40", "--faults", "1"]
    alone = _config(_arguments(words), 1)
    both = _config(_arguments([*words, "--primary", address]), 1)

    assert _of_the_primary(both) > 0
    assert _of_the_primary(alone) == 0


def _stations(config: FleetConfig) -> set[str]:
    return {plan.persona.charger_id for plan in config.plans()}


def _of_the_primary(config: FleetConfig) -> int:
    return sum(plan.fault is not None and plan.fault.primary is not None for plan in config.plans())


def test_an_address_that_is_taken_is_said(port: int) -> None:
    """Exit code 2 with the address, the reason and what to do."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", port))
        held.listen()
        process = _start(port, "--chargers", "1")
        _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert err == (
        f"demo: the primary cannot listen on 127.0.0.1:{port}: Address already in use; "
        "name another address with --primary\n"
    )


@pytest.mark.parametrize(
    "words", [("--primary", "9000"), ("--primary", "h:0"), ("--primary", "h:x"), ("--rounds", "-1")]
)
def test_what_cannot_be_is_refused(words: tuple[str, str]) -> None:
    """An address needs host and port, rounds are not negative."""
    command = [sys.executable, "-m", "demo", "--url", "ws://h:1/x", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert words[0] in done.stderr
