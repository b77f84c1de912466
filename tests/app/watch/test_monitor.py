"""The monitor's server: what it answers, and what it does with clients that it cannot use."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import msgspec
import pytest

from app.watch.health import Health, State, judged
from app.watch.metrics import Exposition, Sample
from app.watch.monitor import Monitor, MonitorError, states


@contextmanager
def _serving(health: Callable[[], Health] = judged, samples: Callable[[], list[Sample]] = list) -> Iterator[Monitor]:
    with Monitor("127.0.0.1", 0, Exposition("tap", samples), health) as monitor:
        yield monitor


def _ask(monitor: Monitor, path: str, method: str = "GET") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", monitor.port, timeout=5)) as client:
        client.request(method, path)
        answer = client.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    ("unhealthy", "degraded", "state", "status"),
    [
        ([], [], "healthy", 200),
        ([""], ["", ""], "healthy", 200),
        ([], ["", "Kafka is away"], "degraded", 200),
        (["it hangs"], ["Kafka is away"], "unhealthy", 503),
    ],
)
def test_readyz_tells_the_worst_state_with_all_reasons(
    unhealthy: list[str], degraded: list[str], state: str, status: int
) -> None:
    """Degraded answers 200, because starting again would mend nothing; only unhealthy answers 503."""
    with _serving(lambda: judged(unhealthy, degraded)) as monitor:
        code, body = _ask(monitor, "/readyz")
        alive, _ = _ask(monitor, "/healthz")
    said = msgspec.json.decode(body)

    assert (code, said["state"], alive) == (status, state, 200)
    assert said["reasons"] == [reason for reason in unhealthy + degraded if reason]
    assert said["meaning"]


def test_metrics_are_read_at_each_scrape() -> None:
    """Two scrapes show two values, and HEAD shows none."""
    values = iter((1, 2, 3))
    with _serving(samples=lambda: [Sample("shadow_tap_queue_depth", next(values))]) as monitor:
        first, second = (_ask(monitor, "/metrics")[1] for _ in range(2))
        head = _ask(monitor, "/metrics", "HEAD")
    assert b"\nshadow_tap_queue_depth 1.0\n" in first
    assert b"\nshadow_tap_queue_depth 2.0\n" in second
    assert head == (200, b"")


def test_the_state_is_a_metric() -> None:
    """Exactly the state that holds is 1."""
    values = {sample.labels[0]: sample.value for sample in states(judged([], ["Kafka is away"]))}

    assert values == {State.HEALTHY: 0.0, State.DEGRADED: 1.0, State.UNHEALTHY: 0.0}


def test_a_reading_that_fails_is_an_answer_and_the_monitor_goes_on() -> None:
    """500 without details; the next question is answered."""

    def broken() -> Health:
        raise RuntimeError("secret detail")

    with _serving(broken) as monitor:
        status, body = _ask(monitor, "/readyz")
        assert (status, _ask(monitor, "/healthz")[0]) == (500, 200)
    assert b"secret detail" not in body


def test_nothing_else_is_served() -> None:
    """Other paths are 404, other methods 501."""
    with _serving() as monitor:
        assert _ask(monitor, "/../../etc/passwd")[0] == 404
        assert _ask(monitor, "/metrics", "POST")[0] == 501


def test_clients_that_dawdle_leave_room_for_none_but_harm_nothing() -> None:
    """Eight that say nothing hold all places; the ninth is hung up on, and served when one of them has gone."""
    with _serving() as monitor:
        threads = threading.active_count()
        idle = [socket.create_connection(("127.0.0.1", monitor.port)) for _ in range(8)]
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            _ask(monitor, "/healthz")
        assert threading.active_count() <= threads + len(idle)
        for one in idle:
            one.close()
        for _ in range(100):
            try:
                assert _ask(monitor, "/healthz")[0] == 200
                break
            except (http.client.RemoteDisconnected, ConnectionResetError):
                threading.Event().wait(0.05)
        else:
            pytest.fail("no place was given back")


def test_a_port_that_is_taken_is_named() -> None:
    """The message names address, reason and setting."""
    with _serving() as monitor:
        second = Monitor("127.0.0.1", monitor.port, Exposition("tap", list), judged)
        with pytest.raises(MonitorError, match=rf"^monitor: cannot listen on 127\.0\.0\.1:{monitor.port}: .*monitor_p"):
            second.start()
