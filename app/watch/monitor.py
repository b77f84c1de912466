"""A small HTTP server for whoever watches: /metrics, /healthz and /readyz.

`/healthz` says 200 while the process is alive. `/readyz` says how it does its work: 200 where it is *healthy* or
*degraded*, 503 where it is *unhealthy*. Degraded answers 200 because a supervisor acts on the status code, and what
makes the shadow blind (Kafka away, ClickHouse away) is not mended by starting this process again; at the tap a restart
would cut the connections of charging stations for nothing. Alerts go by the state and the metrics.

It reads and changes nothing. It listens on loopback unless told otherwise, answers few requests at a time and gives
up on clients that dawdle.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import msgspec

from app.watch.health import Health, State
from app.watch.metrics import CONTENT_TYPE, Exposition, Sample

__all__ = ["Monitor", "MonitorError", "states"]

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 8
"""Requests; those beyond are closed unanswered."""
_PATIENCE: Final = 5.0


class MonitorError(Exception):
    """The monitor cannot listen; the message says on what and what to do."""


class Monitor:
    """Serves until it is stopped, in threads of its own. A context manager."""

    def __init__(self, host: str, port: int, exposition: Exposition, health: Callable[[], Health]) -> None:
        """Prepare. `health` is called by each /readyz, in a thread of the monitor; 0 takes a free port."""
        self._address = (host, port)
        self._exposition, self._health = exposition, health
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port taken, once started."""
        return 0 if self._server is None else int(self._server.server_address[1])

    def start(self) -> None:
        """Listen. Raises `MonitorError`."""
        host, port = self._address
        try:
            self._server = _Server(self._address, _handler(self._exposition, self._health))
        except OSError as error:
            raise MonitorError(
                f"monitor: cannot listen on {host}:{port}: {error.strerror}; free it, or set monitor_port (0 for none)"
            ) from None
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def stop(self) -> None:
        """Answer nothing more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def states(health: Health) -> list[Sample]:
    """The state as metrics, so that alerts can go by it."""
    return [Sample("shadow_state", float(health.state is state), (state.value,)) for state in State]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the interface of socketserver
        _log.debug("a client of the monitor went away", exc_info=True)


def _handler(exposition: Exposition, health: Callable[[], Health]) -> type[BaseHTTPRequestHandler]:
    def alive() -> tuple[int, str, bytes]:
        return HTTPStatus.OK, "text/plain; charset=utf-8", b"alive\n"

    def ready() -> tuple[int, str, bytes]:
        found = health()
        status = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", msgspec.json.encode(found) + b"\n"

    def metrics() -> tuple[int, str, bytes]:
        return HTTPStatus.OK, CONTENT_TYPE, exposition.text()

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version = "shadow-csms"
        sys_version = ""
        answers: ClassVar = {"/healthz": alive, "/readyz": ready, "/metrics": metrics}

        def do_GET(self) -> None:
            answer = self.answers.get(self.path.partition("?")[0])
            if answer is None:
                self.send_error(HTTPStatus.NOT_FOUND, explain="there are /metrics, /healthz and /readyz")
                return
            try:
                status, kind, body = answer()
            except Exception:  # noqa: BLE001 - whatever is wrong with a reading, the process and its monitor go on
                _log.exception("%s cannot be answered", self.path[:80])
                self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - what http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the interface of http.server
            _log.debug(format, *args)

    return Handler
