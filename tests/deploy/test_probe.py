"""The health check of the containers, against servers that answer as ours do."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from app.stack.probe import probe
from app.watch.health import judged

ROOT = Path(__file__).resolve().parents[2]
Serve = Callable[[int, bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer every request with a status and a body; gives the port."""
    servers: list[HTTPServer] = []

    def begin(status: int, body: bytes) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path in ("/readyz", "/_stcore/health") else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server.server_port

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("health", "status", "told"),
    [
        (judged(), 200, (True, "healthy")),
        (judged(degraded=["Kafka takes nothing"]), 200, (True, "degraded: Kafka takes nothing")),
        (judged(unhealthy=["it is stuck"]), 503, (False, "503: unhealthy: it is stuck")),
    ],
)
def test_what_a_monitor_says_decides(serve: Serve, health: object, status: int, told: object) -> None:
    """Healthy and degraded are well, as starting again would mend neither; unhealthy is not, and says why."""
    port = serve(status, msgspec.json.encode(health))

    assert probe("monitor", {"SHADOW_MONITOR_PORT": str(port)}) == told


def test_the_dashboard_is_asked_for_its_pages(serve: Serve) -> None:
    """What Streamlit answers is told as it is."""
    assert probe("dashboard", {"SHADOW_DASHBOARD_PORT": str(serve(200, b"ok"))}) == (True, "ok")


def test_nobody_there_is_not_well() -> None:
    """A port that nobody listens on, and no port at all."""
    well, line = probe("monitor", {"SHADOW_MONITOR_PORT": "1"})
    assert not well
    assert "http://127.0.0.1:1/readyz does not answer" in line

    well, line = probe("monitor", {})
    assert not well
    assert line == "SHADOW_MONITOR_PORT names no port, so there is nothing to ask"


@pytest.mark.parametrize(("words", "code"), [(["monitor"], 1), (["nothing"], 2), ([], 2)])
def test_the_exit_code_is_what_a_health_check_reads(words: list[str], code: int) -> None:
    """Not well is 1; a call that makes no sense is 2 with the usage."""
    command = [sys.executable, "-m", "app.stack.probe", *words]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert ("usage" in done.stderr) == (code == 2)
