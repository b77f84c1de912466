"""The webhook against a real HTTP server: signed, bounded, repeated where that helps, and silent about its address."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.alerting.webhook import AddressError, RefusedError, UndeliveredError, Webhook, flaw_of, signature
from diff.alerts.alert import Alert, AlertKind, AlertState
from diff.discrepancy import Severity

ALERT = Alert(
    "a1", AlertKind.BLIND_TAP, AlertState.OPEN, Severity.MAJOR, "CP1", "CP1", "not everything is seen", "2 gaps", 1, 2,
    link="https://shadow.example/discrepancies?charger=CP1",
)  # fmt: skip


class Receiver:
    """A server that answers with the statuses it is given, then with 204, and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), body))
                status = receiver.statuses.pop(0) if receiver.statuses else 204
                self.send_response(status)
                if status in (301, 307):
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/s3cret?key=t0ken"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of the test's own."""
    found = Receiver()
    yield found
    found.stop()


def test_an_alert_is_posted_whole_and_signed(receiver: Receiver) -> None:
    """The record as on the topic with a line of text, an id to tell repeats by, and an HMAC over moment and body."""
    Webhook(receiver.url, "key", clock=lambda: 1_780_300_800.9).send(ALERT)
    ((path, headers, body),) = receiver.got
    assert path == "/hooks/s3cret?key=t0ken"
    assert headers["X-Shadow-Alert"] == "a1@open"
    assert headers["X-Shadow-Signature"] == signature("key", "1780300800", body)
    assert headers["X-Shadow-Timestamp"] == "1780300800"
    document = json.loads(body)
    assert document["kind"] == "blind-tap"
    assert document["text"] == f"[major] not everything is seen: 2 gaps {ALERT.link}"


def test_without_a_key_nothing_is_signed(receiver: Receiver) -> None:
    """No header that looks like a signature."""
    Webhook(receiver.url).send(ALERT)
    assert "X-Shadow-Signature" not in receiver.got[0][1]


def test_what_passes_is_tried_again_with_growing_pauses(receiver: Receiver) -> None:
    """A server error and too many requests: three attempts, then it is left to the next look."""
    pauses: list[float] = []
    receiver.statuses = [503, 429]
    Webhook(receiver.url, sleep=pauses.append).send(ALERT)
    assert (len(receiver.got), pauses) == (3, [0.5, 2.0])
    receiver.statuses = [500, 502, 503]
    with pytest.raises(UndeliveredError, match=r"at 127\.0\.0\.1 did not take an alert: status 503"):
        Webhook(receiver.url, sleep=pauses.append).send(ALERT)


@pytest.mark.parametrize("status", [307, 400, 410])
def test_what_will_not_pass_is_not_repeated(receiver: Receiver, status: int) -> None:
    """A refusal is final, and a redirect is not followed."""
    receiver.statuses = [status]
    with pytest.raises(RefusedError, match=f"with status {status}"):
        Webhook(receiver.url).send(ALERT)
    assert len(receiver.got) == 1


def test_nobody_there_and_no_certificate_are_told_without_the_address(receiver: Receiver) -> None:
    """Neither path nor key of the address stands in a message; a server without TLS is not trusted with https."""
    port = receiver.port
    receiver.stop()
    for url in (f"http://127.0.0.1:{port}/s3cret", f"https://127.0.0.1:{port}/s3cret"):
        with pytest.raises(UndeliveredError) as told:
            Webhook(url, sleep=lambda _: None).send(ALERT)
        assert "s3cret" not in str(told.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: Receiver) -> None:
    """Plain HTTP behind https://: the handshake fails, nothing is sent."""
    with pytest.raises(UndeliveredError, match="SSL"):
        Webhook(receiver.url.replace("http:", "https:"), sleep=lambda _: None).send(ALERT)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host/x", "write https://"),
        ("https://", "write https://"),
        ("http://example.com/x", "loopback only"),
        ("https://user:pass@host/x", "no user"),
        ("https://[::1", "no URL"),
    ],
)
def test_addresses_that_alerts_do_not_go_to(url: str, says: str) -> None:
    """Said without repeating the address."""
    assert says in flaw_of(url)
    with pytest.raises(AddressError):
        Webhook(url)
    assert flaw_of("https://hooks.example/x?y=z") == ""
