"""What tests of the tap share: both event loops, and certificates made by openssl."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

Run = Callable[[Awaitable[None]], None]


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Both event loops: the tap must behave the same on each."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield lambda work: runner.run(asyncio.wait_for(work, 30))  # type: ignore[arg-type]  # a coroutine


@dataclass(frozen=True)
class Certificates:
    """An authority, a server's certificate for `localhost`, and a charging station's."""

    ca: Path
    other_ca: Path
    """Which has signed nothing here."""
    cert: Path
    key: Path
    next_cert: Path
    """The one that follows."""
    next_key: Path
    charger_cert: Path
    charger_key: Path


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made by openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    there = tmp_path_factory.mktemp("certificates")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        _openssl("req", "-x509", *new_key, "-keyout", there / f"{name}.key", "-out", there / f"{name}.pem", "-days", 2,
                 "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    names = there / "names"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, subject in (("cert", "/CN=localhost"), ("next", "/CN=next"), ("charger", "/O=Acme/CN=CP1")):
        _openssl("req", "-new", *new_key, "-keyout", there / f"{name}.key", "-out", there / "csr", "-subj", subject)
        _openssl("x509", "-req", "-in", there / "csr", "-CA", there / "ca.pem", "-CAkey", there / "ca.key", "-days", 2,
                 "-CAcreateserial", "-extfile", names, "-out", there / f"{name}.pem")  # fmt: skip
    return Certificates(
        there / "ca.pem", there / "other.pem", there / "cert.pem", there / "cert.key", there / "next.pem",
        there / "next.key", there / "charger.pem", there / "charger.key",
    )  # fmt: skip
